"""Sums and gathers over index lists: the single place where message passing meets the hardware.

`gather_rows` and `sum_rows` are products with a 0/1 matrix and its transpose. Both directions of
both are segment sums over sorted lists, which PyTorch's embedding_bag runs 20 to 50 times faster on
a CPU than index_add (145,000 edges, width 48: 0.7 against 35 ms on one thread).
While a model is exported, plain index_select and index_add are used instead: ONNX Runtime runs
ScatterND(add) over ascending targets fastest, on one thread (see `core.serving.session`).
"""

import torch
from torch import Tensor
from torch.nn import functional


class _SegmentProduct(torch.autograd.Function):
    """out[i] = sum of x[index[k]] for k in pointer[i]..pointer[i+1]-1; transposed as gradient."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        x: Tensor,
        index: Tensor,
        pointer: Tensor,
        back_index: Tensor,
        back_pointer: Tensor,
        weight: Tensor | None,
        back_weight: Tensor | None,
    ) -> Tensor:
        ctx.save_for_backward(back_index, back_pointer, back_weight)
        return segment_sum(x, index, pointer, weight)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: Tensor
    ) -> tuple[Tensor | None, ...]:
        back_index, back_pointer, weight = ctx.saved_tensors
        back = segment_sum(gradient.contiguous(), back_index, back_pointer, weight)
        return back, *[None] * 6


def segment_sum(x: Tensor, index: Tensor, pointer: Tensor, weight: Tensor | None = None) -> Tensor:
    """Sum rows of x (n, d) chosen by index within each segment of pointer (m+1,).

    Args:
        x: (n, d).
        index: (E,) int64 in 0..n-1.
        pointer: (m+1,) start of each segment in `index`.
        weight: (E,) factor of each row; ones when None.

    Returns:
        (m, d); zero rows for empty segments.
    """
    if not len(index):
        return x.new_zeros(len(pointer) - 1, x.shape[1])
    return functional.embedding_bag(
        index, x, pointer, mode="sum", include_last_offset=True, per_sample_weights=weight
    )


def pointer_of(sorted_index: Tensor, num_segments: int) -> Tensor:
    """(num_segments + 1,) start of each segment in an ascending index list."""
    pointer = sorted_index.new_zeros(num_segments + 1)
    torch.cumsum(torch.bincount(sorted_index, minlength=num_segments), 0, out=pointer[1:])
    return pointer


def gather_rows(x: Tensor, index: Tensor, *, ascending: bool = False) -> Tensor:
    """x[index] with a segment sum as gradient.

    Args:
        x: (n, d).
        index: (m,) int64 in 0..n-1.
        ascending: True when `index` is already sorted, which saves the sort.

    Returns:
        (m, d).
    """
    if torch.compiler.is_exporting() or not (x.requires_grad and torch.is_grad_enabled()):
        return x.index_select(0, index)
    if ascending:
        order, ordered = torch.arange(len(index), device=index.device), index
    else:
        ordered, order = torch.sort(index, stable=True)
    return _Gather.apply(x, index, order, pointer_of(ordered, len(x)))


class _Gather(torch.autograd.Function):
    """x[index]; the gradient sums rows over the sorted order of the index."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        x: Tensor,
        index: Tensor,
        order: Tensor,
        pointer: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(order, pointer)
        return x.index_select(0, index)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: Tensor
    ) -> tuple[Tensor, None, None, None]:
        order, pointer = ctx.saved_tensors
        return segment_sum(gradient.contiguous(), order, pointer), None, None, None


def sum_rows(
    x: Tensor,
    source: Tensor,
    target: Tensor,
    num_targets: int,
    *,
    weight: Tensor | None = None,
    source_ascending: bool = False,
    target_ascending: bool = False,
) -> Tensor:
    """out[target[k]] += weight[k] x[source[k]] over all edges k.

    Args:
        x: (n, d).
        source: (E,) int64 in 0..n-1.
        target: (E,) int64 in 0..num_targets-1; ascending order is fastest when served.
        num_targets: rows of the result.
        weight: (E,) constant factors; ones when None.
        source_ascending: True when `source` is already sorted, which saves one sort.
        target_ascending: likewise for `target`.

    Returns:
        (num_targets, d).
    """
    if torch.compiler.is_exporting():
        rows = x.index_select(0, source)
        rows = rows if weight is None else rows * weight.unsqueeze(1)
        return x.new_zeros(num_targets, x.shape[1]).index_add(0, target, rows)
    by_target = source, target, weight
    if not target_ascending:
        by_target = _sorted(target, source, target, weight)
    forward = by_target[0], pointer_of(by_target[1], num_targets)
    if not (x.requires_grad and torch.is_grad_enabled()):
        return segment_sum(x, *forward, by_target[2])
    back = (source, target, weight) if source_ascending else _sorted(source, source, target, weight)
    return _SegmentProduct.apply(
        x, *forward, back[1], pointer_of(back[0], len(x)), by_target[2], back[2]
    )


def _sorted(
    key: Tensor, source: Tensor, target: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The edges in ascending order of `key`."""
    order = torch.sort(key, stable=True).indices
    return source[order], target[order], None if weight is None else weight[order]
