"""Data sets of interactions: what interaction methods are trained and tested on."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from core.chemistry.structure import many_morgan_bits
from core.data import interactions, registry
from core.data.resemblance import with_resemblance
from core.data.starter_network import load_starter
from core.errors import InputError
from core.export.flow import export_flow, parity_flow
from core.function.flow import FlowTensors
from core.knowledge.calibration import PredictionSets, measure_calibration, softmax
from core.knowledge.flow import (
    FlowGraph,
    PairIndex,
    PathSubgraphs,
    asked_as_new,
    collapse,
    count_interactions,
)
from core.knowledge.interaction_scores import combine, order_probabilities
from core.knowledge.interactions import InteractionSplit, hold_out
from core.knowledge.similar_drugs import SimilarDrugVote, TypeHabit, tanimoto
from core.metrics import classification_summary
from core.serving.artifact import Artifact, DataState
from core.serving.ddi_networks import own_network
from core.serving.flow import FlowModel
from core.serving.session import Session
from core.training.data import Exported, Results
from core.training.fitted import Fitted
from core.training.interactions import SETTINGS, InteractionTask, Pairs

PROTOCOL = (
    "order of the two drugs given; network and interactions of the training part only; macro F1 "
    "over the types that occur; epoch, weights and temperature chosen on validation pairs"
)
BASELINE_EXPONENT = 6.0  # of the vote that is reported as a baseline; chosen on validation
BATCH = 256
MIN_PAIRS = 10  # held-out interactions below which an own network is not trained on
PUBLISHED = {  # EmerGNN on the authors' own folds, other drugs than here
    ("test S1", "f1"): 0.620, ("test S1", "accuracy"): 0.686, ("test S1", "kappa"): 0.624,
    ("test S2", "f1"): 0.250, ("test S2", "accuracy"): 0.463, ("test S2", "kappa"): 0.319,
}  # fmt: skip

Scores = Callable[[Pairs], np.ndarray]  # logits of the path network in both orders, (2, n, T)


@dataclass(frozen=True, eq=False)
class InteractionData:
    """A benchmark in one setting.

    Attributes:
        task: what a method is fitted on.
        split: interactions by part.
        state: data set, checksum and licence for the card.
        tests: parts that are reported, the task's setting first.
        protocol: in words.
    """

    task: InteractionTask
    split: InteractionSplit
    state: DataState
    tests: tuple[str, ...]
    protocol: str = PROTOCOL

    @cached_property
    def _index(self) -> PairIndex:
        return PairIndex(self.task.with_facts(self.task.train), max_walks=512)

    @cached_property
    def _joined(self) -> dict[str, np.ndarray]:
        """(n,) bool by test part: pairs that a path joins without computed resemblance."""
        index = self._plain_index()
        return {name: _joined(index, Pairs.of(self.split.parts[name])) for name in self.tests[:1]}

    def _plain_index(self) -> PairIndex:
        network = self.split.network
        graph = FlowGraph.prepare(
            network.edges,
            network.num_entities,
            self.task.graph.num_types,
            network.num_relations,
            network.num_drugs,
        )
        return PairIndex(graph.extended(self.task.train.facts), max_walks=512)

    @cached_property
    def history(self) -> np.ndarray:
        """(D,) training interactions of each drug."""
        return count_interactions(self.task.train.facts, len(self.task.bits))

    def _paths(self, pairs: Pairs) -> PathSubgraphs:
        new = asked_as_new(self.history, pairs.heads, pairs.tails)
        return self._index.subgraphs(pairs.heads, pairs.tails, *new)

    def test(self, fitted: Fitted, device: str) -> Results:
        """Macro F1, accuracy and kappa of the network, of EmerGNN+ and of the baselines."""
        model = fitted.network.to(device).eval()
        bits = torch.from_numpy(self.task.bits).float().to(device)

        def scores(pairs: Pairs) -> np.ndarray:
            rows = []
            for start in range(0, len(pairs), BATCH):
                part = pairs[start : start + BATCH]
                forth, back = (FlowTensors.of(one, device) for one in collapse(self._paths(part)))
                head, tail = bits[part.heads], bits[part.tails]
                with torch.inference_mode():
                    ways = model(head, tail, forth, back), model(tail, head, back, forth)
                rows.append(torch.stack(ways).cpu().numpy())
            return np.concatenate(rows, 1)

        return self._results(scores, fitted.knowledge)

    def served(self, artifact: Artifact) -> Results:
        """The same figures through ONNX Runtime and the code that serves answers."""
        model = FlowModel(artifact.session)

        def scores(pairs: Pairs) -> np.ndarray:
            return model.screen(self.task.bits, self._index, pairs.heads, pairs.tails, self.history)

        return self._results(scores, artifact.knowledge)

    def published(self, split: str, metric: str) -> tuple[float, str] | None:
        """EmerGNN's table 1 for DrugBank, where the data is DrugBank."""
        found = PUBLISHED.get((split, metric))
        if found is None or not self.state.name.startswith("drugbank-random"):
            return None
        return found, "Table 1, mean of five folds of other drugs than here."

    def export(self, fitted: Fitted) -> Exported:
        """The network and the vocabulary it was trained on."""
        model = export_flow(fitted.network)
        network = self.split.network
        knowledge = fitted.knowledge | {
            "network": network.name,
            "split": self.split.name,
            "types": [kind.id for kind in network.types],
            "relations": [relation.id for relation in self._extended.relations],
        }
        return Exported(model, knowledge, parity_flow(fitted.network, Session(model, "cpu")))

    @cached_property
    def _extended(self) -> Any:  # noqa: ANN401
        return with_resemblance(self.split.network)

    def _results(self, scores: Scores, knowledge: dict[str, Any]) -> Results:
        results: Results = {}
        plus = knowledge["plus"]
        vote, spoken = (make_vote(self.task, e) for e in (BASELINE_EXPONENT, plus["exponent"]))
        habit = TypeHabit.from_facts(vote.facts, vote.similarity, vote.known, self.task.num_outputs)
        for name in self.tests:
            pairs = Pairs.of(self.split.parts[name])
            if not len(pairs):
                continue
            ends = pairs.heads, pairs.tails
            both = scores(pairs)
            told = np.stack([spoken.scores(*way) for way in (ends, ends[::-1])])
            logits, combined = both[0], combine(plus, both[0], told[0])
            votes = vote.scores(pairs.heads, pairs.tails)
            votes[~votes.any(1), habit.majority] = 1  # nobody votes: the majority type
            candidates = {
                "": logits,
                "plus ": combined,
                "vote ": votes,
                "habit ": habit.product(pairs.heads, pairs.tails),
                "majority ": np.tile(habit.majority == np.arange(logits.shape[1]), (len(pairs), 1)),
            }
            parts: dict[str, np.ndarray | slice] = {"": slice(None)}
            if name in self._joined:
                joined = self._joined[name]
                parts |= {", path in the network": joined, ", no path": ~joined}
            for suffix, rows in parts.items():
                if len(pairs.types[rows]):
                    results[name + suffix] = _summaries(candidates, pairs, rows)
            probabilities = softmax(combined)
            sets = PredictionSets.from_json(knowledge["sets"])
            report = measure_calibration(probabilities, pairs.types, sets)
            results[name] |= self._order(plus["order"], both, told, pairs) | {
                "coverage": report.coverage,
                "set size": report.set_size,
                "calibration error": report.calibration_error,
                "pairs": float(len(pairs)),
            }
        return results

    def _order(
        self, weights: dict[str, float], logits: np.ndarray, votes: np.ndarray, pairs: Pairs
    ) -> dict[str, float]:
        """Share of the pairs of directed types whose order is found, and found by the vote alone.

        A tie counts half.
        """
        directed = self.task.directed
        rows = directed[pairs.types]
        if not rows.any():
            return {}
        logits, votes = logits[:, rows], votes[:, rows]
        every = {"": weights, "vote ": {"vote": 1.0, "path": 0.0}}
        return {
            f"{name}order": float(
                (
                    (np.sign(order_probabilities(one, logits, votes, directed)[0] - 0.5) + 1) / 2
                ).mean()
            )
            for name, one in every.items()
        }


def _summaries(
    candidates: dict[str, np.ndarray], pairs: Pairs, rows: np.ndarray | slice
) -> dict[str, float]:
    found = {}
    for prefix, scores in candidates.items():
        summary = classification_summary(pairs.types[rows], scores[rows].argmax(1), scores.shape[1])
        found |= {prefix + name: value for name, value in summary.items()}
    return found


def _joined(index: PairIndex, pairs: Pairs) -> np.ndarray:
    parts = []
    for start in range(0, len(pairs), BATCH):
        part = pairs[start : start + BATCH]
        paths: PathSubgraphs = index.subgraphs(part.heads, part.tails)
        parts.append(paths.joined)
    return np.concatenate(parts)


def load_interaction_data(name: str) -> InteractionData:
    """A benchmark and a setting: ``<split>-<setting>``, such as ``drugbank-random-S1``.

    ``<split>`` is ``starter``, a published split of DrugBank, or ``upload:<id>``; ``plain-`` in
    front leaves the resemblance computed from structures out of the network.

    Raises:
        InputError: the name is not of this form.
        DataError: the files cannot be had.
    """
    plain = name.startswith("plain-")
    source, _, setting = name.removeprefix("plain-").rpartition("-")
    if not source or setting not in SETTINGS:
        raise InputError(
            "TR-E04",
            "Unknown data set",
            f'"{name}" does not name a split and a setting.',
            "Write for example drugbank-random-S1 or starter-S1; settings are S0, S1 and S2.",
        )
    if source.startswith("upload:"):
        own = own_network(source.removeprefix("upload:"))
        split = hold_out(own.network, own.interactions)
        title, licence, url = own.network.source.title, "a user's own file", ""
        _require_pairs(split, setting)
    elif source == "starter":
        split = load_starter().split()
        title, licence = "Starter drug network", "curated facts, MIT with this program"
        url = split.network.source.url
    else:
        split = interactions.load_split(source)
        found = registry.find(source)
        title, licence, url = found.title, found.licence, split.network.source.url
    return arrange(split, setting, name, (title, licence, url), plain=plain)


def _require_pairs(split: InteractionSplit, setting: str) -> None:
    for part in (f"valid {setting}", f"test {setting}"):
        if len(split.parts[part]) < MIN_PAIRS:
            raise InputError(
                "TR-E05",
                "Too few interactions",
                f"Holding out a tenth of the drugs leaves {len(split.parts[part])} interactions to "
                f"measure setting {setting} on; at least {MIN_PAIRS} are needed.",
                "Upload more interactions, or use the model of the starter network.",
            )


def arrange(
    split: InteractionSplit, setting: str, name: str, source: tuple[str, str, str], *, plain: bool
) -> InteractionData:
    """Task and tests of one setting.

    Args:
        split: interactions by part, parts named ``valid S1`` and so on.
        setting: S0, S1 or S2.
        name: for the card.
        source: title, licence and address for the card.
        plain: leave resemblance computed from structures out.
    """
    network = split.network if plain else with_resemblance(split.network)
    graph = FlowGraph.prepare(
        network.edges,
        network.num_entities,
        network.num_types,
        network.num_relations,
        network.num_drugs,
    )
    bits = many_morgan_bits(network.smiles)
    occurs = np.zeros(network.num_drugs, dtype=bool)
    occurs[split.train[:, [0, 2]].ravel()] = True
    task = InteractionTask(
        graph,
        bits,
        Pairs.of(split.train),
        Pairs.of(split.parts[f"valid {setting}"]),
        occurs,
        setting,
        network.num_types,
        network.directed,
    )
    digest = hashlib.sha256(network.edges.tobytes() + split.train.tobytes()).hexdigest()
    title, licence, url = source
    state = DataState(
        name,
        f"{title}, setting {setting}",
        digest,
        licence,
        url,
        "drugs held out; S0 both drugs known, S1 one new, S2 both new",
    )
    others = {"S0": (), "S1": ("S0", "S2"), "S2": ()}[setting]
    tests = tuple(
        f"test {one}" for one in (setting, *others) if len(split.parts.get(f"test {one}", ()))
    )
    return InteractionData(task, split, state, tests)


def make_vote(task: InteractionTask, exponent: float) -> SimilarDrugVote:
    """The similar-drug vote of the training interactions."""
    return SimilarDrugVote(
        task.train.facts,
        tanimoto(task.bits, task.bits),
        task.may_emerge,
        task.num_outputs,
        exponent,
    )
