import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError
from core.knowledge.molecules import MoleculeGraph, MoleculeStore


def ring(size: int, tail: int = 0) -> MoleculeGraph:
    """A ring of carbons with a tail of oxygens."""
    ends = [(i, (i + 1) % size) for i in range(size)] if size > 2 else []
    ends += [(0 if i == 0 else size + i - 1, size + i) for i in range(tail)]
    bonds = [(a, b, 3 if b < size else 0, 0) for x, y in ends for a, b in ((x, y), (y, x))]
    atoms = [(5, 0)] * size + [(7, 1)] * tail
    return MoleculeGraph(np.array(atoms, np.uint8), np.array(bonds, np.int16).reshape(-1, 4))


GRAPHS = [ring(6), ring(1), ring(5, 2), ring(3)]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_a_batch_is_its_molecules_side_by_side(rows):
    batch = MoleculeStore.of(GRAPHS).take(np.array(rows))
    first = 0
    for place, row in enumerate(rows):
        graph = GRAPHS[row]
        size = len(graph.atoms)
        assert (batch.molecule[first : first + size] == place).all()
        assert (batch.atoms[first : first + size] == graph.atoms).all()
        inside = (batch.target >= first) & (batch.target < first + size)
        got = sorted(zip(batch.source[inside] - first, batch.target[inside] - first, strict=True))
        assert got == sorted(map(tuple, graph.bonds[:, :2].tolist()))
        for atom in range(size):
            counts = np.zeros(9)
            counts[[4, 6]] = 1  # the self-loop
            for _, target, kind, direction in graph.bonds:
                if target == atom:
                    counts[[kind, 6 + direction]] += 1
            assert (batch.bonds[first + atom] == counts).all()
        first += size
    assert len(batch) == len(rows)
    assert first == len(batch.atoms)
    assert (np.diff(batch.target) >= 0).all()


def test_without_an_atom_its_bonds_go_too():
    left = ring(5, 2).without([0])
    assert len(left.atoms) == 6
    assert sorted(map(tuple, left.bonds[:, :2].tolist())) == [
        (0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2), (4, 5), (5, 4),
    ]  # fmt: skip
    with pytest.raises(ShapeError):
        ring(1).without([0])


def test_a_store_and_a_graph_come_back_from_disk_and_json(tmp_path):
    store = MoleculeStore.of(GRAPHS)
    store.save(tmp_path / "store.npz")
    again = MoleculeStore.load(tmp_path / "store.npz")
    assert len(again) == len(GRAPHS)
    assert (again.take(np.arange(4)).bonds == store.take(np.arange(4)).bonds).all()
    graph = MoleculeGraph.from_json(ring(1).to_json())
    assert graph.bonds.shape == (0, 4)
    assert (again.graph(2).atoms == GRAPHS[2].atoms).all()
