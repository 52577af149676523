"""The cold-start recommendation page in a real browser, tried as a new user."""

import csv
import io
import json
import random
import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, Page, expect

from core.data.ratings.histories import example_interactions_file
from core.evidence.bundle import Bundle
from core.serving import rec_permalink
from core.serving import recommendation as rec
from core.settings import settings
from tests.e2e.steps import (
    WAIT_MS,
    choose,
    in_both_themes,
    open_part,
    read_edges,
    read_rows,
    settle,
    take,
    wait_for_answer,
)

SHIPPED = "coldnas-movietweetings"
HOSTILE = "<img src=x onerror=document.title='X'>"
pytestmark = pytest.mark.skipif(
    not (settings().trained / SHIPPED / "card.json").is_file(),
    reason=f"the artifact {SHIPPED} is not in the folder of trained models",
)


def ready(page: Page) -> Page:
    return wait_for_answer(page, "rec_rows", "rec_export")


def rows(page: Page, key: str = "rec_rows") -> list[list[str]]:
    return read_rows(page, key)


def titles(page: Page) -> list[str]:
    return [row[1].splitlines()[0] for row in rows(page)]


def open_example(server, visit, **options) -> Page:
    return ready(visit(f"{server.url}/recommendation", **options))


def focused(page: Page) -> tuple[str, bool]:
    """Accessible name of the focused control, and whether having the focus changes how it looks."""
    return tuple(
        page.evaluate("""async () => {
        const one = document.activeElement;
        let root = one;
        for (let up = 0; up < 3; up++) root = root.parentElement ?? root;
        const look = () => [root, ...root.querySelectorAll('*')].map((part) => {
            const style = getComputedStyle(part);
            return [style.outline, style.boxShadow, style.borderColor, style.backgroundColor];
        }).join();
        const still = () => new Promise((done) => setTimeout(done, 350));
        await still();
        const before = look();
        one.blur();
        await still();
        const after = look();
        one.focus();
        return [one.getAttribute('aria-label') || one.innerText || '', before !== after];
    }""")
    )


def test_one_click_from_the_landing_page_gives_a_list_with_evidence(server, visit):
    page = visit(server.url)
    page.locator(".st-key-menu").get_by_role("link", name="Recommendation").click()
    ready(page)
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Cold-start recommendation"]
    expect(page.locator(".st-key-example_banner")).to_contain_text("This is an example")
    first = rec.answer(rec_permalink.example_question()).rows[0]
    found = rows(page)
    assert len(found) >= 3
    assert titles(page)[0] == first.title
    assert found[0][2].splitlines()[0] == f"{first.rating:.2f}"
    assert rows(page, "rec_influences")


def test_by_keyboard_alone_three_films_are_rated_and_one_is_changed(server, visit):
    page = open_example(server, visit)
    page.get_by_role("button", name="Remove all").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-rec_question")).to_contain_text("0 of 5 rated", timeout=WAIT_MS)
    catalogue = rec.open_model(SHIPPED).catalogue
    chosen = [catalogue.titles[row] for row in (0, len(catalogue) // 2, len(catalogue) - 1)]
    for number, title in enumerate(chosen):
        page.get_by_role("combobox", name=re.compile("^Add a")).focus()
        page.keyboard.type(title)
        expect(page.get_by_role("option").first).to_contain_text(title)
        page.keyboard.press("Enter")
        page.get_by_role("slider", name=title).wait_for(state="attached", timeout=WAIT_MS)
        settle(page)
        page.keyboard.press("Tab")  # from the search to the newest item
        expect(page.get_by_role("slider", name=title)).to_be_focused()
        page.keyboard.press("End")
        for _ in range(number):
            page.keyboard.press("ArrowLeft")
        expect(page.locator(".st-key-rec_question")).to_contain_text(
            f"{number + 1} of 5 rated", timeout=WAIT_MS
        )
        settle(page)
    assert focused(page) == (chosen[-1], True)
    for _ in range(20):
        page.keyboard.press("Tab")
        name, seen = focused(page)
        assert seen, name
        if name == "Recommend":
            break
    expect(page.get_by_role("button", name="Recommend", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    ready(page)
    before = {row[1]: row[2] for row in rows(page)}
    assert len(before) >= 3
    page.get_by_role("slider", name=chosen[-1]).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    settle(page)
    ready(page)
    expect(page.locator(".st-key-rec_rows")).to_contain_text("Change")
    found = rows(page)
    assert all(re.match("[▲▼] [0-9,]+ .was|=|new", row[4]) for row in found)
    assert all(before.get(row[1]) != row[2] for row in found)  # a lower level at least


def test_a_link_brings_back_the_same_list_and_evidence(server, visit):
    page = open_example(server, visit)
    page.get_by_text("Hide rated", exact=False).first.wait_for(state="attached")
    page.locator(".st-key-rec_rows tbody button").nth(1).click()
    settle(page)
    expect(page.locator(".st-key-rec_rows tr[aria-current]")).to_contain_text(titles(page)[1])
    page.get_by_role("tab", name="Graph", exact=True).click()
    settle(page)
    edges = read_edges(page, "rec_evidence_graph")
    again = ready(visit(page.locator(".st-key-copy_link code").inner_text()))
    assert titles(again) == titles(page)
    again.get_by_role("tab", name="Graph", exact=True).click()
    settle(again)
    assert read_edges(again, "rec_evidence_graph") == edges


def test_every_export_opens(server, visit):
    page = open_example(server, visit)
    table = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    assert [row["title"] for row in table] == titles(page)
    bundle = Bundle.from_json(json.loads(take(page, "JSON")))
    assert bundle.domain == "rec"
    assert ElementTree.fromstring(take(page, "GraphML")).findall(".//{*}edge")
    assert isinstance(json.loads(take(page, "CX2")), list)
    assert json.loads(take(page, "Cytoscape"))
    picture = ElementTree.fromstring(take(page, "SVG"))
    assert picture.find("{*}title") is not None
    assert not picture.findall(".//{*}script")
    page.get_by_role("tab", name="Operators", exact=True).click()
    settle(page)
    assert len(json.loads(take(page, "Structure"))["kept"]) == 4


def test_two_methods_and_two_ratings_side_by_side(server, visit):
    page = open_example(server, visit)
    part = open_part(page, "rec_comparison")
    part.get_by_role("button", name="Compare", exact=True).click()
    settle(page)
    found = rows(page, "rec_compared_rows")
    falls = [float(row[-1]) for row in found]
    assert len(found) >= 3
    assert falls == sorted(falls, reverse=True)
    assert len(rows(page, "rec_compared_costs")) >= 2
    expect(part).to_contain_text("measured on")
    part = open_part(page, "rec_what_if_part")
    part.get_by_role("button", name="Show what changes").click()
    settle(page)
    found = rows(page, "rec_differences")
    assert len(found) >= 3
    assert any(row[3] != row[4] for row in found)
    part.get_by_role("button", name="Make this my question").click()
    settle(page)
    ready(page)
    expect(page.locator(".st-key-example_banner")).to_have_count(0)
    assert "rated=" in page.url


@in_both_themes
def test_no_view_breaks_a_rule_of_accessibility(server, visit, find_violations, dark):
    page = open_example(server, visit, dark=dark)
    assert find_violations(page) == []
    for name in ("Graph", "Table", "Check", "Operators", "You and others"):
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_timeout(700)  # while the script runs, what it will replace is faded
        settle(page)
        assert find_violations(page) == [], name
    for key in (
        "rec_options", "rec_what_if_part", "rec_next", "rec_comparison", "rec_curve",
        "rec_profile", "rec_own_data", "rec_how", "rec_ledger",
    ):  # fmt: skip
        open_part(page, key)
        settle(page)
    page.wait_for_timeout(500)
    assert find_violations(page) == []


def test_no_sideways_scrolling(server, visit):
    page = open_example(server, visit, viewport={"width": 1280, "height": 900})
    for width in (1280, 700):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(500)
        assert page.evaluate(
            "document.querySelector('.stMain').scrollWidth <= "
            "document.querySelector('.stMain').clientWidth + 1"
        ), width


def give(page: Page, part: str, text: str) -> Locator:
    """Upload a table in a folded part."""
    place = open_part(page, part)
    place.locator("input[type=file]").set_input_files(
        {"name": "table.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    return place


def test_own_ratings_from_a_file_are_reviewed_and_used(server, visit):
    page = open_example(server, visit)
    title = page.title()
    known = rec.open_model(SHIPPED).catalogue.titles
    lines = [f'"{known[0]}",9', f'"{known[1]}",2', f'"{HOSTILE}",7', "=HYPERLINK(1),5"]
    part = give(page, "rec_profile", "\n".join(["title,rating", *lines]))
    part.locator(".st-key-rec_profile_rows table").wait_for(timeout=WAIT_MS)
    review = {row[1]: row[5] for row in rows(page, "rec_profile_rows")}
    assert review[known[0]] == "matched"
    assert review[HOSTILE].startswith("not found: RC-E02")
    part.get_by_role("button", name="Use 2 ratings").click()
    expect(page.locator(".st-key-rec_question")).to_contain_text("2 of 5 rated", timeout=WAIT_MS)
    expect(page.locator(".st-key-rec_notices")).to_contain_text("RC-E01")
    ready(page)
    assert page.title() == title
    assert page.locator("img[src=x]").count() == 0


def train(page: Page, text: str) -> Locator:
    """Upload ratings of many users and train with a given structure; returns the job."""
    part = give(page, "rec_own_data", text)
    part.locator(".st-key-rec_upload_preview table").wait_for(timeout=WAIT_MS)
    settle(page)
    choose(page, part, "Structure of the modulation", "FiLM")
    part.get_by_role("button", name="Train ColdNAS on these data").click()
    return part.locator(".st-key-job_status")


def wait_for_end(page: Page, status: Locator, seconds: int) -> None:
    status.get_by_text("Done", exact=True).wait_for(timeout=1000 * seconds)
    page.get_by_role("button", name="Ask this model").click()
    settle(page)
    ready(page)


@pytest.mark.slow
def test_own_data_are_trained_and_asked(make_server, visit):
    server = make_server(workers=1)
    page = open_example(server, visit)
    _, content = example_interactions_file()
    wait_for_end(page, train(page, content.decode()), 240)
    expect(page.get_by_role("combobox", name="Data and model")).to_have_value(
        re.compile("Own ratings")
    )
    assert len(rows(page)) >= 3
    assert "coldnas-own-" in page.url


@pytest.mark.slow
def test_fifty_thousand_ratings_are_read_trained_cancelled_and_resumed(make_server, visit):
    rng = random.Random(0)
    lines = [
        f"u{user},i{item},{min(5, max(1, round(3 + user % 3 - 1 + (item % 5) / 2 - 1)))}"
        for user in range(1_000)
        for item in rng.sample(range(600), 50)
    ]
    page = open_example(make_server(workers=1), visit)
    status = train(page, "\n".join(["user,item,rating", *lines]))
    status.get_by_text("Running", exact=True).wait_for(timeout=60_000)
    status.get_by_role("button", name="Cancel").click()
    status.get_by_text("Cancelled", exact=True).wait_for(timeout=30_000)
    status.get_by_role("button", name="Resume").click()
    wait_for_end(page, status, 900)
    assert len(rows(page)) >= 3
