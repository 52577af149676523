"""What methods cost, as measured here and elsewhere."""

import pytest

from core.serving import rec_ledger
from core.serving.recommendation import Question
from tests.serving.toy_ratings import NAME, serve_from, write_artifact_at

GIVEN = (("f03", 9.0), ("f08", 2.0), ("f14", 7.0), ("f17", 4.0))


@pytest.fixture(autouse=True)
def _serve(tmp_path, monkeypatch):
    write_artifact_at(tmp_path)
    serve_from(tmp_path, monkeypatch)


def test_every_method_with_what_was_measured():
    found = {one.method: one for one in rec_ledger.costs(Question(NAME, GIVEN))}
    assert list(found) == ["coldnas", "none", "fold_in", "offset", "popularity", "melu"]
    own, melu = found["coldnas"], found["melu"]
    assert (own.parameters, own.adapted, own.training_s, own.adapt_ms) == (1234, 12, 60.0, 0.5)
    assert (melu.title, melu.parameters, melu.measured_on) == ("MeLU", 5678, "a processor")
    assert (melu.here_ms, melu.here_p95_ms) == (None, None)
    assert 0 < own.here_ms <= own.here_p95_ms < 1_000
    # 3 and 5 are equally near to 4: the smaller number
    assert (own.given, own.error) == (3, pytest.approx(2.35))
    assert (found["offset"].parameters, found["offset"].error) == (None, None)
