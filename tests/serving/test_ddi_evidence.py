from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from core.data.interactions import Role
from core.data.starter_network import load_starter
from core.errors import InputError
from core.evidence.evidence import Overlay
from core.evidence.faithfulness import NOT_SUPPORTED, SUPPORTED
from core.knowledge.interactions import EdgeNote
from core.knowledge.similar_drugs import SimilarInteraction
from core.serving import ddi_evidence as evidence
from core.serving import ddi_explanation as inner
from core.serving import drug_interaction as ddi
from core.serving.ddi_asked import Newcomer, type_words
from core.serving.ddi_networks import context
from core.settings import settings
from tests.serving import toy_drugs as toy

INHIBITOR, SUBSTRATE, ENZYME = 0, 13, 44
FACTS = frozenset({(0, 3, 44), (13, 4, 44)})  # relation rows follow the three types
needs_starter = pytest.mark.skipif(
    not (settings().trained / "emergnn-starter-s1" / "card.json").is_file(),
    reason="the artifact emergnn-starter-s1 is not in the folder of trained models",
)


@pytest.fixture(scope="module")
def asked():
    assert toy.reason(INHIBITOR, SUBSTRATE, 0) == {ENZYME}
    return toy.ask(INHIBITOR, SUBSTRATE, 0)


@pytest.fixture(scope="module")
def found(asked):
    return inner.explain_pair(asked)


def test_occlusion_finds_the_enzyme_of_the_rule(found):
    first = found.nodes[0]
    assert (first.row, first.name, first.kind) == (ENZYME, "enzyme 44", "Gene")
    others = (*found.nodes[1:], *found.drugs)
    assert first.fall > 5 * max(abs(node.fall) for node in others)
    assert first.without < 0.01 < 0.9 < first.only
    assert found.items == FACTS
    assert [item.place for item in found.facts] in (["head", "tail"], ["tail", "head"])
    assert all(item.deletion > 0.9 for item in found.facts)
    assert {item.ids for item in found.facts} == {
        ("drug-0", "inhibits", "enzyme-44"), ("drug-13", "metabolised", "enzyme-44"),
    }  # fmt: skip


def test_the_path_is_told_in_words_with_its_direction(found):
    [path] = found.paths
    assert path.sentence == "drug 0 inhibits enzyme 44; drug 13 is metabolised by enzyme 44"
    assert path.kind == "—inhibits→ ←is metabolised by—"
    assert [step.inverse for step in path.steps] == [False, True]
    assert [(step.source, step.target) for step in path.steps] == [(0, 44), (44, 13)]
    assert path.only > 0.9 > 0.1 > path.without
    assert path.facts == ((0, 3, 44), (13, 4, 44))


def test_kinds_of_paths_are_cut_together(asked, found):
    assert found.kinds[0].text == "—inhibits→ ←is metabolised by—"
    assert found.kinds[0].fall == max(kind.fall for kind in found.kinds)
    assert sum(kind.num_paths for kind in found.kinds) <= found.num_paths == len(asked.simple)
    twins = next(kind for kind in found.kinds if kind.text == "—binds→ ←binds—")
    shared = set(toy.BYSTANDERS) & {one.row for one in found.shared}
    assert twins.num_paths == len(shared)


@pytest.mark.parametrize("kind", [0, 1])
def test_evidence_of_rules_is_the_shared_entity_and_is_supported(kind):
    verdicts, first, least = Counter(), 0, 0
    pairs = toy.pairs(kind)[:20]
    for head, tail in pairs:
        asked = toy.ask(head, tail, kind)
        found = inner.explain_pair(asked)
        reasons = toy.reason(head, tail, kind)
        first += found.nodes[0].row in reasons
        minimal = inner.minimise_pair(asked, [item.fact for item in found.facts])
        least += bool({one for h, _, t in minimal.items for one in (h, t)} & reasons)
        verdicts[inner.check_pair(asked, found.items).verdict] += 1
        others = [fact for fact in asked.facts if not {fact[0], fact[2]} & reasons]
        decoy = frozenset(others[: len(found.facts)])
        assert inner.check_pair(asked, decoy).verdict == NOT_SUPPORTED
    assert first >= 0.95 * len(pairs)
    assert least >= 0.95 * len(pairs)
    assert verdicts[SUPPORTED] >= 0.8 * len(pairs)


def test_what_no_rule_yields_is_not_supported():
    other = toy.ask(INHIBITOR, SUBSTRATE, 1)
    found = inner.explain_pair(other)
    check = inner.check_pair(other, found.items)
    assert found.score < 0.05
    assert check.verdict == NOT_SUPPORTED
    assert inner.verdict_text(found, check) == check.sentence


def test_the_verdict_names_the_interaction_and_the_numbers(asked, found):
    check = inner.check_pair(asked, found.items)
    assert check.verdict == SUPPORTED
    text = inner.verdict_text(found, check)
    assert text.startswith(
        "Without these 2 facts the network's probability that \"drug 0 can slow the metabolism of "
        'drug 13" falls from '
    )
    assert "Random facts of the same kind" in text


def test_look_alikes_have_the_same_relation_and_place_where_there_are_such():
    asked = toy.ask(2, 4, 1)
    binds = frozenset(fact for fact in asked.facts if fact[1] == 6 and asked.place(fact) == "head")
    one = frozenset(sorted(binds)[:1])
    check = inner.check_pair(asked, one)
    assert check.control.k == len(binds) - 1 > 0
    assert check.control.matched_share == 1
    again = inner.check_pair(asked, one)
    assert again == check


def test_attention_names_the_number_of_paths_it_cannot_tell_apart(asked):
    found = inner.explain_pair(asked, ranking="attention", size=12)
    assert 0 < len(found.facts) <= 12
    attentions = [path.attention for path in found.paths]
    assert attentions == sorted(attentions, reverse=True)
    for path in found.paths:
        members = [
            row
            for row in range(len(asked.simple))
            if asked.simple.relations[row].tolist()[: len(path.steps)]
            == [s.fact[1] + 7 * s.inverse for s in path.steps]
            and len(asked.simple.facts_of(row)) == len(path.steps)
        ]
        assert path.parallel == len(members)
        for row in members:
            assert asked.path_attention[row].max() == pytest.approx(path.attention)
    weights = [item.attention for item in found.facts]
    assert weights == sorted(weights, reverse=True)


def test_scores_of_overlays_are_those_of_the_facts_left(asked):
    facts = list(asked.facts)
    half = frozenset(facts[::2])
    overlays = [
        Overlay(keep=half),
        Overlay(remove=frozenset(facts) - half),
        Overlay(keep=half | FACTS, remove=FACTS - half),
        Overlay(keep=frozenset()),
        Overlay(remove=frozenset({(9, 9, 9)})),
        Overlay(),
    ]
    found = asked.logits(overlays)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[4], found[5], rtol=1e-5)
    nothing = np.zeros((1, len(facts)), dtype=bool)
    expected = asked.model.overlaid(asked.head_bits, asked.tail_bits, asked.paths, nothing)
    np.testing.assert_allclose(found[[3]], expected, atol=1e-5)
    share = np.exp(found[3]) / np.exp(found[3]).sum()
    empty, everything = asked([Overlay(keep=frozenset()), Overlay()])
    assert empty.score == pytest.approx(share[0], rel=1e-4)
    assert everything.rank == 1
    assert asked.log_odds(found[[5]])[0] == pytest.approx(
        found[5, 0] - np.logaddexp(found[5, 1], found[5, 2]), rel=1e-4
    )


def test_leaving_facts_out_is_asking_without_them_however_it_is_computed(asked):
    more = toy.graph().extended(np.array([(0, 6, 44), (13, 6, 44), (13, 3, 50), (0, 6, 13)]))
    twice = replace(asked, graph=more)  # two relations to one protein; linked to each other
    rng = np.random.default_rng(0)
    facts = np.empty(len(twice.facts), dtype=object)
    facts[:] = twice.facts
    sets = [frozenset({fact}) for fact in twice.facts]
    sets += [frozenset(rng.choice(facts, size, replace=False)) for size in (2, 3, 5, 9) * 5]
    active = np.array([[fact not in gone for fact in twice.facts] for gone in sets])
    found = twice.logits([Overlay(remove=gone) for gone in sets])
    expected = twice.model.overlaid(twice.head_bits, twice.tail_bits, twice.paths, active)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert {(0, 3, 44), (0, 6, 44)} <= set(twice.facts)  # leaving one out changes a signature


def test_hidden_facts_and_the_interaction_asked_about_are_no_items():
    known = toy.graph()
    head, tail = 2, 4
    asked = toy.ask(head, tail, 2)
    number = known.num_facts
    more = replace(asked, graph=known.extended(np.array([(head, 0, tail), (head, 3, 44)])))
    assert (head, 0, tail) not in more.facts
    assert (head, 3, 44) not in asked.facts
    assert ((head, 3, 44) in more.facts) == (44 in more.paths.between_nodes)
    assert (head, 3, 44) not in replace(more, hidden=(number + 1,)).facts


def test_known_drugs_are_ranked_apart_from_what_both_drugs_share(asked, found):
    assert {node.kind for node in found.drugs} == {"Compound"}
    assert "Compound" not in {node.kind for node in found.nodes}
    falls = inner.node_falls(asked)
    for ranked in (found.nodes, found.drugs):
        assert [node.fall for node in ranked] == sorted(
            (falls[node.row] for node in ranked), reverse=True
        )
    assert len(found.nodes) + len(found.drugs) == len(falls)
    listed = dict(found.ranked)
    assert {node.kind for node in listed["Protein"]} == {"Gene"}
    assert sum(map(len, listed.values())) == len(falls)


def test_without_a_path_there_is_nothing_to_check_and_it_says_so():
    asked = toy.ask(38, 0, 2)
    found = inner.explain_pair(asked)
    assert (found.facts, found.nodes, found.drugs, found.paths) == ((),) * 4
    assert (found.kinds, found.shared) == ((),) * 2
    assert found.num_paths == 0
    assert found.score == found.empty
    assert found.notice.startswith("No path of at most 3 steps joins drug 38 and drug 0")
    check = inner.check_pair(asked, found.items)
    assert check.verdict == NOT_SUPPORTED
    assert inner.verdict_text(found, check).startswith("Not applicable. No path of at most 3")
    assert inner.minimise_pair(asked, []).items == ()


def test_shared_entities_hold_both_roles_and_their_sources(found):
    enzyme = found.shared[0]
    assert (enzyme.name, enzyme.fall) == ("enzyme 44", found.nodes[0].fall)
    [first], [second] = enzyme.first, enzyme.second
    assert (first.relation, first.note.text) == ("inhibits", "strong inhibitor")
    assert first.note.url == "https://example.org/1"
    assert (second.relation, second.note.source) == ("is metabolised by", "a toy")
    assert all(one.row >= toy.NUM_DRUGS for one in found.shared)


def test_the_role_table_adds_entities_that_the_network_does_not_link(asked):
    gene = 41
    source = ("inhibitor",), ("123",), "a data base", "CC0"
    roles = (Role(0, gene, "enzyme", *source), Role(13, gene, "target", *source))
    roles += (Role(13, 42, "target", *source), Role(5, 43, "target", *source))
    rows = {one.row: one for one in inner.shared_entities(replace(asked, roles=roles), {})}
    assert gene in rows
    assert not rows.keys() & {42, 43}
    assert rows[gene].fall is None
    assert rows[gene].first[0].relation == ""
    assert rows[gene].first[0].note.text == "inhibitor (enzyme)"
    assert rows[gene].first[0].note.url == "https://pubmed.ncbi.nlm.nih.gov/123"


def test_similar_drugs_are_an_argument_in_words(asked):
    votes = [SimilarInteraction(0, 16, 0.3), SimilarInteraction(6, 16, 0.1)]
    more = replace(asked, similar=lambda limit: votes[:limit], num_votes=0.5, drug_bits=toy.bits())
    one, other = inner.similar_pairs(more)
    assert (one.head_similarity, one.share, one.tail_smiles) == (1.0, 0.6, "CCO")
    bits = toy.bits()[[13, 16]].astype(bool)
    alike = (bits[0] & bits[1]).sum() / (bits[0] | bits[1]).sum()
    assert one.tail_similarity == pytest.approx(alike)
    assert one.sentence == (
        f"drug 13 resembles drug 16 ({alike:.2f}); it is known: drug 0 can slow the metabolism of "
        "drug 16."
    )
    assert other.sentence.startswith("drug 0 resembles drug 6 (")
    assert "and drug 13 resembles drug 16" in other.sentence
    assert inner.similar_pairs(more, limit=1) == (one,)


def test_a_newcomer_has_a_name_and_its_facts_an_origin(asked):
    row = toy.network().num_entities
    fact = (row, 3, ENZYME)
    graph = toy.graph().extended(np.array([fact]), row + 1)
    note = EdgeNote("", evidence.ADDED)
    new = replace(
        asked, graph=graph, head=row, newcomers=(Newcomer("new:1", "XY-1"),), origins={fact: note}
    )
    found = inner.explain_pair(new)
    assert fact in found.items
    assert found.nodes[0].row == ENZYME
    assert new.fact_text(fact) == "XY-1 inhibits enzyme 44"
    assert new.fact_ids(fact) == ("new:1", "inhibits", "enzyme-44")
    assert (new.kind(row), new.notes(fact)) == ("Compound", (note,))
    assert new.sentence == "XY-1 can slow the metabolism of drug 13."


def test_every_kind_of_node_is_measured_when_not_all_can_be(asked, monkeypatch):
    everything = inner.node_falls(asked)
    assert len(everything) == len(asked.paths.between_nodes)
    monkeypatch.setattr(inner, "MAX_NODES", 6)
    few = inner.node_falls(asked)
    assert len(few) == 6
    kinds = {asked.kind(int(node)) for node in asked.paths.between_nodes}
    assert {asked.kind(node) for node in few} == kinds
    assert all(few[node] == pytest.approx(everything[node], rel=1e-4, abs=1e-3) for node in few)
    monkeypatch.setattr(inner, "MAX_ROWS", 0)
    monkeypatch.setattr(inner, "MIN_NODES", 3)
    assert len(inner.node_falls(asked)) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The metabolism of #Drug2 can be decreased when combined with #Drug1.",
         "metabolism decreased"),
        ("#Drug1 may increase the anticoagulant activities of #Drug2.",
         "anticoagulant activities increased"),
        ("#Drug1 and #Drug2 together raise the risk of bleeding.",
         "together raise the risk of bleeding"),
        ("#Drug1 can slow the excretion of #Drug2.", "can slow the excretion of"),
    ],
)  # fmt: skip
def test_types_in_a_few_words(text, words):
    assert type_words(replace(toy.TYPES[0], text=text)) == words


def row_of(answer, kind, head, tail):
    return next(
        row
        for row in answer.rows
        if row.type_id == kind
        and ((row.head_id, row.tail_id) == (head, tail) or (row.symmetric and row.head_id == tail))
    )


KETOCONAZOLE = ("ketoconazole", "simvastatin", "metabolism-decreased", "CYP3A4")
FLUOXETINE = ("fluoxetine", "metoprolol", "metabolism-decreased", "CYP2D6")


@needs_starter
@pytest.mark.parametrize(("first", "second", "kind", "gene"), [KETOCONAZOLE, FLUOXETINE])
def test_the_right_enzyme_stands_first_in_the_starter_network(first, second, kind, gene):
    query = ddi.Query("starter", first, second)
    answer = ddi.answer(query)
    row = row_of(answer, kind, first, second)
    found = evidence.explain(query, row)
    assert found.score == pytest.approx(row.path_probability, rel=1e-3)
    assert found.nodes[0].id == gene
    assert found.shared[0].id == gene
    assert found.shared[0].first[0].note.source.startswith("FDA")
    assert any(gene in (head, tail) for head, _, tail in (item.ids for item in found.facts))
    assert evidence.only_through(query, row, gene) == pytest.approx(found.nodes[0].only)
    check = evidence.check(query, row, found.items)
    assert check.score_all == pytest.approx(found.score)
    minimal = evidence.minimise(query, row, [item.fact for item in found.facts])
    assert set(minimal.items) <= found.items
    with pytest.raises(InputError) as error:
        evidence.only_through(query, row, "Atlantis")
    assert error.value.code == "DD-E04"


@needs_starter
def test_the_shared_entity_of_rules_is_in_the_minimal_evidence_of_new_drugs():
    starter, split = load_starter(), context("starter").split
    network, hits, total = starter.network, 0, 0
    for head, kind, tail in split.parts["test S1"][::6].tolist():
        reasons = starter.rule_reason(head, kind, tail)
        if not reasons:
            continue
        ends = network.entities[head], network.entities[tail]
        query = ddi.Query("starter", *ends)
        row = row_of(ddi.answer(query), network.types[kind].id, *ends)
        facts = [item.fact for item in evidence.explain(query, row).facts]
        minimal = evidence.minimise(query, row, facts)
        hits += bool({one for h, _, t in minimal.items for one in (h, t)} & set(reasons))
        total += 1
    assert total >= 15
    assert hits >= 0.9 * total


@needs_starter
def test_what_if_a_fact_were_not_true():
    before = ddi.Query("starter", "quinidine", "nebivolol")
    row = row_of(ddi.answer(before), "metabolism-decreased", "quinidine", "nebivolol")
    facts = evidence.explain(before, row).facts
    gone = next(item.ids for item in facts if "CYP2D6" in item.ids and item.place == "head")
    after = replace(before, removed=(gone,))
    changes = evidence.compare(before, after)
    differences = [abs(change.difference) for change in changes]
    assert differences == sorted(differences, reverse=True)
    change = next(
        one for one in changes if (one.type_id, one.head_id) == (row.type_id, row.head_id)
    )
    assert change.before == pytest.approx(row.probability)
    assert change.after < change.before / 2
    assert sum(one.before or 0 for one in changes) == pytest.approx(1, abs=1e-3)
    assert all(one.difference == 0 for one in evidence.compare(before, before))
    answered = ddi.answer(after)
    left = row_of(answered, "metabolism-decreased", "quinidine", "nebivolol")
    assert gone not in {item.ids for item in evidence.explain(after, left).facts}


@needs_starter
def test_paths_over_computed_resemblance_alone_are_told_apart():
    like_fluoxetine = ddi.NewDrug("XY-3", "CCNCCC(c1ccccc1)Oc1ccc(cc1)C(F)(F)F")
    query = ddi.Query("starter", like_fluoxetine, "metoprolol")
    row = ddi.answer(query).rows[0]
    found = evidence.explain(query, row)
    assert found.num_paths > 0
    assert found.notice == evidence.ONLY_STRUCTURES
    told = replace(query, first=replace(like_fluoxetine, facts=(("inhibitor-strong", "CYP2D6"),)))
    assert evidence.explain(told, ddi.answer(told).rows[0]).notice == ""
