"""Why a molecule is predicted as it is: which known molecules, which of its atoms.

The score that evidence is measured by is the calibrated probability of the predicted class.

Taking knowledge away. *Known molecules:* a hidden one is left out of the support. Two classes are
needed to ask at all, so where only molecules of one class are shown the other class stays whole,
and where a class is taken away altogether the rest stands for both classes, which then look alike:
no label speaks any more. With nothing shown all molecules stand for both; that is the question
alone. *Atoms:* a hidden atom is left out with its bonds; for fingerprints, every substructure that
contains it is. In place of a molecule without any atom a single carbon atom is asked.

The rank under a change is that among the other candidates, whose scores stay as they are.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core import chemistry
from core.chemistry import MOLECULE_BITS, bit_array
from core.errors import InputError
from core.evidence.evidence import Outcome, Overlay
from core.evidence.faithfulness import (
    Check,
    Minimal,
    check_evidence,
    find_minimal,
    matched_controls,
)
from core.knowledge.molecules import MoleculeGraph
from core.knowledge.similar_drugs import tanimoto
from core.serving.few_shot import Inputs, Prepared
from core.serving.molecular_property import TIE, Answer, Prediction, first_answer
from core.serving.molecule_case import Case, Question, open_case
from core.serving.molecule_table import SYMBOLS, TableRow

NUM_CONTROLS = 20
SLOW_CONTROLS = 8  # where every control trains a forest
MOLECULES = ("molecule", "molecules")
ATOMS = ("atom", "atoms")
NOTHING = MoleculeGraph(np.array([[5, 0]], np.uint8), np.zeros((0, 4), np.int16))  # one carbon
MAX_CITED = 8
CITED_SHARE = 0.2  # of the strongest effect, from which a molecule or atom is cited
STRONG = 0.05  # change of the probability that is worth a word


@dataclass(frozen=True, eq=False)
class SupportEffect:
    """What one known molecule does to the answer.

    Attributes:
        row: the known molecule.
        effect: change of the probability of being active by having it; positive is towards active.
        relation: weight that the network gave it, None where the method has none.
        similarity: Tanimoto to the candidate.
        same_scaffold: whether both have the same Murcko scaffold.
    """

    row: TableRow
    effect: float
    relation: float | None
    similarity: float
    same_scaffold: bool


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one candidate is predicted as it is.

    Attributes:
        prediction: of the candidate.
        score_of: the predicted class: active or inactive.
        support: effects of the known molecules, strongest first; empty with a task card.
        cited: ids of those that carry the prediction, strongest first: the evidence to be checked.
        depth_scores: share of each depth of propagation (PACIA), None elsewhere.
        same_scaffold: ids of other candidates with the same scaffold.
        scaffold: SMILES, empty for open chains.
        statement: the main point in words.
    """

    prediction: Prediction
    score_of: str
    support: tuple[SupportEffect, ...]
    cited: tuple[str, ...]
    depth_scores: tuple[float, ...] | None
    same_scaffold: tuple[str, ...]
    scaffold: str
    statement: str


@dataclass(frozen=True)
class AtomEffects:
    """What each atom does to the answer.

    Attributes:
        smiles: its atoms in order.
        effects: change of the probability of being active by having the atom; positive is towards
            active.
        symbols: elements of the atoms.
        order: atoms by strength, strongest first.
        cited: atoms that carry the prediction, strongest first: the evidence to be checked.
        groups: connected atoms that count in one direction, strongest first.
        statement: the main point in words.
    """

    smiles: str
    effects: tuple[float, ...]
    symbols: tuple[str, ...]
    order: tuple[int, ...]
    cited: tuple[int, ...]
    groups: tuple["AtomGroup", ...]
    statement: str


@dataclass(frozen=True)
class AtomGroup:
    """Connected atoms whose effects have one sign.

    Attributes:
        name: the atoms in words, numbered from 1, such as ``N3, C4``.
        atoms: from 0, ascending.
        effect: change of the probability of being active by having all of them.
    """

    name: str
    atoms: tuple[int, ...]
    effect: float


class Asked:
    """One candidate of an answer, ready for overlays.

    Args:
        question: the question.
        row_id: id of the candidate.

    Raises:
        InputError: MO-E17, there is no such candidate with a score.
    """

    def __init__(self, question: Question, row_id: str) -> None:
        self.answer: Answer = first_answer(question)
        self.case: Case = open_case(question)
        self.prediction = self.answer.of(row_id)
        if self.prediction.probability is None:
            raise InputError(
                "MO-E17", "No score to explain", f"{self.prediction.row.title} has no score.",
                "Pick a row that was predicted.",
            )  # fmt: skip
        self.row = self.prediction.row
        self.active = self.prediction.probability >= 0.5

    @property
    def score_of(self) -> str:
        """The predicted class."""
        return "active" if self.active else "inactive"

    def prepared(self) -> Prepared:
        """The candidate alone, for any part of the support."""
        return self.case.prepare(Inputs.of([self.row.molecule]))

    def outcome(self, probability: float) -> Outcome:
        """Score and rank of the candidate if it had this probability of being active."""
        own = self.row.molecule.identity
        others = {
            one.row.molecule.identity: one.probability
            for one in self.answer.ranked if one.row.molecule.identity != own
        }  # fmt: skip
        sign = 1 if self.active else -1
        better = sum(sign * (other - probability) > TIE for other in others.values())
        return Outcome(probability if self.active else 1 - probability, 1.0 + better)

    def places(self, ids: Iterable[str]) -> frozenset[int]:
        """Places in the support of known molecules."""
        return frozenset(self.case.position(row_id) for row_id in ids)

    def ask_support(self, overlays: Sequence[Overlay]) -> list[Outcome]:
        """Scorer over known molecules, items are places in the support."""
        prepared = self.prepared()
        return [self._ask_part(prepared, overlay) for overlay in overlays]

    def _ask_part(self, prepared: Prepared, overlay: Overlay) -> Outcome:
        rows, labels = part_of_support(self.case.labels, overlay)
        raw = prepared.scores(rows, labels).probability
        return self.outcome(float(self.case.calibrate(raw)[0]))

    def ask_atoms(self, overlays: Sequence[Overlay]) -> list[Outcome]:
        """Scorer over atoms of the candidate, items are atoms from 0."""
        num = len(self.row.molecule.graph.atoms)
        everyone = frozenset(range(num))
        shown = [
            (everyone if one.keep is None else everyone & one.keep) - one.remove for one in overlays
        ]
        return [self.outcome(probability) for probability in self.without_atoms(shown)]

    def without_atoms(self, shown: Sequence[frozenset[int]]) -> list[float]:
        """Calibrated probability of being active with only some atoms of the candidate."""
        molecule = self.row.molecule
        everyone = frozenset(range(len(molecule.graph.atoms)))
        graphs = [molecule.graph.without(everyone - one) if one else NOTHING for one in shown]
        bits = [np.zeros(MOLECULE_BITS, np.uint8)] * len(shown)
        if not self.case.model.neural:
            found = chemistry.environments(molecule.structure.smiles)
            bits = [bit_array({bit for bit, atoms in found if atoms <= one}) for one in shown]
        raw = self.case.scores(Inputs.from_parts(graphs, bits)).probability
        return self.case.calibrate(raw).tolist()


def part_of_support(labels: np.ndarray, overlay: Overlay) -> tuple[np.ndarray, np.ndarray]:
    """Support rows and labels (m,) under an overlay; see the head of this module.

    Args:
        labels: (S,) 0 or 1, both occur.
        overlay: items are places in the support.
    """
    shown = np.ones(len(labels), bool)
    if overlay.keep is not None:
        shown[:] = False
        shown[list(overlay.keep)] = True
        named = set(labels[shown].tolist())
        if len(named) == 1:
            shown |= ~np.isin(labels, list(named))
    shown[list(overlay.remove)] = False
    rows = np.flatnonzero(shown)
    if len(set(labels[rows].tolist())) == 2:
        return rows, labels[rows]
    rows = rows if len(rows) else np.arange(len(labels))
    return np.concatenate([rows, rows]), np.repeat([0, 1], len(rows))


def explain(question: Question, row_id: str) -> Explanation:
    """Effects of the known molecules, each left out in turn.

    Raises:
        InputError: MO-E17, and as `core.serving.molecular_property.answer`.
    """
    asked = Asked(question, row_id)
    case, molecule = asked.case, asked.row.molecule
    others = [
        one.row for one in asked.answer.ranked
        if molecule.scaffold and one.row.molecule.scaffold == molecule.scaffold
        and one.row is not asked.row
    ]  # fmt: skip
    full = case.scores(Inputs.of([molecule]))
    depth_scores = None if full.depth_scores is None else tuple(full.depth_scores[0].tolist())
    effects = _support_effects(asked) if case.support else ()
    return Explanation(
        asked.prediction,
        asked.score_of,
        effects,
        _cite(asked, effects),
        depth_scores,
        tuple(row.id for row in others),
        molecule.scaffold,
        _say_support(asked, effects),
    )


def _support_effects(asked: Asked) -> tuple[SupportEffect, ...]:
    case, molecule = asked.case, asked.row.molecule
    prepared = asked.prepared()
    full = prepared.scores(case.all_rows, case.labels)
    base = float(case.calibrate(full.probability)[0])
    alike = tanimoto(molecule.bit_array()[None], case.inputs.bits)[0]
    found = []
    for place, row in enumerate(case.support):
        rows, labels = part_of_support(case.labels, Overlay(remove=frozenset([place])))
        without = float(case.calibrate(prepared.scores(rows, labels).probability)[0])
        found.append(
            SupportEffect(
                row,
                base - without,
                None if full.relations is None else float(full.relations[0, place]),
                float(alike[place]),
                bool(molecule.scaffold) and row.molecule.scaffold == molecule.scaffold,
            )
        )
    return tuple(sorted(found, key=lambda one: -abs(one.effect)))


def _cite(asked: Asked, effects: Sequence[SupportEffect]) -> tuple[str, ...]:
    """Known molecules that push towards the predicted class, none much weaker than the first."""
    sign = 1 if asked.active else -1
    pushing = [one for one in effects if sign * one.effect > TIE]
    enough = CITED_SHARE * abs(pushing[0].effect) if pushing else 0
    return tuple(one.row.id for one in pushing[:MAX_CITED] if abs(one.effect) >= enough)


def _signed(effect: float) -> str:
    return f"{effect:+.2f}".replace("-", "−")


def _say_support(asked: Asked, effects: Sequence[SupportEffect]) -> str:
    if not effects:
        return "The task comes from a card: the known molecules behind it are not in it."
    told = [one for one in effects if abs(one.effect) >= STRONG][:3]
    if not told:
        strongest = effects[0]
        return (
            f"No single known molecule decides: leaving out {strongest.row.title} "
            f"({strongest.row.id}) changes the probability by {abs(strongest.effect):.2f}, "
            "and no other by more."
        )
    words = ", ".join(f"{one.row.title} ({one.row.role}) {_signed(one.effect)}" for one in told)
    return f"{asked.row.title} is predicted {asked.score_of}. What counts most: {words}."


def atoms(question: Question, row_id: str) -> AtomEffects:
    """Effects of the atoms, each left out in turn, and of connected groups of them.

    Raises:
        InputError: MO-E17, and as `core.serving.molecular_property.answer`.
    """
    asked = Asked(question, row_id)
    molecule = asked.row.molecule
    everyone = frozenset(range(len(molecule.graph.atoms)))
    base, *without = asked.without_atoms([everyone, *(everyone - {a} for a in sorted(everyone))])
    effects = tuple(base - one for one in without)
    order = tuple(sorted(everyone, key=lambda atom: -abs(effects[atom])))
    symbols = tuple(SYMBOLS[element] for element in molecule.graph.atoms[:, 0].tolist())
    weakest = max(CITED_SHARE * abs(effects[order[0]]), TIE)
    strong = [atom for atom in order if abs(effects[atom]) >= weakest]
    sign = 1 if asked.active else -1
    parts = connected(strong, molecule.graph, effects)
    together = asked.without_atoms([everyone - frozenset(part) for part in parts])
    groups = [
        AtomGroup(", ".join(f"{symbols[atom]}{atom + 1}" for atom in part), part, base - one)
        for part, one in zip(parts, together, strict=True)
    ]
    told = [atom for atom in order if abs(effects[atom]) >= STRONG][:3]
    if told:
        words = ", ".join(f"{symbols[a]}{a + 1} {_signed(effects[a])}" for a in told)
        statement = f"Atoms that count most: {words}."
    else:
        statement = f"No single atom changes the probability by {STRONG} or more."
    return AtomEffects(
        molecule.structure.smiles,
        effects,
        symbols,
        order,
        tuple(atom for atom in strong if sign * effects[atom] > 0)[:MAX_CITED],
        tuple(sorted(groups, key=lambda one: -abs(one.effect))),
        statement,
    )


def connected(
    chosen: Collection[int], graph: MoleculeGraph, effects: Sequence[float]
) -> list[tuple[int, ...]]:
    """Parts of the chosen atoms that hang together and whose effects have one sign.

    Args:
        chosen: atoms.
        graph: of the whole molecule.
        effects: of every atom.
    """
    part = {atom: frozenset([atom]) for atom in sorted(chosen)}
    for one, other in graph.bonds[:, :2].tolist():
        if one in part and other in part and effects[one] * effects[other] > 0:
            joined = part[one] | part[other]
            part |= dict.fromkeys(joined, joined)
    return sorted({tuple(sorted(atoms)) for atoms in part.values()})


def check(question: Question, row_id: str, ids: Collection[str], *, seed: int = 0) -> Check:
    """The live check of known molecules against others of the same class.

    Args:
        question: the question.
        row_id: the candidate.
        ids: known molecules that are said to be the reason.
        seed: seed of the controls.

    Raises:
        InputError: MO-E17, and as `core.serving.molecular_property.answer`.
    """
    asked = Asked(question, row_id)
    evidence = asked.places(ids)
    labels = asked.case.labels
    return _check(
        asked.ask_support, evidence, asked.case.all_rows.tolist(),
        lambda place: int(labels[place]), MOLECULES, seed,
        SLOW_CONTROLS if asked.case.model.entry.method == "forest" else NUM_CONTROLS,
    )  # fmt: skip


def check_atoms(
    question: Question, row_id: str, chosen: Collection[int], *, seed: int = 0
) -> Check:
    """The live check of atoms against others of the same element where there are enough.

    Args:
        question: the question.
        row_id: the candidate.
        chosen: atoms from 0.
        seed: seed of the controls.

    Raises:
        InputError: MO-E17, and as `core.serving.molecular_property.answer`.
    """
    asked = Asked(question, row_id)
    elements = asked.row.molecule.graph.atoms[:, 0]
    everyone = range(len(elements))
    return _check(
        asked.ask_atoms, frozenset(chosen) & frozenset(everyone), everyone,
        lambda atom: int(elements[atom]), ATOMS, seed,
    )  # fmt: skip


def _check(
    score: Callable[[Sequence[Overlay]], list[Outcome]],
    evidence: frozenset[int],
    pool: Collection[int],
    stratum: Callable[[int], int],
    noun: tuple[str, str],
    seed: int,
    num: int = NUM_CONTROLS,
) -> Check:
    rng = np.random.default_rng(seed)
    controls = matched_controls(evidence, pool, stratum, num, rng)
    return check_evidence(score, evidence, controls, stratum=stratum, noun=noun)


def minimise(question: Question, row_id: str, ids: Sequence[str]) -> Minimal:
    """The fewest of some known molecules that are enough; items are their ids.

    Args:
        question: the question.
        row_id: the candidate.
        ids: known molecules, those most worth keeping first.

    Raises:
        InputError: MO-E17, and as `core.serving.molecular_property.answer`.
    """
    asked = Asked(question, row_id)
    place = {row_id: asked.case.position(row_id) for row_id in ids}

    def score(overlays: Sequence[Overlay]) -> list[Outcome]:
        return asked.ask_support([
            Overlay(
                frozenset(place[one] for one in overlay.remove),
                None if overlay.keep is None else frozenset(place[one] for one in overlay.keep),
            )
            for overlay in overlays
        ])  # fmt: skip

    return find_minimal(score, ids, order=ids)
