import pytest
import torch

from core.errors import Cancelled, ParsimonyError
from core.training.loop import train


class Line:
    """Fits y = 2x; validation improves until epoch `peak`, then falls."""

    def __init__(self, peak=100, broken=False):
        torch.manual_seed(0)
        self.network = torch.nn.Linear(1, 1)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)
        self.peak, self.broken, self.validated = peak, broken, 0

    def batches(self, epoch):
        x = torch.tensor([[1.0], [float(epoch % 3)]])
        return [x, x + 1]

    def loss(self, batch):
        scale = float("inf") if self.broken else 1.0
        noise = 0.01 * torch.rand(())  # makes the random state matter
        return ((self.network(batch) - 2 * batch) ** 2).mean() * scale + noise

    def validate(self):
        self.validated += 1
        value = 1 - abs(self.peak - self.validated) / 100
        return {"selection": value, "valid_mrr": value}


SETTINGS = {"num_epochs": 8, "patience": 3, "gradient_clip": 5.0}


def test_best_epoch_is_kept_and_patience_ends_training():
    line = Line(peak=2)
    history = train(line, **SETTINGS)
    assert history.best_epoch == 2
    assert [row["epoch"] for row in history.epochs] == [1, 2, 3, 4, 5]
    fresh = Line(peak=2)
    train(fresh, **{**SETTINGS, "num_epochs": 2})
    assert torch.equal(line.network.weight, fresh.network.weight)


def test_interrupted_training_goes_on_with_the_same_numbers(tmp_path):
    whole = Line()
    expected = train(whole, **SETTINGS)
    steps = []

    def stop_in_epoch_five(step, total, _text="", **_values):
        steps.append((step, total))
        if step == 4:
            raise Cancelled("A person has asked this job to stop.")

    first = Line()
    with pytest.raises(Cancelled):
        train(first, **SETTINGS, checkpoint=tmp_path / "c.pt", report=stop_in_epoch_five)
    second = Line()
    second.validated = 4
    history = train(second, **SETTINGS, checkpoint=tmp_path / "c.pt")
    assert torch.equal(second.network.weight, whole.network.weight)
    assert [row["loss"] for row in history.epochs] == [row["loss"] for row in expected.epochs]
    assert steps[0] == (0, 8)
    assert not (tmp_path / "c.partial").exists()


class Walk(Line):
    """Weights that are the number of the step, so that averages can be written down."""

    def loss(self, batch):
        return -self.network.weight.sum() / 0.1 - 0 * self.network(batch).sum()

    def __init__(self):
        super().__init__()
        torch.nn.init.zeros_(self.network.weight)
        self.scheduler = torch.optim.lr_scheduler.ConstantLR(self.optimizer, 1.0)


def test_averaged_weights_are_judged_and_kept_and_survive_an_interruption(tmp_path):
    settings = {**SETTINGS, "gradient_clip": 100.0, "average": True}
    mean = 1.0
    for number, weight in enumerate(range(2, 17), start=1):  # eight epochs of two steps
        mean += (weight - mean) * 4 / (number + 4)
    walk = Walk()
    train(walk, **settings)
    assert walk.network.weight.item() == pytest.approx(mean, rel=1e-5)

    def stop(step, _total, _text="", **_values):
        if step == 5:
            raise Cancelled("A person has asked this job to stop.")

    first, second = Walk(), Walk()
    with pytest.raises(Cancelled):
        train(first, **settings, checkpoint=tmp_path / "c.pt", report=stop)
    second.validated = 5
    train(second, **settings, checkpoint=tmp_path / "c.pt")
    assert second.network.weight.item() == pytest.approx(mean, rel=1e-5)


def test_a_finished_checkpoint_trains_no_more(tmp_path):
    line = Line()
    train(line, **SETTINGS, checkpoint=tmp_path / "c.pt")
    again = Line()
    history = train(again, **SETTINGS, checkpoint=tmp_path / "c.pt")
    assert again.validated == 0
    assert len(history.epochs) == 8
    assert torch.equal(again.network.weight, line.network.weight)


def test_a_loss_that_is_not_finite_stops_with_advice():
    with pytest.raises(ParsimonyError, match=r"unstable in epoch 1 .*Lower learning_rate"):
        train(Line(broken=True), **SETTINGS)


def test_values_are_reported_once_per_epoch():
    seen = []
    train(
        Line(),
        **{**SETTINGS, "num_epochs": 2},
        report=lambda step, _total, _text="", **values: values and seen.append((step, values)),
    )
    assert [step for step, _ in seen] == [1, 2]
    assert set(seen[0][1]) == {"epoch", "loss", "valid_mrr"}
