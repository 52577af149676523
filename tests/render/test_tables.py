import csv
import io

import numpy as np
import pytest

from core.data.uploads import RowProblem
from core.render.tables import problems_csv, to_safe_csv


def test_formula_cells_get_an_apostrophe_and_numbers_do_not():
    rows = [
        ("=1+1", -0.69, None),
        ("+x", -3, "plain"),
        ("-x", np.float32(-0.5), "5,000"),
        ("@sum", True, 'a "b"'),
        ("\ttab", np.int64(-7), "two\nlines"),
        ("\rreturn", 1e-9, " =later"),
        ("＝wide", 0, "'kept"),
    ]
    text = to_safe_csv(rows, ("name", "score", "-note"))
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [
        ["name", "score", "'-note"],
        ["'=1+1", "-0.69", ""],
        ["'+x", "-3", "plain"],
        ["'-x", "-0.5", "5,000"],
        ["'@sum", "True", 'a "b"'],
        ["'\ttab", "-7", "two\nlines"],
        ["'\rreturn", "1e-09", " =later"],
        ["'＝wide", "0", "'kept"],
    ]
    assert text.startswith("name,score,'-note\r\n")


@pytest.mark.parametrize("rows", [[], iter(())])
def test_a_table_without_rows_keeps_its_header(rows):
    assert to_safe_csv(rows, ("a", "b")) == "a,b\r\n"


def test_report_of_skipped_rows():
    problems = [RowProblem(4, "=cmd | x", "has 2 columns; I need head, relation, tail")]
    assert problems_csv(problems) == (
        'line,row,problem\r\n4,\'=cmd | x,"has 2 columns; I need head, relation, tail"\r\n'
    )
