"""Models that answer questions about one knowledge graph, in one table under one protocol.

Filtered ranks with realistic ties, both directions, against all entities. Everything that is chosen
(epoch, weight of N3, structure, rules and how they combine) is chosen on validation triples; the
test triples are ranked once per model. PyKEEN's models are trained by PyKEEN's own loop, epoch by
epoch in turns with ours of the same name, at equal width, batch and optimiser
(`benchmarks.measurement.rivals`); their scores are ranked by the same code.

Latency: one question at a time, torch for the trained functions, what is served for the others.
"""

import argparse
import gc
import sys
import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from benchmarks.measurement.graphs import QUICK, generate
from benchmarks.measurement.rivals import Rival
from benchmarks.measurement.timing import (
    Pair,
    Stopwatch,
    heading,
    measure,
    milliseconds,
    percentiles,
    table,
)
from core.configs import AutoBlmConfig, autoblm_config
from core.data import kg
from core.knowledge.blocks import NAMED
from core.knowledge.path_rules import mine_rules
from core.methods.parsimony_on_model import autoblm
from core.serving.artifact import Artifact, list_artifacts
from core.serving.relational import RelationalModel
from core.serving.rules import CHOICES, RuleModel
from core.training.evaluate import (
    KnownAnswers,
    LinkTask,
    ScoreAll,
    rank_triples,
    score_bilinear,
)

RIVALS = ("ComplEx", "DistMult", "RotatE")
BATCH = 50  # questions ranked at once
NUM_TIMED = 100  # questions asked one at a time
COLUMNS = (
    "model", "parameters", "s/epoch", "training s", "ms p50", "valid MRR", "test MRR", "hits@1",
    "hits@10", "reach",
)  # fmt: skip
AGAINST = (
    "model", "ours s/epoch", "PyKEEN s/epoch", "ratio", "ratio cpu", "with gc cpu",
    "valid MRR ours / PyKEEN", "test MRR ours / PyKEEN",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What was measured of one model.

    Attributes:
        model: name.
        size: trained numbers, or rules.
        epoch_s: seconds per epoch without validation, None where there are no epochs of its own.
        training_s: seconds until the model was ready, choices on validation included.
        p50: median seconds of a question asked alone.
        valid, test: metrics.
    """

    model: str
    size: str
    epoch_s: float | None
    training_s: float
    p50: float
    valid: dict[str, float]
    test: dict[str, float]

    def cells(self) -> tuple[str, ...]:
        """As `COLUMNS`."""
        return (
            self.model,
            self.size,
            "-" if self.epoch_s is None else f"{self.epoch_s:.3f}",
            f"{self.training_s:.1f}",
            milliseconds(self.p50),
            f"{self.valid['mrr']:.3f}",
            *(f"{self.test[name]:.3f}" for name in ("mrr", "hits_at_1", "hits_at_10", "reach")),
        )


class Case:
    """A split, and how everything on it is measured."""

    def __init__(self, split: kg.KgSplit) -> None:
        self.split, self.graph = split, split.train
        num_entities, num_relations = self.graph.num_entities, self.graph.num_relations
        self.task = LinkTask(
            num_entities, num_relations, self.graph.triples, split.valid, split.known
        )
        self.known = KnownAnswers(split.known, num_entities, num_relations)

    def rank(self, score: ScoreAll, triples: np.ndarray) -> dict[str, float]:
        """Metrics of both directions."""
        ranked = rank_triples(score, triples, self.known, self.graph.num_relations, BATCH)
        return ranked.summary()

    def row(
        self, model: str, size: str, watch: Stopwatch | None, seconds: float, score: ScoreAll
    ) -> Row:
        """Rank the validation and test triples, and ask some of the latter one at a time."""
        epoch_s = None
        if watch is not None:
            epoch_s = float(np.median([epoch.wall for epoch in watch.epochs]))
        found = Row(
            model,
            size,
            epoch_s,
            seconds,
            self._latency(score),
            self.rank(score, self.split.valid),
            self.rank(score, self.split.test),
        )
        print("measured:", *found.cells(), file=sys.stderr, flush=True)  # minutes pass in all
        return found

    def _latency(self, score: ScoreAll) -> float:
        rng = np.random.default_rng(0)
        asked = self.split.test[rng.integers(0, len(self.split.test), NUM_TIMED)]
        waits = [
            measure(partial(score, asked[i : i + 1, 0], asked[i : i + 1, 1])).wall
            for i in range(NUM_TIMED)
        ]
        return percentiles(waits)[0]


def measure_rules(case: Case, seed: int) -> Row:
    """Path rules; how they combine is chosen on validation."""
    start = time.perf_counter()
    adjacency = case.graph.adjacency
    rules = mine_rules(adjacency, rng=np.random.default_rng(seed))
    models = [RuleModel(rules, case.graph.num_relations, **choice) for choice in CHOICES]
    mrr = [case.rank(partial(model.run, adjacency), case.split.valid)["mrr"] for model in models]
    best = models[int(np.argmax(mrr))]
    words = f"path rules ({best.aggregation}, best {best.num_best}, length {best.max_length})"
    size = f"{sum(len(rule.body) <= best.max_length for rule in rules):,} rules"
    return case.row(words, size, None, time.perf_counter() - start, partial(best.run, adjacency))


def find_red_gnn(case: Case) -> list[Artifact]:
    """Served RED-GNN models that were trained on exactly these facts."""
    return [
        found
        for _, found in list_artifacts()
        if isinstance(found, Artifact)
        and found.card.method == "redgnn"
        and found.card.data.sha256 == case.graph.digest
    ]


def measure_red_gnn(case: Case, artifact: Artifact) -> Row:
    """A served RED-GNN model; training seconds are those of its card."""
    card, model = artifact.card, RelationalModel.of(artifact)

    def score(heads: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        result = model.run(case.graph.adjacency, heads, relations)
        return result.logits, result.reached

    return case.row(card.name, f"{card.num_parameters:,}", None, card.training_s, score)


def measure_function(
    case: Case, config: AutoBlmConfig, seed: int, rival: Rival | None = None
) -> tuple[Row, Stopwatch, dict]:
    """A bilinear function, named or searched; with a rival, epochs are trained in turns."""
    watch = Stopwatch()

    def report(_step: int, _total: int, text: str, **values: float) -> None:
        if not config.structure or not text.startswith("epoch"):
            return
        if not values:
            watch.lap()
            return
        watch.end_epoch()
        if rival is not None:
            train_rival(case, rival)

    fitted = autoblm.fit(case.task, config, seed=seed, report=report)
    network, knowledge = fitted.network, fitted.knowledge
    nearest = knowledge["nearest"]
    name = config.structure or (
        f"searched ({nearest['cells_that_differ']} cells from {nearest['name']})"
    )
    # a searched structure shares its epochs with the structures trained beside it
    row = case.row(
        name,
        f"{sum(parameter.numel() for parameter in network.parameters()):,}",
        watch if config.structure else None,
        fitted.history.seconds,
        score_bilinear(network),
    )
    return row, watch, knowledge


def train_rival(case: Case, rival: Rival) -> None:
    """One epoch, then validation, as in our training."""
    rival.epoch()
    start = time.perf_counter()
    rival.keep_if_best(case.rank(rival.score, case.split.valid)["mrr"])
    rival.seconds += time.perf_counter() - start


def measure_rival(case: Case, rival: Rival) -> Row:
    """A trained model of PyKEEN, with the weights that validated best."""
    rival.restore_best()
    name, size = f"PyKEEN {rival.name}", f"{rival.num_parameters:,}"
    return case.row(name, size, rival.watch, rival.seconds, rival.score)


def compare(ours: Row, watch: Stopwatch, theirs: Row, rival: Rival) -> tuple[str, ...]:
    """Time per epoch and MRR of the same model, as `AGAINST`."""
    collecting = measure(gc.collect).cpu  # PyKEEN does so after every epoch
    ours_cpu = np.median([epoch.cpu for epoch in watch.epochs])
    pair = Pair(tuple(rival.watch.epochs), tuple(watch.epochs))
    return (
        ours.model,
        f"{ours.epoch_s:.3f}",
        f"{theirs.epoch_s:.3f}",
        f"{pair.wall_ratio:.1f}",
        f"{pair.cpu_ratio:.1f}",
        f"{pair.cpu_ratio + collecting / ours_cpu:.1f}",
        f"{ours.valid['mrr']:.3f} / {theirs.valid['mrr']:.3f}",
        f"{ours.test['mrr']:.3f} / {theirs.test['mrr']:.3f}",
    )


def measure_all(
    case: Case, config: AutoBlmConfig, seed: int
) -> tuple[list[Row], list[tuple[str, ...]], dict]:
    """All rows, the comparison with PyKEEN, and what the search found."""
    rows = [measure_rules(case, seed)]
    rows += [measure_red_gnn(case, artifact) for artifact in find_red_gnn(case)]
    searched, _, found = measure_function(case, config, seed)
    rows.append(searched)
    against = []
    for name in NAMED:
        named = replace(
            config, structure=name, n3_weights=(found["n3"],), patience=config.num_epochs
        )
        rival = Rival(name, case.task, config, found["n3"], seed) if name in RIVALS else None
        ours, watch, _ = measure_function(case, named, seed, rival)
        rows.append(ours)
        if rival is not None:
            theirs = measure_rival(case, rival)
            rows.append(theirs)
            against.append(compare(ours, watch, theirs, rival))
    for name in (name for name in RIVALS if name not in NAMED):
        rival = Rival(name, case.task, config, found["n3"], seed)
        for _ in range(config.num_epochs):
            train_rival(case, rival)
        rows.append(measure_rival(case, rival))
    return rows, against, found


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_set", nargs="?", default="umls-conve", help="one of the kg splits")
    parser.add_argument("--epochs", type=int, default=30, help="of every trained function")
    parser.add_argument("--dim", type=int, default=64, help="numbers per entity")
    parser.add_argument("--budget", type=int, default=32, help="structures the search tries")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a small generated graph, two epochs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.quick:
        graph = generate("umls", QUICK, np.random.default_rng(0))
        case = Case(kg.split_triples(graph, seed=0))
        sizes = {"num_epochs": 2, "search_epochs": 1, "dim": 8, "budget": 10, "n3_weights": [0.01]}
    else:
        case = Case(kg.load_split(options.data_set))
        sizes = {"num_epochs": options.epochs, "dim": options.dim, "budget": options.budget}
    config = autoblm_config(case.graph.name, **sizes)
    rows, against, found = measure_all(case, config, options.seed)
    print(heading(f"{case.graph}: filtered, realistic ties, both directions; seed {options.seed}"))
    print(table(COLUMNS, [row.cells() for row in rows]))
    print(
        f"{config.num_epochs} epochs, d = {config.dim}, {config.batch_size} questions per batch, "
        f"Adagrad {config.learning_rate:g}, N3 {found['n3']:g}; {len(found['trials'])} structures "
        f"tried\nsearched: {found['formula']}"
    )
    print(table(AGAINST, against))
    print(
        "ratio: PyKEEN / ours, batches alone, median over epochs trained in turns (target 3 at "
        "equal MRR)\nwith gc: and the collection of garbage with which PyKEEN ends every epoch"
    )


if __name__ == "__main__":
    main()
