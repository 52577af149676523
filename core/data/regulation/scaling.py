"""Expression of every gene between 0 and 1, where activation functions are sensitive."""

from dataclasses import dataclass, replace

import numpy as np

from core.knowledge.regulation import Expression


@dataclass(frozen=True, eq=False)
class Scaling:
    """How measured values became expression between about 0 and 1, gene by gene.

    Attributes:
        low: (n,) value that becomes 0, after the logarithm where one is taken.
        high: (n,) value that becomes 1; equal to `low` for a gene that never changes.
        log: whether log2(1 + x) is taken first.
    """

    low: np.ndarray
    high: np.ndarray
    log: bool = False

    @staticmethod
    def fit(expression: Expression, *, log: bool = False) -> "Scaling":
        """The smallest and largest value of each gene; 0 and 0 where none was measured."""
        values = np.concatenate([sample.values for sample in expression.samples])
        values = np.log2(1 + values) if log else values
        measured = ~np.isnan(values)
        some = measured.any(axis=0)
        low = np.where(measured, values, np.inf).min(axis=0)
        high = np.where(measured, values, -np.inf).max(axis=0)
        return Scaling(np.where(some, low, 0.0), np.where(some, high, 0.0), log)

    def apply(self, expression: Expression) -> Expression:
        """Scaled; a gene whose `low` and `high` are equal becomes 0.5."""
        constant = self.high == self.low
        samples = []
        for sample in expression.samples:
            values = np.log2(1 + sample.values) if self.log else sample.values
            scaled = (values - self.low) / np.where(constant, 1, self.high - self.low)
            scaled = np.where(constant & ~np.isnan(values), 0.5, scaled)
            samples.append(replace(sample, values=scaled.astype(np.float32)))
        return Expression(expression.genes, tuple(samples))

    def to_json(self) -> dict[str, list[float] | bool]:
        """As a record."""
        return {"low": self.low.tolist(), "high": self.high.tolist(), "log": self.log}
