"""A formula as a card: mathematics, constants with intervals, units, reading, files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from core.discovery.fitting import intervals
from core.knowledge.physics import code
from core.knowledge.physics.known_laws import KnownLaw, match
from core.knowledge.physics.law import Law
from core.knowledge.physics.notation import law_latex, step_latex
from core.knowledge.physics.reading import reading
from core.knowledge.physics.system import GraphSystem
from core.knowledge.physics.units import check_units
from core.serving import physics_question
from core.serving import symbolic_regression as laws
from core.serving.physics_model import LAW_FILE, NETWORK_FILE
from core.serving.symbolic_regression import Answer, Formula

WORDS = {
    "consistent": "consistent, no constant has one",
    "needs constants with units": "consistent when the constants carry the units below",
    "inconsistent": "inconsistent",
    "not known": "nothing contradicts, but some unit is missing",
}


@dataclass(frozen=True)
class Constant:
    """A fitted number, ready to show.

    Attributes:
        name: c1, c2 … in the order of the formula.
        value: four digits.
        interval: 95 %, by a bootstrap over graphs.
        unit: SI symbols, a dash where it is not known.
    """

    name: str
    value: str
    interval: str
    unit: str


@dataclass(frozen=True)
class CodeFile:
    """The formula in a language.

    Attributes:
        label: of the button.
        name: of the file.
        mime: media type.
        content: text, or what makes it when it is asked for.
    """

    label: str
    name: str
    mime: str
    content: str | Callable[[], str | bytes]


@dataclass(frozen=True)
class FormulaCard:
    """What is shown of a formula.

    Attributes:
        latex: the whole law.
        blocks: name in words and LaTeX of each step.
        constants: fitted numbers.
        reading: sentences.
        known: the textbook law that it is or differs from, None without.
        units: verdict of the check of units in words.
        unit_lines: the check, step by step.
        files: the formula in other languages.
    """

    latex: str
    blocks: tuple[tuple[str, str], ...]
    constants: tuple[Constant, ...]
    reading: tuple[str, ...]
    known: KnownLaw | None
    units: str
    unit_lines: tuple[str, ...]
    files: tuple[CodeFile, ...]


def card(answer: Answer, formula: Formula) -> FormulaCard:
    """Everything that is said of a formula.

    Args:
        answer: with the formula.
        formula: the one that is open.
    """
    law, question = formula.law, answer.question
    system = physics_question.load_system(question)
    train, _, _ = laws.parts_of(question)
    chosen = answer.discovery.chosen
    if chosen is not None and answer.discovery.candidates[chosen] is formula.candidate:
        bounds = answer.discovery.intervals
    else:
        bounds = ()
    if not bounds:
        bounds = tuple((one.low, one.high) for one in intervals(law, train, seed=question.seed))
    report = check_units(law, system, question.knowledge.allow_constant_units)
    units = [str(unit) for unit in report.constant_units or ()]
    units += ["–"] * (len(law.constants) - len(units))
    constants = tuple(
        Constant(f"c{row}", f"{value:.4g}", f"{low:.4g} to {high:.4g}", unit)
        for row, (value, (low, high), unit) in enumerate(
            zip(law.constants, bounds, units, strict=True), start=1
        )
    )
    return FormulaCard(
        latex=law_latex(law, system),
        blocks=step_latex(law, system),
        constants=constants,
        reading=reading(law, system, bounds),
        known=match(law, system),
        units=WORDS[report.verdict],
        unit_lines=report.lines,
        files=(*_files(law, system), *_models(answer, formula)),
    )


def _files(law: Law, system: GraphSystem) -> tuple[CodeFile, ...]:
    """The law in other languages, each written when it is asked for."""
    return (
        CodeFile("Python", "law.py", "text/x-python", partial(code.to_python, law, system)),
        CodeFile("SymPy", "law_sympy.py", "text/x-python", partial(code.to_sympy, law)),
        CodeFile("LaTeX", "law.tex", "text/x-tex", partial(code.to_latex, law, system)),
        CodeFile("C", "law.c", "text/x-c", partial(code.to_c, law, system)),
        CodeFile("PyTorch", "law_torch.py", "text/x-python", partial(code.to_torch, law, system)),
    )


def _models(answer: Answer, formula: Formula) -> tuple[CodeFile, ...]:
    """ONNX files of the artifact or job: the suggested law, and the network it came from."""
    if formula.number != answer.suggested:
        return ()
    files = {"ONNX": LAW_FILE, "Network ONNX": NETWORK_FILE}
    artifact = laws.artifact_of(answer.question)
    if artifact is None:
        return ()
    return tuple(
        CodeFile(label, name, "application/octet-stream", (artifact.folder / name).read_bytes)
        for label, name in files.items()
        if (artifact.folder / name).is_file()
    )
