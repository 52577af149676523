"""The frame in a real browser: arrival, deep links, looks, reachability."""

import time
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from playwright.sync_api import expect

from core.data.assets import ASSETS, is_placed

DOMAINS = (
    "KG reasoning",
    "Recommendation",
    "Molecular property",
    "Symbolic regression",
    "Drug interaction",
    "Gene regulation",
)


def test_a_deep_link_works_as_the_first_request_of_a_server(make_server, visit):
    server = make_server()
    page = visit(f"{server.url}/about?x=1&y=a&y=b")
    expect(page.get_by_role("heading", level=1)).to_have_text("About")
    menu = page.locator(".st-key-menu")
    expect(menu.get_by_role("link", name="Home")).to_be_visible()
    expect(menu.get_by_role("link", name="About")).to_be_visible()
    assert page.get_by_test_id("stSidebarNav").count() == 0
    parts = urlsplit(page.url)
    assert parts.path == "/about"
    assert parse_qs(parts.query) == {"x": ["1"], "y": ["a", "b"]}
    assert page.get_by_role("dialog").count() == 0
    assert page.title() == "About · Parsimony"

    again = visit(f"{server.url}/about?x=2")
    assert parse_qs(urlsplit(again.url).query) == {"x": ["2"]}
    assert again.get_by_role("dialog").count() == 0


@pytest.mark.parametrize("path", ["kg_reasoning", "jobs"])
def test_every_page_opens_cold_within_the_frame(make_server, visit, path):
    server = make_server()
    page = visit(f"{server.url}/{path}")
    expect(page.locator(".st-key-menu").get_by_role("link", name="Home")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert urlsplit(page.url).path == f"/{path}"
    assert page.title() == f"{page.get_by_role('heading', level=1).inner_text()} · Parsimony"


def test_the_first_visitor_finds_a_worker_for_jobs(make_server, visit):
    server = make_server(workers=1)
    page = visit(server.url)
    expect(page.get_by_text("1 alive", exact=True)).to_be_visible()
    deadline = time.monotonic() + 20
    while not server.worker_pids() and time.monotonic() < deadline:
        time.sleep(0.2)
    (worker,) = server.worker_pids()
    assert psutil.Process(worker).is_running()


def test_landing_is_quick_and_names_the_six_domains(make_server, visit):
    server = make_server()
    start = time.monotonic()
    page = visit(server.url)
    for name in DOMAINS:
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    assert time.monotonic() - start < 5
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("button", name="Deploy").count() == 0
    page.get_by_role("link", name="Open KG reasoning").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("KG reasoning")
    assert urlsplit(page.url).path == "/kg_reasoning"


def test_the_first_page_needs_no_outside_icon(server, visit):
    page = visit(server.url)
    icon = page.locator("link[rel~=icon]").first.get_attribute("href")
    assert icon.startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", ["/", "/kg_reasoning", "/jobs", "/about"])
def test_wcag_aa_in_both_themes(server, visit, find_violations, path, dark):
    page = visit(server.url + path, dark=dark)
    background = page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert background == ("rgb(14, 17, 23)" if dark else "rgb(255, 255, 255)")
    assert find_violations(page) == []


def test_headings_do_not_skip_a_level(server, visit):
    for path in ("/", "/about"):
        page = visit(server.url + path)
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_no_horizontal_scroll_at_double_zoom(server, visit):
    for path in ("/", "/about"):
        page = visit(server.url + path, viewport={"width": 640, "height": 480})
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )


HOSTILE = (
    "<img src=x onerror=document.title='X'>",
    '"><script>document.title="X"</script>',
    "[click](javascript:document.title='X')",
    "![picture](http://outside.invalid/x.png)",
    "http://outside.invalid/page www.outside.invalid a@outside.invalid",
    ":smile: :material/home: :red[coloured] $x^2$",
    "**bold** _slanted_ `code` ~~struck~~ # head",
    "back\\slash \\[ \\$ &lt;b&gt; &#91;",
)


def test_hostile_text_in_an_error_is_shown_letter_by_letter(make_server, visit, tmp_path):
    script = tmp_path / "hostile.py"
    script.write_text(
        "import streamlit as st\n"
        "from core.errors import InputError\n"
        "from pages.components import frame\n"
        "st.title('Hostile')\n"
        f"for text in {HOSTILE!r}:\n"
        "    frame.show_error(InputError('X-E01', 'Title', text, 'Next.'))\n"
    )
    server = make_server(script=str(script))
    page = visit(server.url)
    boxes = page.get_by_role("alert")
    expect(boxes).to_have_count(len(HOSTILE))
    for box, text in zip(boxes.all(), HOSTILE, strict=True):
        shown = box.locator("p").nth(1).inner_text().replace("\u2060", "")
        assert shown == text
        assert box.locator("p a, p img, p script, p strong + em, p .katex, p code").count() == 0
    assert page.title() == "Streamlit"


@pytest.mark.skipif(not is_placed(ASSETS[0]), reason="3Dmol.js is not placed: no network at set-up")
def test_the_molecule_viewer_is_served_as_a_script_from_here(server, visit):
    page = visit(server.url)
    page.add_script_tag(url=f"{server.url}/app/static/3Dmol-min.js")
    assert page.evaluate("typeof $3Dmol.createViewer") == "function"
