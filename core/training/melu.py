"""MeLU: a predictor whose layers move by gradient steps on a user's few ratings.

Source: Lee, Im, Jang, Cho & Chung, "MeLU: Meta-Learned User Preference Estimator for Cold-Start
Recommendation", KDD 2019, algorithm 1: the decision layers are updated for each user, the
embeddings are not, and both are learned such that the updated layers fit the asked ratings.

It is the rival that adapts by gradient, on the same inputs, output form, split and epochs as
ColdNAS; everything is shared with `core.function.modulation` but the modulation.

Differs from the paper: layers, items and output are those of ColdNAS; the local rate is learned;
one local step, as the authors' experiments use at least, through which the outer gradient runs; in
residual form resemblance is added after the step, since a given item resembles itself.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.function.modulation import QUARTERS, ColdNas, beside

LOCAL_RATE = 0.05  # at the start


class Melu(nn.Module):
    """A network without modulation whose predictor makes a gradient step for each user.

    Args:
        network: of the structure without modulation.
    """

    def __init__(self, network: ColdNas) -> None:
        super().__init__()
        self.network = network
        self.local_rate = nn.Parameter(torch.tensor(LOCAL_RATE))

    @property
    def num_adapted(self) -> int:
        """Numbers that a user's ratings change: every layer, and the level."""
        layers = self.network.scorer.predictor.layers
        return sum(one.numel() for one in layers.parameters()) + self.network.scorer.residual

    def forward(
        self,
        user_field: Tensor,
        support_item: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate_item: Tensor,
        numbers: Tensor | None = None,
    ) -> tuple[Tensor]:
        """Score (b, m); arguments as of `ColdNas`."""
        network, scorer = self.network, self.network.scorer
        numbers = network.numbers if numbers is None else numbers
        outer = torch.is_grad_enabled()
        with torch.enable_grad():  # the local step needs a gradient where nothing is trained, too
            vectors, bias = network.item_vectors(numbers), network.bias(numbers)
            user = network.user_vectors(user_field)
            level = scorer.level(support_rating, bias[support_item], support_mask)
            layers = [
                parameter.expand(len(user_field), *parameter.shape)
                for layer in scorer.predictor.layers
                for parameter in (layer.weight, layer.bias)
            ]

            def score(items: Tensor, layers: list[Tensor], known: Tensor) -> Tensor:
                x = beside(functional.embedding(items, vectors), user)
                return scorer.output(_apply(layers, x), bias[items], known)

            off = score(support_item, layers, level) - support_rating
            off = off / (scorer.scale.span / QUARTERS)
            each = (off**2 * support_mask).sum(1) / support_mask.sum(1).clamp(min=1)  # (b,)
            steps = torch.autograd.grad(each.sum(), layers, create_graph=outer)
            moved = [one - self.local_rate * step for one, step in zip(layers, steps, strict=True)]
            known = level
            if scorer.residual:
                rows, error = network.field_rows, support_rating - bias[support_item] - level
                kernel = network.kernel(rows[candidate_item], rows[support_item])
                known = level + scorer.resemblance(kernel, error, support_mask)
            found = score(candidate_item, moved, known)
        return (found if outer else found.detach(),)


def _apply(layers: list[Tensor], h: Tensor) -> Tensor:
    """(b, m) from weights (b, out, in) and biases (b, out) in turn, and h (b, m, in)."""
    for weight, bias in zip(layers[::2], layers[1::2], strict=True):
        h = torch.baddbmm(bias.unsqueeze(1), functional.leaky_relu(h), weight.transpose(1, 2))
    return h.squeeze(-1)
