"""The frame around every page: entry, header, errors, banners, footer.

Why pages call `guard` first. The folder is named ``pages``, so the first session after a server
start that opens a deep link is run by Streamlit's file-name navigation, without ``app.py``. `guard`
then remembers the page and its query parameters and switches to ``app.py``; `enter`, called there,
switches back. A page that is itself the main script (``streamlit run pages/about.py``, or a test)
has no ``app.py`` beside it, Streamlit refuses the switch, and the page goes on alone.
"""

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core import jobs
from core.errors import InputError, ParsimonyError

PAPER = "https://arxiv.org/abs/2407.00478"
APP = "Parsimony"
PROVIDERS = {"CPUExecutionProvider": "CPU", "CUDAExecutionProvider": "GPU (CUDA)"}
RESEARCH_USE = "Research use only. Not for clinical decisions."

STYLESHEET = Path(__file__).with_name("frame.css")

_FRAMED = "_framed"
_PENDING = "_pending_page"
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>&^=])")


def guard(name: str) -> None:
    """Make sure the page runs inside `app.py`; call it before anything else of a page.

    Args:
        name: the page's file name without ``.py``.
    """
    if _FRAMED in st.session_state:
        return
    parameters = {key: st.query_params.get_all(key) for key in st.query_params}
    st.session_state[_PENDING] = name, parameters
    try:
        st.switch_page("app.py")
    except StreamlitAPIException:  # the page is the main script and stands alone
        del st.session_state[_PENDING]


def enter(pages: Mapping[str, Any]) -> None:
    """Mark the session as framed and go to the page a cold deep link asked for.

    Also sees that there are workers for jobs.

    Args:
        pages: `st.Page` objects by name; call after `st.navigation` has registered them.
    """
    st.session_state[_FRAMED] = frozenset(pages)
    name, parameters = st.session_state.pop(_PENDING, (None, {}))
    if name in pages:
        st.switch_page(pages[name], query_params=parameters)
    with show_errors():
        _ensure_workers()


def menu(sections: Mapping[str, Sequence[Any]]) -> None:
    """Write the sidebar's menu; Streamlit's own has headings inside a list, against WCAG 1.3.1.

    Args:
        sections: `st.Page` objects by heading; the empty heading writes none.
    """
    with st.sidebar, st.container(key="menu"):
        for heading, members in sections.items():
            with st.container(gap="xxsmall"):
                if heading:
                    st.caption(heading)
                for member in members:
                    st.page_link(member)


def link(name: str, label: str) -> None:
    """Link to another page; plain text where this page stands alone and has no neighbours."""
    if name in st.session_state.get(_FRAMED, ()):
        st.page_link(f"pages/{name}.py", label=label, icon=":material/arrow_forward:")
    else:
        st.markdown(label)


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """Once per process, after a page ran: freeze what its imports loaded.

    It lives as long as the process; frozen, it is no longer walked by every garbage collection.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False, ttl=30)
def _ensure_workers() -> None:
    """Start missing workers; asked again every 30 s, because idle ones end by themselves."""
    jobs.ensure_workers()


def page(title: str, purpose: str, *, section: str = "") -> None:
    """Write the header: the only level-1 heading, one sentence of purpose, the paper's section.

    Args:
        title: name of the page.
        purpose: what a person gets here, one sentence.
        section: section of the parsimony paper, for example "5.1, RED-GNN"; empty for none.
    """
    st.set_page_config(page_title=title if title == APP else f"{title} · {APP}")
    st.html(STYLESHEET)
    st.title(title, anchor=False)
    st.markdown(purpose)
    if section:
        # not a caption: Streamlit fades a caption's link below the contrast of 4.5:1
        st.markdown(f":small[Section {section} of [Beyond Scaleup: parsimony learning]({PAPER})]")


@contextmanager
def show_errors() -> Iterator[None]:
    """Show a `ParsimonyError` as code, title, what is wrong and what to do next.

    Whatever was drawn before stays. Any other exception is a fault of the program and surfaces.
    """
    try:
        yield
    except ParsimonyError as error:
        show_error(error)


def show_error(error: ParsimonyError) -> None:
    """Draw one error box; the error's texts are shown literally."""
    if isinstance(error, InputError):
        place = f"{plain(error.where)}: " if error.where else ""
        text = (
            f"**{plain(error.code)} · {plain(error.title)}**\n\n"
            f"{place}{plain(error.problem)}\n\n{plain(error.hint)}"
        )
    else:
        text = plain(str(error))
    st.error(text, icon=":material/error:")


def plain(text: str) -> str:
    """Escape `text` so that Markdown shows it letter by letter: no links, images, HTML, formulas.

    Marks that turn the direction of writing are left out, they would turn what follows as well.
    Streamlit's own shortcuts (``:name:``, ``:red[…]``) and bare addresses are recognised after
    Markdown's escapes, so an invisible word joiner is put behind the character that starts them.
    """
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(_DIRECTIONS.sub("", text).split()))
    escaped = re.sub(r":(?=\S)", ":\u2060", escaped)
    return re.sub(r"(?i)\b(www)(?=\\\.)", "\\1\u2060", escaped).replace("@", "@\u2060")


def theme() -> str:
    """Theme of the colours that the browser shows: light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def example_banner() -> None:
    """Say that the answer below belongs to the built-in example."""
    with st.container(key="example_banner"):
        st.info("This is an example – change anything on the left.", icon=":material/lightbulb:")


def stale_banner() -> bool:
    """Say that inputs changed since the answer below was computed.

    Returns:
        True when the person pressed "Update".
    """
    with st.container(key="stale_banner", horizontal=True, vertical_alignment="center"):
        st.warning("Out of date: the inputs have changed.", icon=":material/history:")
        return st.button("Update", key="update_answer")


def footer(answer=None) -> None:
    """Close the page: research notice, model, where it ran, measured latency, app version.

    Args:
        answer: what is shown, with `model`, `provider` and `seconds`; None when there is nothing.
    """
    parts = [RESEARCH_USE]
    if answer is not None:
        provider = PROVIDERS.get(answer.provider, answer.provider)
        parts.append(plain(f"{answer.model} on {provider}"))
        parts.append(f"answered in {answer.seconds * 1000:,.0f} ms")
    parts.append(f"Parsimony {app_version()}")
    st.divider()
    with st.container(key="footer"):
        st.caption(" · ".join(parts))


def app_version() -> str:
    """Version of the installed package; "unpacked" when it runs without being installed."""
    try:
        return version("parsimony")
    except PackageNotFoundError:
        return "unpacked"
