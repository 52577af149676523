"""Prototypical networks for few-shot molecular property: the plain rival of PAR and PACIA.

Source: Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017.

Idea: a property is known by the mean embedding of its active and of its inactive molecules; a new
molecule belongs to the nearer one. Nothing is adapted. On FS-Mol this beats PAR.

Knowledge space: the molecule graph.
Function space:  `core.function.gin.GinEncoder` and one scale.
Coupling:        distance to the class means.

Differs from the paper: a graph encoder with a warm start, see `core.training.warm_start`; a learned
scale of the distance; support and questions of all sizes of a step in one batch; binary classes.
"""

from pathlib import Path

import torch

from core.configs import FewShotConfig
from core.function.few_shot import EmbeddingNetwork, PrototypeHead
from core.training.episodes import FewShotTask
from core.training.few_shot import fit_episodic
from core.training.fitted import Fitted
from core.training.loop import Report, quiet


def fit(
    task: FewShotTask,
    config: FewShotConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Warm start, then episodes; see `core.training.few_shot.fit_episodic`."""
    return fit_episodic(
        lambda encoder: EmbeddingNetwork(encoder, PrototypeHead(config.hidden_dim)),
        task, config, seed=seed, device=device, report=report, checkpoint=checkpoint,
    )  # fmt: skip
