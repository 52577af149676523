"""Every test run writes into its own folder and starts no worker behind the tests' back.

Set before anything imports `core.settings`, which reads the environment once.
"""

import os
import tempfile
from pathlib import Path

import pytest

_HOME = tempfile.TemporaryDirectory(prefix="parsimony-tests-")
os.environ["PARSIMONY_HOME"] = _HOME.name
os.environ["PARSIMONY_WORKERS"] = "0"
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)  # before the processes read the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes, one has all browser tests; the others take whole files."""
    for item in items:
        group = "browser" if "e2e" in item.path.parts else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def home() -> Path:
    """The folder that stands for PARSIMONY_HOME in this run."""
    return Path(_HOME.name)
