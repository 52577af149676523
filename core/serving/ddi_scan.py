"""One drug against all others, and all pairs of a few drugs taken together.

A scan gives for every partner the first row that `core.serving.drug_interaction.answer` gives, from
batches of pairs: the path lists of all pairs come from one index of neighbours, and the votes of
all partners from one table. Of two known drugs one is asked as new, as in an answer.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from core import jobs
from core.errors import InputError, JobError
from core.knowledge.flow import FlowGraph, PairIndex, asked_as_new
from core.knowledge.similar_drugs import SimilarDrugVote
from core.serving.ddi_case import (
    Alone,
    NewDrug,
    Query,
    drug_from_json,
    open_alone,
)
from core.serving.ddi_networks import Context, Model, context
from core.serving.drug_interaction import Answer, answer

if TYPE_CHECKING:
    from core.jobs import JobContext

KIND = "scan-interactions"
BATCH = 16  # pairs at once; hubs have some 90,000 edges between them, larger lists are slower
MIN_DRUGS, MAX_DRUGS = 2, 12
TABLE_FILE = "scan.json"

Report = Callable[[int, int, str], None]


def quiet(_step: int, _total: int, _text: str = "") -> None:
    """No report."""


@dataclass(frozen=True)
class ScanRow:
    """The first row of one pair.

    Attributes:
        partner_id: id of the other drug.
        partner_name: its name.
        sentence: the type with both names.
        type_id: interaction type.
        head_id: drug in place of #Drug1.
        tail_id: drug in place of #Drug2.
        mechanism: class of mechanism, may be empty.
        direction: ``up``, ``down`` or empty.
        probability: of this row, as in an answer.
        set_size: rows in the set of types.
        setting: S0, S1 or S2.
        status: ``known``, ``held out`` or ``new``.
        joined: whether a path of at most three steps exists.
    """

    partner_id: str
    partner_name: str
    sentence: str
    type_id: str
    head_id: str
    tail_id: str
    mechanism: str
    direction: str
    probability: float
    set_size: int
    setting: str
    status: str
    joined: bool


@dataclass(frozen=True)
class ScanTable:
    """A drug against all others, surest first.

    Attributes:
        network: id.
        drug: id of the drug, or the new compound.
        drug_name: its name.
        model: artifacts that answered.
        rows: one per partner.
        warnings: remarks on the drug.
    """

    network: str
    drug: str | NewDrug
    drug_name: str
    model: tuple[str, ...]
    rows: tuple[ScanRow, ...]
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `cells`."""
        return tuple(field.name for field in fields(ScanRow))

    @property
    def cells(self) -> list[tuple[object, ...]]:
        """Rows for `core.render.tables.to_safe_csv`."""
        return [astuple(row) for row in self.rows]

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal table."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ScanTable":
        """Inverse of `to_json`."""
        return cls(
            value["network"],
            drug_from_json(value["drug"]),
            value["drug_name"],
            tuple(value["model"]),
            tuple(ScanRow(**row) for row in value["rows"]),
            tuple(value["warnings"]),
        )


@dataclass(frozen=True)
class Regimen:
    """All pairs of a few drugs.

    Attributes:
        names: of the drugs, in the order asked.
        pairs: positions (i, j), i < j, and the answer of each pair.
    """

    names: tuple[str, ...]
    pairs: tuple[tuple[int, int, Answer], ...]

    def answer_of(self, one: int, other: int) -> Answer:
        """The answer of two positions, in any order."""
        wanted = min(one, other), max(one, other)
        return next(found for i, j, found in self.pairs if (i, j) == wanted)


def scan(drug: str | NewDrug, network: str, report: Report = quiet) -> ScanTable:
    """One drug against every other drug of a network.

    Args:
        drug: id of a drug, or a new compound.
        network: id.
        report: told after each batch; may raise Cancelled.

    Raises:
        InputError, ArtifactError, DataError: see `core.serving.ddi_case.open_case`.
    """
    found = context(network)
    alone = open_alone(found, drug)
    screen = _Screen(found, alone)
    partners = np.arange(found.network.num_drugs)
    partners = partners[partners != alone.node]
    known = found.known_drugs[partners]
    rows: list[ScanRow] = []
    models = []
    for group in (partners[known], partners[~known]):
        if not len(group):
            continue
        setting = f"S{(not alone.known) + (not found.known_drugs[group[0]])}"
        model = found.model_for(setting)
        models.append(model.artifact.name)
        for start in range(0, len(group), BATCH):
            report(len(rows), len(partners), f"{alone.name} against {len(partners):,} drugs")
            rows += screen.rows(model, setting, group[start : start + BATCH])
    report(len(rows), len(partners), f"{alone.name} against {len(partners):,} drugs")
    return ScanTable(
        network,
        drug,
        alone.name,
        tuple(dict.fromkeys(models)),
        tuple(sorted(rows, key=lambda row: -row.probability)),
        alone.warnings,
    )


class _IndexOfOne(PairIndex):
    """Walks out of one drug whatever its partner is: its second steps are made once."""

    def __init__(self, graph: FlowGraph, position: int) -> None:
        super().__init__(graph)
        self._spread = self._spread.copy()
        self._spread[[position, position + len(graph.drugs)]] = -1


class _Screen:
    """Scores one drug with many partners."""

    def __init__(self, found: Context, alone: Alone) -> None:
        self.context, self.alone = found, alone
        # a new compound is the last of the drugs that may be asked
        self.position = alone.row if alone.row is not None else len(alone.graph.drugs) - 1
        self.index = _IndexOfOne(alone.graph, self.position)
        self.symmetric = ~found.network.directed
        self._votes: dict[str, np.ndarray] = {}

    def rows(self, model: Model, setting: str, partners: np.ndarray) -> Iterator[ScanRow]:
        """First row with each partner; all partners have the same setting."""
        heads = np.full(len(partners), self.position)
        new = (None, None)
        if setting == "S0":
            new = asked_as_new(self.context.history, heads, partners)
        paths = self.index.subgraphs(heads, partners, *new)
        bits = np.broadcast_to(self.alone.bits, (len(partners), len(self.alone.bits)))
        logits = model.flow.both(bits, self.context.bits[partners], paths)
        votes = self._votes_of(model)[:, partners]
        plus = np.stack([model.probabilities(*each) for each in zip(logits, votes, strict=True)])
        order = model.order_probabilities(logits, votes, ~self.symmetric)  # (2, n)
        joint = plus * order[..., None]
        level = model.sets.level
        inside = np.stack([model.sets.members(each) for each in plus])
        inside &= (order >= 1 - level)[..., None]
        merged, together = joint.copy(), inside.copy()
        merged[0][:, self.symmetric] += joint[1][:, self.symmetric]
        together[0][:, self.symmetric] |= inside[1][:, self.symmetric]
        merged[1][:, self.symmetric] = 0
        together[1][:, self.symmetric] = False
        best = merged.transpose(1, 0, 2).reshape(len(partners), -1).argmax(1)
        joined, sizes = paths.joined, together.sum((0, 2))
        for number, partner in enumerate(partners.tolist()):
            way, kind = divmod(int(best[number]), len(self.symmetric))
            probability = float(merged[way, number, kind])
            if self.symmetric[kind]:
                way = int(joint[:, number, kind].argmax())
            yield self._row(
                partner, way, kind, probability, int(sizes[number]), setting, bool(joined[number])
            )

    def _row(
        self,
        partner: int,
        way: int,
        kind: int,
        probability: float,
        set_size: int,
        setting: str,
        joined: bool,
    ) -> ScanRow:
        network, alone = self.context.network, self.alone
        ends = [(alone.id, alone.name), (network.entities[partner], network.entity_names[partner])]
        (head_id, head), (tail_id, tail) = ends[::-1] if way else ends
        type_ = network.types[kind]
        return ScanRow(
            ends[1][0],
            ends[1][1],
            type_.sentence(head, tail),
            type_.id,
            head_id,
            tail_id,
            type_.mechanism,
            type_.direction,
            probability,
            set_size,
            setting,
            self._status(partner, way, kind),
            joined,
        )

    def _status(self, partner: int, way: int, kind: int) -> str:
        row = self.alone.row
        if row is None:
            return "new"
        ways = (0, 1) if self.symmetric[kind] else (way,)
        found = {
            status
            for one in ways
            for number, status in self.context.interactions_between(
                *((row, partner), (partner, row))[one]
            )
            if number == kind
        }
        return "known" if "known" in found else "held out" if found else "new"

    def _votes_of(self, model: Model) -> np.ndarray:
        """(2, D, T) votes of both orders for every partner."""
        name = model.artifact.name
        if name not in self._votes:
            vote = self.context.vote_for(model)
            self._votes[name] = np.stack(
                [self._votes_one_way(vote, table) for table in (vote.table, vote.table_of_tail)]
            )
        return self._votes[name]

    def _votes_one_way(
        self, vote: SimilarDrugVote, table: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """(D, T); `table` sums the interactions that begin (or end) at similar drugs."""
        as_new, as_itself = self.alone.weights(vote)
        found = np.zeros((vote.num_drugs, vote.num_types), np.float32)
        found[vote.known] = table(as_new)[vote.known]
        moving = np.arange(vote.num_drugs) if self.alone.known else np.flatnonzero(~vote.known)
        similar = vote.weights(vote.similarity[moving])
        similar[np.arange(len(moving)), moving] = 0
        own = table(as_itself)
        speaking = np.flatnonzero(own.any(1))
        found[moving] += similar[:, speaking] @ own[speaking]
        return found


def regimen(network: str, drugs: Sequence[str | NewDrug]) -> Regimen:
    """Every pair of a few drugs.

    Args:
        network: id.
        drugs: 2 to 12; at most one new compound of the same structure.

    Raises:
        InputError: DD-E01 for a wrong number or a drug named twice; else as `answer`.
    """
    if not MIN_DRUGS <= len(drugs) <= MAX_DRUGS:
        raise InputError(
            "DD-E01",
            f"Choose {MIN_DRUGS} to {MAX_DRUGS} drugs",
            f"{len(drugs)} {'is' if len(drugs) == 1 else 'are'} chosen.",
            "Add or remove drugs.",
        )
    pairs = tuple(
        (i, j, answer(Query(network, drugs[i], drugs[j])))
        for i, j in combinations(range(len(drugs)), 2)
    )
    names = [found.first_name for i, _, found in pairs if i == 0][:1]
    names += [found.second_name for i, _, found in pairs if i == 0]
    return Regimen(tuple(names), pairs)


def submit_scan(drug: str | NewDrug, network: str) -> str:
    """Queue a scan; returns the id of the job.

    Raises:
        InputError: the drug or network cannot be used; see `scan`.
        JobError: too many jobs wait already.
    """
    alone = open_alone(context(network), drug)
    value = drug if isinstance(drug, str) else asdict(drug)
    return jobs.submit(
        KIND, {"network": network, "drug": value}, title=f"{alone.name} against all drugs"
    )


def scan_job(params: dict[str, Any], job: "JobContext") -> dict[str, Any]:
    """A scan as a job; the table is kept in the job's folder."""
    table = scan(drug_from_json(params["drug"]), params["network"], job.report)
    (job.folder / TABLE_FILE).write_text(
        json.dumps(table.to_json(), ensure_ascii=False), encoding="utf-8"
    )
    return {"drug": table.drug_name, "rows": len(table.rows)}


def read_scan(job_id: str) -> ScanTable:
    """The table of a finished scan.

    Raises:
        JobError: there is no such job, or it left no table.
    """
    path = jobs.find_folder(job_id) / TABLE_FILE
    if jobs.find(job_id).kind != KIND or not path.is_file():
        raise JobError("This job has no table of interactions (yet).")
    return ScanTable.from_json(json.loads(path.read_text(encoding="utf-8")))
