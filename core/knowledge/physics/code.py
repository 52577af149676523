"""A law as code that runs without this application: NumPy, PyTorch, SymPy, C, and LaTeX.

Every export takes the measured quantities as `GraphSystem` holds them: one row per node, edge or
graph, a disjoint union of all graphs, messages from sender to receiver.
"""

import builtins
import keyword
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from core.knowledge.physics.expression import (
    OPS,
    Apply,
    Expression,
    Number,
    Variable,
    evaluate,
    variables,
    write,
)
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.notation import law_latex
from core.knowledge.physics.system import LEVELS, GraphSystem, Quantity

INDEX = ("sender", "receiver", "node_graph", "num_graphs")
ROWS = {"edge": "len(sender)", "node": "len(node_graph)", "graph": "num_graphs"}
GROUP = {
    ("edge", "node"): "receiver",
    ("edge", "graph"): "edge_graph",
    ("node", "graph"): "node_graph",
}
C_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while"
)
RESERVED = frozenset((
    *keyword.kwlist, *C_WORDS.split(), *INDEX, *dir(builtins), "np", "torch", "self", "law",
    "r", "n", "n_t", "separation", "edge_graph", "constants", "work", "size", "free_space",
    "out", "row", "pow",
    "square", "sqrt", "exp", "log", "sin", "cos", "tanh", "abs", "fabs", "sign", "fmod", "floor",
    "round", "count", "num_nodes", "num_edges", "Symbol", "Abs",
))  # fmt: skip
HEADER = "Found by Parsimony."


@dataclass
class _Names:
    """Identifiers of an export: quantities and steps under names every language accepts."""

    taken: dict[str, str] = field(default_factory=dict)

    def __call__(self, name: str) -> str:
        if name not in self.taken:
            plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
            while plain in RESERVED or plain in self.taken.values() or plain[0].isdigit():
                plain = f"q_{plain}"
            self.taken[name] = plain
        return self.taken[name]


@dataclass(frozen=True)
class _Use:
    """A name in an expression, traced to what it is made of.

    Attributes:
        kind: "own" (as it is), "spread" (of the graph), "i", "j" (of an end), "apart" (sender minus
            receiver), "angle" (the same, wrapped), "r", "n" or "n_t".
        source: the quantity or step, empty for the last three.
        along: "n" or "n_t" where only that component is meant.
    """

    kind: str
    source: str = ""
    along: str = ""


class _Law:
    """A law with every name resolved."""

    def __init__(self, law: Law, system: GraphSystem) -> None:
        self.law, self.system = law, system
        self.steps = {step.name: step for step in law.steps}
        self.uses = {step.name: self._uses_of(step) for step in law.steps}
        every = [one for uses in self.uses.values() for one in uses.values()]
        self.needs = {one.along or one.kind for one in every} & {"n", "n_t", "r"}
        self.needs |= {"n"} if any(step.vector for step in law.steps) else set()
        groups = (system.nodes, system.edges, system.graphs)
        measured = {name: one for group in groups for name, one in group.items()}
        used = {one.source for one in every}
        position = system.position
        if self.needs and position is not None:
            used.add(position.name)
        self.inputs = {name: one for name, one in measured.items() if name in used}

    def _uses_of(self, step: Step) -> dict[str, _Use]:
        if step.expression is not None:
            return {
                name: self._use(name, step.level) for name in sorted(variables(step.expression))
            }
        return {step.of: self._use(step.of, self.finer(step))}

    def finer(self, step: Step) -> str:
        """The level that an aggregate reads."""
        inner = self.steps.get(step.of)
        return inner.level if inner else {"node": "edge", "graph": "node"}[step.level]

    def _use(self, name: str, level: str) -> _Use:
        system, step = self.system, self.steps.get(name)
        if step is not None:
            return _Use("own" if step.level == level else "spread", name)
        if name in system.graphs:
            return _Use("own" if level == "graph" else "spread", name)
        if name in system.group_of(level):
            return _Use("own", name)
        if name in ("r", "n", "n_t"):
            return _Use(name)
        found = re.fullmatch(r"(.+)_([ij])(?:_(n))?", name)
        if found and (found[1] in system.nodes or found[1] in self.steps):
            return _Use(found[2], found[1], found[3] or "")
        found = re.fullmatch(r"d(.+)_(n|t)", name)
        if found and found[1] in system.nodes:
            return _Use("apart", found[1], "n" if found[2] == "n" else "n_t")
        angle = system.nodes[name[1:]].role == "angle"
        return _Use("angle" if angle else "apart", name[1:])

    def is_vector(self, step: Step) -> bool:
        """Whether a step has several components."""
        return step.vector or any(self.use_is_vector(one) for one in self.uses[step.name].values())

    def use_is_vector(self, use: _Use) -> bool:
        """Whether a used name has several components."""
        if not use.source:
            return use.kind != "r"
        if use.along:
            return False
        if use.source in self.steps:
            return self.is_vector(self.steps[use.source])
        return self.inputs_of(use.source).is_vector

    def inputs_of(self, name: str) -> Quantity:
        """The quantity with this name."""
        groups = (self.system.nodes, self.system.edges, self.system.graphs)
        return next(group[name] for group in groups if name in group)

    def level_of(self, name: str) -> str:
        """Where a quantity lives."""
        return next(level for level in LEVELS if name in self.system.group_of(level))


def _call(style: str) -> Callable[[str, list[str]], str]:
    def function(op: str, args: list[str]) -> str:
        return f"{getattr(OPS[op], style)}({', '.join(args)})"

    return function


def _star_power(base: str, exponent: Number) -> str:
    value = exponent.value
    written = str(int(value)) if value.is_integer() else repr(value)
    return f"{base}**({written})" if value < 0 else f"{base}**{written}"


def _folded(tree: Expression) -> Expression:
    """Parts without a variable as numbers: Python's own 0.0 ** -1 would be an error."""
    if not isinstance(tree, Apply):
        return tree
    if not variables(tree):
        return Number(float(evaluate(tree, {"": np.zeros((1, 1))})[0, 0]))
    return Apply(tree.op, tuple(_folded(arg) for arg in tree.args))


def _describe(one: Quantity, level: str) -> str:
    columns = one.values.shape[1]
    plain = re.sub(r"[^\w ^./()%°·-]", " ", one.unit)  # stays inside a comment whatever it is
    unit = f", in {plain}" if plain.strip() else ""
    return f"({level}s, {columns}){unit}"


# --- NumPy and PyTorch ----------------------------------------------------------------------------

ARRAY = {
    "numpy": {
        "sum": "np.sum({0}, axis=1, keepdims=True)",
        "norm": "np.linalg.norm(separation, axis=1, keepdims=True)",
        "direction": "separation / np.where(r > 0, r, 1.0)",
        "turned": "np.stack([-n[:, 1], n[:, 0]], axis=1)",
        "period": "np.array({0})",
        "round": "np.round",
        "full": "np.full(({0}, 1), {1})",
        "pi": "np.pi",
    },
    "torch": {
        "sum": "torch.sum({0}, dim=1, keepdim=True)",
        "norm": "torch.linalg.norm(separation, dim=1, keepdim=True)",
        "direction": "separation / torch.where(r > 0, r, torch.ones_like(r))",
        "turned": "torch.stack([-n[:, 1], n[:, 0]], dim=1)",
        "period": "separation.new_tensor({0})",
        "round": "torch.round",
        "full": "{1} * torch.ones({0}, 1, dtype=self.constants.dtype)",
        "pi": "torch.pi",
    },
}
NUMPY_AGGREGATE = '''def aggregate(how, values, index, rows):
    """Sum, mean or maximum of the values of each group; 0 for an empty group."""
    count = np.bincount(index, minlength=rows)[:, None]
    if how == "max":
        total = np.full((rows, values.shape[1]), -np.inf)
        np.maximum.at(total, index, values)
        return np.where(count > 0, total, 0.0)
    columns = [np.bincount(index, weights=one, minlength=rows) for one in values.T]
    total = np.stack(columns, axis=1)
    return total if how == "sum" else total / np.maximum(count, 1)
'''
TORCH_AGGREGATE = '''def aggregate(how, values, index, rows):
    """Sum, mean or maximum of the values of each group; 0 for an empty group."""
    reduce = {"sum": "sum", "mean": "mean", "max": "amax"}[how]
    index = index[:, None].expand_as(values)
    empty = values.new_zeros(rows, values.shape[1])
    return empty.scatter_reduce(0, index, values, reduce, include_self=False)
'''


class _ArrayCode:
    """Lines of array code for one law, for NumPy or PyTorch."""

    def __init__(self, law: Law, system: GraphSystem, style: str) -> None:
        self.law = _Law(law, system)
        self.words, self.style = ARRAY[style], "python" if style == "numpy" else "torch"
        self.names = _Names()
        self.constants = 0
        for name in self.law.inputs:
            self.names(name)

    def number(self, value: float) -> str:
        if self.style == "python":
            return repr(float(value)) if math.isfinite(value) else f'float("{value}")'
        self.constants += 1
        return f"self.constants[{self.constants - 1}]"

    def lines(self) -> list[str]:
        """The body of the function, without the last return."""
        result = ["edge_graph = node_graph[receiver]"] if self._needs_edge_graph() else []
        result += self._geometry()
        for step in self.law.law.steps:
            result.append(f"{self.names(step.name)} = {self._value(step)}")
        return result

    def _needs_edge_graph(self) -> bool:
        law = self.law
        spread = any(
            one.kind == "spread" and step.level == "edge"
            for step in law.law.steps
            for one in law.uses[step.name].values()
        )
        return spread or any(
            step.expression is None and (law.finer(step), step.level) == ("edge", "graph")
            for step in law.law.steps
        )

    def _geometry(self) -> list[str]:
        position, period, words = self.law.system.position, self.law.system.period, self.words
        if not self.law.needs or position is None:
            return []
        place = self.names(position.name)
        result = [f"separation = {place}[sender] - {place}[receiver]"]
        if period is not None:
            box = words["period"].format(list(period))
            result.append(f"separation = separation - {box} * {words['round']}(separation / {box})")
        result.append(f"r = {words['norm']}")
        if self.law.needs & {"n", "n_t"}:
            result.append(f"n = {words['direction']}")
        return [*result, f"n_t = {words['turned']}"] if "n_t" in self.law.needs else result

    def _used(self, use: _Use, level: str) -> str:
        """The array behind a name."""
        if not use.source:
            return use.kind
        name = self.names(use.source)
        text = {
            "own": name,
            "spread": f"{name}[{level}_graph]",
            "i": f"{name}[receiver]",
            "j": f"{name}[sender]",
            "apart": f"({name}[sender] - {name}[receiver])",
            "angle": "",
        }[use.kind]
        if use.kind == "angle":
            pi = self.words["pi"]
            text = f"({pi} - ({pi} - {name}[sender] + {name}[receiver]) % (2 * {pi}))"
        return self.words["sum"].format(f"{text} * {use.along}") if use.along else text

    def _value(self, step: Step) -> str:
        uses = self.law.uses[step.name]
        if step.expression is None:
            finer = self.law.finer(step)
            values = self._used(uses[step.of], finer)
            index = GROUP[finer, step.level]
            return f'aggregate("{step.aggregate}", {values}, {index}, {ROWS[step.level]})'
        text = self._formula(step.expression, uses, step.level)
        if not uses:
            text = self.words["full"].format(ROWS[step.level], text)
        return f"({text}) * n" if step.vector else text

    def _formula(self, tree: Expression, uses: Mapping[str, _Use], level: str) -> str:
        def atom(node: Number | Variable) -> str:
            if isinstance(node, Variable):
                return self._used(uses[node.name], level)
            return self.number(node.value)

        tree = _folded(tree) if self.style == "python" else tree
        return write(tree, atom, _call(self.style), self._power)

    def _power(self, base: str, exponent: Number) -> str:
        if self.style == "python" or float(2 * exponent.value).is_integer():
            return _star_power(base, exponent)
        return f"{base}**{self.number(exponent.value)}"

    def arguments(self) -> str:
        """Parameters of the function."""
        return ", ".join([*INDEX, *(self.names(name) for name in self.law.inputs)])

    def documentation(self) -> list[str]:
        """What each parameter is."""
        lines = [
            "sender, receiver: node at each end of each edge; a message goes to the receiver.",
            "node_graph: graph of each node, ascending; num_graphs: how many there are.",
        ]
        for name, one in self.law.inputs.items():
            lines.append(f"{self.names(name)}: {_describe(one, self.law.level_of(name))}.")
        return lines


def to_python(law: Law, system: GraphSystem) -> str:
    """A module with one NumPy function ``law`` that gives what `Law.evaluate` gives."""
    code = _ArrayCode(law, system, "numpy")
    body = code.lines()
    last = code.names(law.steps[-1].name)
    text = [
        f'"""{HEADER}',
        "",
        law.text(),
        '"""',
        "",
        "import numpy as np",
        "",
        "",
        NUMPY_AGGREGATE,
    ]
    text += ["", f"def law({code.arguments()}):", '    """The value for each row.', ""]
    text += [f"    {line}" for line in code.documentation()] + ['    """']
    text += [f"    {line}" for line in body] + [f"    return {last}", ""]
    return "\n".join(text)


def to_torch(law: Law, system: GraphSystem) -> str:
    """A module with a PyTorch module ``Law`` whose constants are parameters."""
    code = _ArrayCode(law, system, "torch")
    body = code.lines()
    last = code.names(law.steps[-1].name)
    numbers = ", ".join(repr(float(value)) for value in law.constants)
    text = [f'"""{HEADER}', "", law.text(), '"""', "", "import torch", "", "", TORCH_AGGREGATE, ""]
    text += ["class Law(torch.nn.Module):", '    """The law with its constants as parameters."""']
    text += ["", "    def __init__(self):", "        super().__init__()"]
    text += [f"        values = torch.tensor([{numbers}], dtype=torch.float64)"]
    text += ["        self.constants = torch.nn.Parameter(values)", ""]
    text += [
        f"    def forward(self, {code.arguments()}):",
        '        """The value for each row.',
        "",
    ]
    text += [f"        {line}" for line in code.documentation()] + ['        """']
    text += [f"        {line}" for line in body] + [f"        return {last}", ""]
    return "\n".join(text)


# --- SymPy and LaTeX ------------------------------------------------------------------------------


def to_sympy(law: Law) -> str:
    """SymPy lines, one for each step; a sum is a symbol of its own."""
    names = _Names({name: name for name in ("r", "n", "n_t")})
    inner = set()
    lines = []
    for step in law.steps:
        if step.expression is None:
            where = {"node": "over the edges to node i", "graph": "over the graph"}[step.level]
            what = f"{step.aggregate} {where} of {names(step.of)}"
            lines.append(f'{names(step.name)} = Symbol("{step.name}")  # {what}')
            continue
        inner |= variables(step.expression) - {one.name for one in law.steps}

        def atom(node: Number | Variable) -> str:
            return names(node.name) if isinstance(node, Variable) else repr(float(node.value))

        def function(op: str, args: list[str]) -> str:
            return f"{'Abs' if op == 'abs' else OPS[op].text}({', '.join(args)})"

        text = write(step.expression, atom, function, _star_power)
        note = "  # times the unit vector from i to j" if step.vector else ""
        lines.append(f"{names(step.name)} = {text}{note}")
    header = "from sympy import Abs, Symbol, cos, exp, log, sign, sin, sqrt, tanh"
    symbols = [f'{names(name)} = Symbol("{name}", real=True)' for name in sorted(inner)]
    return "\n".join([header, "", *symbols, *lines, ""])


def to_latex(law: Law, system: GraphSystem) -> str:
    """The law as one LaTeX equation."""
    return law_latex(law, system)


# --- C --------------------------------------------------------------------------------------------

C_HEADER = """#include <math.h>
#include <stdlib.h>

static double square(double v) { return v * v; }
static double sign(double v) { return (v > 0) - (v < 0); }
static double wrapped(double v) {  /* an angle in (-pi, pi] */
    const double pi = 3.14159265358979323846;
    const double left = fmod(pi - v, 2 * pi);
    return pi - (left < 0 ? left + 2 * pi : left);
}
"""


class _CCode:
    """One C function: loops over rows, one array for each step."""

    def __init__(self, law: Law, system: GraphSystem) -> None:
        self.law, self.names = _Law(law, system), _Names()
        for name in self.law.inputs:
            self.names(name)
        vectors = [one for one in self.law.inputs.values() if one.is_vector]
        self.dim = max((one.values.shape[1] for one in vectors), default=1)

    def text(self) -> str:
        law, last = self.law.law, self.law.law.steps[-1]
        arrays = [f"        const double *{self.names(name)}," for name in self.law.inputs]
        rows = {"edge": "num_edges", "node": "num_nodes", "graph": "num_graphs"}
        sizes = [f"(size_t){rows[step.level]} * {self.columns(step)}" for step in law.steps]
        body = ["size_t size = 1;", *(f"size += {one};" for one in sizes)]
        body += ["double *work = calloc(size, sizeof(double));"]
        body += ["if (work == NULL) return -1;", "double *free_space = work;"]
        for step, size in zip(law.steps, sizes, strict=True):
            name = self.names(step.name)
            body += [f"double *{name} = free_space;", f"free_space += {size};"]
            body += self.aggregate(step) if step.expression is None else self.loop(step)
        count = f"{rows[last.level]} * {self.columns(last)}"
        body += [
            f"for (int row = 0; row < {count}; ++row) out[row] = {self.names(last.name)}[row];"
        ]
        body += ["free(work);", "return 0;"]
        notes = [f"   {line}" for line in self.documentation()]
        head = [f"/* {HEADER}", f"   {law.text()}", "", *notes, "*/", C_HEADER]
        head += ["int law(int num_nodes, int num_edges, int num_graphs, const int *sender,"]
        head += ["        const int *receiver, const int *node_graph,", *arrays]
        head += ["        double *out) {"]
        return "\n".join([*head, *(f"    {line}" for line in body), "}", ""])

    def documentation(self) -> list[str]:
        last = self.law.law.steps[-1]
        lines = ["A message goes from sender to receiver; arrays are row by row."]
        for name, one in self.law.inputs.items():
            lines.append(f"{self.names(name)}: {_describe(one, self.law.level_of(name))}")
        out = f"out: ({last.level}s, {self.columns(last)}); returns 0, or -1 without memory"
        return [*lines, out]

    def columns(self, step: Step) -> int:
        return self.dim if self.law.is_vector(step) else 1

    def loop(self, step: Step) -> list[str]:
        """The values of an expression, row by row."""
        uses, columns = self.law.uses[step.name], self.columns(step)
        rows = {"edge": "num_edges", "node": "num_nodes", "graph": "num_graphs"}[step.level]
        lines = [f"for (int row = 0; row < {rows}; ++row) {{"]
        lines += [f"    {line}" for line in self.geometry(step)]
        for axis in range(columns):

            def atom(node: Number | Variable, axis: int = axis) -> str:
                if isinstance(node, Variable):
                    return self.component(uses[node.name], step.level, axis)
                return repr(float(node.value))

            value = write(step.expression, atom, _call("c"))
            value = f"({value}) * n[{axis}]" if step.vector else value
            lines.append(f"    {self.names(step.name)}[row * {columns} + {axis}] = {value};")
        return [*lines, "}"]

    def geometry(self, step: Step) -> list[str]:
        """Distance and direction of the edge of this row, where a step needs them."""
        uses = self.law.uses[step.name].values()
        needs = {one.along or one.kind for one in uses} & {"r", "n", "n_t"}
        position, period = self.law.system.position, self.law.system.period
        if position is None or not (needs or step.vector):
            return []
        place, dim = self.names(position.name), position.values.shape[1]
        lines = [f"double n[{dim}], r = 0.0;"]
        for axis in range(dim):
            ends = [f"{place}[{end}[row] * {dim} + {axis}]" for end in ("sender", "receiver")]
            lines.append(f"n[{axis}] = {ends[0]} - {ends[1]};")
            if period is not None:
                box = repr(float(period[axis]))
                lines.append(f"n[{axis}] -= {box} * rint(n[{axis}] / {box});")
            lines.append(f"r += n[{axis}] * n[{axis}];")
        lines.append("r = sqrt(r);")
        lines += [f"n[{axis}] /= r > 0 ? r : 1.0;" for axis in range(dim)]
        return [*lines, "const double n_t[2] = {-n[1], n[0]};"] if "n_t" in needs else lines

    def component(self, use: _Use, level: str, axis: int) -> str:
        """One component of a used name in this row."""
        if use.along:
            whole = _Use(use.kind, use.source)
            parts = [
                f"{self.component(whole, level, one)} * {use.along}[{one}]"
                for one in range(self.dim)
            ]
            return f"({' + '.join(parts)})"
        if not use.source:
            return use.kind if use.kind == "r" else f"{use.kind}[{axis}]"
        wide = self.law.use_is_vector(use)
        graph = "node_graph[receiver[row]]" if level == "edge" else "node_graph[row]"
        row = {"own": "row", "spread": graph, "i": "receiver[row]", "j": "sender[row]"}

        def at(index: str) -> str:
            place = f"{index} * {self.dim} + {axis}" if wide else index
            return f"{self.names(use.source)}[{place}]"

        if use.kind in row:
            return at(row[use.kind])
        apart = f"({at('sender[row]')} - {at('receiver[row]')})"
        return f"wrapped{apart}" if use.kind == "angle" else apart

    def aggregate(self, step: Step) -> list[str]:
        """Sum, mean or maximum of what arrives at each row."""
        finer, columns, name = self.law.finer(step), self.columns(step), self.names(step.name)
        use = self.law.uses[step.name][step.of]
        rows = {"edge": "num_edges", "node": "num_nodes"}[finer]
        group = {
            ("edge", "node"): "receiver[row]",
            ("edge", "graph"): "node_graph[receiver[row]]",
            ("node", "graph"): "node_graph[row]",
        }[finer, step.level]
        groups = {"node": "num_nodes", "graph": "num_graphs"}[step.level]
        counted = step.aggregate != "sum"
        lines = (
            [f"{{ int *count = calloc((size_t){groups} + 1, sizeof(int));"] if counted else ["{"]
        )
        if counted:
            lines.append("  if (count == NULL) { free(work); return -1; }")
        lines.append(f"  for (int row = 0; row < {rows}; ++row) {{")
        lines.append(f"    const int to = {group};")
        for axis in range(columns):
            target = f"{name}[to * {columns} + {axis}]"
            value = self.component(use, finer, axis)
            if step.aggregate == "max":
                lines.append(f"    if (count[to] == 0 || {value} > {target}) {target} = {value};")
            else:
                lines.append(f"    {target} += {value};")
        lines += ["    ++count[to];"] if counted else []
        lines.append("  }")
        if step.aggregate == "mean":
            lines.append(f"  for (int row = 0; row < {groups} * {columns}; ++row)")
            lines.append(f"    {name}[row] /= count[row / {columns}] ? count[row / {columns}] : 1;")
        return [*lines, *(["  free(count);"] if counted else []), "}"]


def to_c(law: Law, system: GraphSystem) -> str:
    """A C99 function ``law`` without dependencies but the standard library."""
    return _CCode(law, system).text()
