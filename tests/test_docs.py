"""The documents keep up with the program."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import streamlit as st
import typer
from typer.core import TyperGroup

from core.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


def commands(group: TyperGroup, prefix: tuple[str, ...] = ()) -> dict[str, object]:
    found = {}
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found |= commands(command, (*prefix, name))
        else:
            found[" ".join((*prefix, name))] = command
    return found


COMMANDS = commands(typer.main.get_command(app))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme_and_has_help(name):
    assert f"`python -m core {name}" in README
    assert COMMANDS[name].help
    assert COMMANDS[name].help.strip().endswith(".")


def test_every_command_of_the_readme_exists_with_its_options():
    written = re.findall(r"`python -m core ([^`]+)`", README)
    written += re.findall(r"^python -m core (.+)$", README, re.MULTILINE)
    assert len(written) >= len(COMMANDS)
    for line in written:
        words = shlex.split(line)
        length = 2 if " ".join(words[:2]) in COMMANDS else 1
        name = " ".join(words[:length])
        assert name in COMMANDS, line
        known = {option for one in COMMANDS[name].params for option in one.opts}
        for word in words[length:]:
            if word.startswith("-"):
                assert word.split("=")[0] in known, line


def test_every_setting_is_in_the_readme_and_in_the_module():
    source = (ROOT / "core" / "settings.py").read_text()
    read = set(re.findall(r'environ\.get\("(PARSIMONY_\w+)"', source))
    assert read >= {"PARSIMONY_HOME", "PARSIMONY_PORT", "PARSIMONY_WORKERS"}
    assert set(re.findall(r"`(PARSIMONY_\w+)`", README)) == read
    table = re.findall(r"^\| (PARSIMONY_\w+) \|", source, re.MULTILINE)
    assert sorted(table) == sorted(read)


def test_the_first_paragraph_names_the_two_files_to_read():
    first = README.split("\n\n")[1]
    for name in (
        "core/methods/parsimony_on_interpretation/redgnn.py",
        "core/knowledge/digraph.py",
    ):
        assert f"]({name})" in first


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_to_files_lead_somewhere(document):
    text = (ROOT / document).read_text()
    targets = [one for one in re.findall(r"\]\(([^)]+)\)", text) if "://" not in one]
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_make_targets_of_the_documents_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    mentioned = set(re.findall(r"`make ([a-z-]+)`", text)) | set(
        re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    )
    assert mentioned == {"run", "test", "check", "check-slow", "bench"}
    assert mentioned <= targets


def test_the_upload_limit_agrees_with_its_message():
    assert CONFIG["server"]["maxUploadSize"] == 20
    assert "a file 20 MB" in README


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("runner.postScriptGC", False),
        ("runner.magicEnabled", False),
        ("client.showErrorDetails", "none"),
        ("client.showErrorLinks", False),
        ("client.toolbarMode", "viewer"),
        ("browser.gatherUsageStats", False),
        ("server.address", "127.0.0.1"),
        ("server.enableXsrfProtection", True),
        ("server.enableStaticServing", True),
        ("server.fileWatcherType", "none"),
    ],
)
def test_the_server_takes_its_options_from_the_file(option, value):
    section, name = option.split(".")
    assert CONFIG[section][name] == value
    assert st.get_option(option) == value


def test_the_readme_is_in_the_order_a_reader_needs():
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    wanted = ["Five-minute start", "From the paper to the code", "Limits", "Citation"]
    assert [heading for heading in headings if heading in wanted] == wanted
