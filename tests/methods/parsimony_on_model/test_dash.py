"""DASH on a small planted network: trust, masks, memory, resumption and what is handed on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.configs import dash_config
from core.data.regulation.simulate import simulate
from core.errors import Cancelled, InputError
from core.knowledge.dynamics import MATRICES
from core.methods.parsimony_on_model.dash import fit, prune_once, returning, schedule_of
from core.serving.artifact import DataState
from core.training.regulation import RegulationTraining, Transitions, edges_of

SHORT = {"num_neurons": 4, "num_epochs": 4, "first_epoch": 2, "every": 2, "rivals": (),
         "batch_size": 4}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    found = simulate(14, num_samples=8, times=(0.0, 1.0, 2.0), noise=0.02)
    return RegulationTraining(
        found, DataState("small", "", "", "", "", ""), shown=True, simulated=True
    )


def config(**changes):
    return dash_config("", **(SHORT | changes))


def pruned(data, trust, **changes):
    return prune_once(data.task, config(**changes), trust, seed=0)


def test_without_trust_it_is_magnitude_pruning(data):
    """One step at the start of training: the smallest weights of the initial network go."""
    found = pruned(data, (0.0, 0.0), num_epochs=1, first_epoch=1, learning_rate=0.0).network
    untouched = pruned(data, (0.0, 0.0), num_epochs=1, first_epoch=0, learning_rate=0.0).network
    for name in ("Ws", "Wp", "Cs", "Cp"):
        size = untouched.get_parameter(name).detach().abs().numpy()
        if name.startswith("C"):
            size = size * np.maximum(untouched.v.detach().numpy(), 0)[:, None]
        num = int(0.7 * size.size)
        gone = ~found.mask(name).numpy()
        assert gone.sum() == num
        assert np.sort(size[gone])[-1] <= np.sort(size[~gone])[0]
    worse = replace(data.task, prior=data.task.prior.relocated(1.0, np.random.default_rng(0)))
    again = prune_once(worse, config(), (0.0, 0.0), seed=0)
    assert again.history.epochs == pruned(data, (0.0, 0.0)).history.epochs


def test_full_trust_keeps_what_the_prior_asks_whatever_was_learned(data):
    one = pruned(data, (1.0, 1.0)).network
    other = pruned(data, (1.0, 1.0), learning_rate=0.1).network
    assert not torch.equal(one.Ws, other.Ws)
    assert all(torch.equal(one.mask(name), other.mask(name)) for name in MATRICES)
    less = pruned(data, (0.2, 0.2)).network
    assert any(not torch.equal(one.mask(name), less.mask(name)) for name in MATRICES)


def test_masks_only_shrink_and_their_weights_stay_zero(data):
    found = pruned(data, (0.5, 0.5))
    network = found.network
    for name in MATRICES:
        assert not network.get_parameter(name)[~network.mask(name)].any()
    sizes = [row["sparsity"] for row in found.history.epochs if "sparsity" in row]
    assert sizes == sorted(sizes)
    assert network.sparsity() == pytest.approx(schedule_of(config()).sparsity(4), abs=0.02)
    assert found.history.best_epoch == 4  # the only epoch at the final sparsity


def test_a_sparsity_can_be_asked_for(data):
    found = pruned(data, (0.5, 0.5), target_sparsity=0.9, num_epochs=6).network
    assert found.sparsity() == pytest.approx(0.9, abs=0.02)


def test_rivals_prune_at_random_or_pull_to_the_prior(data):
    one = pruned(data, (0.0, 0.0), pruning="random").network
    other = pruned(data, (0.0, 0.0)).network
    assert any(not torch.equal(one.mask(name), other.mask(name)) for name in MATRICES)

    def gap(weight):
        network = pruned(
            data, (0.0, 0.0), first_epoch=0, num_epochs=30, prior_weight=weight, learning_rate=2e-2
        ).network
        x = torch.rand(64, 14, generator=torch.Generator().manual_seed(0))
        wanted = (x - 0.5) @ torch.from_numpy(data.task.prior.matrix)
        return float((network.produced(x).detach() - wanted).square().mean())

    assert gap(0.9) < gap(0.0) / 2


def test_it_memorises(data):
    few = data.task.train.pick(np.arange(6))
    found = prune_once(
        replace(data.task, train=few, valid=few),
        config(num_neurons=20, num_epochs=120, first_epoch=0, learning_rate=2e-2),
        (0.0, 0.0), seed=0,
    )  # fmt: skip
    assert found.valid_mse < 0.1 * float(np.var(few.after - few.after.mean(0)))


def test_genes_that_return_to_their_mean_are_told_from_those_that_stay(data):
    rng = np.random.default_rng(0)
    before = rng.random((4000, 14)).astype(np.float32)
    after = before.copy()
    after[:, 1] = before[:, 1].mean() + np.exp(-2 * 0.7) * (before[:, 1] - before[:, 1].mean())
    after[:, 2] = rng.random(4000)
    after[::2, 1] = np.nan
    train = Transitions(before, after, np.full(4000, 2.0, np.float32), np.arange(4000))
    mean, rates = returning(replace(data.task, train=train, unit=2.0))
    np.testing.assert_allclose(mean, before.mean(0), atol=0.02)
    assert rates[0] == pytest.approx(-np.log(0.95))  # stays: the slowest that is allowed
    assert rates[1] == pytest.approx(2 * 0.7, abs=0.03)
    assert rates[2] == pytest.approx(-np.log(0.2))  # forgets at once: the fastest


def test_gaps_in_the_measurements_are_left_out(data):
    train = data.task.train
    after = train.after.copy()
    after[:, 3] = np.nan
    task = replace(data.task, train=train._replace(after=after))
    found = prune_once(task, config(), (0.5, 0.5), seed=0)
    assert np.isfinite(found.valid_mse)


def test_fit_chooses_the_trust_by_validation_and_hands_on_what_is_shown(data):
    found = fit(
        data.task,
        config(trust_grid=(0.0, 0.8), num_resamples=2, rivals=("random",), num_seeds=2),
        seed=3,
    ).knowledge
    best = min(found["trials"], key=lambda trial: trial["valid_mse"])
    assert found["trust"] == best["trust"]
    assert [trial["trust"] for trial in found["trials"]] == [[0.0, 0.0], [0.8, 0.8]]
    assert {(row["method"], row["seed"]) for row in found["curves"]} == {
        ("dash", 3), ("dash", 4), ("random", 3), ("random", 4)
    }  # fmt: skip
    assert len([row for row in found["curves"] if row["method"] == "dash"]) == 6
    assert {share for _, _, share in found["frequency"]} <= {0.5, 1.0}
    edges = {(i, j) for i, j, _ in (*found["effect"], *edges_of(data.task.prior.matrix))}
    assert {(i, j) for i, j, _ in found["frequency"]} <= edges
    assert all(i != j for i, j, _ in found["effect"])
    assert found["sparsity"] == 1 - found["num_kept"] / found["num_weights"]
    assert found["num_weights"] == 224
    assert len(found["rates"]) == 14
    assert found["corruption"] == found["trust_runs"] == []


def test_an_embedded_example_is_studied_with_other_trusts_and_worse_priors(data):
    found = fit(
        data.task, config(trust_grid=(0.5,), study=True, num_epochs=2, every=9), seed=0
    ).knowledge
    assert [row["trust"] for row in found["trust_runs"]] == [0, 0.25, 0.5, 0.75, 0.9, 1]
    rows = [(row["share"], row["method"]) for row in found["corruption"]]
    assert rows == [(share, one) for share in (0, 0.2, 0.4) for one in ("imp", "prior", "dash")]
    imp = {row["balanced_accuracy"] for row in found["corruption"] if row["method"] == "imp"}
    assert len(imp) == 1


def test_an_interrupted_fit_goes_on_with_the_same_numbers(data, tmp_path):
    settings = config(trust_grid=(0.0, 0.8), num_resamples=1)
    whole = fit(data.task, settings, seed=0)
    steps = iter(range(20))

    def stop(*_step, **_values):
        if next(steps, None) is None:
            raise Cancelled("stopped")

    place = tmp_path / "dash-0.pt"
    with pytest.raises(Cancelled):
        fit(data.task, settings, seed=0, report=stop, checkpoint=place)
    assert list(tmp_path.iterdir())
    again = fit(data.task, settings, seed=0, checkpoint=place)
    for key in ("effect", "frequency", "curves", "trust"):
        assert again.knowledge[key] == whole.knowledge[key]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"trust": (1.0, 1.0)}, "GR-E07"), ({"trust": (0.5, 1.5)}, "TR-E09"),
     ({"trust": (0.5,)}, "TR-E09"), ({"pruning": "boldly"}, "TR-E09"),
     ({"rivals": ("none",)}, "TR-E09")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(data, changes, code):
    with pytest.raises(InputError) as raised:
        fit(data.task, config(**changes), seed=0)
    assert raised.value.code == code
