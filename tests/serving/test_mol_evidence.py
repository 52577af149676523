"""Evidence of predictions, against leaving things out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.evidence.bundle import Bundle
from core.evidence.evidence import Overlay
from core.serving import mol_bundle, mol_evidence
from core.serving.mol_evidence import connected, part_of_support
from core.serving.molecular_property import Question, answer
from core.serving.molecule_case import open_case
from tests.serving.toy_molecules import (
    ASKED,
    NITRO,
    PLAIN,
    lists_of,
    serve_from,
    write_artifacts,
)


@pytest.fixture(autouse=True, scope="module")
def artifacts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("trained")
        serve_from(write_artifacts(root, "protonet", "par", "pacia"), patch)
        yield root


def question(model="protonet-toy", active=NITRO, inactive=PLAIN):
    return Question(model, lists_of(active, inactive, ASKED))


@pytest.mark.parametrize("model", ["protonet-toy", "par-toy", "pacia-toy", "nearest-toy"])
def test_the_effect_of_a_known_molecule_is_what_leaving_it_out_changes(model):
    asked = question(model)
    found = mol_evidence.explain(asked, "C1")
    assert {one.row.id for one in found.support} == {row.id for row in answer(asked).support}
    strengths = [abs(one.effect) for one in found.support]
    assert strengths == sorted(strengths, reverse=True)
    second = next(one for one in found.support if one.row.id == "A2")
    without = question(model, active="\n".join(np.delete(NITRO.split("\n"), 1)))
    left = answer(without).of("C1").probability
    assert second.effect == pytest.approx(found.prediction.probability - left, abs=1e-5)
    assert (second.relation is None) == (model in ("protonet-toy", "nearest-toy"))
    assert (found.depth_scores is None) == (model != "pacia-toy")
    assert found.score_of == ("active" if found.prediction.probability >= 0.5 else "inactive")
    sign = 1 if found.score_of == "active" else -1
    by_id = {one.row.id: one for one in found.support}
    assert found.cited
    assert all(sign * by_id[row].effect > 0 for row in found.cited)
    assert len(found.cited) <= mol_evidence.MAX_CITED


@pytest.mark.parametrize("model", ["protonet-toy", "nearest-toy"])
def test_the_effect_of_an_atom_is_what_leaving_it_out_changes(model):
    asked = question(model)
    found = mol_evidence.atoms(asked, "C1")
    assert found.smiles == "O=[N+]([O-])c1ccc(Cl)cc1"
    assert found.symbols[1] == "N"
    assert len(found.effects) == 10
    # the molecule without its chlorine
    case = open_case(asked)
    graph = answer(asked).of("C1").row.molecule.graph.without([7])
    one = mol_evidence.Asked(asked, "C1")
    (left,) = one.without_atoms([frozenset(range(10)) - {7}])
    assert found.effects[7] == pytest.approx(one.prediction.probability - left, abs=1e-6)
    if model == "protonet-toy":
        inputs = mol_evidence.Inputs.from_parts([graph], np.zeros((1, 2048), np.uint8))
        raw = case.scores(inputs).probability
        assert left == pytest.approx(float(case.calibrate(raw)[0]), abs=1e-6)
    assert found.order[0] == max(range(10), key=lambda atom: abs(found.effects[atom]))
    for group in found.groups:
        assert len({found.effects[atom] > 0 for atom in group.atoms}) == 1
    assert found.groups[0].name.split(", ")[0][0] in "CON"


def test_parts_of_the_support():
    labels = np.array([1, 1, 0, 0, 0])

    def part(**overlay):
        rows, given = part_of_support(labels, Overlay(**overlay))
        return rows.tolist(), given.tolist()

    everything, nothing = frozenset(range(5)), frozenset()
    assert part() == ([0, 1, 2, 3, 4], [1, 1, 0, 0, 0])
    assert part(remove=frozenset([0, 3])) == ([1, 2, 4], [1, 0, 0])
    assert part(keep=frozenset([1, 4])) == ([1, 4], [1, 0])
    # one class alone: the other one stays whole
    assert part(keep=frozenset([1])) == ([1, 2, 3, 4], [1, 0, 0, 0])
    # a class taken away: the rest stands for both
    assert part(remove=frozenset([0, 1])) == ([2, 3, 4] * 2, [0, 0, 0, 1, 1, 1])
    assert part(keep=nothing) == ([0, 1, 2, 3, 4] * 2, [0] * 5 + [1] * 5)
    assert part(remove=everything) == part(keep=nothing)


def test_the_question_alone_says_nothing():
    for model in ("protonet-toy", "par-toy", "nearest-toy"):
        asked = mol_evidence.Asked(question(model), "C1")
        (alone,) = asked.ask_support([Overlay(keep=frozenset())])
        assert alone.score == pytest.approx(0.5, abs=1e-6)


def test_ranks_are_among_the_other_candidates():
    asked = mol_evidence.Asked(question(), "C1")
    assert asked.outcome(asked.prediction.probability).rank == asked.prediction.rank
    assert asked.outcome(1.0).rank == 1
    low = mol_evidence.Asked(question(), "C2")
    assert low.score_of == "inactive"
    assert low.outcome(0.0) == mol_evidence.Outcome(1.0, 1.0)


def test_the_live_check_and_the_minimal_evidence():
    asked = question()
    found = mol_evidence.explain(asked, "C1")
    checked = mol_evidence.check(asked, "C1", found.cited)
    assert checked.num_items == len(found.cited)
    score = max(found.prediction.probability, 1 - found.prediction.probability)
    assert checked.score_all == pytest.approx(score, abs=1e-6)
    assert checked.score_empty == pytest.approx(0.5, abs=1e-6)
    assert checked.score_without < checked.score_all
    assert checked.sentence.count("molecule") >= 1
    minimal = mol_evidence.minimise(asked, "C1", found.cited)
    assert set(minimal.items) <= set(found.cited)
    atoms = mol_evidence.atoms(asked, "C1")
    of_atoms = mol_evidence.check_atoms(asked, "C1", atoms.cited)
    assert of_atoms.score_all == pytest.approx(score, abs=1e-6)
    assert mol_evidence.check_atoms(asked, "C1", frozenset()).verdict == "NOT SUPPORTED"
    assert mol_evidence.check(asked, "C1", frozenset()).verdict == "NOT SUPPORTED"


def test_rows_without_a_score_and_unknown_molecules_are_refused():
    with pytest.raises(InputError, match="no row"):
        mol_evidence.explain(question(), "C77")
    with pytest.raises(InputError, match="has no score"):
        mol_evidence.explain(question(), "A1")
    with pytest.raises(InputError, match="not a known molecule"):
        mol_evidence.check(question(), "C1", {"C2"})


def test_connected_atoms_of_one_sign():
    graph = answer(question()).of("C1").row.molecule.graph
    effects = [0.1, 0.1, 0.1, -0.1, 0.1, 0.0, 0.1, 0.1, 0.1, 0.1]
    assert connected([0, 1, 3, 4], graph, effects) == [(0, 1), (3,), (4,)]
    assert connected([], graph, effects) == []


def test_an_explanation_becomes_a_bundle():
    asked = question("par-toy")
    found = answer(asked)
    explanation = mol_evidence.explain(asked, "C1")
    checked = mol_evidence.check(asked, "C1", explanation.cited)
    minimal = mol_evidence.minimise(asked, "C1", explanation.cited)
    atoms = mol_evidence.atoms(asked, "C1")
    bundle = mol_bundle.bundle(
        found, found.of("C1"), explanation, checked, minimal, atoms,
        created="2026-01-01T00:00:00Z",
    )  # fmt: skip
    assert Bundle.loads(bundle.dumps()) == bundle
    assert (bundle.domain, bundle.query["question"]) == ("mol", "Is chloro active?")
    assert bundle.answer.score == found.of("C1").probability
    molecules = [item for item in bundle.evidence if item.kind == "molecule"]
    assert {item.source for item in molecules} == {row.id for row in found.support}
    assert {item.target for item in molecules} == {"candidate"}
    assert molecules[0].weight == explanation.support[0].effect
    assert sum(item.kind == "atom" for item in bundle.evidence) == 10
    assert bundle.model.params_adapted == found.ledger.adapted
    added = ("question", "candidate", "smiles")
    again = Question.from_json({
        key: value for key, value in bundle.query.items() if key not in added
    })  # fmt: skip
    (alone,) = answer(again).predictions
    assert alone.probability == pytest.approx(bundle.answer.score, abs=1e-6)
    drawn = mol_bundle.relations(bundle, explanation)
    by_id = {one.row.id: one.relation for one in explanation.support}
    assert {item.id: item.weight for item in drawn.evidence} == by_id
    assert replace(drawn, evidence=(), layout=()) == replace(
        bundle, evidence=(), layout=(), minimal=None
    )
    assert mol_bundle.bundle_id(asked, "C1") != mol_bundle.bundle_id(asked, "C2")
