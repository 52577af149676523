"""The evidence component and explore mode in a real browser."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageColor
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path.insert(0, ROOT)
import streamlit as st
from core.render.drawing import Edge, Node
from core.render.graph import draw_graph
from pages.components.evidence_view import show_evidence, show_table
from pages.components.explore import show_explore

ICON = ROOT + "/pages/components/icon.svg"
st.set_page_config(page_title="Evidence test", layout="wide", page_icon=ICON)
st.title("Evidence test")
H = "<img src=x onerror=document.title='X'>"
nodes = [
    Node("q", H, "drug", 0, "query"),
    Node("a", '"><script>document.title=1</script>', "gene", 1),
    Node("b", "javascript:alert(1)", "pathway", 1),
    Node("c", "long " * 1000, "side effect", 2),
    Node("z", "\\u202eright to left", "disease", 3, "answer", "?"),
]
edges = [
    Edge("e1", "q", "a", H, 0.9, "kept", arrow="bar"),
    Edge("e2", "q", "b", "=HYPERLINK(1)", 0.2, "removed"),
    Edge("e3", "a", "c", "part of", 0.5, "added"),
    Edge("e4", "a", "c", "near", 0.5),
    Edge("e5", "c", "z", "causes", 0.4),
    Edge("e6", "z", "q", "*treats* $x$", 0.1, arrow="none"),
]
options = {"title": "Evidence for " + H, "permalink": "/?id=1", "data_version": "toy 1"}
if st.query_params.get("mode") == "explore":
    st.write("chosen:", show_explore(draw_graph(nodes, edges, **options)))
else:
    wide = draw_graph(nodes, edges, **options)
    narrow = draw_graph(nodes, edges, orientation="down", **options)
    selected = show_evidence(wide, key="graph", narrow=narrow)
    st.write(f"selected = {selected}")
    show_table(wide, key="table")
"""


@pytest.fixture(scope="module")
def site(make_server, tmp_path_factory):
    script = tmp_path_factory.mktemp("script") / "evidence.py"
    script.write_text(SCRIPT.replace("ROOT", json.dumps(str(ROOT))))
    return make_server(script=script)


@pytest.fixture
def opened(site, visit):
    def opened(*, dark=False, **options):
        page = visit(site.url, dark=dark, **options)
        page.dialogs = []
        page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
        page.locator(".item.node").first.wait_for()
        return page

    return opened


def test_hostile_names_are_text_and_nothing_runs(opened):
    page = opened()
    svg = page.locator(".stage svg")
    texts = svg.locator("text").all_text_contents()
    assert "<img src=x" in texts  # the first of two lines
    assert svg.locator("img, script, a, foreignObject, image").count() == 0
    table = page.get_by_role("table")
    expect(table).to_contain_text("<img src=x onerror=document.title='X'>")
    expect(table).to_contain_text("*treats* $x$")
    assert table.locator("tbody *:not(tr, td)").count() == 0
    for name in ("q", "a", "b", "z"):
        page.locator(f'[data-key="node:{name}"] .shape').dblclick()
    expect(page.get_by_text("selected = None")).to_be_visible()
    assert page.title() == "Evidence test"
    assert page.dialogs == []
    assert len(page.context.pages) == 1


def test_the_table_has_as_many_rows_as_the_picture_has_edges(opened):
    page = opened()
    assert page.locator(".item.edge").count() == 6
    expect(page.get_by_role("table").locator("tbody tr")).to_have_count(6)
    first = page.get_by_role("table").locator("tbody tr").first.locator("td")
    assert first.all_text_contents() == [
        "1", "<img src=x onerror=document.title='X'>", "<img src=x onerror=document.title='X'>",
        '"><script>document.title=1</script>', "1", "0.900", "kept",
    ]  # fmt: skip
    columns = page.get_by_role("columnheader").all_text_contents()
    assert columns == ["No.", "From", "Relation", "To", "Hop", "Deletion effect", "Status"]
    name = page.locator(".stage svg").get_attribute("aria-label")
    assert "5 nodes, 6 edges; strongest edge" in name
    assert page.locator(".stage svg").get_attribute("role") == "group"


def test_tab_reaches_everything_and_enter_selects(opened):
    page = opened()
    page.get_by_role("button", name="PNG").focus()
    reached = []
    for _ in range(11):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(() => { let e = document.activeElement;"
                " while (e.shadowRoot) e = e.shadowRoot.activeElement;"
                " return [e.dataset.key || e.outerHTML.slice(0, 300), e.getAttribute('aria-label'),"
                " getComputedStyle(e.querySelector('.glow, .pill') || e).stroke]; })()"
            )
        )
    keys = [key for key, _, _ in reached]
    assert keys[0] == "node:q"
    assert sorted(keys[1:3]) == ["node:a", "node:b"]
    assert keys[3:5] == ["node:c", "node:z"]
    assert keys[5] == "edge:e1"  # the strongest first
    assert keys[-1] == "edge:e6"
    assert len(set(keys)) == 11
    names = {key: name for key, name, _ in reached}
    assert names["node:b"] == "pathway javascript:alert(1), hop 1, 1 edge"
    assert all(stroke == "rgb(27, 27, 31)" for _, _, stroke in reached)  # the focus ring
    page.locator('[data-key="node:a"]').focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("selected = a")).to_be_visible()
    chosen = page.locator('[data-key="node:a"]')
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(chosen).to_be_focused()  # the answer of the server does not move the focus
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("selected = a")).to_be_hidden()
    assert page.locator('[aria-pressed="true"]').count() == 1
    key = page.locator('[aria-pressed="true"]').get_attribute("data-key")
    expect(page.get_by_text(f"selected = {key.partition(':')[2]}")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_text("selected = None")).to_be_visible()


def test_a_click_on_an_edge_selects_it_and_names_it_in_full(opened):
    page = opened()
    page.locator('[data-key="edge:e5"] .label').click()
    expect(page.get_by_text("selected = e5")).to_be_visible()
    expect(page.locator(".detail")).to_contain_text("causes")
    expect(page.locator(".detail")).to_contain_text("weight 0.40")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 500])
def test_no_violation_of_wcag_aa(opened, find_violations, dark, width):
    page = opened(dark=dark, viewport={"width": width, "height": 900})
    assert page.locator(".evidence").get_attribute("data-theme") == ("dark" if dark else "light")
    assert find_violations(page) == []
    page.locator('[data-key="edge:e1"] .label').click()
    expect(page.get_by_text("selected = e1")).to_be_visible()
    assert find_violations(page) == []


def test_narrow_windows_read_from_top_to_bottom(opened):
    page = opened(viewport={"width": 500, "height": 900})
    top = page.locator('[data-key="node:q"] .shape').bounding_box()
    bottom = page.locator('[data-key="node:z"] .shape').bounding_box()
    assert bottom["y"] > top["y"] + 150
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator('[data-key="node:z"]')).to_be_visible()

    def across():
        left = page.locator('[data-key="node:q"] .shape').bounding_box()
        right = page.locator('[data-key="node:z"] .shape').bounding_box()
        return right["x"] - left["x"]

    page.wait_for_timeout(300)
    assert across() > 300


def box(page):
    return [float(v) for v in page.locator(".stage svg").get_attribute("viewBox").split()]


def test_zoom_pan_and_fit(opened):
    page = opened()
    whole = box(page)
    page.get_by_role("button", name="Zoom in").click()
    closer = box(page)
    assert closer[2] == pytest.approx(whole[2] / 1.25)
    page.get_by_role("button", name="Zoom out").click()
    assert box(page)[2] == pytest.approx(whole[2])
    stage = page.locator(".stage").bounding_box()
    page.mouse.move(stage["x"] + 15, stage["y"] + 15)
    page.mouse.down()
    page.mouse.move(stage["x"] + 75, stage["y"] + 45, steps=4)
    page.mouse.up()
    unit = whole[2] / stage["width"]
    assert box(page)[0] == pytest.approx(whole[0] - 60 * unit, abs=0.5)
    assert box(page)[1] == pytest.approx(whole[1] - 30 * unit, abs=0.5)
    page.get_by_role("button", name="Fit").click()
    assert box(page) == pytest.approx(whole)
    expect(page.get_by_text("selected = None")).to_be_visible()


def test_the_picture_downloads_as_png(opened):
    page = opened()
    with page.expect_download() as caught:
        page.get_by_role("button", name="PNG").click()
    assert caught.value.suggested_filename == "evidence.png"
    content = Path(caught.value.path()).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert width > 700
    assert height > 300
    assert len(content) > 10_000


def test_full_screen_opens_and_closes(opened):
    page = opened()
    before = page.locator(".stage").bounding_box()["height"]
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement === null")
    page.wait_for_timeout(300)
    assert page.locator(".stage").bounding_box()["height"] == pytest.approx(before, abs=2)


def test_the_theme_follows_the_system_while_open(opened):
    page = opened()
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".evidence")).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator(".evidence")).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("dark", [False, True])
def test_explore_mode_is_inert(site, visit, dark):
    page = visit(f"{site.url}/?mode=explore", dark=dark)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    frame = page.frame_locator("iframe")
    canvas = frame.locator("canvas")
    canvas.wait_for()
    page.wait_for_timeout(800)
    area = canvas.bounding_box()
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for fill in ("#FBDC34", "#7DA4FC", "#77E9FF", "#B2A1B2", "#D79950"):  # one node of each kind
        x, y = centre_of(picture, fill, area)
        page.mouse.move(x, y)
        page.wait_for_timeout(400)  # a title would pop up after 300 ms
        page.mouse.dblclick(x, y)
    expect(page.get_by_text("chosen: z")).to_be_visible()
    assert page.title() == "Evidence test"
    assert dialogs == []
    assert len(page.context.pages) == 1


def centre_of(picture, color, area):
    """Middle of the pixels of a colour inside a box of the page."""
    wanted = ImageColor.getrgb(color)
    left, top = int(area["x"]), int(area["y"])
    found = [
        (x, y)
        for x in range(left, int(left + area["width"]))
        for y in range(top, min(int(top + area["height"]), picture.height))
        if picture.getpixel((x, y)) == wanted
    ]
    assert len(found) > 100, f"no node of the colour {color}"
    return sum(x for x, _ in found) / len(found), sum(y for _, y in found) / len(found)
