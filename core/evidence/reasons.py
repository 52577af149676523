"""Reasons: a small set of items that suffices for an answer, and what else must go to change it.

A model often has several independent reasons for one answer; taking one away then changes little.
So the search repeats: the first small set that alone keeps the score is taken whole (the reason to
read); of every further one only its most decisive item is taken away, until the answer changes or
the size limit is reached. On 100 questions about Family the evidence is smaller that way and is
supported more often than with every reason taken whole (9 against 13 facts, 83 against 76 %).

Every step is a batched call of the scorer, nothing else is known about the model. Whether the
result is the reason of the answer is decided afterwards by `core.evidence.faithfulness`, against
random look-alikes.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from core.evidence.evidence import Item, Overlay, Scorer

CHUNKS = 24  # parts tried per batched call while shrinking
MAX_CANDIDATES = 128  # items considered for one reason: bounds the time on dense graphs
MAX_MEASURED = 64  # items taken away one at a time when no small reason exists


def find_reasons(
    score: Scorer,
    candidates: Callable[[frozenset[Item]], Sequence[Item]],
    *,
    level: float,
    drop: float,
    size: int,
) -> list[tuple[Item, ...]]:
    """The first reason whole, then one item of each further reason.

    Args:
        score: the domain's scorer.
        candidates: from the items taken away so far to the items that may matter then, strongest
            first.
        level: share of the present score that a reason must keep alone.
        drop: share of the score whose loss ends the search.
        size: most items together.

    Returns:
        reasons; none when no `size` items alone keep the score.
    """
    [everything, empty] = score([Overlay(), Overlay(keep=frozenset())])
    found: list[tuple[Item, ...]] = []
    taken: frozenset[Item] = frozenset()
    present = everything.score
    while present > empty.score:
        reason = find_sufficient(score, candidates(taken)[:MAX_CANDIDATES], level * present)
        if found and reason:
            reason = _most_decisive(score, reason, taken)
        if not reason or len(taken) + len(reason) > size:
            break
        found.append(reason)
        taken |= frozenset(reason)
        [left] = score([Overlay(remove=taken)])
        present = left.score
        if everything.score - present >= drop * (everything.score - empty.score):
            break
    return found


def _most_decisive(
    score: Scorer, reason: Sequence[Item], taken: frozenset[Item]
) -> tuple[Item, ...]:
    outcomes = score([Overlay(remove=taken | {item}) for item in reason])
    return (reason[min(range(len(reason)), key=lambda i: (outcomes[i].score, i))],)


def find_sufficient(score: Scorer, items: Sequence[Item], required: float) -> tuple[Item, ...]:
    """A small part of `items` that alone reaches the required score.

    Prefixes of doubling length are tried first; the shortest one that reaches the score is shrunk
    by taking parts away, halving the parts when none can go.

    Args:
        score: the domain's scorer.
        items: strongest first.
        required: score to reach.

    Returns:
        items in the given order; empty when no prefix reaches the score.
    """
    if not items:
        return ()
    lengths = [1 << k for k in range((len(items) - 1).bit_length())] + [len(items)]
    outcomes = score([Overlay(keep=frozenset(items[:length])) for length in lengths])
    enough = [n for n, out in zip(lengths, outcomes, strict=True) if out.score >= required]
    return _shrink(score, list(items[: enough[0]]), required) if enough else ()


def strongest(score: Scorer, items: Sequence[Item], size: int) -> tuple[Item, ...]:
    """The items whose removal, one at a time, costs most: for answers without a small reason.

    Args:
        score: the domain's scorer.
        items: strongest first; at most `MAX_MEASURED` are measured.
        size: items wanted.
    """
    measured = list(items[:MAX_MEASURED])
    outcomes = score([Overlay(remove=frozenset({item})) for item in measured])
    order = sorted(range(len(measured)), key=lambda i: (outcomes[i].score, i))
    return tuple(measured[i] for i in order[:size])


def _shrink(score: Scorer, kept: list[Item], required: float) -> tuple[Item, ...]:
    parts = min(CHUNKS, len(kept))
    while len(kept) > 1:
        chunks = _split(kept, parts)
        outcomes = score([Overlay(keep=_rest(kept, [chunk])) for chunk in chunks])
        free = [i for i, out in enumerate(outcomes) if out.score >= required]
        if not free:
            if parts >= len(kept):
                break
            parts = min(len(kept), parts * 2)
            continue
        free.sort(key=lambda i: (-outcomes[i].score, -i))
        together = [[chunks[i] for i in free[: n + 1]] for n in range(len(free))]
        outcomes = score([Overlay(keep=_rest(kept, gone)) for gone in together])
        good = [n for n, out in enumerate(outcomes) if out.score >= required]
        remaining = _rest(kept, together[good[-1] if good else 0])
        kept = [item for item in kept if item in remaining]
        parts = min(max(parts, 2), len(kept))
    return tuple(kept)


def _split(items: Sequence[Item], parts: int) -> list[Sequence[Item]]:
    bounds = [len(items) * i // parts for i in range(parts + 1)]
    return [items[a:b] for a, b in pairwise(bounds) if b > a]


def _rest(items: Sequence[Item], gone: Sequence[Sequence[Item]]) -> frozenset[Item]:
    return frozenset(items) - {item for chunk in gone for item in chunk}
