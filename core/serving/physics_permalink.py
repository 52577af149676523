"""The address of a question about a system on graphs: query parameters, and back.

An address comes from anywhere, so every value is checked before it is used; what does not fit is
ignored and named, and the page takes it out of the address.

| parameter | meaning |
|---|---|
| example | name of a system that comes with its answer, in place of all others |
| system | name of a simulator |
| graphs, nodes, topology, noise, draw | its settings; ``draw`` is its seed |
| upload | id of uploaded data, in place of ``system`` |
| units | JSON: unit by quantity, where a person has changed it |
| without | names of quantities that are not used, comma between them |
| operators | names of operators, comma between them |
| size | largest size of a formula |
| pair | how a message changes when both ends are exchanged |
| know | what is switched off: ``translation``, ``rotation``, ``units``, ``constants`` |
| guess | formula to begin with |
| budget, seed | of the search |
| job | id of the job that searches or has searched; stands for all of the above |
| formula | number of the formula that is open |
| result | id of a stored question; stands for all others but ``formula`` |
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core import jobs
from core.data.physics.simulators import SIMULATORS, TOPOLOGIES
from core.discovery.options import BUDGETS, OPERATORS, PAIR, Knowledge
from core.errors import InputError, JobError
from core.knowledge.physics.expression import MAX_LENGTH, OPS, from_json, to_json
from core.serving import physics_job, physics_question
from core.serving.parameters import ParameterReader
from core.serving.physics_question import SIMULATOR, UPLOAD, Question
from core.serving.symbolic_regression import examples
from core.store import Store

DOMAIN = "phys"
MAX_FORMULA = 1000
MAX_SIZE = 100
SWITCHES = {
    "translation": "translation", "rotation": "rotation", "units": "use_units",
    "constants": "allow_constant_units",
}  # fmt: skip
NAMES = (
    "example", "system", "graphs", "nodes", "topology", "noise", "draw", "upload", "units",
    "without", "operators", "size", "pair", "know", "guess", "budget", "seed", "job", "formula",
    "result",
)  # fmt: skip
PLAIN = Knowledge()


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        query: the question.
        formula: number of the formula that is open, 0 for the suggested one.
        example: True when the question is the example, not the address's.
        ignored: names of parameters that could not be used.
    """

    query: Question
    formula: int = 0
    example: bool = False
    ignored: tuple[str, ...] = ()


def to_parameters(question: Question, formula: int = 0) -> dict[str, str]:
    """Query parameters of a question; values that are the default are left out."""
    opened = {"formula": str(formula)} if formula else {}
    if question.job:
        return {"job": question.job} | opened
    known = next((one for one in examples() if one.question == question), None)
    if known:
        return {"example": known.id} | opened
    settings = dict(question.settings)
    values = {"system" if question.kind == SIMULATOR else UPLOAD: question.name}
    if settings:
        values |= {
            "graphs": str(settings["num_graphs"]), "nodes": str(settings["num_nodes"]),
            "topology": settings["topology"], "noise": f"{settings['noise']:g}",
            "draw": str(settings["seed"]),
        }  # fmt: skip
    if question.units:
        values["units"] = json.dumps(dict(question.units), ensure_ascii=False)
    values["without"] = ",".join(question.left_out)
    values |= _knowledge(question.knowledge)
    values["budget"] = "" if question.budget == "instant" else question.budget
    values["seed"] = str(question.seed) if question.seed else ""
    return {name: value for name, value in values.items() if value} | opened


def _knowledge(knowledge: Knowledge) -> dict[str, str]:
    operators = () if knowledge.operators == PLAIN.operators else knowledge.operators
    off = [name for name, field in SWITCHES.items() if not getattr(knowledge, field)]
    return {
        "operators": ",".join(operators),
        "size": "" if knowledge.max_complexity == PLAIN.max_complexity
        else str(knowledge.max_complexity),
        "pair": knowledge.pair,
        "know": ",".join(off),
        "guess": json.dumps([to_json(one) for one in knowledge.guess]) if knowledge.guess else "",
    }  # fmt: skip


def from_parameters(parameters: Mapping[str, str]) -> Link:
    """Read an address; never fails for what the address holds.

    Without data in the address the first example is asked.
    """
    reader = ParameterReader(parameters)
    formula = reader.take("formula", _whole(1, MAX_FORMULA), 0)
    question = reader.take("job", of_job, None) or reader.take("result", _stored, None)
    by_id = {one.id: one.question for one in examples()}
    is_example = False
    if question is None:
        start = next(iter(by_id.values()))
        question = reader.take("example", by_id.get, None)
        is_example = question is not None
        if question is None:
            question = _asked(reader)
        if question is None:
            question, is_example = start, True
    unknown = tuple(name for name in parameters if name not in NAMES)
    return Link(question, formula, is_example, (*reader.ignored, *unknown))


def _asked(reader: ParameterReader) -> Question | None:
    """The question that single parameters state; None without data."""
    name = reader.take("system", lambda text: text if text in SIMULATORS else None, "")
    upload = "" if name else reader.take("upload", _usable_upload, "")
    if not name and not upload:
        return None
    question = physics_question.of_simulator(name) if name else Question(f"{UPLOAD}:{upload}")
    if name:
        settings = dict(question.settings)
        accepted: dict[str, tuple[str, Callable[[str], Any]]] = {
            "graphs": ("num_graphs", _whole(1, 100_000)),
            "nodes": ("num_nodes", _whole(2, 200)),
            "topology": ("topology", lambda text: text if text in TOPOLOGIES else None),
            "noise": ("noise", _share),
            "draw": ("seed", _whole(0, 2**31)),
        }
        for parameter, (field, accept) in accepted.items():
            settings[field] = reader.take(parameter, accept, settings[field])
        question = replace(question, settings=tuple(settings.items()))
    names = _names_of(question)
    if names is None:
        reader.ignored.append("system" if name else "upload")
        return None
    return replace(
        question,
        units=reader.take("units", lambda text: _units(text, names), ()),
        left_out=reader.take("without", lambda text: _some(text, names), ()),
        knowledge=Knowledge(
            operators=reader.take("operators", lambda text: _some(text, OPS), OPERATORS),
            max_complexity=reader.take("size", _whole(1, MAX_SIZE), PLAIN.max_complexity),
            pair=reader.take("pair", lambda text: text if text in PAIR else None, ""),
            guess=reader.take("guess", _guess, ()),
            **_switched_off(reader),
        ),
        budget=reader.take("budget", lambda text: text if text in BUDGETS else None, "instant"),
        seed=reader.take("seed", _whole(0, 2**31), 0),
    )


def _names_of(question: Question) -> frozenset[str] | None:
    """Names of quantities and target; None where the data cannot be made."""
    try:
        system = physics_question.load_system(question)
    except InputError:
        return None
    return frozenset((*system.nodes, *system.edges, *system.graphs, system.target.name))


def _switched_off(reader: ParameterReader) -> dict[str, bool]:
    off = reader.take("know", lambda text: _some(text, SWITCHES), ())
    return {SWITCHES[name]: False for name in off}


def of_job(text: str) -> Question | None:
    """The question of a job of this kind."""
    try:
        job = jobs.find(text)
    except JobError:
        return None
    return physics_job.question_of(job)


def _stored(text: str) -> Question | None:
    found = Store.open().find_prediction(text)
    if found is None or found["domain"] != DOMAIN:
        return None
    return Question.from_json(found["query"])


def _usable_upload(text: str) -> str | None:
    found = Store.open().find_upload(text)
    return text if found is not None and found.kind == physics_question.KIND else None


def _whole(low: int, high: int) -> Callable[[str], int | None]:
    def accept(text: str) -> int | None:
        plain = text.isascii() and text.isdigit() and len(text) < 12
        return int(text) if plain and low <= int(text) <= high else None

    return accept


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 10 else None


def _some(text: str, allowed: "frozenset[str] | Mapping[str, Any]") -> tuple[str, ...] | None:
    """Names with a comma between them, all of them allowed, each once."""
    found = tuple(dict.fromkeys(text.split(",")))
    return found if all(name in allowed for name in found) else None


def _units(text: str, names: frozenset[str]) -> tuple[tuple[str, str], ...] | None:
    try:
        found = json.loads(text[:MAX_LENGTH])
    except (ValueError, RecursionError):
        return None
    fits = isinstance(found, dict) and all(
        name in names and isinstance(unit, str) and len(unit) <= 100 for name, unit in found.items()
    )
    return tuple(found.items()) if fits else None


def _guess(text: str) -> tuple[Any, ...] | None:
    try:
        found = json.loads(text[: 10 * MAX_LENGTH])
        return tuple(from_json(one) for one in found)
    except (ValueError, TypeError, RecursionError, InputError):
        return None
