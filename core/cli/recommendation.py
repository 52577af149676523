"""Cold-start recommendation: the list for a new user, and which ratings an item rests on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_check, print_table
from core.errors import DataError, InputError, UnknownName

if TYPE_CHECKING:
    from core.data.ratings.titles import TitleIndex
    from core.serving.rec_model import RecModel
    from core.serving.recommendation import Answer, Question

commands = typer.Typer(help="Cold-start recommendation.", no_args_is_help=True)

DEFAULT = "coldnas-movietweetings"
COLUMNS = ("#", "rating", "range", "by popularity", "item", "because of")


@commands.command()
def recommend(
    ratings: Annotated[
        list[str] | None,
        typer.Argument(help='ITEM=RATING, such as "Alien (1979)=9"; none for a new user.'),
    ] = None,
    model: Annotated[str, typer.Option(help="Model: shipped, or trained on own data.")] = DEFAULT,
    method: Annotated[str, typer.Option(help="coldnas, or one that stands beside it.")] = "coldnas",
    num: Annotated[int, typer.Option(min=1, max=100, help="Items shown.")] = 10,
    rated: Annotated[bool, typer.Option("--rated", help="List rated items, too.")] = False,
    years: Annotated[str, typer.Option(help="First and last year, such as 1970-1989.")] = "",
    kind: Annotated[
        list[str] | None, typer.Option(help="A genre or the like; repeat for several.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="CSV of own ratings, as the page takes it.")
    ] = None,
    why: Annotated[str, typer.Option(help="Item of the list to explain and to check.")] = "",
    csv: Annotated[Path | None, typer.Option(help="File to write the list to.")] = None,
) -> None:
    """List what to recommend after a few ratings, or after none."""
    from core.data.films import other_titles
    from core.data.ratings.titles import TitleIndex
    from core.render.tables import to_safe_csv
    from core.serving import rec_export
    from core.serving import recommendation as rec

    if csv is not None and not csv.absolute().parent.is_dir():
        raise DataError(f"There is no folder {csv.absolute().parent}.")
    opened = rec.open_model(model)
    index = TitleIndex(opened.catalogue, other_titles())
    given = dict(_read(opened, file)) if file else {}
    given |= dict(_rating(opened, index, text) for text in ratings or ())
    question = rec.Question(
        model,
        tuple(given.items()),
        method,
        hide_rated=not rated,
        length=num,
        years=_years(years),
        kinds=tuple(kind or ()),
    )
    found = rec.answer(question)
    print_table(_rows(found))
    for notice in found.notices:
        typer.echo(f"{notice.code}: {notice.text}")
    for sentence in filter(None, (found.statement, found.coverage_note)):
        typer.echo(sentence)
    if csv is not None:
        header, cells = rec_export.cells(found)
        csv.write_text(to_safe_csv(cells, header), encoding="utf-8")
    if why:
        _explain(question, _item(opened, index, why))


def _read(model: "RecModel", file: Path) -> tuple[tuple[str, float], ...]:
    """Item and rating of the rows of a table; says what was not used, and why."""
    from core.data.ratings.profiles import read_profile

    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from error
    found = read_profile(file.name, content, model.catalogue, model.scale)
    typer.echo(f"{found.summary} Ratings {found.conversions[found.conversion]}.")
    for row in found.rows:
        if row.problem:
            typer.echo(f"line {row.line}: {row.text}={row.said}: {row.problem.text}")
    for finding in found.findings:
        typer.echo(f"{finding.code}: {finding.text}")
    return found.given


def _rows(found: "Answer") -> list[tuple[str, ...]]:
    return [
        COLUMNS,
        *(
            (str(row.rank), f"{row.rating:.4f}",
             "" if row.low is None else f"{row.low:.1f} to {row.high:.1f}",
             str(row.popularity_rank), row.title,
             ", ".join(f"{title} (+{lift:.2f})" for title, lift in row.because))
            for row in found.rows
        ),
    ]  # fmt: skip


def _explain(question: "Question", item: str) -> None:
    """Print what each rating does to an item, then the live check of those that carry it."""
    from core.serving import rec_evidence

    found = rec_evidence.explain(question, item)
    typer.echo(f"\n{found.statement}")
    if not found.influences:
        return
    print_table(
        [
            ("effect", "of it level", "for this item", "rank without", "rating"),
            *(
                (f"{one.total:+.3f}", f"{one.level:+.3f}", f"{one.own:+.3f}",
                 str(one.rank_without), f"{one.title}={one.rating:g}")
                for one in found.influences
            ),
        ]
    )  # fmt: skip
    check = rec_evidence.check(question, item, found.cited)
    print_check(check)
    typer.echo(f"{check.verdict}: {check.sentence}")


def _rating(model: "RecModel", index: "TitleIndex", text: str) -> tuple[str, float]:
    """Item and rating of "Alien (1979)=9"."""
    name, _, number = text.rpartition("=")
    try:
        rating = float(number.replace(",", "."))
    except ValueError as error:
        raise InputError(
            "RC-E15", "Not a rating", f'"{text[:80]}" does not end with = and a number.',
            'Write an item, = and your rating, such as "Alien (1979)=9".',
        ) from error  # fmt: skip
    return _item(model, index, name), rating


def _item(model: "RecModel", index: "TitleIndex", text: str) -> str:
    """Id of the item with this id or title; the year may be left out where that is clear."""
    from core.data.ratings.titles import SURE

    catalogue = model.catalogue
    found = index.find_same(text)
    if found is not None and found.alternatives:
        several = ", ".join(catalogue.titles[row] for row in (found.row, *found.alternatives))
        raise InputError(
            "RC-E16", "Several items", f'"{text[:80]}" is one of {several}.', "Add the year."
        )
    if found is None or found.score < SURE:
        raise UnknownName(
            "RC-E02", "Unknown item", text, (*catalogue.titles, *catalogue.ids),
            kind="this catalogue", hint="Spell it as the model's catalogue does.",
        )  # fmt: skip
    return catalogue.ids[found.row]


def _years(text: str) -> tuple[int, int] | None:
    """First and last year of "1970-1989", or None for an empty text."""
    if not text:
        return None
    first, _, last = text.partition("-")
    try:
        return int(first), int(last or first)
    except ValueError as error:
        raise InputError(
            "RC-E17", "Not years", f'"{text[:80]}" is not a year or two.', "Write 1970-1989."
        ) from error
