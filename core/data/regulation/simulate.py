"""A generated gene network whose edges are known, to learn from, to show and to test with.

Everything is drawn from a seed; no measurement of a living thing is behind it, and the names say
so: ``TF01`` for a gene that regulates others, ``G01`` for one that does not.
"""

from collections.abc import Sequence

import numpy as np

from core.data.regulation.dataset import RegulationData
from core.data.regulation.hill import Activation, Equation, HillSystem
from core.errors import InputError
from core.knowledge.physics.expression import parse
from core.knowledge.regulation import Network

TIMES = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0)
NUM_TEST = 10  # samples without noise
MAX_GENES = 500
MAX_VALUES = 20_000_000  # genes × samples × times
REGULATOR_SHARE = 0.3  # of the genes
INPUT_SHARE = 0.4  # of the regulators: constant in time
REPRESSION_SHARE = 0.35  # of the edges
NUM_REGULATORS = (1, 2, 3)  # of a gene, with the chances below
CHANCES = (0.4, 0.4, 0.2)


def plant(num_genes: int, rng: np.random.Generator) -> tuple[HillSystem, Network]:
    """Draw a network and its equations.

    Regulators that already have many targets get further ones more often, so that few of them
    regulate many genes, as in measured networks. No gene regulates itself.

    Args:
        num_genes: at least 10.
        rng: source of everything random.

    Returns:
        The system, and its true edges: 1 for activation, -1 for repression.
    """
    num_regulators = round(REGULATOR_SHARE * num_genes)
    num_inputs = round(INPUT_SHARE * num_regulators)
    genes = tuple(
        [f"TF{k + 1:02}" for k in range(num_regulators)]
        + [f"G{k + 1:02}" for k in range(num_genes - num_regulators)]
    )
    matrix = np.zeros((num_genes, num_genes), np.float32)
    equations = []
    for target in range(num_inputs, num_genes):
        popular = 1.0 + np.count_nonzero(matrix[:num_regulators], axis=1)
        if target < num_regulators:
            popular[target] = 0
        number = min(int(rng.choice(NUM_REGULATORS, p=CHANCES)), np.count_nonzero(popular))
        chosen = rng.choice(num_regulators, number, replace=False, p=popular / popular.sum())
        signs = np.where(rng.random(number) < REPRESSION_SHARE, -1, 1)
        matrix[chosen, target] = signs
        factors = [f"f{k}" if sign > 0 else f"(1 - f{k})" for k, sign in enumerate(signs)]
        activations = tuple(
            Activation(int(regulator), rng.uniform(0.4, 0.55), rng.uniform(1.3, 2.0))
            for regulator in chosen
        )
        combined = factors[0]
        for factor in factors[1:]:
            both = f"{combined} * {factor}"
            combined = both if rng.random() < 0.5 else f"({combined} + {factor} - {both})"
        names = ["x", *(f"f{k}" for k in range(number))]
        equations.append(Equation(target, parse(f"{combined} - x", names), activations))
    return HillSystem(genes, tuple(equations)), Network(genes, matrix)


def simulate(
    num_genes: int = 40,
    *,
    num_samples: int = 60,
    times: Sequence[float] = TIMES,
    noise: float = 0.05,
    wrong: float = 0.1,
    seed: int = 0,
) -> RegulationData:
    """Expression of a planted network, and a prior that is partly wrong.

    The same seed gives the same network, starts and wrong edges whatever the noise is. A fifth of
    the samples is for choosing; ten more, without noise, are for measuring.

    Args:
        num_genes: of which three tenths regulate.
        num_samples: to learn from and to choose on.
        times: increasing.
        noise: standard deviation on expression, which is about 0 to 1.
        wrong: share of the prior's edges that are moved to random places.
        seed: of everything random.

    Raises:
        InputError: GR-E10 for what cannot be simulated.
    """
    _check(num_genes, num_samples, times, noise, wrong)
    planted, started, moved = np.random.SeedSequence(seed).spawn(3)
    system, truth = plant(num_genes, np.random.default_rng(planted))
    samples = system.simulate(
        num_samples, np.random.default_rng(started), times=times, noise=noise, num_quiet=NUM_TEST
    )
    num_train = num_samples - num_samples // 5
    return RegulationData(
        f"Simulated network of {num_genes} genes",
        samples.take(range(num_train)),
        truth.relocated(wrong, np.random.default_rng(moved)),
        valid=samples.take(range(num_train, num_samples)),
        test=samples.take(range(num_samples, num_samples + NUM_TEST)),
        truth=truth,
    )


def _check(
    num_genes: int, num_samples: int, times: Sequence[float], noise: float, wrong: float
) -> None:
    """Raise GR-E10."""
    problem = ""
    if not 10 <= num_genes <= MAX_GENES:
        problem = f"{num_genes:,} genes cannot be simulated."
    elif not (num_samples >= 5 and num_genes * num_samples * len(times) <= MAX_VALUES):
        problem = f"{num_samples:,} samples of {num_genes} genes cannot be simulated."
    elif not (len(times) >= 2 and np.isfinite(times).all() and (np.diff(times) > 0).all()):
        problem = f"The times {', '.join(f'{time:g}' for time in times[:8])} do not increase."
    elif times[-1] - times[0] > 1000:
        problem = f"A time of {times[-1] - times[0]:g} is too long to simulate."
    elif not 0 <= noise <= 1:
        problem = f"Noise of {noise:g} cannot be drawn."
    elif not 0 <= wrong <= 1:
        problem = f"A share of {wrong:g} of the prior cannot be wrong."
    if problem:
        raise InputError(
            "GR-E10", "Cannot simulate", problem,
            f"Choose 10 to {MAX_GENES} genes, at least 5 samples, increasing times, noise and "
            "wrong share from 0 to 1.",
        )  # fmt: skip
