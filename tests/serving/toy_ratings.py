"""An artifact with small hand-made networks that have the inputs and outputs of trained ones.

score = bias + mean over given ratings of (rating − bias of its item) · (1 + taste · taste), so that
both the level and the taste of a user count, and every number can be worked out with numpy. phi is
the user's taste: the mean of (rating − bias) times the item's taste, in each of its four rows.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.export.artifact import write_artifact
from core.knowledge.modulation import RELEASED
from core.serving.artifact import Card, DataState, Metric
from core.settings import settings

NUM, WIDTH = 24, 3
NAME = "coldnas-toy"
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
RNG = np.random.default_rng(7)
BIAS = np.round(RNG.uniform(4, 8, NUM), 2).astype(np.float32)
TASTE = np.round(RNG.normal(size=(NUM, WIDTH)), 2).astype(np.float32)
GENRES = ("Comedy", "Drama", "Horror", "Sci-Fi")
DECADES = ("1970s", "1980s", "1990s")
TITLES = tuple(f"Film {row:02d} ({1970 + row})" for row in range(NUM))
IDS = tuple(f"f{row:02d}" for row in range(NUM))


def model(taste: np.ndarray = TASTE) -> bytes:
    """The network; without taste only the level counts."""
    node = helper.make_node
    nodes = [
        node("Gather", ["bias", "support_item"], ["support_bias"]),
        node("Sub", ["support_rating", "support_bias"], ["residual"]),
        node("Mul", ["residual", "support_mask"], ["masked"]),
        node("ReduceSum", ["support_mask", "axis"], ["count"], keepdims=1),
        node("Max", ["count", "unit"], ["atleast"]),
        node("Div", ["masked", "atleast"], ["share"]),  # (b, n)
        node("ReduceSum", ["share", "axis"], ["level"], keepdims=1),  # (b, 1)
        node("Gather", ["taste", "support_item"], ["support_taste"]),  # (b, n, k)
        node("Unsqueeze", ["share", "axis"], ["column"]),  # (b, 1, n)
        node("MatMul", ["column", "support_taste"], ["user_taste"]),  # (b, 1, k)
        node("Tile", ["user_taste", "repeats"], ["phi"]),  # (b, 4, k)
        node("Gather", ["taste", "candidate_item"], ["item_taste"]),  # (b, m, k)
        node("Mul", ["item_taste", "user_taste"], ["products"]),
        node("ReduceSum", ["products", "last"], ["liking"], keepdims=0),  # (b, m)
        node("Gather", ["bias", "candidate_item"], ["item_bias"]),
        node("Add", ["item_bias", "level"], ["levelled"]),
        node("Add", ["levelled", "liking"], ["score"]),
    ]
    constants = {
        "bias": BIAS, "taste": taste, "axis": np.array([1], np.int64), "unit": np.float32(1),
        "last": np.array([2], np.int64), "repeats": np.array([1, 4, 1], np.int64),
    }  # fmt: skip
    given = {
        "support_item": (INT, ["b", "n"]), "support_rating": (FLOAT, ["b", "n"]),
        "support_mask": (FLOAT, ["b", "n"]), "candidate_item": (INT, ["b", "m"]),
    }  # fmt: skip
    found = {"score": ["b", "m"], "phi": ["b", 4, WIDTH]}
    return _serialised(nodes, given, found, constants)


def _serialised(nodes, given, found, constants) -> bytes:
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, *kind) for name, kind in given.items()],
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in found.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=10)
    onnx.checker.check_model(made)
    return made.SerializeToString()


GENRE_TASTE = np.round(RNG.normal(size=(5, WIDTH)), 2).astype(np.float32)
GENRE_TASTE[-1] = 0  # no value


def item_model() -> bytes:
    """vectors = factors + mean over both places of the genres' tastes; decades do not count."""
    node = helper.make_node
    nodes = [
        node("Gather", ["genre_taste", "field_0"], ["tastes"]),  # (n, 2, k); -1 is the last row
        node("ReduceMean", ["tastes", "axis"], ["mean"], keepdims=0),
        node("Add", ["factors", "mean"], ["liked"]),
        node("Unsqueeze", ["bias", "axis"], ["column"]),
        node("Mul", ["column", "nothing"], ["unused"]),
        node("Add", ["liked", "unused"], ["vectors"]),
    ]
    given = {
        "bias": (FLOAT, ["n"]), "factors": (FLOAT, ["n", WIDTH]), "field_0": (INT, ["n", 2]),
        "field_1": (INT, ["n", 1]),
    }  # fmt: skip
    constants = {"genre_taste": GENRE_TASTE, "axis": np.array([1], np.int64),
                 "nothing": np.float32(0)}  # fmt: skip
    return _serialised(nodes, given, {"vectors": ["n", WIDTH]}, constants)


def scorer_model(*, resembling: bool = False) -> bytes:
    """`model` with vectors and means in place of rows; one that looks for resemblance adds it."""
    node = helper.make_node
    nodes = [
        node("Sub", ["support_rating", "support_bias"], ["residual"]),
        node("Mul", ["residual", "support_mask"], ["masked"]),
        node("ReduceSum", ["support_mask", "axis"], ["count"], keepdims=1),
        node("Max", ["count", "unit"], ["atleast"]),
        node("Div", ["masked", "atleast"], ["share"]),
        node("ReduceSum", ["share", "axis"], ["level"], keepdims=1),
        node("Unsqueeze", ["share", "axis"], ["column"]),
        node("MatMul", ["column", "support"], ["user_taste"]),
        node("Tile", ["user_taste", "repeats"], ["phi"]),
        node("Mul", ["candidate", "user_taste"], ["products"]),
        node("ReduceSum", ["products", "last"], ["liking"], keepdims=0),
        node("Add", ["candidate_bias", "level"], ["levelled"]),
        node("Add", ["levelled", "liking"], ["known" if resembling else "score"]),
    ]
    if resembling:
        nodes += [
            node("Mul", ["resemblance", "column"], ["told"]),  # (b, m, n)
            node("ReduceSum", ["told", "last"], ["alike"], keepdims=0),
            node("Add", ["known", "alike"], ["score"]),
        ]
    given = {
        "support": (FLOAT, ["b", "n", WIDTH]), "support_bias": (FLOAT, ["b", "n"]),
        "support_rating": (FLOAT, ["b", "n"]), "support_mask": (FLOAT, ["b", "n"]),
        "candidate": (FLOAT, ["b", "m", WIDTH]), "candidate_bias": (FLOAT, ["b", "m"]),
    }  # fmt: skip
    if resembling:
        given["resemblance"] = FLOAT, ["b", "m", "n"]
    constants = {"axis": np.array([1], np.int64), "unit": np.float32(1),
                 "last": np.array([2], np.int64),
                 "repeats": np.array([1, 4, 1], np.int64)}  # fmt: skip
    return _serialised(nodes, given, {"score": ["b", "m"], "phi": ["b", 4, WIDTH]}, constants)


def expected(items, ratings, candidates) -> np.ndarray:
    """Scores (m,) of one user, worked out without ONNX."""
    items, candidates = np.asarray(items, int), np.asarray(candidates, int)
    residual = np.asarray(ratings, float) - BIAS[items]
    level = residual.mean() if len(items) else 0.0
    taste = (residual[:, None] * TASTE[items]).mean(0) if len(items) else np.zeros(WIDTH)
    return BIAS[candidates] + level + TASTE[candidates] @ taste


def knowledge(**more):
    """What the artifact says about itself."""
    genres = [sorted({row % 4, (row // 4) % 4}) for row in range(NUM)]
    decades = {
        "name": "decade",
        "values": list(DECADES),
        "rows": [[row // 10] for row in range(NUM)],
    }
    widths = [0.0, 0.5, 1.0, 1.5, 2.0]
    return {
        "catalogue": {
            "ids": list(IDS), "titles": list(TITLES),
            "fields": [
                {"name": "genres", "values": list(GENRES), "rows": genres},
                decades,
            ],
        },
        "item_fields": [
            {"name": "genres", "values": list(GENRES), "rows": genres, "width": 2},
            decades | {"width": 1},
        ],
        "scale": {"low": 1.0, "high": 10.0, "step": 1.0},
        "words": {"user": "viewer", "item": "film", "rating": "rating"},
        "structure": RELEASED.to_json(),
        "gates": [[0.1, 0.1, 0.1, 0.9], [0.1, 0.1, 0.1, 0.8], [0.7, 0.1, 0.1, 0.6], [0.1] * 4],
        "search": {
            "trials": [{"structure": RELEASED.to_json(), "size": 4, "valid_mse": 2.1,
                        "seconds": 3.0}],
            "seconds": 9.0, "gate_history": [[0.5] * 16, [0.6] * 16],
        },
        "items": {
            "bias": BIAS.tolist(), "count": [100 - row for row in range(NUM)],
            "factors": TASTE.tolist(), "mean": float(BIAS.mean()),
        },
        "fold_in": {"ridge": 5.0, "offset_shrink": 2.0, "factor_mean": [0.0] * WIDTH,
                    "factor_std": [1.0] * WIDTH},
        "intervals": [
            {"given": given, "level": 0.9, "width": width, "coverage": 0.893, "num": 400}
            for given, width in ((0, 3.0), (3, 2.5), (10, 2.0))
        ],
        "curve": [
            {"given": given, "method": method, "mse": start - 0.05 * given, "mae": 1.2,
             "ndcg@3": 0.7, "ndcg@5": 0.72, "recall@10": 0.2}
            for method, start in (("coldnas", 2.5), ("popularity", 2.7), ("melu", 2.6))
            for given in (0, 1, 3, 5, 10)
        ],
        "population": {"phi": np.tile(np.array(widths)[:, None, None] - 1, (1, 4, WIDTH)).tolist()},
        "widths": [WIDTH, 0, 0, 0],
        "rivals": [
            {"method": "coldnas", "parameters": 1234, "adapted": 12, "training_s": 60.0,
             "adapt_ms": 0.5, "measured_on": "a processor"},
            {"method": "melu", "parameters": 5678, "adapted": 900, "training_s": 120.0,
             "adapt_ms": 25.0, "measured_on": "a processor"},
        ],
        **more,
    }  # fmt: skip


def card(name: str = NAME, **more) -> Card:
    """A card with one figure."""
    made = Card(
        name, "coldnas", "recommendation", "ColdNAS on toys", {"num_given": 10},
        DataState("toy", "Toys", "0" * 64, "MIT", "", "toy"),
        (Metric("mse", "test, N=10", 2.0, 0.0, (0,), "toy"),), 0, 1_234, 60.0, "a processor", {},
        (), {}, 0.0, "2026-01-01",
    )  # fmt: skip
    return replace(made, **more)


def write_artifact_at(root: Path, name: str = NAME, **more: object) -> Path:
    """The folder of the artifact below `root`; `more` replaces what it knows."""
    models = {
        "model.onnx": model(), "none.onnx": model(np.zeros_like(TASTE)),
        "items.onnx": item_model(),
        "scorer.onnx": scorer_model(resembling="resemblance" in more),
    }  # fmt: skip
    write_artifact(root, models, knowledge(**more), card(name))
    return root


def serve_from(root: Path, patch) -> None:
    """Let serving look for artifacts in `root`."""
    place = replace(settings(), trained=root, home=root / "home")
    patch.setattr("core.serving.rec_model.settings", lambda: place)
