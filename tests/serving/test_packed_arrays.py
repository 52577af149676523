import numpy as np
import pytest

from core.errors import DataError
from core.serving.packed_arrays import pack, unpack


def test_header_and_arrays_come_back():
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array([0.5, np.nan])}
    header, found = unpack(pack({"title": "Grün", "num": 3}, arrays))
    assert header == {"title": "Grün", "num": 3}
    assert found.keys() == arrays.keys()
    for name, one in arrays.items():
        np.testing.assert_array_equal(found[name], one)
        assert found[name].dtype == one.dtype


def test_damage_is_said():
    whole = pack({}, {"a": np.arange(1000)})
    middle = len(whole) // 2  # of the compressed numbers
    flipped = [
        whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
        for place in range(middle, middle + 200, 20)
    ]
    for content in (b"", b"text", whole[: len(whole) // 2], b"\x80\x04\x95", *flipped):
        with pytest.raises(DataError, match="damaged"):
            unpack(content)
    objects = pack({}, {"a": np.array([{}], dtype=object)})
    with pytest.raises(DataError, match="damaged"):  # pickles are never opened
        unpack(objects)
