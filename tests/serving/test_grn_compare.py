"""A network beside others: classes, disagreements, curves, costs."""

import numpy as np
import pytest

from core.serving import gene_regulation as grn
from core.serving import grn_compare
from core.serving.grn_question import Question
from tests.serving import toy_regulation as toy


@pytest.fixture(scope="module")
def answer(home) -> grn.Answer:
    question = Question("upload:compare")
    toy.write(home / "trained", question.artifact)
    return grn.answer(question)


def test_views_are_this_network_the_prior_and_degrees_of_trust(answer):
    own, prior, *trusts = grn_compare.views(answer)
    assert own.counts == answer.counts
    assert own.figures["balanced_accuracy"] == 1.0
    assert "valid_mse" not in own.figures  # λ = 0.5 / 0.75 is in no trial of the toy
    assert prior.counts == {"kept": 13, "refused": 0, "new": 0, "contradicted": 0}
    assert prior.figures["balanced_accuracy"] < 1
    assert [view.trust for view in trusts] == [0, 0.25, 0.5, 0.75, 0.9, 1]
    assert trusts[0].name == "λ = 0 (magnitude)"
    assert trusts[-1].figures["balanced_accuracy"] == pytest.approx(0.8)
    for view in (own, prior, *trusts):
        edges = (view.effect != 0) | (answer.network.prior.matrix != 0)
        assert sum(view.counts.values()) == edges.sum()


def test_two_networks_disagree_first_where_the_difference_is_largest(answer):
    own, prior, *_ = grn_compare.views(answer)
    found = grn_compare.disagree(answer, own, prior)
    gaps = [abs(edge.values[0] - edge.values[1]) for edge in found]
    assert gaps == sorted(gaps, reverse=True)
    assert (found[0].regulator, found[0].target) == ("R3", "T9")
    assert found[0].values[0] < 0 < found[0].values[1]
    assert grn_compare.disagree(answer, own, own) == []


def test_curves_are_means_over_the_seeds_of_each_step(answer):
    points = grn_compare.curve(answer, "test_mse")
    dash = [one for one in points if one.method == "DASH"]
    assert [one.sparsity for one in dash] == [0.0, 0.5, 0.8, 0.9]
    assert {one.seeds for one in points} == {2}
    rows = [row for row in answer.network.knowledge["curves"]
            if row["method"] == "dash" and row["sparsity"] == 0.8]  # fmt: skip
    assert dash[2].value == pytest.approx(np.mean([row["test_mse"] for row in rows]))
    assert len([one for one in points if one.method == "not pruned"]) == 1
    last = dict(grn_compare.at_the_end(answer))
    assert last["DASH"]["balanced_accuracy"] > last["magnitude"]["balanced_accuracy"]
    assert last["not pruned"]["sparsity"] == 0


def test_a_figure_that_was_not_measured_has_no_curve(home):
    question = Question("upload:nocurve")
    curves = [row | {"balanced_accuracy": None} for row in toy.knowledge()["curves"]]
    toy.write(home / "trained", question.artifact, curves=curves, trust_runs=[], corruption=[])
    found = grn.answer(question)
    assert grn_compare.curve(found, "balanced_accuracy") == []
    assert "balanced_accuracy" not in dict(grn_compare.at_the_end(found))["DASH"]
    assert grn_compare.trust_views(found) == []
    assert grn_compare.corruption(found) == {}


def test_wrong_priors_are_listed_by_share_in_the_order_of_the_methods(answer):
    found = grn_compare.corruption(answer)
    assert list(found) == [0.0, 0.2, 0.4]
    assert [method for method, _, _ in found[0.4]] == ["DASH", "magnitude", "prior only"]
    assert found[0.4][2][1] == pytest.approx(0.66)


def test_costs_state_weights_trust_and_the_figures_of_the_card(answer):
    rows = dict(grn_compare.costs(answer))
    assert rows["Weights kept"] == "51 of 512"
    assert rows["Trust in partners / prior (λ)"] == "0.5 / 0.75"
    assert rows["mse, test part"] == "0.004"
    assert grn_compare.say_trust([0.5, 0.5]) == "0.5"


def test_the_table_has_every_edge_with_its_class(answer):
    header, rows = grn_compare.edge_cells(answer)
    assert header[:5] == ("TF", "target", "weight", "class", "frequency")
    assert len(rows) == answer.num_edges
    by_edge = {row[:2]: row for row in rows}
    assert by_edge["R3", "T9"][3:8] == ("contradicted", pytest.approx(0.9), "represses", 1.0, "yes")
    assert by_edge["R4", "T1"][2:4] == (0.0, "refused")
