"""The errors that reach a person.

ParsimonyError
├── InputError      the user's data or question; carries a code, what is wrong and what to do next
│   └── UnknownName a name that is not in a vocabulary; carries the nearest known names
├── ArtifactError   a model file or card that is missing, damaged or does not fit
├── DataError       a data set file that is missing, damaged or cannot be fetched
├── StoreError      the database cannot be opened, written or restored
├── JobError        a job that cannot be submitted, found or continued
├── ShapeError      arrays that do not fit together; names what was received and what was expected
└── Cancelled       raised by the progress report when a person has asked a job to stop

Wording: what is wrong, with the value; what is allowed; what to do next.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class ParsimonyError(Exception):
    """Base of every error whose text is meant to be read by a user."""


class InputError(ParsimonyError):
    """The user's data or question cannot be used as it is.

    Attributes:
        code: stable code such as ``KG-E03``.
        title: two or three words, for example "Unknown entity".
        problem: what is wrong, with the value.
        hint: what to do next.
        where: row, column or field, empty when it concerns the whole input.
    """

    def __init__(self, code: str, title: str, problem: str, hint: str, where: str = "") -> None:
        self.code, self.title, self.problem, self.hint, self.where = (
            code,
            title,
            problem,
            hint,
            where,
        )
        place = f"{where}: " if where else ""
        super().__init__(f"{code} · {title}. {place}{problem} {hint}".strip())


class UnknownName(InputError):  # noqa: N818 - reads as what happened
    """A name that is not in the vocabulary; `nearest` holds up to three known names."""

    def __init__(
        self, code: str, title: str, name: str, known: Iterable[str], *, kind: str, hint: str
    ) -> None:
        lookup: dict[str, str] = {}
        for text in known:  # the first spelling wins: callers list readable names before ids
            lookup.setdefault(text.casefold(), text)
        found = difflib.get_close_matches(name.casefold(), list(lookup), n=3, cutoff=0.6)
        self.nearest = [lookup[text] for text in found]
        guess = f' Did you mean "{self.nearest[0]}"?' if self.nearest else ""
        shown = name if len(name) <= 80 else name[:77] + "…"
        super().__init__(code, title, f'"{shown}" is not in {kind}.{guess}', hint)


@dataclass(frozen=True)
class Remark:
    """Something a person should know about an input that is used all the same; never raised.

    Attributes:
        code: stable code such as ``MO-E04``.
        title: two to five words.
        text: what was found and what was done.
    """

    code: str
    title: str
    text: str


class ArtifactError(ParsimonyError):
    """A trained artifact is missing, damaged or does not match its card."""


class DataError(ParsimonyError):
    """A data set file is missing, damaged or cannot be fetched."""


class StoreError(ParsimonyError):
    """The database cannot be opened, written, backed up or restored."""


class JobError(ParsimonyError):
    """A job cannot be submitted, found or continued."""


class ShapeError(ParsimonyError):
    """Arrays do not fit together; the message names what was received and what was expected."""


class Cancelled(ParsimonyError):  # noqa: N818 - a request, not a fault
    """A person asked the running job to stop."""
