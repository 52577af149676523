from collections import Counter, defaultdict

import pytest

from core.data import interactions, registry
from core.errors import DataError
from core.settings import settings

pytestmark = pytest.mark.skipif(
    settings().mirror is None or not (settings().mirror / "ddi").is_dir(),
    reason="the mirror folder with the drug interaction files is not here",
)


@pytest.fixture(scope="module")
def network():
    return interactions.load_network()


# rows of train, then of the parts in alphabetical order, as published
ROWS = {
    "drugbank-random": (99283, 12411, 31984, 1992, 12410, 28823, 1606),
    "drugbank-cluster": (115838, 14481, 22532, 933, 14479, 21371, 913),
    "drugbank-s0": (134641, 38419, 19224),
    "drugbank-textddi": (129522, 26240, 29402),
    "drugbank-realscene": (12786, 2520, 16049, 12855, 2881, 2708, 3029),
}


@pytest.mark.parametrize("name", ROWS)
def test_published_row_counts(name, network):
    split = interactions.load_split(name, network)
    parts = tuple(len(split.parts[part]) for part in sorted(split.parts))
    assert (len(split.train), *parts) == ROWS[name]


def test_size_of_the_network(network):
    assert (network.num_drugs, network.num_entities) == (1710, 34124)
    assert (network.num_types, network.num_relations) == (86, 23)
    assert len(network.edges) == 990141


@pytest.mark.parametrize(
    ("name", "exceptions"),
    # five published rows of the cluster split join two emerging drugs although they are in S1
    [("drugbank-random", {}), ("drugbank-cluster", {"test S1": 5})],
)
def test_settings_count_the_emerging_drugs_of_a_pair(name, exceptions, network):
    split = interactions.load_split(name, network)
    assert split.known_drugs[split.train[:, [0, 2]]].all()
    wrong = {
        part: int(((~split.known_drugs[rows[:, [0, 2]]]).sum(1) != int(part[-1])).sum())
        for part, rows in split.parts.items()
    }
    assert {part: num for part, num in wrong.items() if num} == exceptions


def row_of(network, name):
    return network.entity_names.index(name)


def relation_of(network, abbreviation):
    return [relation.id for relation in network.relations].index(abbreviation)


def test_edges_per_relation_equal_the_official_counts(network):
    lines = registry.read("hetionet-style")["hetionet_metaedges.tsv"].decode().splitlines()[1:]
    official = {cells[1]: int(cells[2]) for cells in (line.split("\t") for line in lines)}
    ours = Counter(network.relations[row].id for row in network.edges[:, 1].tolist())
    missing = {relation.id for relation in network.relations} - set(ours)
    assert missing == {"AeG", "GpMF", "GpCC", "DpS"}
    assert ours == {name: num for name, num in official.items() if name in ours}
    assert sum(official.values()) - official["GpBP"] == 1690693  # the count in the EmerGNN paper


def test_relations_join_the_kinds_their_ids_name(network):
    short = {
        "Gene": "G", "Compound": "C", "Disease": "D", "Anatomy": "A", "Side Effect": "SE",
        "Pharmacologic Class": "PC", "Pathway": "PW",
    }  # fmt: skip
    for head, relation, tail in network.edges.tolist():
        name = network.relations[relation].id
        assert name.startswith(short[network.kinds[head]])
        assert name.endswith(short[network.kinds[tail]])


def test_triples_of_the_random_split_are_those_of_sumgnn(network):
    ours, theirs = (
        interactions.load_split(name, network) for name in ("drugbank-random", "drugbank-s0")
    )
    all_theirs = {
        tuple(row) for part in (theirs.train, *theirs.parts.values()) for row in part.tolist()
    }
    all_ours = [tuple(row) for part in (ours.train, *ours.parts.values()) for row in part.tolist()]
    assert len(all_theirs) == 192284
    assert len(all_ours) == len(set(all_ours)) == 188509
    assert all_theirs.issuperset(all_ours)


def test_drugs_without_any_edge(network):
    assert (network.degrees[: network.num_drugs] == 0).sum() == 359


def test_the_first_case_of_the_paper_can_be_asked_here(network):
    tapentadol, dolasetron = row_of(network, "Tapentadol"), row_of(network, "Dolasetron")
    gene, binds = row_of(network, "CYP2D6"), relation_of(network, "CbG")
    split = interactions.load_split("drugbank-random", network)
    assert split.known_drugs[[tapentadol, dolasetron]].tolist() == [False, True]
    assert [tapentadol, 51, dolasetron] in split.parts["test S1"].tolist()
    assert network.types[51].sentence("Tapentadol", "Dolasetron") == (
        "Dolasetron may decrease the analgesic activities of Tapentadol."
    )
    for drug in (tapentadol, dolasetron):
        assert (network.edges == [drug, binds, gene]).all(1).sum() == 1
    note = network.notes[tapentadol, binds, gene][0]
    assert (note.text, note.source) == ("substrate, inhibitor (enzyme)", "DrugBank 4.2")
    assert (note.url, note.licence) == ("https://pubmed.ncbi.nlm.nih.gov/19356073", "CC BY-NC 4.0")


def test_every_binding_of_a_drug_has_a_note_and_other_edges_name_their_source(network):
    binds = relation_of(network, "CbG")
    bindings = network.edges[(network.edges[:, 1] == binds)]
    of_drugs = {tuple(edge) for edge in bindings.tolist() if edge[0] < network.num_drugs}
    assert set(network.notes) == of_drugs
    assert len(of_drugs) == 10633
    causes = network.edges[network.edges[:, 1] == relation_of(network, "CcSE")][0]
    (note,) = interactions.edge_notes(network, tuple(causes.tolist()))
    assert (note.text, note.source, note.licence) == (
        "causes", "Hetionet: SIDER 4", "CC BY-NC-SA 4.0",
    )  # fmt: skip
    edge = next(iter(network.notes))
    assert interactions.edge_notes(network, edge) == network.notes[edge]


def test_roles_of_a_well_known_enzyme(network):
    roles = interactions.load_roles(network)
    gene = row_of(network, "CYP2D6")
    inhibitors = {
        network.entity_names[role.drug]
        for role in roles
        if role.gene == gene and role.category == "enzyme" and "inhibitor" in role.actions
    }
    assert {"Fluoxetine", "Paroxetine", "Quinidine", "Bupropion", "Terbinafine"} <= inhibitors
    number = Counter(role.category for role in roles if role.source == "DrugBank 4.2")
    assert number == {"target": 4116, "enzyme": 3206, "transporter": 1464, "carrier": 216}
    assert {network.kinds[role.gene] for role in roles} == {"Gene"}
    assert all(role.drug < network.num_drugs for role in roles)


def test_unknown_names_are_refused():
    with pytest.raises(DataError, match=r'"drugbank" is not one of these splits: drugbank-random,'):
        interactions.load_split("drugbank")
    with pytest.raises(DataError, match=r'"hetionet" is not one of these networks: drugbank'):
        interactions.load_network("hetionet")


def test_sentences_name_the_drugs_in_the_order_of_the_files(network):
    split = interactions.load_split("drugbank-random", network)
    inhibits, substrate = defaultdict(set), defaultdict(set)
    for role in interactions.load_roles(network):
        for word, found in (("inhibitor", inhibits), ("substrate", substrate)):
            if word in role.actions:
                found[role.drug].add(role.gene)
    for kind, affected_comes_first in (("46", True), ("71", False), ("72", True), ("76", True)):
        row = [one.id for one in network.types].index(kind)
        head_inhibits = tail_inhibits = 0
        for head, _, tail in split.train[split.train[:, 1] == row]:
            head_inhibits += bool(inhibits[head] & substrate[tail])
            tail_inhibits += bool(inhibits[tail] & substrate[head])
        sentence = network.types[row].sentence("HEAD", "TAIL")
        affected_is_head = (sentence.index("HEAD") < sentence.index("TAIL")) == affected_comes_first
        assert affected_is_head == (tail_inhibits > head_inhibits), kind


@pytest.mark.parametrize(("drug", "kind"), [("Warfarin", "5"), ("Glipizide", "8")])
def test_the_drug_whose_effect_changes_is_named_second(drug, kind, network):
    split = interactions.load_split("drugbank-random", network)
    row = network.entity_names.index(drug)
    types = [one.id for one in network.types]
    found = split.train[split.train[:, 1] == types.index(kind)]
    texts = [
        network.types[kind_row].sentence(network.entity_names[head], network.entity_names[tail])
        for head, kind_row, tail in found
        if row in (head, tail)
    ]
    assert sum(f"activities of {drug}" in text for text in texts) > 0.8 * len(texts)
