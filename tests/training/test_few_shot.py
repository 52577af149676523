import numpy as np
import pytest
import torch

from core.chemistry.graphs import many_graphs
from core.configs import FewShotConfig
from core.errors import ShapeError
from core.function.few_shot import EmbeddingNetwork, PrototypeHead
from core.function.gin import GraphTensors
from core.knowledge.molecules import MoleculeStore
from core.training.episodes import FewShotTask, Potencies, draw_episodes
from core.training.few_shot import (
    FunctionScorer,
    NetworkScorer,
    draw_questions,
    fit_episodic,
    measure_assays,
)

CONFIG = FewShotConfig(
    hidden_dim=16, num_layers=2, dropout=0.0, potency_epochs=1, assay_epochs=2, batch_size=16,
    num_epochs=6, steps_per_epoch=20, tasks_per_step=2, shots=(1, 3), num_queries=8,
)  # fmt: skip


def make_task() -> FewShotTask:
    """Chains of carbons that end in O, N or F; an assay asks for one of the ends."""
    smiles = ["C" * size + end for end in "ONF" for size in range(1, 15)]
    ends = np.repeat([0, 1, 2], 14)
    labels = np.stack([ends == 0, ends == 1, ends == 2, ends != 0], 1).astype(np.int8)
    labels[::5, 0] = -1
    store = MoleculeStore.of(many_graphs(smiles))
    usable = np.ones(len(smiles), dtype=bool)
    usable[[3, 20]] = False
    rows = np.arange(len(smiles))
    sizes = np.tile(np.linspace(-1, 1, 14, dtype=np.float32), 3)

    def potencies() -> Potencies:
        return Potencies(store, rows, rows % 2, sizes)

    train = np.array([0, 1])
    return FewShotTask("chains", "chains", store, labels, train, usable, potencies)


def test_episodes_hold_what_they_say():
    task = make_task()
    drawn = draw_episodes(
        task, np.array([0, 2]), shots=3, num_queries=8, rng=np.random.default_rng(0)
    )
    for place, column in enumerate((0, 2)):
        given = drawn.rows[drawn.support[place]]
        asked = drawn.rows[drawn.query[place]][drawn.mask[place] > 0]
        assert (task.labels[given, column] == drawn.classes[place].argmax(1)).all()
        assert (drawn.classes[place].sum(0) == 3).all()
        assert (task.labels[asked, column] == drawn.labels[place][drawn.mask[place] > 0]).all()
        assert len(set(given) | set(asked)) == len(given) + len(asked)
        assert task.usable[given].all()
        assert task.usable[asked].all()
        assert drawn.labels[place].sum() == 4  # half of the queries are active


def test_too_few_molecules_leave_padding_and_one_is_too_few():
    task = make_task()
    labels = task.labels.copy()
    labels[:, 1] = -1
    labels[[0, 1, 2, 4, 5], 1] = [1, 1, 0, 0, 0]
    few = FewShotTask(*(
        labels if name == "labels" else getattr(task, name)
        for name in ("name", "source", "store", "labels", "train", "usable", "potencies")
    ))  # fmt: skip
    drawn = draw_episodes(few, np.array([1]), shots=5, num_queries=4, rng=np.random.default_rng(0))
    assert drawn.classes[0].sum(0).tolist() == [2, 1]
    assert drawn.mask[0].tolist() == [1, 1, 0, 0]
    labels[0, 1] = -1
    with pytest.raises(ShapeError, match="fewer than two"):
        draw_episodes(few, np.array([1]), shots=1, num_queries=4, rng=np.random.default_rng(0))


def build(encoder):
    return EmbeddingNetwork(encoder, PrototypeHead(16))


def test_training_learns_goes_on_where_it_stopped_and_shares_its_warm_start(tmp_path):
    task = make_task()
    fitted = fit_episodic(build, task, CONFIG, seed=0, checkpoint=tmp_path / "a.pt")
    assert fitted.history.best_epoch == CONFIG.num_epochs
    upside_down = measure_assays(
        NetworkScorer(fitted.network, task.store), task.labels, np.array([3]),
        asked=task.usable, shots=3, draws=range(4),
    )  # fmt: skip
    assert upside_down.auc > 0.9  # an assay that was not trained on: the first with labels swapped
    left = {path.name.split("-")[1] for path in tmp_path.glob("warm-*")}
    assert left == {"potencies", "chains"}
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("warm-*")}
    again = fit_episodic(build, task, CONFIG, seed=0, checkpoint=tmp_path / "a.pt")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("warm-*")} == before
    assert again.history == fitted.history
    for ours, theirs in zip(again.network.parameters(), fitted.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_scores_do_not_depend_on_the_order_or_on_other_queries():
    task = make_task()
    torch.manual_seed(0)
    config = FewShotConfig(**{**vars(CONFIG), "num_epochs": 1, "potency_epochs": 0})
    network = fit_episodic(build, task, config, seed=0).network
    support, labels = np.array([1, 2, 15, 16, 30]), np.array([1, 1, 0, 0, 0])
    query = np.array([5, 18, 33, 7])
    scores = NetworkScorer(network, task.store).scores(support, labels, query)
    turned = NetworkScorer(network, task.store).scores(
        support[::-1].copy(), labels[::-1].copy(), query[::-1].copy()
    )
    np.testing.assert_allclose(turned[::-1], scores, atol=1e-6)
    graph = GraphTensors.of(task.store.take(support))
    state = network.adapt(graph, torch.eye(2)[torch.from_numpy(labels)])
    alone = network.answer(state, GraphTensors.of(task.store.take(query[:1])))
    np.testing.assert_allclose(alone.detach().numpy(), scores[:1], atol=1e-6)


class _Oracle:
    """Knows an assay's answer, or only what the support says."""

    def __init__(self, labels, honest: bool) -> None:
        self.labels, self.honest = labels, honest

    def scores(self, support, labels, query):
        right = self.labels[query].astype(float)
        flipped = labels[self.labels[support] == 1].mean() < 0.5
        return 1 - right if self.honest and flipped else right


def test_measuring_asks_everything_outside_the_support_and_shuffling_shows_the_prior():
    task = make_task()
    column = np.array([1])
    everyone = np.ones(len(task.store), dtype=bool)
    for honest in (True, False):
        oracle = _Oracle(task.labels[:, 1], honest)
        plain = measure_assays(oracle, task.labels, column, asked=everyone, shots=3, draws=range(6))
        shuffled = measure_assays(
            oracle, task.labels, column, asked=everyone, shots=3, draws=range(6), shuffled=True
        )
        assert plain.auc == 1.0
        assert plain.by_draw.shape == (6, 1)
        assert (shuffled.auc < 1.0) == honest


def test_a_bounded_test_asks_as_many_of_each_class_and_the_same_auc_is_expected():
    task = make_task()
    labels, everyone = task.labels[:, [1]], np.ones(len(task.store), dtype=bool)
    [one] = draw_questions(labels, np.array([0]), everyone, 3, 0, most=4)
    assert (one.active.sum(), (~one.active).sum()) == (4, 4)
    assert not np.isin(one.query, one.support).any()
    noise = np.random.default_rng(0).normal(labels[:, 0], 1.0)
    scorer = FunctionScorer(lambda _support, _labels, query: noise[query])
    exact, sampled = (
        measure_assays(
            scorer, labels, np.array([0]), asked=everyone, shots=3, draws=range(200), most=most
        )
        for most in (None, 4)
    )
    deviation = sampled.by_draw.std() / np.sqrt(200)
    assert abs(exact.auc - sampled.auc) < 4 * deviation


def test_swapped_episodes_ask_for_the_inactive_ones():
    task = make_task()
    drawn = draw_episodes(
        task, np.array([0, 2]), shots=3, num_queries=8, rng=np.random.default_rng(0), swapped=1.0
    )
    for place, column in enumerate((0, 2)):
        given = drawn.rows[drawn.support[place]]
        asked = drawn.rows[drawn.query[place]]
        assert (task.labels[given, column] == 1 - drawn.classes[place].argmax(1)).all()
        assert (task.labels[asked, column] == 1 - drawn.labels[place]).all()
