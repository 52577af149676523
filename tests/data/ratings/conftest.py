"""What the tests of ratings share."""

import pytest

from core.settings import settings


@pytest.fixture(scope="session")
def files():
    """Skips where the folder with the tables of ratings is not here."""
    mirror = settings().mirror
    if mirror is None or not (mirror / "recommendation").is_dir():
        pytest.skip("the mirror folder with the tables of ratings is not here")
