"""PACIA: few-shot molecular property prediction without a gradient step.

Source: Wu, Wang, Yao, "PACIA: Parameter-Efficient Adapter for Few-Shot Molecular Property
Prediction", IJCAI 2024; section 4.2 of the parsimony paper. Figures to reach on Tox21, mean ROC-AUC
of three assays (%): 84.3 with 10 molecules per class and 82.8 with 1 from scratch, 86.4 and 84.4
with a pre-trained encoder, all at the epoch that is best on these assays. 3,000 adapted numbers.

Idea: a property is described by its known molecules, so let them say how the encoder must change: a
hyper-network reads them and writes one scale and one shift for each layer. How far labels should
travel between molecules depends on the question instead, so a controller picks, for each question,
after how many relation layers to answer. All of it is one forward pass: an adapted task is a card
of 2 L d numbers that can be kept and used again.

Knowledge space: the molecule graph, and the relation graph of support and question.
Function space:  `core.function.pacia.PaciaNetwork` over `core.function.gin.GinEncoder`.
Coupling:        the support modulates the states of all atoms; the question chooses the depth.

Differs from the paper: (1) one pair of hyper-networks for all layers, told apart by a one-hot
number, as the published number of parameters demands and the authors' code does not; (2) the
encoder is warm, see `core.training.warm_start`; (3) the kept epoch is the last or the best on
validation assays, never the best on test assays; (4) one model for all numbers of shots; (5)
classes as masks: see `core.function.pacia`.
"""

from pathlib import Path

import torch

from core.configs import PaciaConfig
from core.function.pacia import PaciaNetwork
from core.training.episodes import FewShotTask
from core.training.few_shot import fit_episodic
from core.training.fitted import Fitted
from core.training.loop import Report, quiet


def fit(
    task: FewShotTask,
    config: PaciaConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Warm start, then episodes; see `core.training.few_shot.fit_episodic`."""
    return fit_episodic(
        lambda encoder: PaciaNetwork(encoder, num_relation_layers=config.num_relation_layers),
        task, config, seed=seed, device=device, report=report, checkpoint=checkpoint,
    )  # fmt: skip
