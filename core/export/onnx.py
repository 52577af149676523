"""From a torch module to ONNX bytes, and the comparison of both."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from core.errors import ArtifactError
from core.serving.session import Session


def to_onnx(
    module: nn.Module,
    inputs: Mapping[str, np.ndarray],
    outputs: Sequence[str],
    *,
    dynamic: Mapping[str, Sequence[int]],
) -> bytes:
    """Export a module called with keyword arguments.

    Args:
        module: in evaluation mode, on the CPU.
        inputs: an example; sizes of 0 and 1 must not stand for dynamic axes.
        outputs: names of the results.
        dynamic: axes of each input whose size may change; inputs without an entry are fixed.

    Raises:
        ArtifactError: the exporter dropped the reduction of a scatter, which would give wrong sums.
    """
    axes = {name: dict.fromkeys(dynamic.get(name, ()), torch.export.Dim.DYNAMIC) for name in inputs}
    program = torch.onnx.export(
        module,
        args=(),
        kwargs=_arguments(module, {k: torch.from_numpy(v) for k, v in inputs.items()}),
        dynamo=True,
        dynamic_shapes=_arguments(module, axes),
        input_names=list(inputs),
        output_names=list(outputs),
        verbose=False,
    )
    model = program.model_proto
    for node in model.graph.node:
        if node.op_type.startswith("Scatter"):
            reductions = [a.s for a in node.attribute if a.name == "reduction"]
            if reductions not in ([b"add"], [b"max"]):
                raise ArtifactError(
                    f"The exported graph holds {node.op_type} without reduction; its sums would be "
                    "wrong. Export with a torch version between 2.9 and 2.13."
                )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def parity(
    module: nn.Module,
    session: Session,
    cases: Iterable[Mapping[str, np.ndarray]],
    outputs: Sequence[str],
) -> float:
    """Largest absolute difference between torch and ONNX Runtime over several inputs."""
    pairs = (pair for case in compared(module, session, cases, outputs) for pair in case)
    return max((largest_difference(*pair) for pair in pairs), default=0.0)


def compared(
    module: nn.Module,
    session: Session,
    cases: Iterable[Mapping[str, np.ndarray]],
    outputs: Sequence[str],
) -> Iterator[list[tuple[np.ndarray, np.ndarray]]]:
    """For each input, every output as torch and as ONNX Runtime compute it.

    Raises:
        ArtifactError: both differ in shape.
    """
    for feeds in cases:
        with torch.inference_mode():
            expected = module(
                **_arguments(module, {k: torch.from_numpy(v) for k, v in feeds.items()})
            )
        expected = expected if isinstance(expected, tuple) else (expected,)
        served = session.run(feeds, outputs)
        for ours, theirs in zip(expected, served, strict=True):
            if theirs.shape != tuple(ours.shape):
                raise ArtifactError(
                    f"ONNX Runtime returned shape {theirs.shape}, torch {tuple(ours.shape)}."
                )
        yield [(ours.numpy(), theirs) for ours, theirs in zip(expected, served, strict=True)]


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of two arrays of one shape, 0 where they are empty."""
    return float(np.abs(ours - theirs).max(initial=0.0))


def _arguments(module: nn.Module, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by parameter; those without a parameter of their own form the tuple ``lists``."""
    names = inspect.signature(module.forward).parameters
    own = {name: value for name, value in values.items() if name in names}
    rest = tuple(value for name, value in values.items() if name not in names)
    return own | {"lists": rest} if "lists" in names else own
