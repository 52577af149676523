"""The chemistry worker: a process that reads requests and may die without harm.

``python -m core.chemistry.worker`` reads one JSON object per line from standard input,
``{"function": name, "arguments": {…}}``, and answers one line, ``{"value": …}``, ``{"error": {…}}``
(the fields of an `InputError`) or ``{"fault": "memory"}``. It writes ``{"value": "ready"}`` first.
It ends when its input ends, so it never outlives the server.

Memory is limited by the kernel, and an alarm ends a computation even when nobody is left to end it.
A fault inside RDKit ends the process; the client starts another one.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from rdkit import rdBase

from core.chemistry.depiction import draw_effects, draw_structure, place_in_space
from core.chemistry.preparation import find_environments, prepare_many, write_sdf
from core.chemistry.structural_alerts import find_alerts
from core.chemistry.structure import morgan_bits, morgan_counts, read_structure, same_structure
from core.errors import InputError

MEMORY_BYTES = 1 << 30  # address space; RDKit itself takes a quarter of it
ALARM_S = 6.0  # after the client's limit of 5 s


def _read(text: str, strip_salts: bool) -> dict[str, Any]:
    return read_structure(text, strip_salts=strip_salts).to_json()


def _fingerprint(smiles: str) -> dict[str, Any]:
    checked = read_structure(smiles).smiles
    return {
        "bits": morgan_bits(checked).nonzero()[0].tolist(),
        "counts": list(morgan_counts(checked).items()),
    }


def _alerts(smiles: str) -> list[dict[str, Any]]:
    return [asdict(alert) for alert in find_alerts(smiles)]


def _compare(first: str, second: str) -> dict[str, Any]:
    return asdict(same_structure(first, second))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "read": _read,
    "fingerprint": _fingerprint,
    "draw": draw_structure,
    "conformer": place_in_space,
    "alerts": _alerts,
    "compare": _compare,
    "prepare": prepare_many,
    "environments": find_environments,
    "sdf": write_sdf,
    "draw effects": draw_effects,
}


def serve(
    functions: Mapping[str, Callable[..., Any]] = FUNCTIONS, *, memory_bytes: int = MEMORY_BYTES
) -> None:
    """Answer requests until the input ends or memory runs out.

    Args:
        functions: what may be asked, by name.
        memory_bytes: limit of the address space.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the answers
    rdBase.DisableLog("rdApp.*")  # its messages quote the molecules
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends the input
    _write(answers, {"value": "ready"})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, ALARM_S)
        try:
            answer = {"value": functions[request["function"]](**request["arguments"])}
        except InputError as error:
            answer = {"error": vars(error)}
        except MemoryError:
            _write(answers, {"fault": "memory"})
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(answers, answer)


def _write(answers: Any, answer: dict[str, Any]) -> None:  # noqa: ANN401 - a raw file object
    rest = memoryview(json.dumps(answer).encode() + b"\n")
    while rest:
        rest = rest[answers.write(rest) :]


if __name__ == "__main__":
    serve()
