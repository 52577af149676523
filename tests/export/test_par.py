"""The exported adaptation of PAR: parity at other sizes, repetition, independence."""

import numpy as np
import pytest
import torch

from core.errors import ArtifactError
from core.export.par import INPUTS, OUTPUTS, export_par, parity_par
from core.function.par import ParHead
from core.serving.session import Session

D = 16


@pytest.fixture(scope="module")
def exported():
    torch.manual_seed(0)
    head = ParHead(D)
    with torch.no_grad():  # so that differences show
        for parameter in head.parameters():
            parameter.mul_(2)
    content = export_par(head)
    return head, Session(content, "cpu")


def feeds(inactive, active, anchors, queries):
    rng = np.random.default_rng(3)
    sizes = inactive + active, anchors, queries
    support, unlabelled, asked = (rng.normal(size=(n, D)).astype(np.float32) for n in sizes)
    classes = np.eye(2, dtype=np.float32)[[0] * inactive + [1] * active]
    return dict(zip(INPUTS, (support, classes, unlabelled, asked), strict=True))


def test_onnx_runtime_equals_torch_at_other_sizes(exported):
    head, session = exported
    assert parity_par(head, session) <= 1e-5


@pytest.mark.parametrize(("inactive", "active", "anchors", "queries"), [(1, 1, 0, 1), (7, 9, 5, 3)])
def test_served_answers_are_those_of_the_head(exported, inactive, active, anchors, queries):
    head, session = exported
    given = feeds(inactive, active, anchors, queries)
    probability, relations = session.run(given, OUTPUTS)
    support, classes, unlabelled, asked = (torch.from_numpy(given[name]) for name in INPUTS)
    state = head.eval().adapt(support, classes, unlabelled)
    expected = head.answer(state, asked).detach().numpy()
    np.testing.assert_allclose(probability, expected, atol=1e-5)
    assert ((relations > 0).sum(1) == min(inactive, active)).all()


def test_the_step_is_part_of_the_model(exported):
    _, session = exported
    given = feeds(5, 5, 0, 6)
    turned = given | {"classes": given["classes"][:, ::-1].copy()}
    one, other = (session.run(x, ["probability"])[0] for x in (given, turned))
    assert np.abs(one - other).max() > 1e-3


def test_repeated_runs_are_identical(exported):
    _, session = exported
    given = feeds(6, 7, 4, 9)
    first = session.run(given, OUTPUTS)
    for _ in range(50):
        for one, other in zip(first, session.run(given, OUTPUTS), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_query_does_not_depend_on_the_others(exported):
    _, session = exported
    given = feeds(4, 4, 3, 8)
    together = session.run(given, ["probability"])[0]
    for row in range(8):
        alone = session.run(given | {"query": given["query"][[row]]}, ["probability"])[0]
        np.testing.assert_allclose(alone, together[[row]], atol=1e-6)


class _Swapping:
    """A runtime that keeps other neighbours than torch for the first queries of every case."""

    def __init__(self, session, num_queries):
        self.session, self.num_queries = session, num_queries

    def run(self, given, outputs):
        probability, relations = self.session.run(given, outputs)
        relations = relations.copy()
        relations[: self.num_queries] = np.where(relations[: self.num_queries] > 0, 0, 0.7)
        return [probability, relations]


def test_other_neighbours_are_no_parity(exported):
    head, session = exported
    with pytest.raises(ArtifactError, match="different neighbours"):
        parity_par(head, _Swapping(session, 2))
    assert parity_par(head, _Swapping(session, 0)) <= 1e-5
