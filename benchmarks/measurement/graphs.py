"""The graphs of the measurements: a data set where it is here, else a generated one of its shape.

Shape: entities, relations, facts, and how unequally facts fall on entities and relations, which is
what the size of a relational digraph depends on.
"""

from dataclasses import dataclass

import numpy as np
import torch

from core.configs import RED_GNN
from core.data import kg, registry
from core.errors import DataError
from core.function.relational import RelationalGNN
from core.knowledge.graph import KnowledgeGraph
from core.settings import settings


@dataclass(frozen=True)
class Shape:
    """Sizes of a data set.

    Attributes:
        entities: N.
        relations: R.
        facts: F of the message graph.
        skew: facts of the k-th most frequent entity fall as (k + 10) to the power of -skew.
    """

    entities: int
    relations: int
    facts: int
    skew: float


SHAPES = {
    "family": Shape(3_007, 12, 23_483, 0.4),
    "umls": Shape(135, 46, 5_216, 0.6),
    "WN18RR": Shape(40_943, 11, 86_835, 0.4),
    "FB15k-237": Shape(14_541, 237, 272_115, 0.7),
}
QUICK = Shape(60, 5, 240, 0.5)


@dataclass(frozen=True, eq=False)
class Case:
    """A graph with questions.

    Attributes:
        name: data set whose shape it has.
        origin: ``data set`` or ``generated``.
        graph: message graph.
        heads: (n,) entities asked about.
        relations: (n,) relations asked, 0..2R-1.
        answers: (n,) true answers.
    """

    name: str
    origin: str
    graph: KnowledgeGraph
    heads: np.ndarray
    relations: np.ndarray
    answers: np.ndarray


def find_case(name: str, num: int, *, quick: bool, generated: bool, seed: int = 0) -> Case:
    """A graph and `num` random test questions in both directions.

    Args:
        name: one of `SHAPES`.
        num: questions.
        quick: a small generated graph.
        generated: a generated graph even when the data set is here.
        seed: of the sample and of the generated graph.
    """
    rng = np.random.default_rng(seed)
    split = None if quick or generated else _data_set(name)
    if split is None:
        graph = generate(name, QUICK if quick else SHAPES[name], rng)
        origin, asked = "generated", graph.triples
    else:
        graph, origin, asked = split.train, "data set", split.test
    head, relation, tail = asked[rng.integers(0, len(asked), num)].T
    inverse = np.arange(num) % 2 == 1
    return Case(
        name,
        origin,
        graph,
        np.where(inverse, tail, head),
        np.where(inverse, relation + graph.num_relations, relation),
        np.where(inverse, head, tail),
    )


def generate(name: str, shape: Shape, rng: np.random.Generator) -> KnowledgeGraph:
    """Distinct random facts whose entities and relations are as unequally frequent as asked."""
    weight = (np.arange(shape.entities) + 10.0) ** -shape.skew
    often = 1 / (np.arange(shape.relations) + 1.0)
    drawn = np.zeros((0, 3), dtype=np.int64)
    while len(drawn) < shape.facts:
        ends = rng.choice(shape.entities, (2, shape.facts), p=weight / weight.sum())
        kind = rng.choice(shape.relations, shape.facts, p=often / often.sum())
        facts = np.stack([ends[0], kind, ends[1]], 1)
        drawn = np.unique(np.concatenate([drawn, facts[ends[0] != ends[1]]]), axis=0)
    triples = rng.permutation(drawn)[: shape.facts]
    return KnowledgeGraph(
        f"{name}-shaped",
        tuple(f"e{i}" for i in range(shape.entities)),
        tuple(f"r{i}" for i in range(shape.relations)),
        triples,
    )


def random_network(case: Case, *, quick: bool) -> RelationalGNN:
    """RED-GNN of the published sizes with random weights; time does not depend on the weights."""
    config = RED_GNN[case.name]
    torch.manual_seed(0)
    return RelationalGNN(
        case.graph.num_relations,
        num_layers=2 if quick else config.num_layers,
        hidden_dim=8 if quick else config.hidden_dim,
        attention_dim=config.attention_dim,
        activation=config.activation,
    ).eval()


def _data_set(name: str) -> kg.KgSplit | None:
    """The data set where it can be read without a network, else None."""
    files = registry.find(name).files
    packaged = all(file.package for file in files)
    here = packaged or settings().mirror or all(s.state == "ok" for s in registry.verify(name))
    if not here:
        return None
    try:
        return kg.load_split(name)
    except DataError:
        return None
