"""What a search and its formula cost, beside a network of the same accuracy."""

import time

from core.knowledge.physics.law import Law
from core.knowledge.physics.system import GraphSystem
from core.serving import physics_question
from core.serving import symbolic_regression as laws
from core.serving.symbolic_regression import Answer

REPEATS = 5
WORDS = {
    "test": "unseen graphs, network of the found flow",
    "larger": "larger graphs without noise, network of the found flow",
    "valid": "validation graphs, network with nothing taken out",
}


def costs(answer: Answer) -> list[tuple[str, str]]:
    """Rows of the ledger: what, and how much."""
    found, formula = answer.discovery, answer.formula()
    system = physics_question.load_system(answer.question)
    rows = [
        ("Search, on the machine that ran it", f"{found.seconds:.1f} s"),
        ("This answer, on this server", f"{answer.seconds * 1000:,.0f} ms"),
        (
            f"The formula on all {system.num_graphs:,} graphs, on this server",
            f"{1000 * seconds_of(formula.law, system):.2f} ms",
        ),
        ("Graphs for training, validation and test", " / ".join(map(str, found.sizes))),
        ("Fitted constants of the suggested formula", str(len(formula.law.constants))),
        ("Best R² of the same search on a shuffled target", f"{found.ceiling:.3f}"),
        ("Formulas left out because of their units", str(found.refused)),
    ]
    artifact = laws.artifact_of(answer.question)
    if artifact is not None:
        rows.append(
            ("Weights of the graph network that the formula replaces",
             f"{artifact.card.num_parameters:,}")
        )  # fmt: skip
    return rows


def figures(answer: Answer) -> list[tuple[str, str, str]]:
    """R² of law and network by what it was measured on; empty without an artifact."""
    artifact = laws.artifact_of(answer.question)
    if artifact is None:
        return []
    by_split: dict[str, dict[str, float]] = {}
    for one in artifact.card.metrics:
        by_split.setdefault(one.split, {})[one.name] = one.value
    return [
        (WORDS.get(split, split), _say(found.get("r2")), _say(found.get(network)))
        for split, found in by_split.items()
        for network in ("r2_network", "r2_full_network")
        if network in found
    ]


def _say(value: float | None) -> str:
    return "–" if value is None else f"{value:.5f}"


def seconds_of(law: Law, system: GraphSystem) -> float:
    """Seconds that a law takes on a system, the best of a few."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        law.evaluate(system)
        taken.append(time.perf_counter() - begun)
    return min(taken)
