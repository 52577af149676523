import numpy as np
import pytest
import torch

from core.export.molecules import export_encoder, parity_encoder, random_feeds
from core.function.gin import GinEncoder
from core.serving.session import Session


@pytest.fixture(scope="module")
def encoder() -> GinEncoder:
    torch.manual_seed(0)
    return GinEncoder(16, 3).eval()


@pytest.fixture(scope="module")
def session(encoder) -> Session:
    return Session(export_encoder(encoder), "cpu")


def test_onnx_runtime_equals_torch_at_other_sizes(encoder, session):
    assert parity_encoder(encoder, session) < 1e-5


def test_fifty_runs_are_identical(session):
    feeds = random_feeds(60, 20)
    [first] = session.run(feeds, ["embeddings"])
    assert all(np.array_equal(session.run(feeds, ["embeddings"])[0], first) for _ in range(49))


def test_random_molecules_have_each_bond_twice():
    feeds = random_feeds(5, 30)
    pairs = set(zip(feeds["source"].tolist(), feeds["target"].tolist(), strict=True))
    assert pairs == {(b, a) for a, b in pairs}
    assert len(feeds["sizes"]) == 5
