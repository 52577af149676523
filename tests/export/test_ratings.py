import numpy as np
import pytest
import torch

from core.export.ratings import export_catalogue, export_items
from core.function.modulation import ColdNas, ItemTables
from core.knowledge.modulation import RELEASED
from core.knowledge.ratings import Field, Scale
from core.knowledge.resemblance import resemblance
from core.serving.session import Session

NUM_ITEMS = 6
KINDS = Field.from_rows("kind", [["a", "b"], ["c"], [], ["a"], ["b"], ["c", "a"]])


def network(*, residual, users):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    numbers = rng.normal(3, 1, (NUM_ITEMS, 3 if residual else 0)).astype(np.float32)
    tables = ItemTables((KINDS,), numbers, numbers.mean(0), numbers.std(0))
    people = (Field.from_rows("group", [["x"], ["y"]]),) if users else ()
    return ColdNas(
        tables, people, RELEASED, Scale(1, 5), field_dim=4, number_dim=6, residual=residual
    ).eval()


@pytest.mark.parametrize(
    ("residual", "users"), [(True, True), pytest.param(False, False, marks=pytest.mark.slow)]
)
def test_models_score_as_the_network_does(residual, users):
    one = network(residual=residual, users=users)
    rows = np.array([4, 1, 0, 5])  # what the model keeps, in its own order
    model, worst = export_catalogue(one, rows)
    files, other = export_items(one)
    assert max(worst, other) <= 1e-5
    given, asked = np.array([[0, 3]]), np.array([[1, 2]])  # rows of the model
    feeds = {
        "support_rating": np.array([[5.0, 2.0]], np.float32),
        "support_mask": np.ones((1, 2), np.float32),
    } | ({"user_field": np.array([[1]])} if users else {})
    score, phi = Session(model, "cpu").run(
        feeds | {"support_item": given, "candidate_item": asked}, ["score", "phi"]
    )
    with torch.inference_mode():
        wanted = one(
            torch.from_numpy(feeds.get("user_field", np.zeros((1, 0), np.int64))),
            torch.from_numpy(rows[given]), torch.from_numpy(feeds["support_rating"]),
            torch.ones(1, 2), torch.from_numpy(rows[asked]),
        )  # fmt: skip
    np.testing.assert_allclose(score, wanted[0], atol=1e-5)
    np.testing.assert_allclose(phi, wanted[1], atol=1e-5)
    # the same through vectors of the items
    table = one.field_rows.numpy()
    known = {"field_0": table}
    means = {}
    if residual:
        bias = one.numbers[:, 0].numpy()
        known |= {"bias": bias, "factors": one.numbers[:, 1:].numpy()}
        weights = one.scorer.resemblance.weights.tolist()
        sides = ([KINDS.take(rows[part[0]])] for part in (asked, given))
        means = {
            "support_bias": bias[rows[given]], "candidate_bias": bias[rows[asked]],
            "resemblance": resemblance(weights, *sides)[None].astype(np.float32),
        }  # fmt: skip
    (vectors,) = Session(files["items.onnx"], "cpu").run(known, ["vectors"])
    own = {"support": vectors[rows[given]], "candidate": vectors[rows[asked]]}
    (again,) = Session(files["scorer.onnx"], "cpu").run(feeds | own | means, ["score"])
    np.testing.assert_allclose(again, score, atol=1e-5)
