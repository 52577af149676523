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


@pytest.fixture(scope="session")
def home() -> Path:
    """The folder that stands for PARSIMONY_HOME in this run."""
    return Path(_HOME.name)
