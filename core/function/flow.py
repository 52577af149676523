"""The flow network: messages from one drug to the other along the paths between them.

Source: Zhang, Yao et al., Nature Computational Science 2023, Methods, equations (2)-(4), with the
attention of the authors' code (a hidden layer of width 5 instead of one vector per relation).

Notation: B pairs (u, v), T interaction types, R relations, d `hidden_dim`, three steps.

    f_u     = linear map of the fingerprint of u, or a free vector per drug
    a_l     = sigmoid(B_l relu(A_l [f_u ; f_v]))           one weight per relation and step
    h_l(y)  = relu(W_l sum over edges x -r-> y of a_l[r] (h_{l-1}(x) * E_l[r]))
    h_0(u)  = f_u, all other nodes 0
    logits  = W [h_3(v -> u) ; h_3(u -> v)] + b            with f_u, f_v in front for free vectors

Differs from the paper: no bias in W_l, so that the state is a function of the path subgraph alone;
the reductions of `core.knowledge.flow` are then exact. W_l is applied to the distinct messages
before they are summed. Loops carry the "h_{l-1}(y) +" of equation (2), as in the authors' code.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from core.errors import ShapeError
from core.function.segment import gather_rows, sum_rows
from core.knowledge.flow import NUM_STEPS, Flow

ATTENTION_DIM = 5
FINGERPRINT_BITS = 1024


@dataclass(frozen=True, eq=False)
class FlowTensors:
    """The arrays of `core.knowledge.flow.Flow` as tensors."""

    signature_pair: Tensor
    first_signature: Tensor
    first_relation: Tensor
    message_signature: Tensor
    message_relation: Tensor
    middle_node: Tensor
    middle_message: Tensor
    count: Tensor
    node_pair: Tensor
    last_node: Tensor
    last_group: Tensor
    group_pair: Tensor
    group_relation: Tensor

    @classmethod
    def of(cls, flow: Flow, device: torch.device | str = "cpu") -> "FlowTensors":
        """Copy to a device."""
        return cls(
            *(
                torch.from_numpy(getattr(flow, field.name)).to(device, non_blocking=True)
                for field in fields(Flow)
            )
        )


class FlowGNN(nn.Module):
    """Interaction types of pairs from the paths that join them.

    Parameters with fingerprints: 1025 d + (2d + 1) T + 3 [(2R+1) d + d^2 + 5 (2d + 1) + 6 (2R+1)];
    136,907 for DrugBank with d = 64, the published 137,164 less three biases and an unused layer.

    Args:
        num_types: T, width of the output.
        num_relations: R, interaction types that are edges included.
        hidden_dim: d.
        num_drugs: free vectors instead of fingerprints when not 0.
        dropout: share of fingerprint bits hidden while training.
    """

    def __init__(
        self,
        num_types: int,
        num_relations: int,
        *,
        hidden_dim: int,
        num_drugs: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        kinds, d = 2 * num_relations + 1, hidden_dim
        self.num_relations, self.hidden_dim = num_relations, d
        self.feature = nn.Embedding(num_drugs, d) if num_drugs else nn.Linear(FINGERPRINT_BITS, d)
        self.dropout = nn.Identity() if num_drugs else nn.Dropout(dropout)
        self.attend = nn.ModuleList(
            nn.Sequential(
                nn.Linear(2 * d, ATTENTION_DIM), nn.ReLU(), nn.Linear(ATTENTION_DIM, kinds)
            )
            for _ in range(NUM_STEPS)
        )
        self.relation = nn.Parameter(torch.empty(NUM_STEPS, kinds, d))
        self.combine = nn.Parameter(torch.empty(NUM_STEPS, d, d))
        self.score = nn.Linear(4 * d if num_drugs else 2 * d, num_types)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Xavier-uniform matrices and PyTorch's biases."""
        for name, parameter in self.named_parameters():
            if parameter.dim() >= 2:
                for matrix in parameter if parameter.dim() == 3 else [parameter]:
                    nn.init.xavier_uniform_(matrix)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, head: Tensor, tail: Tensor, forth: FlowTensors, back: FlowTensors) -> Tensor:
        """Logits of every type.

        Args:
            head: (B, 1024) float fingerprint bits of u, or (B,) int64 drugs.
            tail: likewise of v.
            forth: flow from u to v.
            back: flow from v to u.

        Returns:
            (B, T).
        """
        if head.shape != tail.shape:
            raise ShapeError(f"head {tuple(head.shape)} and tail {tuple(tail.shape)} must agree.")
        f_head, f_tail = self.feature(self.dropout(head)), self.feature(self.dropout(tail))
        both = torch.cat([f_head, f_tail], 1)
        attention = [torch.sigmoid(attend(both)) for attend in self.attend]
        states = [self.flow(f_tail, attention, back), self.flow(f_head, attention, forth)]
        if isinstance(self.feature, nn.Embedding):
            states = [f_head, f_tail, *states]
        return self.score(torch.cat(states, 1))

    def attention(self, head: Tensor, tail: Tensor) -> Tensor:
        """(B, 3, 2R+1) weight of every relation in every step, for both directions."""
        both = torch.cat([self.feature(head), self.feature(tail)], 1)
        return torch.stack([torch.sigmoid(attend(both)) for attend in self.attend], 1)

    def flow(self, source: Tensor, attention: list[Tensor], flow: FlowTensors) -> Tensor:
        """State at the far end (B, d) of a flow that starts with `source` (B, d)."""
        weights = self._weigh(attention[0], source, flow)
        start = gather_rows(source, flow.signature_pair, ascending=True)
        reached = torch.relu((weights * start) @ self.combine[0].T)  # (S, d)
        message = self._pass(1, attention[1], reached, flow)
        state = torch.relu(
            sum_rows(
                message @ self.combine[1].T,
                flow.middle_message,
                flow.middle_node,
                flow.node_pair.shape[0],
                weight=flow.count,
                target_ascending=True,
            )
        )  # (Y, d)
        group = sum_rows(
            state,
            flow.last_node,
            flow.last_group,
            flow.group_pair.shape[0],
            source_ascending=True,
        )  # (G, d)
        group = group * self._edge(2, attention[2], flow.group_pair, flow.group_relation)
        every = torch.arange(group.shape[0], device=group.device)
        arrived = sum_rows(
            group,
            every,
            flow.group_pair,
            source.shape[0],
            source_ascending=True,
            target_ascending=True,
        )
        return torch.relu(arrived @ self.combine[2].T)

    def _weigh(self, attention: Tensor, source: Tensor, flow: FlowTensors) -> Tensor:
        """(S, d) weighted relation vectors of the first step, summed over each signature."""
        pair = flow.signature_pair.index_select(0, flow.first_signature)
        edges = self._edge(0, attention, pair, flow.first_relation)
        every = torch.arange(edges.shape[0], device=source.device)
        return sum_rows(
            edges,
            every,
            flow.first_signature,
            flow.signature_pair.shape[0],
            source_ascending=True,
            target_ascending=True,
        )

    def _pass(self, step: int, attention: Tensor, state: Tensor, flow: FlowTensors) -> Tensor:
        """(M, d) distinct messages of the middle step."""
        pair = flow.signature_pair.index_select(0, flow.message_signature)
        edge = self._edge(step, attention, pair, flow.message_relation)
        return edge * gather_rows(state, flow.message_signature, ascending=True)

    def _edge(self, step: int, attention: Tensor, pair: Tensor, relation: Tensor) -> Tensor:
        """a_l[pair, relation] E_l[relation], (n, d)."""
        kinds = attention.shape[1]
        weight = gather_rows(attention.reshape(-1, 1), pair * kinds + relation)
        return weight * gather_rows(self.relation[step], relation)


class FlowStep(nn.Module):
    """A FlowGNN as a graph to export; lists come as one tuple.

    Outputs: logits (B, T), attention (B, 3, 2R+1).
    """

    OUTPUTS = ("logits", "attention")

    def __init__(self, network: FlowGNN) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, head: Tensor, tail: Tensor, lists: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """Answer pairs.

        Args:
            head: (B, 1024) float32 fingerprint of u.
            tail: likewise of v.
            lists: arrays in the order of `FLOW_INPUTS`.
        """
        half = len(lists) // 2
        forth, back = FlowTensors(*lists[:half]), FlowTensors(*lists[half:])
        return self.network(head, tail, forth, back), self.network.attention(head, tail)
