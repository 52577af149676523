"""Which ratings carry an item: effects, live check, smallest evidence, numbers beside others'."""

import numpy as np
import pytest

from core.errors import InputError
from core.evidence.evidence import Overlay
from core.knowledge.modulation import NONE, RELEASED
from core.serving import rec_evidence
from core.serving.rec_evidence import Asked, check, explain, minimise, modulation
from core.serving.recommendation import Question, answer
from tests.serving.toy_ratings import (
    BIAS,
    IDS,
    NAME,
    NUM,
    TASTE,
    WIDTH,
    expected,
    serve_from,
    write_artifact_at,
)

GIVEN = (("f03", 9.0), ("f08", 2.0), ("f14", 7.0), ("f17", 4.0), ("f21", 10.0))
PLACES, RATINGS = np.array([3, 8, 14, 17, 21]), np.array([9, 2, 7, 4, 10])
EVERY = np.arange(NUM)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def _serve(root, monkeypatch):
    serve_from(root, monkeypatch)


def asked(given=GIVEN, **more):
    return Question(NAME, given, **more)


def top(question):
    return answer(question).rows[0].item


def rank_of(item, places, ratings):
    """Rank among the items that are not rated in `GIVEN`."""
    score = expected(places, ratings, EVERY)
    return 1 + sum(score[row] > score[item] for row in EVERY if row not in PLACES)


def test_effects_ranks_and_what_is_cited():
    item = top(asked())
    row = IDS.index(item)
    found = explain(asked(), item)
    assert (found.item, found.rank) == (item, 1)
    assert {one.id for one in found.influences} == {one for one, _ in GIVEN}
    for one in found.influences:
        rest = IDS.index(one.id) != PLACES
        whole, without = expected(PLACES, RATINGS, EVERY), expected(
            PLACES[rest], RATINGS[rest], EVERY
        )  # fmt: skip
        effect = whole - without
        assert one.total == pytest.approx(effect[row], abs=1e-5)
        assert one.level == pytest.approx(effect.mean(), abs=1e-5)
        assert one.own == pytest.approx(one.total - one.level)
        assert one.rank_without == rank_of(row, PLACES[rest], RATINGS[rest])
        turned = np.where(rest, RATINGS, 1 if one.rating >= 5.5 else 10)
        assert one.flipped == (1 if one.rating >= 5.5 else 10)
        assert one.rank_flipped == rank_of(row, PLACES, turned)
    own = [one.own for one in found.influences]
    assert own == sorted(own, key=lambda value: -abs(value))
    lifting = [one for one in found.influences if one.own >= 0.09]
    strong = [one.id for one in lifting if one.own >= 0.2 * lifting[0].own]
    assert list(found.cited) == strong[:2]  # half of five
    assert found.cited
    assert found.statement.startswith(f"What lifts {found.title} more than other films: ")


def test_without_ratings_or_taste_there_is_nothing_to_cite():
    nothing = asked(())
    found = explain(nothing, top(nothing))
    assert (found.influences, found.cited) == ((), ())
    assert "Nothing is known of you yet" in found.statement
    level = asked(method="none")
    found = explain(level, top(level))
    assert found.cited == ()
    assert "they say how high you rate" in found.statement
    assert max(abs(one.own) for one in found.influences) < 1e-5
    same = asked(method="popularity")
    assert explain(same, top(same)).statement.startswith("The list is the same for everybody")
    with pytest.raises(InputError, match="RC-E13"):
        explain(asked(), "f03")


def test_the_score_is_how_far_the_item_stands_out():
    item = top(asked(()))
    [everything, two] = Asked(asked(), item).ask(
        [Overlay(), Overlay(keep=frozenset(["f03", "f08", "f21"]), remove=frozenset(["f08"]))]
    )
    row = IDS.index(item)
    for outcome, chosen in ((everything, [0, 1, 2, 3, 4]), (two, [0, 4])):
        score = expected(PLACES[chosen], RATINGS[chosen], EVERY)
        assert outcome.score == pytest.approx(
            np.clip(0.5 + (score[row] - score.mean()) / 9, 0, 1), abs=1e-5
        )
        assert outcome.rank == rank_of(row, PLACES[chosen], RATINGS[chosen])


def test_the_level_of_a_person_changes_no_score_of_the_evidence():
    """A network that knows the level alone: every rating can go, the item stands out the same."""
    question = asked(method="none")
    item = top(question)
    found = check(question, item, ["f03", "f21"])
    assert found.delta_remove == pytest.approx(0, abs=1e-6)
    assert found.verdict == "NOT SUPPORTED"


def test_live_check_of_the_cited_ratings():
    item = top(asked())
    cited = explain(asked(), item).cited
    found = check(asked(), item, cited)
    assert (found.num_items, found.rank_all) == (len(cited), 1)
    assert found.delta_remove >= found.thresholds.necessity_floor == 0.0125
    [whole, without, only, empty] = Asked(asked(), item).ask(
        [Overlay(), Overlay(remove=frozenset(cited)), Overlay(keep=frozenset(cited)),
         Overlay(keep=frozenset())]
    )  # fmt: skip
    assert found.delta_remove == whole.score - without.score
    assert found.score_only == only.score
    assert found.score_empty == empty.score
    assert found.verdict in ("SUPPORTED", "PARTLY")
    assert check(asked(), item, ()).verdict == "NOT SUPPORTED"
    assert check(asked(), item, cited, seed=0) == found


def test_smallest_evidence_is_enough_and_part_of_the_cited():
    item = top(asked())
    found, cited = minimise(asked(), item), explain(asked(), item).cited
    assert {*found.items, *found.removed} == set(cited)
    if found.reached:
        [left] = Asked(asked(), item).ask([Overlay(keep=frozenset(found.items))])
        assert left.score >= found.required - 1e-6


def test_fields_that_the_model_compares_are_named(tmp_path, monkeypatch):
    item = top(asked())
    assert {one.shared for one in explain(asked(), item).influences} == {()}
    write_artifact_at(tmp_path, resemblance={"fields": {"genres": 0.8, "decade": 0.0}})
    serve_from(tmp_path, monkeypatch)
    row = IDS.index(item)
    found = explain(asked(), item)
    for one in found.influences:
        other = IDS.index(one.id)
        alike = {row % 4, (row // 4) % 4} & {other % 4, (other // 4) % 4}
        assert one.shared == (("genres",) if alike else ())
    told = [one for one in found.influences if one.id in found.cited]
    for one in told:
        alike = ", same genres" if one.shared else ""
        assert f"{one.title}, rated {one.rating:g} (+{one.own:.2f}{alike})" in found.statement


def test_numbers_beside_those_of_test_users():
    """Medians are 0, middle half −0.5 to 0.5, middle 90 % −1 to 1; the released structure keeps
    shifts at 0 and 1 and clamp and shift at 2, of which only position 0 has numbers here."""
    found = modulation(asked())
    assert [(one.position, one.operation) for one in found.cells] == [(0, "plus")]
    phi = ((RATINGS - BIAS[PLACES])[:, None] * TASTE[PLACES]).mean(0)
    assert found.cells[0].num == WIDTH
    assert found.cells[0].outside == pytest.approx(np.mean(np.abs(phi) > 1))
    assert [one.feature for one in found.deviations] == (1 + np.argsort(-np.abs(phi))).tolist()
    for one in found.deviations:
        assert one.value == pytest.approx(phi[one.feature - 1], abs=1e-5)
        assert (one.low, one.median, one.high) == (-1, 0, 1)
        assert one.size == pytest.approx(abs(one.value))
    assert (0, "plus") in RELEASED.kept


def test_models_that_do_not_say_what_is_usual(root, tmp_path, monkeypatch):
    write_artifact_at(tmp_path, population={})
    serve_from(tmp_path, monkeypatch)
    found = rec_evidence.modulation(asked())
    assert found.cells == ()
    assert "do not say what is usual" in found.statement
    write_artifact_at(tmp_path, structure=NONE.to_json())
    (tmp_path / NAME / "card.json").touch()
    found = rec_evidence.modulation(asked())
    assert (found.cells, found.deviations) == ((), ())
    assert "keeps no operation" in found.statement
    serve_from(root, monkeypatch)
