"""ColdNAS as ONNX models: over its own catalogue, and in two steps for items of a user.

``model.onnx``, and networks beside it with the same inputs and outputs:

    [user_field (b, f)], support_item (b, n), support_rating (b, n), support_mask (b, n),
    candidate_item (b, m)  ->  score (b, m), phi (b, 4, width)

``items.onnx`` turns what is known about other items into vectors,

    [bias (n), factors (n, k)], field_0 (n, w_0), field_1 (n, w_1), ..  ->  vectors (n, d)

and ``scorer.onnx`` is model.onnx with vectors and means of items in place of their rows,

    support (b, n, d), support_rating (b, n), support_mask (b, n), candidate (b, m, d),
    [support_bias (b, n), candidate_bias (b, m), resemblance (b, m, n)], [user_field (b, f)]
        ->  score (b, m), phi

where resemblance is the sum over fields of the learned weight times the squared cosine of the sets
of values (`core.knowledge.resemblance`). Parts in brackets are left out where the network has none.
Scores are in rating units and not clipped to the scale. n is at least 1: ONNX Runtime cannot sum
over an empty axis here, so a user without ratings comes with one that is masked.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.export.onnx import parity, to_onnx
from core.function.modulation import ColdNas
from core.serving.session import Session

OUTPUTS = ("score", "phi")
BATCH = (0, 1)  # axes whose size may change
Feeds = dict[str, np.ndarray]


class CatalogueStep(nn.Module):
    """Scores of items that are rows of the catalogue.

    Args:
        network: trained.
        rows: (n,) items of the network's catalogue that the model keeps, in this order.
    """

    def __init__(self, network: ColdNas, rows: np.ndarray) -> None:
        super().__init__()
        self.network = network
        kept = torch.from_numpy(rows)
        with torch.inference_mode():
            vectors, bias = network.item_vectors(network.numbers), network.bias(network.numbers)
        self.register_buffer("vectors", vectors[kept].clone())
        self.register_buffer("bias", bias[kept].clone())
        self.register_buffer("rows", network.field_rows[kept])

    def forward(
        self,
        support_item: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate_item: Tensor,
        lists: Sequence[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Score and phi; `lists` holds user_field where users have properties."""
        return self.network.scorer(
            _user_vectors(self.network, lists, support_mask),
            functional.embedding(support_item, self.vectors),
            self.bias[support_item],
            support_rating,
            support_mask,
            functional.embedding(candidate_item, self.vectors),
            self.bias[candidate_item],
            self.network.kernel(self.rows[candidate_item], self.rows[support_item]),
        )


class VectorStep(nn.Module):
    """Scores of items that are given as vectors."""

    def __init__(self, network: ColdNas) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        support: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate: Tensor,
        lists: Sequence[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Score and phi.

        Args:
            support: (b, n, d).
            support_rating: (b, n).
            support_mask: (b, n).
            candidate: (b, m, d).
            lists: support_bias, candidate_bias and resemblance in residual form; then user_field
                where users have properties.
        """
        rest = list(lists)
        # content form reads neither means nor resemblance; an unused input is not exported
        support_bias = candidate_bias = kernel = torch.zeros(())
        if self.network.scorer.residual:
            support_bias, candidate_bias, kernel, *rest = rest
        user = _user_vectors(self.network, rest, support_mask)
        return self.network.scorer(
            user, support, support_bias, support_rating, support_mask, candidate, candidate_bias,
            kernel,
        )  # fmt: skip


class ItemStep(nn.Module):
    """Vectors of items, whether the network was trained on them or not."""

    def __init__(self, network: ColdNas) -> None:
        super().__init__()
        self.network = network

    def forward(self, lists: Sequence[Tensor]) -> Tensor:
        """Vectors (n, d); `lists` holds bias and factors in residual form, then the fields."""
        fields, numbers = list(lists), torch.zeros(0)
        if self.network.scorer.residual:
            bias, factors, *fields = fields
            numbers = torch.cat([bias.unsqueeze(-1), factors], -1)
        return self.network.item_encoder(fields, numbers)


def _user_vectors(network: ColdNas, lists: Sequence[Tensor], support_mask: Tensor) -> Tensor:
    return network.user_vectors(lists[0]) if lists else support_mask[:, :0]


def export_catalogue(network: ColdNas, rows: np.ndarray) -> tuple[bytes, float]:
    """A network over some of its items, and how far ONNX Runtime differs from torch.

    Args:
        network: trained.
        rows: (n,) items that are kept.
    """
    step = CatalogueStep(network.cpu().eval(), rows).eval()
    model = _exported(step, _catalogue_feeds(network, len(rows), 3, 5, 7))
    cases = (_catalogue_feeds(network, len(rows), *sizes) for sizes in _SIZES)
    return model, parity(step, Session(model, "cpu"), cases, OUTPUTS)


def export_items(network: ColdNas) -> tuple[dict[str, bytes], float]:
    """``items.onnx`` and ``scorer.onnx``, and how far ONNX Runtime differs from torch."""
    network = network.cpu().eval()
    items, scorer = ItemStep(network).eval(), VectorStep(network).eval()
    feeds = _item_feeds(network, 5)
    own = to_onnx(items, feeds, ["vectors"], dynamic=dict.fromkeys(feeds, (0,)))
    other = _exported(scorer, _vector_feeds(network, 3, 5, 7))
    worst = max(
        parity(items, Session(own, "cpu"), (_item_feeds(network, n) for n in (1, 40)), ["vectors"]),
        parity(
            scorer, Session(other, "cpu"), (_vector_feeds(network, *one) for one in _SIZES), OUTPUTS
        ),
    )
    return {"items.onnx": own, "scorer.onnx": other}, worst


# users, given, candidates; the last user has half of the ratings: none, alone, many, many items
_SIZES = ((1, 1, 1), (1, 2, 2), (30, 20, 60), (2, 10, 500))


def _exported(step: nn.Module, feeds: Feeds) -> bytes:
    dynamic = {name: (0,) if name == "user_field" else BATCH for name in feeds}
    dynamic |= {"resemblance": (0, 1, 2)}
    return to_onnx(step, feeds, OUTPUTS, dynamic=dynamic)


def _catalogue_feeds(network: ColdNas, num_items: int, b: int, n: int, m: int) -> Feeds:
    """Random questions; names in the order of the module's parameters, which the exporter keeps."""
    rng = np.random.default_rng([b, n])
    return {
        "support_item": rng.integers(0, num_items, (b, n)),
        **_ratings(network, b, n, rng),
        "candidate_item": rng.integers(0, num_items, (b, m)),
        **_users(network, b, rng),
    }


def _vector_feeds(network: ColdNas, b: int, n: int, m: int) -> Feeds:
    rng, d = np.random.default_rng([b, n]), network.item_encoder.out_dim

    def numbers(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    feeds = {
        "support": numbers(b, n, d),
        **_ratings(network, b, n, rng),
        "candidate": numbers(b, m, d),
    }
    if network.scorer.residual:
        feeds |= {"support_bias": numbers(b, n), "candidate_bias": numbers(b, m)}
        feeds["resemblance"] = np.abs(numbers(b, m, n))
    return feeds | _users(network, b, rng)


def _ratings(network: ColdNas, b: int, n: int, rng: np.random.Generator) -> Feeds:
    """Random ratings of b users, the last of them padded."""
    scale, mask = network.scorer.scale, np.ones((b, n), np.float32)
    mask[-1, n // 2 :] = 0
    rating = rng.uniform(scale.low, scale.high, (b, n)).astype(np.float32)
    return {"support_rating": rating, "support_mask": mask}


def _users(network: ColdNas, b: int, rng: np.random.Generator) -> Feeds:
    if network.user_encoder is None:
        return {}
    return {"user_field": rng.integers(-1, 1, (b, sum(network.user_widths)))}


def _item_feeds(network: ColdNas, num_items: int) -> Feeds:
    rng = np.random.default_rng(num_items)
    feeds: Feeds = {}
    if network.scorer.residual:
        feeds["bias"] = rng.normal(size=num_items).astype(np.float32)
        shape = num_items, network.numbers.shape[1] - 1
        feeds["factors"] = rng.normal(size=shape).astype(np.float32)
    for k, width in enumerate(network.widths):
        feeds[f"field_{k}"] = rng.integers(-1, 1, (num_items, width))
    return feeds
