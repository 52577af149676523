"""Artifacts with small hand-made models that have the inputs and outputs of trained ones.

The encoder averages a random vector per element and random vectors per kind of bond over the atoms
of a molecule. PAR's file compares a question with the class means; PACIA's task is a scale of the
elements' vectors. Nothing is trained, and every number can be worked out with numpy.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.export.artifact import write_artifact
from core.knowledge.calibration import PredictionSets, Temperature
from core.serving import few_shot, molecular_property
from core.serving.artifact import Card, DataState, Metric
from core.serving.few_shot import PACIA_WIDTH
from core.serving.molecule_table import Lists, parse_text
from core.settings import settings

DIM = 8
LAYERS = 2
ELEMENTS = [0, 5, 6, 7, 8, 15, 16]  # H C N O F S Cl
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
GRAPH = {
    "atoms": (INT, ["A", 2]),
    "bonds": (FLOAT, ["A", 9]),
    "source": (INT, ["E"]),
    "target": (INT, ["E"]),
    "molecule": (INT, ["A"]),
    "sizes": (FLOAT, ["M"]),
}
RNG = np.random.default_rng(5)
OF_ELEMENT = RNG.normal(size=(120, DIM)).astype(np.float32)
OF_BOND = (0.5 * RNG.normal(size=(9, DIM))).astype(np.float32)


def _model(nodes, inputs, outputs, constants) -> bytes:
    given = [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()]
    found = [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in outputs.items()]
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "toy", given, found, kept)
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def _encode(scale: str | None = None):
    """Nodes from a batch to ``pooled`` (M, DIM) and their constants."""
    node = helper.make_node
    nodes = [
        node("Gather", ["atoms", "zero"], ["element"], axis=1),
        node("Gather", ["of_element", "element"], ["own"]),
        node("MatMul", ["bonds", "of_bond"], ["around"]),
        node("Add", ["own", "around"], ["state"]),
        *([node("Mul", ["state", scale], ["scaled"])] if scale else []),
        node("Relu", ["scaled" if scale else "state"], ["active"]),
        node("Unsqueeze", ["molecule", "one"], ["rows"]),
        node("Shape", ["sizes"], ["count"]),
        node("Concat", ["count", "dim"], ["shape"], axis=0),
        node("ConstantOfShape", ["shape"], ["empty"]),
        node("ScatterND", ["empty", "rows", "active"], ["sum"], reduction="add"),
        node("Unsqueeze", ["sizes", "one"], ["column"]),
        node("Div", ["sum", "column"], ["pooled"]),
    ]
    constants = {
        "of_element": OF_ELEMENT, "of_bond": OF_BOND, "zero": np.int64(0),
        "one": np.array([1], np.int64), "dim": np.array([DIM], np.int64),
    }  # fmt: skip
    return nodes, constants


@cache
def encoder() -> bytes:
    """embeddings (M, DIM) of a batch."""
    nodes, constants = _encode()
    nodes.append(helper.make_node("Identity", ["pooled"], ["embeddings"]))
    return _model(nodes, GRAPH, {"embeddings": ["M", DIM]}, constants)


@cache
def par() -> bytes:
    """probability (Q,) = sigmoid(4 query · (active mean − inactive mean)), relations (Q, S)."""
    node = helper.make_node
    nodes = [
        node("ReduceSum", ["classes", "first"], ["counts"], keepdims=0),
        node("Transpose", ["classes"], ["by_class"], perm=[1, 0]),
        node("MatMul", ["by_class", "support"], ["sums"]),
        node("Unsqueeze", ["counts", "last"], ["column"]),
        node("Div", ["sums", "column"], ["means"]),
        node("MatMul", ["sign", "means"], ["direction"]),  # (DIM,)
        node("MatMul", ["query", "direction"], ["towards"]),
        node("Mul", ["towards", "four"], ["logit"]),
        node("Sigmoid", ["logit"], ["probability"]),
        node("Transpose", ["support"], ["turned"], perm=[1, 0]),
        node("MatMul", ["query", "turned"], ["alike"]),
        node("Sigmoid", ["alike"], ["relations"]),
    ]
    rows = {name: (FLOAT, [n, DIM]) for name, n in
            (("support", "S"), ("anchors", "N"), ("query", "Q"))}  # fmt: skip
    return _model(
        nodes,
        {**rows, "classes": (FLOAT, ["S", 2])},
        {"probability": ["Q"], "relations": ["Q", "S"]},
        {"first": np.array([0], np.int64), "last": np.array([1], np.int64),
         "sign": np.array([-1, 1], np.float32), "four": np.float32(4)},
    )  # fmt: skip


@cache
def pacia() -> tuple[bytes, bytes]:
    """task.onnx and model.onnx.

    The adapter is 1 plus the difference of the class means in its first row and zeros elsewhere;
    the questions' states are scaled by it, and the logit is their sum (depth 1) or half of it
    (depth 2); depth 2 is preferred by molecules whose first number is positive.
    """
    node = helper.make_node
    nodes, constants = _encode()
    nodes += [
        node("Transpose", ["counts"], ["by_class"], perm=[1, 0]),
        node("MatMul", ["by_class", "pooled"], ["sums"]),
        node("ReduceSum", ["counts", "first"], ["given"], keepdims=0),
        node("Unsqueeze", ["given", "one"], ["class_column"]),
        node("Div", ["sums", "class_column"], ["means"]),
        node("MatMul", ["sign", "means"], ["difference"]),
        node("Expand", ["difference", "adapter_shape"], ["adapter"]),
        node("Pad", ["pooled", "pads"], ["support"]),
    ]
    constants |= {
        "first": np.array([0], np.int64), "sign": np.array([-1, 1], np.float32),
        "adapter_shape": np.array([LAYERS, 2, DIM], np.int64),
        "pads": np.array([0, 0, 0, PACIA_WIDTH - DIM], np.int64),
    }  # fmt: skip
    task = _model(
        nodes,
        {**GRAPH, "counts": (FLOAT, ["S", 2])},
        {"adapter": [LAYERS, 2, DIM], "support": ["S", PACIA_WIDTH]},
        constants,
    )
    nodes, constants = _encode()
    nodes += [
        node("Gather", ["adapter", "zero"], ["layer"], axis=0),
        node("Gather", ["layer", "zero"], ["direction"], axis=0),
        node("MatMul", ["pooled", "direction"], ["towards"]),
        node("Unsqueeze", ["towards", "axis"], ["wide"]),  # (Q, 1)
        node("Slice", ["pooled", "start", "end", "axis"], ["number"]),  # (Q, 1)
        node("Greater", ["number", "nothing"], ["deep"]),
        node("Where", ["deep", "half", "whole"], ["scale"]),
        node("Mul", ["wide", "scale"], ["scaled"]),
        node("Mul", ["scaled", "both"], ["logits"]),  # (Q, 2)
        node("Mul", ["number", "both"], ["preferred"]),
        node("Softmax", ["preferred"], ["depth"], axis=-1),
        node("Pad", ["pooled", "pads"], ["asked"]),
        node("Transpose", ["support"], ["turned"], perm=[1, 0]),
        node("MatMul", ["asked", "turned"], ["alike"]),
        node("Sigmoid", ["alike"], ["relations"]),
        node("ReduceSum", ["counts", "places01"], ["unused"], keepdims=0),
    ]
    constants |= {
        "nothing": np.array([0], np.float32), "half": np.array([0.5], np.float32),
        "whole": np.array([1], np.float32),
        "start": np.array([0], np.int64), "end": np.array([1], np.int64),
        "axis": np.array([1], np.int64), "both": np.array([[-1, 1]], np.float32),
        "pads": np.array([0, 0, 0, PACIA_WIDTH - DIM], np.int64),
        "places01": np.array([0, 1], np.int64),
    }  # fmt: skip
    model = _model(
        nodes,
        {**GRAPH, "adapter": (FLOAT, [LAYERS, 2, DIM]), "support": (FLOAT, ["S", PACIA_WIDTH]),
         "counts": (FLOAT, ["S", 2])},
        {"logits": ["Q", 2], "depth": ["Q", 2], "relations": ["Q", "S"], "unused": []},
        constants,
    )  # fmt: skip
    onnx.checker.check_model(onnx.load_from_string(model))
    return task, model


def knowledge(**more):
    """What an artifact says about its training; calibrated for ten known molecules per class."""
    calibration = {
        "temperature": Temperature(1.0, 100, 0.7, 0.7).to_json(),
        "sets": PredictionSets(0.9, 0.3, 100).to_json(),
        "coverage": 0.887,
        "protocol": "toy",
    }
    methods = ("protonet", "ridge", "nearest", "forest", "par", "pacia")
    return {
        "encoder": {"hidden_dim": DIM, "num_layers": LAYERS},
        "elements": ELEMENTS,
        "calibration": {name: {"10": calibration} for name in methods},
        "domain": [
            {"name": "inside", "low": 0.4, "high": 1.0, "auc": 0.8, "num": 10},
            {"name": "border", "low": 0.25, "high": 0.4, "auc": 0.7, "num": 10},
            {"name": "outside", "low": 0.0, "high": 0.25, "auc": 0.6, "num": 10},
        ],
        **more,
    }


def card(method: str, name: str) -> Card:
    """A card with one figure per number of shots."""
    metrics = tuple(
        Metric(figure, f"test {shots}-shot", value, 0.0, (0,), "toy")
        for shots, value in ((1, 0.6), (10, 0.7))
        for figure in ("auc", "auc, nearest neighbours")
    )
    return Card(
        name, method, "molecular_property", f"{method} on toys", {},
        DataState("toy", "Toys", "0" * 64, "none", "", "toy"), metrics, 0, 1_234, 1.0,
        "a processor", {}, (), {}, 0.0, "2026-01-01",
    )  # fmt: skip


def write_artifacts(root: Path, *methods: str, **more: object) -> Path:
    """Folders <method>-toy below `root`; `more` goes into what they know."""
    for method in methods:
        rest = {"scale": 1.0} if method == "protonet" else {"num_adapted": 2 * LAYERS * DIM}
        models = {"model.onnx": encoder()}
        if method == "par":
            models["adapt.onnx"] = par()
        if method == "pacia":
            models["task.onnx"], models["model.onnx"] = pacia()
        write_artifact(root, models, knowledge(**rest | more), card(method, f"{method}-toy"))
    return root


def serve_from(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Let serving look for artifacts in `root` and forget earlier answers."""
    place = replace(settings(), trained=root)
    patch.setattr("core.serving.artifact.settings", lambda: place)
    patch.setattr("core.serving.few_shot.settings", lambda: place)
    few_shot._artifact.cache_clear()
    molecular_property._answer.cache_clear()
    molecular_property._first.cache_clear()


def lists_of(active: str, inactive: str, candidate: str) -> Lists:
    """Three lists as pasted."""
    return Lists(parse_text(active), parse_text(inactive), parse_text(candidate))


NITRO = "\n".join(f"O=[N+]([O-])c1ccccc1{tail} nitro-{n}" for n, tail in enumerate(
    ("", "C", "CC", "OC")))  # fmt: skip
PLAIN = "\n".join(f"{smiles} plain-{n}" for n, smiles in enumerate(
    ("OCCO", "OCC(O)CO", "CCCCO", "OCCCCO")))  # fmt: skip
ASKED = "O=[N+]([O-])c1ccc(Cl)cc1 chloro\nOCC(O)C(O)CO sugar\nc1ccccc1CCO phenyl\nCCOCC ether"
