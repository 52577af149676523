"""The server's side of the chemistry workers: limits, restarts, many threads at once."""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from core.errors import InputError, ParsimonyError
from core.settings import PROCESS_ENVIRONMENT, ROOT

COMMAND = (sys.executable, "-m", "core.chemistry.worker")
TIME_LIMIT_S = 5.0
START_S = 60.0
WAIT_S = 20.0  # for a free worker, when all are busy
NUM_WORKERS = 2


class _WorkerError(ParsimonyError):
    """The worker ended, or did not answer in time; the text says which."""


class _Process:
    """One worker process. Not shared between threads."""

    def __init__(self, command: Sequence[str]) -> None:
        self._pipe = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0,
            env={**os.environ, **PROCESS_ENVIRONMENT},
        )  # fmt: skip
        self._ready = False

    @property
    def pid(self) -> int:
        return self._pipe.pid

    @property
    def alive(self) -> bool:
        return self._pipe.poll() is None

    def ask(self, request: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            _WorkerError: no answer; the process is then of no use any more.
        """
        if not self._ready:
            self._receive(START_S)
            self._ready = True
        try:
            self._pipe.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError as error:
            raise _WorkerError("crash") from error
        return self._receive(limit_s)

    def _receive(self, limit_s: float) -> dict[str, Any]:
        deadline, parts = time.monotonic() + limit_s, []
        output = self._pipe.stdout.fileno()
        while not (parts and parts[-1].endswith(b"\n")):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise _WorkerError("time")
            part = os.read(output, 1 << 16)
            if not part:
                raise _WorkerError("crash")
            parts.append(part)
        answer = json.loads(b"".join(parts))
        if "fault" in answer:
            raise _WorkerError(answer["fault"])
        return answer

    def end(self) -> None:
        self._pipe.kill()
        self._pipe.wait()
        self._pipe.stdin.close()
        self._pipe.stdout.close()


class Workers:
    """A few worker processes that any number of threads may ask.

    A process that dies or is too slow is replaced; only the request it had in hand fails.

    Args:
        command: starts one worker.
        num: processes at most; each is started when it is first needed.
        limit_s: seconds for one request.
    """

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        num: int = NUM_WORKERS,
        limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._command, self._limit_s = command, limit_s
        self._free = threading.Semaphore(num)
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        atexit.register(self.close)

    @property
    def pids(self) -> list[int]:
        """Processes that run now."""
        with self._lock:
            return sorted(process.pid for process in self._all)

    def ask(self, function: str, **arguments: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Let a worker compute a function and return its value.

        Raises:
            InputError: what the function raised, or MO-E10 when it took too long, too much memory
                or the worker died.
        """
        if not self._free.acquire(timeout=WAIT_S):
            raise _not_computed("The server is busy with other structures.", "Try again.")
        try:
            process = self._take()
            try:
                answer = process.ask({"function": function, "arguments": arguments}, self._limit_s)
            except _WorkerError as error:
                self._drop(process)
                raise self._explain(str(error)) from error
            with self._lock:
                self._idle.append(process)
        finally:
            self._free.release()
        if "error" in answer:
            raise InputError(**answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End all processes; the next request starts new ones."""
        with self._lock:
            processes, self._all, self._idle = self._all, set(), []
        for process in processes:
            process.end()

    def _take(self) -> _Process:
        """An idle process that is alive, or a new one."""
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
                if process is None:
                    process = _Process(self._command)
                    self._all.add(process)
                    return process
            if process.alive:
                return process
            self._drop(process)

    def _drop(self, process: _Process) -> None:
        with self._lock:
            self._all.discard(process)
        process.end()

    def _explain(self, fault: str) -> InputError:
        reason = {
            "time": f"It took longer than {self._limit_s:g} s.",
            "memory": "It needs more memory than is allowed.",
            "crash": "The chemistry process ended on it and was restarted.",
        }[fault]
        return _not_computed(reason, "Try a smaller structure; others are not affected.")


def _not_computed(problem: str, hint: str) -> InputError:
    return InputError("MO-E10", "Structure could not be computed", problem, hint)
