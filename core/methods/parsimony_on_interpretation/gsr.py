"""GSR: graph symbolic regression by a search of message-passing flows.

Source: "Learning Symbolic Models for Graph-structured Physical Mechanism" (ICLR 2023), sections 3.2
and 3.3. Knowledge space: flows (`core.knowledge.physics.message_flow`). Function space: graph
networks (`core.function.graph_network`). The search starts from full blocks and deletes layers,
inputs and embedding sizes while s = error + lambda * complexity falls; the idea is that a flow with
a part too many costs little and a flow that lacks a needed part a lot. Then every function of the
chosen flow is replaced by a formula.

Differs from the paper: (1) a beam of flows instead of one, ranked at the end by total complexity;
(2) no single deletion may cost more than lambda or two standard errors of the error; several
deletions that are harmless one by one are tried together; (3) a second block is tried only where
the error of one is above lambda, since it cannot pay otherwise; (4) the flow is trained again
without each of its parts, which shows what each is needed for.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from core.configs import GsrConfig
from core.discovery.candidate import Candidate
from core.discovery.discover import SHARES, discover
from core.discovery.options import Budget, Knowledge
from core.function.graph_network import FlowNetworks, Scales, r2_of
from core.knowledge.physics.message_flow import MessageFlow
from core.knowledge.physics.system import GraphSystem
from core.training.fitted import Fitted
from core.training.flow_bench import FlowBench, Jump
from core.training.flow_formulas import find_laws
from core.training.flow_pruning import Pruning
from core.training.laws import LawTask
from core.training.loop import History, Report, quiet
from core.training.search import SearchResult, search

MAX_TRIALS = 200
FLOW_SHARE = 0.85  # of the time, for the flow; the rest for its formulas
SEARCH_SHARE = 0.75  # of the flow's time, before the chosen flow is trained to the end
SAFE = 0.8  # the comparison of flows is trusted when the error is below this share of lambda


@dataclass(frozen=True, eq=False)
class FlowSearch:
    """A chosen flow, its network and how it was found.

    Attributes:
        flow: with a fixed aggregate for every sum.
        network: trained; one flow.
        alternatives: other flows of the last beam, the best first.
        valid_error: of the network, RMSE in standard deviations of the target.
        full_error: of the full blocks the search began with.
        warning: why the comparison may not be trusted, or empty.
        jumps: per part of the flow.
        result: all trainings.
        seconds: processor time.
        seed: of everything random.
    """

    flow: MessageFlow
    network: FlowNetworks
    alternatives: tuple[MessageFlow, ...]
    valid_error: float
    full_error: float
    warning: str
    jumps: tuple[Jump, ...]
    result: SearchResult
    seconds: float
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain values of all but the network."""
        return {
            "flow": self.flow.to_json(),
            "alternatives": [one.to_json() for one in self.alternatives],
            "valid_error": self.valid_error,
            "full_error": self.full_error,
            "warning": self.warning,
            "jumps": [
                {
                    "layer": one.layer,
                    "inputs": list(one.inputs),
                    "whole": not one.inputs,
                    "error": one.error,
                    "ratio": one.ratio,
                }
                for one in self.jumps
            ],
            "trials": [
                {
                    "flow": one.candidate.to_json(),
                    "text": str(one.candidate),
                    "error": -one.score,
                    "complexity": one.size,
                    "seconds": one.seconds,
                }
                for one in self.result.trials
            ],
            "seconds": self.seconds,
            "seed": self.seed,
        }


def search_flow(
    train_part: GraphSystem,
    valid_part: GraphSystem,
    config: GsrConfig,
    *,
    seed: int,
    report: Report = quiet,
    deadline: float = float("inf"),
) -> FlowSearch:
    """Search the flow that explains a system and train its network.

    Args:
        train_part: for the weights.
        valid_part: for every choice.
        config: hyper-parameters.
        seed: of everything random.
        report: progress; may raise Cancelled.
        deadline: of `time.monotonic`; after it nothing new is tried in the search.

    Raises:
        ShapeError: the target is a vector and there are no positions.
    """
    start, began = time.process_time(), time.monotonic()
    bench = FlowBench(train_part, valid_part, config, seed, report)
    pruning = Pruning(
        bench.blocks, bench.names, bench.vectors, config, bench.num_valid,
        began + SEARCH_SHARE * (deadline - began),
    )  # fmt: skip
    result = search(
        pruning, bench.trials, start=[bench.blocks[0]], budget=MAX_TRIALS,
        batch=config.num_parallel, seed=seed, report=report,
    )  # fmt: skip
    chosen, *others = pruning.beam(result.trials)
    flow = bench.hardened(chosen.candidate)
    network, error = bench.train_to_the_end(flow)
    jumps = bench.jumps(flow) if time.monotonic() < deadline else ()
    warning = ""
    if error > SAFE * config.complexity_weight:
        warning = (
            f"The network's error, {error:.2f}, is not clearly below {config.complexity_weight:g}: "
            "too few data, too much noise or too short a training to tell by the error which parts "
            "are needed."
        )
    full_error = -max(one.score for one in result.trials if one.candidate in bench.blocks)
    return FlowSearch(
        flow, network, tuple(one.candidate for one in others), error, full_error, warning, jumps,
        result, time.process_time() - start, seed,
    )  # fmt: skip


def find(
    train_part: GraphSystem,
    valid_part: GraphSystem,
    options: Knowledge,
    seed: int,
    report: Report = quiet,
    deadline: float = float("inf"),
    config: GsrConfig | None = None,
    keep: Callable[[FlowSearch], None] | None = None,
) -> list[Candidate]:
    """Laws by way of flows: an engine for `core.discovery.discover.discover`.

    Args:
        train_part: data that networks and formulas are fitted to.
        valid_part: data that every choice is made on.
        options: operators and size of formulas; flows always see positions as differences and
            have no handedness.
        seed: of everything random.
        report: progress; may raise Cancelled.
        deadline: of `time.monotonic`.
        config: hyper-parameters of the search.
        keep: given the flow once it is found.

    Returns:
        Laws with their errors; none without edges, and none for a vector target without
        positions.
    """
    no_directions = train_part.target.is_vector and train_part.position is None
    if no_directions or not train_part.num_edges:
        return []
    began = time.monotonic()
    found = search_flow(
        train_part, valid_part, config or GsrConfig(), seed=seed, report=report,
        deadline=began + FLOW_SHARE * (deadline - began),
    )  # fmt: skip
    if keep is not None:
        keep(found)
    return find_laws(found.network, train_part, valid_part, options, seed, report, deadline)


def fit(
    task: LawTask,
    config: GsrConfig,
    *,
    seed: int,
    device: str,  # noqa: ARG001 - small batches of small networks are fastest on the processor
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """The whole search for a law, flows included, as `core.training.run` asks for it.

    Args:
        task: question and data.
        config: hyper-parameters.
        seed: of the split and of everything random.
        device: not used.
        report: progress; may raise Cancelled.
        checkpoint: file of a finished search, written at the end and read when it exists.
    """
    train_part, valid_part, test_part = task.system.split(SHARES, seed)
    if checkpoint and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        knowledge = json.loads(saved["knowledge"])
        flow = MessageFlow.from_json(knowledge["flow"]["flow"])
        network = FlowNetworks([flow], Scales.of(train_part, [flow]), [seed])
        network.load_state_dict(saved["network"])
        return Fitted(network, knowledge, _history(knowledge))
    flows: list[FlowSearch] = []
    engine = partial(find, config=config, keep=flows.append)
    budget = Budget("thorough", config.limit_s, config.genetic_seeds, config.evaluations)
    discovery = discover(
        task.system, task.question.knowledge, budget, seed, report, None, {"flow": engine}
    )
    found = flows[0] if flows else search_flow(
        train_part, valid_part, config, seed=seed, report=report
    )  # fmt: skip
    question = replace(task.question, seed=seed)
    knowledge = {
        "question": question.to_json(),
        "discovery": discovery.to_json(),
        "flow": found.to_json() | {"test_r2": r2_of(found.network, test_part)},
    }
    if checkpoint:
        text = json.dumps(knowledge)
        torch.save({"knowledge": text, "network": found.network.state_dict()}, checkpoint)
    return Fitted(found.network, knowledge, _history(knowledge))


def _history(knowledge: Mapping[str, Any]) -> History:
    """One row, whose selection is the validation R² of the best law."""
    best = min(one["valid_error"] for one in knowledge["discovery"]["candidates"])
    row = {"epoch": 1, "loss": knowledge["flow"]["valid_error"], "selection": 1 - best**2}
    return History([row], 1, knowledge["discovery"]["seconds"])
