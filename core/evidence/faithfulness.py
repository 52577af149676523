"""Is the displayed evidence the reason of the answer? Measured, for any model.

Definition. s = score, r = rank, G = everything the model may use, E = the displayed evidence.

* necessity drop        Δ₋ = s(G) − s(G∖E); rank change r(G) → r(G∖E)
* sufficiency ratio     ρ = (s(E) − s(∅)) / (s(G) − s(∅)), clipped to [0, 1.5]; s(∅) = question only
* control               the same drop for K random sets of the same size and kind
* verdict               SUPPORTED if Δ₋ ≥ max(floor, 95th percentile of the control) and ρ ≥ 0.8,
                        PARTLY if one of both holds, NOT SUPPORTED otherwise

Three cases the formulas leave open. ρ speaks of a rise: where the facts do not raise the score
above the question alone, ρ is 0. Without evidence the verdict is NOT SUPPORTED. Without any
control set the necessity is judged by the floor alone and the verdict is PARTLY at best, because
nothing shows that other items would have cost less. Every such case is said in the sentence.

This checks the reason of the model, not the truth of the answer.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from core.errors import ArtifactError, ShapeError
from core.evidence.evidence import Item, Outcome, Overlay, Scorer

SUPPORTED = "SUPPORTED"
PARTLY = "PARTLY"
NOT_SUPPORTED = "NOT SUPPORTED"

TIE = 1e-6  # scores of a 32-bit model closer than this are equal
MAX_RATIO = 1.5
DRAWS_PER_CONTROL = 50  # attempts before a repeated control set counts as unavoidable


@dataclass(frozen=True)
class Thresholds:
    """Limits of the verdict.

    Attributes:
        necessity_floor: smallest drop that counts, in units of the score.
        control_quantile: quantile of the control drops that the evidence must reach.
        sufficiency: smallest ratio ρ that counts.
    """

    necessity_floor: float = 0.05
    control_quantile: float = 0.95
    sufficiency: float = 0.8


@dataclass(frozen=True)
class Control:
    """What removing random look-alikes costs.

    Attributes:
        k: number of control sets; all figures are 0 when it is 0.
        median: median of their drops.
        p05: 5 % quantile of their drops.
        p95: 95 % quantile of their drops.
        rank_median: median rank of the answer without a control set.
        rank_p05: 5 % quantile of that rank.
        rank_p95: 95 % quantile of that rank.
        matched_share: share of control items whose stratum is that of an evidence item, None where
            no strata were given.
    """

    k: int = 0
    median: float = 0.0
    p05: float = 0.0
    p95: float = 0.0
    rank_median: float = 0.0
    rank_p05: float = 0.0
    rank_p95: float = 0.0
    matched_share: float | None = None


@dataclass(frozen=True)
class Check:
    """The measured answer to "is this evidence the reason?".

    Attributes:
        verdict: SUPPORTED, PARTLY or NOT SUPPORTED.
        sentence: the verdict in words, with its numbers.
        num_items: size of the evidence.
        score_all: s(G).
        rank_all: r(G).
        score_without: s(G∖E).
        rank_without: r(G∖E).
        score_only: s(E).
        rank_only: r(E).
        score_empty: s(∅).
        delta_remove: Δ₋.
        rho_keep: ρ.
        required_drop: the drop that was needed.
        control: the random look-alikes.
        thresholds: the limits in use.
    """

    verdict: str
    sentence: str
    num_items: int
    score_all: float
    rank_all: float
    score_without: float
    rank_without: float
    score_only: float
    rank_only: float
    score_empty: float
    delta_remove: float
    rho_keep: float
    required_drop: float
    control: Control = field(default_factory=Control)
    thresholds: Thresholds = field(default_factory=Thresholds)

    def to_json(self) -> dict[str, Any]:
        """Plain values for the Evidence Bundle."""
        return asdict(self) | {"rank_remove": self.rank_without}


def check_evidence(
    score: Scorer,
    evidence: frozenset[Item],
    controls: Sequence[frozenset[Item]],
    thresholds: Thresholds | None = None,
    *,
    stratum: Callable[[Item], Hashable] | None = None,
    noun: tuple[str, str] = ("fact", "facts"),
) -> Check:
    """Measure necessity, sufficiency and the control in one batched call of the scorer.

    Args:
        score: answers 4 + K overlays.
        evidence: E.
        controls: K sets from `matched_controls`; may be empty.
        thresholds: limits of the verdict.
        stratum: kind of an item; where given, the share of matched control items is reported.
        noun: one item and several items in words.

    Returns:
        The check; every number in it is finite.

    Raises:
        ShapeError: if the scorer does not return one outcome per overlay.
        ArtifactError: if a score or rank is not a finite number.
    """
    thresholds = thresholds or Thresholds()
    overlays = [
        Overlay(),
        Overlay(remove=evidence),
        Overlay(keep=evidence),
        Overlay(keep=frozenset()),
        *(Overlay(remove=items) for items in controls),
    ]
    everything, without, only, empty, *randoms = _outcomes(score, overlays)
    drops = [everything.score - outcome.score for outcome in randoms]
    control = _summarise(
        drops,
        [outcome.rank for outcome in randoms],
        matched_share(evidence, controls, stratum) if stratum and controls else None,
    )
    drop = everything.score - without.score
    ratio = _ratio(only.score, everything.score, empty.score)
    required = thresholds.necessity_floor
    if drops:
        required = max(required, float(np.quantile(drops, thresholds.control_quantile)))
    draft = Check(
        verdict="",
        sentence="",
        num_items=len(evidence),
        score_all=everything.score,
        rank_all=everything.rank,
        score_without=without.score,
        rank_without=without.rank,
        score_only=only.score,
        rank_only=only.rank,
        score_empty=empty.score,
        delta_remove=drop,
        rho_keep=ratio,
        required_drop=required,
        control=control,
        thresholds=thresholds,
    )
    verdict = _verdict(draft)
    return replace(draft, verdict=verdict, sentence=_sentence(draft, verdict, noun))


def _outcomes(score: Scorer, overlays: Sequence[Overlay]) -> list[Outcome]:
    outcomes = list(score(overlays))
    if len(outcomes) != len(overlays):
        raise ShapeError(
            f"The scorer returned {len(outcomes)} outcomes for {len(overlays)} overlays; "
            "one each is needed."
        )
    outcomes = [Outcome(float(outcome.score), float(outcome.rank)) for outcome in outcomes]
    if not all(math.isfinite(value.score) and math.isfinite(value.rank) for value in outcomes):
        raise ArtifactError(
            "The model gave a score that is not a finite number. "
            "Its evidence cannot be checked; train or export it again."
        )
    return outcomes


def _summarise(drops: Sequence[float], ranks: Sequence[float], share: float | None) -> Control:
    if not drops:
        return Control()
    p05, median, p95 = (float(value) for value in np.quantile(drops, [0.05, 0.5, 0.95]))
    low, middle, high = (float(value) for value in np.quantile(ranks, [0.05, 0.5, 0.95]))
    return Control(len(drops), median, p05, p95, middle, low, high, share)


def _ratio(only: float, everything: float, empty: float) -> float:
    rise = everything - empty
    if rise <= TIE:
        return 0.0
    return min(max((only - empty) / rise, 0.0), MAX_RATIO)


def _verdict(check: Check) -> str:
    necessary = check.num_items > 0 and check.delta_remove >= check.required_drop
    sufficient = check.num_items > 0 and check.rho_keep >= check.thresholds.sufficiency
    if necessary and sufficient:
        return SUPPORTED if check.control.k else PARTLY
    return PARTLY if necessary or sufficient else NOT_SUPPORTED


def _sentence(check: Check, verdict: str, noun: tuple[str, str]) -> str:
    one, many = noun
    these = f"this {one}" if check.num_items == 1 else f"these {check.num_items} {many}"
    them = "it" if check.num_items == 1 else "them"
    drop, share = f"{check.delta_remove:.2f}", f"{check.rho_keep:.0%}"
    if not check.num_items:
        return f"There is no evidence to check: no {one} was used for this answer."
    if check.score_all - check.score_empty <= TIE:
        return (
            f"The {many} do not raise this score above what the question alone gives, so none of "
            f"them is the reason. Do not cite {them} as the reason."
        )
    alone = (
        ""
        if check.control.k
        else f" No random {many} of the same kind exist for comparison, "
        "so the verdict cannot be better than PARTLY."
    )
    if verdict == NOT_SUPPORTED:
        if check.delta_remove < check.thresholds.necessity_floor:
            return (
                f"Removing {these} does not change the answer. Do not cite {them} as the reason."
                + alone
            )
        return (
            f"Removing {these} costs {drop}, but random {many} of the same kind cost up to "
            f"{check.required_drop:.2f}. Do not cite {them} as the reason."
        )
    if check.delta_remove < check.required_drop:
        fall = f"costs only {drop}" if check.delta_remove >= 0 else "does not lower the score"
        return (
            f"Keeping only {these} is enough ({share} of the score), but removing {them} {fall}: "
            f"other {many} can take the place of {these}." + alone
        )
    if check.rho_keep < check.thresholds.sufficiency:
        return (
            f"Removing {these} costs {drop}, but keeping only {them} brings back {share} of the "
            f"score: other {many} matter too." + alone
        )
    if not check.control.k:
        return f"Removing {these} costs {drop} and keeping only {them} is enough ({share})." + alone
    return (
        f"Removing {these} costs {drop}; random {many} of the same kind cost "
        f"{max(check.control.median, 0.0):.2f}."
    )


def matched_controls(
    evidence: Collection[Item],
    pool: Collection[Item],
    stratum: Callable[[Item], Hashable],
    num: int,
    rng: np.random.Generator,
) -> list[frozenset[Item]]:
    """Draw random look-alikes of the evidence.

    Each set has the size of the evidence, never contains an evidence item and holds as many items
    of each stratum as the evidence does. Where a stratum runs short, the gap is filled at random
    from the nearest stratum that has items left; strata that are tuples of equal length differ by
    the number of unequal components, all others by 1.

    Args:
        evidence: E.
        pool: everything the model may use; evidence items in it are ignored.
        stratum: kind of an item, such as (relation, hop).
        num: number of sets wanted.
        rng: source of randomness; equal generators give equal sets.

    Returns:
        At most `num` different sets; fewer where no more exist, none where the evidence is empty or
        the pool holds fewer other items than the evidence.
    """
    evidence = frozenset(evidence)
    rest = _ordered(set(pool) - evidence)
    if not evidence or len(rest) < len(evidence):
        return []
    stock: dict[Hashable, list[Item]] = defaultdict(list)
    for item in rest:
        stock[stratum(item)].append(item)
    needs = Counter(stratum(item) for item in _ordered(evidence))
    nearest = {
        kind: _by_distance(kind, stock) for kind, need in needs.items() if need > len(stock[kind])
    }
    found: dict[frozenset[Item], None] = {}
    for _ in range(num * DRAWS_PER_CONTROL):
        if len(found) == num:
            break
        found.setdefault(_draw(needs, stock, nearest, rng))
    return list(found)


def matched_share(
    evidence: Collection[Item],
    controls: Sequence[Collection[Item]],
    stratum: Callable[[Item], Hashable],
) -> float:
    """Share of control items that stand for an evidence item of the same stratum.

    Args:
        evidence: E, not empty.
        controls: sets of the size of E, at least one.
        stratum: kind of an item.

    Returns:
        Between 0 and 1.
    """
    wanted = Counter(map(stratum, evidence))
    matched = sum((wanted & Counter(map(stratum, items))).total() for items in controls)
    return matched / (len(evidence) * len(controls))


def _draw(
    needs: Counter,
    stock: dict[Hashable, list[Item]],
    nearest: dict[Hashable, list[list[Hashable]]],
    rng: np.random.Generator,
) -> frozenset[Item]:
    chosen: set[Item] = set()
    for kind, need in needs.items():
        chosen.update(_sample(stock[kind], min(need, len(stock[kind])), rng))
    for kind, groups in nearest.items():
        gap = needs[kind] - len(stock[kind])
        for group in groups:
            left = [item for other in group for item in stock[other] if item not in chosen]
            taken = _sample(left, min(gap, len(left)), rng)
            chosen.update(taken)
            gap -= len(taken)
            if not gap:
                break
    return frozenset(chosen)


def _sample(items: Sequence[Item], num: int, rng: np.random.Generator) -> list[Item]:
    return [items[row] for row in rng.choice(len(items), num, replace=False)] if num else []


def _by_distance(kind: Hashable, strata: Iterable[Hashable]) -> list[list[Hashable]]:
    groups: dict[int, list[Hashable]] = defaultdict(list)
    for other in strata:
        if other != kind:
            groups[_distance(kind, other)].append(other)
    return [groups[distance] for distance in sorted(groups)]


def _distance(one: Hashable, other: Hashable) -> int:
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return sum(left != right for left, right in zip(one, other, strict=True))
    return 1


def _ordered(items: Iterable[Item]) -> list[Item]:
    """Items in an order that does not depend on hashing."""
    items = list(items)
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=repr)


@dataclass(frozen=True)
class Minimal:
    """The smallest evidence found that is still enough.

    Attributes:
        items: what remains, in the given order.
        removed: what could go, in the order of removal.
        scores: (len(removed),) the score of the remaining items after each removal.
        level: share of the rise of the score that must be kept.
        required: the score that must be reached, s(∅) + level · (s(G) − s(∅)).
        score: the score with only `items`.
        reached: False where already the whole evidence falls short; nothing is removed then.
        num_passes: overlays scored.
        second: another set that is enough and shares no item with `items`, None if there is none.
        second_score: the score with only `second`, None if there is none.
    """

    items: tuple[Item, ...]
    removed: tuple[Item, ...]
    scores: tuple[float, ...]
    level: float
    required: float
    score: float
    reached: bool
    num_passes: int
    second: tuple[Item, ...] | None = None
    second_score: float | None = None


def find_minimal(
    score: Scorer,
    evidence: Collection[Item],
    level: float = 0.9,
    order: Sequence[Item] | None = None,
) -> Minimal:
    """Remove items one by one while the rest is still enough.

    Greedy backward elimination: in each step every remaining item is left out in turn (one batched
    call) and the removal that leaves the highest score is made, as long as that score reaches
    s(∅) + level · (s(G) − s(∅)). Measuring the level above the question alone makes the result
    independent of the zero of the score, and ρ of the result is at least `level`; for scores ≥ 0 it
    implies s ≥ level · s(G). n items cost at most n(n+1)/2 + 3 passes for the first set.

    The second set is sought in the same way among the items outside the first.

    Args:
        score: the scorer.
        evidence: E; may be empty.
        level: between 0 and 1.
        order: items from most to least worth keeping; of equally harmless removals (scores within
            1e-6) the last one in this order is made. Default: sorted items. Items not listed come
            after the listed ones.

    Returns:
        The result; an empty `items` with `reached` means that the question alone is enough.

    Raises:
        ShapeError: if the scorer does not return one outcome per overlay.
        ArtifactError: if a score is not finite.
    """
    kept = _arranged(evidence, order)
    everything, empty, only = _outcomes(
        score, [Overlay(), Overlay(keep=frozenset()), Overlay(keep=frozenset(kept))]
    )
    required = empty.score + level * (everything.score - empty.score)
    if only.score < required - TIE:
        return Minimal(tuple(kept), (), (), level, required, only.score, False, 3)
    items, removed, scores, passes = _eliminate(score, kept, required)
    best = scores[-1] if scores else only.score
    passes += 3
    others = [item for item in kept if item not in items]
    second = second_score = None
    if items and others:
        (alone,) = _outcomes(score, [Overlay(keep=frozenset(others))])
        passes += 1
        if alone.score >= required - TIE:
            second, _, trail, extra = _eliminate(score, others, required)
            second_score = trail[-1] if trail else alone.score
            passes += extra
    return Minimal(
        items, removed, scores, level, required, best, True, passes, second, second_score
    )


def _arranged(items: Collection[Item], order: Sequence[Item] | None) -> list[Item]:
    place = {item: row for row, item in enumerate(order or ())}
    return sorted(_ordered(set(items)), key=lambda item: place.get(item, len(place)))


def _eliminate(
    score: Scorer, kept: Sequence[Item], required: float
) -> tuple[tuple[Item, ...], tuple[Item, ...], tuple[float, ...], int]:
    """Remaining items, removed items, scores after each removal, and passes spent."""
    kept, removed, scores, passes = list(kept), [], [], 0
    while kept:
        everyone = frozenset(kept)
        outcomes = _outcomes(score, [Overlay(keep=everyone - {item}) for item in kept])
        passes += len(kept)
        best = max(outcome.score for outcome in outcomes)
        if best < required - TIE:
            break
        row = max(i for i, outcome in enumerate(outcomes) if outcome.score >= best - TIE)
        scores.append(outcomes[row].score)
        removed.append(kept.pop(row))
    return tuple(kept), tuple(removed), tuple(scores), passes
