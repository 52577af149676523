"""What was noticed while reading measurements, and what can be done about it.

A finding is plain data: a code, words, and repairs. A repair is applied by reading the same files
again with its `key` among a reader's choices, so that nothing is repaired behind a person's back.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.errors import InputError


@dataclass(frozen=True)
class Repair:
    """Something that can be done about a finding.

    Attributes:
        key: what a reader's choices take, such as ``decimal-comma`` or ``fill:v_x``.
        label: of the button.
    """

    key: str
    label: str


@dataclass(frozen=True)
class Finding:
    """Something a person should know.

    Attributes:
        code: such as ``PH-E05``.
        title: two or three words.
        problem: what is wrong, with the value.
        hint: what was done, or what to do next.
        blocking: nothing can be learned before it is repaired.
        repairs: what can be done.
    """

    code: str
    title: str
    problem: str
    hint: str
    blocking: bool = False
    repairs: tuple[Repair, ...] = ()

    @property
    def error(self) -> InputError:
        """The same as an error."""
        return InputError(self.code, self.title, self.problem, self.hint)

    @property
    def text(self) -> str:
        """The whole sentence with its code."""
        return str(self.error)


def plural(number: int, word: str, more: str = "") -> str:
    """Such as "1 row" or "1,200 rows"."""
    return f"{number:,} {word if number == 1 else more or word + 's'}"


def with_repair(chosen: frozenset[str], key: str, alone: Collection[str]) -> frozenset[str]:
    """Chosen repairs with one more, or without it where it was chosen before.

    Args:
        chosen: keys of `Repair`.
        key: what is chosen now.
        alone: beginnings, before the colon, of keys of which only one can hold; the new one takes
            the place of an earlier one.
    """
    if key in chosen:
        return chosen - {key}
    kind = key.partition(":")[0]
    return chosen - {one for one in chosen if one.partition(":")[0] == kind in alone} | {key}


def blocking_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in the order in which a person should read them."""
    return tuple(sorted(findings, key=lambda one: not one.blocking))
