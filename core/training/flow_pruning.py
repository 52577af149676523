"""The knowledge space of GSR: which flows to train next, from full blocks to the smallest.

Source: section 3.2 of "Learning Symbolic Models for Graph-structured Physical Mechanism" (GSR, ICLR
2023): deletions in stages, layers, inputs, embedding sizes, each kept while error + lambda *
complexity falls. What differs from the paper is said in
`core.methods.parsimony_on_interpretation.gsr`.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.configs import GsrConfig
from core.knowledge.physics.message_flow import STAGES, MessageFlow, Names
from core.training.search import Trial

Flows = Sequence[MessageFlow]


class Pruning:
    """The knowledge space: deletions of the best flows so far, stage by stage.

    All follows from the trials, so that an interrupted search names the same flows again.

    Args:
        blocks: full blocks, from one to the largest number.
        names: of the system.
        vectors: names of quantities of nodes and graphs that are vectors.
        config: beam and weight of complexity.
        num_valid: graphs behind a trial's error.
        deadline: of `time.monotonic`; after it nothing is proposed.
    """

    def __init__(
        self,
        blocks: Flows,
        names: Names,
        vectors: frozenset[str],
        config: GsrConfig,
        num_valid: int,
        deadline: float = float("inf"),
    ) -> None:
        self.blocks, self.names, self.vectors = blocks, names, vectors
        self.config, self.num_valid, self.deadline = config, num_valid, deadline

    def propose(
        self, trials: Sequence[Trial[MessageFlow]], _rng: np.random.Generator, _num: int
    ) -> list[MessageFlow]:
        """Deletions that the stage at hand still has to try."""
        if time.monotonic() > self.deadline:
            return []
        return self._follow(trials)[1]

    def beam(self, trials: Sequence[Trial[MessageFlow]]) -> list[Trial[MessageFlow]]:
        """The best flows after all stages that could be ended, by error and total complexity."""
        beam, _ = self._follow(trials)
        return sorted(beam, key=lambda one: -one.score + self.config.complexity_weight * one.size)

    def _follow(
        self, trials: Sequence[Trial[MessageFlow]]
    ) -> tuple[list[Trial[MessageFlow]], list[MessageFlow]]:
        """The beam, and what has to be tried before the next step can be taken."""
        book = {one.candidate.canonical(): one for one in trials}
        blocks = [book[one.canonical()] for one in self.blocks if one.canonical() in book]
        more = self.blocks[len(blocks) : len(blocks) + 1]
        if more and -blocks[-1].score > self.config.complexity_weight:
            return blocks[:1], more
        beam = sorted(blocks, key=lambda one: self._cost(one, "blocks"))[:1]
        for stage in STAGES:
            while True:
                children = {one: self._children(one, stage, book) for one in beam}
                wanted = [flow for found in children.values() for flow in found
                          if flow.canonical() not in book]  # fmt: skip
                if wanted:
                    return beam, list({one.canonical(): one for one in wanted}.values())
                better = self._select(beam, children, stage, book)
                if better == beam:
                    break
                beam = better
        return beam, []

    def _select(
        self, beam: list[Trial[MessageFlow]], children: Mapping[Trial[MessageFlow], Flows],
        stage: str, book: Mapping[Any, Trial[MessageFlow]],
    ) -> list[Trial[MessageFlow]]:  # fmt: skip
        kept = {one.candidate.canonical(): one for one in beam}
        for parent, flows in children.items():
            for flow in flows:
                child = book[flow.canonical()]
                if self._harmless(parent, child):
                    kept[flow.canonical()] = child
        return sorted(kept.values(), key=lambda one: self._cost(one, stage))[: self.config.beam]

    def _cost(self, trial: Trial[MessageFlow], stage: str) -> float:
        return -trial.score + self.config.complexity_weight * trial.candidate.count(stage)

    def _harmless(self, parent: Trial[MessageFlow], child: Trial[MessageFlow]) -> bool:
        """Whether the error rises by less than lambda or two of its standard errors."""
        noise = 2 * -parent.score / np.sqrt(2 * max(self.num_valid, 1))
        return parent.score - child.score <= max(self.config.complexity_weight, noise)

    def _children(
        self, parent: Trial[MessageFlow], stage: str, book: Mapping[Any, Trial[MessageFlow]]
    ) -> list[MessageFlow]:
        """Deletions of one part; when all are tried also of the most harmless ones together."""
        flow = parent.candidate
        single = [one for one in flow.deletions(stage, self.names) if is_sound(one, self.vectors)]
        if stage != "inputs" or any(one.canonical() not in book for one in single):
            return single
        tried = sorted((book[one.canonical()] for one in single), key=lambda one: -one.score)
        harmless = [one.candidate for one in tried if self._harmless(parent, one)]
        together, found = flow, []
        for one in harmless:
            together = _both(together, one, flow)
            if together is None:
                break
            found.append(together)
        return [*single, *(one for one in found if is_sound(one, self.vectors))]


def is_sound(flow: MessageFlow, vectors: frozenset[str]) -> bool:
    """Whether every layer that combines vectors reads one.

    Args:
        flow: of numbers or of vectors.
        vectors: names of measured vectors.
    """
    for layer in flow.layers:
        if layer.vector and layer.level != "edge":
            made = (flow.made_by(one.name) for one in layer.inputs)
            if not any(one.name in vectors for one in layer.inputs) and not any(
                one is not None and one.vector for one in made
            ):
                return False
    return True


def _both(first: MessageFlow, second: MessageFlow, parent: MessageFlow) -> MessageFlow | None:
    """The parent without what either child lacks; None when nothing would be left."""
    flow = first
    kept = {layer.name: set(layer.inputs) for layer in second.layers}
    for layer in parent.layers:
        gone = set(layer.inputs) - kept.get(layer.name, set())
        if gone and any(one.name == layer.name for one in flow.layers):
            flow = flow.without(layer.name, gone)
            if not flow.output.inputs:
                return None
    return flow
