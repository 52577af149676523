import numpy as np
import pytest

from core.data import twosides
from core.data.twosides import MultiLabelPairs, partner_matched_negatives
from core.errors import ShapeError
from core.settings import settings

needs_mirror = pytest.mark.skipif(
    settings().mirror is None or not (settings().mirror / "ddi").is_dir(),
    reason="the mirror folder with the drug interaction files is not here",
)


def positives(rng, num_drugs=60, num_emerging=15, num_pairs=150):
    """Pairs with exactly one emerging drug, in either column."""
    emerging = np.zeros(num_drugs, dtype=bool)
    emerging[rng.choice(num_drugs, num_emerging, replace=False)] = True
    new = rng.choice(np.flatnonzero(emerging), num_pairs)
    old = rng.choice(np.flatnonzero(~emerging), num_pairs)
    pairs = np.unique(np.stack([new, old], 1), axis=0)
    swap = rng.random(len(pairs)) < 0.5
    pairs[swap] = pairs[swap][:, ::-1]
    return pairs, emerging


def roc_auc(positive, negative):
    wins = (positive[:, None] > negative[None]).mean()
    return wins + 0.5 * (positive[:, None] == negative[None]).mean()


# --- partner-matched negatives


@pytest.mark.parametrize("seed", range(5))
def test_the_partner_stays_and_the_other_drug_is_a_new_emerging_one(seed):
    rng = np.random.default_rng(seed)
    pairs, emerging = positives(rng)
    further = np.stack([rng.integers(0, 60, 200), rng.integers(0, 60, 200)], 1)
    kept, negatives = partner_matched_negatives(pairs, emerging, rng, known=further)
    assert len(kept) > 0.9 * len(pairs)
    same = negatives == pairs[kept]
    assert (same.sum(1) == 1).all()
    assert not emerging[negatives[same]].any()
    assert emerging[negatives[~same]].all()
    taken = {frozenset(pair) for pair in [*pairs.tolist(), *further.tolist()]}
    assert not any(frozenset(pair) in taken for pair in negatives.tolist())
    assert set(negatives.ravel()) <= set(pairs.ravel())


@pytest.mark.parametrize("seed", range(5))
def test_a_score_of_the_known_drug_alone_is_worth_nothing(seed):
    rng = np.random.default_rng(seed)
    pairs, emerging = positives(rng)
    kept, negatives = partner_matched_negatives(pairs, emerging, rng)
    habit = rng.random(60)  # any number of a known drug

    def known(rows):
        return habit[np.where(emerging[rows[:, 0]], rows[:, 1], rows[:, 0])]

    assert roc_auc(known(pairs[kept]), known(negatives)) == pytest.approx(0.5, abs=1e-12)


def test_two_emerging_drugs_stay_two_emerging_drugs():
    emerging = np.array([True] * 6 + [False] * 6)
    pairs = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]])
    kept, negatives = partner_matched_negatives(pairs, emerging, np.random.default_rng(0))
    assert kept.tolist() == [0, 1, 2, 3, 4]
    assert emerging[negatives].sum(1).tolist() == [2, 2, 2, 0, 0]
    assert ((negatives == pairs).sum(1) == 1).all()


def test_a_pair_without_any_free_drug_is_left_out():
    emerging = np.array([True, True, False, False])
    pairs = np.array([[0, 2], [1, 2], [0, 3]])
    kept, negatives = partner_matched_negatives(pairs, emerging, np.random.default_rng(0))
    assert kept.tolist() == [2]
    assert negatives.tolist() == [[1, 3]]


# --- couples


def test_couples_alternate():
    pairs = np.array([[0, 1], [2, 3]])
    negatives = np.array([[0, 4], [4, 3]])
    labels = np.array([[True, False], [True, True]])
    couples = MultiLabelPairs.from_positives(pairs, negatives, labels)
    assert couples.pairs.tolist() == [[0, 1], [0, 4], [2, 3], [4, 3]]
    assert couples.positive.tolist() == [True, False, True, False]
    assert couples.labels.tolist() == [[True, False]] * 2 + [[True, True]] * 2


@pytest.mark.parametrize(
    ("positive", "labels", "words"),
    [
        ([True, True], [[True], [True]], "in turn"),
        ([True, False], [[True], [False]], "labels of its positive"),
        ([True], [[True], [True]], "couples"),
    ],
)
def test_rows_that_are_no_couples_are_refused(positive, labels, words):
    with pytest.raises(ShapeError, match=words):
        MultiLabelPairs(np.array([[0, 1], [0, 2]]), np.array(labels), np.array(positive))


# --- the files


@needs_mirror
def test_published_part_is_read_completely():
    data = twosides.load_twosides()
    network = data.network
    assert (network.num_drugs, network.num_types) == (604, 200)
    assert network.num_entities == 34124 + 604 - 326  # 326 drugs are compounds of Hetionet
    assert len(network.edges) == 990141
    rows = {name: len(part.pairs) for name, part in data.parts.items()}
    assert len(rows) == 16
    assert sum(rows.values()) == 49446
    assert (rows["valid S0"], rows["valid S1_1"], rows["test S2_123"]) == (8256, 7140, 1020)
    pairs, labels = data.positives()
    assert len(pairs) == 18669
    assert labels.any(1).all()
    first = data.parts["valid S0"]
    assert first.pairs[:2].tolist() == [[27, 28], [239, 93]]
    assert np.flatnonzero(first.labels[0]).tolist() == [48, 59, 61, 62]


@needs_mirror
def test_split_by_drugs_keeps_new_drugs_out_of_training():
    data = twosides.load_twosides()
    assert not data.known_drugs.any()
    split = twosides.split_by_drugs(data, seed=0)
    again = twosides.split_by_drugs(data, seed=0)
    known = split.known_drugs
    assert 400 < known.sum() < 430
    new = {}
    for name, part in split.parts.items():
        assert (part.pairs == again.parts[name].pairs).all()
        num_new = (~known[part.pairs]).sum(1)
        assert np.unique(num_new).tolist() == [int(name[-1]) if "S" in name else 0]
        new[name] = set(part.pairs[~known[part.pairs]].tolist())
    assert not (new["valid S1"] | new["valid S2"]) & (new["test S1"] | new["test S2"])
    rows = {name: len(part.pairs) // 2 for name, part in split.parts.items()}
    assert rows["train"] > rows["test S1"] > rows["valid S1"] > rows["test S2"] > rows["valid S2"]
    positive = {tuple(pair) for pair in data.positives()[0].tolist()}
    for part in split.parts.values():
        order = np.sort(part.pairs, 1).tolist()
        assert [tuple(pair) in positive for pair in order] == part.positive.tolist()


@needs_mirror
def test_drugs_keep_their_edges_and_notes_in_the_new_order():
    network = twosides.load_twosides().network
    fentanyl = network.rows["Compound::DB00813"]
    assert (fentanyl, network.entity_names[fentanyl]) == (1, "Fentanyl")
    binds = [relation.id for relation in network.relations].index("CbG")
    own = network.edges[(network.edges[:, 0] == fentanyl) & (network.edges[:, 1] == binds)]
    assert "CYP3A4" in {network.entity_names[row] for row in own[:, 2].tolist()}
    assert all((fentanyl, binds, int(gene)) in network.notes for gene in own[:, 2])


@needs_mirror
def test_published_negatives_change_the_known_drug_and_matched_ones_do_not():
    data = twosides.load_twosides()
    habit = np.zeros((604, 200))  # how often a drug carries a label between known drugs
    seen = data.parts["valid S0"]
    for column in (0, 1):
        np.add.at(habit, seen.pairs[0::2, column], seen.labels[0::2].astype(float))
    emerging = np.zeros(604, dtype=bool)
    emerging[data.parts["valid S2_1"].pairs[0::2]] = True
    part = data.parts["valid S1_1"]
    clear = emerging[part.pairs[0::2]].sum(1) == 1
    pairs, labels = part.pairs[0::2][clear], part.labels[0::2][clear]
    published = part.pairs[1::2][clear]
    kept, matched = partner_matched_negatives(
        pairs, emerging, np.random.default_rng(0), known=data.positives()[0]
    )
    row = np.arange(len(pairs))
    column = np.where(emerging[pairs[:, 0]], 1, 0)
    partner = pairs[row, column]
    assert (published[row, column] != partner).all()
    assert (matched[np.arange(len(kept)), column[kept]] == partner[kept]).all()
    common = np.flatnonzero(labels.sum(0) >= 50)
    auc = [
        roc_auc(habit[partner[labels[:, t]], t], habit[published[row, column][labels[:, t]], t])
        for t in common
    ]
    assert np.mean(auc) > 0.8
