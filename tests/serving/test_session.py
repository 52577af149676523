"""The session factory, with a model whose sums are wrong on several threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.errors import ArtifactError
from core.serving import session as module
from core.serving.session import Session, open_session


@pytest.fixture(scope="module")
def scatter_model():
    """out = zeros(4, 16) with updates added at unsorted rows."""
    node = helper.make_node("ScatterND", ["data", "rows", "updates"], ["out"], reduction="add")
    graph = helper.make_graph(
        [node],
        "sum",
        [
            helper.make_tensor_value_info("data", TensorProto.FLOAT, [4, 16]),
            helper.make_tensor_value_info("rows", TensorProto.INT64, ["e", 1]),
            helper.make_tensor_value_info("updates", TensorProto.FLOAT, ["e", 16]),
        ],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [4, 16])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return onnx.load_from_string(model.SerializeToString()).SerializeToString()


def feeds():
    rng = np.random.default_rng(0)
    return {
        "data": np.zeros((4, 16), np.float32),
        "rows": rng.integers(0, 4, (100_000, 1)),
        "updates": rng.integers(-3, 4, (100_000, 16)).astype(np.float32),
    }


def test_one_thread_and_the_provider_is_the_real_one(scatter_model):
    session = Session(scatter_model, "cpu")
    assert session.threads == 1
    assert session.provider == "CPUExecutionProvider"


def test_sums_are_right_and_equal_from_eight_threads(scatter_model):
    session, values = Session(scatter_model, "cpu"), feeds()
    expected = np.zeros((4, 16))
    np.add.at(expected, values["rows"][:, 0], values["updates"])
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: session.run(values, ["out"])[0], range(16)))
    for result in results:
        assert (result == expected).all()  # small integers: float32 sums are exact


def test_runs_that_keep_memory_give_the_same_sums(scatter_model):
    session, values = Session(scatter_model, "cpu"), feeds()
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda _: session.run(values, ["out"], keep_memory=True)[0], range(4)))
    for result in kept:
        assert (result == session.run(values, ["out"])[0]).all()


def test_sessions_are_cached_by_content(tmp_path, scatter_model):
    path = tmp_path / "model.onnx"
    path.write_bytes(scatter_model)
    assert open_session(path, "a") is open_session(path, "a")
    assert open_session(path, "b") is not open_session(path, "a")


def test_asking_for_a_gpu_that_is_not_there_says_so(scatter_model, monkeypatch):
    monkeypatch.setattr(module, "_cuda_is_there", lambda: False)
    with pytest.raises(ArtifactError, match="sees no CUDA device"):
        Session(scatter_model, "cuda")
    assert Session(scatter_model, "auto").provider == "CPUExecutionProvider"
