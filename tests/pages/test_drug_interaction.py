import csv
import io
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data.interaction_uploads import example_network_files
from core.serving import ddi_evidence as evidence
from core.serving import ddi_permalink, ddi_scan, ddi_training
from core.serving import drug_interaction as ddi
from core.serving.ddi_networks import context, find_network, keep_network, own_network
from core.settings import settings
from core.store import Store
from pages.components import ddi_answers, ddi_new_drug, ddi_regimen
from pages.components.verdict import show_score
from tests.pages import steps
from tests.pages.steps import addresses, check, errors, plain, table, written

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(
        not (settings().trained / "emergnn-starter-s1" / "card.json").is_file(),
        reason="the artifact emergnn-starter-s1 is not in the folder of trained models",
    ),
    pytest.mark.usefixtures("home"),
]
# like fluoxetine, with one methyl group more
SMILES = "CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1C"
FACT = ("inhibitor-strong", "CYP2D6")
NEW = ddi.NewDrug("XY-123", SMILES, (FACT,))
OWN = ddi.Query("starter", NEW, "metoprolol")


def example() -> ddi.Query:
    return ddi.Query("starter", *find_network("starter").example)


open_page = partial(steps.open_page, "drug_interaction")


def ranking(app: AppTest) -> list[list[str]]:
    return table(app, "Known?")


def warnings(app: AppTest) -> str:
    return "\n".join(plain(box.value) for box in app.warning)


def predict(app: AppTest) -> AppTest:
    return check(app.button(key="ddi_predict").click().run())


def enter_new(app: AppTest, drug: ddi.NewDrug, side: str = "first") -> AppTest:
    check(app.radio(key=f"ddi_{side}_way").set_value("New compound").run())
    app.text_input(key=f"ddi_{side}_new_name").set_value(drug.name)
    app.text_input(key=f"ddi_{side}_new_molecule_smiles").set_value(drug.smiles)
    check(app.run())
    for fact in drug.facts:
        key = ddi_new_drug.key_of(fact)
        check(app.selectbox(key=f"ddi_{side}_new_fact").set_value(key).run())
    return app


def ask(app: AppTest, first: str, second: str) -> AppTest:
    app.selectbox(key="ddi_first").set_value(first)
    app.selectbox(key="ddi_second").set_value(second)
    return predict(app)


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["ddi_tabs"] = name
    return check(app.run())


def test_the_page_opens_answered_with_its_example():
    app = open_page()
    assert [title.value for title in app.title] == ["Drug interaction"]
    assert [box.value for box in app.info] == ["This is an example – change anything on the left."]
    expected = ddi.answer(example())
    rows = ranking(app)
    assert len(rows) >= 3
    first = expected.rows[0]
    items = evidence.explain(example(), first).items
    drop = evidence.check(example(), first, items).delta_remove
    sentence = f"{first.sentence.rstrip('.')} · {first.mechanism}"
    assert rows[0][:3] == ["1", sentence, f"● {show_score(first.probability)}"]
    assert rows[0][4].endswith(f"−{drop:.3f}")
    assert expected.setting_note in written(app)
    assert "Research use only." in written(app)
    assert addresses(app) == {}
    assert errors(app) == []


def test_a_changed_input_leaves_the_answer_and_marks_it_out_of_date():
    app = open_page()
    before = ranking(app)
    check(app.selectbox(key="ddi_second").set_value("metoprolol").run())
    assert [box.value for box in app.warning] == ["Out of date: the inputs have changed."]
    assert ranking(app) == before
    check(app.button(key="update_answer").click().run())
    assert ranking(app) != before
    assert addresses(app)["second"] == "metoprolol"


def test_a_new_compound_is_answered_through_its_enzyme():
    app = predict(enter_new(open_page(), NEW))
    assert errors(app) == []
    check(app.selectbox(key="ddi_second").set_value("metoprolol").run())
    app = predict(app)
    expected = ddi.answer(OWN)
    assert "XY-123 + metoprolol · setting: new–known" in written(app).replace("**", "")
    assert expected.rows[0].sentence == "XY-123 can slow the metabolism of metoprolol."
    assert ranking(app)[0][1] == "XY-123 can slow the metabolism of metoprolol · PK metabolism"
    assert ddi_permalink.from_parameters(addresses(app)).query == OWN
    names = {node.id for node in evidence.explain(OWN, expected.rows[0]).nodes[:1]}
    assert names == {"CYP2D6"}
    app = open_tab(app, "What changes it")
    assert table(app, "Protein")[0][0].startswith("CYP2D6")


def test_without_structure_and_facts_there_is_nothing_to_go_by():
    app = predict(enter_new(open_page(), NEW))
    before = ranking(app)
    check(app.button(key="ddi_first_new_drop_0").click().run())
    app.text_input(key="ddi_first_new_molecule_smiles").set_value("")
    app = predict(app)
    assert [error.partition(" · ")[0].strip("*") for error in errors(app)] == ["DD-E03"]
    assert ranking(app) == before


def test_a_broken_structure_is_told_and_keeps_the_answer():
    app = enter_new(open_page(), replace(NEW, smiles="c1ccccc"))
    assert any("MO-E01" in error for error in errors(app))
    assert len(ranking(app)) >= 3


def test_one_drug_twice_is_refused():
    app = open_page()
    before = ranking(app)
    app = ask(app, "metoprolol", "metoprolol")
    assert "DD-E01" in errors(app)[0]
    assert "Both are metoprolol." in errors(app)[0]
    assert ranking(app) == before


def test_what_one_must_know_is_said():
    found = context("starter")
    head, _, tail = (int(one) for one in found.split.train[0])
    ids = found.network.entities
    assert "DD-E06 · Already known" in warnings(
        open_page(network="starter", first=ids[head], second=ids[tail])
    )
    fresh = [ids[row] for row in range(found.network.num_drugs) if not found.known_drugs[row]]
    both = [ddi.Query("starter", *pair) for pair in pairwise(fresh)]
    apart = next(query for query in both if not ddi.answer(query).joined)
    app = open_page(network="starter", first=apart.first, second=apart.second)
    assert "DD-E07 · New–new pair" in warnings(app)
    assert "DD-E08 · No connection" in warnings(app)
    assert "setting: new–new" in written(app).replace("**", "")
    assert ranking(app)[0][4] == "–"


def test_removing_the_key_fact_lowers_the_answer_and_undo_restores_it():
    app = open_page()
    original = ranking(app)
    first = ddi.answer(example()).rows[0]
    check(app.button(key="ddi_edit_apply").click().run())
    rows = table(app, "Rank before")
    changed = next(row for row in rows if row[0] == first.sentence)
    assert changed[1] == "1"
    assert changed[3] == show_score(first.probability)
    assert changed[5].startswith("−")
    assert "Removed: " in written(app)
    assert addresses(app)["changes"].startswith('[["remove"')
    check(app.button(key="ddi_edit_undo").click().run())
    assert ranking(app) == original


def test_a_supposed_fact_changes_the_answer():
    app = open_page(network="starter", first="metformin", second="metoprolol")
    check(app.radio(key="ddi_edit_op").set_value(True).run())
    key = ddi_new_drug.key_of(FACT)
    check(app.selectbox(key="ddi_edit_new").set_value(key).run())
    check(app.button(key="ddi_edit_apply").click().run())
    assert "Added: metformin is a strong inhibitor of CYP2D6" in written(app)
    query = ddi.Query("starter", "metformin", "metoprolol", (), (("metformin", *FACT),))
    assert ranking(app)[0][1].startswith(ddi.answer(query).rows[0].sentence.rstrip("."))
    check(app.button(key="ddi_edit_reset").click().run())
    assert "changes" not in addresses(app)


def test_an_address_restores_pair_row_ranking_and_changes():
    answer = ddi.answer(OWN)
    row = answer.rows[1]
    fact = evidence.explain(OWN, answer.rows[0]).facts[0].ids
    query = replace(OWN, removed=(fact,))
    parameters = ddi_permalink.to_parameters(
        query, row=ddi_answers.key_of(row), ranking="attention"
    )
    app = open_page(**parameters)
    assert addresses(app) == parameters
    assert app.selectbox(key="ddi_row").value == ddi_answers.key_of(row)
    assert app.radio(key="ddi_ranking").value == "attention"
    assert app.text_input(key="ddi_first_new_name").value == "XY-123"
    assert "Removed: " in written(app)
    assert "Out of date" not in warnings(app)


def test_a_tampered_address_is_told_and_taken_out():
    pair = {"network": "starter", "first": "metoprolol", "second": "fluoxetine"}
    app = open_page(**pair, ranking="<script>", colour="red")
    assert "ranking, colour" in warnings(app)
    assert addresses(app) == pair
    app = open_page(network="starter", first="nothing", second="fluoxetine")
    assert [box.value for box in app.info] == ["This is an example – change anything on the left."]


@pytest.mark.parametrize(
    ("tab", "text"),
    [
        ("Attention paths", "Mean attention"),
        ("Path kinds", "Kind of path"),
        ("Shared proteins", "CYP2D6"),
        ("Similar drugs", "Share"),
        ("Check", "This checks the reason of the model"),
        ("Explore", "A free arrangement"),
    ],
)
def test_every_view_of_the_evidence(tab, text):
    app = open_tab(open_page(), tab)
    assert text in written(app)
    assert errors(app) == []


def test_the_filters_only_hide():
    app = open_page()
    verdict = [text for text in written(app).splitlines() if text.startswith("Removing")]
    [box] = [box for box in app.selectbox if box.key.startswith("ddi_through_")]
    check(box.set_value(box.options[-1]).run())
    assert [text for text in written(app).splitlines() if text.startswith("Removing")] == verdict


def test_the_table_of_rows_can_be_taken_along():
    answer = ddi.answer(OWN)
    hostile = replace(OWN, first=replace(NEW, name="=HYPERLINK(1)"))
    rows = list(csv.DictReader(io.StringIO(ddi_answers.rows_csv(answer, {}))))
    assert len(rows) == len(answer.rows)
    assert float(rows[0]["probability"]) == pytest.approx(answer.rows[0].probability)
    assert {row["drug_1"] for row in rows} == {"XY-123", "metoprolol"}
    [cell] = {
        row["drug_1"]
        for row in csv.DictReader(io.StringIO(ddi_answers.rows_csv(ddi.answer(hostile), {})))
        if row["drug_1_id"] == "new:1"
    }
    assert cell == "'=HYPERLINK(1)"


def test_several_drugs_give_a_matrix_of_all_pairs():
    app = open_page()
    names = ["fluoxetine", "metoprolol", "warfarin"]
    check(app.multiselect(key="ddi_regimen_drugs").set_value(names).run())
    check(app.button(key="ddi_regimen_predict").click().run())
    pairs = table(app, "First prediction")
    assert len(pairs) == 3
    expected = ddi_scan.regimen("starter", names)
    assert {row[0] for row in pairs} == {
        f"{found.first_name} + {found.second_name}" for _, _, found in expected.pairs
    }
    assert len(ddi_regimen.regimen_csv(expected).splitlines()) == 4
    check(app.button(key="ddi_regimen_open").click().run())
    assert addresses(app)["network"] == "starter"


def test_one_drug_makes_no_matrix():
    app = open_page()
    check(app.multiselect(key="ddi_regimen_drugs").set_value(["fluoxetine"]).run())
    check(app.button(key="ddi_regimen_predict").click().run())
    assert "DD-E01" in errors(app)[0]


def test_the_ledger_shows_the_figures_of_the_card():
    card = context("starter").models["S1"].artifact.card
    app = open_page()
    rows = table(app, "Method")
    [plus] = [row for row in rows if row[0].startswith("S1") and row[1].startswith("EmerGNN+")]
    assert plus[2] == f"{card.metric('plus accuracy', 'test S1').value:.3f}"
    assert {row[1] for row in rows} >= {"EmerGNN alone", "similar-drug vote", "type habit"}
    assert f"{card.num_parameters:,} parameters" in written(app)


def test_answers_are_kept_and_restored_but_new_compounds_stay_private():
    app = ask(open_page(), "metoprolol", "fluoxetine")
    app = predict(enter_new(app, NEW))
    own = [b for b in app.button if b.key.startswith("ddi_history_")]
    assert len(own) == 2
    stranger = open_page()
    found = [b for b in stranger.button if b.key.startswith("ddi_history_")]
    assert len(found) == 1
    assert "metoprolol and fluoxetine" in plain(found[0].label)
    check(found[0].click().run())
    assert addresses(stranger)["first"] == "metoprolol"


def test_a_stored_answer_opens_by_its_id():
    bundle = {"query": {"question": "?"}, "answer": {"value": "x", "score": 0.5}}
    key = Store.open().save_prediction(domain="ddi", query=OWN.to_json(), bundle=bundle)
    app = open_page(result=key)
    assert ddi_permalink.from_parameters(addresses(app)).query == OWN


def test_an_own_network_is_reported_and_waits_for_its_model():
    files = example_network_files()
    upload = keep_network(files["drugs"], files["facts"], files["interactions"])
    app = open_page()
    app.session_state["ddi_upload_report"] = upload
    app.session_state["ddi_pending"] = ddi_permalink.Link(None, f"upload:{upload}")
    check(app.run())
    assert own_network(upload).summary in written(app)
    assert plain(app.info[0].value) == find_network(f"upload:{upload}").reason
    assert "No question yet." in "".join(box.value for box in app.info)
    check(app.button(key="ddi_train").click().run())
    assert ddi_training.find_training(f"upload:{upload}").state == "queued"
    assert "ddi_train" not in {button.key for button in app.button}
    stranger = open_page(network=f"upload:{upload}")
    assert "Left out of the address" in warnings(stranger)


def test_a_scan_is_a_job_whose_table_opens_pairs():
    app = open_page()
    check(app.button(key="ddi_scan").click().run())
    assert "place 1 in the queue" in written(app)
    jobs.work(once=True)
    check(app.run())
    found = ddi_scan.scan(example().first, "starter")
    assert f"against {len(found.rows):,} drugs" in written(app).replace("**", "")
    assert table(app, "Partner")[0][1] == found.rows[0].partner_name
    check(app.button(key="ddi_scan_open").click().run())
    assert addresses(app)["second"] == found.rows[0].partner_id


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "[a](javascript:alert(1))"])
def test_hostile_names_are_text(name):
    app = predict(enter_new(open_page(), replace(NEW, name=name)))
    assert errors(app) == []
    assert name in written(app)
