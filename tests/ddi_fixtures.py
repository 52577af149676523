"""A small EmerGNN that was never trained, for tests that only need *some* model to answer.

Use: ``from tests.ddi_fixtures import untrained_models`` and name the fixture in the test.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.export.artifact import today, write_artifact
from core.export.onnx import to_onnx
from core.function.flow import FINGERPRINT_BITS, FlowGNN, FlowStep
from core.knowledge.flow import FLOW_INPUTS, FlowGraph, PairIndex, collapse, flow_feeds
from core.knowledge.interactions import DrugNetwork
from core.serving import ddi_case, ddi_networks
from core.serving.artifact import Card, DataState, Metric
from core.settings import settings

HIDDEN_DIM = 16
# invented figures, only to be found again in texts
ACCURACY = {"test S0": 0.91, "test S1": 0.77, "test S1 has path": 0.81, "test S2": 0.48}


class _Plus(nn.Module):
    """The outputs of an EmerGNN+ artifact: logits, attention, structure."""

    OUTPUTS = ("logits", "attention", "structure")

    def __init__(self, network: FlowGNN, num_types: int) -> None:
        super().__init__()
        self.step = FlowStep(network)
        self.structure = nn.Linear(2 * FINGERPRINT_BITS, num_types)

    def forward(
        self, head: Tensor, tail: Tensor, lists: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        found = self.step(head, tail, lists)
        return found[0], found[1], self.structure(torch.cat([head, tail], 1))


def write_untrained(
    root: Path, network: DrugNetwork, name: str, setting: str, *, seed: int = 0
) -> None:
    """Export a randomly initialised model for a network, with invented figures in its card."""
    torch.manual_seed(seed)
    num_relations = network.num_types + network.num_relations
    flow = FlowGNN(network.num_types, num_relations, hidden_dim=HIDDEN_DIM)
    module = _Plus(flow, network.num_types).eval()
    model = to_onnx(
        module,
        _example(num_relations),
        _Plus.OUTPUTS,
        dynamic=dict.fromkeys(("head", "tail", *FLOW_INPUTS), (0,)),
    )
    knowledge = {
        "network": network.name,
        "split": "starter",
        "setting": setting,
        "hidden_dim": HIDDEN_DIM,
        "num_relations": num_relations,
        "num_fact_types": network.num_types,
        "types": [one.id for one in network.types],
        "relations": [one.id for one in network.relations],
        "temperature": 1.5,
        "plus": {"path": 0.7, "vote": 0.6, "exponent": 4.0},
        "sets": {"level": 0.9, "threshold": 0.04, "num_pairs": 500},
    }
    figures = [("accuracy", split, value) for split, value in ACCURACY.items()]
    figures += [("vote accuracy", "test S1", 0.66), ("coverage 90", "test S1", 0.89)]
    card = Card(
        name=name,
        method="emergnn",
        task="drug_interaction",
        title="Never trained",
        config={},
        data=DataState(network.name, network.source.title, "", network.source.licence, "", ""),
        metrics=tuple(
            Metric(metric, split, value, 0.0, (seed,), "invented")
            for metric, split, value in figures
        ),
        seed=seed,
        num_parameters=sum(one.numel() for one in module.parameters()),
        training_s=0.0,
        hardware="none",
        versions={},
        citations=(),
        files={},
        parity=0.0,
        created=today(),
    )
    write_artifact(root, model, knowledge, card)


@cache
def _trained() -> TemporaryDirectory:
    """A folder with an S1 model of the starter network, written once per run."""
    folder = TemporaryDirectory(prefix="parsimony-ddi-")
    network = ddi_networks.load_starter().network
    write_untrained(Path(folder.name), network, "emergnn-starter-s1", "S1")
    return folder


@pytest.fixture
def untrained_models(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of artifacts with a random model for the starter network, served in this test."""
    monkeypatch.setenv("PARSIMONY_TRAINED", _trained().name)
    _forget()
    yield Path(_trained().name)
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    """Drop what was cached under other settings."""
    settings.cache_clear()
    ddi_networks._context.cache_clear()
    ddi_case._open_case.cache_clear()


def _example(num_relations: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    facts = np.unique(rng.integers(0, [60, num_relations, 60], (600, 3)), axis=0)
    graph = FlowGraph.prepare(facts, 60, 0, num_relations, 10)
    flows = collapse(PairIndex(graph).subgraphs(np.arange(5), np.arange(5, 10)))
    bits = (rng.random((2, 5, FINGERPRINT_BITS)) < 0.05).astype(np.float32)
    return {"head": bits[0], "tail": bits[1], **flow_feeds(*flows)}
