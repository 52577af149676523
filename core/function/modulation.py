"""ColdNAS: a predictor of ratings whose hidden numbers follow from a few given ratings.

Source: Wu et al., "ColdNAS", The Web Conference 2023, with the sizes of the authors' code; the
operations of `core.knowledge.modulation`.

Notation: b users side by side, N given (support) ratings y_j of items v_j, padded to n; m candidate
items q; u vector of the user; R span of the scale; f operation row of phi.

    v        = [mean of the rows of each field's table]                            `FieldEncoder`
               and, in residual form, W [b_v ; q_v] of what warm users say about the item
    r        = mean over j of LeakyReLU(W_1 [v_j ; u ; y_j])                       width `CONTEXT`
    phi      = W_2 r                             (4, width): low, high, ReLU(factor), shift
    h_0      = [q ; u];   h_(l+1) = W_l LeakyReLU(M_l(h_l))   for l = 0..3, the last of width 1
    content  : score = low + R sigmoid(h_4)
    residual : score = b_q + a + t_q + R tanh(h_4 / 4)

    a        = sum over j of (y_j - b_(v_j)) / (N + s)                 level of the user
    e_j      = y_j - b_(v_j) - a
    t_q      = sum over j of k(q, v_j) e_j / (l + sum over j of k(q, v_j))      `Resemblance`
    k(q, v)  = sum over fields of w cosine(values of q, values of v)^2

The residual form reads e_j instead of y_j, in quarters of R, and W_2 also reads log(1 + N). So it
starts at the closed form "mean of the item, level of the user, and what was said about items that
share values with it"; s, l and w are learned, and phi, which starts equal for everybody, carries
what that leaves over. A hypernetwork that reads the level remembers the training users by it: best
validation error on MovieTweetings (seed 0, rates that do not fall) 2.213 to 2.219 with it, 2.198 to
2.203 without.

M_l is `core.knowledge.modulation.modulate` with the cells of a structure, or while searching, with
a gate g = sigmoid(alpha) for every cell, x -> g op(x) + (1 - g) x in the order of the operations.
The user block of `phi` cannot depend on the order of the ratings, on padding or on candidates.

Differs from the paper: (1) in a kept structure the multiplier starts near 1 instead of 0, where it
would erase the layer; with gates it starts near 0, so that it has to prove itself; (2) the residual
form is an addition; (3) no user id, since the ids of new users are never trained; (4) item vectors
are computed once per step.
"""

import math
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
SHRINK = 3.0  # given ratings that the level 0 counts for, and likewise in resemblance, at the start
FIELD_WEIGHT = 0.3  # of a field in resemblance, at the start
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


@dataclass(frozen=True, eq=False)
class ItemTables:
    """What is known about every item of a catalogue.

    Attributes:
        fields: properties.
        numbers: (n, 1 + k) float32: the mean of the item's ratings, shrunk, and its factors, from
            warm users; (n, 0) in content form.
        centre: (1 + k) float32 what is taken from the numbers before they are read.
        spread: (1 + k) float32 what they are divided by then.
    """

    fields: tuple[Field, ...]
    numbers: np.ndarray
    centre: np.ndarray
    spread: np.ndarray


class ItemEncoder(nn.Module):
    """Items to vectors: their fields, and in residual form what warm users say about them.

    Args:
        items: catalogue; another one may be read later.
        field_dim: width of each field's table.
        number_dim: width of the part that reads the numbers.
    """

    def __init__(self, items: ItemTables, field_dim: int, number_dim: int) -> None:
        super().__init__()
        num_values, num_numbers = [len(one.values) for one in items.fields], items.numbers.shape[1]
        self.fields = FieldEncoder(num_values, field_dim) if num_values else None
        self.numbers = nn.Linear(num_numbers, number_dim) if num_numbers else None
        self.register_buffer("centre", torch.from_numpy(items.centre))
        self.register_buffer("spread", torch.from_numpy(items.spread))
        self.out_dim = len(num_values) * field_dim + (number_dim if num_numbers else 0)
        if not self.out_dim:
            raise ShapeError("items need fields or ratings of warm users to be told apart.")

    def forward(self, rows: Sequence[Tensor], numbers: Tensor) -> Tensor:
        """(n, out_dim) from one (n, width) per field and (n, 1 + k) numbers as they are."""
        parts = (
            [] if self.numbers is None else [self.numbers((numbers - self.centre) / self.spread)]
        )
        parts += [] if self.fields is None else [self.fields(rows)]
        return torch.cat(parts, -1)


class Hypernetwork(nn.Module):
    """From given ratings to the numbers that modulate; any number of them, none included.

    Args:
        in_dim: of an item's and the user's vectors together.
        width: of the modulated layers together.
        num_more: further numbers about the ratings together.
    """

    def __init__(self, in_dim: int, width: int, num_more: int) -> None:
        super().__init__()
        self.width = width
        self.each = nn.Linear(in_dim + 1, CONTEXT)
        self.all = nn.Linear(CONTEXT + num_more, len(OPERATIONS) * width)

    def forward(self, x: Tensor, rating: Tensor, mask: Tensor, more: Tensor) -> Tensor:
        """Phi (b, 4, width).

        Args:
            x: (b, n, in_dim).
            rating: (b, n).
            mask: (b, n) of 0 and 1.
            more: (b, num_more).
        """
        each = functional.leaky_relu(self.each(torch.cat([x, rating.unsqueeze(-1)], -1)))
        mean = (each * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        low, high, factor, shift = self.all(torch.cat([mean, more], -1)).split(self.width, -1)
        return torch.stack([low, high, functional.relu(factor), shift], 1)


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


class Resemblance(nn.Module):
    """What a user said about items that share values of fields with the one that is asked for.

    Args:
        num_fields: of an item.
    """

    def __init__(self, num_fields: int) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.full((num_fields,), math.log(math.expm1(FIELD_WEIGHT))))
        self.log_shrink = nn.Parameter(torch.tensor(math.log(SHRINK)))

    @property
    def weights(self) -> Tensor:
        """(fields,) how much sharing all values of a field counts."""
        return functional.softplus(self.raw)

    @property
    def shrink(self) -> Tensor:
        """Resemblance that no error at all counts for."""
        return self.log_shrink.exp()

    def kernel(self, asked: Sequence[Tensor], given: Sequence[Tensor]) -> Tensor:
        """(b, m, n) from values (b, m, width) and (b, n, width) of each field, negative: none."""
        found = [
            weight * shared_values(a, g)
            for weight, a, g in zip(self.weights, asked, given, strict=True)
        ]
        return torch.stack(found).sum(0)

    def forward(self, kernel: Tensor, error: Tensor, mask: Tensor) -> Tensor:
        """(b, m) from kernel (b, m, n), error (b, n) and mask (b, n) of the given ratings."""
        kernel = kernel * mask.unsqueeze(1)
        told = (kernel * error.unsqueeze(1)).sum(-1)
        return told / (self.shrink + kernel.sum(-1))


def shared_values(asked: Tensor, given: Tensor) -> Tensor:
    """(b, m, n) squared cosine of the sets of values (b, m, width) and (b, n, width).

    A negative number is no value; no value comes twice in a row. Without a value it is 0. The same
    in numpy: `core.knowledge.resemblance`.
    """
    one, other = asked.unsqueeze(2).unsqueeze(-1), given.unsqueeze(1).unsqueeze(-2)
    same = ((one == other) & (one >= 0)).to(torch.float32).sum((-2, -1))  # (b, m, n)
    sizes = (asked >= 0).sum(-1).unsqueeze(2) * (given >= 0).sum(-1).unsqueeze(1)
    return same**2 / sizes.clamp(min=1)


class RatingScorer(nn.Module):
    """From vectors to scores: hypernetwork and predictor.

    Args:
        item_dim: width of an item's vector.
        user_dim: width of a user's, 0 where users have no properties.
        structure: what is kept, None to search.
        scale: of the ratings.
        residual: form, see the head of this module.
        num_fields: of an item.
    """

    def __init__(
        self,
        item_dim: int,
        user_dim: int,
        structure: Structure | None,
        scale: Scale,
        *,
        residual: bool,
        num_fields: int,
    ) -> None:
        super().__init__()
        self.scale, self.residual = scale, residual
        self.predictor = ModulatedPredictor(item_dim + user_dim, structure)
        self.hypernetwork = Hypernetwork(
            item_dim + user_dim, sum(self.predictor.widths), 1 if residual else 0
        )
        if structure is not None:
            _, _, factor, _ = self.hypernetwork.all.bias.detach().chunk(len(OPERATIONS))
            factor += 1
            if residual:
                nn.init.zeros_(self.hypernetwork.all.weight)
        if residual:
            self.log_shrink = nn.Parameter(torch.tensor(math.log(SHRINK)))
            self.resemblance = Resemblance(num_fields)

    def forward(
        self,
        user: Tensor,
        support: Tensor,
        support_bias: Tensor,
        support_rating: Tensor,
        support_mask: Tensor,
        candidate: Tensor,
        candidate_bias: Tensor,
        kernel: Tensor,
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
            kernel: (b, m, n) of `Resemblance`, used in residual form only.

        Returns:
            score (b, m), phi (b, 4, width).
        """
        x, asked = beside(support, user), beside(candidate, user)
        if not self.residual:
            phi = self.hypernetwork(x, support_rating, support_mask, support_mask[:, :0])
            return self.output(self.predictor(asked, phi), candidate_bias, candidate_bias), phi
        level = self.level(support_rating, support_bias, support_mask)
        error = support_rating - support_bias - level
        count = support_mask.sum(1, keepdim=True)
        phi = self.hypernetwork(
            x, error / (self.scale.span / QUARTERS), support_mask, count.log1p()
        )
        known = level + self.resemblance(kernel, error, support_mask)
        return self.output(self.predictor(asked, phi), candidate_bias, known), phi

    def level(self, rating: Tensor, bias: Tensor, mask: Tensor) -> Tensor:
        """(b, 1) how far a user's ratings lie above those of others, shrunk; 0 in content form."""
        if not self.residual:
            return rating.new_zeros(len(rating), 1)
        above = ((rating - bias) * mask).sum(1, keepdim=True)
        return above / (mask.sum(1, keepdim=True) + self.log_shrink.exp())

    def output(self, out: Tensor, bias: Tensor, known: Tensor) -> Tensor:
        """Scores (b, m) from the predictor's numbers (b, m), on top of what is known without it.

        Args:
            out: (b, m).
            bias: (b, m).
            known: (b, 1) or (b, m) level and resemblance; as `bias`, not used in content form.
        """
        if self.residual:
            return bias + known + self.scale.span * torch.tanh(out / QUARTERS)
        return self.scale.low + self.scale.span * out.sigmoid()


def beside(items: Tensor, user: Tensor) -> Tensor:
    """(b, n, item_dim + user_dim) from (b, n, item_dim) and (b, user_dim)."""
    if not user.shape[-1]:
        return items
    return torch.cat([items, user.unsqueeze(1).expand(-1, items.shape[1], -1)], -1)


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
    ) -> None:
        super().__init__()
        self.item_encoder = ItemEncoder(items, field_dim, number_dim)
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
            num_fields=len(items.fields),
        )
        self.widths = [field.table.shape[1] for field in items.fields]
        table = np.concatenate(
            [np.zeros((len(items.numbers), 0), np.int64), *(one.table for one in items.fields)], 1
        )
        self.register_buffer("field_rows", torch.from_numpy(table))  # (n, widths together)
        self.register_buffer("numbers", torch.from_numpy(items.numbers))  # (n, 1 + k)

    @property
    def num_adapted(self) -> int:
        """Numbers that a user's ratings change: phi where it is used, and the level."""
        predictor = self.scorer.predictor
        used = sum(predictor.widths[position] for position, _ in predictor.structure.kept)
        return used + self.scorer.residual

    def bias(self, numbers: Tensor) -> Tensor:
        """(n,) shrunk mean rating of each item; 0 in content form."""
        return numbers[:, 0] if self.scorer.residual else numbers.new_zeros(len(numbers))

    def item_vectors(self, numbers: Tensor) -> Tensor:
        """(n, item_dim) of the catalogue with these numbers (n, 1 + k)."""
        return self.item_encoder(self.field_rows.split(self.widths, -1), numbers)

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
        numbers: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Score (b, m) in rating units and phi (b, 4, width); rows of the catalogue as items.

        With `numbers` (n, 1 + k) items are read as if these were their means and factors.
        """
        numbers = self.numbers if numbers is None else numbers
        vectors, bias = self.item_vectors(numbers), self.bias(numbers)
        rows = self.field_rows
        return self.scorer(
            self.user_vectors(user_field),
            functional.embedding(support_item, vectors),
            bias[support_item],
            support_rating,
            support_mask,
            functional.embedding(candidate_item, vectors),
            bias[candidate_item],
            self.kernel(rows[candidate_item], rows[support_item]),
        )

    def kernel(self, asked: Tensor, given: Tensor) -> Tensor:
        """(b, m, n) resemblance of items by values (b, m, widths), (b, n, widths) of all fields."""
        if not self.scorer.residual or not self.widths:
            return self.numbers.new_zeros(len(asked), asked.shape[1], given.shape[1])
        return self.scorer.resemblance.kernel(
            asked.split(self.widths, -1), given.split(self.widths, -1)
        )
