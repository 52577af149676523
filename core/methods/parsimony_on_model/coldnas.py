"""ColdNAS: which operations a new user's few ratings change in a network, searched.

Source: Wu, Wang, Jing, Dong, Dou & Yao, "ColdNAS: Search to Modulate for User Cold-Start
Recommendation", The Web Conference 2023; section 3.2 of the parsimony paper. Figures to reach on
the authors' episodes of Last.fm, times 100: MSE 20.91, MAE 41.78.

Idea: a hypernetwork turns the given ratings of a user into numbers that modulate a predictor, in
one forward pass and without a gradient step. FiLM scales and shifts every layer; which operations
help where depends on the data. A network with a gate for each of the 16 operations is trained
first; the gates propose structures, short trainings of these on the training users are judged by
the validation users, and the best is trained anew to its end.

Knowledge space: `core.knowledge.modulation.Structure`, kept operations by position.
Function space:  `core.function.modulation.ColdNas`.
Coupling:        the gates rank operations; `core.training.search` tries the first K of them for
                 several K, the named structures, and neighbours of the best.

Notation: N ratings given, K operations kept.

Differs from the paper: (1) gates have a rate of their own; with that of the weights they stay near
.5 and their order is chance; (2) K is chosen on validation users, where a person read the gates;
(3) epochs are chosen on validation users, where the released code used test users; (4) by default
items come with what warm users say about them (residual form of `core.function.modulation`),
supports of random size are drawn anew in every step, and their number is an input, so that few
ratings are not worse than none; rates fall while structures are compared, and the rate of the
hypernetwork is chosen on validation users; (5) see also `core.function.modulation`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.configs import ColdNasConfig
from core.errors import InputError, ShapeError
from core.function.modulation import ColdNas, ItemTables
from core.knowledge.modulation import FILM, NAMED, NONE, NUM_POSITIONS, OPERATIONS, Structure, top
from core.knowledge.ratings import Field
from core.training.fitted import Fitted
from core.training.loop import History, Report, own_file, quiet, train
from core.training.melu import Melu
from core.training.ratings import FittedRatings, HeldOut, RatingTask, RatingTraining
from core.training.search import SearchResult, Trial, best_trials, search

SPREAD = np.float32(1e-3)  # an item's numbers are divided by at least this
KEPT = (1, 2, 3, 4, 6)  # operations kept in the first structures that are tried
_GATES = tuple(
    f"gate_{position}_{operation}" for position in range(NUM_POSITIONS) for operation in OPERATIONS
)


def fit(
    task: RatingTask,
    config: ColdNasConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> FittedRatings:
    """Search a structure, or take the one asked for, and train it to the end.

    Args:
        task: ratings of training users, validation episodes, factors.
        config: every hyper-parameter.
        seed: seeds weights, episodes and proposals.
        device: where tensors live.
        report: progress over epochs and structures tried; may raise Cancelled.
        checkpoint: begins the names of the files from which an interrupted search or training goes
            on with the same numbers.

    Raises:
        InputError: no such structure.
    """
    given = read_structure(config.structure) if config.structure else None
    bench = _Bench(task, config, seed, torch.device(device), report, checkpoint)
    gates, found = bench.search() if given is None else (given.mask(), None)
    structure = found.best.candidate if found else given
    network, history = bench.best(structure)
    knowledge = {
        "structure": structure.to_json(),
        "gates": gates.round(4).tolist(),
        "search": {
            "trials": [_row(trial) for trial in found.trials] if found else [],
            "seconds": bench.search_s,
            "gate_history": bench.gate_history,
        },
    }
    rivals = {name: bench.rival(name) for name in config.rivals}
    history.seconds += bench.search_s
    return FittedRatings(network, knowledge, history, rivals)


def read_structure(text: str) -> Structure:
    """A named structure, or four rows of four times 0 or 1 as JSON.

    Raises:
        InputError: TR-E07 when it is neither.
    """
    if text in NAMED:
        return NAMED[text]
    try:
        return Structure.from_json(json.loads(text))
    except (ShapeError, json.JSONDecodeError) as error:
        raise InputError(
            "TR-E07", "Unknown structure", f'"{text[:80]}" is not a structure.',
            f"Known: {', '.join(NAMED)}; or four rows of four times 0 or 1 such as "
            "[[0,0,0,1],[0,0,0,1],[1,0,0,1],[0,0,0,0]].",
        ) from error  # fmt: skip


class _Bench:
    """Trainings of many structures on one task."""

    def __init__(
        self,
        task: RatingTask,
        config: ColdNasConfig,
        seed: int,
        device: torch.device,
        report: Report,
        checkpoint: Path | None,
    ) -> None:
        self.task, self.config, self.seed, self.device = task, config, seed, device
        self.report, self.checkpoint = report, checkpoint
        self.items = item_tables(task, config)
        held_out = config.residual and config.folds and not task.data.train
        self.held_out = (
            HeldOut.of(task.data, task.factors, config.folds, seed) if held_out else None
        )
        longest = max(len(one.support) for one in task.data.valid)
        self.given = tuple(num for num in config.given if num <= longest)
        self.search_s = 0.0
        self.gate_history: list[list[float]] = []
        searched = 0 if config.structure else config.search_epochs + self._trial_epochs
        self.done, self.rate = 0, config.hypernetwork_rates[0]
        trainings = len(config.hypernetwork_rates) + len(config.rivals)
        self.total = searched + config.num_epochs * trainings

    @property
    def _trial_epochs(self) -> int:
        return self.config.trials * self.config.trial_epochs

    def best(self, structure: Structure) -> tuple[nn.Module, History]:
        """The kept structure, with the rate of the hypernetwork that validates best."""
        trained = []
        for rate in self.config.hypernetwork_rates:
            self.rate = rate
            trained.append((rate, *self.train(structure, self.config.num_epochs, "training")))
        self.rate, network, history = max(trained, key=lambda one: _selection(one[2]))
        history.seconds = sum(one.seconds for _, _, one in trained)
        return network, history

    def rival(self, name: str) -> Fitted:
        """Another network of the same inputs, trained likewise.

        Args:
            name: of a structure, or ``melu``.
        """
        structure = NONE if name == "melu" else read_structure(name)
        network, history = self.train(structure, self.config.num_epochs, f"training {name}",
                                      by_gradient=name == "melu")  # fmt: skip
        return Fitted(network, {}, history)

    def train(
        self,
        structure: Structure | None,
        num_epochs: int,
        text: str,
        *,
        keep: bool = True,
        by_gradient: bool = False,
    ) -> tuple[nn.Module, History]:
        """A network trained anew, with its best validated weights.

        Args:
            structure: None for one with gates.
            by_gradient: whether it adapts by gradient steps.
            num_epochs: at most.
            text: what the progress says.
            keep: whether an interrupted training goes on from a checkpoint.
        """
        torch.manual_seed(self.seed)
        config, data = self.config, self.task.data
        network = ColdNas(
            self.items, data.user_fields, structure, data.scale, field_dim=config.field_dim,
            number_dim=config.number_dim, residual=config.residual,
        ).to(self.device)  # fmt: skip
        if by_gradient:
            network = Melu(network).to(self.device)
        training = _Training(self, network, num_epochs)
        history = train(
            training,
            num_epochs=num_epochs,
            patience=config.patience,
            gradient_clip=config.gradient_clip,
            report=self._progress(text, num_epochs),
            checkpoint=own_file(
                self.checkpoint if keep else None, ".pt", config, num_epochs,
                structure.to_json() if structure else None, by_gradient, self.rate,
            ),
        )  # fmt: skip
        self.done += num_epochs
        return network.eval(), history

    def search(self) -> tuple[np.ndarray, SearchResult[Structure]]:
        """The gates of the best validated epoch, and every structure tried."""
        config = self.config
        network, history = self.train(None, config.search_epochs, "training gates")
        gates = network.scorer.predictor.gates.detach().cpu().numpy()
        self.gate_history = [[round(row[name], 4) for name in _GATES] for row in history.epochs]
        start = [*(top(gates, k) for k in KEPT), NONE, FILM][: config.trials]
        before = self.done

        def noted(step: int, _total: int, text: str, **values: float) -> None:
            self.report(before + step * config.trial_epochs, self.total, text, **values)

        found = search(
            _Neighbours(gates),
            self._trials,
            start=start,
            budget=max(config.trials, len(set(start))),
            batch=1,
            seed=self.seed,
            report=noted,
            checkpoint=own_file(self.checkpoint, ".json", config, gates.tolist()),
        )
        self.done = before + self._trial_epochs
        self.search_s = history.seconds + sum(trial.seconds for trial in found.trials)
        return gates, found

    def _trials(self, structures: Sequence[Structure]) -> list[Trial[Structure]]:
        made = []
        for structure in structures:
            _, history = self.train(
                structure, self.config.trial_epochs, f"trying {structure}", keep=False
            )
            score = _selection(history)
            made.append(Trial(structure, score, structure.size, history.seconds))
        return made

    def _progress(self, text: str, num_epochs: int) -> Report:
        first = self.done

        def shifted(step: int, _total: int, _text: str = "", **values: float) -> None:
            shown = {name: value for name, value in values.items() if name not in _GATES}
            label = f"{text}, epoch {min(step + 1, num_epochs)} of {num_epochs}"
            self.report(first + step, self.total, label, **shown)

        return shifted


class _Training(RatingTraining):
    """Trains one network; says where its gates stand after every epoch."""

    def __init__(self, bench: _Bench, network: nn.Module, num_epochs: int) -> None:
        config = bench.config
        rates = {
            "alpha": config.gate_rate,
            "log_shrink": config.closed_rate,
            "resemblance": config.closed_rate,
            "hypernetwork": config.learning_rate,
            "": config.learning_rate,
        }
        parts: dict[str, list[nn.Parameter]] = {part: [] for part in rates}
        for name, parameter in network.named_parameters():
            parts[next(part for part in parts if part in name)].append(parameter)
        searched = bool(parts["alpha"])
        if not searched:
            rates["hypernetwork"] *= bench.rate
        optimizer = torch.optim.Adam(
            [{"params": parts[part], "lr": rate} for part, rate in rates.items()]
        )
        super().__init__(
            bench.task, bench.held_out, network, optimizer, given=bench.given,
            num_queries=config.num_queries, batch_size=config.batch_size,
            least_steps=config.least_steps, seed=bench.seed,
            num_epochs=num_epochs if config.falling and not searched else 0, device=bench.device,
        )  # fmt: skip

    def validate(self) -> Mapping[str, float]:
        """As in general, and the gates where there are any."""
        found = super().validate()
        if isinstance(self.network, ColdNas) and self.network.scorer.predictor.structure is None:
            gates = self.network.scorer.predictor.gates.flatten().tolist()
            found = found | dict(zip(_GATES, gates, strict=True))
        return found


class _Neighbours:
    """Structures one cell from the best so far; first those that the gates speak for most."""

    def __init__(self, gates: np.ndarray) -> None:
        self.gates = gates

    def propose(
        self, trials: Sequence[Trial[Structure]], _rng: np.random.Generator, _num: int
    ) -> list[Structure]:
        best = best_trials(trials, 1)[0].candidate
        tried = {trial.candidate for trial in trials}
        mask = best.mask()
        gain = np.where(mask > 0, -self.gates, self.gates - 1)  # of changing each cell
        order = np.argsort(-gain.ravel(), kind="stable")
        near = best.neighbours()
        return [near[cell] for cell in order if near[cell] not in tried][:1]


def item_tables(task: RatingTask, config: ColdNasConfig) -> ItemTables:
    """What the network reads about every item."""
    catalogue, factors = task.data.catalogue, task.factors
    fields = catalogue.fields
    if config.item_ids:
        every = np.arange(len(catalogue), dtype=np.int64)[:, None]
        fields = (*fields, Field("item", catalogue.ids, every))
    if not config.residual:
        numbers = np.zeros((len(catalogue), 0), np.float32)
        return ItemTables(fields, numbers, numbers[0], numbers[0])
    numbers = np.concatenate([factors.bias[:, None], factors.factors], 1).astype(np.float32)
    rated = numbers[factors.count > 0]
    return ItemTables(fields, numbers, rated.mean(0), np.maximum(rated.std(0), SPREAD))


def _selection(history: History) -> float:
    return history.epochs[history.best_epoch - 1]["selection"]


def _row(trial: Trial[Structure]) -> dict[str, Any]:
    return {
        "structure": trial.candidate.to_json(),
        "size": trial.size,
        "valid_mse": -trial.score,
        "seconds": trial.seconds,
    }
