"""PACIA: a task adapts the encoder, a question the depth, both without a gradient step.

Source: Wu, Wang, Yao, "PACIA: Parameter-Efficient Adapter for Few-Shot Molecular Property
Prediction", IJCAI 2024, section 4, with the sizes of the authors' code in its released setting.

Notation: T tasks, S support molecules, Q queries, L encoder layers, D relation layers, d width of
the encoder, w `WIDTH`. H(x) turns the support's vectors and labels into one vector.

    z        = three layers over [x ; one-hot label], the last two residual
    H(x)     = three layers over [mean of z, inactive ; mean of z, active], the middle one residual
    (a, b)_l = H_a(g_l), H_b(g_l), each of unit length; g_l = mean of h_l over the atoms of a
               support molecule, beside the one-hot number of the layer
    h_l      = h_l * (1 + a_l) + b_l                 for the atoms of the support and of the queries
    n_0      = MLP(g_L)                              width w
    n_k      = relation layer k of `core.function.par`, one graph per query
    logit_y  = <n_k(query), W(p_y)> + B(p_y)         p_y = mean of n_k over the support of class y
    s_k      = MLP([H_s(n_k of the support) ; n_k(query)])
    loss     = sum over k of softmax(s)_k cross entropy_k;   prediction: the k of the largest s_k

The numbers a, b are all that a task changes: 2 L d, 3,000 for d = 300 and five layers.
With five relation layers the network has 4,036,171 parameters (d = 300).

Exact savings: pairs of support molecules in the first relation layer are scored once for all
queries, and each pair once for both orders; a molecule given several times is one node that counts
as often, since its copies could never differ; tasks run side by side.

Differs from the paper: (1) H_a and H_b are shared by all layers, which their number tells apart;
with a pair per layer they would hold 6.3 M parameters; (2) classes are counts, so that any number
of molecules of either class works and padding changes nothing; k nearest and ties as in
`core.function.par`; (3) batch norm sees support and queries of all tasks of a step together.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ShapeError
from core.function.gin import GinEncoder, GraphTensors
from core.function.par import WIDTH, Relation, keep_largest
from core.function.segment import gather_rows

AT_ONCE = 32  # queries that a processor relates at once, so that their pairs stay in its cache


class PaciaCard(NamedTuple):
    """What PACIA keeps of the support of one task.

    Attributes:
        adapter: (L, 2, d) scale and shift of every encoder layer.
        support: (S, w) nodes before the relation layers.
        counts: (S, 2) how often each was given as inactive and as active.
    """

    adapter: Tensor
    support: Tensor
    counts: Tensor


class PaciaOutput(NamedTuple):
    """Answers after every relation layer.

    Attributes:
        logits: (..., Q, D, 2).
        depth: (..., Q, D) scores of the depths; the largest is used.
        relations: (..., Q, D, S) weight of each support molecule, 0 to 1; 0 where it is not among
            the k nearest.
    """

    logits: Tensor
    depth: Tensor
    relations: Tensor

    def at_chosen(self, values: Tensor) -> Tensor:
        """Values (..., Q, D, n) at the depth of the largest score, (..., Q, n)."""
        best = self.depth.argmax(-1)[..., None, None].expand(
            *values.shape[:-2], 1, values.shape[-1]
        )
        return values.gather(-2, best).squeeze(-2)


class Residual(nn.Module):
    """x + LeakyReLU(linear(x)).

    Args:
        dim: width.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + functional.leaky_relu(self.linear(x))


class SetHyperNetwork(nn.Module):
    """H: one vector from labelled vectors, whatever their number and order.

    Args:
        in_dim: of each vector, without its label.
        hidden_dim: width inside.
        out_dim: of the result.
    """

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int) -> None:
        super().__init__()
        m = hidden_dim
        self.each = nn.Sequential(
            nn.Linear(in_dim + 2, m), nn.LeakyReLU(), Residual(m), Residual(m)
        )
        self.both = nn.Sequential(
            nn.Linear(2 * m, m), nn.LeakyReLU(), Residual(m), nn.Linear(m, out_dim)
        )

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        """Vectors (..., S, in_dim) and counts (..., S, 2) that broadcast to (..., out_dim)."""
        labels = (counts > 0).to(x).expand(*x.shape[:-1], 2)
        z = self.each(torch.cat([x, labels], -1))
        return self.both(class_means(z, counts).flatten(-2))


class PaciaNetwork(nn.Module):
    """Encoder with task adapters, relation layers, generated classifier, depth controller.

    Args:
        encoder: of molecules.
        num_relation_layers: D.
        relation_dropout: before the relations; paper: 0.2.
    """

    def __init__(
        self, encoder: GinEncoder, *, num_relation_layers: int = 5, relation_dropout: float = 0.2
    ) -> None:
        super().__init__()
        d, w = encoder.hidden_dim, WIDTH
        self.encoder = encoder
        self.scale, self.shift = (SetHyperNetwork(d + encoder.num_layers, d, d) for _ in "ab")
        self.project = nn.Sequential(nn.Linear(d, w), nn.LeakyReLU(), nn.Linear(w, w))
        self.dropout = nn.Dropout(relation_dropout)
        self.relations = nn.ModuleList(Relation() for _ in range(num_relation_layers))
        self.weight, self.bias = (
            nn.Sequential(
                nn.Linear(w, w), nn.LeakyReLU(), Residual(w), Residual(w), nn.Linear(w, out_dim)
            )
            for out_dim in (w, 1)
        )
        self.context = SetHyperNetwork(w, w, w)
        self.control = nn.Sequential(Residual(2 * w), Residual(2 * w), nn.Linear(2 * w, 1))

    @property
    def num_adapted(self) -> int:
        """Numbers that change from task to task."""
        return 2 * self.encoder.num_layers * self.encoder.hidden_dim

    def forward(
        self, graph: GraphTensors, support: Tensor, counts: Tensor, query: Tensor
    ) -> Tensor:
        """Logits (T, Q, 2) at the chosen depths.

        Args:
            graph: molecules, each of one task only.
            support: (T, S) molecules.
            counts: (T, S, 2) how often each is given as inactive and as active: one-hot where no
                molecule comes twice; a row of zeros is padding.
            query: (T, Q) molecules.
        """
        output = self.episodes(graph, support, counts, query)
        return output.at_chosen(output.logits)

    def loss(
        self,
        graph: GraphTensors,
        support: Tensor,
        counts: Tensor,
        query: Tensor,
        labels: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Cross entropy of the queries, over depths as the controller weighs them.

        Args:
            graph: molecules, each of one task only.
            support: (T, S).
            counts: (T, S, 2).
            query: (T, Q).
            labels: (T, Q) int64.
            mask: (T, Q) 0 for padding.
        """
        output = self.episodes(graph, support, counts, query)
        likelihood = output.logits.log_softmax(-1)  # (T, Q, D, 2)
        of_label = (likelihood * functional.one_hot(labels, 2).unsqueeze(2)).sum(-1)  # (T, Q, D)
        each = -(output.depth.softmax(-1) * of_label).sum(-1)
        return (each * mask).sum() / mask.sum().clamp(min=1)

    def adapt(self, graph: GraphTensors, counts: Tensor) -> PaciaCard:
        """The card of one task.

        Args:
            graph: its S support molecules.
            counts: (S, 2).
        """
        adapter = []

        def modulation(number: int, h: Tensor) -> Tensor:
            adapter.append(self._adapt(number, self.encoder.pool(h, graph), counts))
            return adapter[-1].unsqueeze(1)

        support = self._encode(graph, modulation)
        return PaciaCard(torch.stack(adapter), support, counts)

    def predict(self, card: PaciaCard, graph: GraphTensors) -> PaciaOutput:
        """Answers to Q molecules under a card."""
        return self._relate(card.support, card.counts, self._asked(card, graph))

    def answer(self, card: PaciaCard, graph: GraphTensors) -> Tensor:
        """Probability (Q,) of being active under a card."""
        asked = self._asked(card, graph)
        parts = asked.split(AT_ONCE) if asked.device.type == "cpu" else [asked]
        outputs = [self._relate(card.support, card.counts, part) for part in parts]
        return torch.cat([one.at_chosen(one.logits).softmax(-1)[..., 1] for one in outputs])

    def episodes(
        self, graph: GraphTensors, support: Tensor, counts: Tensor, query: Tensor
    ) -> PaciaOutput:
        """Answers (T, Q, ...) of all tasks; arguments as in `forward`.

        Raises:
            ShapeError: a molecule is used by two tasks, or none uses it.
        """
        task = owners(support, query, graph.sizes.shape[0])[graph.molecule]  # (A,)

        def modulation(number: int, h: Tensor) -> Tensor:
            adapter = self._adapt(number, self.encoder.pool(h, graph)[support], counts)
            return torch.stack([gather_rows(part, task) for part in adapter.unbind(-2)])

        nodes = self._encode(graph, modulation)
        return self._relate(nodes[support], counts, nodes[query])

    def _adapt(self, number: int, pooled: Tensor, counts: Tensor) -> Tensor:
        """Scale and shift (..., 2, d) after a layer: pooled (..., S, d), counts (..., S, 2)."""
        every = torch.arange(self.encoder.num_layers, device=pooled.device)
        layer = (every == number).to(pooled)  # one-hot without a write, which would be a scatter
        x = torch.cat([pooled, layer.expand(*pooled.shape[:-1], -1)], -1)
        both = torch.stack([self.scale(x, counts), self.shift(x, counts)], -2)
        return functional.normalize(both, dim=-1)

    def _encode(self, graph: GraphTensors, modulation: Callable[[int, Tensor], Tensor]) -> Tensor:
        """Nodes (M, w); `modulation` turns a layer and its states into (2, A or 1, d)."""
        h = self.encoder.embed(graph)
        for number in range(self.encoder.num_layers):
            h = self.encoder.layer(number, h, graph)
            scale, shift = modulation(number, h)
            h = h * (1 + scale) + shift
        return self.project(self.encoder.pool(h, graph))

    def _asked(self, card: PaciaCard, graph: GraphTensors) -> Tensor:
        """Nodes (Q, w) of queries, modulated by a card."""
        return self._encode(graph, lambda number, _: card.adapter[number].unsqueeze(1))

    def _relate(self, known: Tensor, counts: Tensor, asked: Tensor) -> PaciaOutput:
        """Relation layers and answers; the query is the last node of its graph.

        Args:
            known: (..., S, w).
            counts: (..., S, 2).
            asked: (..., Q, w).
        """
        known, asked = self.dropout(known), self.dropout(asked).unsqueeze(-2)  # (..., Q, 1, w)
        size = counts.sum(-2).min(-1).values.clamp(min=1)[..., None, None, None]
        given = functional.pad(counts.sum(-1), (0, 1), value=1.0)[..., None, None, :]
        itself = torch.eye(given.shape[-1], device=given.device, dtype=given.dtype)
        others = (given - itself).clamp(min=0)  # (..., 1, S + 1, S + 1), its own repeats too
        counts = counts.unsqueeze(-3)  # (..., 1, S, 2)
        logits = self.relations[0].in_graphs(known, asked)  # (..., Q, S + 1, S + 1)
        known = known.unsqueeze(-3).expand(*asked.shape[:-2], *known.shape[-2:])
        nodes = torch.cat([known, asked], -2)  # (..., Q, S + 1, w)
        found = []
        for layer in self.relations:
            logits = layer.among(nodes) if found else logits
            adjacency = keep_largest(logits, others, size)
            nodes = layer.pass_messages(nodes, nodes, adjacency * others)
            known, query = nodes[..., :-1, :], nodes[..., -1, :]
            means = class_means(known, counts)  # (..., Q, 2, w)
            answer = (self.weight(means) * query.unsqueeze(-2)).sum(-1) + self.bias(means)[..., 0]
            context = torch.cat([self.context(known, counts), query], -1)
            found.append((answer, self.control(context)[..., 0], adjacency[..., -1, :-1]))
        answers, depths, relations = zip(*found, strict=True)
        return PaciaOutput(
            torch.stack(answers, -2), torch.stack(depths, -1), torch.stack(relations, -2)
        )


def class_means(x: Tensor, counts: Tensor) -> Tensor:
    """Mean (..., 2, n) of x (..., S, n) over each class of counts (..., S, 2), 0 if empty."""
    return counts.transpose(-1, -2) @ x / counts.sum(-2).clamp(min=1).unsqueeze(-1)


def owners(support: Tensor, query: Tensor, num_molecules: int) -> Tensor:
    """The task (M,) of each molecule.

    Args:
        support: (T, S) molecules of each task.
        query: (T, Q).
        num_molecules: M.

    Raises:
        ShapeError: a molecule is used by two tasks, or none uses it.
    """
    rows = torch.cat([support, query], 1)  # (T, S + Q)
    task = torch.arange(len(rows), device=rows.device).unsqueeze(1).expand_as(rows)
    owner = torch.full((num_molecules,), -1, device=rows.device)
    owner[rows] = task
    if (owner < 0).any() or (owner[rows] != task).any():
        raise ShapeError("each molecule of a batch must belong to exactly one task.")
    return owner
