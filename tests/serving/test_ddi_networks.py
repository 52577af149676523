"""Networks that can be asked, a person's own ones among them."""

import numpy as np
import pytest

from core.data.interaction_uploads import example_network_files
from core.data.starter_network import load_starter
from core.errors import DataError, InputError
from core.knowledge.flow import FlowGraph
from core.serving.ddi_networks import (
    artifact_names,
    context,
    find_network,
    keep_network,
    list_networks,
)
from core.serving.drug_interaction import NewDrug, Query, answer, open_case
from core.serving.flow import PairPaths
from tests.ddi_fixtures import forget, untrained_models, write_untrained  # noqa: F401

pytestmark = pytest.mark.usefixtures("untrained_models")


@pytest.fixture
def own(home):
    """The example network, stored, with a model that was never trained."""
    upload = keep_network(*example_network_files().values())
    network_id = f"upload:{upload}"
    network = context(network_id).network
    write_untrained(home / "trained", network, artifact_names(network_id)["S1"], "S1")
    forget()
    return network_id


def test_the_starter_network_is_there_with_an_example_the_model_never_saw():
    entry = list_networks()[0]
    assert (entry.id, entry.available, entry.reason) == ("starter", True, "")
    assert (entry.num_drugs, entry.num_types) == (
        load_starter().network.num_drugs, load_starter().network.num_types,
    )  # fmt: skip
    found = answer(Query(entry.id, *entry.example))
    assert found.setting == "S1"
    assert any(row.status == "held out" for row in found.rows)


def test_without_models_every_entry_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    forget()
    starter, drugbank = list_networks()
    assert not starter.available
    assert "emergnn-starter-s1" in starter.reason
    assert not drugbank.available


def test_drugbank_says_how_to_get_its_data(monkeypatch, tmp_path):
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    monkeypatch.setenv("PARSIMONY_MIRROR", str(tmp_path / "nothing"))
    forget()
    drugbank = find_network("drugbank")
    assert not drugbank.available
    assert "python -m core data get drugbank drugbank-random drug-roles" in drugbank.reason
    assert drugbank.num_drugs == 1710
    with pytest.raises(DataError):
        context("drugbank")


@pytest.mark.parametrize("network", ["nowhere", "upload:nothing", "upload:"])
def test_unknown_networks(network):
    for function in (find_network, context):
        with pytest.raises(InputError, match="DD-E02"):
            function(network)


def test_facts_are_numbered_edges_first_then_interactions():
    found = context("starter")
    edges, train = found.network.edges, found.split.train
    head, relation, tail = edges[7].tolist()
    assert found.fact(7) == (head, relation + found.network.num_types, tail)
    assert found.fact(len(edges) + 5) == tuple(train[5].tolist())
    for number in (0, 7, len(edges) - 1, len(edges), len(edges) + len(train) - 1):
        assert found.fact_number(found.fact(number)) == number
    assert found.fact_number((0, 0, 0)) is None
    assert found.graph.num_facts == len(edges) + len(train)


def test_the_graph_holds_no_interaction_of_an_emerging_drug():
    found = context("starter")
    drugs = np.flatnonzero(~found.known_drugs)
    _, relation, _, _ = found.graph.leave(drugs)
    assert not found.graph.is_interaction(relation).any()
    held = found.split.parts["test S1"][0]
    assert found.interactions_between(held[0], held[2]) == [(int(held[1]), "held out")]
    seen = found.split.train[0]
    assert (int(seen[1]), "known") in found.interactions_between(seen[0], seen[2])
    assert found.interactions_between(seen[0], seen[0]) == []


def test_own_network_answers_once_it_is_trained(own):
    entry = find_network(own)
    assert entry.available
    assert entry in list_networks([own.removeprefix("upload:")])
    assert (entry.num_drugs, entry.num_types) == (4, 1)
    found = answer(Query(own, "D1", "D2"))
    assert found.joined
    assert {row.sentence for row in found.rows} == {
        "fluoxetine can decrease the metabolism of metoprolol.",
        "metoprolol can decrease the metabolism of fluoxetine.",
    }
    assert found.setting == "S0"
    assert answer(Query(own, "D3", "D4")).setting == "S2"


def test_own_network_without_a_model_says_so():
    upload = keep_network(*example_network_files().values())
    entry = find_network(f"upload:{upload}")
    assert not entry.available
    assert "Train EmerGNN on your network" in entry.reason


def test_own_network_is_refused_when_it_cannot_be_read():
    files = example_network_files()
    with pytest.raises(InputError, match="UP-E"):
        keep_network(("x.csv", b""), files["facts"])


def test_unreadable_structures_of_an_own_network_are_reported():
    files = example_network_files()
    name, content = files["drugs"]
    broken = content.replace(b"Cn1cnc2c1c(=O)n(C)c(=O)n2C", b"c1ccc")
    upload = keep_network((name, broken), files["facts"], files["interactions"])
    found = context(f"upload:{upload}")
    [warning] = found.warnings
    assert warning.startswith("caffeine is used without a structure")
    assert not found.bits[found.network.rows["D3"]].any()
    assert found.bits[found.network.rows["D1"]].any()


def test_an_entity_next_to_a_drug_only_now_brings_its_edges_along(home):
    """New compound - G1 - G2 - metoprolol: the edge G1 - G2 was on no path before."""
    files = example_network_files()
    name, content = files["facts"]
    more = (
        b"D2,is a substrate of,G2,Gene,,\nG1,binds,G2,Gene,,\nG1,binds,G3,Gene,,\n"
        b"D3,inhibits,G4,Gene,,\n"
    )
    upload = keep_network(files["drugs"], (name, content + more), files["interactions"])
    network_id = f"upload:{upload}"
    network = context(network_id).network
    write_untrained(home / "trained", network, artifact_names(network_id)["S1"], "S1")
    forget()
    new = NewDrug("XY", facts=(("inhibits", "G1"),))
    case = open_case(Query(network_id, new, "D2"))
    names = {case.fact_ids(number) for number in case.paths.facts.tolist()}
    assert names == {
        ("new:1", "inhibits", "G1"), ("G1", "binds", "G2"), ("D2", "is a substrate of", "G2"),
    }  # fmt: skip
    # the same as a graph made with the compound in it from the start
    found = context(network_id)
    whole = FlowGraph.prepare(
        *_drugs_first(network, case.extra - np.array([0, network.num_types, 0])),
        network.num_types, network.num_relations, network.num_drugs + 1,
    ).extended(found.split.train)  # fmt: skip
    expected = PairPaths.between(whole, network.num_drugs, found.network.rows["D2"])
    assert expected.joined
    assert len(expected.middle) == len(case.paths.middle)
    assert len(expected.facts) == len(case.paths.facts)


def _drugs_first(network, extra):
    """Edges with a new compound placed behind the drugs, and the number of nodes."""
    d = network.num_drugs
    edges = np.concatenate([network.edges, extra])
    ends = edges[:, [0, 2]]
    new = ends == network.num_entities
    edges = edges.copy()
    edges[:, [0, 2]] = np.where(new, d, ends + (ends >= d))
    return edges, network.num_entities + 1


def test_starter_model_does_not_serve_other_relations():
    network = load_starter().network
    drugs = "id,name,smiles\n" + "".join(
        f"{network.entities[row]},{network.entity_names[row]},{network.smiles[row]}\n"
        for row in range(network.num_drugs)
    )
    upload = keep_network(
        ("drugs.csv", drugs.encode()), ("facts.csv", b"head,relation,tail\nwarfarin,x,Y\n")
    )
    assert not find_network(f"upload:{upload}").available  # other relations: not understood
