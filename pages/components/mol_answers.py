"""Answers about candidates, computed once per server; the heading and the ranked list."""

from collections.abc import Sequence

import streamlit as st

from core.errors import Remark
from core.render.molecule import say_set
from core.serving import mol_evidence
from core.serving import molecular_property as mol
from core.serving.molecule_reliability import takes_long
from core.serving.molecule_table import TableRow
from pages.components import frame
from pages.components.history import signature
from pages.components.mol_table import Cell, Column, Line, Track, picture_cell, show_table
from pages.components.rows import show_rows
from pages.components.verdict import show_score, unbroken

PER_PAGE = 10
VIEWS = ("Ranked", "All, in input order")
MAX_SENTENCE = 400
MAX_PROBLEMS = 20
SORTS = ("rank", "name", "probability", "domain", "nearest")
DOMAINS = {"inside": "● inside", "border": "◐ border", "outside": "○ outside"}
STATUS = {
    "ok": "ok",
    "changed": "fixed",
    "duplicate": "repeated",
    "known": "known, not scored",
    "refused": "refused",
}
LABELS = {
    "labels": ("Follows your labels", "green", ":material/check:"),
    "prior": ("Ignores your labels", "red", ":material/close:"),
    "unknown": ("Cannot be told", "orange", ":material/remove:"),
}


BY_TEXT = {mol.Question: lambda question: signature(question.to_json())}


def first_of(question: mol.Question) -> mol.Answer:
    """`core.serving.molecular_property.first_answer`, once."""
    return _first(question)


def answer_of(question: mol.Question) -> mol.Answer:
    """`core.serving.molecular_property.answer`, once; until it is there the first one is shown."""
    known: set[str] = st.session_state.setdefault("mol_known", set())
    key, place = signature(question.to_json()), st.empty()
    if key not in known and question.card is None and takes_long(question.model):
        with place.container(key="mol_first"):
            _show_first(first_of(question))
    answer = _answer(question)
    place.empty()
    known.add(key)
    return answer


def explanation_of(question: mol.Question, row_id: str) -> mol_evidence.Explanation:
    """`core.serving.mol_evidence.explain`, once."""
    return _explain(question, row_id)


@st.cache_resource(
    show_spinner="Reading the molecules, predicting", max_entries=100, hash_funcs=BY_TEXT
)
def _first(question: mol.Question) -> mol.Answer:
    return mol.first_answer(question)


@st.cache_resource(
    show_spinner="Asking again with other draws and with shuffled labels", max_entries=100,
    hash_funcs=BY_TEXT,
)  # fmt: skip
def _answer(question: mol.Question) -> mol.Answer:
    return mol.answer(question)


@st.cache_resource(
    show_spinner="Leaving out each known molecule", max_entries=500, hash_funcs=BY_TEXT
)
def _explain(question: mol.Question, row_id: str) -> mol_evidence.Explanation:
    return mol_evidence.explain(question, row_id)


def _show_first(answer: mol.Answer) -> None:
    """The best candidates, before it is known how far they can be trusted."""
    st.markdown(
        "**First answer.** Its range over other draws of your molecules, and whether your labels "
        "matter at all, follow."
    )
    show_rows(
        ("#", "Name", "P(active)", "Set", "Domain"),
        [
            (str(one.rank), one.row.title, show_score(one.probability), say_set(one.classes),
             DOMAINS[one.domain.flag])
            for one in answer.ranked[:PER_PAGE]
        ],
        right=("#", "P(active)"),
    )  # fmt: skip


def show_heading(answer: mol.Answer) -> None:
    """How many rows there are, whether the labels matter, how far the sets can be trusted."""
    table = answer.table
    support = ", ".join(f"{table.num_usable(role)} {role}" for role in ("active", "inactive"))
    if answer.question.card is not None:
        support = "task card"
    st.markdown(
        f"**{len(answer.predictions):,} candidates**: {table.summary} · known: **{support}**"
    )
    shuffle = answer.shuffle
    if shuffle is not None:
        words, color, icon = LABELS[shuffle.verdict]
        with st.container(horizontal=True, vertical_alignment="center", key="mol_shuffle"):
            st.badge(words, color=color, icon=icon)
            st.markdown(frame.plain(shuffle.sentence))
    if answer.coverage_note:
        st.markdown(frame.plain(answer.coverage_note))
    with st.container(key="mol_notices"):
        for notice in answer.notices:
            _warn(notice)
    _show_problems(table.problems)


def _warn(remark: Remark) -> None:
    st.warning(
        f"**{frame.plain(remark.code)} · {frame.plain(remark.title)}**\n\n"
        f"{frame.plain(remark.text)}",
        icon=":material/info:",
    )


def _show_problems(rows: Sequence[TableRow]) -> None:
    """Rows with a code, each with its reason."""
    if not rows:
        return
    one = len(rows) == 1
    label = f"{len(rows):,} row{'' if one else 's'} need{'s' if one else ''} attention"
    with st.expander(label, expanded=any(row.status == "refused" for row in rows),
                     key="mol_problems"):  # fmt: skip
        show_rows(
            ("Row", "Status", "Code", "What is wrong"),
            [
                (row.id, STATUS[row.status], remark.code, f"{remark.title}. {remark.text}")
                for row in rows[:MAX_PROBLEMS]
                for remark in row.remarks
                if remark.code.startswith("MO-E")
            ],
            limit=MAX_SENTENCE,
        )
        if len(rows) > MAX_PROBLEMS:
            st.markdown(f"The CSV has all {len(rows):,} rows.")


def show_rows_of(answer: mol.Answer, opened: str) -> None:
    """The ranked list, or every row in input order.

    Args:
        answer: the answer.
        opened: id of the row whose evidence is shown.
    """
    view = st.radio("Rows", VIEWS, horizontal=True, key="mol_view")
    if view == VIEWS[0]:
        show_ranking(answer, opened)
    else:
        show_all_rows(answer)


def show_ranking(answer: mol.Answer, opened: str) -> None:
    """The list: filters, the table with pictures, pages.

    Args:
        answer: the answer.
        opened: id of the row whose evidence is shown.
    """
    with st.container(horizontal=True, key="mol_filters", vertical_alignment="bottom"):
        text = st.text_input(
            "Filter by name, SMILES or row", key="mol_filter", max_chars=100,
            placeholder="All candidates",
        )  # fmt: skip
        domain = st.selectbox(
            "Domain", ["", *DOMAINS], key="mol_filter_domain",
            format_func=lambda flag: DOMAINS.get(flag, "any"),
        )  # fmt: skip
        found = st.selectbox(
            "Set", ["", "active", "inactive", "both"], key="mol_filter_set",
            format_func=lambda word: {"": "any", "active": "active only",
                                      "inactive": "inactive only"}.get(word, word),
        )  # fmt: skip
    folded = _fold(answer)
    shown = [
        one
        for one in answer.ranked
        if _matches(one, text, domain, found) and not (folded and one.uncertain)
    ]
    place = st.container(key="mol_rows")
    pages = max(1, -(-len(shown) // PER_PAGE))
    by, down = _order()
    # a key per order: another order begins with its first page
    page = st.pagination(pages, key=f"mol_page_{by}_{down}") if pages > 1 else 1
    start = (page - 1) * PER_PAGE
    listed = _sorted(shown)[start : start + PER_PAGE]
    caption = f"{len(shown):,} of {len(answer.predictions):,} candidates"
    with place:
        show_table(
            caption, _columns(), [_line(answer, one, opened) for one in listed],
            key="mol_ranking", on_sort=_sort_by, on_open=_open,
        )  # fmt: skip
    st.markdown(
        f"**P(active)**{_say_spread(answer)}; dashed: threshold {answer.question.threshold:g}. "
        "**Set**: the answers that remain at the promised level. **Domain**: likeness (Tanimoto, "
        "ECFP4) to the nearest known molecule. Press a name for its evidence."
    )


def _say_spread(answer: mol.Answer) -> str:
    if not answer.num_redraws:
        return " without a range, which takes three known molecules of each class or more"
    return f", below it its 5 to 95 % range over {answer.num_redraws} re-draws of the known ones"


def _fold(answer: mol.Answer) -> bool:
    """Whether answers with little confidence are left out of the list; never all of them."""
    num = sum(one.uncertain for one in answer.ranked)
    if not num or num == len(answer.ranked):
        return False
    return not st.checkbox(
        f"Show {num:,} low-confidence answer{'' if num == 1 else 's'} too", key="mol_doubtful",
        help="Two of three signals are bad: outside the model's experience, both classes in the "
        "set, labels that hardly matter.",
    )  # fmt: skip


def _columns() -> list[Column]:
    by, down = _order()
    turned = "descending" if down else "ascending"

    def sort(key: str) -> str:
        return turned if key == by else "none"

    return [
        Column("rank", "#", number=True, sort=sort("rank")),
        Column("structure", "Structure"),
        Column("name", "Name", sort=sort("name")),
        Column("probability", "P(active)", number=True, sort=sort("probability")),
        Column("set", "Set"),
        Column("domain", "Domain", words=True, sort=sort("domain")),
        Column("nearest", "Nearest known", words=True, sort=sort("nearest")),
    ]


def _line(answer: mol.Answer, one: mol.Prediction, opened: str) -> Line:
    spread = "" if one.low is None else f"{one.low:.2f} to {one.high:.2f}"
    domain = DOMAINS[one.domain.flag] if one.domain else "–"
    nearest = "–"
    if one.domain and one.domain.similarity is not None:
        nearest = f"{one.domain.nearest} · {one.domain.similarity:.2f}"
    limit = answer.question.threshold
    return Line(
        one.row.id,
        (
            Cell(str(one.rank)),
            picture_cell(one.row),
            Cell(one.row.title, opens=True),
            Cell(
                show_score(one.probability),
                note=spread,
                track=Track(one.probability, one.low, one.high, limit),
            ),
            Cell(say_set(one.classes)),
            Cell(domain),
            Cell(nearest),
        ),
        one.row.id == opened,
    )


def _matches(one: mol.Prediction, text: str, domain: str, found: str) -> bool:
    wanted = text.strip().casefold()
    row = one.row
    if wanted not in f"{row.id} {row.title} {row.text} {row.smiles}".casefold():
        return False
    if domain and (one.domain is None or one.domain.flag != domain):
        return False
    if found == "both":
        return len(one.classes) == 2
    return not found or one.classes == (found,)


def _order() -> tuple[str, bool]:
    """Column the list is sorted by, and whether from large to small."""
    return st.session_state.setdefault("mol_sort", ("rank", False))


def _sort_by(key: str) -> None:
    if key in SORTS:
        by, down = _order()
        first = key in ("probability", "nearest")  # largest first
        st.session_state["mol_sort"] = key, (not down if key == by else first)


def _open(row_id: str) -> None:
    st.session_state["mol_row"] = row_id


def _sorted(rows: Sequence[mol.Prediction]) -> list[mol.Prediction]:
    by, down = _order()
    flags = list(DOMAINS)

    def value(one: mol.Prediction) -> float | str:
        if by == "name":
            return one.row.title.casefold()
        if by == "probability":
            return one.probability
        if by == "domain":
            return flags.index(one.domain.flag) if one.domain else len(flags)
        if by == "nearest":
            return (one.domain and one.domain.similarity) or 0.0
        return one.rank

    return sorted(rows, key=value, reverse=down)


def show_all_rows(answer: mol.Answer) -> None:
    """Every candidate in input order, also the refused ones."""
    pages = max(1, -(-len(answer.predictions) // 50))
    page = st.pagination(pages, key="mol_all_page") if pages > 1 else 1
    start = (page - 1) * 50
    with st.container(key="mol_all_rows"):
        show_rows(
            ("Row", "Name", "Status", "P(active)", "#", "Codes"),
            [
                (
                    one.row.id, one.row.title, unbroken(STATUS[one.row.status]),
                    "–" if one.probability is None else show_score(one.probability),
                    "–" if one.rank is None else str(one.rank),
                    ", ".join(remark.code for remark in one.row.remarks) or "–",
                )
                for one in answer.predictions[start : start + 50]
            ],
            right=("P(active)", "#"),
        )  # fmt: skip
