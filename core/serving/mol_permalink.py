"""The address of a question about molecules: query parameters, and back.

An address comes from anywhere, so every value is checked before it is used; what does not fit is
ignored and named, and the page takes it out of the address.

| parameter | meaning |
|---|---|
| model | id of the model |
| example | id of an example, in place of the lists |
| active, inactive, predict | lists: a SMILES and a name per line |
| salts, standardise | ``0`` where switched off |
| threshold | probability from which a molecule counts as active |
| row | candidate whose evidence is open, such as ``C3`` |
| result | id of a stored question; stands for all others |

Long lists, molfiles and task cards do not fit into an address: such a question is stored, and its
address is ``result``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from core.chemistry.listing import Entry
from core.chemistry.text import is_block
from core.data.example_assays import load_example_assays
from core.errors import ArtifactError, InputError
from core.serving.few_shot import METHODS, available_models, open_model
from core.serving.molecule_case import Question
from core.serving.molecule_table import MAX_NAME, Lists, example_lists, parse_text
from core.serving.parameters import ParameterReader
from core.store import Store

MAX_CHARACTERS = 6_000  # of one list in an address
DOMAIN = "mol"
LISTS = {"active": "active", "inactive": "inactive", "predict": "candidate"}
NAMES = (*LISTS, "model", "example", "salts", "standardise", "threshold", "row", "result")
PREFERRED = ("pacia", "par", "protonet", *METHODS)  # method of the example


@dataclass(frozen=True)
class Example:
    """A question that comes with the product.

    Attributes:
        id: in addresses.
        title: a few words.
        sentence: what it is about.
        lists: its molecules.
    """

    id: str
    title: str
    sentence: str
    lists: Lists


@cache
def examples() -> tuple[Example, ...]:
    """The embedded assays; the first one is shown when nothing is asked."""
    return tuple(
        Example(one.id, one.title, one.sentence, example_lists(one))
        for one in load_example_assays()
    )


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        query: the question; None without any usable model.
        row: candidate whose evidence is open, empty for the first one.
        example: True when the question is the example, not the address's.
        ignored: names of parameters that could not be used.
    """

    query: Question | None
    row: str = ""
    example: bool = False
    ignored: tuple[str, ...] = ()


def to_parameters(question: Question, row: str = "") -> dict[str, str] | None:
    """Query parameters of a question; None where it does not fit and must be stored."""
    values = {"model": question.model}
    known = next((one for one in examples() if one.lists == question.lists), None)
    if known and not question.card:
        return values | {"example": known.id} | _options(question, row)
    for name, role in LISTS.items():
        entries = getattr(question.lists, role)
        if any(is_block(entry.text) or "\n" in entry.text for entry in entries):
            return None
        values[name] = "\n".join(f"{one.text} {_one_line(one.name)}".strip() for one in entries)
    if question.card or question.lists.unclear or sum(map(len, values.values())) > MAX_CHARACTERS:
        return None
    return {name: value for name, value in values.items() if value} | _options(question, row)


def _options(question: Question, row: str) -> dict[str, str]:
    """Everything but model and molecules; values that are the default are left out."""
    values = {
        "salts": "" if question.strip_salts else "0",
        "standardise": "" if question.standardise else "0",
        "threshold": "" if question.threshold == 0.5 else f"{question.threshold:g}",
        "row": row,
    }
    return {name: value for name, value in values.items() if value}


def _one_line(name: str) -> str:
    return " ".join(name.split())[:MAX_NAME]


def store(question: Question, bundle: Mapping[str, object]) -> str:
    """Keep a question with its bundle; the id goes into the address as ``result``."""
    return Store.open().save_prediction(
        domain=DOMAIN, query=question.to_json(), bundle=dict(bundle)
    )


def from_parameters(parameters: Mapping[str, str]) -> Link:
    """Read an address; never fails for what the address holds.

    Without lists in the address the example is asked, by the model of the address where there is
    one.
    """
    if "result" in parameters:
        return _stored(parameters)
    example = example_question()
    if example is None:
        return Link(None, ignored=tuple(parameters))
    reader = ParameterReader(parameters)
    by_id = {one.id: one.lists for one in examples()}
    example = replace(example, lists=reader.take("example", by_id.get, example.lists))
    model = reader.take("model", _usable_model, example.model)
    lists = {role: reader.take(name, _read_list, ()) for name, role in LISTS.items()}
    question = replace(example, model=model)
    is_example = not any(lists.values())
    if not is_example:
        question = replace(question, lists=Lists(**lists))
    off = {"0": False}.get
    question = replace(
        question,
        strip_salts=reader.take("salts", off, True),
        standardise=reader.take("standardise", off, True),
        threshold=reader.take("threshold", _read_threshold, 0.5),
    )
    row = reader.take("row", lambda text: text if re.fullmatch(r"C\d{1,5}", text) else None, "")
    if row and int(row[1:]) > len(question.lists.candidate):
        row = ""
        reader.ignored.append("row")
    unknown = tuple(name for name in parameters if name not in NAMES)
    return Link(question, row, is_example, (*reader.ignored, *unknown))


def example_question() -> Question | None:
    """The first example, asked of the first model that works; None without any."""
    usable = [entry for entry in available_models() if not entry.problem]
    if not usable:
        return None
    best = min(
        usable,
        key=lambda entry: (PREFERRED.index(entry.method), not entry.id.endswith("-tox21")),
    )
    return Question(best.id, examples()[0].lists)


def _stored(parameters: Mapping[str, str]) -> Link:
    """A stored question, checked like any address."""
    others = tuple(name for name in parameters if name not in ("result", "row"))
    found = Store.open().find_prediction(parameters["result"])
    if found is None or found["domain"] != DOMAIN:
        link = from_parameters({})
        return replace(link, ignored=("result", *others))
    question = Question.from_json(found["query"])
    if _usable_model(question.model) is None:
        link = from_parameters({})
        return replace(link, ignored=("result", *others))
    row = parameters.get("row", "")
    known = re.fullmatch(r"C\d{1,5}", row) and int(row[1:]) <= len(question.lists.candidate)
    ignored = others if known or not row else ("row", *others)
    return Link(question, row if known else "", ignored=ignored)


def _usable_model(model_id: str) -> str | None:
    try:
        open_model(model_id)
    except (InputError, ArtifactError):
        return None
    return model_id


def _read_list(text: str) -> tuple[Entry, ...] | None:
    """The rows of a list; the same rules as those of a paste box."""
    if len(text) > MAX_CHARACTERS or is_block(text):
        return None
    return parse_text(text) or None


def _read_threshold(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1 else None
