"""Bilinear models of many block structures, trained side by side in one tensor.

Source: Zhang, Yao, Kwok, "Bilinear Scoring Function Search for Knowledge Graph Learning", IEEE
TPAMI 2023 (AutoBLM), section 3; loss and N3 of Lacroix, Usunier, Obozinski, "Canonical Tensor
Decomposition for Knowledge Base Completion", ICML 2018. Both by the project's notes.

Entities and relations are vectors of K chunks. A structure says which chunks of head, relation and
tail are multiplied, and with which sign; DistMult, ComplEx, SimplE and Analogy are structures. An
inverse relation has the relation's own vector and the transposed structure: f(h, r + R, t) is
f(t, r, h), without parameters of its own.

Notation: C candidates, K chunks, p = d / K numbers per chunk, N entities, R relations, B questions.

Differs from the paper: (1) N3 weighted by frequency on all vectors instead of L2 on relations; (2)
vectors are not projected to the unit ball; (3) questions with the same head and relation share one
softmax, which gives the same loss over all triples with fewer products (UMLS: 1,560 rows for
10,432).
"""

import torch
from torch import Tensor, nn

from core.errors import ShapeError

INITIAL_SCALE = 1e-3  # of the vectors; Lacroix et al.


class BilinearModels(nn.Module):
    """One bilinear model per structure; candidates share nothing but the computation.

    Every candidate starts from the same vectors, drawn from torch's generator, so that a candidate
    is the same in whatever company it is trained.

    Args:
        structures: (C, K, K, K) in -1, 0, 1 over head, relation and tail chunk.
        num_entities: N.
        num_relations: R, without inverses.
        dim: d, numbers per vector; a multiple of K.

    Raises:
        ShapeError: the structures are not (C, K, K, K), or K does not divide `dim`.
    """

    structures: Tensor

    def __init__(self, structures: Tensor, num_entities: int, num_relations: int, dim: int) -> None:
        super().__init__()
        num_chunks = structures.shape[-1]
        if structures.dim() != 4 or structures.shape[1:] != (num_chunks,) * 3:
            raise ShapeError(f"structures are (C, K, K, K), got {tuple(structures.shape)}.")
        if dim % num_chunks:
            raise ShapeError(f"dim {dim} is not a multiple of the {num_chunks} chunks.")
        self.num_entities, self.num_relations, self.dim = num_entities, num_relations, dim
        self.register_buffer("structures", structures.float())
        num = len(structures), 1, 1
        self.entities = nn.Parameter((INITIAL_SCALE * torch.randn(num_entities, dim)).repeat(num))
        self.relations = nn.Parameter((INITIAL_SCALE * torch.randn(num_relations, dim)).repeat(num))

    def alone(self, number: int) -> "BilinearModels":
        """A copy of one candidate, of shape C = 1, without gradient history."""
        copy = BilinearModels(
            self.structures[number : number + 1], self.num_entities, self.num_relations, self.dim
        ).to(self.entities.device)
        state = {name: value[number : number + 1] for name, value in self.state_dict().items()}
        copy.load_state_dict(state)
        return copy

    def queries(self, heads: Tensor, relations: Tensor) -> Tensor:
        """(C, B, d): the vector whose product with an entity's vector is its score.

        Args:
            heads: (B,) given entities.
            relations: (B,) in 0..2R-1.
        """
        num, chunks = self.structures.shape[:2]
        size = self.dim // chunks
        shape = num, len(heads), chunks, size
        inverse = (relations >= self.num_relations)[:, None]
        head = self.entities.index_select(1, heads).view(shape).transpose(1, 2)  # (C, K, B, p)
        relation = self.relations.index_select(1, relations % self.num_relations)
        relation = relation.view(shape).transpose(1, 2)
        products = head[:, :, None] * relation[:, None]  # (C, K, K, B, p)
        both = torch.stack([self.structures, self.structures.transpose(1, 3)], 1)  # (C, 2, K, K, K)
        to_chunk = both.permute(0, 1, 4, 2, 3).reshape(num, 2 * chunks, chunks**2)
        mixed = to_chunk @ products.reshape(num, chunks**2, len(heads) * size)
        mixed = mixed.view(num, 2, chunks, len(heads), size)
        chosen = torch.where(inverse, mixed[:, 1], mixed[:, 0])  # (C, K, B, p)
        return chosen.transpose(1, 2).reshape(num, len(heads), self.dim)

    def scores(self, heads: Tensor, relations: Tensor) -> Tensor:
        """(C, B, N): score of every entity for questions (heads (B,), relations (B,) 0..2R-1)."""
        return self.queries(heads, relations) @ self.entities.transpose(1, 2)

    def loss(self, triples: Tensor, n3: Tensor) -> Tensor:
        """(C,): mean over the triples of cross entropy over all entities, and of weighted N3.

        Each triple is one question (h, r, ?) with answer t; with the inverse triples among them
        the loss is two-sided. N3 is the sum of the cubed absolute values of the three vectors of
        each triple, so that a vector counts as often as it occurs.

        Args:
            triples: (B, 3) with relations in 0..2R-1; B >= 1.
            n3: (C,) weight of N3.
        """
        head, relation, tail = triples.T
        asked, owner = torch.unique(relation * self.num_entities + head, return_inverse=True)
        scores = self.scores(asked % self.num_entities, asked // self.num_entities)  # (C, Q, N)
        wanted = scores.new_zeros(len(asked), self.num_entities)
        wanted.index_put_((owner, tail), scores.new_ones(()), accumulate=True)
        likelihood = scores.flatten(1) @ wanted.flatten()
        normaliser = scores.logsumexp(2) @ wanted.sum(1)
        ends = torch.bincount(triples[:, [0, 2]].flatten(), minlength=self.num_entities)
        used = torch.bincount(relation % self.num_relations, minlength=self.num_relations)
        cubes = self.entities.abs().pow(3).sum(2) @ ends.to(scores) + self.relations.abs().pow(
            3
        ).sum(2) @ used.to(scores)
        return (normaliser - likelihood + n3 * cubes) / len(triples)

    def terms(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """(C, B, K, K, K): what each product of chunks adds to the score of one answer each.

        Args:
            heads: (B,) given entities.
            relations: (B,) in 0..2R-1.
            tails: (B,) answers. For an inverse relation they fill the structure's head side.
        """
        num, chunks = self.structures.shape[:2]
        inverse = relations >= self.num_relations
        first, last = torch.where(inverse, tails, heads), torch.where(inverse, heads, tails)
        shape = num, len(heads), chunks, self.dim // chunks
        head, tail = (self.entities.index_select(1, ends).view(shape) for ends in (first, last))
        relation = self.relations.index_select(1, relations % self.num_relations).view(shape)
        products = torch.einsum("cbip,cbkp,cbjp->cbikj", head, relation, tail)
        return products * self.structures[:, None]
