"""Data sets of facts: what link prediction is trained and tested on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core import catalog
from core.data import kg
from core.data.registry import find as find_data_set
from core.data.toy import planted_graph
from core.errors import InputError
from core.export.bilinear import export_bilinear, parity_bilinear
from core.export.relational import export_relational, parity_relational
from core.function.bilinear import BilinearModels
from core.function.relational import GraphTensors
from core.knowledge.graph import KnowledgeGraph
from core.serving.artifact import Artifact, DataState
from core.serving.bilinear import BilinearModel
from core.serving.graphs import find_graph
from core.serving.relational import RelationalModel
from core.serving.session import Session
from core.training.data import Exported, Results
from core.training.evaluate import (
    KnownAnswers,
    LinkTask,
    ScoreAll,
    rank_triples,
    score_all,
    score_bilinear,
)
from core.training.fitted import Fitted

PROTOCOL = (
    "filtered, realistic ties, both directions, against all entities of the graph; "
    "epoch chosen by validation MRR"
)
METRICS = ("mrr", "hits_at_1", "hits_at_3", "hits_at_10", "reach")


@dataclass(frozen=True, eq=False)
class TestSet:
    """Questions reported at the end.

    Attributes:
        name: split, as written into the card.
        graph: message graph.
        triples: (n, 3) test triples.
        known: (K, 3) true triples to leave out.
    """

    name: str
    graph: KnowledgeGraph
    triples: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, eq=False)
class LinkData:
    """A data set ready for training and testing.

    Attributes:
        task: what a method is fitted on.
        tests: what is reported.
        vocabulary: graph whose relations name the rows of the relation tables.
        state: data set, checksum and licence for the card.
        protocol: in words, for every metric.
        papers: published test MRR by data set.
        papers_source: where these stand.
    """

    task: LinkTask
    tests: tuple[TestSet, ...]
    vocabulary: KnowledgeGraph
    state: DataState
    protocol: str = PROTOCOL
    papers: Mapping[str, float] = field(default_factory=lambda: catalog.RED_GNN_PAPER)
    papers_source: str = "Figures of the authors' 2022 code release."

    def test(self, fitted: Fitted, device: str) -> Results:
        """Ranking metrics of every test set."""
        results = {}
        for test in self.tests:
            if isinstance(fitted.network, BilinearModels):
                score = score_bilinear(fitted.network.to(device))
            else:
                score = score_all(fitted.network, GraphTensors(test.graph.adjacency, device))
            results[test.name] = _rank(score, test)
        return results

    def published(self, split: str, metric: str) -> tuple[float, str] | None:
        """The paper's MRR on the test part."""
        if (split, metric) != ("test", "mrr") or self.state.name not in self.papers:
            return None
        return self.papers[self.state.name], self.papers_source

    def export(self, fitted: Fitted) -> Exported:
        """The network's step and the vocabulary it knows."""
        knowledge = fitted.knowledge | {
            "relations": list(self.vocabulary.relations),
            "relation_names": list(self.vocabulary.relation_names),
        }
        if isinstance(fitted.network, BilinearModels):
            model = export_bilinear(fitted.network)
            parity = parity_bilinear(fitted.network, Session(model, "cpu"))
            knowledge |= {
                "entities": list(self.vocabulary.entities),
                "entity_names": list(self.vocabulary.entity_names),
            }
        else:
            model = export_relational(fitted.network)
            parity = parity_relational(fitted.network, Session(model, "cpu"))
        return Exported(model, knowledge, parity)

    def served(self, artifact: Artifact) -> Results:
        """The reported metrics again, through the code and the runtime that serve answers.

        Raises:
            InputError: the model was trained on another vocabulary.
        """
        knowledge = artifact.knowledge
        own = self.vocabulary
        known = list(own.entities) == knowledge.get("entities", list(own.entities))
        if list(own.relations) != knowledge["relations"] or not known:
            raise InputError(
                "KG-E07",
                "This model was trained on another vocabulary",
                f"{artifact.name} does not have the relations of {self.state.name} in the same "
                "order" + ("." if known else ", or not its entities."),
                "Evaluate it on the data set it was trained on.",
            )
        scorer = _bilinear_scorer if artifact.card.method == "autoblm" else _relational_scorer
        return {test.name: _rank(scorer(artifact, test), test) for test in self.tests}


def _relational_scorer(artifact: Artifact, test: TestSet) -> ScoreAll:
    adjacency, model = test.graph.adjacency, RelationalModel.of(artifact)

    def score(heads: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        result = model.run(adjacency, heads, relations)
        return result.logits, result.reached

    return score


def _bilinear_scorer(artifact: Artifact, _test: TestSet) -> ScoreAll:
    model = BilinearModel(artifact.session, artifact.knowledge)

    def score(heads: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = model.scores(heads, relations)
        return scores, np.ones(scores.shape, dtype=bool)

    return score


def load_fixed_link_data(name: str) -> LinkData:
    """As `load_link_data`, for functions with a vector per entity, and their published figures."""
    return replace(
        load_link_data(name),
        papers=catalog.AUTO_BLM_PAPER,
        papers_source="Table 2 of the parsimony paper.",
    )


def load_link_data(name: str) -> LinkData:
    """A benchmark, an embedded graph, or a user's graph (``upload:<id>``).

    Raises:
        InputError: no such data set; or a graph too small to divide.
        DataError: its files cannot be had.
    """
    if name in kg.INDUCTIVE_SPLITS:
        return _inductive(name)
    if name == "planted":
        planted = planted_graph()
        split, state = (
            planted.split,
            _own_state(
                planted.split.train,
                "Planted-rule graph",
                "generated by this program",
                "60/20/20 of the target facts; all other facts are background, never asked",
            ),
        )
    elif name.startswith("upload:") or name == "royals":
        graph = find_graph(name.removeprefix("upload:")).load()
        split = kg.split_triples(graph, seed=0)
        licence = graph.source.licence if name == "royals" else "a user's own file"
        state = _own_state(graph, graph.source.title, licence, "80/10/10, random")
    else:
        split = kg.load_split(name)
        state = _state(name, split.train, "published")
    background = split.facts if name == "planted" else None
    asked = split.train.triples if background is None else split.train.triples[len(background) :]
    task = LinkTask(
        split.train.num_entities,
        split.train.num_relations,
        asked,
        split.valid,
        split.known,
        background=background,
    )
    return LinkData(
        task, (TestSet("test", split.train, split.test, split.known),), split.train, state
    )


def _inductive(name: str) -> LinkData:
    split = kg.load_inductive(name)
    side, other = split.train, split.inference
    task = LinkTask(
        side.train.num_entities,
        side.train.num_relations,
        side.train.triples,
        side.test,
        side.known,
        questions=side.valid,
    )
    both = np.concatenate([other.valid, other.test])
    tests = tuple(
        TestSet(label, other.train, triples, other.known)
        for label, triples in (("test", both), ("test only", other.test))
    )
    state = _state(
        name,
        side.train,
        "inductive: trained on the vK graph with the questions of vK/valid, epoch chosen on "
        "vK/test; test = vK_ind/valid and vK_ind/test on the vK_ind graph, unseen entities",
    )
    return LinkData(task, tests, side.train, state)


def _state(name: str, graph: KnowledgeGraph, split: str) -> DataState:
    data_set = find_data_set(name)
    return DataState(name, data_set.title, graph.digest, data_set.licence, graph.source.url, split)


def _own_state(graph: KnowledgeGraph, title: str, licence: str, split: str) -> DataState:
    return DataState(graph.name, title, graph.digest, licence, graph.source.url, split)


def _rank(score: ScoreAll, test: TestSet) -> dict[str, float]:
    known = KnownAnswers(test.known, test.graph.num_entities, test.graph.num_relations)
    result = rank_triples(score, test.triples, known, test.graph.num_relations, batch_size=20)
    summary = result.summary()
    return {name: summary[name] for name in METRICS}
