"""The field for a structure and the views of molecules in a real browser."""

import io
import json
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path.insert(0, ROOT)
import streamlit as st
from core import chemistry
from pages.components.molecule_input import choose_molecule
from pages.components.molecule_view import show_molecule, show_pair

ICON = ROOT + "/pages/components/icon.svg"
st.set_page_config(page_title="Molecules", layout="wide", page_icon=ICON)
st.title("Molecules")
if st.query_params.get("mode") == "pair":
    fluoxetine = chemistry.check("CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1")
    atomoxetine = chemistry.check("CNCC[C@@H](Oc1ccccc1C)c1ccccc1")
    show_pair(fluoxetine, atomoxetine, ("Fluoxetine", "<b>Atomoxetine"), key="pair")
else:
    left, right = st.columns([1, 2])
    with left:
        structure = choose_molecule("Structure of the new drug", key="new")
    with right:
        if structure:
            show_molecule(structure, "XY-123", key="card")
    st.write(f"smiles = {structure and structure.smiles}")
"""
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
SDF = """first


  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.2990    0.7500    0.0000 O   0  0
  1  2  1  0
M  END
$$$$
second


  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.2990    0.7500    0.0000 N   0  0
  1  2  1  0
M  END
$$$$
"""


@pytest.fixture(scope="module")
def site(make_server, tmp_path_factory):
    script = tmp_path_factory.mktemp("script") / "molecules.py"
    script.write_text(SCRIPT.replace("ROOT", json.dumps(str(ROOT))))
    if (ROOT / "static").is_dir():  # served from beside the script
        shutil.copytree(ROOT / "static", script.parent / "static")
    return make_server(script=script)


def type_smiles(page, text):
    field = page.get_by_role("textbox", name="SMILES")
    field.fill(text)
    field.press("Enter")


def needs(name):
    return pytest.mark.skipif(
        not (ROOT / "static" / name).is_file(),
        reason=f"static/{name} is not there; `python -m core assets` fetches it",
    )


def test_a_pasted_structure_is_checked_and_drawn(site, visit):
    page = visit(site.url)
    type_smiles(page, "OC(=O)c1ccccc1OC(C)=O.[Na+]")
    expect(page.get_by_text(f"smiles = {ASPIRIN}")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("MO-E04")).to_be_visible()
    picture = page.get_by_role("img", name=f"XY-123, C9H8O4, SMILES {ASPIRIN}")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [320, 240]
    expect(page.get_by_text("180.16 g/mol")).to_be_visible()
    page.get_by_text("Keep only the largest part").click()
    expect(page.get_by_text('keep "strip salts" checked')).to_be_visible()
    expect(page.get_by_text("smiles = None")).to_be_visible()


def test_a_broken_structure_is_explained_and_the_next_one_read(site, visit):
    page = visit(site.url)
    type_smiles(page, "C1CC(")
    expect(page.get_by_text("MO-E01 · Not a valid structure")).to_be_visible()
    expect(page.get_by_text("a ring or bracket is not closed at character 5")).to_be_visible()
    type_smiles(page, "C" * 20_000)
    expect(page.get_by_text("It has 20,000 characters; the limit is 1,000.")).to_be_visible()
    type_smiles(page, "aspirin")
    expect(page.get_by_text("MO-E09")).to_be_visible()
    type_smiles(page, "CCO")
    expect(page.get_by_text("smiles = CCO")).to_be_visible()
    assert page.get_by_text("MO-E").count() == 0


def test_one_of_an_uploaded_list_is_chosen(site, visit):
    page = visit(site.url)
    page.get_by_text("Upload", exact=True).click()
    chooser = page.locator(".st-key-new_file input[type=file]")
    chooser.set_input_files({"name": "x.sdf", "mimeType": "", "buffer": SDF.encode()})
    expect(page.get_by_text("smiles = CO")).to_be_visible()
    page.get_by_role("combobox").click()
    page.get_by_role("option", name="2: second").click()
    expect(page.get_by_text("smiles = CN")).to_be_visible()
    chooser.set_input_files({"name": "y.csv", "mimeType": "", "buffer": b"a,b\n1,2\n"})
    expect(page.get_by_text("UP-E04")).to_be_visible()


@needs("jsme/jsme.nocache.js")
def test_a_structure_is_drawn_with_the_mouse(site, visit, find_violations):
    page = visit(site.url)
    type_smiles(page, ASPIRIN)
    expect(page.get_by_text(f"smiles = {ASPIRIN}")).to_be_visible()
    page.get_by_text("Draw", exact=True).click()
    frame = page.locator("iframe[title='Structure editor: Structure of the new drug']")
    atom = frame.content_frame.locator("svg text", has_text="OH").first
    atom.wait_for(timeout=20_000)
    expect(page.get_by_text(f"smiles = {ASPIRIN}")).to_be_visible()
    # the tool "N" stands second on the left, then a click turns the hydroxyl into an amine
    frame.click(position={"x": 12, "y": 88})
    place = atom.bounding_box()
    page.wait_for_timeout(200)  # the editor remembers the tool a moment after the click
    page.mouse.click(place["x"] + 5, place["y"] + place["height"] / 2)
    expect(page.get_by_text("smiles = CC(=O)Oc1ccccc1C(N)=O")).to_be_visible()
    assert find_violations(page) == []
    page.get_by_text("Paste", exact=True).click()
    field = page.get_by_role("textbox", name="SMILES")
    expect(field).to_have_value("CC(=O)Oc1ccccc1C(N)=O")
    expect(page.get_by_text("smiles = CC(=O)Oc1ccccc1C(N)=O")).to_be_visible()


@needs("3Dmol-min.js")
@pytest.mark.parametrize("dark", [False, True])
def test_alerts_and_the_shape_in_space(site, visit, find_violations, dark):
    page = visit(site.url, dark=dark)
    type_smiles(page, ASPIRIN)
    page.get_by_text("Mark 1 structural alert").click()
    expect(page.get_by_role("cell", name="phenol ester")).to_be_visible()
    page.get_by_text("3-D view").click()
    inside = page.locator("iframe").content_frame
    canvas = inside.locator("canvas").first
    canvas.wait_for(timeout=20_000)
    assert inside.locator("body").inner_text().strip() == ""  # no word of failure
    place = canvas.bounding_box()
    assert place["width"] > 300
    background = "rgb(14, 17, 23)" if dark else "rgb(255, 255, 255)"
    corner = {**place, "width": 2, "height": 2}
    deadline = time.monotonic() + 10
    while first_pixel(page.screenshot(clip=corner)) != background:
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)
    assert find_violations(page) == []


def first_pixel(png):
    return f"rgb{Image.open(io.BytesIO(png)).convert('RGB').getpixel((0, 0))}"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 500])
def test_two_molecules_side_by_side(site, visit, find_violations, dark, width):
    page = visit(f"{site.url}/?mode=pair", dark=dark, viewport={"width": width, "height": 1000})
    expect(page.get_by_text("Fluoxetine and <b>Atomoxetine are similar")).to_be_visible()
    pictures = page.get_by_role("img", name="SMILES")
    expect(pictures).to_have_count(2)
    page.wait_for_function("[...document.images].every((image) => image.naturalWidth > 0)")
    boxes = [pictures.nth(row).bounding_box() for row in range(2)]
    assert all(box["x"] + box["width"] <= width for box in boxes)
    assert (boxes[0]["y"] == boxes[1]["y"]) == (width == 1280)
    assert find_violations(page) == []
