import json

import pytest

from core.errors import ArtifactError
from core.serving.artifact import Card, list_artifacts, load_artifact, sha256_of


@pytest.fixture
def folder(tmp_path):
    """A small artifact written by hand."""
    place = tmp_path / "redgnn-small"
    place.mkdir()
    (place / "model.onnx").write_bytes(b"not opened here")
    (place / "knowledge.json").write_text('{"relations": ["r"]}')
    card = {
        "name": "redgnn-small",
        "method": "redgnn",
        "task": "kg_reasoning",
        "title": "small",
        "config": {"num_layers": 2},
        "data": {
            "name": "toy",
            "title": "Toy",
            "sha256": "0",
            "licence": "none",
            "url": "",
            "split": "all",
        },
        "metrics": [
            {
                "name": "mrr",
                "split": "test",
                "value": 0.5,
                "std": 0.1,
                "seeds": [0, 1],
                "protocol": "filtered",
                "paper": None,
                "paper_source": "",
            }
        ],
        "seed": 0,
        "num_parameters": 10,
        "training_s": 1.5,
        "hardware": "a machine",
        "versions": {"numpy": "2"},
        "citations": ["A. Author"],
        "files": {name: sha256_of(place / name) for name in ("model.onnx", "knowledge.json")},
        "parity": 0.0,
        "created": "2026-01-01",
        "card_version": 1,
    }
    (place / "card.json").write_text(json.dumps(card))
    return place


def test_card_round_trip(folder):
    artifact = load_artifact("redgnn-small", folder.parent)
    assert Card.from_json(artifact.card.to_json()) == artifact.card
    assert artifact.card.metric("mrr").seeds == (0, 1)
    assert artifact.card.metric("mrr", "valid") is None
    assert artifact.knowledge == {"relations": ["r"]}


@pytest.mark.parametrize("name", ["model.onnx", "knowledge.json"])
def test_a_changed_file_is_refused(folder, name):
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ArtifactError, match=rf"{name} does not match its card \(sha256 differs\)"):
        load_artifact("redgnn-small", folder.parent)
    [(found, error)] = list_artifacts(folder.parent)
    assert found == "redgnn-small"
    assert isinstance(error, ArtifactError)


def test_a_missing_file_is_refused(folder):
    (folder / "model.onnx").unlink()
    with pytest.raises(ArtifactError, match=r"model\.onnx is missing"):
        load_artifact("redgnn-small", folder.parent)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"name": "x"}', "[]"])
def test_a_damaged_card_is_refused(folder, text):
    (folder / "card.json").write_text(text)
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_artifact("redgnn-small", folder.parent)


def test_an_unknown_name_lists_what_is_there(folder):
    with pytest.raises(ArtifactError, match=r"no trained model 'x'\. Known: redgnn-small"):
        load_artifact("x", folder.parent)
