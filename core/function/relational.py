"""Message passing over relational digraphs: one shared network for RED-GNN and its relatives.

Source: Zhang & Yao, WWW 2022, equations (3)-(5), with the gate of the authors' code; the learned
choice of nodes follows Zhang et al., "AdaProp", KDD 2023, section 3.2.

Notation: B questions, R relations, d `hidden_dim`, a `attention_dim`, L layers. For an edge
(s, r, o) of question q: h_s the state of the source before the layer, h_r and h_q rows of the
layer's own relation table.

    alpha = sigmoid(w . relu(W_s h_s + W_r h_r + W_q h_q + b_q) + b_w)
    m_o   = sum over edges into o of alpha (h_s + h_r)
    h_o   = GRU(dropout(act(W_h m_o)), h_o before the layer, 0 when o is new)
    score = w_f . h after the last layer; 0 for entities that were not reached

alpha and alpha (h_s + h_r) do not depend on o, so they are computed per (source, relation) pair.
Differs from the paper: none in value; see `core.knowledge.digraph` for the grouping.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ShapeError
from core.function.segment import gather_rows, pointer_of, sum_rows
from core.knowledge.digraph import Layer
from core.knowledge.graph import Adjacency

NODES_PER_BLOCK = 2048  # nodes updated at once while answering on a CPU: what fits its cache
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "identity": lambda x: x}


@dataclass(frozen=True, eq=False)
class StepInput:
    """Tensors of one layer; the fields are those of `core.knowledge.digraph.Layer`.

    `edge_pair` is ascending when grown here (`source_ascending`), `edge_node` when grown in numpy.
    """

    pair_node: Tensor
    pair_query: Tensor
    pair_relation: Tensor
    edge_pair: Tensor
    edge_node: Tensor
    nodes: Tensor
    previous: Tensor
    source_ascending: bool = False

    @classmethod
    def from_layer(cls, layer: Layer) -> "StepInput":
        """Copy a layer grown in numpy."""
        return cls(
            **{
                name: torch.from_numpy(getattr(layer, name))
                for name in (
                    "pair_node",
                    "pair_query",
                    "pair_relation",
                    "edge_pair",
                    "edge_node",
                    "nodes",
                    "previous",
                )
            }
        )


class GraphTensors:
    """The neighbour index on a device; grows layers without sorting.

    Args:
        adjacency: index built in numpy.
        device: where training runs.
    """

    def __init__(self, adjacency: Adjacency, device: torch.device | str = "cpu") -> None:
        pairs = adjacency.pairs
        self.num_entities = adjacency.num_entities
        self.owner, self.relation, self.pointer, self.target = (
            torch.from_numpy(array).to(device)
            for array in (pairs.owner, pairs.relation, pairs.pointer, adjacency.target)
        )

    def grow_layer(self, nodes: Tensor, num_queries: int) -> StepInput:
        """Torch twin of `core.knowledge.digraph.grow_layer`; edges come out by ascending pair."""
        n = self.num_entities
        entity = nodes % n
        query = nodes // n
        pair_node, pair = _expand(self.owner, entity)
        edge_pair, edge = _expand(self.pointer, pair)
        pair_query = query[pair_node]
        key = (pair_query * n)[edge_pair] + self.target[edge]
        reached = torch.zeros(num_queries * n, dtype=torch.bool, device=nodes.device)
        reached[key] = True
        after = reached.nonzero().squeeze(1)
        position = torch.empty(num_queries * n, dtype=torch.long, device=nodes.device)
        position[after] = torch.arange(len(after), device=nodes.device)
        edge_node = position[key]
        position.fill_(len(nodes))
        position[nodes] = torch.arange(len(nodes), device=nodes.device)
        return StepInput(
            pair_node,
            pair_query,
            self.relation[pair],
            edge_pair,
            edge_node,
            after,
            position[after],
            source_ascending=True,
        )


def _expand(pointer: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenate pointer[r]..pointer[r+1]-1 for each row; returns (owner, value)."""
    start = pointer[rows]
    count = pointer[rows + 1] - start
    owner = torch.repeat_interleave(count)
    first = torch.cumsum(count, 0) - count
    return owner, torch.arange(len(owner), device=rows.device) + (start - first)[owner]


def _row(stacked: Tensor, layer: int | Tensor) -> Tensor:
    """The parameters of one layer; a tensor index stays a Gather in the exported graph."""
    if isinstance(layer, int):
        return stacked[layer]
    return stacked.index_select(0, layer.reshape(1)).squeeze(0)


class RelationalGNN(nn.Module):
    """Attention message passing whose parameters are shared by all questions.

    Parameters: L[(2R+1)d + 3da + 2a + 1 + d^2] + 6d^2 + 6d + d.

    Args:
        num_relations: R, without inverses.
        num_layers: L.
        hidden_dim: d.
        attention_dim: a.
        dropout: share of features dropped after the activation, while training.
        activation: ``relu``, ``tanh`` or ``identity``.
        max_new_nodes: keep at most this many new entities per question and layer, chosen by a
            learned score; 0 keeps all and adds no parameter.
    """

    def __init__(
        self,
        num_relations: int,
        *,
        num_layers: int,
        hidden_dim: int,
        attention_dim: int,
        dropout: float = 0.0,
        activation: str = "relu",
        max_new_nodes: int = 0,
    ) -> None:
        super().__init__()
        shape, d, a = num_layers, hidden_dim, attention_dim
        self.num_relations, self.num_layers, self.hidden_dim = num_relations, num_layers, d
        self.max_new_nodes = max_new_nodes
        self.activation = ACTIVATIONS[activation]
        self.relation = nn.Parameter(torch.empty(shape, 2 * num_relations + 1, d))
        self.attend_source = nn.Parameter(torch.empty(shape, a, d))
        self.attend_relation = nn.Parameter(torch.empty(shape, a, d))
        self.attend_query = nn.Parameter(torch.empty(shape, a, d))
        self.attend_bias = nn.Parameter(torch.empty(shape, a))
        self.attend_out = nn.Parameter(torch.empty(shape, a))
        self.attend_out_bias = nn.Parameter(torch.empty(shape))
        self.combine = nn.Parameter(torch.empty(shape, d, d))
        self.gate = nn.GRUCell(d, d)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(d, 1, bias=False)
        self.choose = nn.Linear(d, 1) if max_new_nodes else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """PyTorch's defaults: normal tables, uniform linear layers with bound 1/sqrt(fan in)."""
        nn.init.normal_(self.relation)
        for weight in (self.attend_source, self.attend_relation, self.attend_query, self.combine):
            nn.init.uniform_(
                weight, -1 / math.sqrt(self.hidden_dim), 1 / math.sqrt(self.hidden_dim)
            )
        bound = 1 / math.sqrt(self.attend_out.shape[1])
        for weight in (self.attend_out, self.attend_out_bias):
            nn.init.uniform_(weight, -bound, bound)
        nn.init.uniform_(
            self.attend_bias, -1 / math.sqrt(self.hidden_dim), 1 / math.sqrt(self.hidden_dim)
        )

    def step(
        self, layer: int | Tensor, state: Tensor, query_relation: Tensor, data: StepInput
    ) -> tuple[Tensor, Tensor]:
        """One layer.

        Args:
            layer: number of the layer, 0..L-1.
            state: (n, d) states before the layer.
            query_relation: (B,) relation asked by each question.
            data: pairs and edges of the layer.

        Returns:
            states after the layer (m, d) and the attention of every pair (P,).
        """
        table, by_source, by_relation, by_query, bias, out, out_bias, combine = (
            _row(stacked, layer)
            for stacked in (
                self.relation,
                self.attend_source,
                self.attend_relation,
                self.attend_query,
                self.attend_bias,
                self.attend_out,
                self.attend_out_bias,
                self.combine,
            )
        )
        asked = table.index_select(0, query_relation) @ by_query.T + bias  # (B, a)
        logits = (
            gather_rows(state @ by_source.T, data.pair_node, ascending=True)
            + gather_rows(table @ by_relation.T, data.pair_relation)
            + gather_rows(asked, data.pair_query, ascending=True)
        )  # (P, a)
        attention = torch.sigmoid((torch.relu(logits) * out).sum(1) + out_bias)  # (P,)
        message = attention.unsqueeze(1) * (
            gather_rows(state, data.pair_node, ascending=True)
            + gather_rows(table, data.pair_relation)
        )  # (P, d)
        summed = sum_rows(
            message,
            data.edge_pair,
            data.edge_node,
            data.previous.shape[0],
            source_ascending=data.source_ascending,
        )  # (m, d)
        before = torch.cat([state, state.new_zeros(1, self.hidden_dim)])
        if torch.compiler.is_exporting() or torch.is_grad_enabled() or summed.is_cuda:
            return self._update(combine, before, summed, data.previous), attention
        blocks = zip(
            summed.split(NODES_PER_BLOCK), data.previous.split(NODES_PER_BLOCK), strict=True
        )
        return torch.cat([self._update(combine, before, *block) for block in blocks]), attention

    def _update(self, combine: Tensor, before: Tensor, summed: Tensor, previous: Tensor) -> Tensor:
        """(m, d) states from summed messages (m, d) and earlier states, the last row for none."""
        update = self.dropout(self.activation(summed @ combine.T))
        return self.gate(update, before.index_select(0, previous))

    def forward(
        self, graph: GraphTensors, heads: Tensor, query_relation: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Grow and score.

        Args:
            graph: neighbour index of the message graph.
            heads: (B,) entities asked about.
            query_relation: (B,) relation ids in 0..2R-1.

        Returns:
            scores (B, N), exactly 0 where not reached, and the reached mask (B, N).
        """
        if heads.shape != query_relation.shape:
            raise ShapeError(
                f"heads {tuple(heads.shape)} and query_relation {tuple(query_relation.shape)} "
                "must have the same length."
            )
        num_queries = len(heads)
        nodes = torch.arange(num_queries, device=heads.device) * graph.num_entities + heads
        state = torch.zeros(num_queries, self.hidden_dim, device=heads.device)
        for layer in range(self.num_layers):
            data = graph.grow_layer(nodes, num_queries)
            num_before = len(nodes)
            state, _ = self.step(layer, state, query_relation, data)
            nodes = data.nodes
            if self.choose is not None:
                is_new = data.previous == num_before
                keep, state = self._select(state, is_new, nodes // graph.num_entities, num_queries)
                nodes = nodes[keep]
        size = num_queries * graph.num_entities
        scores = state.new_zeros(size).index_put((nodes,), self.score(state).squeeze(1))
        reached = torch.zeros(size, dtype=torch.bool, device=heads.device)
        reached[nodes] = True
        shape = num_queries, graph.num_entities
        return scores.view(shape), reached.view(shape)

    def _select(
        self, state: Tensor, is_new: Tensor, query: Tensor, num_queries: int
    ) -> tuple[Tensor, Tensor]:
        """Keep earlier nodes and the best `max_new_nodes` new ones of each question.

        Gumbel noise while training and a straight-through factor let the choice learn.
        """
        priority = self.choose(state).squeeze(1)  # (n,)
        noisy = priority.detach()
        if self.training:
            uniform = torch.rand_like(noisy).clamp(1e-9, 1 - 1e-9)
            noisy = noisy - torch.log(-torch.log(uniform))
        order = torch.argsort(torch.where(is_new, noisy, -torch.inf), descending=True, stable=True)
        order = order[torch.argsort(query[order], stable=True)]  # by question, best first
        first = pointer_of(query[order], num_queries)
        rank = torch.arange(len(order), device=order.device) - first[query[order]]
        keep = ~is_new
        keep[order[rank < self.max_new_nodes]] = True
        soft = torch.sigmoid(priority)
        factor = torch.where(is_new, 1 + soft - soft.detach(), torch.ones_like(soft))
        return keep, (state * factor.unsqueeze(1))[keep]


class RelationalStep(nn.Module):
    """One layer as a graph to export: the layers of a walk are grown in numpy between calls.

    One exported step serves every number of layers and of nodes, and lets the learned selection of
    entities happen between layers.
    """

    INPUTS = (
        "layer",
        "state",
        "query_relation",
        "pair_node",
        "pair_query",
        "pair_relation",
        "edge_pair",
        "edge_node",
        "previous",
    )
    OUTPUTS = ("next_state", "attention", "score", "priority")

    def __init__(self, network: RelationalGNN) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        layer: Tensor,
        state: Tensor,
        query_relation: Tensor,
        pair_node: Tensor,
        pair_query: Tensor,
        pair_relation: Tensor,
        edge_pair: Tensor,
        edge_node: Tensor,
        previous: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See `RelationalGNN.step`; adds score (m,) and priority (m,) of every node."""
        data = StepInput(
            pair_node, pair_query, pair_relation, edge_pair, edge_node, previous, previous
        )
        state, attention = self.network.step(layer, state, query_relation, data)
        score = self.network.score(state).squeeze(1)
        choose = self.network.choose
        priority = score if choose is None else choose(state).squeeze(1)
        return state, attention, score, priority
