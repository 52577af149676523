"""Finding drugs and entities by what people write."""

import pytest

from core.errors import InputError
from core.serving.ddi_networks import context
from core.serving.ddi_search import (
    find_drug,
    find_entities,
    read_facts,
    role_relations,
    same_molecule,
)
from tests.ddi_fixtures import untrained_models  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("untrained_models")

FLUOXETINE = "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1"


def ids(found):
    return [match.id for match in found]


@pytest.mark.parametrize("text", ["fluoxetine", " FLUOXETINE ", "Prozac", "prozac"])
def test_exact_name_or_synonym_comes_first(text):
    [match, *_] = find_drug("starter", text)
    assert match.id == "fluoxetine"
    assert match.how == ("synonym" if "ozac" in text else "name")
    assert match.matched == ("prozac" if "ozac" in text else "")


def test_beginnings_come_before_parts():
    found = find_drug("starter", "car")
    names = [match.name for match in found if match.how == "name"]
    begins = [name.startswith("car") for name in names]
    assert begins == sorted(begins, reverse=True)
    assert "carvedilol" in names
    assert len(find_drug("starter", "a", limit=5)) == 5


def test_nothing_typed_finds_nothing():
    assert find_drug("starter", "  ") == []


@pytest.mark.parametrize(
    "smiles", [FLUOXETINE, "c1ccccc1C(CCNC)Oc1ccc(cc1)C(F)(F)F", f"{FLUOXETINE}.Cl"]
)
def test_a_structure_finds_the_same_molecule_only(smiles):
    [match] = find_drug("starter", smiles)
    assert (match.id, match.how) == ("fluoxetine", "structure")


def test_an_unknown_structure_finds_nothing():
    assert find_drug("starter", "CNCCC(Oc1ccc(cc1)C(F)(F)Cl)c1ccccc1") == []


def test_misspelt_names_find_their_neighbours():
    found = find_drug("starter", "fluoxetin hydrochlor")
    assert found == [] or found[0].how == "similar name"
    [match, *_] = find_drug("starter", "fluoxatine")
    assert (match.id, match.how) == ("fluoxetine", "similar name")


def test_matches_say_whether_the_model_knows_the_drug():
    known = context("starter").known_drugs
    rows = context("starter").network.rows
    for text in ("warfarin", "fluoxetine"):
        assert find_drug("starter", text)[0].is_new == (not known[rows[text]])


def test_relations_of_a_new_compound():
    found = dict(role_relations("starter"))
    assert found["inhibitor-strong"] == "is a strong inhibitor of"
    kinds = {relation.id for relation in context("starter").network.relations}
    assert set(found) < kinds
    assert not any("resembles" in one or one == "nearest" for one in found)


def test_entities_of_a_relation():
    found = find_entities("starter", "inhibitor-strong", "cyp")
    assert "CYP2D6" in ids(found)
    assert all(one.kind == "Gene" for one in found)
    everything = find_entities("starter", "inhibitor-strong", "", limit=1000)
    assert set(ids(found)) <= set(ids(everything))
    assert find_entities("starter", "inhibitor-strong", "no such thing") == []
    with pytest.raises(InputError, match="DD-E04"):
        find_entities("starter", "inhibits strongly", "")


def test_facts_from_a_table():
    content = (
        b"relation,entity\ninhibitor,CYP2D6\ninhibitor,cyp2d6\nsubstrate,CYP3A4\n"
        b"substrate,CYP3A44\nno such relation,CYP3A4\n"
    )
    facts, problems = read_facts("starter", "facts.csv", content)
    assert facts == (("inhibitor", "CYP2D6"), ("substrate", "CYP3A4"))
    assert [problem.line for problem in problems] == [5, 6]
    assert "CYP3A44" in problems[0].problem


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "UP-E05"),
        (b"a,b\nc,d\n", "UP-E04"),
        (b"relation,entity\nx,y\n", "DD-E04"),
        (b"relation,entity\n" + b"inhibitor,CYP2D6\n" * 600, "UP-E06"),
        (b"PK\x03\x04" + b"\0" * 100, "UP-E02"),
    ],
)
def test_tables_of_facts_that_cannot_be_used(content, code):
    with pytest.raises(InputError) as caught:
        read_facts("starter", "facts.csv", content)
    assert caught.value.code == code


def test_same_molecule():
    assert same_molecule(FLUOXETINE, f"Cl.{FLUOXETINE}")
    assert same_molecule(FLUOXETINE, "CCO") is False
    assert same_molecule("", FLUOXETINE) is None
    assert same_molecule("C" * 2000, FLUOXETINE) is None
    with pytest.raises(InputError):
        same_molecule(FLUOXETINE, "c1ccc")
