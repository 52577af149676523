"""A home of its own for tests that ask for one."""

import pytest

from core.settings import settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()
