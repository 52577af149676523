"""The few-shot molecular property page in a real browser, tried as a new user."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from core.data.assets import STATIC
from core.evidence.bundle import Bundle
from core.serving import mol_permalink
from core.serving import molecular_property as mol
from core.serving.molecule_table import example_file
from core.settings import settings
from tests.e2e.steps import (
    WAIT_MS,
    choose,
    in_both_themes,
    open_part,
    predict,
    read_rows,
    settle,
    take,
    wait_for_answer,
)

FEW = "O=[N+]([O-])c1ccccc1 nitro\nO=[N+]([O-])c1ccccc1C tolyl\nO=[N+]([O-])c1ccccc1CC ethyl"
PLAIN = "OCCO glycol\nOCC(O)CO glycerol\nCCCCO butanol"
BAD = "\n".join((
    "C1CC( broken", "C" * 412 + " large", "C" * 2_000 + " long", "CCN.[Na+].[Cl-] salt",
    "O=[N+]([O-])c1ccccc1 repeated", "Cl[Pt]Cl metal", "aspirin", "CCCCCN fine",
))  # fmt: skip
pytestmark = pytest.mark.skipif(
    not (settings().trained / "protonet-tox21" / "card.json").is_file(),
    reason="the artifact protonet-tox21 is not in the folder of trained models",
)


def ready(page: Page) -> Page:
    return wait_for_answer(page, "mol_rows", "mol_export")


def rows(page: Page, key: str = "mol_rows") -> list[list[str]]:
    return read_rows(page, key)


def fill(page: Page, active: str = FEW, inactive: str = PLAIN, candidate: str = BAD) -> None:
    for role, text in (("active", active), ("inactive", inactive), ("candidate", candidate)):
        box = page.locator(f".st-key-mol_text_{role} textarea")
        box.fill(text)
        box.press("Tab")
        settle(page)


def open_quick(server, visit, **options) -> Page:
    """The first example, by the quickest method."""
    return ready(visit(f"{server.url}/molecular_property?model=protonet-tox21", **options))


def test_one_click_from_the_landing_page_gives_an_answer_with_evidence(server, visit):
    page = visit(server.url)
    page.locator(".st-key-menu").get_by_role("link", name="Molecular property").click()
    ready(page)
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Few-shot molecular property"]
    expect(page.locator(".st-key-example_banner")).to_contain_text("This is an example")
    expect(page.locator(".st-key-mol_research_use")).to_contain_text("Research use only")
    first = mol.answer(mol_permalink.example_question()).ranked[0]
    found = rows(page)
    assert len(found) >= 3
    assert found[0][2] == first.row.title
    assert float(found[0][3].split()[0].strip("<>")) == pytest.approx(first.probability, abs=1e-3)
    expect(page.locator(".st-key-mol_verdict")).to_contain_text(re.compile("SUPPORTED|PARTLY"))
    assert len(rows(page, "mol_support")) == len(mol_permalink.examples()[0].lists.active) + len(
        mol_permalink.examples()[0].lists.inactive
    )


def test_a_csv_comes_back_row_by_row(server, visit):
    page = open_quick(server, visit)
    part = open_part(page, "mol_file")
    known = example_file().decode().splitlines()[1:21]
    asked = [f"cmp-{number:03d},{'C' * (number % 20 + 1)}O," for number in range(200)]
    content = "\n".join(["name,smiles,label", *known, *asked]).encode()
    part.locator("input[type=file]").set_input_files(
        {"name": "assay.csv", "mimeType": "text/csv", "buffer": content}
    )
    expect(part).to_contain_text("220 rows", timeout=WAIT_MS)
    assert len(rows(page, "mol_preview")) == 5
    for label, column in (("structures", "smiles"), ("names", "name"), ("labels", "label")):
        box = part.get_by_role("combobox", name=re.compile(f"Column of {label}"))
        expect(box).to_have_value(column)
    part.get_by_role("button", name="Use this file").click()
    settle(page)
    predict(page)
    expect(page.locator(".st-key-mol_result")).to_contain_text("200 candidates", timeout=WAIT_MS)
    ready(page)
    table = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    assert [row["name"] for row in table] == [f"cmp-{number:03d}" for number in range(200)]
    assert {row["status"] for row in table} == {"ok", "duplicate"}
    page.locator(".st-key-mol_result").get_by_role("button", name="Page 2", exact=True).click()
    settle(page)
    assert int(rows(page)[0][0]) > 1
    page.locator(".st-key-mol_rows").get_by_role("button", name="Name").click()
    sorted_by = page.locator(".st-key-mol_rows th[aria-sort='ascending']")
    expect(sorted_by).to_contain_text("Name", timeout=WAIT_MS)
    assert rows(page)[0][2] == "cmp-000"  # another order begins with its first page
    page.get_by_text("All, in input order", exact=True).click()
    settle(page)
    assert [row[1] for row in rows(page, "mol_all_rows")][:3] == ["cmp-000", "cmp-001", "cmp-002"]
    assert "Session State API" not in server.log()


def test_bad_rows_are_named_and_the_server_goes_on(server, visit):
    process = server.process.pid
    page = open_quick(server, visit)
    fill(page)
    predict(page)
    expect(page.locator(".st-key-mol_problems")).to_be_visible(timeout=WAIT_MS)
    ready(page)
    codes = {row[0]: row[2] for row in rows(page, "mol_problems")}
    assert codes == {
        "C1": "MO-E01", "C2": "MO-E02", "C3": "MO-E03", "C4": "MO-E04", "C5": "MO-E07",
        "C6": "MO-E08", "C7": "MO-E09",
    }  # fmt: skip
    before = rows(page)
    assert before
    fill(page, inactive="", candidate="CCO")
    predict(page)
    expect(page.get_by_text("MO-E06")).to_be_visible(timeout=WAIT_MS)
    assert rows(page) == before
    fill(page, active=f"{FEW}\nCCCN both", inactive=f"{PLAIN}\nNCCC both", candidate="CCO good")
    predict(page)
    expect(page.get_by_text("MO-E05").first).to_be_visible(timeout=WAIT_MS)
    assert server.process.poll() is None
    assert server.process.pid == process


@pytest.mark.skipif(
    not (STATIC / "jsme/jsme.nocache.js").is_file(), reason="static/jsme is not there"
)
def test_a_drawn_molecule_is_predicted(server, visit):
    page = open_quick(server, visit, viewport={"width": 1800, "height": 1000})
    part = open_part(page, "mol_draw")
    editor = page.locator("iframe[title^='Structure editor']")
    editor.content_frame.locator("svg").first.wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(1500)  # it unfolds and measures itself
    editor.click(position={"x": 210, "y": 38})  # benzene stands ninth in the second row of tools
    page.wait_for_timeout(200)  # the editor remembers the tool a moment after the click
    editor.click(position={"x": 120, "y": 180})
    # while the page runs again, the field of the run before stands behind the new one
    drawn = part.get_by_label("Drawn SMILES").first
    expect(drawn).to_have_value("c1ccccc1", timeout=WAIT_MS)
    part.get_by_role("button", name="Add the drawing").click()
    settle(page)
    box = page.locator(".st-key-mol_text_candidate textarea")
    assert box.input_value().splitlines()[-1] == "c1ccccc1"
    fill(page, candidate="c1ccccc1")
    predict(page)
    expect(page.locator(".st-key-mol_result")).to_contain_text("1 candidates", timeout=WAIT_MS)
    expect(page.locator(".st-key-mol_rows").get_by_role("img")).to_have_accessible_name(
        re.compile("C6H6, SMILES c1ccccc1")
    )


@in_both_themes
def test_no_view_breaks_a_rule_of_accessibility(server, visit, find_violations, dark):
    page = open_quick(server, visit, dark=dark)
    assert find_violations(page) == []
    for name in ("Graph", "Table", "Check", "Atoms", "Same scaffold", "Molecule"):
        page.get_by_role("tab", name=name, exact=True).click()
        settle(page)
        assert find_violations(page) == [], name
    for key in ("mol_file", "mol_standardising", "mol_series", "mol_ledger"):
        open_part(page, key)
    page.wait_for_timeout(500)
    assert find_violations(page) == []


def test_every_export_opens(server, visit):
    page = open_quick(server, visit)
    num = len(mol_permalink.examples()[0].lists.candidate)
    assert len(list(csv.DictReader(io.StringIO(take(page, "CSV"))))) == num
    assert take(page, "SDF").count("$$$$") == num
    bundle = Bundle.from_json(json.loads(take(page, "JSON")))
    assert bundle.domain == "mol"
    assert bundle.check["verdict"] in ("SUPPORTED", "PARTLY", "NOT SUPPORTED")
    graph = ElementTree.fromstring(take(page, "GraphML"))
    assert graph.findall(".//{*}edge")
    assert isinstance(json.loads(take(page, "CX2")), list)
    picture = ElementTree.fromstring(take(page, "SVG"))
    assert picture.find("{*}title") is not None
    assert not picture.findall(".//{*}script")


def test_by_keyboard_alone_sorted_and_opened(server, visit):
    page = open_quick(server, visit)
    before = [row[2] for row in rows(page)]
    head = page.locator(".st-key-mol_rows").get_by_role("button", name="Name")
    head.focus()
    page.keyboard.press("Enter")
    sorted_by = page.locator(".st-key-mol_rows th[aria-sort='ascending']")
    expect(sorted_by).to_contain_text("Name", timeout=WAIT_MS)
    names = [row[2] for row in rows(page)]
    assert names == sorted(names, key=str.casefold)
    assert names != before
    name = page.locator(".st-key-mol_rows tbody button").last
    wanted = name.inner_text()
    name.focus()
    page.keyboard.press("Enter")
    settle(page)
    expect(page.locator(".st-key-mol_rows tr[aria-current]")).to_contain_text(wanted)
    assert "row=" in page.url


def test_hostile_names_are_text_and_a_link_brings_them_back(server, visit):
    page = open_quick(server, visit)
    title = page.title()
    name = "<img src=x onerror=document.title='X'>"
    fill(page, candidate=f"CCCO {name}\nCCCN =HYPERLINK(1)")
    predict(page)
    expect(page.locator(".st-key-mol_result")).to_contain_text("2 candidates", timeout=WAIT_MS)
    ready(page)
    assert name in {row[2] for row in rows(page)}
    assert page.locator("img[src=x]").count() == 0
    assert page.title() == title
    names = {row["name"] for row in csv.DictReader(io.StringIO(take(page, "CSV")))}
    assert names == {name, "'=HYPERLINK(1)"}
    again = ready(visit(page.locator(".st-key-copy_link code").inner_text()))
    assert rows(again) == rows(page)
    assert again.title() == title
    expect(again.locator(".st-key-stale_banner")).to_have_count(0)


def test_earlier_answers_bring_a_question_back(server, visit):
    page = open_quick(server, visit)
    asked = ("CCCO first", "CCCN second\nCCCCN third")
    for candidate in asked:
        fill(page, candidate=candidate)
        predict(page)
        num = candidate.count("\n") + 1
        expect(page.locator(".st-key-mol_result")).to_contain_text(f"{num} candidates")
        ready(page)
    entries = open_part(page, "mol_history").get_by_role("button")
    expect(entries).to_have_count(2)
    assert entries.nth(0).inner_text().startswith(("Is second active?", "Is third active?"))
    entries.nth(1).click()
    settle(page)
    expect(page.locator(".st-key-mol_result")).to_contain_text("1 candidates", timeout=WAIT_MS)
    assert [row[2] for row in rows(page)] == ["first"]
    assert page.locator(".st-key-mol_text_candidate textarea").input_value() == asked[0]


def test_the_first_ranking_comes_before_its_checks(server, visit):
    page = open_quick(server, visit)
    choose(page, page.locator(".st-key-mol_question"), "Method", "PACIA")
    fill(page, candidate="\n".join(f"{'C' * size}O" for size in range(3, 103)))
    page.get_by_role("button", name="Predict", exact=True).click()
    first = page.locator(".st-key-mol_first")
    expect(first).to_contain_text("First answer", timeout=WAIT_MS)
    ready(page)
    expect(first).to_have_count(0)


def test_a_narrow_window_needs_no_sideways_scrolling(server, visit):
    page = open_quick(server, visit, viewport={"width": 700, "height": 900})
    assert page.evaluate(
        "document.querySelector('.stMain').scrollWidth <= "
        "document.querySelector('.stMain').clientWidth + 1"
    )
