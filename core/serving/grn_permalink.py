"""The address of a question about gene regulation: query parameters, and back.

An address comes from anywhere, so every value is checked before it is used; what does not fit is
ignored and named, and the page takes it out of the address.

| parameter | meaning |
|---|---|
| example | name of a model that comes with the application |
| upload | id of uploaded measurements, in place of ``example`` |
| trust | in the prior, 0 to 1; absent when it is chosen on validation |
| sparsity | share of weights to prune; absent when it is chosen on validation |
| resamples | trainings on resampled measurements |
| seed | of the training |
| regulator | name of the gene that is open |
| result | id of a stored question; stands for all others but ``regulator`` |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from core.serving import gene_regulation as grn
from core.serving import grn_uploads
from core.serving.grn_question import (
    EXAMPLE,
    MAX_RESAMPLES,
    MAX_SPARSITY,
    MIN_SPARSITY,
    UPLOAD,
    Question,
)
from core.serving.parameters import ParameterReader
from core.store import Store

DOMAIN = "grn"
MAX_SEED, MAX_NAME = 1_000_000, 200
NAMES = ("example", "upload", "trust", "sparsity", "resamples", "seed", "regulator", "result")


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        query: the question, None where no example comes along.
        regulator: name of the gene that is open, empty for the first one.
        example: True when the question is the example, not the address's.
        ignored: names of parameters that could not be used.
    """

    query: Question | None
    regulator: str = ""
    example: bool = False
    ignored: tuple[str, ...] = ()


def to_parameters(question: Question, regulator: str = "") -> dict[str, str]:
    """Query parameters of a question; values that are the default are left out."""
    plain = Question(question.source)
    values = {
        question.kind: question.name,
        "trust": _number(question.trust),
        "sparsity": _number(question.sparsity),
        "resamples": "" if question.resamples == plain.resamples else str(question.resamples),
        "seed": "" if question.seed == plain.seed else str(question.seed),
        "regulator": regulator,
    }
    return {name: value for name, value in values.items() if value}


def from_parameters(parameters: Mapping[str, str]) -> Link:
    """Read an address; never fails for what the address holds.

    Without data in the address the first example is asked.
    """
    reader = ParameterReader(parameters)
    regulator = reader.take("regulator", lambda text: text[:MAX_NAME] or None, "")
    question = reader.take("result", _stored, None)
    examples = {one.name: one.question for one in grn.examples()}
    first = next(iter(examples.values()), None)
    if question is None:
        example = reader.take(EXAMPLE, examples.get, None)
        question = reader.take(UPLOAD, _usable_upload, None) or example
        question = question and replace(
            question,
            trust=reader.take("trust", _between(0, 1), None),
            sparsity=reader.take("sparsity", _between(MIN_SPARSITY, MAX_SPARSITY), None),
            resamples=reader.take("resamples", _whole(MAX_RESAMPLES), question.resamples),
            seed=reader.take("seed", _whole(MAX_SEED), 0),
        )
    unknown = tuple(name for name in parameters if name not in NAMES)
    ignored = (*reader.ignored, *unknown)
    question = question or first
    if question is not None and question.comes_along and regulator:
        known = {one.name for one in grn.answer(question).regulators}
        if regulator not in known:
            regulator, ignored = "", (*ignored, "regulator")
    return Link(question, regulator, question is not None and question.comes_along, ignored)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _between(low: float, high: float) -> Callable[[str], float | None]:
    def accept(text: str) -> float | None:
        try:
            value = float(text[:20])
        except ValueError:
            return None
        return value if low <= value <= high else None

    return accept


def _whole(high: int) -> Callable[[str], int | None]:
    def accept(text: str) -> int | None:
        plain = text.isascii() and text.isdigit() and len(text) < 12
        return int(text) if plain and int(text) <= high else None

    return accept


def _stored(text: str) -> Question | None:
    found = Store.open().find_prediction(text)
    if found is None or found["domain"] != DOMAIN:
        return None
    return Question.from_json(found["query"])


def _usable_upload(text: str) -> Question | None:
    found = Store.open().find_upload(text)
    fits = found is not None and found.kind == grn_uploads.KIND
    return Question(f"{UPLOAD}:{text}") if fits else None
