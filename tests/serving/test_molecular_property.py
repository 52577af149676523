"""Answers about molecules: ranks, spread, sets, domain, the check of labels, comparisons."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.serving import molecular_property as mol
from core.serving import molecule_reliability as reliability
from core.serving.few_shot import Scores
from core.serving.molecular_property import Question, answer
from core.serving.molecule_case import open_case
from core.serving.molecule_table import ROLES, Lists, parse_text
from tests.serving.toy_molecules import (
    ASKED,
    NITRO,
    PLAIN,
    lists_of,
    serve_from,
    write_artifacts,
)

LISTS = lists_of(NITRO, PLAIN, ASKED)


@pytest.fixture(autouse=True, scope="module")
def artifacts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("trained")
        serve_from(write_artifacts(root, "protonet", "par", "pacia", familiar=[[1, 5]]), patch)
        yield root


def question(candidate=ASKED, model="protonet-toy", active=NITRO, inactive=PLAIN, **options):
    return Question(model, lists_of(active, inactive, candidate), **options)


def probabilities(found):
    return {one.row.title: one.probability for one in found.predictions}


def test_candidates_are_ranked_with_everything_a_person_needs():
    found = answer(question())
    assert [one.row.id for one in found.predictions] == ["C1", "C2", "C3", "C4"]
    assert [one.rank for one in found.ranked] == [1, 2, 3, 4]
    best = found.of("C1")
    assert best.probability > 0.5
    assert best.above
    assert best.low <= best.high
    assert best.classes[0] == "active"
    assert best.domain.flag == "inside"
    assert best.domain.nearest.startswith("A")
    assert best.domain.auc == 0.8
    assert best.domain.familiar == 0.0
    assert "MO-N05" in [flag.code for flag in best.flags]  # a nitro group is on Brenk's list
    assert found.of("C2").classes == ("inactive",)
    assert found.coverage == 0.887
    assert found.coverage_note.startswith("Promised 90%, measured 88.7% on test molecules with 10")
    assert found.num_redraws == 20
    assert (found.ledger.labels, found.ledger.metric.value) == (8, 0.7)
    assert found.shuffle.verdict == "labels"
    assert [row.id for row in found.support] == ["A1", "A2", "A3", "A4", "I1", "I2", "I3", "I4"]
    assert [notice.code for notice in found.notices] == ["MO-N07"]


@pytest.mark.parametrize("model", ["protonet-toy", "pacia-toy"])
def test_the_first_answer_is_the_answer_without_what_takes_long(model):
    first, found = mol.first_answer(question(model=model)), answer(question(model=model))
    assert (first.shuffle, first.num_redraws) == (None, 0)
    assert {one.low for one in first.predictions} == {None}
    assert probabilities(first) == probabilities(found)
    for one, other in zip(first.predictions, found.predictions, strict=True):
        assert (one.rank, one.classes, one.domain) == (other.rank, other.classes, other.domain)
        assert other.low <= other.high
    assert found.seconds > first.seconds


@pytest.mark.parametrize("model", ["protonet-toy", "par-toy", "pacia-toy", "nearest-toy"])
def test_the_order_of_rows_changes_no_number(model):
    turned = Lists(*(tuple(reversed(getattr(LISTS, role))) for role in ROLES))
    one, other = (answer(Question(model, lists)) for lists in (LISTS, turned))
    assert probabilities(one) == probabilities(other)
    spread = [{x.row.title: (x.low, x.high) for x in found.predictions} for found in (one, other)]
    assert spread[0] == spread[1]
    assert one.shuffle == other.shuffle


def test_every_row_comes_back_and_known_ones_are_not_counted():
    rows = f"{ASKED}\nC1CC(\nOCCO known\nO=[N+]([O-])c1ccc(Cl)cc1 again\nN[Pt](N)(Cl)Cl"
    found = answer(question(rows))
    assert [one.row.status for one in found.predictions] == [
        "ok", "ok", "ok", "ok", "refused", "known", "duplicate", "ok",
    ]  # fmt: skip
    assert [one.probability is None for one in found.predictions] == [
        False, False, False, False, True, True, False, False,
    ]  # fmt: skip
    first, again = found.of("C1"), found.of("C7")
    assert (first.probability, first.rank) == (again.probability, again.rank)
    assert found.of("C2").rank > 2  # a shared rank takes two places
    platinum = found.of("C8")
    assert platinum.domain.flag == "outside"
    assert platinum.domain.reason == "The model has never seen the element Pt."
    assert probabilities(found)["sugar"] == pytest.approx(
        probabilities(answer(question()))["sugar"], abs=1e-6
    )


def test_questions_that_cannot_be_asked():
    for broken, code in (
        (question(active=""), "MO-E06"),
        (question(model="svm-toy"), "MO-E15"),
    ):
        with pytest.raises(InputError) as caught:
            answer(broken)
        assert caught.value.code == code


def test_more_than_the_page_can_take_belongs_into_a_job(monkeypatch):
    monkeypatch.setattr("core.serving.molecule_case.MAX_CANDIDATES", 3)
    with pytest.raises(InputError, match="Predict them as a job") as caught:
        answer(question(threshold=0.4))
    assert caught.value.code == "MO-E13"


def test_a_question_survives_json():
    asked = question(strip_salts=False, threshold=0.7)
    assert Question.from_json(asked.to_json()) == asked


def test_without_calibration_the_sets_promise_nothing(artifacts, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        serve_from(write_artifacts(tmp_path, "protonet", calibration={}, elements=None), patch)
        found = answer(question())
        assert (found.level, found.coverage) == (None, None)
        assert found.coverage_note.startswith("Not calibrated")
        assert all(len(one.classes) == 1 for one in found.ranked)
    serve_from(artifacts, pytest.MonkeyPatch())


class Prior:
    """Answers that never look at the labels, and answers that are nothing but labels."""

    def __init__(self, values, weight):
        self.values, self.weight = np.array(values), weight

    def scores(self, _rows, labels):
        return Scores(np.clip(self.values + self.weight * (labels[0] - 0.5), 0, 1))


@pytest.mark.parametrize(
    ("values", "weight", "verdict", "words"),
    [
        ([0.1, 0.5, 0.9, 0.6], 0.0, "prior", "correlation 1.00"),
        ([0.1, 0.5, 0.9, 0.6], 0.01, "prior", "not your assay"),
        ([0.5, 0.5], 0.8, "unknown", "too few candidates"),
        ([0.5], 0.0, "prior", "mean change of the probability 0.00"),
    ],
)
def test_shuffled_labels_show_the_prior(values, weight, verdict, words):
    case = open_case(question())
    prior = Prior(values, weight)
    asked = case.calibrate(prior.scores(case.all_rows, case.labels).probability)
    found = reliability.shuffle_labels(case, prior, asked)
    assert (found.verdict, found.num) == (verdict, 10)
    assert words in found.sentence
    assert found.sentence.startswith("Your 8 labels")


def test_arrangements_of_labels_are_all_different_and_never_the_true_one():
    labels = np.array([1, 0])
    assert [one.tolist() for one in reliability._arrangements(labels, 10)] == [[0, 1]]
    labels = np.array([1, 1, 0, 0])
    found = {tuple(one) for one in reliability._arrangements(labels, 10)}
    assert len(found) == 5
    assert tuple(labels) not in found
    assert all(sum(one) == 2 for one in found)


def test_few_known_molecules_are_not_redrawn():
    few = question(active="c1ccccc1", inactive="CCO")
    found = answer(few)
    assert found.num_redraws == 0
    assert found.ranked[0].low is None
    assert found.shuffle.num == 1


def test_redraws_are_fewer_where_they_are_dear():
    par = open_case(question(model="par-toy"))
    assert reliability.num_redraws(par, 10) == 20
    assert reliability.num_redraws(par, 400) == 10
    assert reliability.num_redraws(par, 10_000) == 5
    assert reliability.num_redraws(open_case(question()), 10_000) == 20
    assert reliability.num_redraws(open_case(question(model="forest-toy")), 4) == 5


def test_two_bad_signals_make_a_row_uncertain():
    found = answer(question())
    row = replace(found.of("C1"), classes=("active", "inactive"))
    outside = replace(row.domain, flag="outside")
    prior = replace(found.shuffle, verdict="prior")
    assert not mol.judge(row, found.shuffle).uncertain
    assert mol.judge(replace(row, domain=outside), found.shuffle).uncertain
    assert mol.judge(row, prior).uncertain
    assert not mol.judge(replace(row, classes=("active",)), prior).uncertain


def test_models_side_by_side():
    found = mol.compare(question(), ["protonet-toy", "nearest-toy", "protonet-toy"])
    assert [one.model for one in found.answers] == ["protonet-toy", "nearest-toy", "protonet-toy"]
    assert found.correlations[0] == found.correlations[2] == pytest.approx(1)
    assert -1 <= found.correlations[1] < 1.0001
    gaps = [one.disagreement for one in found.rows]
    assert gaps == sorted(gaps, reverse=True)
    first = found.rows[0]
    assert first.disagreement == (max(first.ranks) - min(first.ranks)) / 4


def test_spearman_with_ties_by_hand():
    assert mol._spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert mol._spearman([1, 1, 3], [1, 2, 3]) == pytest.approx(np.sqrt(0.75))
    assert mol._spearman([1], [1]) == mol._spearman([1, 1], [1, 2]) == 0


def test_what_a_changed_label_changes():
    before = question()
    swapped = before.lists.active[0]
    lists = before.lists.with_role("active", before.lists.active[1:])
    after = replace(before, lists=lists.with_role("inactive", (*before.lists.inactive, swapped)))
    found = mol.changes(before, after)
    assert len(found) == 4
    assert [abs(one.difference) for one in found] == sorted(
        (abs(one.difference) for one in found), reverse=True
    )
    chloro = next(one for one in found if one.row.title == "chloro")
    assert chloro.difference < 0
    without = replace(before, lists=before.lists.with_role("candidate", parse_text("CCOCC ether")))
    gone = [one for one in mol.changes(before, without) if one.after is None]
    assert len(gone) == 3
    assert gone[0].difference == 0
