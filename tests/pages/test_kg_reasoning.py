import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.serving import kg_reasoning as kg
from core.serving.graphs import find_graph, keep_upload
from core.settings import settings
from core.store import Store
from pages.components import kg_answers
from tests.pages import steps
from tests.pages.steps import addresses, check, errors, table, written

ROOT = Path(__file__).parents[2]
PAGE = str(ROOT / "pages" / "kg_reasoning.py")
pytestmark = pytest.mark.skipif(
    not (settings().trained / "redgnn-family" / "card.json").is_file(),
    reason="the artifact redgnn-family is not in the folder of trained models",
)
EXAMPLE = kg.Query("royals", "george-i-of-great-britain", "uncle")
SISTER, KING = "sophia-charlotte-of-hanover", "frederick-william-i-of-prussia"
OWN = kg.Query("royals", "queen-anne-marie-of-greece", "sister")


pytestmark = pytest.mark.usefixtures("home")


open_page = partial(steps.open_page, "kg_reasoning")


def ranking(app: AppTest) -> list[list[str]]:
    """Cells of the ranked list."""
    return table(app, "Fact?")


def ask(app: AppTest, query: kg.Query) -> AppTest:
    app.selectbox(key="kg_entity").set_value(query.entity)
    app.selectbox(key="kg_relation").set_value(query.relation)
    app.radio(key="kg_inverse").set_value(query.inverse)
    check(app.run())
    return check(app.button(key="kg_predict").click().run())


def test_the_page_opens_answered_with_its_example():
    app = open_page()
    assert [title.value for title in app.title] == ["KG reasoning"]
    assert [box.value for box in app.info] == ["This is an example – change anything on the left."]
    rows = ranking(app)
    expected = kg.answer(EXAMPLE).rows[0]
    items = kg.explain(EXAMPLE, KING).items
    drop = kg.check(EXAMPLE, KING, items).delta_remove
    shown = ">0.999" if expected.score > 0.9995 else f"{expected.score:.3f}"
    assert rows[0] == [
        "1", "Frederick William I of Prussia (1688–1740)", shown, "held out",
        f"✓ supported −{drop:.3f}",
    ]  # fmt: skip
    assert len(rows) == 10
    assert [row[4] != "–" for row in rows] == [True] * 3 + [False] * 7
    assert "**George I of Great Britain (1660–1727) is an uncle of ?**" in written(app)
    assert f"Removing these {len(items)} facts costs {drop:.2f}; random facts" in written(app)
    assert addresses(app) == {}
    assert errors(app) == []


def test_a_changed_input_leaves_the_answer_and_marks_it_out_of_date():
    app = open_page()
    before = ranking(app)
    check(app.selectbox(key="kg_relation").set_value("brother").run())
    assert [box.value for box in app.warning] == ["Out of date: the inputs have changed."]
    assert ranking(app) == before
    check(app.button(key="update_answer").click().run())
    assert [box.value for box in app.warning] == []
    assert ranking(app) != before
    assert addresses(app) == {
        "graph": "royals", "entity": "george-i-of-great-britain", "relation": "brother",
        "ask": "tail",
    }  # fmt: skip


@pytest.mark.parametrize("inverse", [False, True])
def test_an_own_question_gets_the_answer_of_the_model(inverse):
    query = replace(OWN, inverse=inverse)
    app = ask(open_page(), query)
    expected = kg.answer(query)
    rows = ranking(app)
    assert [row[1] for row in rows] == [row.name for row in expected.rows]
    score = expected.rows[0].score
    assert rows[0][2] == (">0.999" if score > 0.9995 else f"{score:.3f}")
    assert f"**{expected.question}**" in written(app)
    assert [box.value for box in app.info] == []
    assert addresses(app)["ask"] == ("head" if inverse else "tail")


def test_an_error_says_what_to_do_and_keeps_the_answer():
    app = open_page()
    before = ranking(app)
    own = keep_upload("own.csv", b"head,relation,tail\na,likes,b\nb,likes,c\n", None)
    app.session_state["kg_uploads"] = [own]
    check(app.run())
    check(app.selectbox(key="kg_graph").set_value(own).run())
    check(app.button(key="kg_predict").click().run())
    [message] = errors(app)
    assert message.startswith("**KG-E01 · Pick a subject**")
    assert "Type a name or an id" in message
    assert ranking(app) == before


def test_a_permalink_restores_question_answer_and_way_of_choosing():
    second = kg.answer(replace(EXAMPLE, top_k=4, hide_known=False)).rows[1].entity
    app = open_page(
        graph="royals", entity=EXAMPLE.entity, relation="uncle", k="4", hide="0", answer=second,
        ranking="attention",
    )  # fmt: skip
    assert app.number_input(key="kg_top_k").value == 4
    assert app.checkbox(key="kg_hide").value is False
    assert app.selectbox(key="kg_answer").value == second
    assert app.radio(key="kg_ranking").value == "attention"
    assert len(ranking(app)) == 4


def test_a_tampered_value_is_named_and_leaves_the_address():
    app = open_page(graph="royals", entity=OWN.entity, relation="sister", k="999", evil="<b>")
    assert [box.value.replace("\\", "") for box in app.warning] == [
        "Left out of the address, because it does not fit: k, evil."
    ]
    assert addresses(app) == {
        "graph": "royals", "entity": OWN.entity, "relation": "sister", "ask": "tail",
    }  # fmt: skip
    assert app.number_input(key="kg_top_k").value == 10


def test_removing_facts_changes_rank_and_undo_restores_the_score():
    app = open_page()
    original = ranking(app)
    for _ in range(4):
        check(app.button(key="kg_edit_apply").click().run())
    text = written(app)
    assert text.count("Removed: ") == 4
    row = next(line for line in text.splitlines() if line.startswith("| Frederick William I"))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1] == "1"
    assert float(cells[2]) > 1
    assert cells[3] == original[0][2]
    assert cells[5].startswith("−0.9")
    assert "edits" in addresses(app)
    for left in (3, 2, 1):
        check(app.button(key="kg_edit_undo").click().run())
        assert written(app).count("Removed: ") == left
    check(app.button(key="kg_edit_undo").click().run())
    assert ranking(app) == original
    assert app.button(key="kg_edit_undo").disabled


def test_tied_answers_share_the_first_of_their_places():
    ranks = [1.0, 3.0, 3.0, 3.0, 5.0, 6.5]
    assert [kg_answers.show_rank(rank, ranks) for rank in ranks] == [
        "1", "2=", "2=", "2=", "5", "6=",
    ]  # fmt: skip


def test_the_address_of_an_example_keeps_its_graph():
    app = open_page(graph="planted")
    assert addresses(app) == {"graph": "planted"}
    assert app.selectbox(key="kg_graph").value == "planted"


def test_reset_takes_back_all_edits():
    app = open_page()
    for _ in range(2):
        check(app.button(key="kg_edit_apply").click().run())
    check(app.button(key="kg_edit_reset").click().run())
    assert "Removed: " not in written(app)
    assert "edits" not in addresses(app)


def test_a_fact_that_exists_cannot_be_added():
    app = open_page()
    check(app.radio(key="kg_edit_op").set_value(True).run())
    app.selectbox(key="kg_edit_head").set_value(SISTER)
    app.selectbox(key="kg_edit_relation").set_value("mother")
    app.selectbox(key="kg_edit_tail").set_value(KING)
    check(app.run())
    check(app.button(key="kg_edit_apply").click().run())
    [message] = errors(app)
    assert message.startswith("**KG-E08 · Fact not changed**")
    assert "is already a fact of this graph" in message
    assert "edits" not in addresses(app)


def test_the_slider_reaches_the_smallest_set_and_the_check_follows():
    app = open_page()
    assert "**2 of 3 facts are enough**" in written(app)
    [slider] = app.slider
    assert (slider.min, slider.max, slider.value) == (2, 3, 3)
    check(slider.set_value(2).run())
    text = written(app)
    share = float(text.split("(ρ = ")[1].split(",")[0])
    assert share >= 0.9
    assert "these 2 facts" in text


def test_earlier_answers_are_listed_newest_first_and_restored_by_one_click():
    app = ask(open_page(), OWN)
    ask(app, replace(OWN, relation="daughter"))
    fresh = open_page()
    entries = [b for b in fresh.button if b.key.startswith("kg_history_")]
    assert len(entries) == 2
    assert "is a daughter of ?" in entries[0].label
    assert "is a sister of ?" in entries[1].label
    check(entries[1].click().run())
    assert "**Anne-Marie of Denmark (born 1946) is a sister of ?**" in written(fresh)
    assert fresh.selectbox(key="kg_relation").value == "sister"
    assert addresses(fresh)["entity"] == OWN.entity


def test_a_stored_answer_opens_by_its_id():
    bundle = {"query": {"question": "?"}, "answer": {"value": "x", "score": 0.5}}
    key = Store.open().save_prediction(domain="kg", query=OWN.to_json(), bundle=bundle)
    app = open_page(result=key)
    assert "**Anne-Marie of Denmark (born 1946) is a sister of ?**" in written(app)
    assert addresses(app)["entity"] == OWN.entity


def test_answers_about_another_persons_graph_stay_hidden():
    graph_id = keep_upload("secret.csv", b"head,relation,tail\na,uncle,b\nb,uncle,c\n", None)
    query = kg.Query(graph_id, "a", "uncle", model="redgnn-family")
    bundle = {"query": {"question": "a uncle ?"}, "answer": {"value": "c", "score": 0.5}}
    Store.open().save_prediction(domain="kg", query=query.to_json(), bundle=bundle)
    hidden = open_page()
    assert [b.key for b in hidden.button if b.key.startswith("kg_history_")] == []
    assert graph_id not in hidden.selectbox(key="kg_graph").options
    owner = open_page(graph=graph_id)
    assert len([b for b in owner.button if b.key.startswith("kg_history_")]) == 1


def test_an_uploaded_graph_whose_relations_fit_can_be_asked_at_once():
    rows = "".join(
        f"p{n},brother,p{n + 1}\np{n},uncle,q{n}\np{n + 1},father,q{n}\n" for n in range(6)
    )
    graph_id = keep_upload("family.csv", f"head,relation,tail\n{rows}".encode(), None)
    app = open_page(graph=graph_id)
    assert [box.value for box in app.info] == [
        "No question yet. Pick a subject and a relation, then press Predict."
    ]
    assert app.selectbox(key="kg_model").value == "redgnn-family"
    assert "know" in written(app)
    ask(app, kg.Query(graph_id, "p2", "uncle"))
    assert "**p2 uncle ?**" in written(app)
    assert addresses(app)["model"] == "redgnn-family"
    assert addresses(app)["graph"] == graph_id


def test_the_first_row_of_an_upload_is_a_fact_when_a_person_says_so():
    content = b"a,likes,b\nb,likes,c\n"
    columns = {"head": 0, "relation": 1, "tail": 2}
    assert find_graph(keep_upload("own.csv", content, columns, header=True)).load().num_facts == 1
    assert find_graph(keep_upload("own.csv", content, columns, header=False)).load().num_facts == 2


def test_an_uploaded_graph_of_other_words_is_asked_by_rules_or_trained_on():
    facts = "".join(f"a{n},likes,b{n}\nb{n},liked_by,a{n}\n" for n in range(6))
    content = f"head,relation,tail\n{facts}a7,likes,b7\n".encode()
    graph_id = keep_upload("own.csv", content, None)
    app = open_page(graph=graph_id)
    assert app.selectbox(key="kg_model").options == ["Path rules, counted on this graph"]
    ask(app, kg.Query(graph_id, "b7", "liked_by"))
    assert "**b7 liked_by ?**" in written(app)
    assert addresses(app)["model"] == "rules"
    assert "Removing this fact costs" in written(app)
    ask(app, kg.Query(graph_id, "b0", "likes"))
    [message] = errors(app)
    assert message.startswith("**KG-E09 ·")
    check(app.button(key="kg_train").click().run())
    assert "badge[Waiting]" in written(app)
    assert "kg_train" not in {button.key for button in app.button}


def test_the_serving_process_never_imports_torch():
    script = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({PAGE!r}, default_timeout=60).run()\n"
        "assert not app.exception and app.title[0].value == 'KG reasoning'\n"
        "print(sorted({'torch', 'onnx', 'torch_geometric'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_another_model_is_put_beside_it_and_their_evidence_exchanged():
    app = open_page()
    check(app.selectbox(key="kg_compare").set_value("rules").run())
    text = written(app)
    assert "Answers whose places differ most come first." in text
    assert "The facts of **redgnn-family** on **rules**: ✓ supported" in text
    assert "The facts of **rules** on **redgnn-family**: ✓ supported" in text


def test_every_relation_between_two_entities_is_ranked():
    app = open_page()
    check(app.button(key="kg_relations").click().run())
    assert "12 relations. The score is the probability of this tail" in written(app)


def test_a_searched_function_shows_its_structure_trace_and_terms():
    app = open_page(graph="umls", entity="amphibian", relation="exhibits", model="autoblm-umls")
    assert not errors(app)
    text = written(app)
    assert "terms" in text
    assert "reads no facts when it answers" in text
    assert any(r"\begin{bmatrix}" in latex.value for latex in app.latex)
    assert "structures were tried in" in text
    assert "best named function" in text


def test_a_search_is_submitted_for_the_graph_that_is_shown():
    app = open_page(graph="umls")
    app.number_input(key="kg_search_budget").set_value(12)
    check(app.run())
    check(app.button(key="kg_search").click().run())
    assert "badge[Waiting]" in written(app)
    assert "Search a scoring function for UMLS" in written(app)
    assert "kg_search" not in {button.key for button in app.button}
    [job] = [job for job in jobs.recent(10) if job.params.get("method") == "autoblm"]
    assert job.params["data"] == "umls"
    assert job.params["overrides"] == {"budget": 12}
    jobs.cancel(job.id)
