"""The drug interaction page in a real browser, tried as a new user."""

import csv
import io
import json
import re
import time
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, Page, expect

from core.evidence.bundle import Bundle
from core.serving import drug_interaction as ddi
from core.serving.ddi_networks import find_network
from core.settings import settings
from tests.e2e import steps
from tests.e2e.steps import choose, in_both_themes, open_part, predict, settle, take

SMILES = "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1C"  # fluoxetine with one methyl group more
TABS = (
    "Table", "What changes it", "Attention paths", "Path kinds", "Shared proteins",
    "Similar drugs", "Check", "Molecules", "Explore",
)  # fmt: skip
pytestmark = pytest.mark.skipif(
    not (settings().trained / "emergnn-starter-s1" / "card.json").is_file(),
    reason="the artifact emergnn-starter-s1 is not in the folder of trained models",
)


def ready(page: Page) -> Page:
    return steps.wait_for_answer(page, "ddi_rows", "ddi_export")


def rows(page: Page, key: str = "ddi_rows") -> list[list[str]]:
    return steps.read_rows(page, key)


def edges(page: Page) -> list[str]:
    return steps.read_edges(page, "ddi_evidence_graph")


def write(page: Page, place: Locator, label: str, text: str) -> None:
    place.get_by_label(label).fill(text)
    page.keyboard.press("Tab")
    settle(page)


def side(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-ddi_{name}_drug")


def enter_new(page: Page, name: str = "XY-123", fact: str = "CYP2D6: is a strong inh") -> None:
    """Four actions: new, name, structure, one fact."""
    side(page, "first").get_by_text("New compound", exact=True).click()
    settle(page)
    write(page, side(page, "first"), "Name of the compound", name)
    write(page, side(page, "first"), "SMILES", SMILES)
    choose(page, side(page, "first"), "Add a known fact", fact)


def test_one_click_from_the_landing_page_gives_an_answer_with_evidence(make_server, visit):
    server = make_server()
    page = visit(server.url)
    page.locator(".st-key-menu").get_by_role("link", name="Drug interaction").click()
    ready(page)  # a cold server reads the network and its model first
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Drug interaction"]
    again = visit(server.url)
    start = time.monotonic()
    again.locator(".st-key-menu").get_by_role("link", name="Drug interaction").click()
    again.locator(".st-key-ddi_rows, .st-key-ddi_rows_waiting").first.wait_for()
    assert time.monotonic() - start < 3
    ready(again)
    expect(again.locator(".st-key-example_banner")).to_contain_text("This is an example")
    expect(again.locator(".st-key-ddi_research_use")).to_contain_text("Research use only")
    expect(again.locator(".st-key-footer")).to_contain_text("emergnn-starter-s1 on CPU")
    expected = ddi.answer(ddi.Query("starter", *find_network("starter").example)).rows[0]
    found = rows(again)
    assert len(found) >= 3
    assert found[0][1] == f"{expected.sentence.rstrip('.')} · {expected.mechanism}"
    assert float(found[0][2].strip("●> ")) == pytest.approx(expected.probability, abs=1e-3)
    assert edges(again)


def test_an_own_compound_in_five_actions_then_without_anything_to_go_by(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction?network=starter&first=fluoxetine"
                       "&second=metoprolol"))  # fmt: skip
    enter_new(page)
    expect(page.locator(".st-key-stale_banner")).to_contain_text("Out of date")
    predict(page)
    ready(page)
    expect(page.locator(".st-key-ddi_result")).to_contain_text("XY-123 + metoprolol")
    expect(page.locator(".st-key-ddi_result")).to_contain_text("new–known")
    assert rows(page)[0][1] == "XY-123 can slow the metabolism of metoprolol · PK metabolism"
    assert any("XY-123 is a strong inhibitor of CYP2D6" in name for name in edges(page))
    expect(page.locator(".st-key-ddi_research_use")).to_be_visible()
    before = rows(page)
    page.locator(".st-key-ddi_first_new_picked").get_by_role("button").click()
    settle(page)
    write(page, side(page, "first"), "SMILES", "")
    predict(page)
    expect(page.get_by_text("DD-E03")).to_be_visible()
    assert rows(page) == before


def test_a_typed_name_finds_its_drug_or_offers_others(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    choose(page, side(page, "second"), "Drug B", "lopressor")
    predict(page)
    ready(page)
    expect(page.locator(".st-key-ddi_result")).to_contain_text("metoprolol")
    before = rows(page)
    choose(page, side(page, "second"), "Drug B", "Metoprolax")
    predict(page)
    expect(page.get_by_text("DD-E02")).to_be_visible()
    assert rows(page) == before
    page.get_by_role("button", name="Take metoprolol").click()
    settle(page)
    predict(page)
    expect(page.get_by_text("DD-E02")).to_have_count(0)
    assert rows(page) == before


def test_a_csv_of_facts_is_read_and_its_bad_rows_are_named(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    side(page, "first").get_by_text("New compound", exact=True).click()
    settle(page)
    part = open_part(page, "ddi_first_new_csv")

    def upload(name: str, content: bytes) -> None:
        part.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": content}
        )
        settle(page)

    upload("facts.csv", b"relation,entity\ninhibitor-strong,CYP2D6\ninhibitor,CYP2D66\n")
    expect(part).to_contain_text("1 fact read: CYP2D6: is a strong inhibitor of")
    expect(part).to_contain_text('Line 3 left out: "CYP2D66" is not in this network.')
    upload("bad.csv", b"relation,entity\ninhibitor,CYP2D66\n")
    expect(part.get_by_text("DD-E04")).to_be_visible()
    upload("zip.csv", b"PK\x03\x04" + bytes(100))
    expect(part.get_by_text("UP-E02")).to_be_visible()


def test_removing_a_fact_makes_the_answer_worse_and_undo_restores_it(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    original, drawn = rows(page), edges(page)
    open_part(page, "ddi_what_if")
    page.get_by_role("button", name="Remove this fact").click()
    expect(page.get_by_text(re.compile("^Removed: "))).to_have_count(1)
    ready(page)
    sentence = original[0][1].partition(" · ")[0]
    changed = next(row for row in rows(page, "ddi_differences") if row[0] == f"{sentence}.")
    assert changed[1] == "1"
    assert changed[3] == original[0][2].strip("● ")
    assert changed[5].startswith("−")
    page.get_by_role("button", name="Undo").click()
    ready(page)
    expect(page.get_by_text(re.compile("^Removed: "))).to_have_count(0)
    assert rows(page) == original
    assert edges(page) == drawn


def test_the_slider_leads_to_the_smallest_set(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction?network=starter&first=ketoconazole"
                       "&second=simvastatin"))  # fmt: skip
    everything = edges(page)
    sentence = page.get_by_text(re.compile(r"\d+ of \d+ facts? (is|are) enough"))
    if sentence.count():  # evidence that is minimal already says so
        page.get_by_role("slider").focus()
        page.keyboard.press("Home")
        settle(page)
        assert {name for name in edges(page) if ", removed" not in name}
        assert sum(", removed" not in name for name in edges(page)) < len(everything)
    else:
        expect(page.get_by_text(re.compile("facts are needed|only fact is needed"))).to_be_visible()


def test_a_copied_link_opens_the_same_answer(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    enter_new(page)
    predict(page)
    ready(page)
    address = page.locator(".st-key-copy_link code").inner_text()
    assert "new1=" in address
    other = ready(visit(address))
    assert rows(other) == rows(page)
    assert edges(other) == edges(page)
    expect(side(other, "first").get_by_label("Name of the compound")).to_have_value("XY-123")
    expect(other.locator(".st-key-stale_banner")).to_have_count(0)
    tampered = ready(visit(f"{server.url}/drug_interaction?network=starter&first=%3Cscript%3E"))
    expect(tampered.get_by_text("Left out of the address")).to_be_visible()
    assert "script" not in tampered.url


def test_every_export_opens(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    answer = ddi.answer(ddi.Query("starter", *find_network("starter").example))
    table = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    assert len(table) == len(answer.rows)
    bundle = Bundle.from_json(json.loads(take(page, "JSON")))
    assert bundle.domain == "ddi"
    assert len(bundle.evidence) == len(edges(page))
    assert all(item.provenance.source for item in bundle.evidence)
    graph = ElementTree.fromstring(take(page, "GraphML"))
    assert len(graph.findall(".//{*}edge")) == len(bundle.evidence)
    assert isinstance(json.loads(take(page, "CX2")), list)
    assert json.loads(take(page, "Cytoscape"))["elements"]
    picture = ElementTree.fromstring(take(page, "SVG"))
    assert picture.find("{*}title") is not None
    assert not picture.findall(".//{*}script")


def test_a_scan_runs_as_a_job_and_opens_a_pair(make_server, visit):
    server = make_server(workers=1)
    page = ready(visit(f"{server.url}/drug_interaction"))
    page.get_by_role("button", name=re.compile("^Scan all drugs")).click()
    page.locator(".st-key-ddi_scan_rows table").wait_for(timeout=60_000)
    settle(page)
    partners = find_network("starter").num_drugs - 1
    assert len(list(csv.DictReader(io.StringIO(take(page, "Scan as CSV"))))) == partners
    partner = rows(page, "ddi_scan_rows")[0][1]
    page.locator(".st-key-ddi_scan_open button").click()
    settle(page)
    ready(page)
    expect(page.locator(".st-key-ddi_setting")).to_be_visible()
    expect(page.locator(".st-key-ddi_result")).to_contain_text(f"+ {partner}")


def test_several_drugs_give_a_matrix(server, visit, find_violations):
    page = ready(visit(f"{server.url}/drug_interaction"))
    part = open_part(page, "ddi_regimen")
    page.wait_for_timeout(1000)  # it unfolds; a list that opens meanwhile closes again
    box = part.get_by_role("combobox", name="Drugs")
    for name in ("fluoxetine", "metoprolol", "warfarin"):
        box.click()
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
        page.keyboard.press("Tab")  # closes the list
        page.get_by_role("option").first.wait_for(state="detached")
        settle(page)
    part.get_by_role("button", name="Predict all pairs").click()
    page.locator(".st-key-ddi_regimen_list table").wait_for()
    settle(page)
    assert len(rows(page, "ddi_regimen_matrix")) == 3
    assert len(rows(page, "ddi_regimen_list")) == 3
    assert find_violations(page) == []


@in_both_themes
def test_no_view_breaks_a_rule_of_accessibility(server, visit, find_violations, dark):
    page = ready(visit(f"{server.url}/drug_interaction", dark=dark))
    assert find_violations(page) == []
    for name in TABS:
        page.get_by_role("tab", name=name, exact=True).click()
        settle(page)
        assert find_violations(page) == [], name
    enter_new(page)
    assert find_violations(page) == []


def test_by_keyboard_alone(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    box = side(page, "second").get_by_role("combobox")
    box.focus()
    page.keyboard.type("metoprolol")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    settle(page)
    page.locator(".st-key-ddi_predict button").focus()
    page.keyboard.press("Enter")
    settle(page)
    ready(page)
    expect(page.locator(".st-key-ddi_result")).to_contain_text("metoprolol")
    first = page.locator(".st-key-ddi_evidence_graph .item.edge").first
    first.focus()
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text(re.compile("score .* without it"))).to_be_visible()


def test_a_narrow_window_needs_no_sideways_scrolling(server, visit):
    page = ready(
        visit(f"{server.url}/drug_interaction", viewport={"width": 700, "height": 900})
    )  # fmt: skip
    assert page.evaluate(
        "document.querySelector('.stMain').scrollWidth <= "
        "document.querySelector('.stMain').clientWidth + 1"
    )
    assert rows(page)


def test_hostile_names_are_text(server, visit):
    page = ready(visit(f"{server.url}/drug_interaction"))
    name = "<img src=x onerror=document.title='X'>"
    title = page.title()
    enter_new(page, name)
    predict(page)
    ready(page)
    expect(page.locator(".st-key-ddi_result")).to_contain_text(name)
    assert any(name in edge for edge in edges(page))
    assert page.title() == title
    assert page.locator("img[src=x]").count() == 0
    table = list(csv.DictReader(io.StringIO(take(page, "CSV"))))
    assert any(row["drug_1"] == name for row in table)


def test_a_second_visit_finds_earlier_answers(make_server, visit):
    server = make_server()
    page = ready(visit(f"{server.url}/drug_interaction"))
    choose(page, side(page, "second"), "Drug B", "metoprolol")
    predict(page)
    ready(page)
    answered = rows(page)
    again = ready(visit(f"{server.url}/drug_interaction"))
    part = open_part(again, "ddi_history")
    part.get_by_role("button", name=re.compile("metoprolol")).first.click()
    settle(again)
    ready(again)
    assert rows(again) == answered
