"""How laws are written for people: symbols, words and LaTeX of names, steps and whole laws."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    substitute,
    to_latex,
    variables,
)
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import GraphSystem, Quantity

GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
    *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
)
OVER = {
    ("edge", "node"): r"j \in N(i)",
    ("edge", "graph"): "(i,j)",
    ("node", "graph"): "i",
}
SIGNS = {"sum": r"\sum", "mean": r"\operatorname*{mean}", "max": r"\max"}
RATE = re.compile(r"d([^\W_]+)_dt")


@dataclass(frozen=True)
class Description:
    """A name as a person reads it.

    Attributes:
        symbol: LaTeX.
        words: plain words.
        unit: SI symbols, empty when not known.
        is_vector: whether it has several components.
    """

    symbol: str
    words: str
    unit: str
    is_vector: bool = False


def symbol(name: str, index: str = "", *, bold: bool = False) -> str:
    r"""LaTeX of a name; what is no letter or digit is left out, so any text is safe.

    Args:
        name: an identifier, such as ``k_max``.
        index: further subscripts, such as ``ij``.
        bold: for a vector.
    """
    if rate := RATE.fullmatch(name):
        top = symbol(rate[1], index, bold=bold)
        return rf"\frac{{\mathrm{{d}} {top}}}{{\mathrm{{d}} t}}"
    parts = [re.sub(r"[\W_]", "", part) for part in name.split("_")]
    stem, *below = [part for part in parts if part] or ["?"]
    if stem in GREEK:
        written = rf"\boldsymbol{{\{stem}}}" if bold else rf"\{stem}"
    elif len(stem) == 1:
        written = rf"\mathbf{{{stem}}}" if bold else stem
    else:
        written = rf"\mathbf{{{stem}}}" if bold else rf"\mathrm{{{stem}}}"
    subscripts = [one if len(one) == 1 else rf"\mathrm{{{one}}}" for one in below]
    subscripts += [index] if index else []
    return f"{written}_{{{','.join(subscripts)}}}" if subscripts else written


def _plain(one: Quantity, index: str, words: str = "") -> Description:
    written = symbol(one.name, index, bold=one.is_vector)
    return Description(written, one.name + words, one.unit, one.is_vector)


def _of_ends(one: Quantity) -> dict[str, Description]:
    """What an edge sees of a quantity of its nodes."""
    name, unit, bold = one.name, one.unit, one.is_vector
    near, far = f"{name} of the receiver", f"{name} of the sender"
    apart = f"{far} minus {near}"
    seen = {
        f"{name}_i": Description(symbol(name, "i", bold=bold), near, unit, bold),
        f"{name}_j": Description(symbol(name, "j", bold=bold), far, unit, bold),
        f"d{name}": Description(rf"\Delta {symbol(name, bold=bold)}", apart, unit, bold),
    }
    if one.is_vector:
        line, side = "along the line to the sender", "to the left of the line to the sender"
        seen |= {
            f"{name}_i_n": Description(symbol(name, "i,n"), f"{near} {line}", unit),
            f"{name}_j_n": Description(symbol(name, "j,n"), f"{far} {line}", unit),
            f"d{name}_n": Description(rf"\Delta {symbol(name, 'n')}", f"{apart}, {line}", unit),
            f"d{name}_t": Description(rf"\Delta {symbol(name, 't')}", f"{apart}, {side}", unit),
        }
    return seen


def descriptions(system: GraphSystem, level: str) -> dict[str, Description]:
    """Symbol, words and unit of every quantity that a level can see, positions included."""
    found: dict[str, Description] = {}
    for one in system.graphs.values():
        found[one.name] = _plain(one, "")
    for one in system.nodes.values():
        if level == "node":
            found[one.name] = _plain(one, "i")
        elif level == "edge":
            found |= _of_ends(one)
    if level != "edge":
        return found
    position = system.position
    if position is not None:
        found |= {
            "r": Description("r_{ij}", "distance", position.unit),
            "n": Description(r"\hat{\mathbf{n}}_{ij}", "direction to the sender", "1", True),
            "n_t": Description(r"\hat{\mathbf{t}}_{ij}", "direction to the left", "1", True),
        }
    for one in system.edges.values():
        found[one.name] = _plain(one, "ij", " of the edge")
    return found


def _written_out(system: GraphSystem) -> dict[str, Expression]:
    """Differences of two ends, as they are shown."""
    return {
        f"d{name}{end}": Apply("sub", (Variable(f"{name}_j{end}"), Variable(f"{name}_i{end}")))
        for name, one in system.nodes.items()
        for end in (("", "_n") if one.is_vector else ("",))
    }


def law_latex(law: Law, system: GraphSystem) -> str:
    """The whole law as one equation; numbers with four significant digits.

    Steps that edges see from both ends are defined behind it.
    """
    writer = _Writer(law, system)
    return ", \\quad ".join([writer.equation(law.steps[-1]), *writer.definitions])


def step_latex(law: Law, system: GraphSystem) -> tuple[tuple[str, str], ...]:
    """Name and equation of each step, with the names of earlier steps in it."""
    return tuple(
        (step.name, _Writer(law, system, whole=False).equation(step)) for step in law.steps
    )


class _Writer:
    """Writes the steps of one law."""

    def __init__(self, law: Law, system: GraphSystem, *, whole: bool = True) -> None:
        self.law, self.system, self.whole = law, system, whole
        self.steps = {step.name: step for step in law.steps}
        self.definitions: list[str] = []
        self.apart = _written_out(system)

    def equation(self, step: Step) -> str:
        answer = step is self.law.steps[-1] and self.whole
        target = self.system.target
        name = target.name if answer else step.name
        bold = target.is_vector if answer else self.is_vector(step)
        index = {"edge": "ij", "node": "i", "graph": ""}[step.level]
        return f"{symbol(name, index, bold=bold)} = {self.right_side(step)}"

    def is_vector(self, step: Step) -> bool:
        if step.vector:
            return True
        known = descriptions(self.system, step.level)
        for name in {step.of} if step.expression is None else variables(step.expression):
            earlier = self.steps.get(name) or self.steps.get(name[:-2])
            if earlier is not None and self.is_vector(earlier):
                return True
            if earlier is None and name in known and known[name].is_vector:
                return True
        return False

    def right_side(self, step: Step) -> str:
        if step.expression is None:
            return self.aggregate(step)
        return self.formula(self.tree(step), step.level)

    def tree(self, step: Step) -> Expression:
        """The expression with the earlier expressions of its level in place of their names."""
        names: dict[str, Expression] = {}
        for name in variables(step.expression) if self.whole else ():
            earlier = self.steps.get(name)
            if earlier is not None and earlier.expression is not None:
                names[name] = self.tree(earlier)
        tree = substitute(step.expression, names)
        return Apply("mul", (tree, Variable("n"))) if step.vector else tree

    def formula(self, tree: Expression, level: str) -> str:
        """LaTeX of an expression; sums are put in where their marks stand."""
        known = descriptions(self.system, level)
        tree = self.arranged(tree)
        tree = substitute(tree, self.apart) if level == "edge" else tree
        marks: dict[str, str] = {}
        symbols: dict[str, str] = {}
        for name in variables(tree):
            step, end = self.steps.get(name), ""
            if step is None and name not in known:
                step, end = self.steps[name[:-2]], name[-1]
            if step is None:
                symbols[name] = known[name].symbol
            elif end or not self.whole or step.expression is not None:
                index = end or {"edge": "ij", "node": "i", "graph": ""}[step.level]
                symbols[name] = symbol(step.name, index, bold=self.is_vector(step))
                self._define(step, end)
            else:
                symbols[name] = f"@{len(marks)}@"
                marks[symbols[name]] = self.aggregate(step)
        return _put_in(to_latex(tree, symbols), marks)

    def arranged(self, tree: Expression) -> Expression:
        """Factors in the usual order: numbers, quantities, differences, sums, directions."""
        if not isinstance(tree, Apply):
            return tree
        if tree.op != "mul":
            return Apply(tree.op, tuple(self.arranged(arg) for arg in tree.args))

        def rank(factor: Expression) -> int:
            if isinstance(factor, Variable):
                step = self.steps.get(factor.name)
                if step is not None and step.expression is None:
                    return 5
                return 6 if factor.name in ("n", "n_t") else 2 if factor.name in self.apart else 1
            return 0 if isinstance(factor, Number) else 2 if factor.op == "square" else 3

        names = {one: one.name for one in _chain(tree) if isinstance(one, Variable)}
        first, *others = sorted(_chain(tree), key=lambda one: (rank(one), names.get(one, "")))
        result = self.arranged(first)
        for one in others:
            result = Apply("mul", (result, self.arranged(one)))
        return result

    def _define(self, step: Step, end: str) -> None:
        if end and self.whole:
            self.steps.pop(step.name)
            written = symbol(step.name, "i", bold=self.is_vector(step))
            definition = f"{written} = {self.right_side(step)}"
            self.steps[step.name] = step
            if definition not in self.definitions:
                self.definitions.append(definition)

    def aggregate(self, step: Step) -> str:
        inner = self.steps.get(step.of)
        finer = inner.level if inner else {"node": "edge", "graph": "node"}[step.level]
        if inner is not None and not self.whole:
            text = symbol(
                inner.name, {"edge": "ij", "node": "i"}[finer], bold=self.is_vector(inner)
            )
            return f"{SIGNS[step.aggregate]}_{{{OVER[finer, step.level]}}} {text}"
        tree = Variable(step.of) if inner is None or inner.expression is None else self.tree(inner)
        text = self.formula(tree, finer)
        open_sum = (isinstance(tree, Apply) and tree.op in ("add", "sub")) or text.startswith("-")
        difference = isinstance(tree, Variable) and tree.name in self.apart and finer == "edge"
        if open_sum or difference:
            text = rf"\left({text}\right)"
        return f"{SIGNS[step.aggregate]}_{{{OVER[finer, step.level]}}} {text}"


def _chain(tree: Expression) -> list[Expression]:
    """The factors of a product."""
    if isinstance(tree, Apply) and tree.op == "mul":
        return [one for arg in tree.args for one in _chain(arg)]
    return [tree]


def _put_in(text: str, marks: Mapping[str, str]) -> str:
    """Replace marks by sums, in brackets where something follows that a sum would swallow."""
    for mark, written in marks.items():
        free = re.compile(re.escape(mark) + r"(?=$|\}| \+| -|\\right)")
        text = free.sub(lambda _, put=written: put, text)
        text = text.replace(mark, rf"\left({written}\right)")
    return text
