"""The field for a structure and the molecule card without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import InputError
from pages.components import molecule_editor, molecule_view


def field():
    import streamlit as st

    from pages.components.molecule_input import choose_molecule

    found = choose_molecule("Structure", key="new", default="OCC")
    st.write(f"got {found and found.smiles}")


def card():
    from core import chemistry
    from pages.components.molecule_view import show_molecule

    show_molecule(chemistry.check("CC(=O)Oc1ccccc1C(=O)O"), "*aspirin*", key="card")


@pytest.fixture
def no_assets(monkeypatch, tmp_path):
    for module in (molecule_editor, molecule_view):
        monkeypatch.setattr(module, "STATIC", tmp_path)


def shown(app):
    return [one.value for one in app.markdown]


def test_the_default_is_read_at_once():
    app = AppTest.from_function(field).run()
    assert not app.exception
    assert shown(app)[-1] == "got CCO"


def test_a_fault_is_said_once_per_text_and_not_computed_again(monkeypatch):
    from core import chemistry

    asked = []

    def slow(text, **_):
        asked.append(text)
        raise InputError("MO-E10", "Structure could not be computed", "Too slow.", "Wait.")

    app = AppTest.from_function(field).run()
    monkeypatch.setattr(chemistry, "check", slow)
    app.text_input(key="new_smiles").set_value("CCCC").run()
    app.run()
    assert asked == ["CCCC"]
    assert "MO" in app.error[0].value
    assert "Too slow" in app.error[0].value
    assert shown(app)[-1] == "got None"


def test_salts_are_asked_about_only_when_there_are_any():
    app = AppTest.from_function(field).run()
    assert len(app.checkbox) == 0
    app.text_input(key="new_smiles").set_value("CC[NH3+].[Cl-]").run()
    assert shown(app)[-1] == "got CC[NH3+]"
    assert "largest part" in app.warning[0].value
    app.checkbox(key="new_strip").uncheck().run()
    assert shown(app)[-1] == "got None"
    assert "salt or mixture" in app.error[0].value


@pytest.mark.usefixtures("no_assets")
def test_without_its_files_the_editor_says_what_to_do():
    app = AppTest.from_function(field).run()
    app.radio(key="new_way").set_value("Draw").run()
    assert not app.exception
    assert "python -m core assets" in app.info[0].value


@pytest.mark.usefixtures("no_assets")
def test_without_its_script_the_view_in_space_says_what_to_do():
    app = AppTest.from_function(card).run()
    app.toggle(key="card_space").set_value(True).run()
    assert not app.exception
    assert "python -m core assets" in app.info[0].value


def test_the_view_in_space_asks_no_other_host():
    page = molecule_view._space_page("\n  x\n\n  0  0\n</script><script>x\nM  END\n")
    assert "loadScriptAsync('/app/static/3Dmol-min.js')" in page
    assert "http" not in page.replace("https://medium.com", "")
    assert page.count("</script>") == 1


def test_a_picture_that_cannot_be_made_is_a_grey_box(monkeypatch):
    from core import chemistry

    def fail(*_, **__):
        raise InputError("MO-E10", "Structure could not be computed", "Too slow.", "Wait.")

    monkeypatch.setattr(chemistry, "depict", fail)
    app = AppTest.from_function(card).run()
    assert not app.exception
    assert "Too slow" in app.error[0].value
