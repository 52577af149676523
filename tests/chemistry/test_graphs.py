import numpy as np
import pytest

from core.chemistry.graphs import graph_of
from core.errors import InputError


def test_a_molecule_with_every_feature():
    graph = graph_of("F/C=C/C#N")
    assert graph.atoms[:, 0].tolist() == [8, 5, 5, 5, 6]  # atomic number - 1
    bonds = {tuple(row[:2]): tuple(row[2:]) for row in graph.bonds.tolist()}
    assert bonds[1, 2] == bonds[2, 1] == (1, 0)
    assert bonds[3, 4] == (2, 0)
    assert bonds[0, 1][0] == 0
    assert bonds[0, 1][1] in (1, 2)
    assert len(graph.bonds) == 8


def test_chirality_has_two_hands_and_aromatic_bonds_their_own_type():
    left, right = (graph_of(f"N[{mark}H](C)C(=O)O").atoms[1, 1] for mark in ("C@", "C@@"))
    assert {left, right} == {1, 2}
    assert set(graph_of("c1ccccc1").bonds[:, 2]) == {3}


def test_what_the_tables_do_not_know_is_mapped_and_one_atom_has_no_bond():
    graph = graph_of("*C")
    assert graph.atoms[0].tolist() == [118, 0]
    assert graph_of("[Na+]").bonds.shape == (0, 4)
    assert graph_of("[NH3]->[Pt]").bonds[:, 2].tolist() == [0, 0]
    assert graph_of("C").atoms.dtype == np.uint8
    with pytest.raises(InputError):
        graph_of("C1CC")
