"""Interaction types without training: majority, type habits and similar-drug vote on DDI-Bench.

Known interactions are those of the training part alone; validation chooses the exponent of the
Tanimoto coefficient and is not added to them. Every test pair is measured. S0: both drugs known,
S1: one new, S2: both new; with both known the vote treats each as new in turn. A pair without any
vote gets the most frequent type. Fingerprints: Morgan bits, radius 2, 1,024 bits.

Where the data is not here, and in a quick run, the network is generated: families of drugs share
most bits, and the families of a pair decide its type.
"""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.measurement.timing import arguments, heading, table
from core.chemistry.structure import many_morgan_bits
from core.data.interactions import load_network, load_split
from core.errors import DataError
from core.knowledge.similar_drugs import SimilarDrugVote, TypeHabit, tanimoto
from core.metrics import classification_summary

SPLITS = ("drugbank-random", "drugbank-cluster")
SETTINGS = ("S0", "S1", "S2")
EXPONENTS = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
KNOWN_HABIT = "habit of the known drug"
COLUMNS = ("split", "source", "method", "exponent", *SETTINGS)


@dataclass(frozen=True, eq=False)
class Case:
    """One split with what the baselines look at.

    Attributes:
        name: id of the split.
        origin: ``data set`` or ``generated``.
        num_types: T.
        similarity: (D, D) Tanimoto coefficients.
        train: (n, 3) known interactions head, type, tail.
        parts: ``valid S0`` to ``test S2``.
    """

    name: str
    origin: str
    num_types: int
    similarity: np.ndarray
    train: np.ndarray
    parts: dict[str, np.ndarray]

    @cached_property
    def known(self) -> np.ndarray:
        """(D,) bool, drugs that occur in `train`.

        A drug of the training set without a fact has nothing to say for itself and counts as new.
        """
        return np.isin(np.arange(len(self.similarity)), self.train[:, [0, 2]])

    def vote(self, exponent: float) -> SimilarDrugVote:
        """The similar-drug vote over the training part."""
        return SimilarDrugVote(self.train, self.similarity, self.known, self.num_types, exponent)

    def measure(self, part: str, scores: np.ndarray) -> dict[str, float]:
        """Metrics of the highest score; rows of zeros get the most frequent type."""
        majority = np.bincount(self.train[:, 1], minlength=self.num_types).argmax()
        predicted = np.where(scores.any(1), scores.argmax(1), majority)
        return classification_summary(self.parts[part][:, 1], predicted, self.num_types)


def find_cases(*, generated: bool) -> list[Case]:
    """The data sets, or one generated case where they are not here or not wanted."""
    if generated:
        return [generate(np.random.default_rng(0))]
    try:
        network = load_network()
        splits = [load_split(name, network) for name in SPLITS]
    except DataError:
        return [generate(np.random.default_rng(0))]
    bits = many_morgan_bits(network.smiles)
    similarity = tanimoto(bits, bits)
    return [
        Case(split.name, "data set", network.num_types, similarity, split.train, split.parts)
        for split in splits
    ]


def generate(
    rng: np.random.Generator, num_drugs: int = 60, num_families: int = 6, num_types: int = 5
) -> Case:
    """Drugs in families, a type for every ordered pair of families, one pair in ten at random."""
    family = np.arange(num_drugs) % num_families
    bits = (rng.random((num_families, 128)) < 0.3)[family] ^ (rng.random((num_drugs, 128)) < 0.08)
    rule = rng.integers(num_types, size=(num_families, num_families))
    head, tail = np.nonzero(~np.eye(num_drugs, dtype=bool))
    kind = np.where(
        rng.random(len(head)) < 0.1,
        rng.integers(num_types, size=len(head)),
        rule[family[head], family[tail]],
    )
    triples = np.stack([head, kind, tail], 1)
    # 0 known, 1 new in validation, 2 new in test
    role = rng.permutation(np.digitize(np.arange(num_drugs) / num_drugs, [0.7, 0.85]))
    roles = role[triples[:, [0, 2]]]
    new = (roles > 0).sum(1)
    draw = rng.integers(10, size=len(triples))  # of the pairs of known drugs 8 in 10 are training
    parts = {}
    for number, part in ((1, "valid"), (2, "test")):
        parts[f"{part} S0"] = triples[(new == 0) & (draw == 7 + number)]
        for count in (1, 2):
            inside = (new == count) & ((roles == 0) | (roles == number)).all(1)
            parts[f"{part} S{count}"] = triples[inside]
    train = triples[(new == 0) & (draw < 8)]
    return Case("generated", "generated", num_types, tanimoto(bits, bits), train, parts)


def choose_exponents(case: Case) -> dict[str, float]:
    """For every setting the exponent of the best macro-F1 on validation."""
    f1: dict[str, dict[float, float]] = {setting: {} for setting in SETTINGS}
    for exponent in EXPONENTS:
        vote = case.vote(exponent)
        for setting in SETTINGS:
            heads, _, tails = case.parts[f"valid {setting}"].T
            found = case.measure(f"valid {setting}", vote.scores(heads, tails))
            f1[setting][exponent] = found["f1"]
    return {setting: max(values, key=lambda e: values[e]) for setting, values in f1.items()}


def scores_of(case: Case, setting: str, exponents: dict[str, float]) -> dict[str, np.ndarray]:
    """(n, T) scores of every method on a test part."""
    heads, _, tails = case.parts[f"test {setting}"].T
    habit = TypeHabit.from_facts(case.train, case.similarity, case.known, case.num_types)
    votes = {e: case.vote(e).scores(heads, tails) for e in {4.0, 6.0, exponents[setting]}}
    found = {
        "majority type": np.zeros_like(votes[6.0]),
        KNOWN_HABIT: habit.known_side(heads, tails),
        "product of habits": habit.product(heads, tails),
        "similar-drug vote, sixth power": votes[6.0],
        "similar-drug vote, exponent chosen": votes[exponents[setting]],
        "vote, fourth power, and habits": habit.fallback(votes[4.0], heads, tails),
    }
    if setting != "S1":  # not exactly one known drug
        del found[KNOWN_HABIT]
    return found


def measure_case(case: Case) -> list[tuple[str, ...]]:
    """The rows of one split."""
    exponents = choose_exponents(case)
    cells: dict[str, dict[str, str]] = {}
    for setting in ("S1", "S0", "S2"):  # S1 has every method, in the order of the rows
        for method, scores in scores_of(case, setting, exponents).items():
            found = case.measure(f"test {setting}", scores)
            text = " / ".join(f"{100 * found[name]:.1f}" for name in ("f1", "accuracy", "kappa"))
            cells.setdefault(method, {})[setting] = text
    chosen = " ".join(f"{exponents[setting]:g}" for setting in SETTINGS)
    shown = {
        "similar-drug vote, sixth power": "6",
        "similar-drug vote, exponent chosen": chosen,
        "vote, fourth power, and habits": "4",
    }
    return [
        (
            *(case.name, case.origin, method, shown.get(method, "-")),
            *(row.get(setting, "-") for setting in SETTINGS),
        )
        for method, row in cells.items()
    ]


def seconds_of_vote(case: Case, setting: str) -> float:
    """Seconds for all test pairs of a setting."""
    heads, _, tails = case.parts[f"test {setting}"].T
    vote, start = case.vote(6.0), time.perf_counter()
    vote.scores(heads, tails)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    cases = find_cases(generated=options.quick or options.generated)
    rows = [row for case in cases for row in measure_case(case)]
    print(heading("Interaction types without training: macro-F1 / accuracy / kappa, per cent"))
    print(table(COLUMNS, rows))
    for case in cases:
        spent = ", ".join(
            f"{setting} {len(case.parts[f'test {setting}']):,} pairs in "
            f"{seconds_of_vote(case, setting):.2f} s"
            for setting in SETTINGS
        )
        print(f"vote on {case.name}: {spent}")
    print("exponent chosen: best macro-F1 on the validation part of S0, S1, S2")


if __name__ == "__main__":
    main()
