"""The frame shared by all pages, run without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import DataError, InputError
from pages.components import exports, frame, inputs

ROOT = Path(__file__).resolve().parents[2]


def run(function, **arguments) -> AppTest:
    return AppTest.from_function(function, kwargs=arguments, default_timeout=60).run()


@pytest.mark.parametrize("page", sorted(path.name for path in ROOT.glob("pages/*.py")))
def test_every_page_stands_alone_with_one_title(page):
    app = AppTest.from_file(str(ROOT / "pages" / page), default_timeout=60).run()
    assert not app.exception
    assert len(app.title) == 1


@pytest.mark.parametrize("page", sorted(path.name for path in ROOT.glob("pages/*.py")))
def test_every_page_calls_the_guard_first(page):
    lines = (ROOT / "pages" / page).read_text().splitlines()
    calls = [line for line in lines if line.startswith(("frame.", "st.", "with ", "if ", "for "))]
    name = f'"{Path(page).stem}"'
    assert calls[0] in {f"frame.guard({name})", "frame.guard(PAGE)"}
    assert calls[0] != "frame.guard(PAGE)" or f"PAGE = {name}" in lines


def test_a_cold_page_remembers_itself_and_its_parameters(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "about.py").write_text(
        "import streamlit as st\nfrom pages.components import frame\n"
        "frame.guard('about')\nst.write('the page')\n"
    )
    main = tmp_path / "app.py"
    main.write_text(
        "import streamlit as st\n"
        "if '_pending_page' in st.session_state:\n"
        "    st.write(repr(st.session_state['_pending_page']))\n"
    )
    app = AppTest.from_file(str(main), default_timeout=60)
    app.query_params["x"] = ["1", "2"]
    app.switch_page("pages/about.py").run()
    assert [text.value for text in app.markdown] == ["('about', {'x': ['1', '2']})"]


def test_a_framed_session_is_not_sent_away():
    def script():
        import streamlit as st

        from pages.components import frame

        st.session_state["_framed"] = frozenset({"about"})
        frame.guard("about")
        st.write("the page")

    app = run(script)
    assert [text.value for text in app.markdown] == ["the page"]
    assert "_pending_page" not in app.session_state


def test_an_input_error_shows_code_title_problem_and_hint():
    def script():
        import streamlit as st

        from core.errors import InputError
        from pages.components import frame

        st.write("earlier answer")
        with frame.show_errors():
            raise InputError("KG-E01", "Pick a subject", "None is chosen.", "Type a name.", "row 3")
        st.write("later")

    app = run(script)
    assert not app.exception
    assert [text.value for text in app.markdown] == ["earlier answer", "later"]
    assert app.error[0].value == (
        r"**KG\-E01 · Pick a subject**" "\n\n" r"row 3: None is chosen\." "\n\n" r"Type a name\."
    )


def test_any_other_error_surfaces_without_its_text():
    def script():
        from pages.components import frame

        with frame.show_errors():
            raise ValueError("a fault of the program")

    app = run(script)
    assert len(app.exception) == 1
    assert "redacted" in app.exception[0].message
    assert not app.error


def test_errors_without_a_code_show_their_text():
    def script():
        from core.errors import DataError
        from pages.components import frame

        with frame.show_errors():
            raise DataError("The file is gone. Fetch it again.")

    assert run(script).error[0].value == r"The file is gone\. Fetch it again\."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("a\u202egpj\u2066b\u200f", "agpjb"),
        ("[x](javascript:alert)", "\\[x\\]\\(javascript:\u2060alert\\)"),
        ("![](http://h/x.png)", "\\!\\[\\]\\(http:\u2060//h/x\\.png\\)"),
        ("<img src=x>", r"\<img src\=x\>"),
        ("$x^2$", r"\$x\^2\$"),
        ("# head\n* item", r"\# head \* item"),
        (":smile: :red[x]", ":\u2060smile: :\u2060red\\[x\\]"),
        ("www.host a@b", "www\u2060\\.host a@\u2060b"),
        ("`a\\b`", r"\`a\\b\`"),
    ],
)
def test_user_text_is_escaped(text, shown):
    assert frame.plain(text) == shown


def test_header_and_footer():
    def script():
        from types import SimpleNamespace

        from pages.components import frame

        frame.page("Title", "One sentence.", section="5.1, RED-GNN")
        frame.example_banner()
        answer = {"model": "redgnn-umls 1.0", "provider": "CPUExecutionProvider"}
        frame.footer(SimpleNamespace(**answer, seconds=0.0123))

    app = run(script)
    assert [title.value for title in app.title] == ["Title"]
    assert app.markdown[0].value == "One sentence."
    assert app.markdown[1].value.startswith(":small[Section 5.1, RED-GNN of [")
    assert app.info[0].value == "This is an example – change anything on the left."
    footer = app.caption[0].value
    assert footer.startswith(
        r"Research use only. Not for clinical decisions. · redgnn\-umls 1\.0 on CPU · "
        "answered in 12 ms · Parsimony "
    )


def test_the_stale_banner_reports_the_press():
    def script():
        import streamlit as st

        from pages.components import frame

        st.write(f"update {frame.stale_banner()}")

    app = run(script)
    assert app.warning[0].value == "Out of date: the inputs have changed."
    assert app.markdown[0].value == "update False"
    app.button(key="update_answer").click().run()
    assert app.markdown[0].value == "update True"


def test_permalinks_keep_identifiers_and_repeat_sequences():
    assert exports.permalink("kg_reasoning", {"graph": "umls", "head": 3}) == (
        "/kg_reasoning?graph=umls&head=3"
    )
    assert exports.permalink("x", {"remove": ["1,2,3", "a&b"], "empty": "", "none": []}) == (
        "/x?remove=1%2C2%2C3&remove=a%26b"
    )
    assert exports.permalink("x", {"zero": 0}) == "/x?zero=0"
    assert exports.permalink("x", {}) == "/x"


def test_the_link_is_visible_text():
    def script():
        from pages.components import exports

        exports.copy_link("kg_reasoning", {"head": 3})

    assert run(script).code[0].value.endswith("/kg_reasoning?head=3")


def test_downloads_have_one_button_each():
    def script():
        from pages.components.exports import Export, download_row

        download_row(
            [
                Export("CSV", "a.csv", "text/csv", "x,y\n"),
                Export("Evidence bundle", "b.json", "application/json", lambda: b"{}"),
            ]
        )

    app = run(script)
    assert [button.label for button in app.get("download_button")] == ["CSV", "Evidence bundle"]


NAMES = {"id-1": "Anna", "id-2": "Annabel", "id-3": "Hanna", "id-4": "Bob", "bob": "Eve"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("anna", ["id-1", "id-2", "id-3"]),
        ("ANNAB", ["id-2"]),
        ("bob", ["id-4", "bob"]),
        ("id-", ["id-1", "id-2", "id-3", "id-4"]),
        ("xyz", []),
        ("", ["id-1", "id-2", "id-3", "id-4", "bob"]),
    ],
)
def test_names_match_exactly_then_at_the_beginning_then_anywhere(query, found):
    assert inputs.match_names(query, NAMES) == found


def test_no_more_matches_than_asked():
    assert inputs.match_names("", NAMES, limit=2) == ["id-1", "id-2"]


def test_a_short_list_is_offered_whole():
    def script():
        import streamlit as st

        from pages.components.inputs import choose_name

        names = {"1": "Anna", "2": "2"}
        st.write(f"chosen {choose_name('Subject', names, key='subject', default='2')}")

    app = run(script)
    assert app.selectbox(key="subject").options == ["Anna (1)", "2"]
    assert app.markdown[0].value == "chosen 2"
    app.selectbox(key="subject").select("1").run()
    assert app.markdown[0].value == "chosen 1"


def test_a_long_list_is_searched_first():
    def script():
        import streamlit as st

        from pages.components.inputs import choose_name

        names = {str(number): f"person {number}" for number in range(2001)}
        st.write(f"chosen {choose_name('Subject', names, key='subject', default='1999')}")

    app = run(script)
    assert app.markdown[0].value == "chosen 1999"
    assert app.selectbox(key="subject").options == ["person 1999 (1999)"]
    app.text_input(key="subject_search").set_value("person 12").run()
    assert len(app.selectbox(key="subject").options) == 50
    assert app.markdown[0].value == "chosen 12"
    app.text_input(key="subject_search").set_value("nobody").run()
    assert app.markdown[-1].value == "chosen None"


def test_error_texts_name_their_parts():
    error = InputError("X-E01", "Title", "Problem.", "Hint.")
    assert str(error) == "X-E01 · Title. Problem. Hint."
    assert not isinstance(DataError("x"), InputError)
