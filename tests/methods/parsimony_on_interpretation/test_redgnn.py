import numpy as np
import pytest
import torch

from core.configs import RED_GNN, RedGnnConfig, red_gnn_config
from core.errors import InputError
from core.function.relational import GraphTensors
from core.methods.parsimony_on_interpretation.redgnn import _Training, divide, fit
from core.training.evaluate import KnownAnswers, LinkTask, rank_triples, score_all

SMALL = RedGnnConfig(
    hidden_dim=16,
    num_layers=2,
    dropout=0.0,
    learning_rate=0.02,
    batch_size=16,
    num_epochs=25,
    patience=25,
)


def grandparents(num_families=12):
    """grand(X, Z) holds exactly when parent(X, Y) and parent(Y, Z)."""
    parents, grands = [], []
    for family in range(num_families):
        a, b, c, d = (4 * family + i for i in range(4))
        parents += [(a, 0, b), (b, 0, c), (b, 0, d)]
        grands += [(a, 1, c), (a, 1, d)]
    return np.array(parents), np.array(grands)


def toy_task():
    parents, grands = grandparents()
    facts = np.concatenate([parents, grands[:16]])
    return LinkTask(48, 2, facts, grands[16:20], np.concatenate([parents, grands])), grands[20:]


def test_the_rule_is_learned_and_transfers_to_held_out_families():
    task, test = toy_task()
    fitted = fit(task, SMALL, seed=0)
    graph = GraphTensors(task.adjacency(task.facts))
    result = rank_triples(
        score_all(fitted.network, graph), test, KnownAnswers(task.known, 48, 2), 2, 10
    )
    assert result.summary()["mrr_tail"] >= 0.99
    assert fitted.knowledge["num_layers"] == 2
    assert fitted.num_parameters == 2 * (5 * 16 + 3 * 16 * 5 + 11 + 256) + 6 * 256 + 6 * 16 + 16


def test_equal_seeds_give_equal_weights_and_others_do_not():
    task, _ = toy_task()
    short = RedGnnConfig(**{**vars(SMALL), "num_epochs": 2})
    one, two, other = (fit(task, short, seed=s).network.score.weight for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_division_keeps_questions_out_of_the_message_graph():
    triples = np.unique(np.random.default_rng(0).integers(0, [20, 3, 20], (200, 3)), axis=0)
    facts, questions = divide(triples, 0.75, 20, 3, np.random.default_rng(1), remove_one_hop=False)
    forward = questions[questions[:, 1] < 3]
    assert len(facts) == int(0.75 * len(triples))
    assert {*map(tuple, facts.tolist())} | {*map(tuple, forward.tolist())} == {
        *map(tuple, triples.tolist())
    }
    assert not {*map(tuple, facts.tolist())} & {*map(tuple, forward.tolist())}
    inverse = questions[questions[:, 1] >= 3]
    assert {(t, r - 3, h) for h, r, t in inverse.tolist()} == {*map(tuple, forward.tolist())}


def test_one_hop_removal_leaves_no_edge_between_the_ends_of_a_question():
    triples = np.unique(np.random.default_rng(0).integers(0, [8, 4, 8], (120, 3)), axis=0)
    facts, questions = divide(triples, 0.75, 8, 4, np.random.default_rng(1), remove_one_hop=True)
    asked = {(h, t) for h, _, t in questions.tolist()}
    assert not any((h, t) in asked for h, _, t in facts.tolist())


def test_loss_is_the_mean_cross_entropy_with_unreached_entities_at_zero():
    task, _ = toy_task()
    training = _Training(task, SMALL, 0, torch.device("cpu"))
    training.network.eval()
    graph, batch = next(iter(training.batches(0)))
    scores, _ = training.network(graph, batch[:, 0].contiguous(), batch[:, 1].contiguous())
    rows = scores.detach().double().numpy()
    own = rows[np.arange(len(batch)), batch[:, 2].numpy()]
    expected = np.mean(np.log(np.exp(rows).sum(1)) - own)
    assert training.loss(batch=(graph, batch)).item() == pytest.approx(expected, rel=1e-5)


def test_inductive_questions_are_asked_on_all_facts():
    task, _ = toy_task()
    fixed = LinkTask(48, 2, task.facts, task.valid, task.known, questions=task.valid)
    batches = list(_Training(fixed, SMALL, 0, torch.device("cpu")).batches(0))
    asked = np.concatenate([batch.numpy() for _, batch in batches])
    assert len(asked) == 2 * len(task.valid)
    assert batches[0][0].target.shape[0] == 2 * len(task.facts) + 48


def test_published_settings_and_overrides():
    assert red_gnn_config("WN18RR").batch_size == 100
    assert red_gnn_config("fb237_v1", num_epochs=3).num_epochs == 3
    assert red_gnn_config("upload:x") == RedGnnConfig()
    assert len(RED_GNN) == 20
    with pytest.raises(InputError, match=r'TR-E01 .*"epochs" is not a setting'):
        red_gnn_config("family", epochs=3)


@pytest.mark.gpu
def test_cuda_scores_equal_cpu_scores():
    task, _ = toy_task()
    fitted = fit(task, RedGnnConfig(**{**vars(SMALL), "num_epochs": 2}), seed=0, device="cuda")
    adjacency = task.adjacency(task.facts)
    heads, relations = np.arange(10), np.zeros(10, dtype=np.int64)
    there, _ = score_all(fitted.network, GraphTensors(adjacency, "cuda"))(heads, relations)
    here, _ = score_all(fitted.network.cpu(), GraphTensors(adjacency))(heads, relations)
    np.testing.assert_allclose(there, here, atol=1e-4)
