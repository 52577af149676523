"""A bilinear model as an ONNX model."""

import numpy as np
from torch import Tensor, nn

from core.export.onnx import parity, to_onnx
from core.function.bilinear import BilinearModels
from core.serving.session import Session

INPUTS = ("head", "relation", "triple")
OUTPUTS = ("score", "terms")


class BilinearStep(nn.Module):
    """Scores of all entities, and the terms of triples, by the first candidate."""

    def __init__(self, network: BilinearModels) -> None:
        super().__init__()
        self.network = network
        filled = network.structures[0].abs().sum(1).bool()  # (K, K): head and tail chunk
        head_chunk, tail_chunk = filled.nonzero().T
        relation_chunk = network.structures[0].abs().argmax(1)[head_chunk, tail_chunk]
        chunks = filled.shape[0]
        self.register_buffer("cells", (head_chunk * chunks + relation_chunk) * chunks + tail_chunk)

    def forward(self, head: Tensor, relation: Tensor, triple: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) scores of B questions (head, relation, ?), and (M, T) terms of M triples.

        Where one is asked, a single row of the other costs nothing.
        """
        scores = self.network.scores(head, relation)[0]
        terms = self.network.terms(triple[:, 0], triple[:, 1], triple[:, 2])[0].flatten(1)
        return scores, terms[:, self.cells]


def export_bilinear(network: BilinearModels) -> bytes:
    """The first candidate as an ONNX model for any number of questions."""
    return to_onnx(
        BilinearStep(network.cpu().eval()).eval(),
        _inputs(network, 2, 3),
        OUTPUTS,
        dynamic=dict.fromkeys(INPUTS, (0,)),
    )


def parity_bilinear(network: BilinearModels, session: Session) -> float:
    """Largest difference between torch and ONNX Runtime for 1 to 300 questions and triples."""
    step = BilinearStep(network.cpu().eval()).eval()
    cases = (_inputs(network, *sizes) for sizes in ((1, 1), (7, 1), (1, 300), (300, 5)))
    return parity(step, session, cases, OUTPUTS)


def _inputs(network: BilinearModels, num_questions: int, num_triples: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(num_questions)
    largest = network.num_entities, 2 * network.num_relations, network.num_entities
    head, relation, _ = rng.integers(0, largest, (num_questions, 3)).T.copy()
    triple = rng.integers(0, largest, (num_triples, 3))
    return dict(zip(INPUTS, (head, relation, triple), strict=True))
