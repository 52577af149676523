import numpy as np
import pytest
import torch

from core.chemistry.graphs import many_graphs
from core.function.gin import GinEncoder, GraphTensors
from core.knowledge.molecules import MoleculeStore

SMILES = ["CCO", "C", "c1ccccc1C(=O)N[C@@H](C)C(=O)O", "F/C=C/F", "[Na+]"]


def plain(encoder: GinEncoder, graph) -> torch.Tensor:
    """One molecule, atom by atom, as equation (4.1) reads."""
    h = [encoder.element.weight[int(e)] + encoder.chirality.weight[int(c)] for e, c in graph.atoms]
    for number in range(encoder.num_layers):
        table = encoder.bond[number]
        states = []
        for atom in range(len(h)):
            message = h[atom] + table[4] + table[6]
            for source, target, kind, direction in graph.bonds.tolist():
                if target == atom:
                    message = message + h[source] + table[kind] + table[6 + direction]
            states.append(encoder.norm[number](encoder.mlp[number](message)[None])[0])
        h = states if number == encoder.num_layers - 1 else [torch.relu(x) for x in states]
    return torch.stack(h).mean(0)


def random_encoder(dim: int = 8, layers: int = 3) -> GinEncoder:
    torch.manual_seed(0)
    encoder = GinEncoder(dim, layers)
    for norm in encoder.norm:
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    return encoder.eval()


def test_a_batch_equals_the_equation_molecule_by_molecule():
    graphs = many_graphs(SMILES)
    encoder = random_encoder()
    batch = MoleculeStore.of(graphs).take(np.arange(len(graphs)))
    found = encoder(GraphTensors.of(batch))
    expected = torch.stack([plain(encoder, graph) for graph in graphs])
    assert torch.allclose(found, expected, atol=1e-5)


def test_gradients_reach_every_table():
    encoder = random_encoder().train()
    batch = MoleculeStore.of(many_graphs(SMILES)).take(np.array([2, 0, 2]))
    encoder(GraphTensors.of(batch)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


def test_the_published_number_of_parameters():
    assert sum(p.numel() for p in GinEncoder().parameters()) == 1_857_900


@pytest.mark.gpu
def test_cuda_agrees():
    encoder = random_encoder()
    batch = MoleculeStore.of(many_graphs(SMILES)).take(np.arange(len(SMILES)))
    expected = encoder(GraphTensors.of(batch))
    found = encoder.cuda()(GraphTensors.of(batch, "cuda"))
    assert torch.allclose(found.cpu(), expected, atol=1e-4)
