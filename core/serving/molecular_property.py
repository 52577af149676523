"""Is a molecule active, judged from a few known ones: ranked candidates with what to think of them.

    Question ──open_case──> Case ──first_answer──> Answer ──answer──> Answer, weighed

Every candidate gets a calibrated probability, its spread over re-drawn supports, the set of classes
that cannot be excluded, and a word on whether the model knows such molecules. The answer says what
shuffled labels would have changed and what it cost. The spread and the shuffled labels take most of
the time, so that `first_answer` comes without them.

Source: PAR (Wang et al., NeurIPS 2021) and PACIA (Wu et al., IJCAI 2024), with prototypes, a ridge
probe and two methods on fingerprints beside them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.errors import Remark
from core.serving.artifact import Metric
from core.serving.few_shot import CLASSES, Inputs, Prepared, Scores
from core.serving.molecule_case import (
    Case,
    Question,
    open_case,
    sort_unique,
    table_of,
)
from core.serving.molecule_domain import Domain, describe_domains
from core.serving.molecule_reliability import (
    MAX_SHUFFLED,
    Shuffle,
    num_redraws,
    shuffle_labels,
    spread,
)
from core.serving.molecule_table import RECOMMENDED, MoleculeTable, TableRow

__all__ = [
    "Answer",
    "Change",
    "ComparedRow",
    "Comparison",
    "Domain",
    "Ledger",
    "Prediction",
    "Question",
    "Shuffle",
    "answer",
    "changes",
    "compare",
    "first_answer",
    "open_case",
    "table_of",
]

TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Prediction:
    """What is predicted for one candidate.

    Attributes:
        row: the candidate; refused and known ones have no probability.
        rank: 1 is most likely active; equal probabilities share a rank.
        probability: calibrated, of being active.
        low: 5 % quantile over re-drawn supports, None where these cannot be drawn.
        high: 95 % quantile, likewise.
        classes: classes that cannot be excluded, active first.
        above: whether the probability reaches the threshold.
        domain: whether the model knows such molecules.
        depth: layers of propagation (PACIA).
        flags: remarks beyond those of the row.
        uncertain: two of three hold: both classes possible, outside, labels hardly matter.
    """

    row: TableRow
    rank: int | None = None
    probability: float | None = None
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] = ()
    above: bool = False
    domain: Domain | None = None
    depth: int | None = None
    flags: tuple[Remark, ...] = ()
    uncertain: bool = False


@dataclass(frozen=True)
class Ledger:
    """What the answer cost.

    Attributes:
        parameters: trained numbers of the model.
        adapted: numbers that depend on the known molecules.
        labels: known molecules.
        adapt_s: seconds from the known molecules to a first answer.
        predict_s: seconds for all candidates once, encoding included.
        per_molecule_ms: the same per candidate.
        model_bytes: size of the model's files.
        task_bytes: size of what depends on the known molecules alone.
        training_s: seconds of training.
        hardware: on which it was trained.
        metric: ROC-AUC on test assays with the nearest number of known molecules, None without.
    """

    parameters: int
    adapted: int
    labels: int
    adapt_s: float
    predict_s: float
    per_molecule_ms: float
    model_bytes: int
    task_bytes: int
    training_s: float
    hardware: str
    metric: Metric | None


@dataclass(frozen=True, eq=False)
class Answer:
    """Predictions for all candidates.

    Attributes:
        question: the question.
        table: its lists.
        support: known molecules that took part, in the order given.
        predictions: one per candidate row, in the order given.
        shuffle: what shuffled labels change; None without known molecules or candidates, and in a
            first answer.
        level: share of molecules whose class should be in the set; None without calibration.
        coverage: share measured on test molecules, likewise.
        coverage_note: both in words.
        num_redraws: supports behind the spread; 0 in a first answer.
        ledger: what it cost.
        model: id of the model.
        provider: what computed it.
        seconds: for everything.
        notices: remarks on the whole answer.
    """

    question: Question
    table: MoleculeTable
    support: tuple[TableRow, ...]
    predictions: tuple[Prediction, ...]
    shuffle: Shuffle | None
    level: float | None
    coverage: float | None
    coverage_note: str
    num_redraws: int
    ledger: Ledger
    model: str
    provider: str
    seconds: float
    notices: tuple[Remark, ...] = ()

    @property
    def ranked(self) -> tuple[Prediction, ...]:
        """Predictions with a probability, best first; equal ones in the order given."""
        scored = [one for one in self.predictions if one.rank is not None]
        return tuple(sorted(scored, key=lambda one: one.rank))

    def of(self, row_id: str) -> Prediction:
        """The prediction of a candidate row.

        Raises:
            InputError: MO-E17, there is no such row.
        """
        row = self.table.find(row_id)
        return next((one for one in self.predictions if one.row is row), Prediction(row))


@dataclass(frozen=True, eq=False)
class Pass:
    """Candidates asked once with the true labels.

    Attributes:
        case: the opened question.
        rows: the candidates, each molecule once, sorted by identity.
        scores: what the model says of them.
        prepared: support and candidates, ready for other labels; None with a task card.
        seconds: from the encoding on.
    """

    case: Case
    rows: tuple[TableRow, ...]
    scores: Scores
    prepared: Prepared | None
    seconds: float

    @property
    def probability(self) -> np.ndarray:
        """(Q,) calibrated."""
        return self.case.calibrate(self.scores.probability)


def answer(question: Question) -> Answer:
    """Predict all candidates; the last answers are kept.

    Raises:
        InputError, ArtifactError: see `core.serving.molecule_case.open_case`.
    """
    return _answer(question)


def first_answer(question: Question) -> Answer:
    """The same predictions with neither spread nor shuffled labels; kept for `answer`.

    Raises:
        As `answer`.
    """
    return _first(question)[0]


@lru_cache(maxsize=4)
def _answer(question: Question) -> Answer:
    found, asked = _first(question)
    if asked is None or asked.prepared is None:
        return found
    start = time.perf_counter()
    shuffle = check_labels(asked)
    weighed = {one.row.id: judge(one, shuffle) for one in with_ranges(asked, found.ranked)}
    return replace(
        found,
        predictions=tuple(weighed.get(one.row.id, one) for one in found.predictions),
        shuffle=shuffle,
        num_redraws=num_redraws(asked.case, len(asked.rows)),
        seconds=found.seconds + time.perf_counter() - start,
    )


@lru_cache(maxsize=4)
def _first(question: Question) -> tuple[Answer, Pass | None]:
    """The first answer, and its pass; None where no candidate can be asked."""
    start = time.perf_counter()
    case = open_case(question)
    rows = case.table.candidates
    asked = ask(case, rows) if rows else None
    found = with_ranks(predictions_of(asked, rows)) if asked else []
    by_row = {one.row.id: judge(one, None) for one in found}
    calibration = case.calibration
    result = Answer(
        question,
        case.table,
        () if question.card else case.table.support,
        tuple(by_row.get(row.id, Prediction(row)) for row in case.table.of("candidate")),
        None,
        calibration.sets.level if calibration else None,
        calibration.coverage if calibration else None,
        coverage_note(case),
        0,
        ledger_of(case, _time_first(case, rows), asked.seconds if asked else 0.0, len(rows)),
        case.model.entry.id,
        case.model.provider,
        time.perf_counter() - start,
        tuple(notices_of(case)),
    )
    return result, asked


def ask(case: Case, rows: Sequence[TableRow]) -> Pass:
    """Ask some candidates once.

    Args:
        case: the opened question.
        rows: usable rows, at least one.
    """
    unique = sort_unique(rows)
    query = Inputs.of([row.molecule for row in unique])
    start = time.perf_counter()
    prepared = None if case.question.card else case.prepare(query)
    scores = prepared.scores(case.all_rows, case.labels) if prepared else case.scores(query)
    return Pass(case, tuple(unique), scores, prepared, time.perf_counter() - start)


def predictions_of(asked: Pass, rows: Sequence[TableRow]) -> list[Prediction]:
    """Predictions without ranks and ranges.

    Args:
        asked: a pass over `rows`.
        rows: candidates, repeated ones among them.
    """
    case, molecules = asked.case, [row.molecule for row in asked.rows]
    probability = asked.probability
    domains = describe_domains(molecules, case.support, case.model.artifact.knowledge)
    members = _classes(case, probability)
    place = {molecule.identity: number for number, molecule in enumerate(molecules)}
    found = []
    for row in rows:
        number = place[row.molecule.identity]
        one = Prediction(
            row,
            None,
            float(probability[number]),
            classes=members[number],
            above=bool(probability[number] >= case.question.threshold),
            domain=domains[number],
            depth=depth_of(asked.scores, number),
        )
        found.append(replace(one, flags=tuple(_flags(one))))
    return found


def with_ranges(asked: Pass, predictions: Sequence[Prediction]) -> list[Prediction]:
    """Predictions with their ranges over re-drawn supports; as they are where none can be drawn."""
    num = num_redraws(asked.case, len(asked.rows))
    if not num:
        return list(predictions)
    low, high = spread(asked.case, asked.prepared, num)
    place = {row.molecule.identity: number for number, row in enumerate(asked.rows)}
    found = []
    for one in predictions:
        number = place[one.row.molecule.identity]
        ranged = replace(one, low=float(low[number]), high=float(high[number]))
        found.append(replace(ranged, flags=tuple(_flags(ranged))))
    return found


def _time_first(case: Case, rows: Sequence[TableRow]) -> float:
    """Seconds from the known molecules to the answer for one candidate."""
    if not rows:
        return 0.0
    start = time.perf_counter()
    case.scores(Inputs.of([rows[0].molecule]))
    return time.perf_counter() - start


def depth_of(scores: Scores, number: int) -> int | None:
    """Layers of propagation of one question."""
    return None if scores.depth is None else int(scores.depth[number])


def check_labels(asked: Pass) -> Shuffle:
    """The label check on candidates spread evenly over the list sorted by identity.

    Args:
        asked: a pass without a task card.
    """
    num = len(asked.rows)
    chosen = np.unique(np.linspace(0, num - 1, min(num, MAX_SHUFFLED)).astype(int))
    prepared = asked.case.prepare_rows([asked.rows[number] for number in chosen])
    return shuffle_labels(asked.case, prepared, asked.probability[chosen])


def with_ranks(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Ranks by probability; equal probabilities share the better rank."""
    scores = np.array([one.probability for one in predictions])
    ranks = [1 + int((scores > score + TIE).sum()) for score in scores]
    return [replace(one, rank=rank) for one, rank in zip(predictions, ranks, strict=True)]


def judge(prediction: Prediction, shuffle: Shuffle | None) -> Prediction:
    """Mark a prediction of which two of three signals are bad."""
    bad = (
        len(prediction.classes) > 1,
        prediction.domain.flag == "outside",
        shuffle is not None and shuffle.verdict == "prior",
    )
    return replace(prediction, uncertain=sum(bad) >= 2)


def _classes(case: Case, probability: np.ndarray) -> list[tuple[str, ...]]:
    """Classes of the prediction sets; without calibration the more likely class alone."""
    both = np.stack([1 - probability, probability], -1)
    inside = both >= 0.5 if case.calibration is None else case.calibration.sets.members(both)
    return [
        tuple(name for name, is_in in zip(CLASSES[::-1], row[::-1], strict=True) if is_in)
        for row in inside.tolist()
    ]


def _flags(one: Prediction) -> list[Remark]:
    flags = []
    if one.low is not None and one.low < 0.5 <= one.high:
        said = f"With other draws of your molecules it ranges from {one.low:.2f} to {one.high:.2f}."
        flags.append(Remark("MO-N04", "Depends on the draw", said))
    names = [alert.name for alert in one.row.molecule.alerts]
    if names:
        said = f"Structural alerts: {', '.join(dict.fromkeys(names))}."
        flags.append(Remark("MO-N05", "Structural alert", said))
    return flags


def coverage_note(case: Case) -> str:
    """Promise and measurement of the sets, in words."""
    found = case.calibration
    if found is None:
        return "Not calibrated: this model has no measured prediction sets."
    return (
        f"Promised {found.sets.level:.0%}, measured {found.coverage:.1%} on test molecules with "
        f"{found.shots} known per class ({found.protocol}). Ten labels cannot calibrate "
        "themselves: the promise comes from other assays. P(active) is calibrated there too, on "
        "questions of which half are active: near 0.5 the known molecules tell little, and it is "
        "not the share of hits to expect."
    )


def notices_of(case: Case) -> list[Remark]:
    """Remarks on the known molecules."""
    found = []
    if case.question.card:
        said = (
            f'The task comes from a card ("{case.question.card.title}", {case.num_labels} labels).'
        )
        found.append(Remark("MO-N06", "Task card", said))
    elif case.shots < RECOMMENDED:
        said = f"The smaller class has {case.shots}; {RECOMMENDED} or more are recommended."
        found.append(Remark("MO-N07", "Few known molecules", said))
    return found


def ledger_of(case: Case, adapt_s: float, predict_s: float, num: int) -> Ledger:
    """The figures of an answer.

    Args:
        case: the opened question.
        adapt_s: seconds to a first answer.
        predict_s: seconds for all candidates.
        num: candidates.
    """
    model, card = case.model, case.model.artifact.card
    files = model.artifact.folder
    size = sum((files / name).stat().st_size for name in card.files if name.endswith(".onnx"))
    return Ledger(
        model.num_parameters,
        model.num_adapted(case.num_labels),
        case.num_labels,
        adapt_s,
        predict_s,
        1_000 * predict_s / max(num, 1),
        size if model.neural else 0,
        model.task_bytes(case.num_labels),
        card.training_s if model.neural else 0.0,
        card.hardware if model.neural else "",
        model.metric(case.shots),
    )


@dataclass(frozen=True, eq=False)
class ComparedRow:
    """One candidate by several models.

    Attributes:
        row: the candidate.
        probabilities: by model, in the order asked.
        ranks: likewise.
        disagreement: largest difference of ranks, as a share of the candidates.
    """

    row: TableRow
    probabilities: tuple[float, ...]
    ranks: tuple[int, ...]
    disagreement: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several models on one question.

    Attributes:
        answers: in the order asked.
        rows: largest disagreement first.
        correlations: Spearman correlation of each model's ranking with the first one's.
    """

    answers: tuple[Answer, ...]
    rows: tuple[ComparedRow, ...]
    correlations: tuple[float, ...]


def compare(question: Question, models: Sequence[str]) -> Comparison:
    """The same question to several models.

    Args:
        question: the question; a card speaks to its own model alone.
        models: ids, at least two.

    Raises:
        As `answer`.
    """
    answers = tuple(first_answer(replace(question, model=model)) for model in models)
    scored = [{one.row.id: one for one in found.ranked} for found in answers]
    shared = [row for row in scored[0] if all(row in other for other in scored)]
    rows = []
    for row in shared:
        ranks = tuple(one[row].rank for one in scored)
        rows.append(
            ComparedRow(
                scored[0][row].row,
                tuple(one[row].probability for one in scored),
                ranks,
                (max(ranks) - min(ranks)) / len(shared),
            )
        )
    correlations = tuple(
        _spearman([scored[0][row].rank for row in shared], [one[row].rank for row in shared])
        for one in scored
    )
    return Comparison(answers, tuple(sorted(rows, key=lambda one: -one.disagreement)), correlations)


def _spearman(one: Sequence[int], other: Sequence[int]) -> float:
    """Correlation of two rankings, ties with their mean rank; 0 where one says nothing."""
    if len(one) < 2:
        return 0.0
    first, second = (_mean_ranks(np.array(ranks)) for ranks in (one, other))
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float(first @ second / norm) if norm else 0.0


def _mean_ranks(ranks: np.ndarray) -> np.ndarray:
    below = (ranks[:, None] > ranks).sum(1)
    return below + ((ranks[:, None] == ranks).sum(1) + 1) / 2


@dataclass(frozen=True, eq=False)
class Change:
    """One candidate before and after an edit; None where it was not scored.

    Attributes:
        row: the candidate, after the edit where it still is one.
        rank_before: position in the list.
        rank_after: likewise.
        before: probability.
        after: likewise.
    """

    row: TableRow
    rank_before: int | None
    rank_after: int | None
    before: float | None
    after: float | None

    @property
    def difference(self) -> float:
        """Change of the probability; 0 where it was not scored on both sides."""
        if self.before is None or self.after is None:
            return 0.0
        return self.after - self.before


def changes(before: Question, after: Question) -> tuple[Change, ...]:
    """What an edit of the lists changes: candidates of both sides, largest change first.

    Raises:
        As `answer`.
    """
    sides = [{one.row.molecule.identity: one for one in first_answer(question).ranked}
             for question in (before, after)]  # fmt: skip
    found = []
    for identity in dict.fromkeys([*sides[1], *sides[0]]):
        old, new = (side.get(identity) for side in sides)
        found.append(
            Change(
                (new or old).row,
                old.rank if old else None,
                new.rank if new else None,
                old.probability if old else None,
                new.probability if new else None,
            )
        )
    return tuple(sorted(found, key=lambda one: -abs(one.difference)))
