import ctypes
import shutil
import subprocess

import numpy as np
import pytest
import sympy
import torch
from hypothesis import assume, given, settings

from core.data.physics.simulators import SIMULATORS, simulate, truth
from core.knowledge.physics import code
from core.knowledge.physics.canonical import canonical
from core.knowledge.physics.expression import evaluate, substitute, variables
from core.knowledge.physics.expression import parse as parsed
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import Quantity
from tests.knowledge.physics.samples import expressions, law, system_of

LAWS = {
    "means and maxima": law(
        "h node T^2", "e edge h_j - h_i + k", "s node mean(e)", "t node max(k)",
        "p node alpha*s/t + T", "y graph mean(p)",
    ),
    "vectors": law(
        "e edge 0.3*dv + exp(-r)*n_t*dv_n - dv_t*v_j_n*n", "s node sum(e)", "a node s - v/2 + 1",
    ),
    "largest vector": law("e edge* k*r^1.7", "a node max(e)"),
    "angles": law("e edge sin(dtheta/2) + dtheta", "s node sum(e)", "y node omega*theta + s"),
    "sums of edges": law("e edge dV^2/R", "P graph sum(e)", "q node P*T", "y graph max(q)"),
    "a constant": law("y node 3 - 1/4"),
    "functions": law(
        "e edge tanh(dV)*sign(V_i)*abs(V_j)^-3 - log(R)*sqrt(k)*cos(r)", "y node sum(e)",
    ),
}  # fmt: skip


def inputs(system, names, *, tensor=None):
    """Arguments of an export: the four of every law and the measured quantities it names."""
    groups = (system.nodes, system.edges, system.graphs)
    arrays = {name: one.values for group in groups for name, one in group.items()}
    arrays |= {name: getattr(system, name) for name in ("sender", "receiver", "node_graph")}
    arrays = {name: arrays[name] for name in names if name in arrays}
    if tensor is not None:
        arrays = {name: tensor(value) for name, value in arrays.items()}
    return {**arrays, "num_graphs": system.num_graphs}


def run_python(one, system):
    space = {}
    exec(code.to_python(one, system), space)  # our own export
    names = space["law"].__code__.co_varnames[: space["law"].__code__.co_argcount]
    return space["law"](**inputs(system, names))


def run_torch(one, system):
    space = {}
    exec(code.to_torch(one, system), space)
    module = space["Law"]()
    assert module.constants.tolist() == list(one.constants)
    names = module.forward.__code__.co_varnames[1 : module.forward.__code__.co_argcount]
    result = module(**inputs(system, names, tensor=torch.from_numpy))
    if one.constants:
        result.sum().backward()
        assert module.constants.grad.isfinite().all()
    return result.detach().numpy()


def run_c(one, system, folder):
    text = code.to_c(one, system)
    (folder / "law.c").write_text(text)
    compiler = shutil.which("cc")
    command = [compiler, "-std=c99", "-Wall", "-Wno-unused", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", folder / "law.so", folder / "law.c", "-lm"], check=True)
    library = ctypes.CDLL(str(folder / "law.so"))
    head = text[text.index("int law(") : text.index("double *out)")]
    arrays = [part.split("*")[1].split(",")[0] for part in head.split("const double ")[1:]]
    index = [
        getattr(system, name).astype(np.int32) for name in ("sender", "receiver", "node_graph")
    ]
    values = [np.ascontiguousarray(inputs(system, [name])[name]) for name in arrays]
    out = np.full(one.evaluate(system).shape, np.nan)
    sizes = (system.num_nodes, system.num_edges, system.num_graphs)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in [*index, *values, out]]
    assert library.law(*sizes, *pointers) == 0
    return out


@pytest.fixture(scope="module")
def system():
    return system_of(np.random.default_rng(0), num_graphs=3)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_exports_give_the_values_of_the_law(name, system, tmp_path):
    one = LAWS[name]
    expected = one.evaluate(system)
    np.testing.assert_allclose(run_python(one, system), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run_torch(one, system), expected, rtol=1e-9, atol=1e-12)
    if shutil.which("cc"):
        np.testing.assert_allclose(run_c(one, system, tmp_path), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_exports_of_simulated_laws(name):
    system = simulate(name, num_graphs=3)
    one = canonical(truth(name), system)
    expected = one.evaluate(system)
    np.testing.assert_allclose(run_python(one, system), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run_torch(one, system), expected, rtol=1e-9, atol=1e-12)


def test_exports_in_a_periodic_box(system, tmp_path):
    box = type(system)(**{**vars_of(system), "period": (1.5, 2.5)})
    one = law("e edge* k*(r - 1)", "s node sum(e)", "a node s/m")
    expected = one.evaluate(box)
    assert not np.allclose(expected, one.evaluate(system))
    np.testing.assert_allclose(run_python(one, box), expected, rtol=1e-9)
    np.testing.assert_allclose(run_torch(one, box), expected, rtol=1e-9)
    if shutil.which("cc"):
        np.testing.assert_allclose(run_c(one, box, tmp_path), expected, rtol=1e-9)


def vars_of(system):
    names = ("nodes", "edges", "graphs", "sender", "receiver", "node_graph", "target", "level")
    return {**{name: getattr(system, name) for name in names}, "num_graphs": system.num_graphs}


@given(expressions)
@settings(max_examples=25, deadline=None)
def test_every_expression_is_exported_with_its_values(expr):
    system = system_of(np.random.default_rng(1), num_graphs=2)
    names = {"x": parsed("T", ["T"]), "y": parsed("m", ["m"]), "m_i": parsed("omega", ["omega"])}
    one = Law((Step("y", "node", substitute(expr, names)),))
    expected = one.evaluate(system)
    assume(np.isfinite(expected).all())
    np.testing.assert_allclose(run_python(one, system), expected, rtol=1e-9)


def test_sympy_text_has_the_values_of_each_step():
    one = law("e edge* k*(r - 1)^3/abs(dV)", "s node sum(e)", "a node s/m")
    text = code.to_sympy(one)
    space = {}
    exec(text, space)
    assert "# sum over the edges to node i of e" in text
    names = sorted(variables(one.steps[0].expression))
    values = {name: np.linspace(0.5, 2, 5).reshape(-1, 1) for name in names}
    function = sympy.lambdify([space[name] for name in names], space["e"])
    np.testing.assert_allclose(
        function(*[values[name] for name in names]), evaluate(one.steps[0].expression, values)
    )
    assert space["a"] == space["s"] / space["m"]


def test_units_stay_inside_comments(system):
    nodes = {"T": Quantity("T", system.nodes["T"].values, '*/ """ + exit() #\n')}
    odd = type(system)(**{**vars_of(system), "nodes": nodes})
    one = law("y node 2*T")
    np.testing.assert_allclose(run_python(one, odd), one.evaluate(odd))
    assert code.to_c(one, odd).count("*/") == 2  # the header's and that of `wrapped`


def test_names_that_a_language_keeps_for_itself_are_changed(system):
    nodes = {"lambda": Quantity("lambda", system.nodes["T"].values),
             "größe": Quantity("größe", system.nodes["m"].values)}  # fmt: skip
    odd = type(system)(**{**vars_of(system), "nodes": nodes})
    one = Law((Step("int", "node", parsed("lambda * größe", nodes)),))
    expected = one.evaluate(odd)
    assert "q_lambda * gr__e" in code.to_python(one, odd)
    space = {}
    exec(code.to_python(one, odd), space)
    values = {"q_lambda": nodes["lambda"].values, "gr__e": nodes["größe"].values}
    index = inputs(odd, ["sender", "receiver", "node_graph"])
    np.testing.assert_allclose(space["law"](**index, **values), expected)
    assert "double *q_int" in code.to_c(one, odd)
