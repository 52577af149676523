"""Answers about two drugs, with a model that was never trained."""

from dataclasses import replace

import numpy as np
import pytest

from core.chemistry.structure import many_morgan_bits
from core.errors import ArtifactError, InputError, UnknownName
from core.knowledge.calibration import softmax
from core.serving.ddi_networks import context
from core.serving.drug_interaction import (
    NewDrug,
    Query,
    answer,
    open_case,
    rows_of,
)
from tests.ddi_fixtures import forget, untrained_models, write_untrained  # noqa: F401

pytestmark = pytest.mark.usefixtures("untrained_models")

KNOWN = Query("starter", "fluoxetine", "metoprolol")
EMERGING = Query("starter", "fluconazole", "warfarin")
BOTH_NEW = Query("starter", "quinidine", "nebivolol")
FLUOXETINE = "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1"
RELATIVE = "CNCCC(Oc1ccc(cc1)C(F)(F)Cl)c1ccccc1"


def table(found):
    return {(row.type_id, row.head_id): row for row in found.rows}


@pytest.mark.parametrize("query", [KNOWN, EMERGING, BOTH_NEW])
def test_all_rows_sum_to_one_best_first(query):
    found = answer(query)
    probabilities = [row.probability for row in found.rows]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
    kinds = context("starter").network.types
    symmetric = sum(kind.symmetric for kind in kinds)
    assert len(found.rows) == symmetric + 2 * (len(kinds) - symmetric)
    assert found.set_size == sum(row.in_set for row in found.rows) >= 1
    assert found.rows[0].in_set


@pytest.mark.parametrize("query", [KNOWN, EMERGING, BOTH_NEW])
def test_exchanging_the_drugs_changes_nothing_but_their_place(query):
    found, turned = answer(query), answer(Query(query.network, query.second, query.first))
    other = table(turned)
    for key, row in table(found).items():
        assert other[key].probability == pytest.approx(row.probability, abs=1e-6)
        assert other[key].path_probability == pytest.approx(row.path_probability, abs=1e-6)
        assert (other[key].in_set, other[key].status) == (row.in_set, row.status)
        assert other[key].sentence == row.sentence
    assert turned.first_name == found.second_name


@pytest.mark.parametrize(
    ("query", "setting", "words"),
    [
        (KNOWN, "S0", "Both drugs are known"),
        (EMERGING, "S1", "warfarin is new to the model"),
        (BOTH_NEW, "S2", "quinidine and nebivolol are new"),
    ],
)
def test_setting_with_the_measured_accuracy_in_words(query, setting, words):
    found = answer(query)
    assert found.setting == setting
    assert found.setting_note.startswith(words)
    accuracy = {"S0": "91%", "S1": "81%", "S2": "48%"}[setting]
    assert accuracy in found.setting_note
    assert found.coverage == (0.89 if setting == "S1" else 0.9)


def test_what_is_recorded_between_the_two_is_never_used():
    """Taking the recorded interaction away changes neither path network nor vote."""
    fact = ("fluoxetine", "metabolism-decreased", "metoprolol")
    case = open_case(KNOWN)
    number = case.fact_number(_rows(case, fact))
    assert number is not None
    assert number not in case.paths.facts
    without = table(answer(Query("starter", KNOWN.first, KNOWN.second, removed=(fact,))))
    for key, row in table(answer(KNOWN)).items():
        assert without[key].probability == row.probability
        assert without[key].vote_share == row.vote_share


def _rows(case, fact):
    network = case.context.network
    kinds = [kind.id for kind in network.types]
    return network.rows[fact[0]], kinds.index(fact[1]), network.rows[fact[2]]


def test_status_and_notice_of_known_and_held_out_interactions():
    known = answer(KNOWN)
    assert table(known)["metabolism-decreased", "fluoxetine"].status == "known"
    assert table(known)["metabolism-decreased", "metoprolol"].status == "new"
    [notice] = known.notices
    assert notice.code == "DD-E06"
    assert "fluoxetine can slow the metabolism of metoprolol." in notice.text
    hidden = answer(EMERGING)
    assert table(hidden)["metabolism-decreased", "fluconazole"].status == "held out"
    assert hidden.notices == ()


def test_two_new_drugs_are_announced_with_their_accuracy():
    [notice] = answer(BOTH_NEW).notices
    assert notice.code == "DD-E07"
    assert "48% against 77% with one" in notice.text


def test_both_orders_are_the_flow_in_both_directions():
    case = open_case(EMERGING)
    first, second = case.ends
    everything = np.ones((1, len(case.paths.facts)), dtype=bool)
    logits = case.model.flow.both(
        first.bits[None], second.bits[None], case.paths.overlays(everything)
    )
    row = next(row for row in rows_of(case) if row.head_id == second.id)
    turned = case.paths_of(row)
    assert (turned.head, turned.tail) == (second.node, first.node)
    again = case.model.flow.logits(second.bits[None], first.bits[None], turned.overlays(everything))
    assert np.allclose(logits[1], again * case.model.flow.temperature, atol=1e-5)
    assert not np.allclose(logits[0], logits[1], atol=1e-7)


def test_path_probability_is_the_calibrated_path_network():
    case = open_case(EMERGING)
    row = rows_of(case)[0]
    head, tail = case.ends_of(row)
    paths = case.paths_of(row)
    logits = case.model.flow.overlaid(
        head.bits, tail.bits, paths, np.ones((1, len(paths.facts)), dtype=bool)
    )
    kind = [one.id for one in case.context.network.types].index(row.type_id)
    assert softmax(logits)[0, kind] == pytest.approx(row.path_probability, abs=1e-6)


def test_votes_agree_with_the_vote_of_many_pairs():
    for query in (KNOWN, EMERGING, BOTH_NEW):
        case = open_case(query)
        heads = np.array([case.ends[0].row, case.ends[1].row])
        expected = case.vote.scores(heads, heads[::-1])
        assert np.allclose(case.scores.votes, expected, rtol=1e-4, atol=1e-7)


def test_similar_interactions_carry_the_vote():
    case = open_case(EMERGING)
    row = rows_of(case)[0]
    found = case.similar(row, 1000)
    kind = [one.id for one in case.context.network.types].index(row.type_id)
    order = 0 if row.head_id == case.ends[0].id else 1
    assert sum(one.weight for one in found) == pytest.approx(
        float(case.scores.votes[order, kind]), rel=1e-4
    )


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        (Query("starter", "warfarin", "Coumadin"), "DD-E01", "Both are warfarin."),
        (Query("starter", "warfarinn", "metoprolol"), "DD-E02", 'Did you mean "warfarin"'),
        (Query("nowhere", "warfarin", "metoprolol"), "DD-E02", "network"),
        (Query("starter", NewDrug("XY-1"), "metoprolol"), "DD-E03", "at least one fact"),
        (
            Query("starter", NewDrug("XY-1", facts=(("inhibitor", "CYP2D66"),)), "metoprolol"),
            "DD-E04", 'Did you mean "CYP2D6"',
        ),
        (
            Query("starter", NewDrug("XY-1", facts=(("inhibitorr", "CYP2D6"),)), "metoprolol"),
            "DD-E04", "inhibitor",
        ),
        (Query("starter", NewDrug("Warfarin", FLUOXETINE), "digoxin"), "DD-E05", "similarity 0."),
        (Query("starter", NewDrug("XY-1", "c1ccc"), "metoprolol"), "MO-E01", ""),
        (
            Query("starter", NewDrug("a", RELATIVE), NewDrug("b", RELATIVE)),
            "DD-E01", "Both are a.",
        ),
        (
            Query(
                "starter", "warfarin", "metoprolol",
                removed=(("warfarin", "resembles", "metoprolol"),),
            ),
            "KG-E08", "is not a fact",
        ),
        (
            Query("starter", "warfarin", "metoprolol", added=(("warfarin", "blocks", "warfarin"),)),
            "KG-E08", "itself",
        ),
    ],
)  # fmt: skip
def test_errors(query, code, words):
    with pytest.raises(InputError) as caught:
        answer(query)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_an_unknown_drug_carries_suggestions():
    with pytest.raises(UnknownName) as caught:
        answer(Query("starter", "metroprolol", "warfarin"))
    assert "metoprolol" in caught.value.nearest


def test_new_compound_from_structure_alone():
    case = open_case(Query("starter", NewDrug("XY-1", RELATIVE), "metoprolol"))
    new = case.ends[0]
    assert (new.id, new.row, new.known) == ("new:1", None, False)
    assert new.bits.tolist() == many_morgan_bits([RELATIVE])[0].tolist()
    network = case.context.network
    partners = set(case.extra[:, 2].tolist())
    assert network.rows["fluoxetine"] in partners
    assert all(partner < network.num_drugs for partner in partners)
    assert new.as_new[network.rows["fluoxetine"]] == new.as_new.max() > 0
    found = answer(case.query)
    assert (found.setting, found.joined) == ("S1", True)
    assert found.num_paths_edges == len(case.paths.facts) > 0


def test_new_compound_with_facts_and_no_structure():
    new = NewDrug("XY-2", facts=(("inhibitor-strong", "cyp2d6"),))
    case = open_case(Query("starter", new, "metoprolol"))
    [fact] = case.extra.tolist()
    network = case.context.network
    kinds = [relation.id for relation in network.relations]
    relation = kinds.index("inhibitor-strong") + network.num_types
    assert fact == [network.num_entities, relation, network.rows["CYP2D6"]]
    number = case.context.graph.num_facts
    assert number in case.paths.facts
    assert case.fact_ids(number) == ("new:1", "inhibitor-strong", "CYP2D6")
    assert case.scores.votes.sum() == 0
    assert case.scores.order.sum() == pytest.approx(1)
    assert case.scores.order[0] != 0.5  # nobody votes, the path network still speaks
    assert answer(case.query).joined


def test_compound_named_as_a_drug_of_the_network_is_answered_as_new():
    found = answer(Query("starter", NewDrug("Fluoxetine", FLUOXETINE), "metoprolol"))
    assert found.setting == "S1"
    assert any("is in this network with all its facts" in text for text in found.warnings)
    other = answer(Query("starter", NewDrug("XY-3", FLUOXETINE), "metoprolol"))
    assert any("The structure of XY-3 is that of fluoxetine" in text for text in other.warnings)


def test_salts_are_stripped_and_said():
    found = answer(Query("starter", NewDrug("XY-4", f"Cl.{RELATIVE}"), "metoprolol"))
    plain = answer(Query("starter", NewDrug("XY-4", RELATIVE), "metoprolol"))
    assert any("largest part" in text for text in found.warnings)
    assert [row.probability for row in found.rows] == [row.probability for row in plain.rows]


def test_without_a_path_the_answer_is_a_guess():
    found = answer(Query("starter", NewDrug("Methane", "C"), "metoprolol"))
    assert not found.joined
    assert found.num_paths_edges == 0
    assert [notice.code for notice in found.notices] == ["DD-E08"]
    assert sum(row.probability for row in found.rows) == pytest.approx(1)


def test_every_fact_on_the_paths_has_a_name_and_a_number():
    new = NewDrug("XY-5", RELATIVE, (("inhibitor", "CYP2D6"),))
    case = open_case(Query("starter", new, "metoprolol"))
    for number in case.paths.facts.tolist():
        assert case.fact_number(case.fact(number)) == number
    own = [n for n in case.paths.facts.tolist() if n >= case.context.graph.num_facts]
    assert own
    assert {case.fact_ids(number)[0] for number in own} == {"new:1"}


def test_removing_and_adding_a_fact():
    case = open_case(EMERGING)
    facts = [case.fact_ids(number) for number in case.paths.facts.tolist()]
    fact = next(fact for fact in facts if (fact[0], fact[2]) == ("warfarin", "CYP2C9"))
    without = open_case(Query("starter", "fluconazole", "warfarin", removed=(fact,)))
    assert not any(without.fact_ids(n) == fact for n in without.paths.facts.tolist())
    assert not np.allclose(without.scores.path, case.scores.path, atol=1e-9)
    supposed = ("warfarin", "blocks", "CYP2C9")
    more = open_case(Query("starter", "fluconazole", "warfarin", added=(supposed,)))
    assert any(more.fact_ids(n) == supposed for n in more.paths.facts.tolist())


def test_supposed_interaction_makes_a_drug_known_and_votes():
    supposed = ("fluvoxamine", "metabolism-decreased", "warfarin")
    query = Query("starter", "fluconazole", "warfarin", added=(supposed,))
    case = open_case(query)
    assert case.setting == "S0"
    assert not np.allclose(case.scores.votes, open_case(EMERGING).scores.votes)


def test_removed_interaction_does_not_vote():
    case = open_case(EMERGING)
    row = rows_of(case)[0]
    best = case.similar(row, 1)[0]
    ids = case.context.network.entities
    fact = (ids[best.head], row.type_id, ids[best.tail])
    changed = open_case(Query("starter", "fluconazole", "warfarin", removed=(fact,)))
    assert changed.scores.votes.sum() < case.scores.votes.sum()


def test_query_survives_json():
    new = NewDrug("XY", RELATIVE, (("inhibitor", "CYP2D6"),))
    query = Query(
        "starter", new, "metoprolol", removed=(("a", "b", "c"),), added=(("d", "e", "f"),)
    )
    assert Query.from_json(query.to_json()) == query


def test_without_a_trained_model_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    forget()
    with pytest.raises(ArtifactError, match="Train it, or restore"):
        answer(KNOWN)


def test_a_model_of_another_vocabulary_is_refused(monkeypatch, tmp_path):
    network = context("starter").network
    other = replace(network, types=network.types[::-1])
    write_untrained(tmp_path, other, "emergnn-starter-s1", "S1")
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    forget()
    with pytest.raises(ArtifactError, match="trained on other interaction types"):
        answer(KNOWN)


def test_weights_of_an_earlier_version_are_refused(monkeypatch, tmp_path):
    plus = {"path": 0.2, "vote": 0.6, "exponent": 4.0}
    network = context("starter").network
    write_untrained(tmp_path, network, "emergnn-starter-s1", "S1", plus=plus)
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    forget()
    with pytest.raises(ArtifactError, match="trained by an earlier version"):
        answer(KNOWN)
