"""Evidence of answers about drug interactions: what a page or a command asks for.

The score that evidence is measured by is that of the path network alone, see
`core.serving.ddi_asked`; how evidence is found, `core.serving.ddi_explanation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from core.data import registry
from core.data.interactions import SPLITS
from core.data.starter_network import load_starter
from core.errors import InputError
from core.evidence.faithfulness import Check, Minimal
from core.knowledge.interactions import EdgeNote
from core.serving.ddi_asked import Asked, Fact, Newcomer
from core.serving.ddi_case import Case, Query, Row, open_case
from core.serving.ddi_explanation import (
    NUM_CONTROLS,
    EvidenceFact,
    EvidencePath,
    Explanation,
    NodeEffect,
    PathKind,
    PathStep,
    SharedEntity,
    SharedRole,
    SimilarPair,
    check_pair,
    explain_pair,
    minimise_pair,
    only_through_node,
    verdict_text,
)
from core.serving.drug_interaction import answer

__all__ = [
    "Asked",
    "Change",
    "EvidenceFact",
    "EvidencePath",
    "Explanation",
    "Fact",
    "NodeEffect",
    "PathKind",
    "PathStep",
    "SharedEntity",
    "SharedRole",
    "SimilarPair",
    "asked_of",
    "check",
    "compare",
    "explain",
    "minimise",
    "only_through",
    "verdict_text",
]

ADDED = "added by a person"
COMPUTED = "computed from the two structures"
ONLY_STRUCTURES = (
    "Every path between the two drugs leads over a resemblance computed from their structures; no "
    "recorded fact of one of them takes part on its own."
)


@dataclass(frozen=True)
class Change:
    """One row of an answer before and after an edit; None where it was not listed.

    Attributes:
        type_id: interaction type.
        head_id: #Drug1.
        tail_id: #Drug2.
        sentence: the row in words.
        rank_before: position in the list.
        rank_after: likewise.
        before: probability.
        after: likewise.
    """

    type_id: str
    head_id: str
    tail_id: str
    sentence: str
    rank_before: int | None
    rank_after: int | None
    before: float | None
    after: float | None

    @property
    def difference(self) -> float:
        """Change of the probability; a row that is not listed counts as 0."""
        return (self.after or 0.0) - (self.before or 0.0)


def explain(query: Query, row: Row, *, ranking: str = "occlusion", size: int = 25) -> Explanation:
    """Find what one row of an answer rests on; see `explain_pair`.

    Args:
        query: the question.
        row: one of its rows.
        ranking: ``occlusion`` or ``attention``.
        size: most facts.

    Raises:
        As `core.serving.drug_interaction.answer`.
    """
    found = explain_pair(asked_of(query, row), ranking=ranking, size=size)
    if found.num_paths and not open_case(query).joined_by_facts:
        return replace(found, notice=ONLY_STRUCTURES)
    return found


def only_through(query: Query, row: Row, node: str) -> float:
    """Probability of a row by the path network with only the paths through one entity.

    Args:
        query: the question.
        row: one of its rows.
        node: id of an entity, one of `Explanation.nodes`.

    Raises:
        InputError: DD-E04, no path leads through such an entity.
    """
    asked = asked_of(query, row)
    found = asked.network.rows.get(node)
    if found is None or found not in asked.paths.between_nodes:
        raise InputError(
            "DD-E04",
            "Not between these drugs",
            f'No path between the two drugs leads through "{node}".',
            "Pick one of the listed entities.",
        )
    return only_through_node(asked, found).score


def check(
    query: Query, row: Row, facts: frozenset[Fact], *, seed: int = 0, k: int = NUM_CONTROLS
) -> Check:
    """The live check of evidence; see `check_pair`."""
    return check_pair(asked_of(query, row), facts, seed=seed, k=k)


def minimise(query: Query, row: Row, facts: Sequence[Fact]) -> Minimal:
    """The smallest part of the evidence that is enough; see `minimise_pair`."""
    return minimise_pair(asked_of(query, row), facts)


def compare(before: Query, after: Query) -> tuple[Change, ...]:
    """What an edit changes in the answer: every row of both sides, largest change first."""
    old, new = answer(before), answer(after)
    sides = [
        {_pair_key(row): (rank, row) for rank, row in enumerate(found.rows, start=1)}
        for found in (old, new)
    ]
    changes = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        (rank_before, row_before), (rank_after, row_after) = (
            side.get(key, (None, None)) for side in sides
        )
        row = row_after or row_before
        changes.append(
            Change(
                row.type_id, row.head_id, row.tail_id, row.sentence, rank_before, rank_after,
                row_before.probability if row_before else None,
                row_after.probability if row_after else None,
            )
        )  # fmt: skip
    return tuple(sorted(changes, key=lambda one: -abs(one.difference)))


def _pair_key(row: Row) -> tuple[str, str, str]:
    """A symmetric type may turn round when the orders change places."""
    ends = sorted((row.head_id, row.tail_id)) if row.symmetric else (row.head_id, row.tail_id)
    return row.type_id, ends[0], ends[1]


def asked_of(query: Query, row: Row) -> Asked:
    """The pair of a row with everything its evidence needs; cached.

    Raises:
        As `core.serving.drug_interaction.answer`.
    """
    return _asked_of(query, row)


@lru_cache(maxsize=4)  # about 30 MB each for two well-known drugs of DrugBank
def _asked_of(query: Query, row: Row) -> Asked:
    case = open_case(query)
    head, tail = case.ends_of(row)
    network = case.context.network
    kind = [one.id for one in network.types].index(row.type_id)
    new = sorted((end for end in case.ends if end.row is None), key=lambda end: end.node)
    return Asked(
        network,
        case.graph,
        case.model.flow,
        head.node,
        tail.node,
        head.bits,
        tail.bits,
        kind,
        case.hidden,
        tuple(Newcomer(end.id, end.name, end.smiles) for end in new),
        _origins(case),
        _interactions_from(case),
        partial(case.similar, row),
        float(case.votes(head, tail)[kind]),
        case.context.bits,
        case.context.roles,
    )


def _origins(case: Case) -> dict[Fact, EdgeNote]:
    """Notes of interactions, and of the facts that only this question has."""
    context, network = case.context, case.context.network
    known = load_starter().interaction_notes if context.id == "starter" else {}
    origins = dict(known)
    for head, relation, tail in case.extra.tolist():
        note = EdgeNote("", ADDED)
        if max(head, tail) >= network.num_entities:
            alike = bool(context.by_structure[relation])
            note = EdgeNote("", COMPUTED) if alike else note
        origins[head, relation, tail] = note
    return origins


def _interactions_from(case: Case) -> EdgeNote:
    name = case.context.split.name
    if name in SPLITS:
        found = registry.find(name)
        return EdgeNote("known interaction", found.title, found.files[0].origin, "", found.licence)
    source = case.context.network.source
    return EdgeNote("known interaction", source.title, source.url, source.accessed, source.licence)
