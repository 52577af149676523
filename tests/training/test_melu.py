import numpy as np
import torch

from core.function.modulation import ColdNas, ItemTables
from core.knowledge.modulation import NONE
from core.knowledge.ratings import Field, Scale
from core.training.melu import Melu


def network(*, residual=True):
    torch.manual_seed(0)
    numbers = np.random.default_rng(0).normal(3, 1, (5, 3 if residual else 0)).astype(np.float32)
    fields = (Field.from_rows("kind", [["a"], ["b"], ["c"], ["a"], ["b"]]),)
    tables = ItemTables(fields, numbers, numbers.mean(0), numbers.std(0))
    return Melu(
        ColdNas(tables, (), NONE, Scale(1, 5), field_dim=3, number_dim=4, residual=residual)
    )


def question(mask):
    return (
        torch.zeros(2, 0, dtype=torch.int64), torch.tensor([[0, 1], [2, 3]]),
        torch.tensor([[5.0, 1.0], [2.0, 4.0]]), torch.tensor(mask), torch.tensor([[4], [1]]),
    )  # fmt: skip


def by_hand(melu, user_field, item, rating, mask, candidate):
    """One user at a time, a plain gradient step on a copy of the layers."""
    own = melu.network
    found = []
    for user in range(2):
        layers = own.scorer.predictor
        before = {name: value.clone() for name, value in layers.state_dict().items()}
        part = [x[user : user + 1] for x in (user_field, item, rating, mask)]
        score = own(*part, item[user : user + 1])[0]
        off = ((score - part[2]) ** 2 * part[3]).sum() / part[3].sum().clamp(min=1)
        steps = torch.autograd.grad(off, list(layers.parameters()))
        with torch.no_grad():
            for parameter, step in zip(layers.parameters(), steps, strict=True):
                parameter -= melu.local_rate * step
            found.append(own(*part, candidate[user : user + 1])[0])
            layers.load_state_dict(before)
    return torch.cat(found)


def test_the_batched_step_is_a_gradient_step_of_each_user():
    for residual in (True, False):
        melu = network(residual=residual)
        if residual:  # resemblance is no part of the step
            torch.nn.init.constant_(melu.network.scorer.resemblance.raw, -50.0)
        for mask in ([[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]):
            found = melu(*question(mask))[0]
            assert torch.allclose(found, by_hand(melu, *question(mask)), atol=1e-5)
            with torch.no_grad():
                assert torch.allclose(melu(*question(mask))[0], found, atol=1e-6)


def test_the_outer_gradient_runs_through_the_step_and_reaches_its_rate():
    melu = network()
    melu(*question([[1.0, 1.0], [1.0, 1.0]]))[0].sum().backward()
    assert melu.local_rate.grad.abs() > 0
    assert melu.network.item_encoder.numbers.weight.grad.abs().max() > 0


def test_without_a_step_it_is_the_network_with_its_resemblance():
    melu = network()
    torch.nn.init.zeros_(melu.local_rate)
    mask = [[1.0, 1.0], [1.0, 0.0]]
    found, wanted = melu(*question(mask))[0], melu.network(*question(mask))[0]
    assert torch.allclose(found, wanted, atol=1e-6)
    torch.nn.init.constant_(melu.network.scorer.resemblance.raw, -50.0)
    assert (melu(*question(mask))[0] - found).abs().max() > 1e-3


def test_without_ratings_nothing_moves():
    melu = network()
    mask = [[0.0, 0.0], [0.0, 0.0]]
    assert torch.allclose(melu(*question(mask))[0], melu.network(*question(mask))[0], atol=1e-6)
