"""Graded resemblance of structures as edges."""

from dataclasses import replace

import numpy as np
import pytest

from core.chemistry.structure import morgan_counts
from core.data.resemblance import GRADES, NUM_NEAREST, relatives, with_resemblance
from core.data.starter_network import load_starter
from core.errors import ShapeError


def test_grades_and_nearest():
    dice = np.array([0.9, 0.7, 0.6, 0.5, 0.46, 0.45, 0.44, 0.1])
    assert relatives(dice) == [(0, 0), (0, 1), (1, 2), (2, 3), (2, 4), (2, 5)]
    few = np.array([0.0, 0.8, 0.3, 0.2, 0.14, 0.4, 0.1, 0.16])
    found = relatives(few)
    assert found[0] == (0, 1)
    assert found[1:] == [(3, 5), (3, 2), (3, 3), (3, 7)]  # 0.14 says nothing any more
    assert len(found) <= NUM_NEAREST
    assert relatives(np.zeros(5)) == []
    with pytest.raises(ShapeError, match="must be"):
        relatives(np.zeros((2, 2)))


def test_every_added_edge_has_the_dice_coefficient_of_its_grade():
    network = load_starter().network
    extended = with_resemblance(network)
    assert (extended.edges[: len(network.edges)] == network.edges).all()
    assert extended.relations[: network.num_relations] == network.relations
    added = extended.edges[len(network.edges) :]
    assert len(added) > 100
    assert len(np.unique(added, axis=0)) == len(added)
    bounds = [least for _, least in GRADES]
    counts = [morgan_counts(smiles) if smiles else {} for smiles in network.smiles]
    for head, relation, tail in added[::7]:
        one, other = counts[head], counts[tail]
        shared = sum(min(n, other.get(key, 0)) for key, n in one.items())
        dice = 2 * shared / (sum(one.values()) + sum(other.values()))
        grade = relation - network.num_relations
        if grade < len(GRADES):
            assert dice >= bounds[grade]
            assert head < tail
            assert grade == 0 or dice < bounds[grade - 1]
        else:
            assert dice < bounds[-1]


def test_drugs_without_a_structure_stay_alone():
    network = load_starter().network
    bare = replace(network, smiles=("", *network.smiles[1:]))
    added = with_resemblance(bare).edges[len(network.edges) :]
    assert not (added[:, [0, 2]] == 0).any()
