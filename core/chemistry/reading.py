"""Many molecules through the workers: in parcels, each row on its own when a parcel fails."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.chemistry.client import NUM_WORKERS, Workers
from core.chemistry.text import check_text
from core.chemistry.values import Molecule
from core.errors import InputError

PARCEL = 20  # rows of one request; some 5 ms each
KEPT = 2_048  # molecules
MAX_LOST = 10  # rows of one list that may cost a worker its time limit
NOT_COMPUTED = "MO-E10"

Key = tuple[str, bool, bool]


class _Memory:
    """The last molecules that were read, and the refusals."""

    def __init__(self) -> None:
        self._found: OrderedDict[Key, Molecule | tuple[str, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Molecule | InputError | None:
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
        return InputError(*found) if isinstance(found, tuple) else found

    def put(self, key: Key, answer: Molecule | InputError) -> None:
        kept = answer
        if isinstance(answer, InputError):
            kept = (answer.code, answer.title, answer.problem, answer.hint, answer.where)
        with self._lock:
            self._found[key] = kept
            while len(self._found) > KEPT:
                self._found.popitem(last=False)


_memory = _Memory()


def read_many(
    texts: Sequence[str],
    *,
    strip_salts: bool = True,
    standardise: bool = True,
    workers: Workers,
    report: Callable[[int, int], None] = lambda *_: None,
) -> list[Molecule | InputError]:
    """Molecules ready for a model, or what is wrong with each; in the order of `texts`.

    Args:
        texts: SMILES, molfiles or single SDF records; equal ones are read once.
        strip_salts: keep the largest part of several; otherwise several are refused.
        standardise: see `core.chemistry.preparation`.
        workers: who reads.
        report: told the rows that are done and all; may raise.

    Returns:
        Per text a molecule, or an `InputError` MO-E01 to E04, E09 or E10. A row that ends its
        worker, or takes too long, is refused alone; after ten such rows the parcels that fail are
        refused as a whole.
    """
    answers: dict[str, Molecule | InputError] = {}
    wanted = []
    for text in dict.fromkeys(texts):
        known = _memory.get((text, strip_salts, standardise))
        if known is not None:
            answers[text] = known
            continue
        try:
            check_text(text)
        except InputError as error:
            answers[text] = error
        else:
            wanted.append(text)
    request = _Request(workers, strip_salts, standardise)
    parcels = [wanted[start : start + PARCEL] for start in range(0, len(wanted), PARCEL)]
    with ThreadPoolExecutor(NUM_WORKERS) as pool:
        try:
            for parcel, found in zip(parcels, pool.map(request.read, parcels), strict=True):
                answers.update(zip(parcel, found, strict=True))
                report(len(answers), len(texts))
        finally:
            pool.shutdown(cancel_futures=True)
    for text in wanted:
        answer = answers[text]
        if not (isinstance(answer, InputError) and answer.code == NOT_COMPUTED):
            _memory.put((text, strip_salts, standardise), answer)
    return [answers[text] for text in texts]


class _Request:
    """One list with its options."""

    def __init__(self, workers: Workers, strip_salts: bool, standardise: bool) -> None:
        self._workers = workers
        self._options = {"strip_salts": strip_salts, "standardise": standardise}
        self._num_lost = 0

    def read(self, parcel: Sequence[str]) -> list[Molecule | InputError]:
        """A parcel; its rows one by one where it cannot be computed as a whole."""
        try:
            return [_read(answer) for answer in self._ask(parcel)]
        except InputError as error:
            if len(parcel) == 1:
                self._num_lost += 1
            if len(parcel) == 1 or self._num_lost >= MAX_LOST:
                return [error] * len(parcel)
        return [self.read([text])[0] for text in parcel]

    def _ask(self, parcel: Sequence[str]) -> list[dict[str, Any]]:
        return self._workers.ask("prepare", texts=list(parcel), **self._options)


def _read(answer: dict[str, Any]) -> Molecule | InputError:
    if "error" in answer:
        return InputError(**answer["error"])
    return Molecule.from_json(answer["value"])
