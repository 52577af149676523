import numpy as np
import pytest

from core.data.regulation.files import EXPRESSION, PRIOR, example_files
from core.data.regulation.uploads import read_measurements
from core.errors import InputError
from core.serving import grn_uploads
from core.store import Store


@pytest.fixture
def reading():
    files = example_files()
    partners = b"a,b,weight\nTF01,TF02,0.5\nTF03,G01,0.25\n"
    return read_measurements(
        (EXPRESSION, files[EXPRESSION]), (PRIOR, files[PRIOR]), ("partners.csv", partners)
    )


@pytest.fixture
def store():
    return Store.open()


def test_what_was_kept_comes_back(reading, store):
    kept = grn_uploads.keep(reading, EXPRESSION)
    found = grn_uploads.load(kept)
    assert found.name == EXPRESSION
    assert found.expression.genes == reading.expression.genes
    for one, other in zip(found.expression.samples, reading.expression.samples, strict=True):
        np.testing.assert_array_equal(one.times, other.times)
        np.testing.assert_array_equal(one.values, other.values)
        assert one.values.dtype == np.float32
    np.testing.assert_array_equal(found.prior.matrix, reading.prior.matrix)
    assert found.prior.signed
    np.testing.assert_array_equal(found.partners.matrix, reading.partners.matrix)
    np.testing.assert_array_equal(found.scaling.low, reading.scaling.low)
    assert found.summary == reading.summary
    assert store.find_upload(kept).summary["edges"] == reading.prior.num_edges


def test_what_is_gone_or_damaged_is_said(reading, store):
    kept = grn_uploads.keep(reading, EXPRESSION)
    path = store.find_upload(kept).path
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="GR-E20"):
        grn_uploads.load(kept)
    path.write_bytes(whole)  # the store of all tests stays sound
    other = store.save_upload(name="x", content=b"x", kind="phys", summary={})
    for missing in (other, "nothing"):
        with pytest.raises(InputError, match="GR-E20"):
            grn_uploads.load(missing)


def test_blocked_measurements_are_not_kept(store):
    blocked = read_measurements(("e.csv", b"gene,0,5\nA,1,2\nB,3,4\n"), ("p.csv", b"A,B\nB,A\n"))
    before = number(store)
    with pytest.raises(InputError, match="GR-E04"):
        grn_uploads.keep(blocked, "e.csv")
    assert number(store) == before


def number(store):
    return store.rows("SELECT COUNT(*) AS number FROM uploads")[0]["number"]
