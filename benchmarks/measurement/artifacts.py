"""Models for the embedded graphs: the trained ones, and random ones of the same sizes for the rest.

Random weights cost the same time and memory per run; only the number of runs that a search for
evidence needs depends on what a model has learned, so tables say which kind was measured.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from core.configs import red_gnn_config
from core.errors import ArtifactError
from core.export.artifact import today, versions, write_artifact
from core.export.relational import export_relational, parity_relational
from core.function.relational import RelationalGNN
from core.serving.artifact import Card, DataState
from core.serving.graphs import GraphEntry
from core.serving.kg_question import find_model
from core.serving.session import Session
from core.settings import settings

CONFIGS = {"royals": "family"}


@contextmanager
def served_models(entries: tuple[GraphEntry, ...], *, quick: bool) -> Iterator[dict[str, str]]:
    """From graph id to the name of a model that answers it; random models vanish afterwards.

    Args:
        entries: graphs to answer.
        quick: small random models for all.
    """
    root = settings().home / "trained"
    made: list[Path] = []
    names = {}
    try:
        for entry in entries:
            if not quick and _is_trained(entry.model):
                names[entry.id] = entry.model
                continue
            names[entry.id] = f"random-{entry.id}"
            made.append(root / names[entry.id])
            _write_random(root, names[entry.id], entry, quick=quick)
        yield names
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def _is_trained(name: str) -> bool:
    try:
        find_model(name)
    except ArtifactError:
        return False
    return True


def _write_random(root: Path, name: str, entry: GraphEntry, *, quick: bool) -> None:
    graph = entry.load()
    sizes = {"num_layers": 2, "hidden_dim": 8} if quick else {}
    config = red_gnn_config(CONFIGS.get(entry.id, entry.id), **sizes)
    torch.manual_seed(0)
    network = RelationalGNN(
        graph.num_relations,
        num_layers=config.num_layers,
        hidden_dim=config.hidden_dim,
        attention_dim=config.attention_dim,
        activation=config.activation,
    ).eval()
    model = export_relational(network)
    card = Card(
        name=name,
        method="redgnn",
        task="kg_reasoning",
        title=f"Random weights for {graph.name}",
        config=asdict(config),
        data=DataState(graph.name, graph.name, graph.digest, "", "", "none"),
        metrics=(),
        seed=0,
        num_parameters=sum(parameter.numel() for parameter in network.parameters()),
        training_s=0.0,
        hardware="",
        versions=versions(),
        citations=(),
        files={},
        parity=parity_relational(network, Session(model, "cpu")),
        created=today(),
    )
    knowledge = {
        "num_layers": config.num_layers,
        "hidden_dim": config.hidden_dim,
        "max_new_nodes": 0,
        "relations": list(graph.relations),
        "relation_names": list(graph.relation_names),
    }
    write_artifact(root, {"model.onnx": model}, knowledge, card)
