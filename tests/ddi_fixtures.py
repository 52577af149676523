"""A small EmerGNN that was never trained, for tests that only need *some* model to answer.

Use: ``from tests.ddi_fixtures import untrained_models`` and name the fixture in the test.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from core.data.resemblance import with_resemblance
from core.data.starter_network import load_starter
from core.export.artifact import today, write_artifact
from core.export.flow import export_flow
from core.function.flow import FlowGNN
from core.knowledge.interactions import DrugNetwork
from core.serving import ddi_case, ddi_networks
from core.serving.artifact import Card, DataState, Metric
from core.settings import settings

HIDDEN_DIM = 16
PLUS = {"path": 0.7, "vote": 0.6, "exponent": 4.0, "order": {"vote": 0.7, "path": 0.3}}
# invented figures, only to be found again in texts
ACCURACY = {
    "test S0": 0.91, "test S1": 0.77, "test S1, path in the network": 0.81, "test S2": 0.48,
}  # fmt: skip


def write_untrained(
    root: Path,
    network: DrugNetwork,
    name: str,
    setting: str,
    *,
    seed: int = 0,
    plus: Mapping[str, object] = PLUS,
) -> None:
    """Export a randomly initialised model, with invented figures in its card.

    Args:
        root: folder of artifacts.
        network: with the resemblance computed from structures.
        name: of the artifact.
        setting: S1 or S2.
        seed: of the weights.
        plus: weights of network and vote.
    """
    torch.manual_seed(seed)
    num_relations = network.num_types + network.num_relations
    module = FlowGNN(network.num_types, num_relations, hidden_dim=HIDDEN_DIM)
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
        "plus": dict(plus),
        "sets": {"level": 0.9, "threshold": 0.04, "num_pairs": 500},
    }
    figures = [("plus accuracy", split, value) for split, value in ACCURACY.items()]
    figures += [("vote accuracy", "test S1", 0.66), ("coverage", "test S1", 0.89)]
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
    write_artifact(root, {"model.onnx": export_flow(module)}, knowledge, card)


@cache
def _trained() -> TemporaryDirectory:
    """A folder with an S1 model of the starter network, written once per run."""
    folder = TemporaryDirectory(prefix="parsimony-ddi-")
    network = with_resemblance(load_starter().network)
    write_untrained(Path(folder.name), network, "emergnn-starter-s1", "S1")
    return folder


@pytest.fixture
def untrained_models(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of artifacts with a random model for the starter network, served in this test."""
    monkeypatch.setenv("PARSIMONY_TRAINED", _trained().name)
    forget()
    yield Path(_trained().name)
    monkeypatch.undo()
    forget()


def forget() -> None:
    """Drop what was cached under other settings."""
    settings.cache_clear()
    ddi_networks._context.cache_clear()
    ddi_case._open_case.cache_clear()
