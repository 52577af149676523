"""What a person waits for: answer, explanation, live check, minimal evidence.

Questions are held-out facts of the embedded graphs, in both directions. The explanation is by
deletion, of the first answer; the check scores with all, without and with only the evidence and
with 20 random look-alikes; the minimal evidence starts from the explanation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measurement.artifacts import served_models
from benchmarks.measurement.questions import questions_of
from benchmarks.measurement.timing import (
    arguments,
    heading,
    measure,
    milliseconds,
    percentiles,
    table,
)
from core.serving import kg_reasoning as kg
from core.serving.graphs import GraphEntry, embedded_graphs

NUM_QUESTIONS = 30
TARGET = 2.0  # seconds
COLUMNS = (
    "graph", "model", "questions", "facts", "answer p50", "p95", "explain p50", "p95 ",
    "check p50", " p95", "minimise p50", " p95 ", "check < 2 s",
)  # fmt: skip


def measure_graph(entry: GraphEntry, model: str, num: int) -> tuple[str, ...]:
    """One row of the table."""
    seconds: dict[str, list[float]] = {"answer": [], "explain": [], "check": [], "minimise": []}
    sizes = []

    def timed(name: str, action: Callable[[], Any]) -> Any:  # noqa: ANN401
        results: list[Any] = []
        seconds[name].append(measure(lambda: results.append(action())).wall)
        return results[0]

    queries = questions_of(entry, model, num)
    kg.answer(queries[0])  # opens the session and indexes the graph
    for query in queries:
        rows = timed("answer", lambda query=query: kg.answer(query)).rows
        if not rows:
            continue
        best = rows[0].entity
        found = timed("explain", lambda query=query, best=best: kg.explain(query, best))
        facts = [item.fact for item in found.facts]
        sizes.append(len(facts))
        if not facts:
            continue
        timed(
            "check",
            lambda query=query, best=best, facts=facts: kg.check(query, best, frozenset(facts)),
        )
        timed(
            "minimise",
            lambda query=query, best=best, facts=facts: kg.minimise(query, best, facts),
        )
    cells = []
    for values in seconds.values():
        cells += [milliseconds(value) for value in percentiles(values)]
    share = np.mean(np.array(seconds["check"]) < TARGET)
    return (
        entry.id,
        "random" if model.startswith("random-") else model,
        str(len(queries)),
        f"{np.mean(sizes):.1f}",
        *cells,
        f"{100 * share:.0f} %",
    )


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    entries = embedded_graphs()
    if options.quick:
        entries = tuple(entry for entry in entries if entry.id == "umls")
    num = 2 if options.quick else NUM_QUESTIONS
    with served_models(entries, quick=options.quick) as models:
        rows = [measure_graph(entry, models[entry.id], num) for entry in entries]
    print(heading("Answer and evidence on the embedded graphs, milliseconds"))
    print(table(COLUMNS, rows))
    print("check: 2 + 20 scored overlays and the unchanged question (target p95 below 2,000 ms)")


if __name__ == "__main__":
    main()
