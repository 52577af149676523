from itertools import combinations, permutations, product

import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.blocks import FOUR_BLOCK, NAMED, BlockStructure


def structure(table):
    return BlockStructure(tuple(tuple(int(value) for value in row) for row in table))


def random_structure(rng, k, num_blocks):
    flat = np.zeros(k * k, dtype=int)
    chosen = rng.choice(k * k, num_blocks, replace=False)
    flat[chosen] = rng.integers(1, k + 1, num_blocks) * rng.choice([-1, 1], num_blocks)
    return structure(flat.reshape(k, k))


def rewritten(table, order, numbers, signs):
    """The same model with other chunk orders, relation numbers and signs."""
    names = np.concatenate([[0], np.array(numbers) * np.array(signs)])
    return structure(
        [[names[abs(table[i][j])] * np.sign(table[i][j]) for j in order] for i in order]
    )


def ways_of_writing(table):
    k = len(table)
    for order, numbers, signs in product(
        permutations(range(k)), permutations(range(1, k + 1)), product([1, -1], repeat=k)
    ):
        yield rewritten(table, order, numbers, signs)


def score(found, head, relation, tail):
    k = found.num_chunks
    chunks = (vector.reshape(k, -1) for vector in (head, relation, tail))
    return np.einsum("hrt,hd,rd,td->", found.tensor().astype(float), *chunks)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_exactly_five_inequivalent_structures_have_four_blocks(rng):
    # every relation chunk has to occur, so the four blocks carry 1, 2, 3, 4 in some order
    tables = []
    for places in combinations(range(16), 4):
        flat = np.zeros((24, 16), dtype=int)
        flat[:, places] = list(permutations(range(1, 5)))
        tables.append(flat.reshape(-1, 4, 4))
    tables = np.concatenate(tables)
    values = np.concatenate([[0], rng.uniform(1, 2, 4)])
    full = np.abs(np.linalg.det(values[tables])) > 1e-9
    assert full.sum() == 24 * 24
    classes = {structure(table).canonical() for table in tables[full]}
    assert classes == set(FOUR_BLOCK)
    assert len(classes) == 5
    signed = structure(tables[full][100] * rng.choice([-1, 1], (4, 4)))
    assert signed.canonical() in classes
    assert all(found.is_proper(rng) and found.canonical() == found for found in FOUR_BLOCK)


@pytest.mark.parametrize(("k", "num_blocks"), [(2, 2), (2, 3), (3, 3), (3, 5), (3, 8)])
def test_every_way_of_writing_a_model_has_one_canonical_form(rng, k, num_blocks):
    table = random_structure(rng, k, num_blocks).cells
    assert len({found.canonical() for found in ways_of_writing(table)}) == 1


def test_canonical_forms_of_four_chunks(rng):
    for num_blocks in range(4, 17, 3):
        first = random_structure(rng, 4, num_blocks)
        for _ in range(20):
            signs = rng.choice([-1, 1], 4)
            other = rewritten(first.cells, rng.permutation(4), rng.permutation(4) + 1, signs)
            assert other.canonical() == first.canonical()


def test_canonical_forms_differ_exactly_when_no_rewriting_joins_two_models():
    tables = [structure(np.reshape(flat, (2, 2))) for flat in product(range(-2, 3), repeat=4)]
    classes = {}
    for found in tables:
        orbit = frozenset(ways_of_writing(found.cells))
        classes.setdefault(orbit, set()).add(found.canonical())
    assert all(len(forms) == 1 and forms <= orbit for orbit, forms in classes.items())
    assert len(set.union(*classes.values())) == len(classes)


def test_equal_scores_under_all_9216_rewritings(rng):
    table = np.array(random_structure(rng, 4, 7).cells)
    vectors = head, relation, tail = rng.normal(size=(3, 4, 2))
    expected = score(structure(table), *(vector.ravel() for vector in vectors))
    count = 0
    for order, numbers, signs in product(
        permutations(range(4)), permutations(range(1, 5)), product([1, -1], repeat=4)
    ):
        moved = np.empty_like(relation)
        moved[np.array(numbers) - 1] = relation * np.array(signs)[:, None]
        filled = np.concatenate([np.zeros((1, 2)), moved])
        names = np.concatenate([[0], np.array(numbers) * np.array(signs)])
        cells = (names[np.abs(table)] * np.sign(table))[np.ix_(order, order)]
        blocks = filled[np.abs(cells)] * np.sign(cells)[:, :, None]  # (4, 4, 2)
        found = np.einsum("hd,htd,td->", head[list(order)], blocks, tail[list(order)])
        count += np.isclose(found, expected)
    assert count == 9216


def test_named_models_equal_their_published_formulas(rng):
    vectors = h, r, t = rng.normal(size=(3, 12))
    (h1, h2), (r1, r2), (t1, t2) = (vector.reshape(2, 6) for vector in vectors)
    half_h, half_r, half_t = (vector[6:9] + 1j * vector[9:] for vector in vectors)
    expected = {
        "DistMult": (h * r * t).sum(),
        "ComplEx": ((h1 + 1j * h2) * (r1 + 1j * r2) * (t1 + 1j * t2).conj()).sum().real,
        "SimplE": (h1 * r1 * t2).sum() + (t1 * r2 * h2).sum(),
        "Analogy": (h1 * r1 * t1).sum() + (half_h * half_r * half_t.conj()).sum().real,
        "CP": (h1 * r1 * t2).sum(),
    }
    assert {name: pytest.approx(score(NAMED[name], *vectors)) for name in NAMED} == expected


def test_head_questions_use_the_transposed_structure(rng):
    found, (h, r, t) = random_structure(rng, 4, 9), rng.normal(size=(3, 8))
    assert score(found.transposed, t, r, h) == pytest.approx(score(found, h, r, t))
    assert found.transposed.transposed == found


def test_proper_structures():
    rng = np.random.default_rng(0)
    proper = {name: found.is_proper(rng) for name, found in NAMED.items()}
    assert [name for name in NAMED if not proper[name]] == ["CP"]
    # of full rank although the chunk values 1, 2 themselves would make it singular
    assert structure([[1, 2], [2, 0]]).is_proper(rng)
    assert structure([[2, 1, 3], [1, 2, 1], [1, 1, 0]]).is_proper(rng)
    assert not structure([[1, 2], [1, 2]]).is_proper(rng)  # rank one whatever the values
    assert not structure([[1, 0], [0, 1]]).is_proper(rng)  # the second relation chunk is idle
    assert not structure([[1, 2], [-1, -2]]).is_proper(rng)


def test_proper_agrees_with_the_rank_of_random_tables(rng):
    for _ in range(100):
        found = random_structure(rng, 3, int(rng.integers(3, 7)))
        table = np.array(found.cells)
        values = np.concatenate([[0], rng.uniform(1, 2, 3)])
        rank = np.linalg.matrix_rank(values[np.abs(table)] * np.sign(table))
        assert found.is_proper(rng) == (rank == 3 and set(np.abs(table).flat) >= {1, 2, 3})


def test_formula_and_counts():
    found = structure([[0, -2], [1, 0]])
    assert str(found) == "−⟨h1, r2, t2⟩ + ⟨h2, r1, t1⟩"
    assert found.formula(latex=True) == (
        r"-\langle h_1, r_2, t_2 \rangle + \langle h_2, r_1, t_1 \rangle"
    )
    assert (found.num_chunks, found.num_blocks) == (2, 2)
    assert structure([[0]]).formula() == "0"


def test_json_round_trip_and_refusals():
    for found in NAMED.values():
        assert BlockStructure.from_json(found.to_json()) == found
    for wrong in ([], [[1, 0]], [[3, 0], [0, 1]], [[True, 0], [0, 1]], "[[1]]", [[1.0]], [1], {}):
        with pytest.raises(ShapeError, match="not a block structure"):
            BlockStructure.from_json(wrong)
