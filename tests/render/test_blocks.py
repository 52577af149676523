"""Block structures as LaTeX."""

from core.knowledge.blocks import NAMED
from core.render.blocks import table_latex


def test_a_table_states_every_part_and_sign():
    assert table_latex(NAMED["ComplEx"]) == (
        r"\begin{bmatrix} r_1 & \cdot & r_3 & \cdot \\ \cdot & r_2 & \cdot & r_4 \\ "
        r"-r_3 & \cdot & r_1 & \cdot \\ \cdot & -r_4 & \cdot & r_2 \end{bmatrix}"
    )
