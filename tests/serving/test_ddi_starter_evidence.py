"""On labels made by rules the evidence must hold the protein that the rule is about."""

import numpy as np
import pytest

from core.data.starter_network import load_starter
from core.serving import ddi_evidence
from core.serving.drug_interaction import Query, answer


@pytest.fixture(scope="module")
def found():
    """Rule labels about a protein, of one new drug: rank of the protein, minimal set, verdict."""
    starter = load_starter()
    network, split = starter.network, starter.split()
    labels = [
        tuple(label)
        for label in split.parts["test S1"].tolist()
        if tuple(label) not in starter.documented
        and any(network.kinds[row] == "Gene" for row in starter.rule_reason(*label))
    ]
    results = []
    for head, kind, tail in labels:
        query = Query("starter", network.entities[head], network.entities[tail])
        rows = answer(query).rows
        wanted = network.types[kind].id, network.entities[head]
        row = next(one for one in rows if (one.type_id, one.head_id) == wanted)
        explanation = ddi_evidence.explain(query, row)
        facts = explanation.items
        minimal = ddi_evidence.minimise(query, row, facts)
        check = ddi_evidence.check(query, row, facts)
        reasons = set(starter.rule_reason(head, kind, tail))
        in_minimal = any(reasons & {fact[0], fact[2]} for fact in minimal.items)
        ranked = [network.rows.get(node.id) for node in explanation.nodes]
        results.append((row is rows[0], in_minimal, bool(reasons & set(ranked[:3])), check.verdict))
    return results


def test_the_shared_protein_is_in_the_minimal_evidence(found):
    assert len(found) >= 100
    assert np.mean([in_minimal for _, in_minimal, *_ in found]) >= 0.9


def test_the_shared_protein_is_among_the_first_by_occlusion(found):
    assert np.mean([first for *_, first, _ in found]) >= 0.9


def test_evidence_of_right_answers_is_mostly_supported(found):
    right = [verdict for is_first, *_, verdict in found if is_first]
    assert len(right) >= 100
    assert right.count("SUPPORTED") >= 0.8 * len(right)
