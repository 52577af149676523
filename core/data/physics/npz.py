"""Measured systems in one NPZ file, read without ever unpickling.

Keys: ``node`` (samples, nodes, quantities), ``edge_index`` (2, edges; sources above targets) or
``adj`` (nodes, nodes; row source, column target), ``edge`` (samples, edges, quantities) or (edges,
quantities), ``global`` (samples, quantities), ``target`` (samples, nodes or edges, components) or
(samples, components); and, when samples have different graphs, ``node_graph`` (nodes,) with all
samples one after the other: ``node`` (nodes, quantities), ``edge`` (edges, quantities), ``target``
(rows, components) with ``target_level``. Optional ``node_names``, ``edge_names``, ``global_names``
and ``target_names`` are headers such as ``v_x [m/s]``.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np

from core.data.graph_table import not_a_table, printable, shorten
from core.data.physics.blocks import Block
from core.data.physics.columns import understand
from core.data.physics.findings import Choices
from core.data.physics.text import ARCHIVE_ERRORS, LIMITS, check_total
from core.data.upload_recognition import model_file
from core.errors import InputError
from core.knowledge.physics.system import AXES

KEYS = (
    "node", "edge", "global", "target", "edge_index", "adj", "node_graph", "target_level",
    "node_names", "edge_names", "global_names", "target_names",
)  # fmt: skip
MAX_NUMBERS = 5_000_000  # of one array
TABLE_OF = {"node": "nodes", "edge": "edges", "global": "graphs", "target": "targets"}

Tables = dict[str, tuple[dict[str, np.ndarray], np.ndarray]]  # ids and (rows, columns) by key


def read_npz(name: str, content: bytes, choices: Choices) -> dict[str, Block]:
    """The tables of an NPZ file.

    Raises:
        InputError: UP-E01, UP-E02, UP-E04, UP-E06, UP-E07, UP-E09.
    """
    arrays = read_arrays(name, content)
    if "node" not in arrays or "target" not in arrays:
        raise InputError(
            "UP-E04", "Column missing", f"I need the keys node and target; I found "
            f"{', '.join(arrays) or 'none'}.", "See the description of the format.",
        )  # fmt: skip
    node = arrays["node"]
    flat = "node_graph" in arrays
    if node.ndim == 2 and not flat:
        node = node[None]
    if node.ndim != (2 if flat else 3):
        raise _shape(
            "node", node, "(nodes, quantities)" if flat else "(samples, nodes, quantities)"
        )
    ends = _ends(arrays, node.shape[-2])
    most = max(node.shape[-2], 0 if ends is None else ends.shape[1])
    check_total(name, most if flat else most * len(node))
    tables = (_flat if flat else _dense)(arrays, node, ends)
    shown = printable(shorten(PurePath(name).name))
    blocks = {}
    for key, (ids, values) in tables.items():
        headers = _headers(arrays, key, values.shape[1])
        table = TABLE_OF[key]
        columns = tuple(understand(table, headers, choices, with_ids=False))
        blocks[table] = Block(
            table, f"{key} of {shown}", columns, ids,
            {one.key: values[:, place] for place, one in enumerate(columns)},
            np.arange(len(values)),
        )  # fmt: skip
    return blocks


def read_arrays(name: str, content: bytes) -> dict[str, np.ndarray]:
    """The known arrays of an NPZ file: numbers as float64, texts as they are.

    Every header is checked against the size of its data before any memory is taken.

    Raises:
        InputError: UP-E01, UP-E02 or UP-E07.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
            wanted = {key: members[key] for key in KEYS if key in members}
            size = sum(one.file_size for one in wanted.values())
            if len(content) > LIMITS.num_bytes or size > 4 * LIMITS.num_bytes:
                raise _too_large(f"{size / 2**20:.0f} MB", f"{4 * LIMITS.num_bytes >> 20} MB")
            for key, member in wanted.items():
                arrays[key] = _read_array(archive.read(member))
    except ARCHIVE_ERRORS as error:
        raise not_a_table(name, "a damaged NPZ file", "Save it again.") from error
    return arrays


def _read_array(content: bytes) -> np.ndarray:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)  # fmt: skip
    if read is None:
        raise ValueError("unknown version")
    shape, fortran, dtype = read(stream)
    if dtype.hasobject or dtype.kind not in "biufU":
        raise model_file()
    data = content[stream.tell() :]
    if min(shape, default=0) < 0 or len(data) != int(np.prod(shape, dtype=object)) * dtype.itemsize:
        raise ValueError("header and data differ")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    if array.size > MAX_NUMBERS:  # small integers grow when they become float64
        raise _too_large(f"{array.size:,}", f"{MAX_NUMBERS:,}")
    return array if dtype.kind == "U" else array.astype(np.float64)


def _too_large(found: str, limit: str) -> InputError:
    return InputError(
        "UP-E01", "File too large", f"Arrays of {found}; the limit here is {limit}.",
        "Keep fewer samples.",
    )  # fmt: skip


def _ends(arrays: Mapping[str, np.ndarray], num_nodes: int) -> np.ndarray | None:
    """(2, E) sources and targets."""
    if "edge_index" in arrays:
        ends = arrays["edge_index"]
        if ends.ndim != 2 or len(ends) != 2 or (ends != np.round(ends)).any():
            raise _shape("edge_index", ends, "(2, edges) of whole numbers")
        return ends.astype(int)
    if "adj" in arrays:
        if arrays["adj"].shape != (num_nodes, num_nodes):
            raise _shape("adj", arrays["adj"], f"({num_nodes}, {num_nodes})")
        return np.stack(np.nonzero(np.nan_to_num(arrays["adj"])))
    return None


def _shape(key: str, array: np.ndarray, wanted: str) -> InputError:
    return InputError(
        "UP-E09", "Row does not fit", f'"{key}" has the shape {array.shape}.', f"I need {wanted}."
    )


def _headers(arrays: Mapping[str, np.ndarray], key: str, width: int) -> list[str]:
    names = arrays.get(f"{key}_names")
    if names is None or names.shape != (width,) or names.dtype.kind != "U":
        first = {"node": "v", "edge": "e", "global": "u", "target": "y"}[key]
        if key == "target" and 1 < width <= len(AXES):
            return [f"{first}_{axis}" for axis in AXES[:width]]
        return [f"{first}{place + 1}" for place in range(width)]
    return [printable(shorten(one, 60)) for one in names.tolist()]


def _dense(arrays: Mapping[str, np.ndarray], node: np.ndarray, ends: np.ndarray | None) -> Tables:
    """Samples that all have the same graph."""
    num, num_nodes, _ = node.shape
    num_edges = 0 if ends is None else ends.shape[1]

    def ids(rows: int, **each: np.ndarray) -> dict[str, np.ndarray]:
        found = {role: np.tile(one, num).astype(str) for role, one in each.items()}
        return {"sample": np.repeat(np.arange(num), rows).astype(str)} | found

    def cells(key: str, rows: int) -> np.ndarray:
        array = arrays[key]
        if array.shape[:2] == (num, rows) and array.ndim in (2, 3):
            return array.reshape(num * rows, -1)
        if array.ndim == 2 and len(array) == rows:
            return np.tile(array, (num, 1))
        raise _shape(key, array, f"({num}, {rows}, columns)")

    level = {
        "node": (num_nodes, ids(num_nodes, node=np.arange(num_nodes))),
        "graph": (1, ids(1)),
    }
    tables = {"node": (level["node"][1], node.reshape(num * num_nodes, -1))}
    if ends is not None:
        level["edge"] = (num_edges, ids(num_edges, source=ends[0], target=ends[1]))
        values = cells("edge", num_edges) if "edge" in arrays else np.zeros((num * num_edges, 0))
        tables["edge"] = (level["edge"][1], values)
    if "global" in arrays:
        if len(arrays["global"]) != num:
            raise _shape("global", arrays["global"], f"({num}, quantities)")
        tables["global"] = (level["graph"][1], arrays["global"].reshape(num, -1))
    target = arrays["target"]
    fits = [name for name, (rows, _) in level.items() if target.shape[1:2] == (rows,)]
    said = _said_level(arrays)
    chosen = said or (fits[0] if fits and target.ndim in (2, 3) else "graph")
    if chosen not in level or len(target) != num:
        raise _shape("target", target, f"({num}, nodes or edges, components)")
    rows, named = level[chosen]
    tables["target"] = (named, target.reshape(num, -1) if rows == 1 else cells("target", rows))
    return tables


def _flat(arrays: Mapping[str, np.ndarray], node: np.ndarray, ends: np.ndarray | None) -> Tables:
    """Samples with different graphs, one after the other."""
    graph = arrays["node_graph"]
    if graph.shape != (len(node),) or (graph != np.round(graph)).any():
        raise _shape("node_graph", graph, f"({len(node)},) of whole numbers")
    sample = graph.astype(int)
    level = {"node": {"sample": sample.astype(str), "node": np.arange(len(node)).astype(str)}}
    tables: Tables = {"node": (level["node"], node)}
    if ends is not None:
        of_edge = sample[np.clip(ends[1], 0, len(node) - 1)] if len(node) else ends[1]
        level["edge"] = {
            "sample": of_edge.astype(str), "source": ends[0].astype(str),
            "target": ends[1].astype(str),
        }  # fmt: skip
        tables["edge"] = (level["edge"], _rows_of(arrays, "edge", ends.shape[1]))
    num = int(sample.max(initial=-1)) + 1
    level["graph"] = {"sample": np.arange(num).astype(str)}
    if "global" in arrays:
        tables["global"] = (level["graph"], _rows_of(arrays, "global", num))
    counts = {name: len(next(iter(ids.values()))) for name, ids in level.items()}
    fits = [name for name, count in counts.items() if count == len(arrays["target"])]
    chosen = _said_level(arrays) or (fits[0] if fits else "graph")
    if chosen not in level:
        raise _shape("target", arrays["target"], "a row for each node, edge or sample")
    tables["target"] = (level[chosen], _rows_of(arrays, "target", counts[chosen]))
    return tables


def _rows_of(arrays: Mapping[str, np.ndarray], key: str, rows: int) -> np.ndarray:
    """(rows, columns) of a key, without columns when it is absent."""
    array = arrays.get(key, np.zeros((rows, 0)))
    if array.ndim not in (1, 2) or len(array) != rows:
        raise _shape(key, array, f"({rows}, columns)")
    return array.reshape(rows, -1) if array.ndim == 1 else array


def _said_level(arrays: Mapping[str, np.ndarray]) -> str:
    """The level that the file names, empty when it names none."""
    said = arrays.get("target_level")
    text = str(said.reshape(-1)[0]) if said is not None and said.size else ""
    return text if text in ("node", "edge", "graph") else ""
