"""Few-shot properties of molecules without any few-shot training: label rate and fingerprints.

Test assays of the published split, ten random supports of ten and of one molecule per class;
ROC-AUC over all other measured molecules, mean over assays, then mean and deviation over supports.
Two protocols: "all" asks about every molecule, most of which have labels in the training assays;
"unseen" only about the quarter of held-out scaffolds. The label rate is a molecule's own share of
active labels in the training assays, which is not known of an unseen molecule.

Fingerprints: Morgan bits, radius 2, 2,048 bits. The forest is left out where it takes long. Where
the data is not here, and in a quick run, assays are generated: families of molecules share most
bits, and each assay has its own active families.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.measurement.timing import arguments, heading, table
from core.chemistry.structure import many_morgan_bits
from core.data.molecules import ASSAY_SETS, held_out_scaffolds, load_assays
from core.errors import DataError
from core.knowledge.few_shot import (
    label_rate_scores,
    nearest_neighbour_scores,
    prototype_scores,
    ridge_scores,
)
from core.knowledge.fingerprint_models import forest_scores, logistic_scores
from core.training.few_shot import AssayResults, Scorer, measure_assays

NUM_BITS = 2048
SHOTS = (10, 1)
DRAWS = range(10)
LABEL_RATE = "own label rate"
CLASSIFIERS = {
    "nearest neighbours": nearest_neighbour_scores,
    "class means": prototype_scores,
    "ridge regression": ridge_scores,
    "logistic regression": logistic_scores,
    "random forest": forest_scores,
}
SLOW = {"muv": ("random forest",), "toxcast": ("random forest",)}
COLUMNS = ("assays", "source", "protocol", "method", "10-shot", "1-shot", "seconds")


@dataclass(frozen=True, eq=False)
class Case:
    """One set of assays with what the baselines look at.

    Attributes:
        name: id of the set.
        origin: ``data set`` or ``generated``.
        bits: (n, F) uint8 fingerprints.
        labels: (n, T) int8, -1 not measured.
        train: training columns.
        test: test columns.
        held_out: (n,) bool, molecules of the unseen quarter.
    """

    name: str
    origin: str
    bits: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    test: np.ndarray
    held_out: np.ndarray

    def measure(self, scorer: Scorer, shots: int, *, unseen: bool) -> AssayResults:
        """AUC on the test assays."""
        asked = self.held_out if unseen else np.ones_like(self.held_out)
        return measure_assays(scorer, self.labels, self.test, asked=asked, shots=shots, draws=DRAWS)

    def scorers(self, *, unseen: bool) -> Iterator[tuple[str, Scorer]]:
        """Every baseline by name."""
        if not unseen:
            yield LABEL_RATE, LabelRate(label_rate_scores(self.labels[:, self.train]))
        for name, classify in CLASSIFIERS.items():
            if name not in SLOW.get(self.name, ()):
                yield name, OnBits(self.bits, classify)


@dataclass(frozen=True, eq=False)
class OnBits:
    """A classifier that sees fingerprints."""

    bits: np.ndarray
    classify: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

    def scores(self, support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
        """(Q,) scores; see `core.training.few_shot.Scorer`."""
        return self.classify(self.bits[support], labels, self.bits[query])


@dataclass(frozen=True, eq=False)
class LabelRate:
    """Scores (n,) that are there before any support is seen."""

    rates: np.ndarray

    def scores(self, _support: np.ndarray, _labels: np.ndarray, query: np.ndarray) -> np.ndarray:
        """(Q,) scores; see `core.training.few_shot.Scorer`."""
        return self.rates[query]


def find_cases(*, generated: bool) -> Iterator[Case]:
    """The data sets one after the other, or a generated case where they are not here."""
    if generated:
        yield generate(np.random.default_rng(0))
        return
    for name in ASSAY_SETS:
        try:
            assays = load_assays(name)
        except DataError:
            yield generate(np.random.default_rng(0))
            return
        yield Case(
            name, "data set", many_morgan_bits(assays.smiles, size=NUM_BITS), assays.labels,
            assays.meta_train, assays.meta_test, held_out_scaffolds(assays),
        )  # fmt: skip


def generate(
    rng: np.random.Generator, num_molecules: int = 400, num_families: int = 16, num_assays: int = 6
) -> Case:
    """Molecules in families; half of the families are active in an assay, one label in ten wrong.

    Three in ten labels are missing. A quarter of the families is held out.
    """
    family = rng.permutation(num_molecules) % num_families
    bits = (rng.random((num_families, 128)) < 0.3)[family]
    bits ^= rng.random((num_molecules, 128)) < 0.08
    active = np.array([rng.permutation(num_families) < num_families // 2
                       for _ in range(num_assays)])  # fmt: skip
    labels = active.T[family] ^ (rng.random((num_molecules, num_assays)) < 0.1)
    labels = np.where(rng.random(labels.shape) < 0.3, -1, labels).astype(np.int8)
    columns = np.arange(num_assays)
    return Case(
        "generated", "generated", bits.astype(np.uint8), labels, columns[:-2], columns[-2:],
        family < num_families // 4,
    )  # fmt: skip


def measure_case(case: Case) -> Iterator[tuple[str, ...]]:
    """The rows of one set."""
    for unseen in (False, True):
        protocol = "unseen" if unseen else "all"
        for name, scorer in case.scorers(unseen=unseen):
            start = time.process_time()
            found = [case.measure(scorer, shots, unseen=unseen) for shots in SHOTS]
            spent = time.process_time() - start
            yield (
                case.name, case.origin, protocol, name,
                *(f"{one.auc:.3f} ({one.std:.3f})" for one in found), f"{spent:.0f}",
            )  # fmt: skip


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    cases = find_cases(generated=options.quick or options.generated)
    rows = [row for case in cases for row in measure_case(case)]
    print(heading("Few-shot properties without few-shot training: mean ROC-AUC (deviation)"))
    print(table(COLUMNS, rows))
    print("deviation over ten supports; seconds of processor time; all: molecules of training too")


if __name__ == "__main__":
    main()
