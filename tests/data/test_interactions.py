import numpy as np
import pytest

from core.data import interactions
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


def test_unknown_names_are_refused():
    with pytest.raises(DataError, match=r'"drugbank" is not one of these splits: drugbank-random,'):
        interactions.load_split("drugbank")
    with pytest.raises(DataError, match=r'"hetionet" is not one of these networks: drugbank'):
        interactions.load_network("hetionet")
