"""The stacked computation against the score written out, one triple and one candidate at a time."""

import numpy as np
import pytest
import torch

from core.errors import ShapeError
from core.function.bilinear import BilinearModels
from core.knowledge.blocks import NAMED, BlockStructure

N, R, D = 9, 3, 8
MIXED = BlockStructure(((0, 2, -2, 1), (3, 0, 2, 0), (-3, 3, 0, -1), (4, 0, -4, 0)))
STRUCTURES = [NAMED["DistMult"], NAMED["ComplEx"], NAMED["CP"], MIXED]


def models(structures=STRUCTURES):
    """The structures, each with other vectors of ordinary size."""
    torch.manual_seed(1)
    tensor = torch.from_numpy(np.stack([one.tensor() for one in structures]))
    network = BilinearModels(tensor, N, R, D).double()
    for weight in network.parameters():
        torch.nn.init.normal_(weight)
    return network


def written_out(network, number, structure, head, relation, tail):
    """The signed sum of three-way products; an inverse relation exchanges head and tail."""
    if relation >= R:
        head, relation, tail = tail, relation - R, head
    vectors = network.entities[number], network.relations[number]
    h, t = vectors[0][head].reshape(4, -1), vectors[0][tail].reshape(4, -1)
    r = vectors[1][relation].reshape(4, -1)
    return sum(
        np.sign(a) * (h[i] * r[abs(a) - 1] * t[j]).sum()
        for i, row in enumerate(structure.cells)
        for j, a in enumerate(row)
        if a
    )


def test_scores_are_the_signed_sums_in_both_directions():
    network = models()
    heads, relations = torch.tensor([0, 4, 4, 8]), torch.tensor([0, 2, 3, 5])
    scores = network.scores(heads, relations)
    assert scores.shape == (4, 4, N)
    for number, structure in enumerate(STRUCTURES):
        for row, (head, relation) in enumerate(zip(heads, relations, strict=True)):
            for tail in range(N):
                expected = written_out(network, number, structure, head, int(relation), tail)
                assert scores[number, row, tail].item() == pytest.approx(expected.item())


def test_complex_is_the_real_part_of_the_complex_product():
    network = models([NAMED["ComplEx"]])
    entities, relations = (
        torch.complex(*weight[0].split(D // 2, 1)) for weight in network.parameters()
    )
    expected = (entities[2] * relations[1] * entities.conj()).real.sum(1)
    found = network.scores(torch.tensor([2]), torch.tensor([1]))[0, 0]
    torch.testing.assert_close(found, expected)


def test_terms_add_up_to_the_score():
    network = models()
    heads, relations = torch.tensor([0, 7, 5]), torch.tensor([1, 4, 5])
    tails = torch.tensor([3, 3, 5])
    terms = network.terms(heads, relations, tails)
    scores = network.scores(heads, relations)[:, torch.arange(3), tails]
    torch.testing.assert_close(terms.sum((2, 3, 4)), scores)
    assert (terms != 0).sum((2, 3, 4))[:, 0].tolist() == [one.num_blocks for one in STRUCTURES]


def test_loss_is_the_mean_over_triples_of_cross_entropy_and_n3():
    network = models()
    triples = torch.tensor([[0, 1, 2], [0, 1, 5], [2, 4, 0], [3, 0, 3], [0, 1, 2]])
    n3 = torch.tensor([0.0, 0.1, 0.2, 0.3]).double()
    loss = network.loss(triples, n3)
    for number in range(4):
        total = 0.0
        for head, relation, tail in triples.tolist():
            row = network.scores(torch.tensor([head]), torch.tensor([relation]))[number, 0]
            vectors = torch.cat([
                network.entities[number, head], network.relations[number, relation % R],
                network.entities[number, tail],
            ])  # fmt: skip
            total += row.exp().sum().log() - row[tail] + n3[number] * vectors.abs().pow(3).sum()
        assert loss[number].item() == pytest.approx(total.item() / 5)


def trained(structures, n3):
    torch.manual_seed(3)
    tensor = torch.from_numpy(np.stack([one.tensor() for one in structures]))
    network = BilinearModels(tensor, N, R, D)
    optimizer = torch.optim.Adagrad(network.parameters(), lr=0.3)
    rng = np.random.default_rng(0)
    for _ in range(30):
        triples = torch.from_numpy(rng.integers(0, [N, 2 * R, N], (20, 3)))
        optimizer.zero_grad()
        network.loss(triples, torch.tensor(n3)).sum().backward()
        optimizer.step()
    return network


def test_training_side_by_side_is_training_one_by_one():
    n3 = [0.0, 0.01, 0.01, 0.1]
    together = trained(STRUCTURES, n3)
    for number, structure in enumerate(STRUCTURES):
        single = trained([structure], n3[number : number + 1])
        mine = together.alone(number)
        torch.testing.assert_close(mine.entities, single.entities, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(mine.relations, single.relations, atol=1e-4, rtol=1e-3)
        assert torch.equal(mine.structures, single.structures)
    assert not torch.allclose(together.entities[0], together.entities[1], atol=1e-2)


def test_structures_and_sizes_that_do_not_fit():
    tensor = torch.zeros(1, 4, 4, 4)
    with pytest.raises(ShapeError, match="dim 10 is not a multiple of the 4 chunks"):
        BilinearModels(tensor, N, R, 10)
    with pytest.raises(ShapeError, match=r"\(C, K, K, K\), got \(4, 4, 4\)"):
        BilinearModels(tensor[0], N, R, 8)
