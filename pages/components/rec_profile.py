"""A person's own ratings from a file: columns, scale, the titles that were matched, then in."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.data.ratings import profiles
from core.data.ratings.profiles import ProfileChoices, ProfileReading, ProfileRow
from core.serving.rec_model import RecModel
from core.serving.rec_question import MAX_GIVEN
from pages.components import frame, rec_state
from pages.components.rec_answers import say_rating, warn
from pages.components.rows import show_rows

CHOICES = "rec_profile_choices"  # by digest of the file
STATUS = {
    "ok": "matched", "unsure": "please check", "unknown": "not found", "refused": "refused",
    "chosen": "your choice", "left out": "left out",
}  # fmt: skip
MAX_ROWS = 30  # in the review table
MAX_ASKED = 12  # rows whose match can be corrected
LEFT_OUT = ""


def show(model: RecModel) -> None:
    """Uploader, example, review, and the button that puts the ratings into the editor."""
    st.markdown(
        f"A table with the columns {model.words.item} (title or id) and {model.words.rating}. "
        "Titles need not be exact; what they were matched with is shown before anything is used."
    )
    file = st.file_uploader("File with your ratings", key="rec_profile_file")
    name, content = profiles.example_profile_file(model.catalogue, model.scale)
    st.download_button(
        "Download a valid example file", content, file_name=name, mime="text/csv",
        key="rec_profile_example", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if file is not None:
        content = file.getvalue()
        digest = hashlib.sha256(content + model.id.encode()).hexdigest()[:12]
        with st.container(key="rec_profile_read"), frame.show_errors():
            _show_file(model, file.name, content, digest)


@st.cache_resource(show_spinner="Matching the titles", max_entries=20)
def _read(
    _model: RecModel, name: str, _content: bytes, digest: str, choices: ProfileChoices  # noqa: ARG001
) -> ProfileReading:  # fmt: skip
    return profiles.read_profile(name, _content, _model.catalogue, _model.scale, choices)


def _show_file(model: RecModel, name: str, content: bytes, digest: str) -> None:
    kept: dict[str, ProfileChoices] = st.session_state.setdefault(CHOICES, {})
    choices = kept.setdefault(digest, ProfileChoices())
    reading = _read(model, name, content, digest, choices)
    _choose_columns(reading, digest)
    st.markdown(frame.plain(reading.summary))
    for finding in reading.findings:
        warn(finding)
    _choose(reading, digest)
    _review(reading)
    _correct(reading, digest)
    num = len(reading.given)
    st.button(
        f"Use {num:,} rating{'' if num == 1 else 's'}", key="rec_profile_use", type="primary",
        disabled=not num, on_click=rec_state.fill, args=(reading.given[-MAX_GIVEN:],),
    )  # fmt: skip


def _change(digest: str, **change: object) -> None:
    kept: dict[str, ProfileChoices] = st.session_state[CHOICES]
    kept[digest] = replace(kept[digest], **change)
    st.rerun()


def _choose_columns(reading: ProfileReading, digest: str) -> None:
    """Which column is which: guessed, to be corrected."""
    numbers = range(len(reading.columns))
    chosen = {}
    for place, role in zip(st.columns(2), ("item", "rating"), strict=True):
        with place:
            chosen[role] = st.selectbox(
                f"Column of the {role}", numbers, reading.roles.get(role),
                key=f"rec_profile_{role}_{digest}", placeholder="Choose a column",
                format_func=lambda number: reading.columns[number],
            )  # fmt: skip
    if None not in chosen.values() and chosen != dict(reading.roles):
        _change(digest, columns=tuple(chosen.items()))


def _choose(reading: ProfileReading, digest: str) -> None:
    """How numbers become ratings of this scale, and what happens to an item rated twice."""
    choices: ProfileChoices = st.session_state[CHOICES][digest]
    left, right = st.columns(2)
    with left:
        conversion = st.selectbox(
            "Scale of the file", list(reading.conversions), key=f"rec_profile_scale_{digest}",
            index=list(reading.conversions).index(reading.conversion),
            format_func=reading.conversions.get,
        )  # fmt: skip
    with right:
        keep = st.radio(
            "An item that is rated twice", ("later", "first"), horizontal=True,
            key=f"rec_profile_keep_{digest}", index=("later", "first").index(choices.keep),
            format_func=lambda way: f"keep the {way} one",
        )  # fmt: skip
    if conversion != reading.conversion:
        _change(digest, conversion=conversion)
    if keep != choices.keep:
        _change(digest, keep=keep)


def _review(reading: ProfileReading) -> None:
    """Every row with what it was matched with; doubtful ones first."""
    rows = _doubtful_first(reading.rows)
    with st.container(key="rec_profile_rows"):
        show_rows(
            ("Line", "In the file", "Matched with", "Written", "Rating", "State"),
            [
                (
                    str(row.line), row.text, row.title or "–", row.said,
                    "–" if row.rating is None else say_rating(row.rating),
                    STATUS[row.status] if row.problem is None
                    else f"{STATUS[row.status]}: {row.problem.code} {row.problem.text}",
                )
                for row in rows[:MAX_ROWS]
            ],
            right=("Line", "Rating"), limit=160,
        )  # fmt: skip
    if len(rows) > MAX_ROWS:
        st.markdown(f"The first {MAX_ROWS} of {len(rows):,} rows, doubtful ones first.")


def _doubtful_first(rows: Sequence[ProfileRow]) -> list[ProfileRow]:
    return sorted(rows, key=lambda row: (row.status in ("ok", "chosen"), row.line))


def _correct(reading: ProfileReading, digest: str) -> None:
    """For each doubtful title the nearest ones of the catalogue to choose from."""
    asked = [row for row in _doubtful_first(reading.rows) if row.alternatives][:MAX_ASKED]
    asked = [row for row in asked if row.status in ("unsure", "unknown", "chosen", "left out")]
    if not asked:
        return
    choices: ProfileChoices = st.session_state[CHOICES][digest]
    items = dict(choices.items)
    with st.expander("Correct the matches", expanded=True, key="rec_profile_correct"):
        for row in asked:
            titles = {LEFT_OUT: "leave it out", **dict(row.alternatives)}
            if row.item:
                titles.setdefault(row.item, row.title)
            chosen = st.selectbox(
                f"Line {row.line}: {frame.plain(row.text[:60])}", list(titles),
                list(titles).index(row.item), key=f"rec_profile_item_{digest}_{row.line}",
                format_func=titles.get,
            )  # fmt: skip
            if chosen != row.item:
                items[row.line] = chosen
    if items != dict(choices.items):
        _change(digest, items=tuple(sorted(items.items())))
