"""Pictures: what is in the SVG, how it is turned, and distances in space."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from core.chemistry.depiction import draw_effects, draw_structure, place_in_space
from core.errors import InputError

FLUOXETINE = "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1"
ATOMOXETINE = "CNCCC(Oc1ccccc1C)c1ccccc1"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_says_what_it_shows():
    root = ElementTree.fromstring(draw_structure("OCC", "ethanol"))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "ethanol"
    assert root.find(f"{SVG}desc").text == "C2H6O, SMILES CCO"


@pytest.mark.parametrize(
    "name", ["<script>x</script>", '"><svg onload=x>', "a\x00b\x1b", "中\u202e"]
)
def test_a_name_is_text_only(name):
    text = draw_structure("CCO", name)
    root = ElementTree.fromstring(text.encode())
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "rect", "path", "ellipse"}
    assert "href" not in text.replace("http://www.w3.org/1999/xlink", "")
    shown = root.find(f"{SVG}title").text
    assert shown == "".join(sign if sign.isprintable() else " " for sign in name)


def test_both_themes_and_the_smallest_size():
    light = ElementTree.fromstring(draw_structure("CCO", width=10, height=10))
    assert (light.get("width"), light.get("height")) == ("220px", "180px")
    assert "fill:#FFFFFF" in light.find(f"{SVG}rect").get("style")
    dark = draw_structure("CCO", dark=True)
    assert "fill:#0E1117" in dark
    assert "#000000" not in dark


def test_wedges_and_cip_labels_are_drawn():
    pictures = [draw_structure(text) for text in ("CC(N)C(=O)O", "C[C@H](N)C(=O)O")]
    assert ["CIP_Code" in picture for picture in pictures] == [False, True]
    strokes = [len(re.findall("class='bond-0 ", picture)) for picture in pictures]
    assert strokes[0] == 1
    assert strokes[1] > 5  # a row of dashes: this bond points backwards
    towards = draw_structure("C[C@@H](N)C(=O)O")
    assert re.search(r"class='bond-0 [^>]*Z' style='fill:#000000", towards)  # a filled wedge


def test_marked_atoms_have_a_halo_and_foreign_ones_are_refused():
    halo = "#FFCC00"
    assert halo not in draw_structure("CCO")
    assert halo in draw_structure("CCO", highlight=[0, 1])
    with pytest.raises(InputError, match="has 3 atoms"):
        draw_structure("CCO", highlight=[3])


def test_a_relative_is_turned_alike():
    from rdkit import Chem

    from core.chemistry.depiction import _place_flat

    def places(like):
        mol = Chem.MolFromSmiles(ATOMOXETINE)
        _place_flat(mol, like)
        return mol.GetConformer().GetPositions()

    reference = Chem.MolFromSmiles(FLUOXETINE)
    _place_flat(reference, "")
    # chain, oxygen and the two rings come first in both
    ours = places(FLUOXETINE)[:6]
    np.testing.assert_allclose(ours, reference.GetConformer().GetPositions()[:6], atol=0.05)
    assert not np.allclose(places("")[:6], ours, atol=0.05)


def atoms(block):
    rows = [line.split() for line in block.splitlines()[4:]]
    rows = [row for row in rows if len(row) > 9]
    return [row[3] for row in rows], np.array([row[:3] for row in rows], float)


def test_a_conformer_has_the_bond_lengths_of_chemistry():
    names, places = atoms(place_in_space("CCO"))
    assert names == ["C", "C", "O"] + ["H"] * 6
    assert np.linalg.norm(places[0] - places[1]) == pytest.approx(1.52, abs=0.03)
    assert np.linalg.norm(places[1] - places[2]) == pytest.approx(1.42, abs=0.03)
    assert place_in_space("CCO") == place_in_space("CCO")


def test_benzene_is_flat_and_a_mirror_image_is_kept():
    _, ring = atoms(place_in_space("c1ccccc1"))
    assert np.linalg.svd(ring - ring.mean(0))[1][-1] < 0.1
    volumes = []
    for text in ("F[C@](Cl)(Br)I", "F[C@@](Cl)(Br)I"):
        _, x = atoms(place_in_space(text))
        volumes.append(np.linalg.det(x[[0, 2, 3]] - x[1]))
    assert volumes[0] * volumes[1] < 0


def test_what_has_no_model_in_space():
    with pytest.raises(InputError) as caught:
        place_in_space("C" * 121)
    assert (caught.value.code, "121 heavy atoms" in caught.value.problem) == ("MO-E11", True)
    # a bridgehead double bond across a strained cage of opposite stereo marks
    with pytest.raises(InputError) as caught:
        place_in_space("C1[C@@H]2C[C@H]12")
    assert caught.value.code == "MO-E11"


def test_effects_colour_atoms_by_sign_and_strength():
    svg = draw_effects("CCO", [0.4, 0.001, -0.2], "x")
    halos = re.findall(r"<ellipse[^>]*fill:#(\w{6})", svg)
    assert len(halos) == 2  # the middle one is too weak
    (red, _, blue), (less_red, _, less_blue) = (bytes.fromhex(one) for one in halos)
    assert blue > red  # towards: blue
    assert less_red > less_blue  # against: orange
    full = draw_effects("CCO", [0.2, 0.001, -0.2])
    strong = re.findall(r"<ellipse[^>]*fill:#(\w{6})", full)[1]
    assert sum(bytes.fromhex(strong)) < sum(bytes.fromhex(halos[1]))  # a weak one is paler
    assert draw_effects("CCO", [0.0, 0.0, 0.0]).count("<ellipse") == 0
    with pytest.raises(InputError, match="3 atoms"):
        draw_effects("CCO", [1.0])


def test_a_picture_with_effects_is_small():
    imatinib = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
    effects = [(-1) ** n * n / 37 for n in range(37)]
    assert len(draw_effects(imatinib, effects, dark=True)) < 60_000
