from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.similar_drugs import SimilarDrugVote, TypeHabit, log_vote, tanimoto

NUM_TYPES = 3


def test_tanimoto_by_hand():
    bits = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], bool)
    expected = [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]]  # no bits at all: 0, also with itself
    assert tanimoto(bits, bits) == pytest.approx(np.array(expected))
    assert tanimoto(bits[:1], bits).dtype == np.float32
    with pytest.raises(ShapeError, match=r"\(n, F\) and \(m, F\)"):
        tanimoto(bits, bits[:, :3])


@pytest.fixture(scope="module")
def case():
    """Twelve drugs, the last four new; facts between the others, some drugs without any."""
    rng = np.random.default_rng(7)
    bits = rng.random((12, 20)) < 0.4
    known = np.arange(12) < 8
    pairs = [(h, t) for h in range(7) for t in range(7) if h != t]
    chosen = rng.permutation(len(pairs))[:25]
    facts = np.array([(pairs[i][0], rng.integers(NUM_TYPES), pairs[i][1]) for i in chosen])
    similarity = tanimoto(bits, bits)
    vote = SimilarDrugVote(facts, similarity, known, NUM_TYPES, exponent=2.0)
    return SimpleNamespace(facts=facts, similarity=similarity, known=known, vote=vote)


def weight(case, drug, other, *, new):
    """k(drug, other) by its definition."""
    if not new:
        return float(drug == other)
    return float(case.similarity[drug, other]) ** 2 if case.known[other] and other != drug else 0.0


def by_definition(case, head, tail):
    """(T,) score and the facts behind each type, in loops."""
    both = case.known[head] and case.known[tail]
    sides = [(True, False), (False, True)] if both else [(not case.known[d]) for d in (head, tail)]
    score, carried = np.zeros(NUM_TYPES), {i: [] for i in range(NUM_TYPES)}
    for new_head, new_tail in sides if both else [tuple(sides)]:
        for u, i, v in case.facts.tolist():
            part = weight(case, head, u, new=new_head) * weight(case, tail, v, new=new_tail)
            score[i] += part
            if part:
                carried[i].append((u, v, part))
    return score, carried


ALL_PAIRS = np.array([(h, t) for h in range(12) for t in range(12) if h != t])


def test_vote_equals_its_definition_for_every_pair(case):
    found = case.vote.scores(*ALL_PAIRS.T)
    expected = [by_definition(case, h, t)[0] for h, t in ALL_PAIRS.tolist()]
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array(expected), abs=1e-6)
    assert (found.sum(1) > 0).any()
    assert (found.sum(1) == 0).any()


def test_one_pair_equals_many(case):
    together = case.vote.scores(*ALL_PAIRS.T)
    order = np.random.default_rng(0).permutation(len(ALL_PAIRS))
    assert case.vote.scores(*ALL_PAIRS[order].T) == pytest.approx(together[order], abs=1e-7)
    alone = [case.vote.scores(pair[:1], pair[1:])[0] for pair in ALL_PAIRS]
    assert np.array(alone) == pytest.approx(together, abs=1e-7)
    assert case.vote.scores(np.zeros(0, int), np.zeros(0, int)).shape == (0, NUM_TYPES)


def test_evidence_adds_up_to_the_score(case):
    for head, tail in ALL_PAIRS.tolist():
        _, carried = by_definition(case, head, tail)
        for kind, expected in carried.items():
            found = case.vote.evidence(head, tail, kind, 100)
            assert {(item.head, item.tail) for item in found} == {(u, v) for u, v, _ in expected}
            assert sum(item.weight for item in found) == pytest.approx(
                sum(part for *_, part in expected), abs=1e-6
            )
            weights = [item.weight for item in found]
            assert weights == sorted(weights, reverse=True)
            assert case.vote.evidence(head, tail, kind, 2) == found[:2]


def test_uploaded_drug_given_by_weights_equals_the_same_drug_by_number(case):
    vote = case.vote
    for new in range(8, 12):
        uploaded = vote.weights(case.similarity[new])
        for other in range(8):
            row = vote.as_itself(other)
            pair, back = np.array([new]), np.array([other])
            assert vote.scores_for(uploaded, row) == pytest.approx(vote.scores(pair, back)[0])
            assert vote.scores_for(row, uploaded) == pytest.approx(vote.scores(back, pair)[0])
            assert vote.table(uploaded)[other] == pytest.approx(vote.scores(pair, back)[0])
            assert vote.table_of_tail(uploaded)[other] == pytest.approx(vote.scores(back, pair)[0])
        both = vote.scores_for(uploaded, vote.weights(case.similarity[8]))
        assert both == pytest.approx(vote.scores(np.array([new]), np.array([8]))[0], abs=1e-6)


def test_an_interaction_of_the_pair_itself_never_counts(case):
    """Two known drugs: the answer is the same with and without what is recorded for them."""
    for number, (head, _, tail) in enumerate(case.facts.tolist()):
        pair = np.array([head]), np.array([tail])
        without = np.delete(case.facts, number, 0)
        blind = SimilarDrugVote(without, case.similarity, case.known, NUM_TYPES, 2.0)
        assert case.vote.scores(*pair) == pytest.approx(blind.scores(*pair), abs=1e-7)


def test_direction_is_respected():
    similarity = np.array([[1, 0, 0.5], [0, 1, 0], [0.5, 0, 1]])
    facts, known = np.array([[0, 1, 1]]), np.array([True, True, False])
    vote = SimilarDrugVote(facts, similarity, known, 2, 1.0)
    there, back = vote.scores(np.array([2, 1]), np.array([1, 2]))
    assert there.tolist() == [0, 0.5]  # drug 2 resembles drug 0, which acts on drug 1
    assert back.tolist() == [0, 0]


def test_facts_of_new_drugs_are_refused():
    facts, known = np.array([[0, 0, 1]]), np.array([True, False])
    with pytest.raises(ShapeError, match="between known drugs"):
        SimilarDrugVote(facts, np.eye(2), known, 1)
    with pytest.raises(ShapeError, match=r"similarity must be \(2, 2\)"):
        SimilarDrugVote(facts, np.eye(3), known, 1)
    with pytest.raises(ShapeError, match="heads"):
        SimilarDrugVote(facts[:0], np.eye(2), known, 1).scores(np.array([0]), np.array([0, 1]))


# --- log vote


def test_log_vote_by_hand():
    logs, voted = log_vote(np.array([[3.0, 1.0, 0.0, 0.0], [0, 0, 0, 0], [2, 2, 2, 2]]), 0.1)
    assert voted.tolist() == [True, False, True]
    assert logs[0] == pytest.approx(np.log([0.9 * 3 + 0.1, 0.9 * 1 + 0.1, 0.1, 0.1]))
    assert logs[1].tolist() == [0, 0, 0, 0]
    assert logs[2] == pytest.approx(np.zeros(4), abs=1e-6)
    assert logs.dtype == np.float64


def test_log_vote_is_a_log_probability_and_needs_no_scale(case):
    scores = case.vote.scores(*ALL_PAIRS.T)
    logs, voted = log_vote(scores)
    assert np.exp(logs).sum(1) == pytest.approx(np.full(len(logs), NUM_TYPES), rel=1e-5)
    assert (logs[voted].argmax(1) == scores[voted].argmax(1)).all()
    assert log_vote(scores * 1e-6)[0] == pytest.approx(logs, abs=1e-5)


# --- habits


def test_habits_by_hand():
    facts = np.array([[0, 0, 1], [0, 0, 2], [1, 1, 2], [2, 0, 1]])
    known = np.array([True, True, True, False])
    similarity = np.eye(4)
    similarity[3, :3] = similarity[:3, 3] = 0.5, 0.25, 0
    habit = TypeHabit.from_facts(facts, similarity, known, 2, num_similar=2)
    assert habit.prior.tolist() == [0.75, 0.25]
    assert habit.majority == 0
    # own facts and one pseudo-fact: drug 0 as head twice type 0, drug 2 as tail once each
    assert habit.as_head[0] == pytest.approx(np.array([2.75, 0.25]) / 3)
    assert habit.as_tail[2] == pytest.approx(np.array([1.75, 1.25]) / 3)
    assert habit.as_tail[0] == pytest.approx([0.75, 0.25])  # never a tail: all facts
    new = 0.5 * np.array([2.75, 0.25]) + 0.25 * np.array([0.75, 1.25])  # drugs 0 and 1
    assert habit.as_head[3] == pytest.approx(new / new.sum(), rel=1e-5)
    pair = np.array([3]), np.array([2])
    assert habit.known_side(*pair)[0] == pytest.approx(habit.as_tail[2])
    assert habit.known_side(*reversed(pair))[0] == pytest.approx(habit.as_head[2])
    product = habit.as_head[3] * habit.as_tail[2] / habit.prior
    assert habit.product(*pair)[0] == pytest.approx(product / product.sum())


def test_habits_of_a_drug_nothing_resembles_are_those_of_all_facts():
    facts, known = np.array([[0, 0, 1], [1, 1, 0], [0, 0, 1]]), np.array([True, True, False])
    habit = TypeHabit.from_facts(facts, np.eye(3), known, 3)
    assert habit.as_head[2] == pytest.approx(habit.prior)
    assert habit.product(np.array([2]), np.array([2]))[0] == pytest.approx(habit.prior)
    assert habit.product(np.array([0]), np.array([2]))[0, 2] == 0  # a type without facts


def test_fallback_decides_only_where_the_vote_is_silent(case):
    habit = TypeHabit.from_facts(case.facts, case.similarity, case.known, NUM_TYPES)
    heads, tails = np.array([8, 8]), np.array([0, 0])
    votes = np.array([[0.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    found = habit.fallback(votes, heads, tails)
    assert found[0].argmax() == 1
    assert found[1].argmax() == habit.product(heads, tails)[1].argmax()
