"""Measured systems written as files, exactly as `core.data.physics.uploads` reads them."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np

from core.knowledge.physics.system import AXES, GraphSystem, Quantity

FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # so that the same system gives the same bytes


def to_tables(system: GraphSystem) -> dict[str, str]:
    """CSV text by file name: nodes, edges, targets, and graphs when there are such quantities.

    Nodes are numbered from 0 within their sample; numbers are exact.
    """
    start = np.searchsorted(system.node_graph, np.arange(system.num_graphs))
    within = np.arange(system.num_nodes) - start[system.node_graph]
    sender, receiver = within[system.sender], within[system.receiver]
    ids = {
        "node": (("sample", "node"), (system.node_graph, within)),
        "edge": (("sample", "source", "target"), (system.edge_graph, sender, receiver)),
        "graph": (("sample",), (np.arange(system.num_graphs),)),
    }
    groups = {"nodes.csv": "node", "edges.csv": "edge", "graphs.csv": "graph"}
    files = {
        name: _table(*ids[level], system.group_of(level).values())
        for name, level in groups.items()
        if level != "graph" or system.graphs
    }
    if not system.num_edges:
        del files["edges.csv"]
    return files | {"targets.csv": _table(*ids[system.level], [system.target])}


def to_zip(system: GraphSystem) -> bytes:
    """The tables of `to_tables` in one ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in to_tables(system).items():
            member = zipfile.ZipInfo(name, FIRST_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text)
    return stream.getvalue()


def to_npz(system: GraphSystem) -> bytes:
    """The system as NPZ, in the layout for samples with different graphs."""
    arrays = {
        "node": _matrix(system.nodes.values(), system.num_nodes),
        "node_graph": system.node_graph,
        "target": system.target.values,
        "target_level": np.array(system.level),
        "target_names": np.array(_headers([system.target]), dtype=str),
        "node_names": np.array(_headers(system.nodes.values()), dtype=str),
    }
    if system.num_edges:
        arrays["edge_index"] = np.stack([system.sender, system.receiver])
        arrays["edge"] = _matrix(system.edges.values(), system.num_edges)
        arrays["edge_names"] = np.array(_headers(system.edges.values()), dtype=str)
    if system.graphs:
        arrays["global"] = _matrix(system.graphs.values(), system.num_graphs)
        arrays["global_names"] = np.array(_headers(system.graphs.values()), dtype=str)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", FIRST_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, part.getvalue())
    return stream.getvalue()


def _headers(quantities: Iterable[Quantity]) -> list[str]:
    """Names of columns with units, such as ``v_x [m s^-1]``."""
    headers = []
    for one in quantities:
        unit = f" [{one.unit}]" if one.unit else ""
        first = "" if one.role == "position" and one.name == "x" else f"{one.name}_"
        names = [f"{first}{axis}" for axis in AXES[: one.values.shape[1]]]
        headers += [f"{name}{unit}" for name in (names if one.is_vector else [one.name])]
    return headers


def _matrix(quantities: Iterable[Quantity], rows: int) -> np.ndarray:
    return np.concatenate([np.zeros((rows, 0)), *(one.values for one in quantities)], axis=1)


def _table(names: Sequence[str], ids: Sequence[np.ndarray], quantities: Iterable[Quantity]) -> str:
    quantities = list(quantities)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*names, *_headers(quantities)])
    values = _matrix(quantities, len(ids[0])).tolist()
    columns = [one.tolist() for one in ids]
    writer.writerows([*row, *cells] for *row, cells in zip(*columns, values, strict=True))
    return stream.getvalue()
