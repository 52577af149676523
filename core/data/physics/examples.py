"""Systems that the page has ready: what is asked of each, and how its samples are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Example:
    """A system to begin with.

    Attributes:
        name: short id.
        title: in words.
        question: one sentence, what a person would want to know.
        simulator: one of `core.data.physics.simulators.SIMULATORS`.
        settings: arguments of `simulate`.
    """

    name: str
    title: str
    question: str
    simulator: str
    settings: Mapping[str, object] = field(default_factory=dict)


_NOISY = {"num_graphs": 300, "noise": 0.05, "seed": 0}
_CLEAN = {"num_graphs": 300, "noise": 0.0, "seed": 0}

EXAMPLES: Mapping[str, Example] = {
    one.name: one
    for one in (
        Example(
            "springs", "Springs",
            "How does the pull between two particles depend on how far apart they are?",
            "springs", _NOISY,
        ),
        Example(
            "gravity", "Gravity",
            "By which power of the distance does the attraction of two bodies fall?",
            "gravity", _NOISY,
        ),
        Example(
            "charges", "Electric charges",
            "What do the signs of two charges and the mass of one do to its acceleration?",
            "charges", _NOISY,
        ),
        Example(
            "heat", "Heat conduction",
            "What drives the temperature of a node towards that of its neighbours?",
            "heat", _NOISY | {"noise": 0.2},
        ),
        Example(
            "circuit", "Resistor circuit",
            "What does each resistor add to the power of the whole circuit?",
            "circuit", _NOISY,
        ),
        Example(
            "kuramoto", "Coupled oscillators",
            "How do oscillators pull one another into step?",
            "kuramoto", _NOISY,
        ),
        Example(
            "mechanics-complex", "Springs under external forces",
            "Which parts has an acceleration that is seen from the moving centre of mass?",
            "mechanics-complex", _CLEAN,
        ),
        Example(
            "thermology-complex", "Entropy of a heated plate",
            "How much entropy do heat flows inside a plate and heat from outside produce?",
            "thermology-complex", _CLEAN,
        ),
        Example(
            "sis", "Epidemic on a network",
            "How do infected neighbours and recovery change the infected share of a place?",
            "sis", _NOISY,
        ),
        Example(
            "hill", "Gene regulation",
            "How does the activity of a gene saturate with that of its regulators?",
            "hill", _NOISY,
        ),
        Example(
            "social-force", "Walking crowd",
            "What makes a pedestrian speed up, slow down or step aside?",
            "social-force", _NOISY,
        ),
    )
}  # fmt: skip
