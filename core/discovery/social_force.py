"""The social force model, fitted: what a formula for pedestrians is measured against.

Source: Helbing and Molnár, "Social force model for pedestrian dynamics", Phys. Rev. E 51 (1995), in
the form that Shi et al. (ICLR 2023, GSR) compare with: a = (v0 e - v) / τ - Σ A exp(-r / B) n over
the neighbours, mass 1, with v0, τ, A and B fitted.
"""

from itertools import product

from core.discovery.fitting import error, refit
from core.errors import ShapeError
from core.knowledge.physics.expression import Apply, Expression, Number, Variable
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import GraphSystem

STARTS = tuple(product((0.5, 5.0), (0.3, 2.0)))  # τ in s and B in m; v0 and A follow


def social_force(
    velocity: str, desired: str, speed: float, time: float, push: float, reach: float
) -> Law:
    """The model as a law.

    Args:
        velocity: name of v.
        desired: name of e, unit vectors towards the destination.
        speed: v0.
        time: τ.
        push: A.
        reach: B.
    """

    def minus(left: Expression, right: Expression) -> Expression:
        return Apply("sub", (left, right))

    wanted = Apply("mul", (Number(speed), Variable(desired)))
    fading = Apply("exp", (Apply("neg", (Apply("div", (Variable("r"), Number(reach))),)),))
    drive = Apply("div", (minus(wanted, Variable(velocity)), Number(time)))
    return Law(
        (
            Step("message", "edge", Apply("mul", (Number(push), fading)), vector=True),
            Step("total", "node", aggregate="sum", of="message"),
            Step("answer", "node", minus(drive, Variable("total"))),
        )
    )


def fit_social_force(train: GraphSystem, desired: str = "e") -> Law:
    """The model with the constants that fit best, from several starts.

    Args:
        train: pedestrians with positions, velocities and accelerations as the target.
        desired: name of the unit vectors towards the destination.

    Raises:
        ShapeError: if positions, velocities or destinations are missing.
    """
    velocity = next((name for name, one in train.nodes.items() if one.role == "velocity"), None)
    if velocity is None or desired not in train.nodes or train.position is None:
        raise ShapeError(
            f"The social force model needs positions, velocities and {desired!r}, the direction to "
            "the destination."
        )
    starts = [social_force(velocity, desired, 1.3, time, 1.0, reach) for time, reach in STARTS]
    return min((refit(law, train) for law in starts), key=lambda law: error(law, train))
