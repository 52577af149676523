"""The cold-start recommendation page without a browser, on a small hand-made model."""

import csv
import io
import json
from functools import partial
from xml.etree import ElementTree

import pytest
from streamlit.testing.v1 import AppTest

from core.data.ratings import histories, profiles
from core.knowledge.modulation import OPERATIONS, RELEASED, WORDS
from core.knowledge.ratings import Scale
from core.render.tables import to_safe_csv
from core.serving import rec_evidence, rec_export, rec_items, rec_next, rec_permalink, rec_training
from core.serving import recommendation as rec
from core.serving.rec_model import METHODS
from core.settings import settings
from pages.components import frame, link_state, rec_inputs, rec_state
from tests.pages import steps
from tests.pages.steps import addresses, check, errors, plain, table, written
from tests.serving.toy_ratings import IDS, NAME, TITLES, write_artifact_at

GIVEN = ((IDS[3], 9.0), (IDS[5], 2.0), (IDS[8], 7.0))


@pytest.fixture(scope="session")
def toys(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def served(home, toys, monkeypatch):
    """The toy artifact in place of the trained ones."""
    monkeypatch.setenv("PARSIMONY_TRAINED", str(toys))
    settings.cache_clear()
    yield home
    settings.cache_clear()


open_page = partial(steps.open_page, "recommendation")


def own(given=GIVEN, **change) -> rec.Question:
    return rec.Question(NAME, given, **change)


def open_own(question=None) -> AppTest:
    return open_page(**rec_permalink.to_parameters(question or own()))


def shown(app: AppTest) -> list[str]:
    """Titles offered in the list of evidence, in the order of the ranks."""
    return [plain(text).partition(" · ")[2] for text in app.selectbox(key="rec_item").options]


def titles(answer: rec.Answer) -> list[str]:
    return [row.title for row in answer.rows]


def rate(app: AppTest, item: str, rating: float) -> AppTest:
    return check(app.select_slider(key=f"rec_rate_{item}").set_value(rating).run())


def add(app: AppTest, item: str) -> AppTest:
    return check(app.selectbox(key="rec_add").set_value(item).run())


def start_anew(app: AppTest) -> AppTest:
    return check(app.button(key="rec_clear").click().run())


def press(app: AppTest) -> AppTest:
    return check(app.button(key="rec_ask").click().run())


def warnings(app: AppTest) -> str:
    return "\n".join(plain(box.value) for box in app.warning)


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["rec_tabs"] = name
    return check(app.run())


def unfold(app: AppTest, part: str) -> AppTest:
    """Open a part that is drawn once it is open."""
    app.session_state[part] = True
    return check(app.run())


def test_the_page_opens_answered_with_its_example():
    app = open_page()
    assert [title.value for title in app.title] == ["Cold-start recommendation"]
    assert "This is an example" in app.info[0].value
    expected = rec.answer(rec_permalink.example_question())
    assert len(expected.question.given) == 5
    assert shown(app) == titles(expected)
    assert f"predicted **{expected.rows[0].rating:.2f}**" in written(app)
    assert addresses(app) == {}
    assert errors(app) == []


def test_items_are_added_rated_and_removed_and_the_list_follows():
    app = start_anew(open_page())
    assert "0 of 5 rated" in app.get("progress")[0].proto.text
    assert shown(app) == titles(rec.answer(own(())))
    for item, rating in GIVEN:
        app = rate(add(app, item), item, rating)
    assert shown(app) == titles(rec.answer(own()))
    assert "3 of 5 rated; the list is there from zero on" in app.get("progress")[0].proto.text
    check(app.button(key=f"rec_drop_{IDS[5]}").click().run())
    assert shown(app) == titles(rec.answer(own((GIVEN[0], GIVEN[2]))))
    assert rec_permalink.from_parameters(addresses(app)).query.given == (GIVEN[0], GIVEN[2])


def test_an_item_without_a_rating_does_not_count():
    app = add(open_own(), IDS[10])
    assert shown(app) == titles(rec.answer(own()))
    assert "3 of 5 rated" in app.get("progress")[0].proto.text


def test_fewer_than_three_ratings_are_answered_with_a_notice():
    app = open_own(own(GIVEN[:1]))
    assert "RC-E01 · Rate at least 3 films" in warnings(app)
    assert "You have 1;" in warnings(app)
    assert shown(app) == titles(rec.answer(own(GIVEN[:1])))


def test_equal_ratings_are_answered_by_popularity_and_marked():
    same = tuple((item, 7.0) for item, _ in GIVEN)
    app = open_own(own(same))
    assert "RC-E05 · All your ratings are the same" in warnings(app)
    assert METHODS["popularity"].title in written(app)
    assert errors(app) == []


def test_more_ratings_than_are_used_are_told():
    many = tuple((item, float(1 + row % 10)) for row, item in enumerate(IDS[:12]))
    app = open_own(own(many, newest=10))
    assert "RC-E07 · Not cold-start" in warnings(app)
    app.number_input(key="rec_newest").set_value(12)
    assert "RC-E07" not in warnings(check(app.run()))


def test_without_live_updates_the_old_list_stays_until_the_button():
    app = open_own()
    before = shown(app)
    check(app.toggle(key="rec_live").set_value(False).run())
    app = rate(app, IDS[3], 1.0)
    assert "Out of date" in warnings(app)
    assert shown(app) == before
    app = press(app)
    assert "Out of date" not in warnings(app)
    assert shown(app) == titles(rec.answer(own(((IDS[3], 1.0), *GIVEN[1:]))))


def test_places_moved_since_the_last_list_are_asked_with_the_same_filters():
    app = rate(open_own(), IDS[3], 1.0)
    link = app.session_state["rec_link"]
    assert app.session_state[rec_state.BEFORE] == own()
    app.checkbox(key="rec_hide").uncheck()
    check(app.run())
    assert app.session_state["rec_link"].query.hide_rated is False
    assert app.session_state[rec_state.BEFORE] == own()
    assert link.query.given[0] == (IDS[3], 1.0)


@pytest.mark.parametrize(("seconds", "changed"), [(60.0, True), (0.0, False)])
def test_a_change_outruns_the_address_of_the_one_before(monkeypatch, seconds, changed):
    monkeypatch.setattr(link_state, "REPLACED_S", seconds)
    app = open_own()
    before = addresses(app)
    app = rate(app, IDS[3], 1.0)
    app.query_params.clear()
    app.query_params.update(before)  # what the browser still shows
    app = rate(app, IDS[5], 6.0)
    given = dict(app.session_state["rec_link"].query.given)
    assert (given[IDS[3]] == 1.0) == changed  # long after, the address was brought back by a person


def test_filters_length_and_method_are_part_of_the_question():
    app = open_own()
    check(app.slider(key="rec_years").set_value((1975, 1985)).run())
    check(app.multiselect(key="rec_kinds").set_value(["Horror"]).run())
    check(app.number_input(key="rec_length").set_value(4).run())
    check(app.selectbox(key="rec_method").set_value("fold_in").run())
    asked = own(years=(1975, 1985), kinds=("Horror",), length=4, method="fold_in")
    assert shown(app) == titles(rec.answer(asked))
    assert rec_permalink.from_parameters(addresses(app)).query == asked


def test_filters_that_leave_nothing_are_refused_and_the_list_stays():
    app = open_own()
    before = shown(app)
    check(app.multiselect(key="rec_kinds").set_value(["Horror"]).run())
    check(app.slider(key="rec_years").set_value((1971, 1971)).run())
    assert "RC-E14" in errors(app)[0]
    assert "Out of date" in warnings(app)
    assert shown(app) != before  # that of the kinds alone
    assert errors(check(app.slider(key="rec_years").set_value((1970, 1993)).run())) == []


@pytest.mark.parametrize("method", ["coldnas", "none", "fold_in", "offset", "popularity"])
def test_every_method_answers(method):
    app = open_own(own(method=method))
    assert shown(app) == titles(rec.answer(own(method=method)))
    assert errors(app) == []


@pytest.mark.parametrize(
    ("tab", "text"),
    [
        ("Ratings", "**Own part**"),
        ("Check", "not whether you will like it"),
        ("Operators", "become numbers φ"),
        ("You and others", "middle 90 %"),
    ],
)
def test_every_view_of_the_evidence(tab, text):
    app = open_tab(open_own(), tab)
    assert text in written(app)
    assert errors(app) == []


def test_the_evidence_is_that_of_serving():
    app = open_own()
    first = rec.answer(own()).rows[0]
    found = rec_evidence.explain(own(), first.item)
    assert found.statement in written(app)
    if found.cited:
        assert rec_evidence.check(own(), first.item, found.cited).sentence in written(app)


def test_without_any_rating_the_evidence_says_so():
    app = open_own(own(()))
    assert "Nothing is known of you yet" in "\n".join(plain(box.value) for box in app.info)
    assert errors(app) == []


def test_the_structure_is_a_grid_in_words():
    rows = table(open_tab(open_own(), "Operators"), "Reading")
    header = [WORDS[name].capitalize() for name in OPERATIONS]
    kept = {
        (position, name)
        for position, row in enumerate(rows)
        for name, cell in zip(OPERATIONS, row[1:5], strict=True)
        if cell.startswith("● kept")
    }
    assert len(header) == 4
    assert kept == RELEASED.kept
    assert rows[2][5] == f"{RELEASED.words(2)}: {RELEASED.formula(2)}"


def test_a_changed_rating_shows_old_and_new_places_and_becomes_the_question():
    app = open_own()
    check(app.selectbox(key="rec_what_if_item").set_value(IDS[3]).run())
    [box] = [one for one in app.selectbox if one.label == "Instead"]
    box.set_value(1.0)
    check(app.run())
    check(app.button(key="rec_what_if_ask").click().run())
    after = own().with_rating(IDS[3], 1.0)
    expected = rec.changes(own(), after)
    rows = table(app, "Rank before")
    assert [row[0] for row in rows] == [one.title for one in expected]
    assert [row[2] for row in rows] == [
        "–" if one.rank_after is None else str(one.rank_after) for one in expected
    ]
    check(app.button(key="rec_what_if_apply").click().run())
    assert app.session_state["rec_link"].query == after
    assert app.select_slider(key=f"rec_rate_{IDS[3]}").value == 1.0
    assert "Out of date" not in warnings(app)


def test_methods_side_by_side_disagreements_first():
    app = open_own()
    chosen = ["coldnas", "offset"]
    check(app.multiselect(key="rec_compare_methods").set_value(chosen).run())
    check(app.button(key="rec_compare").click().run())
    rows = table(app, "Disagreement")
    assert [row[0] for row in rows] == [one.title for one in rec.compare(own(), chosen).rows]
    falls = [float(row[-1]) for row in rows]
    assert falls == sorted(falls, reverse=True)


def test_items_that_are_asked_for_go_into_the_editor():
    app = unfold(open_own(), "rec_next")
    expected = rec_next.next_items(own(), 6)
    assert [row[0] for row in table(app, "Worth asking")] == [one.title for one in expected]
    check(app.button(key=f"rec_next_{expected[0].item}").click().run())
    assert app.select_slider(key=f"rec_rate_{expected[0].item}").value is None
    assert f"{3} of 5 rated" in app.get("progress")[0].proto.text


def test_the_curve_has_every_number_of_given_ratings():
    rows = {row[0]: row[1:] for row in table(open_own(), "10 given")}
    assert rows["ColdNAS"][0] == "2.500"
    assert "MeLU" in rows


def test_the_curve_can_be_kept_as_a_picture():
    from core.serving.rec_model import open_model
    from pages.components.rec_curve import picture

    root = ElementTree.fromstring(picture(open_model(NAME), "mse", 5, "dark"))
    words = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"ColdNAS", "MeLU", "Squared error", "10"} <= words


def test_the_ledger_names_where_it_was_measured():
    app = unfold(open_own(), "rec_ledger")
    rows = {row[0]: row[1:] for row in table(app, "Adapted to you")}
    assert rows["ColdNAS"][:2] == ["1,234", "12"]
    assert rows["Popularity"][0] == "–"
    assert rows["MeLU"][3] == "–"
    assert "measured on a processor" in written(app)


def test_the_theorem_is_computed_both_ways():
    app = unfold(open_own(), "rec_how")
    rows = table(app, "−2")
    assert rows[0][1:] == rows[1][1:]
    assert "equals **min(max(h, −0.5), 0.5) · 2 − 0" not in written(app)


def test_a_row_that_is_opened_is_in_the_address_and_comes_back():
    second = rec.answer(own()).rows[1].item
    parameters = rec_permalink.to_parameters(own(), second)
    app = open_page(**parameters)
    assert app.selectbox(key="rec_item").value == second
    assert addresses(app) == parameters


def test_a_tampered_address_is_told_and_taken_out():
    app = open_page(model="<script>", length="9999", colour="red")
    for name in ("model", "length", "colour"):
        assert name in warnings(app)
    assert addresses(app) == {}


def test_earlier_answers_are_those_of_the_session_alone():
    app = press(rate(open_own(), IDS[3], 1.0))
    [button] = [one for one in app.button if one.key.startswith("rec_history_")]
    stranger = open_page()
    assert not [one for one in stranger.button if one.key.startswith("rec_history_")]
    app = start_anew(app)
    check(app.button(key=button.key).click().run())
    assert app.session_state["rec_link"].query == own(((IDS[3], 1.0), *GIVEN[1:]))


def test_the_csv_has_the_rows_of_the_list():
    answer = rec.answer(own())
    header, rows = rec_export.cells(answer)
    found = list(csv.DictReader(io.StringIO(to_safe_csv(rows, header))))
    assert len(found) == len(answer.rows)
    assert [row["title"] for row in found] == titles(answer)


@pytest.mark.parametrize("title", ["<img src=x onerror=alert(1)>", "=HYPERLINK(1) (1999)"])
def test_hostile_titles_are_text(title, tmp_path, monkeypatch):
    from tests.serving.toy_ratings import knowledge

    catalogue = knowledge()["catalogue"] | {"titles": [title, *TITLES[1:]]}
    monkeypatch.setenv("PARSIMONY_TRAINED", str(write_artifact_at(tmp_path, catalogue=catalogue)))
    settings.cache_clear()
    app = open_own(own(GIVEN, length=24))
    check(app.selectbox(key="rec_item").set_value(IDS[0]).run())
    assert f"**{title}**" in written(app)
    header, rows = rec_export.cells(rec.answer(own(GIVEN, length=24)))
    assert (f",'{title}" in to_safe_csv(rows, header)) == title.startswith("=")


def give(app: AppTest, key: str, text: str) -> AppTest:
    """Upload a table."""
    app.file_uploader(key=key).set_value(("table.csv", text.encode(), "text/csv"))
    return check(app.run())


def test_own_ratings_from_a_file_are_matched_reviewed_and_used():
    text = "title,rating\nFilm 03 (1973),9\nFilm 5,2\nNo such thing,7\nFilm 08 (1978),11\n"
    app = give(open_own(own(())), "rec_profile_file", text)
    rows = {row[1]: row for row in table(app, "Matched with")}
    assert rows["Film 03 (1973)"][2:] == ["Film 03 (1973)", "9", "9", "matched"]
    assert "RC-E02" in rows["No such thing"][5]
    assert "RC-E03" in rows["Film 08 (1978)"][5]
    assert "11 is not between 1 and 10 (row 5)" in rows["Film 08 (1978)"][5]
    check(app.button(key="rec_profile_use").click().run())
    link = app.session_state["rec_link"]
    assert link.query.given[0] == (IDS[3], 9.0)
    assert shown(app) == titles(rec.answer(link.query))


def test_the_person_decides_which_of_two_ratings_is_kept():
    text = "title,rating\nFilm 03 (1973),9\nFilm 03 (1973),2\nFilm 05 (1975),4\n"
    app = give(open_own(own(())), "rec_profile_file", text)
    assert "RC-E04 · Same item twice" in warnings(app)
    [choice] = [one for one in app.radio if one.label == "An item that is rated twice"]
    choice.set_value("first")
    check(app.run())
    check(app.button(key="rec_profile_use").click().run())
    assert app.session_state["rec_link"].query.given == ((IDS[3], 9.0), (IDS[5], 4.0))


def test_a_title_that_was_not_found_is_chosen_by_hand():
    app = give(open_own(own(())), "rec_profile_file", "title,rating\nFilm 3,9\nFilm 07,2\n")
    assert "not found: RC-E02" in {row[1]: row[5] for row in table(app, "Matched with")}["Film 3"]
    [box] = [one for one in app.selectbox if plain(one.label) == "Line 2: Film 3"]
    box.set_value(IDS[3])
    check(app.run())
    assert {row[1]: row[5] for row in table(app, "Matched with")}["Film 3"] == "your choice"
    check(app.button(key="rec_profile_use").click().run())
    assert app.session_state["rec_link"].query.given[0] == (IDS[3], 9.0)


@pytest.mark.parametrize(
    ("content", "code"), [(b"PK\x03\x04" + bytes(99), "UP-E02"), (b"title,rating\n", "UP-E05")]
)
def test_a_file_that_is_no_table_is_refused(content, code):
    app = open_own()
    app.file_uploader(key="rec_profile_file").set_value(("ratings.csv", content, "text/csv"))
    assert code in errors(check(app.run()))[0]


def test_the_example_files_are_valid():
    app = open_own(own(()))
    model = rec.open_model(NAME)
    _, content = profiles.example_profile_file(model.catalogue, model.scale)
    app = give(app, "rec_profile_file", content.decode())
    assert {row[5] for row in table(app, "Matched with")} == {"matched"}
    _, content = histories.example_interactions_file()
    app = give(app, "rec_upload", content.decode())
    assert app.button(key="rec_train").label == "Train ColdNAS on these data"


def test_own_items_are_ranked_and_the_catalogue_comes_back():
    _, content = rec_items.example_items_file(rec.open_model(NAME))
    app = give(open_own(), "rec_items_file", content.decode())
    check(app.button(key="rec_items_use").click().run())
    question = app.session_state["rec_link"].query
    assert question.items
    assert shown(app) == titles(rec.answer(question))
    assert "not measured for items that nobody has rated" in written(app)
    assert set(addresses(app)) == {"result"}
    check(app.button(key="rec_own_drop").click().run())
    assert shown(app) == titles(rec.answer(own()))


def test_own_data_are_queued_watched_and_belong_to_their_session():
    _, content = histories.example_interactions_file()
    app = give(open_own(), "rec_upload", content.decode())
    check(app.button(key="rec_train").click().run())
    [upload] = app.session_state[rec_inputs.UPLOADS]
    assert rec_training.find(upload).state == "queued"
    assert "place 1 in the queue" in written(app)
    assert "place 1 in the queue" not in written(open_page())


def test_too_few_users_are_told_and_not_trained_on():
    rows = "".join(f"u{n},i{m},{(n + m) % 5 + 1}\n" for n in range(14) for m in range(12))
    app = give(open_own(), "rec_upload", f"user,item,rating\n{rows}")
    assert "RC-E06 · Too few users to train" in warnings(app)
    assert "14 users; at least 200" in warnings(app)
    assert not [one for one in app.button if one.key == "rec_train"]


def test_a_column_that_cannot_be_told_is_chosen():
    rows = "".join(f"u{n % 210},i{n % 17},{n % 5 + 1}\n" for n in range(210 * 17))
    app = give(open_own(), "rec_upload", f"aa,bb,cc\n{rows}")
    roles = {
        plain(one.label): one for one in app.selectbox if plain(one.label).startswith("Role of ")
    }
    for name, role in (("aa", "user"), ("bb", "item"), ("cc", "rating")):
        roles[f"Role of {name}"].set_value(role)
    check(app.run())
    assert app.button(key="rec_train").label


def test_without_a_model_the_page_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    settings.cache_clear()
    app = open_page()
    assert "No trained model is here" in app.info[0].value
    assert errors(app) == []


def test_a_control_offers_every_rating_of_its_scale():
    assert rec_inputs.ratings_of(Scale(1, 5)) == [None, 1, 2, 3, 4, 5]
    assert rec_inputs.ratings_of(Scale(0.5, 2, 0.5), 1.2) == [None, 0.5, 1.0, 1.2, 1.5, 2.0]
    assert len(rec_inputs.ratings_of(Scale(0, 1, 0))) == 22


@pytest.mark.parametrize(
    "title", ["Alien (1979)", "Star Wars: Episode IV - A New Hope (1977)", "Amélie (2001)", "8½"]
)
def test_titles_without_markdown_are_labels_as_they_are(title):
    assert plain(rec_inputs.label_of(title)) == title
    assert ("\\" in rec_inputs.label_of(title)) == (" - " in title)


@pytest.mark.parametrize(
    "title", ["![x](https://a.b/c)", "_a_", "<b>", ":smile:", "www.x.org", "1. one", "a -- b", "`"]
)
def test_titles_that_mean_something_to_markdown_are_escaped(title):
    assert rec_inputs.label_of(title) == frame.plain(title) != title


def test_the_structure_file_is_json():
    from core.serving.rec_model import open_model
    from pages.components.rec_structure import to_json

    assert json.loads(to_json(open_model(NAME)))["kept"] == RELEASED.to_json()
