"""ColdNAS: a predictor of ratings whose hidden numbers follow from a few given ratings.

Source: Wu et al., "ColdNAS", The Web Conference 2023, with the sizes of the authors' code; the
operations of `core.knowledge.modulation`.

Notation: b users side by side, N given (support) ratings y_j of items v_j, padded to n; m candidate
items q; u vector of the user; R span of the scale; f operation row of phi.

    v        = [mean of the rows of each field's table]                            `FieldEncoder`
               and, in residual form, W [b_v ; q_v] of what warm users say about the item
    r        = mean over j of LeakyReLU(W_1 [v_j ; u ; y_j])                       width `CONTEXT`
    phi      = W_2 [r ; log(1 + N)]          (4, width): low, high, ReLU(1 + factor), shift
    h_0      = [q ; u];   h_(l+1) = W_l LeakyReLU(M_l(h_l))   for l = 0..3, the last of width 1
    content  : score = low + R sigmoid(h_4),                 y_j as given
    residual : score = b_q + R tanh(h_4 / 4),                y_j minus b_(v_j), in quarters of R

M_l is `core.knowledge.modulation.modulate` with the cells of a structure, or while searching, with
a gate g = sigmoid(alpha) for every cell, x -> g op(x) + (1 - g) x in the order of the operations.
The user block of `phi` cannot depend on the order of the ratings, on padding or on candidates.

Differs from the paper: (1) the multiplier is ReLU(1 + row) instead of ReLU(row), so that a network
starts near no scaling, and a kept multiplier does not erase the layer; (2) log(1 + N) and the
residual form are additions, both optional; (3) no user id, since the ids of new users are never
trained; (4) item vectors are computed once per step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ShapeError
from core.knowledge.modulation import NUM_POSITIONS, OPERATIONS, Structure
from core.knowledge.ratings import Field, Scale

HIDDEN = (128, 64, 32)  # widths of the predictor; paper
CONTEXT = 256  # width of the hypernetwork; paper: 8 times the width of a field
QUARTERS = 4  # of the span: the unit in which residuals are given and bounded


class FieldEncoder(nn.Module):
    """Rows of fields to vectors: one table per field, mean of the rows named, zeros for none.

    Args:
        num_values: of each field.
        dim: width of each table.
    """

    def __init__(self, num_values: Sequence[int], dim: int) -> None:
        super().__init__()
        self.out_dim = len(num_values) * dim
        self.tables = nn.ParameterList(
            # as a linear map of one-hot values starts, the released code's way to write a table
            torch.empty(num, dim).uniform_(-1, 1) / max(num, 1) ** 0.5
            for num in num_values
        )

    def forward(self, rows: Sequence[Tensor]) -> Tensor:
        """(n, out_dim) from one (n, width) of values per field, negative where there is none."""
        parts = []
        for table, row in zip(self.tables, rows, strict=True):
            named = (row >= 0).to(table).unsqueeze(-1)  # (n, width, 1)
            found = functional.embedding(row.clamp(min=0), table) * named
            parts.append(found.sum(1) / named.sum(1).clamp(min=1))
        return torch.cat(parts, -1)


class ItemEncoder(nn.Module):
    """Items to vectors: their fields, and in residual form what warm users say about them.

    Args:
        num_values: of each field.
        num_numbers: numbers per item, its bias and factors standardised; 0 in content form.
        field_dim: width of each field's table.
        number_dim: width of the numbers' part.
    """

    def __init__(
        self, num_values: Sequence[int], num_numbers: int, field_dim: int, number_dim: int
    ) -> None:
        super().__init__()
        self.fields = FieldEncoder(num_values, field_dim) if num_values else None
        self.numbers = nn.Linear(num_numbers, number_dim) if num_numbers else None
        self.out_dim = len(num_values) * field_dim + (number_dim if num_numbers else 0)
        if not self.out_dim:
            raise ShapeError("items need fields or ratings of warm users to be told apart.")

    def forward(self, rows: Sequence[Tensor], numbers: Tensor) -> Tensor:
        """(n, out_dim) from one (n, width) per field and (n, num_numbers)."""
        parts = [] if self.numbers is None else [self.numbers(numbers)]
        parts += [] if self.fields is None else [self.fields(rows)]
        return torch.cat(parts, -1)


class Hypernetwork(nn.Module):
    """From given ratings to the numbers that modulate; any number of them, none included.

    Args:
        in_dim: of an item's and the user's vectors together.
        width: of the modulated layers together.
        count_aware: whether the number of ratings is an input.
    """

    def __init__(self, in_dim: int, width: int, *, count_aware: bool) -> None:
        super().__init__()
        self.count_aware, self.width = count_aware, width
        self.each = nn.Linear(in_dim + 1, CONTEXT)
        self.all = nn.Linear(CONTEXT + count_aware, len(OPERATIONS) * width)

    def forward(self, x: Tensor, rating: Tensor, mask: Tensor) -> Tensor:
        """Phi (b, 4, width) from x (b, n, in_dim), rating (b, n), mask (b, n) of 0 and 1."""
        each = functional.leaky_relu(self.each(torch.cat([x, rating.unsqueeze(-1)], -1)))
        count = mask.sum(1, keepdim=True)  # (b, 1)
        context = (each * mask.unsqueeze(-1)).sum(1) / count.clamp(min=1)
        if self.count_aware:
            context = torch.cat([context, count.log1p()], -1)
        low, high, factor, shift = self.all(context).split(self.width, -1)
        return torch.stack([low, high, functional.relu(1 + factor), shift], 1)


class ModulatedPredictor(nn.Module):
    """Four layers, modulated before each.

    Args:
        in_dim: width of the input.
        structure: what is kept; None for a gate per cell, which is searched.
    """

    def __init__(self, in_dim: int, structure: Structure | None) -> None:
        super().__init__()
        widths = (in_dim, *HIDDEN)
        self.widths, self.structure = widths, structure
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(widths, (*HIDDEN, 1), strict=True)
        )
        if structure is None:
            self.alpha = nn.Parameter(torch.zeros(NUM_POSITIONS, len(OPERATIONS)))

    @property
    def gates(self) -> Tensor:
        """(positions, operations) in 0..1."""
        if self.structure is None:
            return self.alpha.sigmoid()
        return torch.from_numpy(self.structure.mask())

    def forward(self, h: Tensor, phi: Tensor) -> Tensor:
        """(b, m) from h (b, m, in_dim) and phi (b, 4, width)."""
        parts = phi.unsqueeze(2).split(self.widths, -1)  # each (b, 4, 1, width of the layer)
        for position, (layer, part) in enumerate(zip(self.layers, parts, strict=True)):
            h = layer(functional.leaky_relu(self._modulate(position, h, part)))
        return h.squeeze(-1)

    def _modulate(self, position: int, h: Tensor, part: Tensor) -> Tensor:
        kept = OPERATIONS if self.structure is None else self.structure.at(position)
        for operation in kept:
            row = OPERATIONS.index(operation)
            changed = _APPLY[operation](h, part[:, row])
            if self.structure is None:
                h = torch.lerp(h, changed, self.gates[position, row])
            else:
                h = changed
        return h


_APPLY = {
    "max": torch.maximum,
    "min": torch.minimum,
    "multiply": torch.mul,
    "plus": torch.add,
}  # by operation, each of (b, m, w) and (b, 1, w)


class RatingScorer(nn.Module):
    """From vectors to scores: hypernetwork and predictor.

    Args:
        item_dim: width of an item's vector.
        user_dim: width of a user's, 0 where users have no properties.
        structure: what is kept, None to search.
        scale: of the ratings.
        residual: form of the output, see the head of this module.
        count_aware: see `Hypernetwork`.
    """

    def __init__(
        self,
        item_dim: int,
        user_dim: int,
        structure: Structure | None,
        scale: Scale,
        *,
        residual: bool,
        count_aware: bool,
    ) -> None:
        super().__init__()
        self.scale, self.residual = scale, residual
        self.predictor = ModulatedPredictor(item_dim + user_dim, structure)
        self.hypernetwork = Hypernetwork(
            item_dim + user_dim, sum(self.predictor.widths), count_aware=count_aware
        )

    def forward(
        self,
        user: Tensor,
        support: Tensor,
        support_bias: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate: Tensor,
        candidate_bias: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Scores in rating units, not clipped to the scale, and what modulated them.

        Args:
            user: (b, user_dim).
            support: (b, n, item_dim).
            support_bias: (b, n), used in residual form only, as `candidate_bias`.
            support_rating: (b, n).
            support_mask: (b, n) 1 where given, 0 for padding.
            candidate: (b, m, item_dim).
            candidate_bias: (b, m).

        Returns:
            score (b, m), phi (b, 4, width).
        """
        unit = self.scale.span / QUARTERS
        given = (support_rating - support_bias) / unit if self.residual else support_rating
        phi = self.hypernetwork(_beside(support, user), given, support_mask)
        out = self.predictor(_beside(candidate, user), phi)
        if self.residual:
            return candidate_bias + self.scale.span * torch.tanh(out / QUARTERS), phi
        return self.scale.low + self.scale.span * out.sigmoid(), phi


def _beside(items: Tensor, user: Tensor) -> Tensor:
    """(b, n, item_dim + user_dim)."""
    if not user.shape[-1]:
        return items
    return torch.cat([items, user.unsqueeze(1).expand(-1, items.shape[1], -1)], -1)


@dataclass(frozen=True, eq=False)
class ItemTables:
    """What is known about every item of a catalogue.

    Attributes:
        fields: properties.
        numbers: (n, 1 + k) float32 bias and factors, standardised; (n, 0) in content form.
        bias: (n,) float32 mean rating of the item, shrunk, in rating units.
    """

    fields: tuple[Field, ...]
    numbers: np.ndarray
    bias: np.ndarray


class ColdNas(nn.Module):
    """The whole network over one catalogue.

    Args:
        items: catalogue.
        users: properties of users; may be none.
        structure: what is kept, None to search.
        scale: of the ratings.
        field_dim: width of each field's table.
        number_dim: width of the part that reads the numbers of an item, in residual form.
        residual: form, see the head of this module.
        count_aware: see `Hypernetwork`.
    """

    def __init__(
        self,
        items: ItemTables,
        users: Sequence[Field],
        structure: Structure | None,
        scale: Scale,
        *,
        field_dim: int,
        number_dim: int,
        residual: bool,
        count_aware: bool,
    ) -> None:
        super().__init__()
        self.item_encoder = ItemEncoder(
            [len(field.values) for field in items.fields], items.numbers.shape[1],
            field_dim, number_dim,
        )  # fmt: skip
        self.user_widths = [field.table.shape[1] for field in users]
        self.user_encoder = (
            FieldEncoder([len(field.values) for field in users], field_dim) if users else None
        )
        self.scorer = RatingScorer(
            self.item_encoder.out_dim,
            self.user_encoder.out_dim if self.user_encoder else 0,
            structure,
            scale,
            residual=residual,
            count_aware=count_aware,
        )
        self.widths = [field.table.shape[1] for field in items.fields]
        table = np.concatenate(
            [np.zeros((len(items.bias), 0), np.int64), *(field.table for field in items.fields)], 1
        )
        self.register_buffer("field_rows", torch.from_numpy(table))  # (n, widths together)
        self.register_buffer("numbers", torch.from_numpy(items.numbers))
        self.register_buffer("bias", torch.from_numpy(items.bias))

    def item_vectors(self, numbers: Tensor | None = None) -> Tensor:
        """(n, item_dim) of the catalogue, or with other numbers (n, 1 + k) in place of its own."""
        rows = self.field_rows.split(self.widths, -1)
        return self.item_encoder(rows, self.numbers if numbers is None else numbers)

    def user_vectors(self, user_field: Tensor) -> Tensor:
        """(b, user_dim) from (b, widths of the user fields together)."""
        if self.user_encoder is None:
            return self.numbers.new_zeros(len(user_field), 0)
        return self.user_encoder(user_field.split(self.user_widths, -1))

    def forward(
        self,
        user_field: Tensor,
        support_item: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate_item: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Score (b, m) in rating units and phi (b, 4, width); rows of the catalogue as items."""
        return self.score_with(
            self.item_vectors(), self.bias,
            user_field, support_item, support_rating, support_mask, candidate_item,
        )  # fmt: skip

    def score_with(
        self,
        vectors: Tensor,
        bias: Tensor,
        user_field: Tensor,
        support_item: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate_item: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with vectors (n, item_dim) and bias (n,) of the catalogue given."""
        return self.scorer(
            self.user_vectors(user_field),
            functional.embedding(support_item, vectors),
            bias[support_item],
            support_rating,
            support_mask,
            functional.embedding(candidate_item, vectors),
            bias[candidate_item],
        )
