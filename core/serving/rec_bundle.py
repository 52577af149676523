"""A recommended item as an Evidence Bundle: given ratings and kept operations are the evidence.

Rated items stand on the left, the recommended one on the right, and what they share in the middle.
A rating's edge is as strong as its own part: how much it lifts this item more than others. Where
the model weighs how alike items are, shared properties are what it compares, and their edges say
how much they count; elsewhere they are drawn to read the picture by, and may not be the reason.
"""

import hashlib
import json
from collections.abc import Iterator

from core.evidence.bundle import (
    Answer,
    Bundle,
    Confidence,
    Cost,
    Data,
    Environment,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
)
from core.evidence.faithfulness import Check, Minimal
from core.knowledge.modulation import OPERATIONS, WORDS
from core.knowledge.ratings import Field
from core.serving import recommendation as rec
from core.serving.rec_evidence import Explanation, Influence
from core.serving.rec_items import model_of
from core.serving.rec_model import RecModel
from core.serving.rec_question import ENOUGH, Question

PACKAGES = ("numpy", "onnxruntime", "streamlit")
MAX_DRAWN = 8  # given ratings in the drawing, those that are cited among them
GIVEN = Provenance("given by the user")
COMPUTED = Provenance("computed by the model")


def bundle(
    answer: rec.Answer,
    row: rec.Row,
    explanation: Explanation,
    check: Check | None = None,
    minimal: Minimal | None = None,
    *,
    created: str,
    seed: int = 0,
) -> Bundle:
    """One row of a list with its evidence.

    Args:
        answer: with the row.
        row: the item.
        explanation: its given ratings.
        check: the live check of those that are cited, None before it ran.
        minimal: the fewest that are enough, None before they are computed.
        created: ISO 8601 time with zone.
        seed: seed of the check's controls.
    """
    model = model_of(answer.question)
    card, scale = model.card, model.scale
    drawn = _drawn(explanation)
    shared = list(_shared(model, drawn, row.item))
    interval = answer.interval
    return Bundle(
        id=bundle_id(answer.question, row.item),
        domain="rec",
        created=created,
        query=answer.question.to_json() | {
            "question": f"Which {model.words.item} next, after {answer.num_given} "
            f"{model.words.ratings}?",
            "item": row.item,
        },
        answer=Answer(
            row.title, "item", row.rating, f"predicted rating, {scale.low:g} to {scale.high:g}",
            row.rank, answer.num_candidates, row.rated is not None,
        ),
        model=Model(
            answer.model, card.created, card.files["model.onnx"], card.num_parameters,
            model.num_adapted(answer.method),
        ),
        data=Data(card.data.title, "", card.data.sha256, card.data.licence),
        evidence=(
            *(_rating(model, one, row, one in drawn) for one in explanation.influences),
            *(_link(model, number, *one) for number, one in enumerate(shared, start=1)),
            *_operators(model, answer.method),
        ),
        layout=(
            *(Place(one.id, one.title, f"rated {model.words.item}", "query", 0) for one in drawn),
            *(Place(one, one, "property", "other", 1)
              for one in dict.fromkeys(_property(field, value) for field, value, *_ in shared)),
            Place(row.item, row.title, f"recommended {model.words.item}", "answer", 2),
        ),
        confidence=Confidence(
            "conformal, by number of given ratings" if interval else "",
            () if row.low is None else (f"{row.low:.2f} to {row.high:.2f}",),
            answer.level,
            answer.coverage,
            "yes" if answer.num_given >= ENOUGH else "borderline",
            f"{answer.num_given} {model.words.ratings} given.",
        ),
        check=check.to_json() if check else None,
        minimal=Reduced.of(minimal, {one.id: one.id for one in explanation.influences})
        if minimal else None,
        cost=Cost(latency_ms=answer.seconds * 1000, machine=answer.provider),
        env=Environment.here(PACKAGES),
        seed=seed,
    )  # fmt: skip


def bundle_id(question: Question, item: str) -> str:
    """Equal for equal questions and items."""
    text = json.dumps([question.to_json(), item], sort_keys=True)
    return f"rec-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _drawn(explanation: Explanation) -> tuple[Influence, ...]:
    """The given ratings of the drawing: those that are cited, then the strongest others."""
    cited = set(explanation.cited)
    ordered = sorted(explanation.influences, key=lambda one: one.id not in cited)
    return tuple(ordered[: max(MAX_DRAWN, len(cited))])


def _shared(
    model: RecModel, drawn: tuple[Influence, ...], item: str
) -> Iterator[tuple[Field, str, str, str]]:
    """Field and value of each shared property, with the rated item of an edge or the other one."""
    row, weights = model.row_of[item], model.field_weights
    compared = [one for one in model.input_fields if weights.get(one.name)] if weights else []
    for field in compared or model.catalogue.fields:
        for value in field.of(row):
            sharing = [one.id for one in drawn if value in field.of(model.row_of[one.id])]
            yield from ((field, value, one, "") for one in sharing)
            if sharing:
                yield field, value, "", item


def _rating(model: RecModel, one: Influence, row: rec.Row, drawn: bool) -> EvidenceItem:
    """A given rating; one that is not drawn has no ends."""
    own = f"{one.own:+.2f}".replace("-", "−")
    level = f"{one.level:+.2f}".replace("-", "−")
    said = (
        f"Rated {one.title} {one.rating:g}: lifts {row.title} by {own} more than other "
        f"{model.words.items}, and all of them by {level}. Without it: place {one.rank_without:,}."
    )
    return EvidenceItem(
        one.id, "rating", said, one.id if drawn else "", row.item if drawn else "",
        f"rated {one.rating:g}" + ", against" * (one.own < 0), one.own,
        "lift of this item beyond that of all", GIVEN, "ratings", 1,
    )  # fmt: skip


def _link(
    model: RecModel, number: int, field: Field, value: str, rated: str, item: str
) -> EvidenceItem:
    """One end of a shared property."""
    name = _property(field, value)
    weight = model.field_weights.get(field.name)
    counts = f"; sharing all of it counts {weight:.2f} for the model" if weight else ""
    return EvidenceItem(
        f"shared {number}", "edge", f"{model.title_of(rated or item)} has {name}{counts}.",
        rated or name, item or name, field.name, provenance=Provenance("catalogue"),
        group="shared", layer=2 if item else 1,
    )  # fmt: skip


def _property(field: Field, value: str) -> str:
    return f"{field.name}: {value}"


def _operators(model: RecModel, method: str) -> Iterator[EvidenceItem]:
    """The kept operations with their gates at the end of the search."""
    if method != "coldnas":
        return
    for position, operation in sorted(model.structure.kept):
        gate = float(model.gates[position, OPERATIONS.index(operation)])
        yield EvidenceItem(
            f"operator {position} {operation}", "operator",
            f"Position {position}: {WORDS[operation]} by numbers of this {model.words.user}.",
            weight=gate, weight_kind="gate at the end of the search", provenance=COMPUTED,
            group="operators", layer=position,
        )  # fmt: skip
