"""A bilinear model's answers through ONNX Runtime: all entities by one matrix product."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.knowledge.blocks import BlockStructure
from core.serving.session import Session


@dataclass(frozen=True, eq=False)
class BilinearModel:
    """An exported bilinear model with what it is about.

    Attributes:
        session: the exported model.
        knowledge: the artifact's knowledge: entities, relations, their names, the structure.
    """

    session: Session
    knowledge: Mapping[str, Any]

    @property
    def num_entities(self) -> int:
        """N."""
        return len(self.knowledge["entities"])

    @cached_property
    def structure(self) -> BlockStructure:
        """Which chunks are multiplied."""
        return BlockStructure.from_json(self.knowledge["structure"])

    def scores(self, heads: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """(B, N) float32: score of every entity.

        Args:
            heads: (B,) given entities.
            relations: (B,) in 0..2R-1; r + R asks for the head of r.
        """
        if not len(heads):  # ONNX Runtime ends the process on empty inputs of this graph
            return np.zeros((0, self.num_entities), dtype=np.float32)
        feeds = {"head": heads, "relation": relations, "triple": np.zeros((1, 3))}
        return self._run(feeds, "score")

    def terms(self, heads: np.ndarray, relations: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """(M, num_blocks) float32: what each block adds to the score of each triple.

        Blocks stand in the order of the formula, row by row of the structure; their sum is the
        score.

        Args:
            heads: (M,) given entities.
            relations: (M,) in 0..2R-1. For r + R the answer fills the head side of the formula.
            tails: (M,) answers.
        """
        if not len(heads):
            return np.zeros((0, self.structure.num_blocks), dtype=np.float32)
        any_one = np.zeros(1)  # the scores of some question are computed beside the terms
        triple = np.stack([heads, relations, tails], axis=1)
        return self._run({"head": any_one, "relation": any_one, "triple": triple}, "terms")

    def _run(self, feeds: Mapping[str, np.ndarray], output: str) -> np.ndarray:
        rows = {name: np.asarray(value, dtype=np.int64) for name, value in feeds.items()}
        return self.session.run(rows, (output,))[0]
