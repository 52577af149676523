"""The address of a list: a question as query parameters, and back.

An address comes from anywhere, so every value is checked before it is used; what does not fit is
ignored and named, and the page takes it out of the address.

| parameter | meaning |
|---|---|
| model | artifact |
| rated | a rating and the id of its item per line, newest last; ``-`` for no rating |
| method | id of the method |
| n, newest | length of the list; ratings that are used |
| from, to | first and last year |
| kinds | values of the catalogue's main field, one per line |
| hide | ``0`` lists rated items too |
| item | id of the item whose evidence is open |
| result | id of a stored question; stands for all others |

Long lists of ratings, own items and properties of a user do not fit into an address: such a
question is stored, and its address is ``result``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.errors import ArtifactError, InputError
from core.serving.parameters import ParameterReader
from core.serving.rec_items import model_of
from core.serving.rec_model import RecModel, available_models, open_model
from core.serving.rec_question import MAX_LENGTH, MAX_NEWEST, Question, read_given
from core.store import Store

DOMAIN = "rec"
NOTHING = "-"  # no rating
MAX_CHARACTERS = 6_000  # of the ratings in an address
NAMES = (
    "model", "rated", "method", "n", "newest", "from", "to", "kinds", "hide", "item", "result",
)  # fmt: skip
PREFERRED = "coldnas-movietweetings"  # model of the example
# the example's person, with ratings as shares of the scale
EXAMPLE = (
    ("Alien (1979)", 0.9),
    ("Titanic (1997)", 0.3),
    ("Blade Runner (1982)", 1.0),
    ("The Notebook (2004)", 0.2),
    ("The Matrix (1999)", 0.8),
)
SHARES = (0.9, 0.3, 1.0, 0.2, 0.8)  # where a catalogue does not have these films


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        query: the question; None without any usable model.
        item: whose evidence is open, empty for the first one.
        example: True when the question is the example, not the address's.
        ignored: names of parameters that could not be used.
    """

    query: Question | None
    item: str = ""
    example: bool = False
    ignored: tuple[str, ...] = ()


def to_parameters(question: Question, item: str = "") -> dict[str, str] | None:
    """Query parameters of a question; None where it does not fit and must be stored."""
    rated = "\n".join(f"{rating:g} {one}" for one, rating in question.given)
    odd = any("\n" in text for text in (*dict(question.given), *question.kinds))
    if odd or question.user or question.items or len(rated) > MAX_CHARACTERS:
        return None
    first, last = question.years or ("", "")
    values = {
        "model": question.model,
        "rated": rated or NOTHING,
        "method": "" if question.method == Question.method else question.method,
        "n": "" if question.length == Question.length else str(question.length),
        "newest": "" if question.newest == Question.newest else str(question.newest),
        "from": str(first),
        "to": str(last),
        "kinds": "\n".join(question.kinds),
        "hide": "" if question.hide_rated else "0",
        "item": item,
    }
    return {name: value for name, value in values.items() if value}


def store(question: Question, bundle: Mapping[str, object]) -> str:
    """Keep a question with its bundle; the id goes into the address as ``result``."""
    return Store.open().save_prediction(
        domain=DOMAIN, query=question.to_json(), bundle=dict(bundle)
    )


def from_parameters(parameters: Mapping[str, str]) -> Link:
    """Read an address; never fails for what the address holds.

    Without ratings in the address the example is asked, of the address's model where there is one.
    """
    if "result" in parameters:
        return _stored(parameters)
    reader = ParameterReader(parameters)
    model = reader.take("model", _find_model, None)
    if model is None:
        return Link(example_question(), example=True, ignored=tuple(parameters))
    given = reader.take("rated", lambda text: _read_rated(text, model), None)
    is_example = given is None
    first, last = model.years or (None, None)
    years = tuple(reader.take(name, _number(0, 9999), end)
                  for name, end in (("from", first), ("to", last)))  # fmt: skip
    if first is None or not years[0] <= years[1] or not {"from", "to"} & set(parameters):
        reader.ignored += [name for name in ("from", "to") if name in parameters]
        years = None
    offered = model.kinds[1] if model.kinds else ()
    question = Question(
        model.id,
        example_of(model).given if is_example else given,
        reader.take("method", lambda name: name if name in model.methods else None, "coldnas"),
        reader.take("hide", {"0": False}.get, True),
        reader.take("n", _number(1, MAX_LENGTH), Question.length),
        years,
        reader.take("kinds", lambda text: _among(text.split("\n"), offered), ()),
        reader.take("newest", _number(1, MAX_NEWEST), Question.newest),
    )
    item = reader.take("item", lambda text: text if text in model.row_of else None, "")
    unknown = [name for name in parameters if name not in NAMES]
    ignored = tuple(dict.fromkeys([*reader.ignored, *unknown]))
    return Link(question, item, is_example, ignored)


def example_question() -> Question | None:
    """A person with five ratings, asked of the first model that works; None without any."""
    usable = [entry.id for entry in available_models() if not entry.problem]
    if not usable:
        return None
    return example_of(open_model(PREFERRED if PREFERRED in usable else usable[0]))


def example_of(model: RecModel) -> Question:
    """The example, with items of a model that it has."""
    catalogue = model.catalogue
    titles = dict(zip(catalogue.titles, catalogue.ids, strict=True))
    rated = [(titles[title], share) for title, share in EXAMPLE if title in titles]
    if len(rated) < len(EXAMPLE):
        known = sorted(model.row_of.values(), key=lambda row: (-model.factors.count[row], row))
        rated = [
            (model.catalogue.ids[row], share) for row, share in zip(known, SHARES, strict=False)
        ]
    return Question(model.id, tuple((item, _of_scale(model, share)) for item, share in rated))


def _of_scale(model: RecModel, share: float) -> float:
    """A rating at a share of the scale, on its nearest step."""
    scale = model.scale
    distance = share * scale.span
    if scale.step:
        distance = round(distance / scale.step) * scale.step
    return float(scale.low + distance)


def _stored(parameters: Mapping[str, str]) -> Link:
    """A stored question, checked like any address."""
    others = tuple(name for name in parameters if name not in ("result", "item"))
    found = Store.open().find_prediction(parameters["result"])
    if found is not None and found["domain"] == DOMAIN:
        question = Question.from_json(found["query"])
        model = _model_of(question)
        if model is not None and _fits(question, model):
            item = parameters.get("item", "")
            known = not item or item in model.row_of
            ignored = others if known else ("item", *others)
            return Link(question, item if known else "", ignored=ignored)
    return replace(from_parameters({}), ignored=("result", *others))


def _fits(question: Question, model: RecModel) -> bool:
    """Whether a question can be asked of a model that may have been trained anew since."""
    try:
        model.check_method(question.method)
        read_given(question, model)
    except InputError:
        return False
    return True


def _model_of(question: Question) -> RecModel | None:
    try:
        return model_of(question)
    except (InputError, ArtifactError):
        return None


def _find_model(name: str) -> RecModel | None:
    try:
        return open_model(name)
    except (InputError, ArtifactError):
        return None


def _read_rated(text: str, model: RecModel) -> tuple[tuple[str, float], ...] | None:
    if len(text) > MAX_CHARACTERS:
        return None
    if text == NOTHING:
        return ()
    found = []
    for line in text.split("\n"):
        rating, _, item = line.partition(" ")
        try:
            found.append((item, float(rating)))
        except ValueError:
            return None
    try:
        question = Question(model.id, tuple(found))
        read_given(question, model)
    except InputError:
        return None
    return question.given if all(math.isfinite(rating) for _, rating in found) else None


def _among(chosen: list[str], offered: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(chosen)) if set(chosen) <= set(offered) else None


def _number(low: int, high: int):  # noqa: ANN202 - a reader of a whole number
    def read(text: str) -> int | None:
        if not (text.isascii() and text.isdigit() and len(text) <= 4):
            return None
        return int(text) if low <= int(text) <= high else None

    return read
