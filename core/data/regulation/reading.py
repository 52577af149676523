"""What a person may choose about expression and a prior, and what became of the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.data.findings import Finding, plural, with_repair
from core.data.regulation.scaling import Scaling
from core.errors import InputError
from core.knowledge.regulation import Expression, Network

EXPRESSION_ROLES = ("gene", "time", "sample", "value", "ignore")
PRIOR_ROLES = ("regulator", "target", "weight", "ignore")
FILES = ("expression", "prior", "partners")
ALONE = ("times", "twice", "negative", "log", "names")  # repairs of which only one can hold


@dataclass(frozen=True)
class Choices:
    """What a person has decided; what is empty is guessed.

    Attributes:
        repairs: keys of `Repair`.
        roles: from file and header, such as ``expression/hours``, to one of `EXPRESSION_ROLES` or
            `PRIOR_ROLES`.
    """

    repairs: frozenset[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no page offers (GR-E23)."""
        known = {*EXPRESSION_ROLES, *PRIOR_ROLES}
        wrong = next((role for role in self.roles.values() if role not in known), None)
        if wrong is not None:
            raise InputError(
                "GR-E23", "Choice out of range", f'There is no role "{str(wrong)[:20]}".',
                "Choose another one.",
            )  # fmt: skip

    def has(self, repair: str) -> bool:
        """Whether a repair was chosen."""
        return repair in self.repairs

    def with_repair(self, key: str) -> "Choices":
        """The choices with one more repair, see `core.data.findings.with_repair`."""
        return replace(self, repairs=with_repair(self.repairs, key, ALONE))

    def with_role(self, key: str, role: str) -> "Choices":
        """The choices with the role of one column."""
        return replace(self, roles={**self.roles, key: role})

    def of_file(self, file: str) -> dict[str, str]:
        """Chosen roles by header of one of `FILES`."""
        start = f"{file}/"
        return {
            key.removeprefix(start): role
            for key, role in self.roles.items()
            if key.startswith(start)
        }

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"repairs": sorted(self.repairs), "roles": dict(self.roles)}

    @staticmethod
    def from_json(value: Mapping[str, object]) -> "Choices":
        """The choices that `to_json` wrote."""
        return Choices(frozenset(value.get("repairs", ())), dict(value.get("roles", {})))


@dataclass(frozen=True, eq=False)
class Reading:
    """What became of the files.

    Attributes:
        expression: scaled to about 0 to 1; None while a finding blocks it.
        prior: over the same genes in the same order.
        partners: likewise, symmetric; None when no file was given or no pair has data.
        scaling: what was done to the measured values.
        time_unit: as the file states it, such as ``min``; empty when it does not.
        layout: in words, how the expression was understood.
        columns: headers of each of the files whose columns may be chosen, with their roles.
        preview: the first genes at the first times as measured, one row per gene.
        findings: the blocking ones first.
    """

    expression: Expression | None
    prior: Network | None
    partners: Network | None
    scaling: Scaling | None
    time_unit: str
    layout: str
    columns: Mapping[str, Mapping[str, str]]
    preview: tuple[Mapping[str, str | float], ...]
    findings: tuple[Finding, ...]

    def need(self) -> "Reading":
        """The reading itself.

        Raises:
            InputError: the first blocking finding.
        """
        if self.expression is None or self.prior is None:
            raise self.findings[0].error
        return self

    @property
    def summary(self) -> str:
        """What was read, in one sentence; empty while a finding blocks it."""
        if self.expression is None or self.prior is None:
            return ""
        return summarise(self.expression, self.prior, self.partners)


def summarise(expression: Expression, prior: Network, partners: Network | None) -> str:
    """Expression, prior and partners in one sentence."""
    lengths = sorted({len(sample.times) for sample in expression.samples})
    times = f"{lengths[0]:,}" if len(lengths) == 1 else f"{lengths[0]:,}–{lengths[-1]:,}"
    regulators = int(prior.matrix.any(axis=1).sum())
    number = 0 if partners is None else int(np.count_nonzero(np.triu(partners.matrix)))
    pairs = f"; {plural(number, 'interaction')} of proteins" if number else ""
    return (
        f"{plural(len(expression.genes), 'gene')} × {times} times × "
        f"{plural(len(expression.samples), 'sample')}; prior of {plural(prior.num_edges, 'edge')} "
        f"from {plural(regulators, 'regulator')}, {'with' if prior.signed else 'without'} signs"
        f"{pairs}."
    )


def blocks(findings: Sequence[Finding]) -> bool:
    """Whether a finding has to be repaired before anything can be learned."""
    return any(one.blocking for one in findings)
