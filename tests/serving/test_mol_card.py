"""Task cards of PACIA: adapt once, ask later without the molecules; tables and SDF of answers."""

import base64
import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem

from core.errors import InputError
from core.render.tables import to_safe_csv
from core.serving import mol_export
from core.serving.mol_card import TaskCard, support_hash
from core.serving.mol_evidence import atoms, explain
from core.serving.molecular_property import Question, answer
from core.serving.molecule_table import Lists, read_file
from tests.serving.toy_molecules import (
    ASKED,
    DIM,
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
        serve_from(write_artifacts(root, "protonet", "pacia"), patch)
        yield root


def question(model="pacia-toy", candidate=ASKED):
    return Question(model, lists_of(NITRO, PLAIN, candidate))


@pytest.fixture
def card():
    return mol_export.task_card(question(), "nitro")


def test_a_card_answers_as_its_molecules_did(card):
    again = TaskCard.loads(card.dumps())
    assert again == card
    assert (card.num_active, card.num_inactive, card.num_adapted) == (4, 4, 2 * 2 * DIM)
    alone = Question("pacia-toy", lists_of("", "", ASKED), card=again)
    assert Question.from_json(alone.to_json()) == alone
    found, expected = answer(alone), answer(question())
    assert [one.probability for one in found.predictions] == [
        one.probability for one in expected.predictions
    ]
    assert [one.depth for one in found.predictions] == [one.depth for one in expected.predictions]
    assert (found.shuffle, found.num_redraws, found.support) == (None, 0, ())
    assert found.ranked[0].domain.similarity is None
    assert found.notices[0].code == "MO-N06"
    assert "card" in explain(alone, "C1").statement
    assert atoms(alone, "C1").effects == pytest.approx(atoms(question(), "C1").effects, abs=1e-6)


def test_a_card_holds_no_molecule(card):
    text = card.dumps()
    for line in (NITRO + "\n" + PLAIN).splitlines():
        assert line.split()[0] not in text
    assert support_hash(["a", "b"], np.array([1, 0])) == support_hash(["b", "a"], np.array([0, 1]))
    assert support_hash(["a", "b"], np.array([1, 0])) != support_hash(["a", "b"], np.array([0, 1]))


def test_cards_are_kept_and_found(card):
    card_id = mol_export.save_card(card)
    assert mol_export.find_card(card_id) == card
    assert (card_id, card) in mol_export.list_cards()
    assert mol_export.find_card("nothing") is None


def change(card, **values):
    return json.dumps(card.to_json() | values)


def arrays_with(card, number, array):
    arrays = card.to_json()["arrays"]
    arrays[number][1] = list(array.shape)
    arrays[number][2] = base64.b64encode(array.astype("<f4").tobytes()).decode()
    return change(card, arrays=arrays)


def test_broken_cards_are_refused(card):
    texts = [
        "", "[]", "{}", "[" * 5_000, "x" * 1_000_001,
        change(card, extra=1), change(card, num_active="4"), change(card, card_version=9),
        change(card, title=3), change(card, arrays=[]),
        change(card, arrays=[["adapter", [1], "?"]]),
        arrays_with(card, 0, np.full((2, 2, DIM), np.nan)),
    ]  # fmt: skip
    cut = card.to_json()["arrays"]
    cut[0][1] = [2, 2, DIM + 1]
    texts.append(change(card, arrays=cut))
    for text in texts:
        with pytest.raises(InputError) as caught:
            TaskCard.loads(text)
        assert caught.value.code == "MO-E16"


def test_cards_of_other_models_or_shapes_are_not_asked(card):
    wrong = [
        replace(card, model="pacia-tox21"),
        replace(card, sha256="0" * 64),
        TaskCard.loads(arrays_with(card, 0, np.zeros((3, 2, DIM)))),
        TaskCard.loads(arrays_with(card, 1, np.zeros((8, 7)))),
        TaskCard.loads(arrays_with(card, 2, np.ones((8, 2)))),
        replace(card, num_active=3, num_inactive=5),
    ]
    for one in wrong:
        with pytest.raises(InputError) as caught:
            answer(Question("pacia-toy", lists_of("", "", ASKED), card=one))
        assert caught.value.code == "MO-E16"
    with pytest.raises(InputError, match="Prototypes has no adapter"):
        mol_export.task_card(question("protonet-toy"))
    with pytest.raises(InputError, match="made by pacia-toy"):
        answer(Question("protonet-toy", lists_of("", "", ASKED), card=card))


FILE = b"""name,smiles,label,note
n1,O=[N+]([O-])c1ccccc1,active,
p1,OCCO,inactive,
=cmd(),O=[N+]([O-])c1ccc(Cl)cc1,,+first
bad,C1CC(,,second
salt,CC(=O)[O-].[Na+],,third
p1 again,C(CO)O,,
"""


def test_the_table_has_every_candidate_and_is_safe_in_a_spreadsheet():
    found = answer(Question("protonet-toy", read_file(FILE)))
    header, rows = mol_export.cells(found)
    text = to_safe_csv(rows, header)
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["status"] for row in table] == ["ok", "refused", "changed", "known"]
    assert [row["row"] for row in table] == ["4", "5", "6", "7"]
    first, bad, salt, known = table
    assert (first["name"], first["note"]) == ("'=cmd()", "'+first")
    assert float(first["probability"]) == pytest.approx(found.of("C1").probability, abs=1e-6)
    assert first["inchikey"] == "CZGCEKJOLUNIFY-UHFFFAOYSA-N"
    assert (bad["probability"], bad["rank"], bad["codes"]) == ("", "", "MO-E01")
    assert (salt["input"], salt["smiles"]) == ("CC(=O)[O-].[Na+]", "CC(=O)O")
    assert "MO-E04" in salt["codes"]
    assert known["codes"] == "MO-E07"
    assert known["probability"] == ""


def test_the_sdf_has_the_predictions_as_fields():
    found = answer(Question("protonet-toy", read_file(FILE)))
    supplier = Chem.SDMolSupplier()
    supplier.SetData(mol_export.to_sdf(found))
    first, salt, known = list(supplier)  # what cannot be read cannot be drawn
    assert first.GetProp("_Name") == "=cmd()"
    assert float(first.GetProp("probability")) == pytest.approx(
        found.of("C1").probability, abs=1e-6
    )
    assert salt.GetProp("input") == "CC(=O)[O-].[Na+]"
    assert Chem.MolToSmiles(salt) == "CC(=O)O"
    assert not known.HasProp("probability")
    assert mol_export.to_sdf(answer(Question("protonet-toy", Lists(
        found.question.lists.active, found.question.lists.inactive)))) == ""  # fmt: skip
