"""Evidence Bundle 1.0: one answer with its evidence, its check and its origin, as JSON.

The format is open: `bundle.schema.json` (JSON Schema 2020-12) describes it, `validate` adds what a
schema cannot say. Node ids of `layout` are what `source` and `target` of an evidence item refer to.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from core.errors import InputError
from core.evidence.evidence import Item
from core.evidence.faithfulness import Minimal

BUNDLE_VERSION = "1.0"
MAX_BYTES = 1_000_000
SCHEMA = Path(__file__).with_name("bundle.schema.json")
NOT_A_BUNDLE = "Not an evidence bundle"
EXPORT_AGAIN = "Export it again, or open a file that this application has exported."


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        value: what is answered, in words.
        kind: entity, item, class, number, formula or edge.
        score: the model's score, None where there is none.
        score_kind: what the score is, such as ``probability`` or ``logit``.
        rank: position among the candidates, 1 is best.
        n_candidates: number of candidates.
        known: whether the knowledge already states the answer; None where that cannot be said.
    """

    value: str
    kind: str
    score: float | None = None
    score_kind: str = ""
    rank: float | None = None
    n_candidates: int | None = None
    known: bool | None = None


@dataclass(frozen=True)
class Confidence:
    """How certain the answer is.

    Attributes:
        calibration: method, empty where nothing is calibrated.
        set: answers of the prediction set.
        level: promised coverage.
        coverage_measured: coverage on held-out questions.
        domain_flag: yes, borderline or no: is the question inside the model's experience?
        domain_reason: why.
    """

    calibration: str = ""
    set: tuple[str, ...] = ()
    level: float | None = None
    coverage_measured: float | None = None
    domain_flag: str | None = None
    domain_reason: str = ""


@dataclass(frozen=True)
class Provenance:
    """Where an item comes from: title, licence, public address, ISO date of reading."""

    source: str = ""
    licence: str = ""
    url: str = ""
    accessed: str = ""


@dataclass(frozen=True)
class EvidenceItem:
    """One piece of evidence.

    Attributes:
        id: unique in the bundle.
        kind: edge, path, atom, bond, molecule, rating, term, prior_edge or operator.
        label: the item as a sentence.
        source: layout id of the head, empty where it does not apply.
        target: layout id of the tail.
        relation: readable name of the relation.
        weight: strength, None where there is none.
        weight_kind: what the weight is, such as ``deletion effect`` or ``attention``.
        provenance: where it comes from.
        group: items of one group belong together, such as a path.
        layer: hop in which the model uses the item, 1 is the first.
        fact: ids of head, relation and tail in the data, empty for other kinds.
    """

    id: str
    kind: str
    label: str
    source: str = ""
    target: str = ""
    relation: str = ""
    weight: float | None = None
    weight_kind: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    group: str = ""
    layer: int | None = None
    fact: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Place:
    """One node of the drawing.

    Attributes:
        id: unique in the bundle.
        label: full name.
        type: type word, such as ``gene``; empty when unknown.
        role: query, answer or other.
        layer: hop, 0 for the query.
        x: position in pixels, None before the layout is computed.
        y: likewise.
    """

    id: str
    label: str
    type: str = ""
    role: str = "other"
    layer: int = 0
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True)
class Reduced:
    """Minimal sufficient evidence: ids, the level that is kept, and a second independent set."""

    ids: tuple[str, ...]
    level: float
    removed: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    reached: bool = True
    second: tuple[str, ...] = ()

    @classmethod
    def of(cls, minimal: Minimal, ids: Mapping[Item, str]) -> "Reduced":
        """From the result of a search, with the ids of its items."""
        return cls(
            tuple(ids[item] for item in minimal.items),
            minimal.level,
            tuple(ids[item] for item in minimal.removed),
            minimal.scores,
            minimal.reached,
            tuple(ids[item] for item in minimal.second or ()),
        )


@dataclass(frozen=True)
class Edit:
    """One change a person made to the knowledge: op is ``add`` or ``remove``."""

    op: str
    fact: tuple[str | int, ...]


@dataclass(frozen=True)
class Model:
    """The model that answered; params_adapted counts what was adapted to the question's task."""

    name: str
    version: str = ""
    sha256: str = ""
    params: int | None = None
    params_adapted: int | None = None


@dataclass(frozen=True)
class Data:
    """The knowledge that was used."""

    name: str
    version: str = ""
    sha256: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Cost:
    """What the answer cost; energy_kind is measured, estimated or empty."""

    latency_ms: float | None = None
    energy_wh: float | None = None
    energy_kind: str = ""
    machine: str = ""


@dataclass(frozen=True)
class Environment:
    """Versions that produced the answer."""

    app_version: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, packages: Iterable[str]) -> "Environment":
        """The installed versions; an empty string for a package that is not installed."""
        return cls(_version("parsimony"), {name: _version(name) for name in packages})


@dataclass(frozen=True)
class Bundle:
    """One answer with everything needed to read, draw, check and repeat it.

    Attributes:
        id: id of the stored prediction.
        domain: kg, rec, mol, phys, ddi or grn.
        created: ISO 8601 time with zone.
        query: the question, as the domain states it.
        answer: one answer.
        model: who answered.
        data: from what.
        evidence: the displayed evidence.
        layout: nodes of the drawing.
        confidence: how certain.
        check: `Check.to_json()`, None before the check has run.
        minimal: None before it is computed.
        overlay: what a person changed.
        cost: what it cost.
        env: versions.
        seed: seed of the controls.
        signature: None for an unsigned bundle.
    """

    id: str
    domain: str
    created: str
    query: Mapping[str, Any]
    answer: Answer
    model: Model
    data: Data
    evidence: tuple[EvidenceItem, ...] = ()
    layout: tuple[Place, ...] = ()
    confidence: Confidence = field(default_factory=Confidence)
    check: Mapping[str, Any] | None = None
    minimal: Reduced | None = None
    overlay: tuple[Edit, ...] = ()
    cost: Cost = field(default_factory=Cost)
    env: Environment = field(default_factory=Environment)
    seed: int | None = None
    signature: str | None = None
    bundle_version: str = BUNDLE_VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal bundle."""
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Bundle":
        """Inverse of `to_json`; validates first.

        Raises:
            InputError: EB-E01 when the value is not a valid bundle.
        """
        validate(value)
        rest = dict(value)
        return cls(
            answer=Answer(**rest.pop("answer")),
            model=Model(**rest.pop("model")),
            data=Data(**rest.pop("data")),
            evidence=tuple(_evidence_item(item) for item in rest.pop("evidence")),
            layout=tuple(Place(**item) for item in rest.pop("layout")),
            confidence=Confidence(**_tuples(rest.pop("confidence"))),
            minimal=None if rest["minimal"] is None else Reduced(**_tuples(rest["minimal"])),
            overlay=tuple(Edit(**_tuples(item)) for item in rest.pop("overlay")),
            cost=Cost(**rest.pop("cost")),
            env=Environment(**rest.pop("env")),
            **{key: entry for key, entry in rest.items() if key != "minimal"},
        )

    def dumps(self) -> str:
        """Canonical text: sorted keys, no spaces, UTF-8; validated, at most 1 MB.

        Raises:
            InputError: EB-E01 or EB-E02.
        """
        value = self.to_json()
        validate(value)
        return json.dumps(
            value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )

    @classmethod
    def loads(cls, text: str) -> "Bundle":
        """Read a bundle that came from anywhere.

        Raises:
            InputError: EB-E01 when it is not a valid bundle, EB-E02 when it is larger than 1 MB.
        """
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_BYTES:
            raise _too_large(size)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(
                "EB-E01", NOT_A_BUNDLE, "The file is not readable JSON.", EXPORT_AGAIN
            ) from error
        if not isinstance(value, dict):
            raise InputError(
                "EB-E01", NOT_A_BUNDLE, "The file does not hold a JSON object.", EXPORT_AGAIN
            )
        return cls.from_json(value)


def validate(bundle: Bundle | Mapping[str, Any]) -> None:
    """Check against the schema, the cross-references and the size limit.

    Args:
        bundle: a bundle or its JSON value.

    Raises:
        InputError: EB-E01 naming the first offending place, or EB-E02 for the size.
    """
    value = bundle.to_json() if isinstance(bundle, Bundle) else bundle
    try:
        error = next(iter(_validator().iter_errors(value)), None)
        text = "" if error else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        problem = None if error else _find_problem(value)
    except RecursionError as failure:
        raise InputError(
            "EB-E01", NOT_A_BUNDLE, "The values are nested too deeply.", EXPORT_AGAIN
        ) from failure
    if error:
        shown = error.message if len(error.message) <= 200 else error.message[:199] + "…"
        raise InputError("EB-E01", NOT_A_BUNDLE, f"{shown}.", EXPORT_AGAIN, where=error.json_path)
    if (size := len(text.encode("utf-8", "replace"))) > MAX_BYTES:
        raise _too_large(size)
    if problem:
        raise InputError("EB-E01", NOT_A_BUNDLE, problem, EXPORT_AGAIN)


def _find_problem(value: Mapping[str, Any]) -> str | None:
    return next(_broken_references(value), None) or next(_not_finite(value), None)


def _too_large(size: int) -> InputError:
    return InputError(
        "EB-E02",
        "Bundle too large",
        f"This bundle has {size / 1e6:.1f} MB; the limit is {MAX_BYTES // 1_000_000} MB.",
        "Export fewer evidence items.",
    )


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _broken_references(value: Mapping[str, Any]) -> Iterator[str]:
    places = [place["id"] for place in value["layout"]]
    items = [item["id"] for item in value["evidence"]]
    for kind, ids in (("layout", places), ("evidence", items)):
        if len(ids) != len(set(ids)):
            yield f"Two entries of {kind} have the same id."
    for item in value["evidence"]:
        for end in (item["source"], item["target"]):
            if places and end and end not in places:
                yield f'Evidence "{item["id"]}" refers to "{end}", which is not in the layout.'
    reduced = value["minimal"] or {"ids": (), "removed": (), "second": ()}
    for name in ("ids", "removed", "second"):
        if not set(reduced[name]) <= set(items):
            yield f"minimal.{name} refers to evidence that is not in the bundle."


def _not_finite(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, float) and not math.isfinite(value):
        yield "A number is not finite."
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _not_finite(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _not_finite(entry)


def _evidence_item(value: Mapping[str, Any]) -> EvidenceItem:
    return EvidenceItem(
        **_tuples({**value, "provenance": Provenance(**value["provenance"])}),
    )


def _tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(entry) if isinstance(entry, list) else entry for key, entry in value.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
