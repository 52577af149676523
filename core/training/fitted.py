"""What every method returns."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from core.training.loop import History


@dataclass(frozen=True)
class Fitted:
    """A trained method.

    Attributes:
        network: the function, with the best validated weights.
        knowledge: plain values that serving needs beside the weights (vocabulary, sizes).
        history: epochs, time, best epoch.
    """

    network: nn.Module
    knowledge: dict[str, Any]
    history: History

    @property
    def num_parameters(self) -> int:
        """Trained numbers."""
        return sum(parameter.numel() for parameter in self.network.parameters())
