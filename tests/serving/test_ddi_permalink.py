"""Addresses of answers about two drugs; they come from anywhere."""

import json

import pytest

from core.serving.ddi_networks import list_networks
from core.serving.ddi_permalink import Link, from_parameters, to_parameters
from core.serving.drug_interaction import NewDrug, Query
from core.store import Store
from tests.ddi_fixtures import untrained_models  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("untrained_models")

PAIR = {"network": "starter", "first": "fluoxetine", "second": "metoprolol"}
NEW = NewDrug("XY-1", "CNCCC(Oc1ccc(cc1)C(F)(F)Cl)c1ccccc1", (("inhibitor", "CYP2D6"),))
RESEMBLES = ("new:1", "inhibitor", "CYP2D6")
BLOCKS = ("metoprolol", "blocks", "CYP2D6")


@pytest.mark.parametrize(
    "query",
    [
        Query("starter", "fluoxetine", "metoprolol"),
        Query("starter", NEW, "metoprolol"),
        Query("starter", "metoprolol", NEW),
        Query("starter", NEW, "metoprolol", removed=(RESEMBLES,), added=(BLOCKS,)),
    ],
)
def test_an_address_brings_the_question_back(query):
    found = from_parameters(to_parameters(query))
    assert found == Link(query, "starter")


def test_row_and_ranking_come_back():
    query = Query("starter", "fluoxetine", "metoprolol")
    row = ("metabolism-decreased", "fluoxetine")
    parameters = to_parameters(query, row=row, ranking="attention")
    assert from_parameters(parameters) == Link(query, "starter", row, "attention")
    assert to_parameters(query) == PAIR


def test_an_empty_address_asks_the_example_of_the_starter_network():
    found = from_parameters({})
    assert found.example
    assert found.ignored == ()
    assert (found.query.first, found.query.second) == list_networks()[0].example


@pytest.mark.parametrize(
    ("changed", "ignored"),
    [
        ({"type": "no-such-type"}, ("type",)),
        ({"head": "warfarin"}, ("head",)),
        ({"ranking": "<script>"}, ("ranking",)),
        ({"utm_source": "x"}, ("utm_source",)),
        ({"changes": "[[["}, ("changes",)),
        ({"changes": "[" * 100_000}, ("changes",)),
        ({"changes": "[" * 19_000}, ("changes",)),
        ({"changes": json.dumps([["drop", *BLOCKS]])}, ("changes",)),
        ({"changes": json.dumps([["add", "metoprolol", "blocks", 7]])}, ("changes",)),
        ({"changes": json.dumps([["remove", *BLOCKS]])}, ("changes",)),
        ({"changes": json.dumps([["add", *BLOCKS]] * 51)}, ("changes",)),
        ({"changes": json.dumps({"add": BLOCKS})}, ("changes",)),
        ({"new1": "null"}, ("new1",)),
        ({"new1": json.dumps(["x", 3, []])}, ("new1",)),
        ({"new1": json.dumps(["x", "C", [["a"]]])}, ("new1",)),
    ],
)
def test_what_does_not_fit_is_ignored_and_named(changed, ignored):
    found = from_parameters({**PAIR, **changed})
    assert found.query == Query("starter", "fluoxetine", "metoprolol")
    assert found.ignored == ignored
    assert not found.example


@pytest.mark.parametrize(
    "changed",
    [
        {"first": "metoprolol"},
        {"first": "no such drug"},
        {"first": "CYP2D6"},
        {"second": "fluoxetine"},
        {"first": "fluoxetine" * 10_000},
        {"new1": json.dumps(["x", "not a smiles(", []])},
        {"new1": json.dumps(["x", "", []])},
        {"new1": json.dumps(["x", "C" * 5000, []])},
        {"new1": json.dumps(["warfarin", NEW.smiles, []])},
        {"new1": json.dumps(["x", "", [["inhibitor", "no such gene"]]])},
    ],
)
def test_a_pair_that_cannot_be_asked_leaves_the_example(changed):
    found = from_parameters({**PAIR, **changed})
    assert found.example
    assert set(changed) <= set(found.ignored)


def test_a_network_that_is_not_here_leaves_the_first_one():
    for network in ("nowhere", "upload:abc", "../x", ""):
        found = from_parameters({**PAIR, "network": network})
        assert found.example
        assert found.network == "starter"
        assert found.ignored == tuple(PAIR)


def test_a_stored_prediction_stands_for_all_parameters():
    query = Query("starter", NEW, "metoprolol", added=(BLOCKS,))
    key = Store.open().save_prediction(domain="ddi", query=query.to_json(), bundle={})
    assert from_parameters({"result": key, "first": "x"}) == Link(
        query, "starter", ignored=("first",)
    )
    other = Store.open().save_prediction(domain="mol", query={}, bundle={})
    for wrong in (other, "nothing"):
        found = from_parameters({"result": wrong})
        assert found.example
        assert found.ignored == ("result",)
    Store.open().delete_predictions(0)  # other tests show the history
