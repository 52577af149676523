"""PAR: property-aware relation networks for few-shot molecular property prediction.

Source: Wang, Abuduweili, Yao, Dou, "Property-Aware Relation Networks for Few-Shot Molecular
Property Prediction", NeurIPS 2021; section 4.1 of the parsimony paper. Figures to reach on Tox21,
mean ROC-AUC of three assays (%): 84.9 with 10 molecules per class and 83.0 with 1, both with a
pre-trained encoder (authors); 82.4 and 81.8 in the authors' later library PaddleFSL. 2.31 M
parameters, 0.38 M of them adapted.

Idea: which molecules are alike depends on the property. An embedding is therefore seen through
attention in the light of both classes, and molecules that are alike in that light are joined to a
relation graph along which labels spread. To a new property only the attention and the classifier
are adapted, by one gradient step; encoder and relations are common knowledge of all properties.

Knowledge space: the molecule graph, and the relation graph of support and question.
Function space:  `core.function.gin.GinEncoder` and `core.function.par.ParHead`.
Coupling:        the k strongest relations of a molecule are its neighbours in the relation graph.

Differs from the paper: (1) the encoder is warm, see `core.training.warm_start`, and common to a
whole step, so that its batch norm sees all assays of the step; (2) the last epoch is kept, never
the best on test assays; (3) one model for all numbers of shots; (4) adaptation outside training is
free of dropout and uses the support alone, so that a figure measured is a figure served; (5)
classes as masks, ties kept: see `core.function.par`.
"""

from pathlib import Path

import torch

from core.configs import ParConfig
from core.function.few_shot import EmbeddingNetwork
from core.function.par import ParHead
from core.training.episodes import FewShotTask
from core.training.few_shot import fit_episodic
from core.training.fitted import Fitted
from core.training.loop import Report, quiet


def fit(
    task: FewShotTask,
    config: ParConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Warm start, then episodes; see `core.training.few_shot.fit_episodic`."""
    return fit_episodic(
        lambda encoder: EmbeddingNetwork(
            encoder, ParHead(config.hidden_dim, inner_rate=config.inner_rate)
        ),
        task, config, seed=seed, device=device, report=report, checkpoint=checkpoint,
    )  # fmt: skip
