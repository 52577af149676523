"""PAR: molecules of one property, related to each other and to the question.

Source: Wang, Abuduweili, Yao, Dou, NeurIPS 2021, "Property-Aware Relation Networks for Few-Shot
Molecular Property Prediction", sections 3.1-3.3, with the sizes of the authors' code.

Notation: T tasks, S support molecules, Q queries, d embedding width, w `WIDTH`, n nodes of a graph.

    c_y      = mean embedding of the support molecules of class y
    b        = first token of softmax(q k^T / sqrt(d)) v over the tokens [g ; c_0 ; c_1]
    h^0      = MLP([b ; g])
    a^l_ij   = sigmoid(MLP(exp(-|h^l_i - h^l_j|))), 0 for i = j, the k largest of each row kept
    h^l+1_i  = LeakyReLU(W^l [h^l_i ; sum_j a^l_ij h^l_j / sum_j a^l_ij])
    logits   = MLP(h^2), of the question

Each question has a graph of its own: the support and that question. One gradient step of size
`inner_rate` on the support molecules adapts b, h^0 and the logits to a task; the relations (W and
the MLP of a) are shared by all tasks. The loss of that step is the cross entropy of the support
molecules plus the squared difference between a^1 and "same class"; the loss of training is the same
of the questions after the step, differentiated through it.

Exact savings: pairs of support molecules in the first layer are the same in every graph; a pair is
scored once for both orders while training; in the last layer only the row of the question is needed
to answer it.

Differs from the paper: (1) classes are masks, so that any number of molecules of either class works
and padding rows change nothing; k is the size of the smaller class, which is the number of shots
where both are equal; relations that tie with the k-th are kept, so that the order of molecules does
not matter, and they are ranked before the sigmoid, where float32 still tells them apart; (2)
adaptation outside training is free of dropout and sees the molecules handed in as `anchors` instead
of the first 16 questions: an answer depends neither on the order of the questions nor on who else
is asked; without anchors the graph of the support alone serves; (3) the relations of the support
are averaged over the graphs before they are compared with the classes, in training as in testing
(the authors' code: in testing only); (4) dropout hides parts of a support molecule in all graphs of
a step alike.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from core.errors import ShapeError

WIDTH = 128
TIE = 1e-5  # logits this close are equal: the same molecule given twice, seen through float32
NEVER = -1e30

Fast = dict[str, dict[str, Tensor]]  # adapted parameters of one task, by module and name


class ParOutput(NamedTuple):
    """Answers of PAR.

    Attributes:
        logits: (..., Q, 2).
        relations: (..., Q, S) weight of each support molecule in the last layer, 0 to 1; 0 where
            it is not among the k nearest.
    """

    logits: Tensor
    relations: Tensor


class ParState(NamedTuple):
    """One task after adaptation.

    Attributes:
        fast: adapted parameters by module and name.
        support: (S, d).
        classes: (S, 2).
    """

    fast: Fast
    support: Tensor
    classes: Tensor


class PropertyAware(nn.Module):
    """Embeddings of molecules seen in the light of both classes.

    Args:
        dim: d.
        dropout: of the attention weights and inside the MLP.
    """

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.scale = dim**-0.5
        self.attend = nn.Linear(dim, 3 * dim, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Sequential(
            nn.Linear(2 * dim, WIDTH), nn.LeakyReLU(), nn.Dropout(dropout), nn.Linear(WIDTH, WIDTH)
        )

    def forward(self, molecules: Tensor, context: Tensor) -> Tensor:
        """Attend to a molecule itself and to both class means.

        Args:
            molecules: (n, d).
            context: (2, d).

        Returns:
            (n, w).
        """
        query, own_key, own_value = self.attend(molecules).chunk(3, -1)
        _, keys, values = self.attend(context).chunk(3, -1)
        scores = torch.cat([(query * own_key).sum(-1, keepdim=True), query @ keys.T], -1)  # (n, 3)
        own, others = self.dropout(torch.softmax(scores * self.scale, -1)).split([1, 2], -1)
        first = own * own_value + others @ values  # (n, d)
        return self.mix(torch.cat([first, molecules], -1))


class Relation(nn.Module):
    """One layer: relations of pairs of nodes, as logits, and messages along them."""

    def __init__(self) -> None:
        super().__init__()
        self.edge = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH, bias=False),
            nn.LeakyReLU(),
            nn.Linear(2 * WIDTH, WIDTH, bias=False),
            nn.LeakyReLU(),
            nn.Linear(WIDTH, 1),
        )
        self.node = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def between(self, left: Tensor, right: Tensor) -> Tensor:
        """Logits of the relations of all rows of `left` (..., m, w) and of `right` (..., n, w).

        Returns:
            (..., m, n).
        """
        return self._score(left.unsqueeze(-2), right.unsqueeze(-3))

    def among(self, nodes: Tensor) -> Tensor:
        """Logits of the relations of nodes (..., n, w) to each other; each pair is scored once.

        Pairs are laid out by their distance around a circle, so that their number follows from n
        alone and nothing but plain gathers is needed to serve them.

        Returns:
            (..., n, n), symmetric; the diagonal is that of equal nodes.
        """
        number, most = nodes.shape[-2], nodes.shape[-2] // 2
        first = torch.arange(number, device=nodes.device)
        n = first[-1] + 1  # the number as a tensor, with which an exported model can calculate
        second = (first.unsqueeze(1) + torch.arange(1, most + 1, device=nodes.device)) % n
        others = nodes.index_select(-2, second.flatten()).unflatten(-2, (number, most))
        once = self._score(nodes.unsqueeze(-2), others).flatten(-2)  # (..., n most)
        same = self.edge(nodes.new_ones(WIDTH)).expand(*once.shape[:-1], 1)
        row, column = first.unsqueeze(1), first
        away = (column - row) % n  # (n, n) steps from row to column
        half = n // 2
        place = torch.where(away <= half, row * half + away, column * half + n - away)
        place = place * (away > 0)  # equal nodes stand first
        full = torch.cat([same, once], -1).index_select(-1, place.flatten())
        return full.unflatten(-1, (number, number))

    def in_graphs(self, known: Tensor, asked: Tensor) -> Tensor:
        """Logits of a first layer: each graph holds nodes that are the same in all, and one more.

        Args:
            known: (..., S, w), scored once for all graphs.
            asked: (..., Q, 1, w), the last node of each graph.

        Returns:
            (..., Q, S + 1, S + 1); the diagonal means nothing.
        """
        across = self.between(asked, known.unsqueeze(-3))  # (..., Q, 1, S)
        within = self.among(known).unsqueeze(-3)
        within = within.expand(*across.shape[:-2], *within.shape[-2:])
        above = torch.cat([within, across.transpose(-1, -2)], -1)
        return torch.cat([above, functional.pad(across, (0, 1))], -2)

    def pass_messages(self, nodes: Tensor, neighbours: Tensor, adjacency: Tensor) -> Tensor:
        """New states of `nodes` (..., m, w); neighbours (..., n, w), adjacency (..., m, n)."""
        received = functional.normalize(adjacency, p=1, dim=-1) @ neighbours
        return functional.leaky_relu(self.node(torch.cat([nodes, received], -1)))

    def _score(self, left: Tensor, right: Tensor) -> Tensor:
        return _by_rows(self.edge, torch.exp(-(left - right).abs())).squeeze(-1)


class ParHead(nn.Module):
    """Everything after the encoder; 380,210 adapted and 196,866 shared parameters for d = 300.

    Args:
        dim: d.
        inner_rate: size of the gradient step that adapts to a task.
        property_dropout: in the property-aware embedding; paper: 0.1.
        relation_dropout: before the relations and before the classifier; paper: 0.2.
    """

    ADAPTED = ("aware", "classifier")

    def __init__(
        self,
        dim: int,
        *,
        inner_rate: float = 0.1,
        property_dropout: float = 0.1,
        relation_dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.inner_rate = inner_rate
        self.aware = PropertyAware(dim, property_dropout)
        self.dropout = nn.Dropout(relation_dropout)
        self.relations = nn.ModuleList([Relation(), Relation()])
        self.classifier = nn.Sequential(
            nn.Dropout(relation_dropout),
            nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(),
            nn.Linear(WIDTH, 2),
        )

    @property
    def num_adapted(self) -> int:
        """Numbers that change from task to task."""
        return sum(p.numel() for name in self.ADAPTED for p in getattr(self, name).parameters())

    def forward(
        self, support: Tensor, classes: Tensor, query: Tensor, anchors: Tensor | None = None
    ) -> ParOutput:
        """Adapt to every task and answer its queries.

        Args:
            support: (T, S, d) embeddings.
            classes: (T, S, 2) one-hot, inactive first; a row of zeros is padding.
            query: (T, Q, d).
            anchors: (T, A, d) unlabelled molecules beside the support while adapting.
        """
        if anchors is None:
            anchors = support[:, :0]
        return vmap(
            lambda *task: self.predict(self.adapt(*task[:3]), task[3]), randomness="different"
        )(support, classes, anchors, query)

    def loss(
        self, support: Tensor, classes: Tensor, query: Tensor, labels: Tensor, mask: Tensor
    ) -> Tensor:
        """Mean over tasks of the loss of the queries after adaptation, whose anchors they are.

        Args:
            support: (T, S, d).
            classes: (T, S, 2).
            query: (T, Q, d).
            labels: (T, Q) int64.
            mask: (T, Q) 0 for padding.
        """
        return vmap(self._query_loss, randomness="different")(
            support, classes, query, labels, mask
        ).mean()

    def adapt(self, support: Tensor, classes: Tensor, anchors: Tensor | None = None) -> ParState:
        """Fit one task.

        Args:
            support: (S, d).
            classes: (S, 2).
            anchors: (A, d) unlabelled molecules, one graph each; with none the graph of the support
                alone. Memory grows with A S^2 (served: 66 MB for A = 16, S = 20 and 2.2 GB for
                S = 128, where no anchors take 0.2 GB).
        """
        if support.shape[:1] != classes.shape[:1]:
            raise ShapeError(
                f"support {tuple(support.shape)} and classes {tuple(classes.shape)} must agree."
            )
        anchors = support[:0] if anchors is None else anchors
        blank = torch.zeros_like(support[:1])  # its graph counts only where there is no other
        present = torch.cat([torch.ones_like(anchors[:, 0]), blank[:, 0]])
        return self._step(support, classes, torch.cat([anchors, blank]), present)

    def answer(self, state: ParState, query: Tensor) -> Tensor:
        """Probability (Q,) of being active of queries (Q, d) of one task."""
        return self.predict(state, query).logits.softmax(-1)[..., 1]

    def predict(self, state: ParState, query: Tensor) -> ParOutput:
        """Logits (Q, 2) and relations (Q, S) of queries (Q, d) of one task."""
        nodes, valid, size = self._graphs(*state, query, torch.ones_like(query[:, 0]))
        layer = self.relations[1]
        known, asked = _ends(nodes, 1)
        adjacency = keep_largest(layer.between(asked, known), valid[:, None, :-1], size)
        states = layer.pass_messages(asked, known, adjacency)  # (Q, 1, w)
        return ParOutput(self._classify(state.fast, states).squeeze(1), adjacency.squeeze(1))

    def _step(self, support: Tensor, classes: Tensor, anchors: Tensor, present: Tensor) -> ParState:
        """State after one gradient step; present (A,) is 0 where an anchor is padding."""
        fast = {name: dict(getattr(self, name).named_parameters()) for name in self.ADAPTED}
        slope = grad(self._support_loss)(fast, support, classes, anchors, present)
        stepped = {
            module: {
                name: value - self.inner_rate * slope[module][name]
                for name, value in parameters.items()
            }
            for module, parameters in fast.items()
        }
        return ParState(stepped, support, classes)

    def _support_loss(
        self, fast: Fast, support: Tensor, classes: Tensor, anchors: Tensor, present: Tensor
    ) -> Tensor:
        """Loss of one task's support: cross entropy and misfit of its relations."""
        nodes, valid, size = self._graphs(fast, support, classes, anchors, present)
        layer = self.relations[1]
        logits = self._among(layer, nodes)  # (A, S + 1, S + 1)
        adjacency = keep_largest(logits, self._others(valid), size)
        states, _ = _ends(layer.pass_messages(nodes, nodes, adjacency), 1)  # (A, S, w)
        weight = present + (present.sum() == 0)
        weight = weight / weight.sum()  # (A,)
        real = classes.sum(-1)  # (S,)
        count = real.sum().clamp(min=1)
        likelihood = torch.log_softmax(self._classify(fast, states), -1)  # (A, S, 2)
        entropy = -(weight[:, None, None] * classes * likelihood).sum() / count
        within, _ = _ends(_ends(adjacency, 1)[0], 2)  # (A, S, S)
        relations = (weight[:, None, None] * within).sum(0)
        same = classes @ classes.T * (1 - torch.eye(classes.shape[0], device=classes.device))
        misfit = (relations - same).square() * real[:, None] * real
        return entropy + misfit.sum() / count.square()

    def _query_loss(
        self, support: Tensor, classes: Tensor, query: Tensor, labels: Tensor, mask: Tensor
    ) -> Tensor:
        """Loss of one task: cross entropy and misfit of the relations to the support."""
        state = self._step(support, classes, query, mask)
        logits, relations = self.predict(state, query)
        entropy = functional.cross_entropy(logits, labels, reduction="none")  # (Q,)
        same = functional.one_hot(labels, 2).to(classes) @ classes.T  # (Q, S)
        misfit = ((relations - same).square() * classes.sum(-1)).sum(-1)
        losses = entropy + misfit / classes.sum().clamp(min=1)
        return (losses * mask).sum() / mask.sum().clamp(min=1)

    def _graphs(
        self, fast: Fast, support: Tensor, classes: Tensor, query: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Graphs of all queries after the first layer; the query is the last node of each.

        Returns:
            nodes (Q, S + 1, w), valid (Q, S + 1) 0 for padding, and k.
        """
        num_known, num_graphs = support.shape[0], query.shape[0]
        counts = classes.sum(0)  # (2,)
        context = classes.T @ support / counts.clamp(min=1).unsqueeze(1)  # (2, d)
        molecules = torch.cat([support, query])
        embedded = functional_call(self.aware, fast["aware"], (molecules, context))
        known, asked = self.dropout(embedded).split([num_known, num_graphs])
        asked = asked.unsqueeze(1)  # (Q, 1, w)
        size = counts.min().clamp(min=1)
        real = classes.sum(-1).expand(num_graphs, num_known)
        valid = torch.cat([real, present.unsqueeze(1)], 1)  # (Q, S + 1)
        layer = self.relations[0]
        across = layer.between(asked, known)  # (Q, 1, S)
        within = self._among(layer, known).expand(num_graphs, num_known, num_known)
        full = torch.cat(
            [torch.cat([within, across.transpose(1, 2)], 2), functional.pad(across, (0, 1))], 1
        )  # (Q, S + 1, S + 1)
        adjacency = keep_largest(full, self._others(valid), size)
        nodes = torch.cat([known.expand(num_graphs, *known.shape), asked], 1)
        return layer.pass_messages(nodes, nodes, adjacency), valid, size

    def _among(self, layer: Relation, nodes: Tensor) -> Tensor:
        """`Relation.among`; when served without gathers, whose gradients would be scatters."""
        return layer.among(nodes) if self.training else layer.between(nodes, nodes)

    @staticmethod
    def _others(valid: Tensor) -> Tensor:
        """(Q, n, n) which nodes each node may relate to: all that are there, but not itself."""
        return valid.unsqueeze(1) * (1 - torch.eye(valid.shape[1], device=valid.device))

    def _classify(self, fast: Fast, states: Tensor) -> Tensor:
        return _by_rows(
            lambda rows: functional_call(self.classifier, fast["classifier"], (rows,)), states
        )


def _by_rows(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A layer over the last axis; tracing the gradient of a biased one would fix all sizes of x."""
    rows = layer(x.reshape(-1, x.shape[-1]))
    return rows.reshape(*x.shape[:-1], rows.shape[-1])


def _ends(x: Tensor, dim: int) -> tuple[Tensor, ...]:
    """All but the last along an axis, and the last; an exported gradient of a slice scatters."""
    return x.split([x.shape[dim] - 1, 1], dim)


def keep_largest(logits: Tensor, allowed: Tensor, size: Tensor) -> Tensor:
    """Relations of the largest logits of each row, 0 elsewhere; ties with the last are kept.

    Args:
        logits: (..., n).
        allowed: of a shape that broadcasts, how often each counts; 0 where there is no relation.
        size: how many are kept, a tensor so that it may differ between tasks.

    Returns:
        (..., n) from 0 to 1.
    """
    rank = logits.detach().masked_fill(allowed == 0, NEVER)
    ranked, order = rank.sort(-1, descending=True)
    reached = allowed.expand_as(rank).gather(-1, order).cumsum(-1) >= size
    least = ranked.masked_fill(~reached, NEVER).amax(-1, keepdim=True)
    return torch.sigmoid(logits) * ((rank >= least - TIE) & (allowed > 0))
