r"""A block structure as LaTeX: the table of signed relation parts, and the score as a sum."""

from core.knowledge.blocks import BlockStructure


def table_latex(structure: BlockStructure) -> str:
    r"""The table; rows are parts of the head, columns parts of the tail, such as ``-r_3``.

    An empty cell is a dot. Signs are written, not only coloured.
    """
    rows = [" & ".join(_cell(value) for value in row) for row in structure.cells]
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"


def _cell(value: int) -> str:
    if not value:
        return r"\cdot"
    return f"{'-' if value < 0 else ''}r_{abs(value)}"
