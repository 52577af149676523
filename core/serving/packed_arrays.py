"""Arrays and a JSON header as one file, without pickles: the form in which uploads are kept."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.errors import DataError

HEADER = "header"
# what reading a damaged file raises
DAMAGE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error)


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """One compressed file; `unpack` gives both back."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **{HEADER: np.array(json.dumps(header))}, **arrays)
    return stream.getvalue()


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return json.loads(str(arrays.pop(HEADER))), arrays
    except DAMAGE as error:
        raise DataError(f"A file of arrays is damaged ({error}).") from error
