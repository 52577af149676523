"""AutoBLM: the scoring function of a knowledge graph, searched.

Source: Zhang, Yao & Kwok, "Bilinear Scoring Function Search for Knowledge Graph Learning", IEEE
TPAMI 2023 (AutoBLM, AutoBLM+); Zhang, Yao, Dai & Chen, "AutoSF", ICDE 2020; section 3.1 of the
parsimony paper. Figures to reach (filtered MRR): WN18RR .490, FB15k-237 .360, YAGO3-10 .571.

Idea: which products of chunks of head, relation and tail make a good score depends on the graph.
The structure of the score is therefore searched: structures are proposed, the function of each is
trained on the training facts, and validation facts decide. The search starts from the named models
(DistMult, ComplEx, SimplE, Analogy, CP) and the structures of four blocks, and ends with a training
of the best structures and the named models side by side, so that it never ends below a named model
on the validation facts.

Knowledge space: `core.knowledge.blocks.BlockStructure`, a signed table of chunks.
Function space:  `core.function.bilinear.BilinearModels`, one vector per entity and relation.
Coupling:        `core.training.search` proposes by evolution or level by level; a network on the
                 symmetries of a structure guesses which proposals are worth their training.

Notation: N entities, R relations, 2R with inverses; C structures trained side by side.

Differs from the paper: (1) cross entropy in both directions with N3 of Lacroix et al. (ICML 2018)
instead of L2 on relations and a projection of entities; (2) named models among the start; (3) the
weight of N3 is chosen on validation facts with the named models, before the search; (4) a batch
holds questions with all their answers, which share one softmax; (5) raw scores are ranked.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.configs import AutoBlmConfig
from core.errors import InputError, ShapeError
from core.function.bilinear import BilinearModels
from core.function.structure_predictor import rank_structures
from core.knowledge.blocks import (
    FOUR_BLOCK,
    NAMED,
    BlockStructure,
    nearest_named,
    propose_evolution,
    propose_progressive,
)
from core.training.evaluate import (
    KnownAnswers,
    LinkTask,
    both_directions,
    rank_triples,
    score_bilinear,
)
from core.training.fitted import Fitted
from core.training.loop import Report, own_file, quiet, train
from core.training.search import Proposer, SearchResult, Trial, best_trials, search

NUM_CHUNKS = 4  # K; published
POPULATION = 5  # parents of the evolution; published
LEVEL_PARENTS = 8  # structures of a level that are extended; published
FIRST_LEVEL, LAST_LEVEL = 4, 14  # blocks of the smallest and largest parents of the levels
NUM_SCORES = 1 << 24  # scores of one step held at once: bounds how many are trained side by side

Structures = Sequence[BlockStructure]


def fit(
    task: LinkTask,
    config: AutoBlmConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Search a structure, or take the one asked for, and train it to the end.

    Args:
        task: facts and validation triples.
        config: every hyper-parameter.
        seed: seeds vectors, order and proposals.
        device: where tensors live.
        report: progress over structures tried and epochs; may raise Cancelled.
        checkpoint: begins the names of two files from which an interrupted search and an
            interrupted training go on with the same numbers.

    Raises:
        InputError: no such structure or algorithm, a budget smaller than the start, or a task whose
            test entities are not those of the training facts.
    """
    if task.questions is not None:
        raise InputError(
            "TR-E06", "Entities without vectors",
            "A bilinear function knows the entities of its training facts only, and this data set "
            "is tested on others.",
            "Train RED-GNN on it, or choose a data set with one graph.",
        )  # fmt: skip
    given = read_structure(config.structure) if config.structure else None
    bench = _Bench(task, config, seed, torch.device(device))
    tried = 0 if given else config.budget

    def alive(*_step: object, **_values: float) -> None:
        report(0, tried + config.num_epochs, "choosing the weight of N3")

    start = [given] if given else list(NAMED.values())
    n3 = bench.choose_n3(start, alive)
    found = None if given else _search(bench, n3, _offset(report, 0, config), checkpoint)
    finalists = start if found is None else _finalists(found, bench.num_parallel)
    training = _Training(bench, finalists, n3, judge=True)
    history = train(
        training,
        num_epochs=config.num_epochs,
        patience=config.patience,
        gradient_clip=math.inf,  # Adagrad scales every number by its own past
        report=_offset(report, tried, config),
        checkpoint=own_file(checkpoint, ".pt", [one.to_json() for one in finalists], n3, config),
    )
    kept = history.epochs[history.best_epoch - 1]
    best = max(range(len(finalists)), key=lambda i: kept[_label(finalists, i)])
    history.seconds += bench.choice_s
    history.seconds += sum(trial.seconds for trial in found.trials) if found else 0.0
    return Fitted(
        training.network.alone(best),
        _knowledge(finalists, best, found, n3, bench, history.epochs),
        history,
    )


def read_structure(text: str) -> BlockStructure:
    """A named model, or a table of four rows as JSON.

    Raises:
        InputError: TR-E07 when it is neither.
    """
    if text in NAMED:
        return NAMED[text]
    try:
        structure = BlockStructure.from_json(json.loads(text))
    except (ShapeError, json.JSONDecodeError) as error:
        raise _no_structure(text) from error
    if structure.num_chunks != NUM_CHUNKS or not structure.num_blocks:
        raise _no_structure(text)
    return structure


def _no_structure(text: str) -> InputError:
    return InputError(
        "TR-E07", "Unknown structure", f'"{text[:80]}" is not a structure.',
        f"Known: {', '.join(NAMED)}; or four rows of four whole numbers from -4 to 4 such as "
        "[[1,0,0,0],[0,2,0,0],[0,0,3,0],[0,0,0,4]].",
    )  # fmt: skip


class _Bench:
    """Facts and validation of a task, and short trainings of many structures on it."""

    def __init__(
        self, task: LinkTask, config: AutoBlmConfig, seed: int, device: torch.device
    ) -> None:
        self.task, self.config, self.seed, self.device = task, config, seed, device
        facts = task.facts
        if task.background is not None:
            facts = np.concatenate([task.background, facts])
        self.triples = both_directions(facts, task.num_relations)
        questions, self.owner = np.unique(self.triples[:, :2], axis=0, return_inverse=True)
        self.num_questions = len(questions)
        self.known = KnownAnswers(task.known, task.num_entities, task.num_relations)
        self.valid = task.valid
        if 0 < config.valid_sample < len(task.valid):
            rng = np.random.default_rng([seed, 0])
            self.valid = task.valid[rng.permutation(len(task.valid))[: config.valid_sample]]
        self.num_parallel = min(
            config.num_parallel, max(1, NUM_SCORES // (config.batch_size * task.num_entities))
        )
        self.choice_s = 0.0  # time spent on choosing the weight of N3

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """(B, 3) triples in both directions; all answers of a question are in one batch."""
        rng = np.random.default_rng([self.seed, epoch + 1])
        place = rng.permutation(self.num_questions)[self.owner]  # (2F,) turn of each question
        order = np.argsort(place, kind="stable")
        size = self.config.batch_size
        cuts = np.searchsorted(place[order], np.arange(size, self.num_questions, size))
        for rows in np.split(order, cuts):
            yield torch.from_numpy(self.triples[rows]).to(self.device)

    def valid_mrr(self, network: BilinearModels) -> float:
        """Filtered MRR of one model on the validation triples, both directions."""
        ranked = rank_triples(
            score_bilinear(network), self.valid, self.known, self.task.num_relations, batch_size=100
        )
        return ranked.summary()["mrr"]

    def trials(self, structures: Structures, n3: float, alive: Report) -> list[Trial]:
        """Train each structure for `search_epochs`; validate once, after the last."""
        made = []
        for start in range(0, len(structures), self.num_parallel):
            part = structures[start : start + self.num_parallel]
            training = _Training(self, part, n3, judge=False)
            epochs = self.config.search_epochs
            history = train(
                training, num_epochs=epochs, patience=epochs, gradient_clip=math.inf, report=alive
            )
            for i, structure in enumerate(part):
                mrr = self.valid_mrr(training.network.alone(i))
                seconds = history.seconds / len(part)
                made.append(Trial(structure, mrr, structure.num_blocks, seconds))
        return made

    def choose_n3(self, structures: Structures, alive: Report) -> float:
        """The weight of N3 with which the best of the structures validates best."""
        weights = self.config.n3_weights
        if len(weights) == 1:
            return weights[0]
        tried = [self.trials(structures, n3, alive) for n3 in weights]
        self.choice_s = sum(trial.seconds for trials in tried for trial in trials)
        return weights[int(np.argmax([best_trials(trials, 1)[0].score for trials in tried]))]


class _Training:
    """Structures side by side for `core.training.loop.train`.

    With `judge` every epoch is validated and the one kept is that of the best structure; without,
    the last epoch is kept.
    """

    def __init__(self, bench: _Bench, structures: Structures, n3: float, *, judge: bool) -> None:
        torch.manual_seed(bench.seed)
        self.bench, self.structures, self.judge, self.epoch = bench, structures, judge, 0
        tensor = torch.from_numpy(np.stack([one.tensor() for one in structures]))
        task, config = bench.task, bench.config
        self.network = BilinearModels(tensor, task.num_entities, task.num_relations, config.dim).to(
            bench.device
        )
        self.n3 = torch.full((len(structures),), n3, device=bench.device)
        self.optimizer = torch.optim.Adagrad(
            self.network.parameters(), lr=config.learning_rate, fused=bench.device.type == "cpu"
        )
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(
            self.optimizer, config.learning_rate_decay
        )

    def batches(self, epoch: int) -> Iterator[Tensor]:
        self.epoch = epoch
        return self.bench.batches(epoch)

    def loss(self, batch: Tensor) -> Tensor:
        """Sum over the structures, so that none feels how many there are."""
        return self.network.loss(batch, self.n3).sum()

    def validate(self) -> dict[str, float]:
        if not self.judge:
            return {"selection": float(self.epoch)}
        mrr = {
            _label(self.structures, i): self.bench.valid_mrr(self.network.alone(i))
            for i in range(len(self.structures))
        }
        return {"selection": max(mrr.values()), "valid_mrr": max(mrr.values()), **mrr}


class _Evolution:
    """AutoBLM+: children of the best structures so far."""

    def propose(self, trials: Sequence[Trial], rng: np.random.Generator, num: int) -> Structures:
        parents = [trial.candidate for trial in best_trials(trials, POPULATION)]
        return propose_evolution(parents, [trial.candidate for trial in trials], rng, num)


class _Progressive:
    """AutoBLM: two more blocks per level, the budget shared equally by the levels."""

    def __init__(self, num_start: int, budget: int) -> None:
        num_levels = (LAST_LEVEL - FIRST_LEVEL) // 2 + 1
        self.num_start, self.per_level = num_start, max(1, (budget - num_start) // num_levels)

    def propose(self, trials: Sequence[Trial], rng: np.random.Generator, num: int) -> Structures:
        level = FIRST_LEVEL + 2 * ((len(trials) - self.num_start) // self.per_level)
        seen = [trial.candidate for trial in trials]
        for blocks in range(min(level, LAST_LEVEL), LAST_LEVEL + 1, 2):
            below = best_trials((one for one in trials if one.size == blocks), LEVEL_PARENTS)
            found = below and propose_progressive([one.candidate for one in below], seen, rng, num)
            if found:
                return found
        return []


def _search(bench: _Bench, n3: float, report: Report, checkpoint: Path | None) -> SearchResult:
    config = bench.config
    start = list({one.canonical(): one for one in (*FOUR_BLOCK, *NAMED.values())}.values())
    proposers: dict[str, Proposer] = {
        "evolution": _Evolution(),
        "progressive": _Progressive(len(start), config.budget),
    }
    if config.algorithm not in proposers:
        raise InputError(
            "TR-E08", "Unknown search", f'"{config.algorithm}" is not a way to search.',
            f"Known: {', '.join(proposers)}.",
        )  # fmt: skip
    if config.budget < len(start):
        raise InputError(
            "TR-E08", "Budget too small",
            f"{config.budget} structures are fewer than the {len(start)} of the start.",
            f"Give a budget of at least {len(start)}.",
        )  # fmt: skip
    reported = [0]

    def noted(step: int, total: int, text: str, **values: float) -> None:
        reported[0] = step
        report(step, total, text, **values)

    def alive(*_step: object, **_values: float) -> None:
        report(reported[0], config.budget, "trying structures")

    return search(
        proposers[config.algorithm],
        lambda structures: bench.trials(structures, n3, alive),
        start=start,
        budget=config.budget,
        batch=config.num_parallel,
        seed=bench.seed,
        rank=_ranked,
        report=noted,
        checkpoint=own_file(checkpoint, ".json", n3, config),
    )


def _ranked(trials: Sequence[Trial], proposals: Structures, rng: np.random.Generator) -> Structures:
    tried, scores = [one.candidate for one in trials], [one.score for one in trials]
    return rank_structures(tried, scores, proposals, rng)


def _finalists(found: SearchResult, num: int) -> list[BlockStructure]:
    """The best structure, the named ones, then the next best; at most `num`, each once."""
    order = [trial.candidate for trial in best_trials(found.trials, len(found.trials))]
    named = [one for one in order if _name(one)]
    chosen = {one.canonical(): one for one in (order[0], *named, *order)}
    return list(chosen.values())[:num]


def _name(structure: BlockStructure) -> str:
    """The name of a structure that is the same model as a named one, otherwise empty."""
    name, different = nearest_named(structure)
    return "" if different else name


def _label(structures: Structures, number: int) -> str:
    """Key of a structure's validation MRR in the history."""
    return _name(structures[number]) or f"searched_{number + 1}"


def _knowledge(
    finalists: Structures,
    best: int,
    found: SearchResult | None,
    n3: float,
    bench: _Bench,
    epochs: Sequence[dict[str, float]],
) -> dict[str, Any]:
    """What serving and the page need beside the vectors."""
    structure = finalists[best]
    name, different = nearest_named(structure)
    labels = [_label(finalists, i) for i in range(len(finalists))]
    return {
        "num_relations": bench.task.num_relations,
        "dim": bench.config.dim,
        "n3": n3,
        "structure": structure.to_json(),
        "formula": structure.formula(),
        "nearest": {"name": name, "cells_that_differ": different},
        "can_be_symmetric": structure.can_be_symmetric,
        "can_be_skew": structure.can_be_skew,
        # best validation MRR of each structure trained to the end
        "finalists": [
            {
                "name": _name(one),
                "structure": one.to_json(),
                "valid_mrr": max(epoch[label] for epoch in epochs),
            }
            for one, label in zip(finalists, labels, strict=True)
        ],
        "trials": [] if found is None else [_row(trial) for trial in found.trials],
        "pareto": [] if found is None else [_row(trial) for trial in found.pareto()],
    }


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "name": _name(trial.candidate),
        "structure": trial.candidate.to_json(),
        "num_blocks": trial.candidate.num_blocks,
        "valid_mrr": trial.score,
        "seconds": trial.seconds,
    }


def _offset(report: Report, first: int, config: AutoBlmConfig) -> Report:
    """Progress of the search or of the final training as progress of both."""
    tried = 0 if config.structure else config.budget

    def shifted(step: int, _total: int, text: str = "", **values: float) -> None:
        report(first + step, tried + config.num_epochs, text, **values)

    return shifted
