"""The command line, run as a person runs it: in its own process, with its own home folder."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.data.assets import ASSETS, is_placed

ROOT = Path(__file__).resolve().parents[2]


def test_help_lists_the_commands_and_costs_no_heavy_import():
    script = (
        "import sys\n"
        "from core import cli\n"
        "heavy = {'torch', 'streamlit', 'pandas', 'numpy', 'onnxruntime', 'sqlite_utils'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "cli.app(['--help'], standalone_mode=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in (
        "serve",
        "work",
        "assets",
        "data",
        "jobs",
        "backup",
        "restore",
        "readme",
        "interaction",
    ):
        assert re.search(rf"^\W*{command}\s", done.stdout, re.MULTILINE)


def test_an_error_is_one_line_and_exit_code_one(core):
    done = core("jobs", "show", "nobody")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "There is no job with this id. Open the Jobs page to see those that exist.\n"
    )


def test_an_unknown_data_set_names_the_known_ones(core):
    done = core("data", "get", "umlz")
    assert done.returncode == 1
    assert done.stderr.startswith('There is no data set "umlz". Known: ')
    assert "umls" in done.stderr


def test_data_list_shows_lines_and_place(core):
    done = core("data", "list")
    assert done.returncode == 0
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert rows["name"][:3] == ["name", "lines", "here"]
    assert rows["umls"][:3] == ["umls", "6,529", "packaged"]
    assert rows["WN18RR"][:3] == ["WN18RR", "93,003", "no"]


def test_packaged_data_is_fetched_without_a_network_and_verified(core):
    missing = core("data", "verify", "umls")
    assert missing.returncode == 1
    assert missing.stderr.startswith("3 of 3 files are missing or damaged.")
    got = core("data", "get", "umls")
    assert (got.returncode, got.stderr) == (0, "")
    folder = Path(got.stdout.strip().removeprefix("umls: "))
    assert len((folder / "train.txt").read_text().splitlines()) == 5216
    assert core("data", "verify").stdout == (
        "umls  train.txt  ok\numls  valid.txt  ok\numls  test.txt   ok\n"
    )
    (folder / "valid.txt").write_text("changed")
    damaged = core("data", "verify", "umls")
    assert damaged.returncode == 1
    assert "umls  valid.txt  damaged" in damaged.stdout
    assert damaged.stderr.startswith("1 of 3 files are missing or damaged.")


def test_nothing_to_verify_says_what_to_do(core):
    assert core("data", "verify").stdout == (
        "No data set is here yet. Fetch one with `python -m core data get NAME`.\n"
    )


def test_jobs_are_listed_shown_cancelled_and_resumed(core, tmp_path):
    assert core("jobs", "list").stdout == "There are no jobs.\n"
    script = "from core.jobs import submit; print(submit('train', {'a': 1}, title='Try'))"
    job = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"PARSIMONY_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    listed = core("jobs", "list").stdout.splitlines()
    assert listed[1].split() == [job, "queued", "place", "1", "Try"]
    shown = core("jobs", "show", job).stdout
    assert "state     queued" in shown
    assert 'params    {"a": 1}' in shown

    assert core("jobs", "cancel", job).stdout == "Asked to stop.\n"
    assert "state     cancelled" in core("jobs", "show", job).stdout
    again = core("jobs", "cancel", job)
    assert again.returncode == 1
    assert again.stderr == "This job is cancelled and cannot be cancelled.\n"
    assert core("jobs", "resume", job).stdout == "In the queue again.\n"
    assert "state     queued" in core("jobs", "show", job).stdout


def test_backup_and_restore(core, tmp_path):
    copy = tmp_path / "copy"
    assert core("backup", str(copy)).stdout == f"Backup written to {copy}.\n"
    second = core("backup", str(copy))
    assert second.returncode == 1
    assert "exists already" in second.stderr
    restored = core("restore", str(copy))
    assert restored.stdout.startswith(f"Restored from {copy}.\nThe replaced database is ")
    damaged = core("restore", str(tmp_path))
    assert damaged.returncode == 1


def test_a_missing_asset_archive_is_refused(core, tmp_path):
    done = core("assets", "--archive", str(tmp_path / "none.tgz"))
    assert done.returncode == 1
    assert done.stderr == f"There is no file {tmp_path / 'none.tgz'}.\n"


def test_a_wrong_asset_archive_is_refused(core, tmp_path):
    (tmp_path / "other.tgz").write_bytes(b"other")
    done = core("assets", "--archive", str(tmp_path / "other.tgz"))
    assert done.returncode == 1
    assert "is none of the expected packages: 3dmol 2.5.5, jsme-editor 0.8.2." in done.stderr


@pytest.mark.skipif(
    not all(map(is_placed, ASSETS)), reason="front-end files are not placed: no network at set-up"
)
def test_placed_assets_are_not_fetched_again(core):
    placed = "3dmol 2.5.5 is in place.\njsme-editor 0.8.2 is in place.\n"
    assert core("assets", PATH="").stdout == placed


def alive(port: int) -> bool:
    with (
        suppress(OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer,
    ):
        return answer.read() == b"ok"
    return False


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def test_serve_runs_pages_and_worker_replaces_a_dead_worker_and_stops_both(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "core", "serve"],
        cwd=ROOT,
        env=os.environ
        | {
            "PARSIMONY_HOME": str(tmp_path),
            "PARSIMONY_PORT": str(port),
            "PARSIMONY_WORKERS": "1",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:

        def workers() -> list[psutil.Process]:
            children = psutil.Process(server.pid).children()
            return [
                child
                for child in children
                if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == ["work"]
            ]

        wait_until(lambda: alive(port) and len(workers()) == 1)
        (web,) = [one for one in psutil.Process(server.pid).children() if one not in workers()]
        assert web.environ()["PARSIMONY_WORKERS"] == "0"  # the supervisor starts the workers
        first = workers()[0]
        time.sleep(max(0.0, 5.5 - (time.time() - first.create_time())))
        first.kill()
        wait_until(lambda: [child.pid for child in workers()] not in ([], [first.pid]))
        children = psutil.Process(server.pid).children(recursive=True)
        assert len(children) >= 2
        server.send_signal(signal.SIGTERM)
        assert server.wait(15) == 0
        assert not [child for child in children if child.is_running()]
        assert not alive(port)
    finally:
        server.kill()


def test_serve_ends_with_the_web_server(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "core", "serve"],
            cwd=ROOT,
            env=os.environ
            | {"PARSIMONY_HOME": str(tmp_path), "PARSIMONY_PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1


def test_a_searched_function_is_explained_by_its_terms_and_rules_by_facts(core):
    question = ("umls", "amphibian", "exhibits", "social_behavior", "--model")
    terms = core("explain", *question, "autoblm-umls").stdout.splitlines()
    assert terms[0].split() == ["hop", "deletion", "flow", "term"]
    assert all("×" in line for line in terms[1:])
    facts = core("check", *question, "rules").stdout
    assert "SUPPORTED: Removing these" in facts
    assert facts.endswith("facts are enough.\n")
