import numpy as np
import pytest
import torch

from core.errors import ShapeError
from core.function.modulation import (
    ColdNas,
    FieldEncoder,
    ItemEncoder,
    ItemTables,
    ModulatedPredictor,
)
from core.knowledge.modulation import FILM, NONE, RELEASED, Structure, modulate
from core.knowledge.ratings import Field, Scale
from core.knowledge.resemblance import resemblance

NUM_ITEMS = 9
EVERY = Structure.from_json([[1] * 4] * 4)
GENRES = Field.from_rows("genre", [["a", "b"], [], ["b"], ["c", "a"], ["a"]] + [["c"]] * 4)


def network(structure=EVERY, *, residual=True, users=()):
    torch.manual_seed(1)
    rng = np.random.default_rng(2)
    numbers = rng.normal(3, 1, size=(NUM_ITEMS, 4 if residual else 0)).astype(np.float32)
    items = ItemTables((GENRES,), numbers, numbers.mean(0), numbers.std(0))
    model = ColdNas(
        items, users, structure, Scale(1, 5), field_dim=3, number_dim=5, residual=residual,
    ).eval()  # fmt: skip
    with torch.no_grad():
        model.scorer.hypernetwork.all.weight.normal_(0, 0.05)
        for parameter in model.parameters():
            parameter.mul_(2)  # a new network hardly tells items apart
        bias = model.scorer.hypernetwork.all.bias.view(4, -1)
        bias[0] -= 1  # bounds that do not meet
        bias[1] += 1
    return model


def question(support=((1, 4.0), (3, 2.0), (8, 5.0)), candidates=(0, 2, 5, 7), padding=0, users=0):
    item = [k for k, _ in support] + [6] * padding
    rating = [y for _, y in support] + [99.0] * padding
    return (
        torch.zeros(1, users, dtype=torch.int64),
        torch.tensor([item], dtype=torch.int64),
        torch.tensor([rating]),
        torch.tensor([[1.0] * len(support) + [0.0] * padding]),
        torch.tensor([candidates]),
    )


def close(a, b):
    return torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("structure", [EVERY, RELEASED, None])
@pytest.mark.parametrize("residual", [True, False])
def test_padding_and_order_change_nothing(structure, residual):
    model = network(structure, residual=residual)
    score, phi = model(*question())
    assert score.std() > 1e-4  # otherwise nothing is compared
    padded = model(*question(padding=4))
    assert close(padded[0], score)
    assert close(padded[1], phi)
    shuffled = model(*question(support=((8, 5.0), (1, 4.0), (3, 2.0))))
    assert close(shuffled[0], score)
    other = model(*question(candidates=(7, 0, 5, 2)))[0]
    assert close(other, score[:, [3, 0, 2, 1]])
    assert close(model(*question(candidates=(5,)))[0], score[:, 2:3])


def test_users_side_by_side_do_not_touch_each_other():
    model = network()
    first, second = question(), question(support=((4, 1.0),), padding=2, candidates=(1, 2, 3, 4))
    both = [torch.cat(pair) for pair in zip(first, second, strict=True)]
    score, phi = model(*both)
    assert close(score[:1], model(*first)[0])
    assert close(score[1:], model(*second)[0])
    assert close(phi[1:], model(*second)[1])


def test_without_ratings_there_is_a_learned_default():
    model = network()
    empty, padded = model(*question(support=())), model(*question(support=(), padding=2))
    assert close(empty[0], padded[0])
    low, high, factor, shift = model.scorer.hypernetwork.all.bias.split(sum((8, 128, 64, 32)))
    assert close(empty[1][0], torch.stack([low, high, factor.relu(), shift]))


def test_a_kept_multiplier_starts_near_one_and_a_searched_one_near_zero():
    items = ItemTables((GENRES,), *(np.ones(shape, np.float32) for shape in ((NUM_ITEMS, 2), 2, 2)))
    for structure, start in ((FILM, 1), (None, 0)):
        one = ColdNas(items, (), structure, Scale(1, 5), field_dim=3, number_dim=5, residual=True)
        factor = one(*question())[1][:, 2]
        assert (factor - start).abs().max() < 0.6


def test_only_the_residual_form_sees_how_many_ratings_there_are():
    twice = ((1, 4.0), (1, 4.0))
    for residual in (True, False):
        model = network(residual=residual)
        one, two = model(*question(support=twice[:1])), model(*question(support=twice))
        assert close(one[1], two[1]) is not residual


@pytest.mark.parametrize("structure", [EVERY, RELEASED, FILM, NONE])
def test_hard_gates_are_the_reference_in_numpy(structure):
    torch.manual_seed(3)
    model = ModulatedPredictor(6, structure)
    rng = np.random.default_rng(4)
    h = rng.normal(size=(2, 5, 6))
    phi = rng.normal(size=(2, 4, 6 + 128 + 64 + 32))
    score = model.double()(torch.from_numpy(h), torch.from_numpy(phi))
    cuts = np.cumsum([6, 128, 64])
    for user in range(2):
        x = h[user]
        for layer, part, row in zip(
            model.layers, np.split(phi[user], cuts, -1), structure.mask(), strict=True
        ):
            x = modulate(x, *part, row)
            x = np.where(x > 0, x, 0.01 * x)
            x = x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        np.testing.assert_allclose(score[user].detach(), x[:, 0], atol=1e-9)


def test_soft_gates_mix_each_operation_with_what_came_before():
    torch.manual_seed(5)
    model = ModulatedPredictor(2, None).double()
    with torch.no_grad():
        model.alpha.copy_(torch.full((4, 4), -100.0))  # closed
        model.alpha[0] = torch.tensor([0.0, -100.0, 100.0, 0.0])  # half, closed, open, half
    h, phi = torch.tensor([[[1.0, -2.0]]]).double(), torch.zeros(1, 4, 226).double()
    phi[0, :, :2] = torch.tensor([[3.0, 0.0], [-9.0, -9.0], [2.0, 0.5], [10.0, 1.0]])
    # max 3: (3 + 1) / 2 = 2; times 2: 4; plus 10, half: 9.  max 0: -1; times .5: -.5; plus .5: 0
    expected = ModulatedPredictor(2, NONE).double()
    expected.layers.load_state_dict(model.layers.state_dict())
    wanted = expected(torch.tensor([[[9.0, 0.0]]]).double(), phi)
    assert torch.allclose(model(h, phi), wanted, atol=1e-9)


def test_gates_of_one_and_zero_are_the_hard_structure():
    hard, soft = network(RELEASED), network(None)
    missing, extra = soft.load_state_dict(hard.state_dict(), strict=False)
    assert (missing, extra) == (["scorer.predictor.alpha"], [])
    with torch.no_grad():
        soft.scorer.predictor.alpha.copy_((torch.tensor(RELEASED.mask()) - 0.5) * 200)
    assert close(hard(*question())[0], soft(*question())[0])
    assert torch.equal(hard.scorer.predictor.gates, torch.tensor(RELEASED.mask()))


def test_scores_stay_on_the_scale_in_content_form_and_near_the_bias_in_residual_form():
    model = network(residual=False)
    with torch.no_grad():
        model.scorer.predictor.layers[-1].bias.fill_(-50.0)
    assert close(model(*question())[0], torch.ones(1, 4))  # the low end
    model = network()
    with torch.no_grad():
        model.scorer.predictor.layers[-1].weight.zero_()
        model.scorer.predictor.layers[-1].bias.fill_(1.0)
        model.scorer.log_shrink.fill_(np.log(3.0))
        model.scorer.resemblance.raw.fill_(1.0)
    bias, given = model.numbers[:, 0], [1, 3, 8]
    above = torch.tensor([4.0, 2.0, 5.0]) - bias[given]
    level = above.sum() / (3 + 3)
    with torch.no_grad():
        weights, shrink = model.scorer.resemblance.weights.tolist(), model.scorer.resemblance.shrink
    asked = question()[-1][0]
    fields = (GENRES.take(asked.numpy()),), (GENRES.take(np.array(given)),)
    kernel = torch.from_numpy(resemblance(weights, *fields)).float()  # (m, n)
    told = kernel @ (above - level) / (shrink + kernel.sum(1))
    assert told.abs().max() > 0.05
    wanted = bias[asked] + level + told + 4 * np.tanh(0.25)
    assert close(model(*question(padding=2))[0], wanted)


def test_a_field_is_the_mean_of_its_rows_and_nothing_where_it_names_none():
    encoder = FieldEncoder([3, 2], 4)
    rows = torch.tensor([[0, 2], [1, -1], [-1, -1]]), torch.tensor([[1], [0], [-1]])
    found = encoder(rows)
    a, b = encoder.tables
    assert close(found[0], torch.cat([(a[0] + a[2]) / 2, b[1]]))
    assert close(found[1], torch.cat([a[1], b[0]]))
    assert found[2].tolist() == [0.0] * 8


def test_properties_of_users_reach_the_score():
    users = (Field.from_rows("group", [["x"], ["y"]]),)
    model = network(users=users)
    x, y = question(users=1), question(users=1)
    y[0][:] = 1
    assert not close(model(*x)[0], model(*y)[0])


def test_items_of_which_nothing_is_known_are_refused():
    nothing = np.zeros((NUM_ITEMS, 0), np.float32)
    with pytest.raises(ShapeError, match="told apart"):
        ItemEncoder(ItemTables((), nothing, nothing[0], nothing[0]), 8, 32)
