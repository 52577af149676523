"""Everything in the catalogue exists, is documented, tested and shipped."""

import re
from dataclasses import fields
from importlib import import_module

import pytest

from core import catalog
from core.configs import AutoBlmConfig, ColdNasConfig, EmerGnnConfig, RedGnnConfig
from core.serving.artifact import Artifact, list_artifacts
from core.settings import ROOT

METHODS = list(catalog.METHODS.values())


def resolve(entry):
    module, name = entry.split(":")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_says_where_it_comes_from_and_has_config_test_and_page(method):
    module = import_module(method.entry.split(":")[0])
    assert "Source:" in module.__doc__
    assert re.search(r"Differs from the paper:|No known difference", module.__doc__)
    assert callable(resolve(method.entry))
    assert callable(resolve(method.config))
    assert callable(resolve(method.data))
    path = module.__name__.removeprefix("core.").replace(".", "/")
    folder, name = path.rsplit("/", 1)
    assert (ROOT / "tests" / folder / f"test_{name}.py").is_file()
    assert (ROOT / "pages" / f"{method.task}.py").is_file()
    assert (ROOT / "core" / "serving" / f"{method.task}.py").is_file()


def test_job_kinds_can_be_run():
    for entry in catalog.JOB_KINDS.values():
        assert callable(resolve(entry))


def test_every_shipped_artifact_verifies_and_belongs_to_a_method():
    found = dict(list_artifacts(ROOT / "trained"))
    assert {"redgnn-family", "redgnn-umls", "redgnn-planted"} <= set(found)
    for name, artifact in found.items():
        assert isinstance(artifact, Artifact), f"{name}: {artifact}"
        assert artifact.card.method in catalog.METHODS
        assert artifact.card.parity <= 1e-4
        assert all(metric.protocol and metric.seeds for metric in artifact.card.metrics)
        assert {path.name for path in artifact.folder.iterdir()} == {
            "card.json", *artifact.card.files,
        }  # fmt: skip
        assert {"model.onnx", "knowledge.json"} <= set(artifact.card.files)


def test_every_hyper_parameter_is_read_somewhere():
    code = "\n".join(
        path.read_text() for path in (ROOT / "core").rglob("*.py") if path.name != "configs.py"
    )
    configs = (RedGnnConfig, EmerGnnConfig, AutoBlmConfig, ColdNasConfig)
    for field in (one for config in configs for one in fields(config)):
        assert re.search(rf"config\.{field.name}\b", code), f"{field.name} is never read"
