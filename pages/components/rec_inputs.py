"""The question: model, ratings with one control each, filters, method and options."""

import re
from pathlib import Path

import streamlit as st

from core.knowledge.ratings import Scale
from core.serving import rec_permalink, rec_training
from core.serving.rec_items import model_of
from core.serving.rec_model import METHODS, ModelEntry, RecModel, available_models
from core.serving.rec_question import MAX_LENGTH, MAX_NEWEST, Question
from core.settings import settings
from pages.components import frame, rec_state
from pages.components.inputs import MAX_OPTIONS, match_names
from pages.components.rec_answers import say_rating

WANTED = 5  # ratings after which the progress is full
TALL, HEIGHT = 6, 470  # more items than this scroll in a box of so many pixels
HARMLESS = re.compile(r"(?i)(?!\d+[.)]|.*www\.)(?:[^\W_]|[ (),.'’!?&]|(?<=\w)-(?=\w)|:(?= ))+")
UPLOADS = "rec_uploads"  # title of this session's uploads by id, newest last
STEPS = 20  # of a scale on which any number is allowed


def ask(_link: rec_permalink.Link) -> tuple[Question | None, str]:
    """Draw the inputs; what they hold was filled in from the link already.

    Returns:
        The question as the inputs state it, None while no model is here; and ``predict`` when it
        is to be answered: the button was pressed, or the list is live and something changed.
    """
    entries = {entry.id: entry for entry in list_models()}
    usable = [name for name, entry in entries.items() if not entry.problem]
    for entry in entries.values():
        if entry.problem:
            st.warning(frame.plain(f"{entry.title}: {entry.problem}"), icon=":material/info:")
    if not usable:
        st.info("No trained model is here. Restore the folder `trained/` from the release.")
        return None, ""
    name = st.selectbox(
        "Data and model", usable, key="rec_model", on_change=_begin,
        format_func=lambda name: entries[name].title if name in entries else name,
    )  # fmt: skip
    own = st.session_state[rec_state.OWN_ITEMS]
    model = model_of(Question(name, items=own))
    if own:
        _say_own(model)
    _add(model)
    _rate(model)
    _progress(model)
    live = st.toggle(
        "Update the list at every change", True, key="rec_live",
        help="Off: the list waits for the button.",
    )  # fmt: skip
    pressed = st.button("Recommend", type="primary", key=rec_state.ASKED, width="stretch")
    method = st.selectbox(
        "Method", model.methods, key="rec_method", format_func=lambda name: METHODS[name].title
    )
    st.markdown(f":small[{frame.plain(METHODS[method].sentence)}]")
    with st.expander("Filters and options", key="rec_options"):
        draft = _options(model, method)
    last = rec_state.STATE.link.query
    return draft, "predict" if pressed or (live and draft != last) else ""


def list_models() -> tuple[ModelEntry, ...]:
    """The models of this server, looked for every few seconds: a training may end."""
    own = tuple(rec_training.artifact_name(one) for one in st.session_state.get(UPLOADS, {}))
    return _models(settings().trained, settings().home, own)


@st.cache_data(show_spinner=False, ttl=5)
def _models(
    trained: Path, home: Path, own: tuple[str, ...]  # noqa: ARG001 - the folders are the key
) -> tuple[ModelEntry, ...]:  # fmt: skip
    return available_models(own=own)


def _begin() -> None:
    """Another model begins with its own example: its items are others."""
    link = rec_permalink.from_parameters({"model": st.session_state["rec_model"]})
    rec_state.show(link)


def _say_own(model: RecModel) -> None:
    """That a person's own items are ranked, and the way back."""
    num = len(model.catalogue) - model.num_trained
    with st.container(border=True, key="rec_own_in_use"):
        st.markdown(f"**Your own {model.words.items}** are ranked: {num:,} from your file.")
        st.button("Back to the catalogue", key="rec_own_drop", on_click=rec_state.take_items)


def _add(model: RecModel) -> None:
    """One more item, found by typing; Enter puts it into the editor."""
    catalogue, word = model.catalogue, model.words.item
    one = f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
    names = dict(zip(catalogue.ids, catalogue.titles, strict=True))
    for item in st.session_state[rec_state.ITEMS]:
        names.pop(item, None)
    options = list(names)
    if len(options) > MAX_OPTIONS:
        text = st.text_input(
            f"Find {one}", key="rec_find", max_chars=200,
            placeholder="Part of a title",
        )  # fmt: skip
        options = match_names(text, names)
        if not options:
            st.markdown(":small[No title contains this text.]")
    st.selectbox(
        f"Add {one}", options, index=None, key="rec_add", on_change=_added, filter_mode="contains",
        format_func=lambda item: names.get(item, item), placeholder="Type a title, then Enter",
    )  # fmt: skip


def _added() -> None:
    if item := st.session_state["rec_add"]:
        rec_state.put(item)
        st.session_state["rec_add"] = None


def _rate(model: RecModel) -> None:
    """One control per item, the newest first: arrow keys, Home and End work on every scale."""
    items = st.session_state[rec_state.ITEMS]
    with st.container(height=HEIGHT if len(items) > TALL else "content", key="rec_ratings"):
        for item in reversed(items):
            key, title = rec_state.rating_key(item), model.title_of(item)
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.select_slider(
                    label_of(title), ratings_of(model.scale, st.session_state.get(key)),
                    key=key, format_func=say_rating,
                )  # fmt: skip
                st.button(
                    "Remove", key=f"rec_drop_{item}", on_click=rec_state.drop, args=(item,),
                    type="tertiary", help=frame.plain(title),
                )  # fmt: skip
    if items:
        st.button("Remove all", key="rec_clear", on_click=rec_state.fill, args=((),))


def label_of(title: str) -> str:
    """A title as the label of a control: the same letters for the eye and for a screen reader.

    Streamlit writes a label as Markdown, but its source into the accessible name. So a title in
    which nothing means anything to Markdown stays as it is, every other is escaped.
    """
    return title if HARMLESS.fullmatch(title) else frame.plain(title)


def ratings_of(scale: Scale, also: float | None = None) -> list[float | None]:
    """What a control offers: not rated, then the ratings of the scale from worst to best.

    Args:
        scale: of the model.
        also: a rating between two steps that has to be offered too.
    """
    step = scale.step or scale.span / STEPS
    num = round(scale.span / step)
    offered = {round(scale.low + number * step, 6) for number in range(num + 1)}
    return [None, *sorted(offered if also is None else offered | {also})]


def _progress(model: RecModel) -> None:
    num = len(rec_state.given())
    listed = f"{num} of {WANTED} rated" if num < WANTED else f"{num} rated"
    st.progress(
        min(1.0, num / WANTED),
        text=f"{listed}; the list is there from zero on. Scale: {model.scale.low:g} to "
        f"{model.scale.high:g}.",
    )


def _options(model: RecModel, method: str) -> Question:
    """What is listed, and what is used for it; returns the whole question."""
    years, kinds = None, ()
    if model.years and model.years[0] < model.years[1]:
        chosen = st.slider("Years", *model.years, key="rec_years")
        years = None if chosen == model.years else chosen
    if model.kinds:
        name, values = model.kinds
        kinds = st.multiselect(
            name.capitalize(), values, key="rec_kinds", placeholder="All", select_all=False
        )
    hide = st.checkbox(f"Hide rated {model.words.items}", key="rec_hide")
    length = st.number_input("Length of the list", 1, MAX_LENGTH, key="rec_length")
    newest = st.number_input(
        "Ratings used, newest first", 1, MAX_NEWEST, key="rec_newest",
        help="A cold-start model is made for few ratings (RC-E07).",
    )  # fmt: skip
    user = []
    for number, field in enumerate(model.user_fields):
        value = st.selectbox(
            f"Your {field.name}", field.values, index=None, key=f"rec_user_{number}",
            placeholder="Not given",
        )  # fmt: skip
        user += [(field.name, value)] if value is not None else []
    return Question(
        model.id, rec_state.given(), method, hide, int(length), years, tuple(kinds), int(newest),
        tuple(user), st.session_state[rec_state.OWN_ITEMS],
    )  # fmt: skip
