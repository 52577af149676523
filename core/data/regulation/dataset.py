"""What a model of gene regulation learns from and is measured against."""

from dataclasses import dataclass

from core.data.regulation.scaling import Scaling
from core.knowledge.regulation import Expression, Network


@dataclass(frozen=True, eq=False)
class RegulationData:
    """Expression over time, what is known beforehand, and what is known only for measuring.

    Attributes:
        title: one line.
        train: to learn from.
        prior: known before any measurement, over the same genes.
        valid: to choose on; None when it has to be taken from `train`.
        test: only to measure on.
        partners: which proteins interact, symmetric and without signs.
        truth: the network that the expression was simulated from, only to measure on.
        reference: edges found by another experiment, only to measure on; it tells nothing about
            regulators that it did not look at, whose rows are empty.
        scaling: what was done to the measured values of all parts, fitted to `train`; None when
            nothing was.
    """

    title: str
    train: Expression
    prior: Network
    valid: Expression | None = None
    test: Expression | None = None
    partners: Network | None = None
    truth: Network | None = None
    reference: Network | None = None
    scaling: Scaling | None = None
