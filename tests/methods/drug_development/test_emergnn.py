"""EmerGNN: who plays the new drug, losses, resumption, and a rule it must learn."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.configs import EmerGnnConfig
from core.knowledge.calibration import negative_log_likelihood, softmax
from core.knowledge.flow import FlowGraph
from core.knowledge.interaction_scores import combine, log_shares, order_probabilities
from core.knowledge.similar_drugs import log_vote
from core.methods.drug_development import emergnn
from core.training.interaction_data import make_vote
from core.training.interactions import InteractionTask, Pairs

NUM_DRUGS, NUM_ENZYMES = 40, 8
TYPES = 3  # 0: the tail's metabolism falls, 1: both block the same enzyme, 2: anything else
SMALL = EmerGnnConfig(hidden_dim=16, num_epochs=12, batch_size=32, valid_sample=0, dropout=0.2)


def rule_world(seed=0):
    """Drugs that inhibit one enzyme and are substrates of another; the type follows from these."""
    rng = np.random.default_rng(seed)
    inhibits = rng.integers(NUM_ENZYMES, size=NUM_DRUGS)
    substrate = rng.integers(NUM_ENZYMES, size=NUM_DRUGS)
    drugs = np.arange(NUM_DRUGS)
    edges = np.concatenate(
        [
            np.stack([drugs, np.zeros_like(drugs), NUM_DRUGS + inhibits], 1),
            np.stack([drugs, np.ones_like(drugs), NUM_DRUGS + substrate], 1),
        ]
    )
    rows = []
    for u, v in itertools.permutations(range(NUM_DRUGS), 2):
        kind = 0 if inhibits[u] == substrate[v] else 1 if inhibits[u] == inhibits[v] else 2
        if kind < 2 or rng.random() < 0.3:
            rows.append((u, kind, v))
    return edges, np.array(rows), rng


def rule_task(setting="S1", seed=0):
    edges, rows, rng = rule_world(seed)
    graph = FlowGraph.prepare(edges, NUM_DRUGS + NUM_ENZYMES, TYPES, 2, NUM_DRUGS)
    new = np.zeros(NUM_DRUGS, dtype=bool)
    new[:10] = True
    count = new[rows[:, 0]].astype(int) + new[rows[:, 2]]
    valid = rows[count == {"S0": 0, "S1": 1, "S2": 2}[setting]]
    bits = (rng.random((NUM_DRUGS, 1024)) < 0.05).astype(np.uint8)
    train = Pairs.of(rows[count == 0])
    directed = np.array([True, False, False])
    return InteractionTask(graph, bits, train, Pairs.of(valid), ~new, setting, TYPES, directed)


@pytest.mark.parametrize(("setting", "ends"), [("S1", 1), ("S2", 2)])
def test_questions_have_pseudo_new_ends_and_facts_have_none(setting, ends):
    task = rule_task()
    facts, asked = emergnn.divide(
        task.train, task.may_emerge, setting, 0.2, np.random.default_rng(0)
    )
    known = set(facts.heads) | set(facts.tails)
    chosen = (set(asked.heads) | set(asked.tails)) - known
    assert 0 < len(chosen) <= 6  # a fifth of 30
    for u, v in zip(asked.heads, asked.tails, strict=True):
        assert (u in chosen) + (v in chosen) == ends


def test_known_drugs_are_asked_about_random_interactions():
    task = rule_task()
    facts, asked = emergnn.divide(task.train, task.may_emerge, "S0", 0.2, np.random.default_rng(0))
    assert len(asked) == int(len(task.train) * 0.2)
    together = np.concatenate([facts.facts, asked.facts])
    assert sorted(map(tuple, together)) == sorted(map(tuple, task.train.facts))


def test_each_question_hides_its_own_new_ends():
    task = rule_task()
    one = emergnn.as_new(task.train, "S1", np.random.default_rng(0))
    assert (one.new_head ^ one.new_tail).all()
    assert 0.3 < one.new_head.mean() < 0.7
    two = emergnn.as_new(task.train, "S2", np.random.default_rng(0))
    assert two.new_head.all()
    assert two.new_tail.all()


@pytest.mark.parametrize("resampling", ["pair", "epoch"])
def test_a_rule_about_shared_enzymes_is_learned_for_new_drugs(resampling):
    task = rule_task()
    config = EmerGnnConfig(
        hidden_dim=16, num_epochs=25, valid_sample=0, resampling=resampling, patience=25,
        batch_size=32 if resampling == "pair" else 8,
    )  # fmt: skip
    fitted = emergnn.fit(task, config, seed=0)
    best = fitted.history.epochs[fitted.history.best_epoch - 1]
    majority = np.bincount(task.valid.types).max() / len(task.valid)
    assert best["valid_accuracy"] > 0.95 > majority + 0.2


def test_the_combination_is_at_least_as_likely_as_its_parts():
    task = rule_task()
    fitted = emergnn.fit(task, SMALL, seed=0)
    plus, pairs = fitted.knowledge["plus"], task.valid
    training = emergnn._Training(task, SMALL, 0, torch.device("cpu"))
    training.network.load_state_dict(fitted.network.state_dict())
    logits, _ = training.validation_logits()
    scores = make_vote(task, plus["exponent"]).scores(pairs.heads, pairs.tails)
    votes, path = log_vote(scores)[0], log_shares(logits)
    combined = combine(plus, logits, scores)

    def likelihood(scores):
        return negative_log_likelihood(softmax(scores), pairs.types)

    assert likelihood(combined) <= likelihood(path) + 1e-4
    assert likelihood(combined) <= likelihood(votes) + 1e-4
    sets = softmax(combined) >= fitted.knowledge["sets"]["threshold"]
    assert sets[np.arange(len(pairs)), pairs.types].mean() >= 0.9


@pytest.mark.parametrize("setting", ["S1", "S2"])
def test_halves_of_the_validation_pairs_share_no_new_drug(setting):
    task = rule_task(setting)
    first, second = emergnn.halves(task.valid, ~task.may_emerge)
    drugs = [
        set(task.valid.heads[half]) | set(task.valid.tails[half])
        for half in (first.numpy(), second.numpy())
    ]
    assert not {d for d in drugs[0] & drugs[1] if not task.may_emerge[d]}
    assert min(first.sum(), second.sum()) > 0
    assert not (first & second).any()


def test_an_interrupted_training_goes_on_with_the_same_numbers(tmp_path):
    task = rule_task()
    whole = emergnn.fit(task, SMALL, seed=1)

    class StopError(Exception):
        pass

    def stop(step, _total, _text, **_values):
        if step == 5:
            raise StopError

    with pytest.raises(StopError):
        emergnn.fit(task, SMALL, seed=1, report=stop, checkpoint=tmp_path / "c.pt")
    again = emergnn.fit(task, SMALL, seed=1, checkpoint=tmp_path / "c.pt")
    assert [e["loss"] for e in again.history.epochs] == [e["loss"] for e in whole.history.epochs]


def test_the_order_follows_from_the_rule():
    task = rule_task()
    config = replace(SMALL, num_epochs=25)
    fitted = emergnn.fit(task, config, seed=0)
    training = emergnn._Training(task, config, 0, torch.device("cpu"))
    training.network.load_state_dict(fitted.network.state_dict())
    pairs, logits = task.valid, training.validation_logits()
    vote = make_vote(task, fitted.knowledge["plus"]["exponent"])
    ways = (pairs.heads, pairs.tails), (pairs.tails, pairs.heads)
    votes = np.stack([vote.scores(*way) for way in ways])
    rows = pairs.types == 0  # the inhibitor comes first; the vote knows little, bits are random
    weights = fitted.knowledge["plus"]["order"]
    found = order_probabilities(weights, logits[:, rows], votes[:, rows], task.directed)[0]
    assert (found > 0.5).mean() > 0.9


def test_turned_logits_are_those_of_the_turned_pairs():
    task = rule_task()
    training = emergnn._Training(task, SMALL, 0, torch.device("cpu"))
    _, turned = training.validation_logits()
    pairs = Pairs(task.valid.tails, task.valid.heads, task.valid.types)
    training.task = replace(task, valid=pairs)
    np.testing.assert_allclose(training.validation_logits()[0], turned, atol=1e-5)


def test_without_directed_pairs_both_weights_of_the_order_stay_one():
    nothing = np.zeros((2, 0, TYPES))
    order = emergnn.order_mixture(nothing, nothing, np.zeros(TYPES, dtype=bool)).solve()
    assert order.tolist() == [1, 1]


@pytest.mark.parametrize("setting", ["S1", "S2"])
def test_votes_beside_training_see_nothing_of_the_new_ends(setting):
    task = rule_task(setting)
    votes = emergnn.training_votes(task)
    ways = {"S1": [(True, False), (False, True)], "S2": [(True, True)]}[setting]
    pairs = task.train
    for row in (0, len(pairs) // 2):
        for way, (new_head, new_tail) in zip(votes, ways, strict=True):
            ends = pairs.heads[row], pairs.tails[row]
            gone = [end for end, new in zip(ends, (new_head, new_tail), strict=True) if new]
            left = ~np.isin(np.stack([pairs.heads, pairs.tails]), gone).any(0)
            known = task.may_emerge & ~np.isin(np.arange(NUM_DRUGS), gone)
            hidden = replace(task, train=pairs[left], may_emerge=known)
            vote = make_vote(hidden, emergnn.TRAINING_EXPONENT)
            expected, _ = log_vote(vote.scores(*np.array(ends)[:, None]))
            np.testing.assert_allclose(way[row], expected[0], atol=1e-3)


def test_free_vectors_serve_known_drugs():
    config = EmerGnnConfig(hidden_dim=16, num_epochs=2, feature="embedding", valid_sample=0)
    fitted = emergnn.fit(rule_task("S0"), config, seed=0)
    assert fitted.network.feature.num_embeddings == NUM_DRUGS
    assert "plus" not in fitted.knowledge


def multilabel_task():
    edges, rows, rng = rule_world()
    rows = rows[rows[:, 1] < 2]
    labels = np.zeros((len(rows), 6), dtype=bool)
    labels[np.arange(len(rows)), rows[:, 1] * 3] = True
    labels[:, 5] = rng.random(len(rows)) < 0.3
    heads, tails = rows[:, 0], rows[:, 2]
    pairs = Pairs(
        np.repeat(heads, 2),
        np.stack([tails, rng.integers(NUM_DRUGS, size=len(rows))], 1).ravel(),
        np.zeros(2 * len(rows), dtype=np.int64),
        np.repeat(labels, 2, axis=0),
        np.tile([True, False], len(rows)),
    )
    graph = FlowGraph.prepare(edges, NUM_DRUGS + NUM_ENZYMES, 1, 2, NUM_DRUGS)
    bits = (rng.random((NUM_DRUGS, 1024)) < 0.05).astype(np.uint8)
    return InteractionTask(
        graph, bits, pairs, pairs[:200], np.ones(NUM_DRUGS, dtype=bool), "S1", labels.shape[1],
        np.zeros(labels.shape[1], dtype=bool),
    )  # fmt: skip


def test_multi_label_loss_counts_the_labels_a_row_carries_and_nothing_else():
    task = multilabel_task()
    training = emergnn._Training(task, SMALL, 0, torch.device("cpu"))
    batch = training.valid_batches[0]
    training.network.eval()
    logits = training.logits(batch)
    expected = [
        functional.binary_cross_entropy_with_logits(
            logits[row, effect], torch.tensor(float(batch.pairs.positive[row]))
        )
        for row, effect in np.argwhere(batch.pairs.labels)
    ]
    torch.testing.assert_close(training.loss(batch), torch.stack(expected).mean())


def test_multi_label_pairs_are_told_from_their_negatives():
    config = EmerGnnConfig(hidden_dim=16, num_epochs=8, valid_sample=100, patience=8)
    fitted = emergnn.fit(multilabel_task(), config, seed=0)
    assert max(epoch["valid_pr_auc"] for epoch in fitted.history.epochs) > 0.75


def test_negative_rows_are_not_facts():
    task = multilabel_task()
    assert len(task.train.facts) == task.train.positive.sum()
    assert not task.train.facts[:, 1].any()
    sample = task.sample_valid(50, seed=0)
    assert sample.positive.sum() == (~sample.positive).sum() == 25


@pytest.mark.gpu
def test_training_step_on_cuda_equals_cpu():
    task = rule_task()
    losses = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        training = emergnn._Training(task, SMALL, 0, torch.device(device))
        training.network.eval()
        losses.append(training.loss(training.valid_batches[0]).item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
