"""A network beside others: the prior, other degrees of trust in it, rivals of the same pruning."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np

from core.knowledge.regulation import Network, classify
from core.metrics import network_summary
from core.serving import gene_regulation as grn
from core.serving.gene_regulation import CLASSES, Answer
from core.serving.grn_model import to_matrix

METHODS = {  # in the order of the charts
    "dash": "DASH", "imp": "magnitude", "prior": "prior only", "random": "random",
    "dense": "not pruned", "pinn": "prior in the loss",
}  # fmt: skip
MAX_ROWS = 12


@dataclass(frozen=True, eq=False)
class View:
    """One network over the genes of an answer.

    Attributes:
        name: for people.
        effect: (n, n) influence, the entries of a prior for the prior.
        counts: edges by class beside the prior, each of `CLASSES`.
        figures: what is known about it, by name: sparsity, valid_mse, balanced_accuracy, seconds
            of its training …
        trust: in the prior, None for the prior itself and where it was chosen.
    """

    name: str
    effect: np.ndarray
    counts: dict[str, int]
    figures: dict[str, float]
    trust: float | None = None


@dataclass(frozen=True)
class Disagreement:
    """One edge on which two networks differ.

    Attributes:
        regulator, target: names.
        values: influence in each, as a share of the largest of that network.
    """

    regulator: str
    target: str
    values: tuple[float, float]


def views(answer: Answer) -> list[View]:
    """This network, the prior, and the same model with other degrees of trust in the prior."""
    network, found = answer.network, answer.network.knowledge
    own = {"sparsity": found["sparsity"]} | _truth(network.effect, network.truth)
    chosen = next((one for one in found["trials"] if one["trust"] == found["trust"]), None)
    if chosen is not None:
        own |= {"valid_mse": chosen["valid_mse"], "seconds": chosen["seconds"]}
    prior = network.prior
    return [
        _view(f"DASH, λ = {say_trust(found['trust'])}", network.effect, prior, own),
        _view("Prior", prior.matrix, prior, _truth(prior.matrix, network.truth)),
        *trust_views(answer),
    ]


def trust_views(answer: Answer) -> list[View]:
    """Trainings of the same measurements with other degrees of trust, from 0 to 1."""
    network = answer.network
    words = {0.0: " (magnitude)", 1.0: " (prior only)"}
    return [
        _view(
            f"λ = {run['trust']:g}{words.get(run['trust'], '')}",
            to_matrix(len(network.genes), run["effect"]), network.prior,
            {name: run[name] for name in ("sparsity", "valid_mse", "balanced_accuracy")
             if run[name] is not None},
            run["trust"],
        )
        for run in sorted(network.knowledge["trust_runs"], key=lambda run: run["trust"])
    ]  # fmt: skip


def say_trust(trust: Sequence[float]) -> str:
    """Trust in partners and in the prior; once where both are equal."""
    return " / ".join(dict.fromkeys(f"{one:g}" for one in trust))


def _view(
    name: str, effect: np.ndarray, prior: Network, figures: dict[str, float],
    trust: float | None = None,
) -> View:  # fmt: skip
    classes = classify(effect, prior)
    counts = {kind: int((classes == kind).sum()) for kind in CLASSES}
    return View(name, effect, counts, figures, trust)


def _truth(effect: np.ndarray, truth: Network | None) -> dict[str, float]:
    return {} if truth is None else network_summary(effect, truth.matrix)


def agreement(answer: Answer) -> dict[str, float]:
    """How the network agrees with the one behind simulated data; empty for measured data."""
    return _truth(answer.network.effect, answer.network.truth)


def disagree(answer: Answer, one: View, other: View) -> list[Disagreement]:
    """Edges on which two networks differ most, the largest difference first."""
    scaled = [view.effect / max(float(abs(view.effect).max(initial=0)), 1e-12)
              for view in (one, other)]  # fmt: skip
    gap = abs(scaled[0] - scaled[1])
    genes, num = answer.network.genes, len(answer.network.genes)
    order = np.argsort(-gap, axis=None, kind="stable")[:MAX_ROWS]
    return [
        Disagreement(
            genes[place // num], genes[place % num],
            (float(scaled[0].flat[place]), float(scaled[1].flat[place])),
        )
        for place in order.tolist()
        if gap.flat[place] > 0
    ]  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One pruning step of one method, mean over its seeds.

    Attributes:
        method: in words.
        sparsity: share of weights that are zero.
        value: of the figure.
        seeds: how many.
    """

    method: str
    sparsity: float
    value: float
    seeds: int


def curve(answer: Answer, figure: str) -> list[Point]:
    """A figure over sparsity for DASH and its rivals, all of the same seeds.

    Args:
        answer: of a model with curves.
        figure: ``test_mse``, ``valid_mse`` or ``balanced_accuracy``.

    Returns:
        Points by method and sparsity; none where the figure was not measured.
    """
    return [
        Point(
            METHODS[method], mean(one["sparsity"] for one in step),
            mean(one[figure] for one in step), len(step),
        )
        for method, step in _steps(answer.network.knowledge["curves"])
        if all(one[figure] is not None for one in step)
    ]  # fmt: skip


def _steps(rows: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows of one method and one pruning step, all seeds; by method, then sparsity."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for method in METHODS:
        for seed in dict.fromkeys(row["seed"] for row in rows if row["method"] == method):
            own = [row for row in rows if (row["method"], row["seed"]) == (method, seed)]
            for number, row in enumerate(sorted(own, key=lambda row: row["sparsity"])):
                found.setdefault((method, number), []).append(row)
    return [(method, step) for (method, _), step in sorted(found.items(), key=_by_method)]


def _by_method(entry: tuple[tuple[str, int], Any]) -> tuple[int, int]:
    (method, number), _ = entry
    return list(METHODS).index(method), number


def at_the_end(answer: Answer) -> list[tuple[str, dict[str, float]]]:
    """By method in words, the figures of its last pruning step, means over its seeds."""
    last = dict(_steps(answer.network.knowledge["curves"]))
    names = ("sparsity", "valid_mse", "test_mse", "balanced_accuracy")
    return [
        (METHODS[method], {
            name: mean(one[name] for one in step)
            for name in names if all(one[name] is not None for one in step)
        })
        for method, step in last.items()
    ]  # fmt: skip


def corruption(answer: Answer) -> dict[float, list[tuple[str, float | None, float | None]]]:
    """By share of wrong edges in the prior: method, balanced accuracy, test error."""
    rows = answer.network.knowledge["corruption"]
    return {
        share: [
            (words, row["balanced_accuracy"], row["test_mse"])
            for method, words in METHODS.items()
            for row in rows
            if (row["share"], row["method"]) == (share, method)
        ]
        for share in sorted({row["share"] for row in rows})
    }


def costs(answer: Answer) -> list[tuple[str, str]]:
    """What the network cost: rows of name and value."""
    network, card = answer.network, answer.network.artifact.card
    found = network.knowledge
    kept, total = answer.weights
    trained = len(found["trials"])
    rows = [
        ("Weights kept", f"{kept:,} of {total:,}"),
        ("Pruned", f"{found['sparsity']:.1%}"),
        ("Trust in partners / prior (λ)", say_trust(found["trust"])),
        ("Degrees of trust tried on validation", str(trained) if trained else "none, given"),
        ("Trainings on resampled measurements", str(network.resamples)),
        ("Training, on the machine that ran it", f"{found['seconds']:.1f} s ({card.hardware})"),
        ("This answer, on this server", f"{answer.seconds * 1000:,.0f} ms"),
    ]
    return [
        *rows,
        *(
            (f"{one.name.replace('_', ' ')}, {one.split} part", f"{one.value:.4g}")
            for one in card.metrics
        ),
    ]


def edge_cells(answer: grn.Answer) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """All edges as a table: regulator, target, influence, class, selection frequency and more."""
    genes = answer.network.genes
    header = ("TF", "target", "weight", "class", "frequency", "relation", "prior", "true")
    rows = [
        (
            genes[edge.regulator], genes[edge.target], edge.influence, edge.kind, edge.frequency,
            edge.relation, edge.prior, None if edge.true is None else "yes" if edge.true else "no",
        )
        for edge in answer.edges()
    ]  # fmt: skip
    return header, rows
