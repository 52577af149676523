"""Limits on text before any chemistry library sees it.

A SMILES of 20,000 characters crashes RDKit, and rings cost more than linearly, so length, atoms and
rings are counted here from the letters alone. The worker counts them again on the parsed molecule.
"""

import re
from dataclasses import dataclass

from core.errors import InputError

MAX_CHARACTERS = 1_000  # of a SMILES
MAX_BLOCK_CHARACTERS = 200_000  # of a molfile, coordinates and data fields included
MAX_HEAVY_ATOMS = 250
MAX_RINGS = 60
MAX_BLOCK_ATOMS = 1_000  # of a molfile, with its hydrogens

_TOKEN = re.compile(
    r"(?P<atom>\[[!-Z\\^-~]+\]|Br|Cl|[BCNOPSFI]|[bcnops]|\*)"
    r"|(?P<ring>%\d\d|%\(\d{1,5}\)|\d)"
    r"|(?P<branch>[()])"
    r"|(?P<bond>->|<-|[-=#$:/\\.])",
    re.ASCII,
)
_HYDROGEN = re.compile(r"\[\d*H[+-]?\d*(:\d+)?\]")
_NAME = re.compile(r"[\w ,'’()+\-]+")
_WORD = re.compile(r"[a-z]{4,}")
_AROMATIC = set("bcnops")
_COUNTS_V3000 = re.compile(r"^M  V30 COUNTS +(\d{1,9})", re.MULTILINE)


@dataclass(frozen=True)
class StructureText:
    """Text that may be shown to the chemistry library.

    Attributes:
        text: one SMILES, or one molfile with line feeds only.
        is_block: whether it is a molfile.
    """

    text: str
    is_block: bool


def check_text(text: str) -> StructureText:
    """Recognise a SMILES or the one record of a molfile or SDF, within the limits.

    Args:
        text: what a person pasted, drew or uploaded; a name after the SMILES is ignored.

    Raises:
        InputError: MO-E01 to MO-E04 or MO-E09.
    """
    if len(text) > MAX_BLOCK_CHARACTERS:
        raise _too_long(len(text), MAX_BLOCK_CHARACTERS)
    if not text.strip():
        raise InputError(
            "MO-E01", "No structure", "There is no text to read.", "Paste a SMILES or draw one."
        )
    if is_block(text):
        return StructureText(_check_block(text), is_block=True)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        raise InputError(
            "MO-E04", "Several molecules", f"The text has {len(lines)} lines; one structure fits "
            "here.", "Keep one line, or upload the list as a file and choose from it.",
        )  # fmt: skip
    if len(lines[0]) > MAX_CHARACTERS:
        raise _too_long(len(lines[0]), MAX_CHARACTERS)
    first, _, rest = lines[0].partition(" ")
    _scan(first.split("\t")[0], f"{first} {rest}".strip())
    return StructureText(first.split("\t")[0], is_block=False)


def is_block(text: str) -> bool:
    """Whether the text is a molfile or SDF record."""
    lines = text.splitlines()
    return "M  END" in text or (len(lines) > 3 and lines[3].rstrip().endswith(("V2000", "V3000")))


def quote(text: str) -> str:
    """The text in quotation marks, shortened to 60 characters."""
    return f'"{text if len(text) <= 60 else text[:59] + "…"}"'


def too_large(found: int, limit: int, unit: str) -> InputError:
    """The error for a molecule beyond a limit; `unit` is "heavy atoms" or "rings"."""
    return InputError(
        "MO-E02", "Structure too large", f"It has {found:,} {unit}; the limit is {limit}.",
        "Use fragments of interest.",
    )  # fmt: skip


def not_valid(text: str, reason: str, hint: str = "") -> InputError:
    """The error for text that is no structure; `reason` completes `"C1CC(" – …`."""
    return InputError(
        "MO-E01", "Not a valid structure", f"{quote(text)} – {reason}.",
        hint or "Correct the text, or draw the structure.",
    )  # fmt: skip


def _too_long(found: int, limit: int) -> InputError:
    return InputError(
        "MO-E03", "Text too long for one structure",
        f"It has {found:,} characters; the limit is {limit:,}.",
        "Use fragments of interest, or upload a list as a file.",
    )  # fmt: skip


def _check_block(text: str) -> str:
    """The one record of a molfile or SDF, with line feeds only."""
    records = re.split(r"^\$\$\$\$.*$", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    records = [record for record in records if record.strip()]
    if len(records) > 1:
        raise InputError(
            "MO-E04", "Several molecules", f"The text holds {len(records)} molecules; one fits "
            "here.", "Upload it as a file and choose one.",
        )  # fmt: skip
    record = records[0].encode("utf-8", "replace").decode()  # no half characters
    lines = record.split("\n")
    counts = lines[3][:3].strip() if len(lines) > 3 else ""
    written = _COUNTS_V3000.search(record)
    num_atoms = int(written[1]) if written else int(counts) if counts.isdecimal() else -1
    if num_atoms < 0:
        raise not_valid(
            lines[0] or "molfile", "the line that counts atoms and bonds is missing",
            "Save it again as a molfile (V2000 or V3000).",
        )  # fmt: skip
    if num_atoms > MAX_BLOCK_ATOMS:
        raise too_large(num_atoms, MAX_BLOCK_ATOMS, "atoms with hydrogens")
    return record


def _scan(smiles: str, whole: str) -> None:
    """Walk through a SMILES letter by letter: signs, brackets, branches, rings, limits."""
    position = num_atoms = num_rings = 0
    branches: list[int] = []
    open_rings: dict[str, int] = {}
    while position < len(smiles):
        token = _TOKEN.match(smiles, position)
        if token is None:
            raise _unreadable(smiles, position, whole)
        sign = token[0]
        if token["atom"]:
            num_atoms += not _HYDROGEN.fullmatch(sign)
        elif token["ring"]:
            label = sign.lstrip("%").strip("()").lstrip("0") or "0"
            if open_rings.pop(label, None) is None:
                open_rings[label] = position
            else:
                num_rings += 1
        elif sign == "(":
            branches.append(position)
        elif sign == ")":
            if not branches:
                raise not_valid(smiles, f"a bracket closes at character {position + 1} but none is "
                                "open")  # fmt: skip
            branches.pop()
        position = token.end()
    if num_atoms > MAX_HEAVY_ATOMS:
        raise too_large(num_atoms, MAX_HEAVY_ATOMS, "heavy atoms")
    if num_rings > MAX_RINGS:
        raise too_large(num_rings, MAX_RINGS, "rings")
    still_open = branches or list(open_rings.values())
    if still_open:
        place = still_open[-1] + 1
        raise not_valid(smiles, f"a ring or bracket is not closed at character {place}")


def _unreadable(smiles: str, position: int, whole: str) -> InputError:
    """The error for a sign that no SMILES has at this place."""
    if whole.startswith("InChI="):
        return not_valid(whole, "this is an InChI", "Paste a SMILES or a molfile instead.")
    words = _WORD.findall(whole.lower()) if _NAME.fullmatch(whole) else []
    if any(set(word) - _AROMATIC for word in words) and "=" not in whole:
        return InputError(
            "MO-E09", "Looks like a name, not SMILES", f"{quote(whole)} is read as a name.",
            "Choose the drug from the list, paste its SMILES, or draw the structure.",
        )  # fmt: skip
    if smiles[position] == "[":
        return not_valid(smiles, f"a ring or bracket is not closed at character {position + 1}")
    return not_valid(
        smiles, f'the sign "{smiles[position]}" at character {position + 1} is not part of a SMILES'
    )
