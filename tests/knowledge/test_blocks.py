from itertools import combinations, permutations, product

import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.blocks import (
    FOUR_BLOCK,
    MAX_FAILURES,
    NAMED,
    BlockStructure,
    nearest_named,
    propose_evolution,
    propose_progressive,
)

# what the authors' search found; the last two columns: can be symmetric, can be skew
SEARCHED = {
    "WN18": ([[0, 2, -2, 1], [3, 0, 2, 0], [-3, 3, 0, -1], [4, 0, -4, 0]], True, True),
    "FB15k": ([[0, 2, 0, 1], [3, 0, 2, 0], [0, 3, 0, 0], [4, 0, 0, 0]], True, True),
    "WN18RR": ([[4, 1, 0, 0], [2, 4, 0, -1], [0, 0, 3, -2], [0, -2, -1, 4]], True, True),
    "FB15k-237": ([[0, 0, 1, 0], [0, 2, 0, 0], [0, 0, 0, 3], [4, 0, 0, 0]], True, False),
    "YAGO3-10": ([[1, 0, 0, 0], [0, 2, 0, -3], [0, 0, 3, 0], [0, -2, 0, 4]], True, False),
}


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


def all_9216_rewritings(table):
    """For each of 24 chunk orders: the order, and the 384 tables it gives with their names."""
    names = np.array(
        [
            [0, *(number * sign for number, sign in zip(numbers, signs, strict=True))]
            for numbers in permutations(range(1, 5))
            for signs in product([1, -1], repeat=4)
        ]
    )
    written = names[:, np.abs(table)] * np.sign(table)  # (384, 4, 4)
    for order in map(list, permutations(range(4))):
        yield order, names, written[:, order][:, :, order]


def test_equal_scores_and_forms_under_all_9216_rewritings(rng):
    found = random_structure(rng, 4, 7)
    head, relation, tail = rng.normal(size=(3, 4, 2))
    expected = score(found, head.ravel(), relation.ravel(), tail.ravel())
    num_equal = 0
    for order, names, tables in all_9216_rewritings(np.array(found.cells)):
        renamed = np.zeros((384, 5, 2))
        rows = np.arange(384)[:, None]
        renamed[rows, np.abs(names[:, 1:])] = relation * np.sign(names[:, 1:, None])
        blocks = renamed[rows[:, :, None], np.abs(tables)] * np.sign(tables)[..., None]
        scores = np.einsum("hd,nhtd,td->n", head[order], blocks, tail[order])
        num_equal += np.isclose(scores, expected).sum()
        assert {structure(table).canonical() for table in tables[::40]} == {found.canonical()}
    assert num_equal == 9216


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


def features_by_definition(found):
    """Class by class in the order of (zeros, different absolute values), over all assignments."""
    k = found.num_chunks
    values = np.array([v for v in product(range(-k, k + 1), repeat=k) if any(v)])
    kinds = [((v == 0).sum(), len(set(np.abs(v)) - {0})) for v in values]
    filled = np.einsum("hrt,nr->nht", found.tensor().astype(int), values)
    turned = filled.transpose(0, 2, 1)
    used = np.abs(filled).sum((1, 2)) > 0
    symmetric = used & (filled == turned).all((1, 2))
    skew = used & (filled + turned == 0).all((1, 2))
    return [
        any(holds for holds, other in zip(which, kinds, strict=True) if other == kind)
        for which in (symmetric, skew)
        for kind in sorted(set(kinds))
    ]


@pytest.mark.parametrize("name", NAMED)
def test_features_of_named_models_by_definition(name):
    features = NAMED[name].features()
    assert features.shape == (20,)
    assert features.tolist() == features_by_definition(NAMED[name])


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_features_of_random_structures_by_definition(rng, k):
    for num_blocks in (k, k + 2 * (k > 1)):
        found = random_structure(rng, k, num_blocks)
        assert found.features().tolist() == features_by_definition(found)
        assert found.canonical().features().tolist() == found.features().tolist()


def test_what_published_structures_can_express():
    expected = {"DistMult": (True, False), "CP": (False, False)}
    for name, found in NAMED.items():
        able = found.can_be_symmetric, found.can_be_skew
        assert able == expected.get(name, (True, True)), name
    for name, (table, symmetric, skew) in SEARCHED.items():
        found = BlockStructure.from_json(table)
        assert (found.can_be_symmetric, found.can_be_skew) == (symmetric, skew), name


def test_nearest_named_model(rng):
    for name, found in NAMED.items():
        signs = rng.choice([-1, 1], 4)
        other = rewritten(found.cells, rng.permutation(4), rng.permutation(4) + 1, signs)
        assert nearest_named(other) == (name, 0)
    assert nearest_named(BlockStructure.from_json(SEARCHED["YAGO3-10"][0])) == ("DistMult", 2)
    assert nearest_named(BlockStructure.from_json(SEARCHED["FB15k"][0])) == ("SimplE", 2)


def test_nearest_named_model_is_the_best_of_all_9216_rewritings(rng):
    table = np.array(random_structure(rng, 4, 8).cells)
    best = {
        name: min(
            (tables != np.array(named.cells)).sum((1, 2)).min()
            for _, _, tables in all_9216_rewritings(table)
        )
        for name, named in NAMED.items()
    }
    name, different = nearest_named(structure(table))
    assert different == best[name] == min(best.values())


def evolve(parents, seen, seed=0, num=60):
    return propose_evolution(parents, seen, np.random.default_rng(seed), num)


def progress(parents, seen, seed=0, num=60):
    return propose_progressive(parents, seen, np.random.default_rng(seed), num)


@pytest.mark.parametrize("propose", [evolve, progress])
def test_proposals_are_proper_new_and_reproducible(propose, rng):
    seen = propose(FOUR_BLOCK, FOUR_BLOCK, seed=1)
    found = propose(FOUR_BLOCK, [*FOUR_BLOCK, *seen])
    assert len(found) == 60
    assert all(candidate.is_proper(rng) for candidate in found)
    forms = {candidate.canonical() for candidate in found}
    assert len(forms) == 60
    assert not forms & {candidate.canonical() for candidate in [*FOUR_BLOCK, *seen]}
    assert found == propose(FOUR_BLOCK, [*FOUR_BLOCK, *seen])
    assert found != propose(FOUR_BLOCK, [*FOUR_BLOCK, *seen], seed=2)


def test_progress_adds_two_blocks_and_ends_when_the_table_is_full():
    parents = [NAMED["ComplEx"], FOUR_BLOCK[0]]
    for candidate in progress(parents, []):
        differences = [
            [(a, b) for a, b in zip(parent._flat, candidate._flat, strict=True) if a != b]
            for parent in parents
        ]
        assert any(len(d) == 2 and all(a == 0 for a, b in d) for d in differences)
    full = structure(np.array(NAMED["DistMult"].cells) + (1 - np.eye(4)))
    assert full.num_blocks == 16
    assert progress([full], []) == []


def test_evolution_crosses_two_parents_and_mutates_few_cells():
    parents = [NAMED["ComplEx"], BlockStructure.from_json(SEARCHED["WN18RR"][0])]
    first, second = (np.array(parent.cells) for parent in parents)
    children = [np.array(child.cells) for child in evolve(parents, parents, num=300)]
    crossed = [np.logical_or(c == first, c == second).all() for c in children]
    assert 0.25 < np.mean(crossed) < 0.6  # half of all draws, less one in five, less the refused
    near = [min((c != first).sum(), (c != second).sum()) for c in children]
    mutants = [n for n, both in zip(near, crossed, strict=True) if not both]
    assert np.median(mutants) <= 3  # two cells of sixteen are redrawn on average
    alone = [np.array(child.cells) for child in evolve(parents[:1], parents, num=100)]
    assert 1 < np.mean([(c != first).sum() for c in alone]) < 3
    assert {int(value) for c in alone for value in c[c != first]} == set(range(-4, 5))


class Counted:
    """Passes everything on to a generator and counts the calls of `random`."""

    def __init__(self, rng):
        self.rng, self.num_random = rng, 0

    def __getattr__(self, name):
        return getattr(self.rng, name)

    def random(self, *args):
        self.num_random += 1
        return self.rng.random(*args)


def test_proposing_ends_when_nothing_new_is_left(rng):
    tables = (structure(np.reshape(flat, (2, 2))) for flat in product(range(-2, 3), repeat=4))
    everything = {found.canonical() for found in tables if found.is_proper(rng)}
    start = [structure([[1, 0], [0, 2]])]
    found = evolve(start, start, num=10_000)
    assert {child.canonical() for child in found} < everything
    counted = Counted(rng)
    assert propose_evolution(start, everything, counted, 5) == []
    assert counted.num_random == MAX_FAILURES == 100  # one parent: one call for each draw
