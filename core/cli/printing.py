"""Tables on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from core.evidence.faithfulness import Check


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in aligned columns; the last column is not padded."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]).rstrip())


def shorten(text: str, length: int) -> str:
    """`text`, cut to `length` characters with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def print_check(check: "Check") -> None:
    """The scores of a live check: with all, without and with only the evidence, look-alikes."""
    control = check.control
    print_table(
        [
            ("score with everything", f"{check.score_all:.4f}", f"rank {check.rank_all:g}"),
            ("without this evidence", f"{check.score_without:.4f}", f"rank {check.rank_without:g}"),
            ("with only this evidence", f"{check.score_only:.4f}", f"rank {check.rank_only:g}"),
            (f"drop without {control.k} look-alikes", f"{control.median:.4f}",
             f"5 to 95 %: {control.p05:.4f} to {control.p95:.4f}"),
        ]
    )  # fmt: skip


def print_progress(step: int, total: int, text: str = "", **_values: float) -> None:
    """One line on the error stream, so that what is printed can be piped."""
    typer.echo(f"\r{step}/{total} {text:<60.60}", err=True, nl=step >= total > 0)
