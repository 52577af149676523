"""A list as rows of a table."""

from core.serving.recommendation import Answer

COLUMNS = (
    "rank", "id", "title", "year", "kinds", "predicted", "low", "high", "level", "popular",
    "popularity_rank", "rank_before", "own_rating", "because", "method", "model",
)  # fmt: skip


def cells(answer: Answer) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Header and rows for `core.render.tables.to_safe_csv`: every shown item, best first."""
    return COLUMNS, [
        (
            row.rank, row.item, row.title, row.year, "; ".join(row.kinds), round(row.rating, 6),
            _rounded(row.low), _rounded(row.high), answer.level, round(row.popular, 6),
            row.popularity_rank, row.rank_before, row.rated,
            "; ".join(f"{title} ({change:+.2f})" for title, change in row.because),
            answer.method, answer.model,
        )
        for row in answer.rows
    ]  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
