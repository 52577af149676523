"""A real server and a real browser.

`make_server` starts `streamlit run app.py` on a free port with an empty home folder; `browser` is
Debian's Chromium; `visit` opens a page whose requests, console errors and page errors are recorded
and checked at the end of the test: nothing may leave 127.0.0.1 and nothing may fail.
"""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest

from core.settings import PROCESS_ENVIRONMENT

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[2]
START_S = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason=f"no browser: {CHROMIUM} is missing"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A web server with its own home folder; `kill` and `start` act like a crash and a restart."""

    def __init__(self, home: Path, workers: int, script: Path | str) -> None:
        self.home, self.port, self.script = home, free_port(), str(script)
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = (
            os.environ
            | PROCESS_ENVIRONMENT
            | {"PARSIMONY_HOME": str(home), "PARSIMONY_WORKERS": str(workers)}
        )
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", self.script]
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with (
                suppress(URLError, ConnectionError),
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer,
            ):
                if answer.read() == b"ok":
                    return
            time.sleep(0.1)
        raise TimeoutError(f"no server on {self.url}: {self.log()}")

    def log(self) -> str:
        return (self.home / "server.log").read_text()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def worker_pids(self) -> list[int]:
        """Processes of the workers this server has started, as they registered themselves."""
        database = self.home / "parsimony.db"
        if not database.exists():
            return []
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute("SELECT pid FROM workers WHERE pid IS NOT NULL").fetchall()
        return [pid for (pid,) in rows]

    def stop(self) -> None:
        for pid in self.worker_pids():  # they are detached and would outlive the server
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def make_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(workers: int = 0, script: Path | str = "app.py") -> Server:
        server = Server(tmp_path_factory.mktemp("home"), workers, script)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(make_server: Callable[..., Server]) -> Server:
    """One server shared by the tests that leave it as it was."""
    return make_server()


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-quic",
                "--no-first-run",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser):
    """Open an address in a fresh profile; at the end nothing may have left or failed."""
    contexts, outside, failures = [], [], []

    def note_request(request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            outside.append(request.url)

    def note_console(message) -> None:
        # on a deep link Streamlit's client first asks below the page's own address
        probing = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        if message.type == "error" and not probing:
            failures.append(f"{message.text} {message.location.get('url')}")

    def visit(address: str, *, dark: bool = False, **options):
        context = browser.new_context(color_scheme="dark" if dark else "light", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", note_request)
        page.on("websocket", note_request)
        page.on("console", note_console)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(address)
        page.get_by_role("heading", level=1).first.wait_for(timeout=20_000)
        page.wait_for_function(
            "document.querySelector('[data-test-script-state]')"
            "?.getAttribute('data-test-script-state') === 'notRunning'"
        )
        return page

    yield visit
    for context in contexts:
        context.close()
    assert outside == []
    assert failures == []


@pytest.fixture(scope="session")
def find_violations():
    """Rules of WCAG 2.0-2.2 A and AA that a page breaks, with the elements, by axe-core."""
    import axe_core_python

    script = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()

    def find(page) -> list[str]:
        page.evaluate(script)
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']})"
        )
        return [
            f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    return find
