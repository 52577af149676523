"""What a model may use, what is taken away from it, and what it answers then.

An *item* is one piece of knowledge that can be hidden from a model: a fact of a graph (a tuple of
head, relation and tail rows), a support molecule, a user's rating, a term of a formula. A domain
provides one function, the scorer, that answers a batch of overlays; everything in this package is
written against that function alone.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

Item = Hashable


@dataclass(frozen=True)
class Outcome:
    """What the model says about one answer under one overlay.

    Attributes:
        score: finite; larger means more plausible (probability or logit, the domain states which).
        rank: position of the answer among the candidates, 1 is best; halves occur with ties.
    """

    score: float
    rank: float


@dataclass(frozen=True)
class Overlay:
    """A change of what the model may use.

    ``Overlay()`` is everything, ``Overlay(keep=frozenset())`` the question alone.

    Attributes:
        remove: items hidden from the model.
        keep: where given, only these remain of all the model may use; `remove` still applies.
    """

    remove: frozenset[Item] = frozenset()
    keep: frozenset[Item] | None = None


Scorer = Callable[[Sequence[Overlay]], Sequence[Outcome]]
