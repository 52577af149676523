"""A small drug network whose interactions follow rules, and a network trained on it in seconds.

An inhibitor of an enzyme slows the metabolism of its substrates (type 0); drugs with a common
effect deepen it (type 1); everything else is of type 2. Enzymes differ by nothing but their edges,
and every drug binds a few proteins that mean nothing.
"""

from functools import cache

import numpy as np
import torch
from torch.nn import functional

from core.export.flow import export_flow
from core.function.flow import FINGERPRINT_BITS, FlowGNN, FlowTensors
from core.knowledge.flow import FlowGraph, PairIndex, collapse
from core.knowledge.graph import Source
from core.knowledge.interactions import DrugNetwork, EdgeNote, InteractionType, Relation
from core.serving.ddi_asked import Asked
from core.serving.flow import FlowModel
from core.serving.session import Session

NUM_DRUGS = 40
ENZYMES = range(40, 46)
EFFECTS = range(46, 50)
BYSTANDERS = range(50, 56)
INHIBITS, METABOLISED, CAUSES, BINDS = range(4)
TYPES = (
    InteractionType("slowed", "#Drug1 can slow the metabolism of #Drug2.", "PK metabolism"),
    InteractionType("deepened", "#Drug1 and #Drug2 deepen an effect.", "PD", "up", True),
    InteractionType("other", "#Drug1 and #Drug2 do something else.", "", "", True),
)
RELATIONS = (
    Relation("inhibits", "inhibits"),
    Relation("metabolised", "is metabolised by"),
    Relation("causes", "causes"),
    Relation("binds", "binds"),
)


@cache
def network() -> DrugNetwork:
    """Drug 38 has no edge at all."""
    rng = np.random.default_rng(3)
    edges = set()
    for drug in range(NUM_DRUGS):
        if drug == 38:
            continue
        if drug % 3 == 0:
            edges.add((drug, INHIBITS, int(rng.choice(ENZYMES))))
        if drug % 3 == 1:
            edges.add((drug, METABOLISED, int(rng.choice(ENZYMES))))
        if drug % 2 == 0:
            edges.add((drug, CAUSES, int(rng.choice(EFFECTS))))
        for node in rng.choice(BYSTANDERS, 3, replace=False):
            edges.add((drug, BINDS, int(node)))
    edges = np.array(sorted(edges))
    names = [
        *(f"drug {n}" for n in range(NUM_DRUGS)),
        *(f"enzyme {n}" for n in ENZYMES),
        *(f"effect {n}" for n in EFFECTS),
        *(f"protein {n}" for n in BYSTANDERS),
    ]
    kinds = ["Compound"] * NUM_DRUGS + ["Gene"] * 6 + ["Side Effect"] * 4 + ["Gene"] * 6
    note = EdgeNote("strong inhibitor", "a handbook", "https://example.org/1", "2026-01-01", "CC0")
    return DrugNetwork(
        "toy",
        tuple(name.replace(" ", "-") for name in names),
        tuple(names),
        tuple(kinds),
        ("CCO",) * NUM_DRUGS,
        TYPES,
        RELATIONS,
        edges,
        Source("a toy", "none needed"),
        {(h, r, t): (note,) for h, r, t in edges.tolist() if r == INHIBITS},
    )


def reason(head: int, tail: int, kind: int) -> set[int]:
    """Entities through which the rule of a type holds."""
    near = {(h, r): set() for h, r, _ in network().edges.tolist()}
    for h, r, t in network().edges.tolist():
        near[h, r].add(t)
    one, other = (INHIBITS, METABOLISED) if kind == 0 else (CAUSES, CAUSES)
    return near.get((head, one), set()) & near.get((tail, other), set())


def label(head: int, tail: int) -> int:
    """Type of an ordered pair by the rules."""
    return next((kind for kind in (0, 1) if reason(head, tail, kind)), 2)


def pairs(kind: int) -> list[tuple[int, int]]:
    """Ordered pairs of a type."""
    return [
        (head, tail)
        for head in range(NUM_DRUGS)
        for tail in range(NUM_DRUGS)
        if head != tail and label(head, tail) == kind
    ]


@cache
def graph() -> FlowGraph:
    """The network, and interactions of type 2 between the first drugs."""
    facts = np.array([(head, 2, tail) for head, tail in pairs(2) if head < tail < 12])
    drugs = network()
    bare = FlowGraph.prepare(drugs.edges, drugs.num_entities, 3, 4, NUM_DRUGS)
    return bare.extended(facts)


@cache
def bits() -> np.ndarray:
    """(D, 1024); no two drugs alike."""
    return (np.random.default_rng(5).random((NUM_DRUGS, FINGERPRINT_BITS)) < 0.02).astype(np.uint8)


@cache
def model() -> FlowModel:
    """Trained on every pair of types 0 and 1 and a fifth of the others, without interactions."""
    torch.manual_seed(0)
    gnn = FlowGNN(3, graph().num_relations, hidden_dim=16)
    rows = np.array([(h, k, t) for k in range(3) for h, t in pairs(k)[:: 5 if k == 2 else 1]])
    kind = torch.from_numpy(rows[:, 1])
    bare = FlowGraph.prepare(network().edges, network().num_entities, 3, 4, NUM_DRUGS)
    flows = collapse(PairIndex(bare).subgraphs(rows[:, 0], rows[:, 2]))
    forth, back = (FlowTensors.of(flow) for flow in flows)
    features = torch.from_numpy(bits()).float()
    weight = 1 / torch.bincount(kind).float()
    optimizer = torch.optim.Adam(gnn.parameters(), lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        logits = gnn(features[rows[:, 0]], features[rows[:, 2]], forth, back)
        functional.cross_entropy(logits, kind, weight=weight).backward()
        optimizer.step()
    return FlowModel(Session(export_flow(gnn)))


def ask(head: int, tail: int, kind: int, **more: object) -> Asked:
    """One pair and type."""
    return Asked(network(), graph(), model(), head, tail, bits()[head], bits()[tail], kind, **more)
