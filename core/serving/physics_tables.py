"""Systems as files to take along, and uploaded ones in words."""

from dataclasses import dataclass
from functools import lru_cache

from core.data.physics import files as physics_files
from core.data.physics.findings import Preview
from core.knowledge.physics.system import GraphSystem
from core.serving import physics_question
from core.serving.physics_details import with_unit
from core.serving.physics_question import Question

EXAMPLE_GRAPHS = 60
MAX_DOTS = 300


@dataclass(frozen=True)
class TableFile:
    """A file to download."""

    label: str
    name: str
    mime: str
    content: bytes


@lru_cache(maxsize=4)
def files_of(question: Question) -> tuple[TableFile, ...]:
    """The data of a question exactly as an upload reads them.

    Raises:
        InputError: the data cannot be made.
    """
    system = physics_question.load_system(question)
    return (
        TableFile("CSV tables", f"{question.name}.zip", "application/zip",
                  physics_files.to_zip(system)),
        TableFile("NPZ", f"{question.name}.npz", "application/octet-stream",
                  physics_files.to_npz(system)),
    )  # fmt: skip


def example_file() -> TableFile:
    """Springs as an upload: nodes, edges and targets in one archive."""
    return files_of(physics_question.of_simulator("springs", num_graphs=EXAMPLE_GRAPHS))[0]


def describe(system: GraphSystem) -> str:
    """What was read, in one sentence."""
    names = {
        "nodes": system.nodes.values(), "edges": system.edges.values(),
        "graphs": system.graphs.values(),
    }  # fmt: skip
    listed = "; ".join(
        f"{level}: {', '.join(with_unit(one) for one in group)}"
        for level, group in names.items() if group
    )  # fmt: skip
    return (
        f"{system.num_graphs:,} graphs, {system.num_nodes:,} nodes, {system.num_edges:,} edges. "
        f"{listed}. Target: {with_unit(system.target)} of each {system.level}."
    )


def preview_rows(preview: Preview) -> list[dict[str, float]]:
    """First coordinate over time, measured and smoothed."""
    return [
        {
            "s": float(preview.times[row]),
            "measured": float(preview.raw[row, 0]),
            "smooth": float(preview.smooth[row, 0]),
        }
        for row in range(0, len(preview.times), max(1, len(preview.times) // MAX_DOTS))
    ]
