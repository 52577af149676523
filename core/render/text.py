"""Names and numbers as drawings show them: cut, split on two lines, measured."""

from collections.abc import Sequence

MAX_LABEL = 18  # characters of a name on one line, or of the first of two lines
MAX_SECOND_LINE = 24
MAX_EDGE_LABEL = 24
NAME_FONT = 13
NAME_LINE = 16.0  # from one line of a name to the next
EDGE_FONT = 12


def shorten(text: str, limit: int = MAX_LABEL) -> str:
    """At most `limit` characters on one line; a cut is marked by an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def split_name(text: str) -> tuple[str, ...]:
    """A name on one or two lines, cut between words where it can be."""
    line = " ".join(text.split())
    if len(line) <= MAX_LABEL:
        return (line,)
    cut = line.rfind(" ", 1, MAX_LABEL + 1)
    cut = MAX_LABEL if cut < 0 else cut
    return line[:cut], shorten(line[cut:], MAX_SECOND_LINE)


def show_weight(weight: float) -> str:
    """Three digits; a small weight is never a rounded 0."""
    if weight and abs(weight) < 0.0005:
        return "<0.001" if weight > 0 else ">−0.001"
    return f"{weight:.3f}".replace("-", "−")


def text_width(text: str, font: float) -> float:
    """Estimated width: wide scripts take a full em, others 0.53 em."""
    return font * sum(1.0 if ord(letter) > 0x2E80 else 0.53 for letter in text)


def name_width(lines: Sequence[str]) -> float:
    """Estimated width of a name on its lines."""
    return max(text_width(line, NAME_FONT) for line in lines)
