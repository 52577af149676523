"""The About page: provenance, promises, limits."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import registry

ROOT = Path(__file__).resolve().parents[2]


def run() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()


def test_every_part_is_there():
    app = run()
    assert [title.value for title in app.title] == ["About"]
    assert [heading.value for heading in app.header] == [
        "Promises",
        "What it is safe for",
        "Models",
        "Data sets",
        "Prior art",
        "Citation and licence",
    ]


def test_every_data_set_is_shown_with_licence_and_citation():
    table = run().table[-1].value
    assert list(table["Name"]) == [data_set.name for data_set in registry.list_sets()]
    assert (table["Licence"].str.len() > 0).all()
    assert (table["Cite"].str.len() > 0).all()
    umls = table[table["Name"] == "umls"].iloc[0]
    assert umls["Lines"] == "6,529"


def test_prior_art_is_named():
    text = "\n".join(one.value for one in run().markdown)
    for name in (
        "HeuristicLab",
        "Kelpie",
        "LinkLogic",
        "PyTorch Geometric",
        "Galaxy",
        "GAISSALabel",
        "Chemprop",
        "CleanGraph",
    ):
        assert f"**{name}**" in text
    assert "first ever" not in text


def test_the_threat_model_is_stated():
    text = " ".join("\n".join(one.value for one in run().markdown).split())
    assert "a group whose members trust one another, not for the open internet" in text
    assert "What is not promised: protection of one user from another on the same server." in text
    assert "arXiv 2407.00478" in text


def test_every_model_has_its_card():
    folders = sorted(path.parent.name for path in ROOT.glob("trained/*/card.json"))
    app = run()
    assert len(app.subheader) == len(folders)
    assert len(app.table) == 2 * len(folders) + 1


def test_the_figures_of_a_recommender_are_its_own():
    folder = ROOT / "trained/coldnas-movietweetings"
    if not folder.is_dir():
        pytest.skip("the artifact is not in the folder of trained models")
    figures = [
        row for table in run().table if "Figure" in table.value for row in table.value.Figure
    ]
    assert "Mean squared error of ratings, test, N=10" in figures
    assert not [text for text in figures if text.startswith(("none mse", "popularity mse"))]


def test_the_published_figure_stands_beside_ours():
    path = ROOT / "trained/redgnn-family/card.json"
    [ours] = [
        metric["value"]
        for metric in json.loads(path.read_text())["metrics"]
        if (metric["name"], metric["split"]) == ("mrr", "test")
    ]
    app = run()
    place = sorted(one.parent.name for one in ROOT.glob("trained/*/card.json"))
    figures = app.table[2 * place.index("redgnn-family") + 1].value
    first = figures.iloc[0]
    assert list(first) == ["Mean reciprocal rank (MRR), test", f"{ours:.4f}", "1", "0.992"]
    text = "\n".join(one.value for one in app.markdown)
    assert "How it was measured: filtered, realistic ties" in text
    assert "Published figure: Yongqi Zhang and Quanming Yao" in text
