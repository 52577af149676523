"""The graph network behind a law: its flow, and how its error jumps without each part.

A thorough search trains networks and takes parts of their message flow out; what it found lies
beside the formulas, in the artifact of an example or in the folder of a job.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.knowledge.physics.message_flow import MessageFlow
from core.serving import physics_job
from core.serving import symbolic_regression as laws
from core.serving.physics_question import Question


@dataclass(frozen=True)
class Jump:
    """The network without one part.

    Attributes:
        part: what was taken out, in words.
        error: of the network without it, on validation.
        ratio: to the error of the whole network.
    """

    part: str
    error: float
    ratio: float


@dataclass(frozen=True)
class NetworkFlow:
    """A searched message-passing flow.

    Attributes:
        text: the flow, one layer per line.
        complexity: sizes times inputs, as the GSR paper counts.
        valid_error: of its network on validation.
        full_error: of full blocks, nothing taken out.
        jumps: parts, the dearest first.
        alternatives: other flows of about the same score.
        tried: flows that were trained.
        warning: what a person should know of the search, empty for nothing.
        test_r2: of the network on unseen graphs, None where it was not measured.
    """

    text: str
    complexity: int
    valid_error: float
    full_error: float
    jumps: tuple[Jump, ...]
    alternatives: tuple[str, ...]
    tried: int
    warning: str
    test_r2: float | None


def find_network(question: Question) -> NetworkFlow | None:
    """The network of a question, None where the search trained none."""
    artifact = laws.artifact_of(question)
    if artifact is not None:
        record = artifact.knowledge.get("flow")
    elif question.job:
        path = physics_job.flow_of(question.job)
        record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    else:
        record = None
    return None if record is None else _read(record)


def _read(record: Mapping[str, Any]) -> NetworkFlow:
    flow = MessageFlow.from_json(record["flow"])
    jumps = [Jump(_words(one), float(one["error"]), float(one["ratio"])) for one in record["jumps"]]
    return NetworkFlow(
        str(flow),
        flow.complexity,
        float(record["valid_error"]),
        float(record["full_error"]),
        tuple(sorted(jumps, key=lambda one: -one.ratio)),
        tuple(str(MessageFlow.from_json(one)) for one in record["alternatives"]),
        len(record["trials"]),
        str(record["warning"]),
        record.get("test_r2"),
    )


def _words(jump: Mapping[str, Any]) -> str:
    """``the layer v``, or ``k in e``."""
    if jump["whole"]:
        return f"the layer {jump['layer']}"
    return f"{', '.join(jump['inputs'])} in {jump['layer']}"
