"""The Dockerfile: linted by hadolint, checked for what the linter cannot know."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser

from core.data.assets import ASSETS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def instructions() -> list[dict]:
    return DockerfileParser(path=str(ROOT / "Dockerfile"), cache_content=True).structure


@pytest.fixture(scope="module")
def last_stage(instructions) -> list[dict]:
    start = max(i for i, step in enumerate(instructions) if step["instruction"] == "FROM")
    return instructions[start:]


def only(steps: list[dict], instruction: str) -> str:
    found = [step["value"] for step in steps if step["instruction"] == instruction]
    assert len(found) == 1, f"{instruction}: {found}"
    return found[0]


def test_hadolint_has_no_finding():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_environment_is_built_in_another_stage(instructions, last_stage):
    stages = [step["value"].split(" AS ") for step in instructions if step["instruction"] == "FROM"]
    assert [name for _, name in stages] == ["assets", "python", "builder", "application"]
    pip = [step for step in instructions if "pip install" in step["value"]]
    assert len(pip) == 1
    assert pip[0] not in last_stage
    assert any("--from=builder /opt/venv /opt/venv" in step["value"] for step in last_stage)


def test_base_and_extra_are_build_arguments(instructions):
    arguments = [step["value"] for step in instructions if step["instruction"] == "ARG"]
    assert "BASE=python:3.11-slim-bookworm" in arguments
    assert "EXTRA=cpu" in arguments
    pip = next(step["value"] for step in instructions if "pip install" in step["value"])
    assert '-e ".[${EXTRA}]"' in pip


def test_it_runs_as_a_numeric_user_without_rights(last_stage):
    assert only(last_stage, "USER") == "10001:10001"
    volume = only(last_stage, "VOLUME")
    assert volume == "/data"
    run = only(last_stage, "RUN")
    assert f"chown 10001:10001 {volume}" in run
    order = [step["instruction"] for step in last_stage]
    assert order.index("RUN") < order.index("VOLUME") < order.index("USER")


def test_it_starts_the_supervisor_without_a_shell(last_stage):
    assert json.loads(only(last_stage, "ENTRYPOINT")) == ["python", "-m", "core", "serve"]
    assert only(last_stage, "EXPOSE") == "8501"
    variables = [step["value"] for step in last_stage if step["instruction"] == "ENV"]
    assert "STREAMLIT_SERVER_ADDRESS=0.0.0.0" in variables[0]
    assert "PARSIMONY_HOME=/data" in variables[0]


def test_the_health_check_is_a_program_that_fails_without_a_server(last_stage, monkeypatch):
    check = only(last_stage, "HEALTHCHECK")
    command = json.loads(check[check.index("CMD") + 3 :])
    assert command[:2] == ["python", "-c"]
    assert "/_stcore/health" in command[2]
    monkeypatch.setenv("PARSIMONY_PORT", "1")
    done = subprocess.run(
        [sys.executable, "-c", command[2]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ConnectionRefusedError" in done.stderr


def test_every_copied_file_exists_and_reaches_the_build(instructions):
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = set()
    for step in instructions:
        if step["instruction"] == "COPY" and not step["value"].startswith("--from"):
            copied |= {source.removeprefix("./") for source in step["value"].split()[:-1]}
    assert copied == allowed
    assert [name for name in sorted(copied) if not (ROOT / name).exists()] == []


def test_front_end_packages_are_the_pinned_ones(instructions):
    packed = next(step["value"] for step in instructions if "npm pack" in step["value"])
    assert re.findall(r"(\S+)@([\d.]+)", packed) == [
        (asset.package, asset.version) for asset in ASSETS
    ]
