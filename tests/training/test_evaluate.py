"""The grouped evaluation against one question at a time, by plain loops."""

import numpy as np

from core.training.evaluate import KnownAnswers, both_directions, rank_triples

N, R = 7, 2
TRIPLES = np.array([[0, 0, 1], [0, 0, 2], [3, 1, 0], [5, 0, 5]])
OTHERS = np.array([[0, 0, 4], [2, 1, 6]])
KNOWN = np.concatenate([TRIPLES, OTHERS])


def table():
    rng = np.random.default_rng(0)
    return rng.integers(0, 4, (N, 2 * R, N)).astype(float)  # many ties


def test_both_directions():
    assert both_directions(np.array([[3, 1, 0]]), R).tolist() == [[3, 1, 0], [0, 3, 3]]


def test_ranks_equal_brute_force():
    scores = table()

    def score(heads, relations):
        values = scores[heads, relations]
        return values, values > 0

    result = rank_triples(score, TRIPLES, KnownAnswers(KNOWN, N, R), R, batch_size=2)
    everything = {tuple(row) for row in both_directions(KNOWN, R).tolist()}
    for (head, relation, tail), rank, reached in zip(
        result.triples.tolist(), result.ranks, result.reached, strict=True
    ):
        values = scores[head, relation]
        rivals = [values[v] for v in range(N) if (head, relation, v) not in everything]
        own = values[tail]
        better, equal = sum(v > own for v in rivals), sum(v == own for v in rivals)
        assert rank == 1 + better + equal / 2
        assert reached == (own > 0)
    summary = result.summary()
    assert summary["num_questions"] == 8
    assert summary["mrr"] == np.mean(1 / result.ranks)
    assert summary["mrr_tail"] == np.mean(1 / result.ranks[:4])
    assert summary["reach"] == result.reached.mean()
    assert result.by_relation()[1] == 1 / result.ranks[2]


def test_no_triples_give_zeros():
    result = rank_triples(
        lambda h, _r: (np.zeros((len(h), N)), np.zeros((len(h), N), bool)),
        np.zeros((0, 3), dtype=int),
        KnownAnswers(KNOWN, N, R),
        R,
        batch_size=2,
    )
    assert result.summary()["mrr"] == 0.0
