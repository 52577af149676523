"""The symbolic regression page in a real browser, tried as a new user."""

import csv
import io
import json
import math
import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from core.catalog import JOB_KINDS
from core.data.physics.files import to_tables
from core.evidence.bundle import Bundle
from core.serving import physics_job, physics_permalink
from core.serving import physics_question as pq
from core.serving import symbolic_regression as laws
from tests.e2e.steps import (
    WAIT_MS,
    in_both_themes,
    open_part,
    read_rows,
    settle,
    take,
    wait_for_answer,
)

HEAT = "system=heat&graphs=60"
HOSTILE = "<img src=x onerror=document.title='X'>"


def ready(page: Page) -> Page:
    return wait_for_answer(page, "phys_rows", "phys_export")


def rows(page: Page, key: str = "phys_rows") -> list[list[str]]:
    return read_rows(page, key)


def find(page: Page) -> None:
    page.get_by_role("button", name="Find formulas", exact=True).click()
    settle(page)


def open_heat(server, visit, more: str = "", **options) -> Page:
    return ready(visit(f"{server.url}/symbolic_regression?{HEAT}{more}", **options))


def files(**tables: str) -> list[dict]:
    return [
        {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": text.encode()}
        for name, text in tables.items()
    ]


def upload(page: Page, tables: dict[str, str]) -> None:
    page.get_by_text("My own data", exact=True).click()
    settle(page)
    chooser = page.locator(".st-key-phys_upload input[type=file]")
    chooser.set_input_files(
        files(**{name.partition(".")[0]: text for name, text in tables.items()})
    )
    expect(page.locator(".st-key-phys_upload_read")).to_contain_text("Read as", timeout=WAIT_MS)
    settle(page)


def set_unit(page: Page, name: str, unit: str) -> None:
    page.get_by_role("button", name="Columns, roles and units").click()
    box = page.get_by_label(f"Unit of {name}", exact=True)
    box.fill(unit)
    box.press("Enter")
    settle(page)
    page.keyboard.press("Escape")


def test_one_click_from_the_landing_page_gives_formulas_with_evidence(server, visit):
    page = visit(server.url)
    page.locator(".st-key-menu").get_by_role("link", name="Symbolic regression").click()
    ready(page)
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Symbolic regression"]
    expect(page.locator(".st-key-example_banner")).to_contain_text("This is an example")
    found = rows(page)
    assert len(found) >= 3
    assert any("k * (r -" in row[1] and row[1].endswith("n] / m") for row in found)
    expect(page.locator(".st-key-phys_card .katex").first).to_be_visible()
    expect(page.locator(".st-key-phys_verdict")).to_contain_text(re.compile("SUPPORTED|PARTLY"))
    assert len(rows(page, "phys_parts")) >= 3


def test_a_click_in_the_chart_opens_a_formula_and_the_link_brings_it_back(server, visit):
    page = open_heat(server, visit)
    suggested = next(row[0].split()[0] for row in rows(page) if "◉" in row[0])
    dots = page.locator(".st-key-phys_front svg.marks g.points_marks path")
    expect(dots.first).to_be_visible(timeout=2 * WAIT_MS)
    number = next(n for n in range(1, dots.count() + 1) if str(n) != suggested)
    dots.nth(number - 1).click(force=True)
    settle(page)
    opened = page.locator(".st-key-phys_card")
    expect(opened).not_to_contain_text("suggested", timeout=WAIT_MS)
    shown = re.search(r"Formula (\d+)", opened.inner_text())[1]
    assert f"formula={shown}" in page.url
    again = ready(visit(page.locator(".st-key-copy_link code").inner_text()))
    expect(again.locator(".st-key-phys_card")).to_contain_text(f"Formula {shown} ·")
    assert rows(again) == rows(page)
    assert rows(again, "phys_parts") == rows(page, "phys_parts")
    expect(again.locator(".st-key-stale_banner")).to_have_count(0)


def test_own_tables_with_hostile_names_are_read_and_stay_text(server, visit):
    page = open_heat(server, visit)
    title = page.title()
    tables = to_tables(pq.load_system(pq.of_simulator("heat", num_graphs=40)))
    head, _, body = tables["nodes.csv"].partition("\n")
    tables["nodes.csv"] = f'{head.rstrip()},"{HOSTILE}",=HYPERLINK(1)\n' + "\n".join(
        f"{line.rstrip()},{n % 7},{n % 5}" for n, line in enumerate(body.strip().splitlines())
    )
    upload(page, tables)
    expect(page.locator(".st-key-phys_upload_read")).to_contain_text("40 graphs, 200 nodes")
    page.get_by_role("button", name="Use these data").click()
    settle(page)
    expect(page.locator(".st-key-phys_result")).to_contain_text("40 graphs", timeout=WAIT_MS)
    ready(page)
    assert any("k * dT" in row[1] for row in rows(page))
    assert page.title() == title
    assert page.locator("img[src=x]").count() == 0
    found = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    assert not [row for row in found if row["formula"].startswith("=")]


def test_a_wrong_unit_is_named_repaired_and_violated_by_no_formula(server, visit):
    page = open_heat(server, visit, "&know=constants")
    question = page.locator(".st-key-phys_question")
    set_unit(page, "T", "kg*m/ss")
    expect(question).to_contain_text("PH-E01", timeout=WAIT_MS)
    page.get_by_role("button", name="Back to the given units").click()
    settle(page)
    expect(question).not_to_contain_text("PH-E01", timeout=WAIT_MS)
    set_unit(page, "dT_dt", "kg")
    expect(question).to_contain_text("PH-E02", timeout=WAIT_MS)
    find(page)
    expect(page.locator(".st-key-phys_result")).to_contain_text("PH-E02", timeout=WAIT_MS)
    page.get_by_role("button", name="Allow constants with units").click()
    settle(page)
    find(page)
    page.wait_for_url(re.compile("units="), timeout=2 * WAIT_MS)
    ready(page)
    assert not [row for row in rows(page) if "✗" in row[-1]]


@pytest.mark.skipif(physics_job.KIND not in JOB_KINDS, reason="no job searches for laws")
def test_a_search_runs_rests_goes_on_and_stops_with_its_formulas(make_server, visit):
    server = make_server(workers=1)
    page = open_heat(server, visit, "&noise=0.1")
    page.get_by_text("2 minutes", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Find formulas", exact=True).click()
    job = page.locator(".st-key-phys_job")
    expect(job).to_contain_text("formulas so far", timeout=60_000)
    page.get_by_role("button", name="Pause").click()
    expect(job).to_contain_text("Paused", timeout=WAIT_MS)
    resting = job.inner_text()
    page.wait_for_timeout(3_000)
    assert job.inner_text() == resting
    page.get_by_role("button", name="Resume").click()
    expect(job).to_contain_text(re.compile("Waiting|Running"), timeout=WAIT_MS)
    expect(job).to_contain_text("Running", timeout=WAIT_MS)
    page.get_by_role("button", name="Stop, keep the formulas").click()
    ready(page)
    expect(page.locator(".st-key-phys_stopped")).to_be_visible(timeout=WAIT_MS)
    assert rows(page)
    again = ready(visit(page.locator(".st-key-copy_link code").inner_text()))
    assert rows(again) == rows(page)


@in_both_themes
def test_no_view_breaks_a_rule_of_accessibility(server, visit, find_violations, dark):
    page = open_heat(server, visit, dark=dark)
    for key in ("phys_motion_part", "phys_compare", "phys_ledger"):
        open_part(page, key)
    settle(page)
    page.wait_for_timeout(500)
    assert find_violations(page) == []
    for name in ("Graph", "Check", "Residuals"):
        page.get_by_role("tab", name=name, exact=True).click()
        settle(page)
    assert find_violations(page) == []
    page.get_by_role("button", name="Columns, roles and units").click()
    page.wait_for_timeout(500)
    assert find_violations(page) == []


def test_every_export_opens_and_the_function_gives_the_shown_values(server, visit):
    page = open_heat(server, visit)
    question = physics_permalink.from_parameters({"system": "heat", "graphs": "60"}).query
    answer = laws.answer(question)
    found = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    assert len(found) == len(answer.formulas)
    bundle = Bundle.from_json(json.loads(take(page, "JSON")))
    assert bundle.domain == "phys"
    shown = next(row for row in found if row["suggested"] == "yes")
    assert bundle.answer.score == pytest.approx(float(shown["test R2"]), abs=1e-6)
    assert ElementTree.fromstring(take(page, "GraphML")).findall(".//{*}edge")
    for name in ("SVG", "Front SVG"):
        picture = ElementTree.fromstring(take(page, name))
        assert picture.find("{*}title") is not None
        assert not picture.findall(".//{*}script")
    record = json.loads(take(page, "Record"))
    assert pq.Question.from_json(record["question"]) == question
    page.get_by_role("tab", name="Predictions", exact=True).click()
    settle(page)
    values = list(csv.DictReader(io.StringIO(take(page, "Predictions CSV"))))
    measured = [float(row["measured"]) for row in values]
    left = [float(row["measured minus predicted"]) for row in values]
    mean = math.fsum(measured) / len(measured)
    r2 = 1 - math.fsum(x * x for x in left) / math.fsum((x - mean) ** 2 for x in measured)
    assert r2 == pytest.approx(float(shown["test R2"]), abs=1e-6)


def test_a_narrow_window_needs_no_sideways_scrolling(server, visit):
    page = open_heat(server, visit, viewport={"width": 700, "height": 900})
    assert page.evaluate(
        "document.querySelector('.stMain').scrollWidth <= "
        "document.querySelector('.stMain').clientWidth + 1"
    )
