"""Reading the query parameters of an address: what does not fit is left out and named."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


class ParameterReader:
    """Takes parameters one by one and remembers those that do not fit."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.parameters = parameters
        self.ignored: list[str] = []

    def take(self, name: str, accept: Callable[[str], T | None], default: T) -> T:
        """The accepted value of a parameter, `default` where it is absent or refused."""
        if name not in self.parameters:
            return default
        found = accept(self.parameters[name])
        if found is None:
            self.ignored.append(name)
            return default
        return found
