"""Relations between two entities, asked one by one."""

import pytest

from core.errors import InputError
from core.serving.kg_question import Edit, Query, reasoner
from core.serving.kg_reasoning import answer
from core.serving.kg_relations import rank_relations


@pytest.fixture(scope="module")
def ranked():
    return rank_relations(
        Query("royals", "george-i-of-great-britain", ""), "george-ii-of-great-britain"
    )


def test_every_relation_of_the_graph_is_ranked_by_probability(ranked):
    scores = [row.score for row in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len({row.relation for row in ranked}) == len(ranked)
    assert all(0 <= score <= 1 for score in scores)


def test_a_score_is_that_of_the_question_about_this_relation(ranked):
    new = next(row for row in ranked if not row.known)
    query = Query("royals", "george-i-of-great-britain", new.relation, top_k=100)
    [row] = [row for row in answer(query).rows if row.entity == "george-ii-of-great-britain"]
    assert (row.score, row.rank) == pytest.approx((new.score, new.rank))


def test_a_stated_fact_is_scored_without_itself(ranked):
    graph = reasoner(Query("royals", "", "")).graph
    [known] = [row for row in ranked if row.known]
    fact = tuple(
        index[name]
        for index, name in (
            (graph.entity_index, "george-i-of-great-britain"),
            (graph.relation_index, known.relation),
            (graph.entity_index, "george-ii-of-great-britain"),
        )
    )
    assert fact in graph.fact_index
    edit = Edit("remove", "george-i-of-great-britain", known.relation, "george-ii-of-great-britain")
    query = Query("royals", "george-i-of-great-britain", known.relation, top_k=100, edits=(edit,))
    [row] = [row for row in answer(query).rows if row.entity == "george-ii-of-great-britain"]
    assert row.score == pytest.approx(known.score, abs=1e-5)


def test_one_entity_twice_is_refused():
    with pytest.raises(InputError) as caught:
        rank_relations(
            Query("royals", "george-ii-of-great-britain", ""), "george-ii-of-great-britain"
        )
    assert caught.value.code == "KG-E10"
