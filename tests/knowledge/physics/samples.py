"""Systems, laws and random expressions that several tests use."""

import re

import numpy as np
from hypothesis import strategies as st

from core.knowledge.physics.expression import OPS, Apply, Number, Variable, parse, power
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import GraphSystem, Quantity

NAMES = ("x", "y", "m_i")
numbers = st.one_of(st.floats(0.01, 5), st.floats(-5, -0.01), st.just(0.0)).map(Number)
atoms = st.one_of(numbers, st.sampled_from(NAMES).map(Variable))


def applied(inner):
    exponents = st.sampled_from([-2.0, -1.0, 3.0, 1.5, -0.7])
    return st.one_of(
        st.builds(power, inner, exponents),
        *[
            st.builds(Apply, st.just(op), st.tuples(*[inner] * one.arity))
            for op, one in OPS.items()
            if op != "pow"
        ],
    )


expressions = st.recursive(atoms, applied, max_leaves=8)


def points(rows=12):
    rng = np.random.default_rng(0)
    return {name: rng.uniform(0.3, 2, (rows, 1)) for name in NAMES}


def system_of(rng, num_graphs=6, num_nodes=4):
    """Complete graphs in the plane with springs, potentials, angles and velocities."""
    one, two = np.nonzero(~np.eye(num_nodes, dtype=bool))
    base = np.repeat(np.arange(num_graphs) * num_nodes, len(one))
    sender, receiver = base + np.tile(one, num_graphs), base + np.tile(two, num_graphs)
    rows = num_graphs * num_nodes

    def node(name, values, unit="", role=""):
        return Quantity(name, values, unit, role)

    pair = {
        tuple(sorted(ends)): rng.uniform(1, 2)
        for ends in zip(sender.tolist(), receiver.tolist(), strict=True)
    }
    ends = [tuple(sorted(one)) for one in zip(sender.tolist(), receiver.tolist(), strict=True)]
    k = np.array([[pair[one]] for one in ends])
    nodes = [
        node("x", rng.normal(size=(rows, 2)), "m", "position"),
        node("v", rng.normal(size=(rows, 2)), "m s^-1", "velocity"),
        node("m", rng.uniform(1, 2, (rows, 1)), "kg"),
        node("T", rng.uniform(1, 2, (rows, 1)), "K"),
        node("V", rng.normal(size=(rows, 1)), "V"),
        node("theta", rng.uniform(-4, 4, (rows, 1)), "rad", "angle"),
        node("omega", rng.normal(size=(rows, 1)), "s^-1"),
    ]
    return GraphSystem(
        {one.name: one for one in nodes},
        {"k": Quantity("k", k, "N m^-1"), "R": Quantity("R", k / 2, "ohm")},
        {"alpha": Quantity("alpha", rng.uniform(1, 3, (num_graphs, 1)), "W K^-1")},
        sender,
        receiver,
        np.repeat(np.arange(num_graphs), num_nodes),
        Quantity("a", np.zeros((rows, 2)), "m s^-2"),
        "node",
        num_graphs,
    )


def law(*lines):
    """Lines such as ``e edge* k*(r - 1)`` (* for a vector) and ``s node sum(e)``."""
    steps = []
    for line in lines:
        name, level, text = line.split(maxsplit=2)
        if found := re.fullmatch(r"(sum|mean|max)\((\w+)\)", text):
            steps.append(Step(name, level, aggregate=found[1], of=found[2]))
        else:
            tree = parse(text, re.findall(r"[^\W\d]\w*", text))
            steps.append(Step(name, level.rstrip("*"), tree, vector=level.endswith("*")))
    return Law(tuple(steps))
