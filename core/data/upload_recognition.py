"""What an uploaded file is, by its content and never by its name; then the reader for it.

Refused before any parser sees them: archives, workbooks, programs, images, model and Python files.
"""

import math
import re

from core.data.delimited_text import read_delimited
from core.data.graph_table import GraphTable, Limits, not_a_table
from core.data.network_files import read_graphml, read_json
from core.data.ntriples import is_ntriples, read_ntriples
from core.errors import InputError

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel or other Office document"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (PE)"),
    (b"\xfe\xed\xfa\xce", "a program (Mach-O)"),
    (b"\xfe\xed\xfa\xcf", "a program (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a program (Mach-O)"),
    (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a program (Mach-O or Java)"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
)
TEXT_LIKE = (b"BZh", b"MZ", b"PAR1")  # also beginnings of words: a program only with binary bytes

_JSON_START = re.compile(r"\[\s*[\"\[{\]]|\{\s*[\"}]")
_XML_START = re.compile(r"<(\?xml|!DOCTYPE|([\w.-]+:)?graphml\b)", re.IGNORECASE)
_TURTLE_START = re.compile(r"@(prefix|base)\s|(PREFIX|BASE)\s+\S*:?\s*<")


def read_table(name: str, content: bytes, limits: Limits, header: bool | None) -> GraphTable:
    """Recognise a file and read its cells.

    Args:
        name: name of the file, only shown.
        content: its bytes.
        limits: what is allowed.
        header: whether the first row of a table names its columns; None to guess.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07 or KG-E06.
    """
    refuse_binary(name, content, limits)
    text, encoding = decode_text(content)
    start = text.lstrip()
    if not start:
        raise InputError(
            "UP-E05", "Empty file", "The file has no content.", "Add one fact per row."
        )
    if _JSON_START.match(start):
        table = read_json(name, text, limits)
    elif _XML_START.match(re.sub(r"\A(<!--[\s\S]*?-->\s*)+", "", start[:4096])):
        table = read_graphml(name, start, limits)
    elif _TURTLE_START.match(start):
        raise not_a_table(name, "RDF in the Turtle notation", "Export it as N-Triples or CSV.")
    elif is_ntriples(text):
        table = read_ntriples(text, limits)
    else:
        table = read_delimited(text, limits, header)
    table.encoding = encoding
    if not table.rows:
        raise InputError(
            "UP-E05", "Empty file", "The file has a header but no rows.", "Add one fact per row."
        )
    return table


def refuse_binary(name: str, content: bytes, limits: Limits) -> None:
    """Raise for bytes that no reader may see."""
    if len(content) > limits.num_bytes:
        raise InputError(
            "UP-E01", "File too large",
            f"This file is {_megabytes(len(content))} MB; the limit here is "
            f"{_megabytes(limits.num_bytes)} MB.",
            "Split it, or ask your administrator to raise the limit.",
        )  # fmt: skip
    head = content[:4096]
    is_zip = head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))
    listing = head + content[-65536:] if is_zip else b""  # the names stand at the end of a ZIP
    is_model = b"data.pkl" in listing or b".npy" in listing
    if head.startswith(b"\x93NUMPY") or re.match(rb"\x80[\x00-\x05]", head) or is_model:
        raise model_file()
    if is_zip:
        workbook = b"xl/workbook" in listing or b"[Content_Types].xml" in listing
        raise not_a_table(name, "an Excel workbook" if workbook else "a ZIP archive")
    for signature, words in SIGNATURES:
        binary = signature not in TEXT_LIKE or b"\x00" in head
        if head.startswith(signature) and binary:
            raise not_a_table(name, words)
    if b"\x00" in content and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise not_a_table(name, "binary data")


def model_file() -> InputError:
    """UP-E07."""
    return InputError(
        "UP-E07", "This kind of file is refused",
        "Model and Python files (.pkl, .pt, .npy with objects) can run code and are never "
        "opened.", "Export a table instead.",
    )  # fmt: skip


def decode_text(content: bytes) -> tuple[str, str]:
    """Text with line feeds only, and the name of the encoding."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            "UP-E03", "Cannot read the characters",
            f"The file is not UTF-8 (first problem in line {line}).", 'Save it as "CSV UTF-8".',
        ) from error  # fmt: skip
    encoding = "UTF-8"
    if text.startswith("\ufeff"):
        text, encoding = text[1:], "UTF-8 with BOM"
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, encoding


def _megabytes(num_bytes: int) -> str:
    """Megabytes of 2^20 bytes, rounded up to one decimal so that more than 20 reads as more."""
    return f"{math.ceil(num_bytes / 2**20 * 10) / 10:.1f}".removesuffix(".0")
