"""Segment sums against plain loops, values and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.function.segment import gather_rows, pointer_of, segment_sum, sum_rows

edges = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=12)


def loop_sum(x, source, target, num):
    out = torch.zeros(num, x.shape[1], dtype=x.dtype)
    for s, t in zip(source.tolist(), target.tolist(), strict=True):
        out[t] = out[t] + x[s]
    return out


@settings(deadline=None)
@given(edges, st.booleans())
def test_sum_rows_and_its_gradient(pairs, ascending):
    pairs = sorted(pairs) if ascending else pairs
    source = torch.tensor([s for s, _ in pairs], dtype=torch.long)
    target = torch.tensor([t for _, t in pairs], dtype=torch.long)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weight = torch.arange(12.0).reshape(4, 3)
    out = sum_rows(x, source, target, 4, source_ascending=ascending)
    expected = loop_sum(x, source, target, 4)
    torch.testing.assert_close(out, expected)
    (ours,) = torch.autograd.grad((out * weight).sum(), x)
    (theirs,) = torch.autograd.grad((expected * weight).sum() + 0 * x.sum(), x)
    torch.testing.assert_close(ours, theirs)
    with torch.no_grad():
        torch.testing.assert_close(sum_rows(x, source, target, 4), expected)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=10), st.booleans())
def test_gather_rows_and_its_gradient(rows, ascending):
    index = torch.tensor(sorted(rows) if ascending else rows, dtype=torch.long)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), requires_grad=True)
    out = gather_rows(x, index, ascending=ascending)
    torch.testing.assert_close(out, x[index])
    weight = torch.arange(2.0 * len(index)).reshape(-1, 2)
    (ours,) = torch.autograd.grad((out * weight).sum(), x)
    (theirs,) = torch.autograd.grad((x[index] * weight).sum() + 0 * x.sum(), x)
    torch.testing.assert_close(ours, theirs)


def test_pointer_and_empty_segments():
    assert pointer_of(torch.tensor([0, 0, 2]), 4).tolist() == [0, 2, 2, 3, 3]
    x = torch.tensor([[1.0], [10.0]])
    out = segment_sum(x, torch.tensor([0, 1, 1]), torch.tensor([0, 2, 2, 3]))
    assert out.tolist() == [[11.0], [0.0], [10.0]]
    none = segment_sum(x, torch.zeros(0, dtype=torch.long), torch.tensor([0, 0, 0]))
    assert none.tolist() == [[0.0], [0.0]]


@pytest.mark.gpu
def test_cuda_equals_cpu():
    generator = torch.Generator().manual_seed(0)
    source = torch.randint(0, 50, (400,), generator=generator)
    target = torch.randint(0, 30, (400,), generator=generator)
    x = torch.randn(50, 8, generator=generator)
    there = sum_rows(x.cuda(), source.cuda(), target.cuda(), 30).cpu()
    torch.testing.assert_close(there, sum_rows(x, source, target, 30))
