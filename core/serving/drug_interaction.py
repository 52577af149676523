"""How two drugs may interact: the answer to one pair, drugs without a history included.

Both orders of a pair are scored, because most interaction types say who acts on whom. For each
order p(type | order) comes from EmerGNN+ (path network and similar-drug vote), p(order) from the
same two, see `core.knowledge.interaction_scores`. The product sums to 1 over all rows; a symmetric
type is one row that holds both orders.

Interactions recorded between the two drugs themselves are never used.

    Query (what a person asks) ──open_case──> Case (graph, ends, model) ──answer──> Answer

The set of types is the union of the calibrated sets of the orders that have at least
1 - level of the probability; 97 to 100 % of the held-out interactions of directed types, on the
starter network and on DrugBank, have their order among these.

Source: Zhang et al., Nature Computational Science 2023 (EmerGNN).
Differs from it: both orders; the vote; new compounds.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.serving.ddi_case import (
    NEW_IDS,
    Case,
    Fact,
    NewDrug,
    Query,
    Row,
    drug_from_json,
    open_case,
)
from core.serving.ddi_networks import Model
from core.serving.ddi_search import (
    DrugMatch,
    EntityMatch,
    find_drug,
    find_entities,
    read_facts,
    role_relations,
)

__all__ = [
    "NEW_IDS",
    "Answer",
    "Case",
    "DrugMatch",
    "EntityMatch",
    "Fact",
    "NewDrug",
    "Notice",
    "Query",
    "Row",
    "answer",
    "drug_from_json",
    "find_drug",
    "find_entities",
    "open_case",
    "read_facts",
    "role_relations",
]


@dataclass(frozen=True)
class Notice:
    """Something a person must know about an answer that is given all the same."""

    code: str
    title: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What is predicted for a pair.

    Attributes:
        query: the question.
        first_name: name of the first drug.
        second_name: name of the second drug.
        setting: S0 (both known), S1 (one new to the model) or S2 (both new).
        setting_note: what this setting means and how accurate the model was in it.
        rows: every type and order, best first.
        set_size: rows in the set.
        coverage: share of test pairs whose type was in the set of their order; the level asked for
            when it was not measured.
        joined: whether a path of at most three steps exists; if not, the score is a guess.
        num_paths_edges: facts on such paths.
        model: artifact that answered.
        provider: what computed it.
        seconds: time for this answer.
        notices: DD-E06, E07 and E08.
        warnings: further remarks.
    """

    query: Query
    first_name: str
    second_name: str
    setting: str
    setting_note: str
    rows: tuple[Row, ...]
    set_size: int
    coverage: float
    joined: bool
    num_paths_edges: int
    model: str
    provider: str
    seconds: float
    notices: tuple[Notice, ...] = ()
    warnings: tuple[str, ...] = ()


def answer(query: Query) -> Answer:
    """Predict how two drugs interact.

    Raises:
        InputError, ArtifactError, DataError: see `core.serving.ddi_case.open_case`.
    """
    start = time.perf_counter()
    case = open_case(query)
    rows = rows_of(case)
    joined = case.paths.joined
    return Answer(
        query,
        case.ends[0].name,
        case.ends[1].name,
        case.setting,
        setting_note(case),
        rows,
        sum(row.in_set for row in rows),
        measured_coverage(case.model, case.setting),
        joined,
        len(case.paths.facts),
        case.model.artifact.name,
        case.model.artifact.session.provider,
        time.perf_counter() - start,
        tuple(_notices(case, rows)),
        (*case.warnings, *_remarks(case)),
    )


def rows_of(case: Case) -> tuple[Row, ...]:
    """Every type and order, best first; the probabilities sum to 1."""
    network, scores = case.context.network, case.scores
    joint = scores.order[:, None] * scores.plus
    level = case.model.sets.level
    inside = case.model.sets.members(scores.plus) & (scores.order >= 1 - level)[:, None]
    share = scores.votes / max(float(scores.votes.sum()), np.finfo(np.float32).tiny)
    status = _status(case)
    rows = []
    for number, kind in enumerate(network.types):
        stronger = int(joint[:, number].argmax())
        for orders in [[0, 1]] if kind.symmetric else [[0], [1]]:
            way = stronger if kind.symmetric else orders[0]
            head, tail = case.ends[way], case.ends[1 - way]
            found = [status[order, number] for order in orders if (order, number) in status]
            rows.append(
                Row(
                    type_id=kind.id,
                    head_id=head.id,
                    tail_id=tail.id,
                    sentence=kind.sentence(head.name, tail.name),
                    mechanism=kind.mechanism,
                    direction=kind.direction,
                    symmetric=kind.symmetric,
                    probability=float(joint[orders, number].sum()),
                    path_probability=float(scores.path[way, number]),
                    vote_share=float(share[orders, number].sum()),
                    in_set=bool(inside[orders, number].any()),
                    status=max(found, default="new", key=("held out", "known").index),
                )
            )
    return tuple(sorted(rows, key=lambda row: -row.probability))


def setting_note(case: Case) -> str:
    """What the setting means and how accurate the model was in it, in words."""
    fresh = [end.name for end in case.ends if not end.known]
    if not fresh:
        text = "Both drugs are known to the model; what is recorded between them is not used."
    elif len(fresh) == 1:
        text = f"{fresh[0]} is new to the model: it has seen no interaction of it."
    else:
        text = (
            f"{fresh[0]} and {fresh[1]} are new to the model: it has seen no interaction of them."
        )
    kind = ("two known drugs", "one new drug", "two new drugs")[len(fresh)]
    split, joined = f"test {case.setting}", case.joined_by_facts
    part = f"{split}, {'path in the network' if joined else 'no path'}"
    if case.model.artifact.card.metric("plus accuracy", part):
        split, kind = part, f"{kind}, {'joined' if joined else 'not joined'} by facts"
    found, vote = (_metric(case.model, name, split) for name in ("plus accuracy", "vote accuracy"))
    if case.setting not in (case.model.setting, "S0"):
        text += f" The model was trained for {case.model.setting}."
    if found is None:
        return f"{text} Its accuracy on such pairs was not measured."
    compared = "" if vote is None else f"; similar drugs alone reach {vote:.0%}"
    return (
        f"{text} On test pairs of {kind}, with the order of the two drugs given, its first type "
        f"was right in {found:.0%}{compared}."
    )


def measured_coverage(model: Model, setting: str) -> float:
    """Share of test pairs whose type was in the set; the level asked for when not measured."""
    found = _metric(model, "coverage", f"test {setting}")
    return model.sets.level if found is None else found


def _metric(model: Model, name: str, split: str) -> float | None:
    found = model.artifact.card.metric(name, split)
    return None if found is None else found.value


def _remarks(case: Case) -> Iterator[str]:
    if case.paths.joined and not case.joined_by_facts:
        yield "Only similar structures join the two drugs; no other fact of this network does."


def _status(case: Case) -> dict[tuple[int, int], str]:
    """Order and type row of the interactions on record to their status."""
    rows = [end.row for end in case.ends]
    if None in rows:
        return {}
    return {
        (order, kind): status
        for order, (head, tail) in enumerate((rows, rows[::-1]))
        for kind, status in case.context.interactions_between(head, tail)
    }


def _notices(case: Case, rows: tuple[Row, ...]) -> Iterator[Notice]:
    known = [row for row in rows if row.status == "known"]
    if known:
        yield Notice(
            "DD-E06",
            "Already known",
            f"This interaction is already known (curated): {known[0].sentence} The prediction is "
            "shown for comparison only.",
        )
    if case.setting == "S2":
        both = _metric(case.model, "plus accuracy", "test S2")
        one = _metric(case.context.model_for("S1"), "plus accuracy", "test S1")
        figures = "" if both is None or one is None else f" ({both:.0%} against {one:.0%} with one)"
        size = sum(row.in_set for row in rows)
        yield Notice(
            "DD-E07",
            "New–new pair",
            f"Measured accuracy is much lower with two new drugs{figures}; the set has {size} "
            f"{'type' if size == 1 else 'types'}.",
        )
    if not case.paths.joined:
        yield Notice(
            "DD-E08",
            "No connection",
            "No path of at most 3 steps joins the two drugs in this network; no evidence can be "
            'shown and the score is marked "guess": only structures and similar drugs speak here.',
        )
