import math

import numpy as np
import pytest
from hypothesis import given, settings

from core.errors import InputError
from core.knowledge.physics.expression import (
    Variable,
    complexity,
    constants,
    evaluate,
    from_json,
    parse,
    power,
    to_json,
    to_latex,
    to_text,
    variables,
    with_constants,
)
from tests.knowledge.physics.samples import NAMES, expressions, points


@given(expressions)
@settings(max_examples=80, deadline=None)
def test_round_trips(expr):
    assert from_json(to_json(expr)) == expr
    np.testing.assert_array_equal(
        evaluate(parse(to_text(expr), NAMES), points()), evaluate(expr, points())
    )
    assert with_constants(expr, constants(expr)) == expr
    assert variables(expr) <= set(NAMES)
    assert to_latex(expr, {name: name for name in NAMES}).count("{") == to_latex(
        expr, {name: name for name in NAMES}
    ).count("}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3 * 4", 14),
        ("-2^2", -4),
        ("(-2)^2", 4),
        ("2 - 3 - 4", -5),
        ("16 / 4 / 2", 2),
        ("16 / (4 / 2)", 8),
        ("2 ** -1", 0.5),
        ("2^3^2", 512),
        ("--2 * -3", -6),
        ("1.5e2 + .5", 150.5),
        ("sqrt(abs(-9)) * sign(-3)", -3),
        ("exp(log(5)) + tanh(0) + cos(0)", 6),
        ("pow(2, 3) + square(3)", 17),
    ],
)
def test_parse_follows_the_usual_rules(text, expected):
    assert evaluate(parse(text, []), {"": np.zeros((1, 1))}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("os.system(1)", "cannot be read"),
        ("__import__(1)", "no listed function"),
        ("z + 1", '"z" is neither'),
        ("x^y", "An exponent has to be a number"),
        ("x^(1/0)", "not a finite number"),
        ("1e999", "neither a listed variable nor a number"),
        ("1 +", "ends too early"),
        ("", "ends too early"),
        ("(x", '")" is missing'),
        ("x)", "not expected"),
        ("2 x", "not expected"),
        ("sin(x, y)", "takes 1 values, not 2"),
        ("x; y", "cannot be read"),
        ("x" * 2001, "2001 characters"),
        ("(" * 400 + "x" + ")" * 400, "nested"),
        ("^".join(["1"] * 400), "nested"),
        ("+".join(["x"] * 300), "more than 400 parts or 100 levels"),
        ("+".join(["x"] * 150), "more than 400 parts or 100 levels"),
    ],
)
def test_other_text_is_refused(text, problem):
    with pytest.raises(InputError, match="PH-E09 · Formula text refused") as caught:
        parse(text, NAMES)
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    "record", [["system", 1], ["add", 1], [], {}, None, True, math.inf, "a b", ["pow", "x", "y"]]
)
def test_json_of_something_else_is_refused(record):
    with pytest.raises(InputError, match="PH-E09"):
        from_json(record)


def test_deep_json_is_refused():
    record = "x"
    for _ in range(200):
        record = ["sin", record]
    with pytest.raises(InputError, match="PH-E09"):
        from_json(record)


def test_size_and_constants():
    expr = parse("2.5 * (x - 1)^2 / y^3 + x^1.7", NAMES)
    assert complexity(expr) == 14
    assert constants(expr) == (2.5, 1.0, 1.7)  # whole exponents belong to the shape
    assert to_text(with_constants(expr, [3, 4, 5.25])) == "3 * (x - 4)^2 / y^3 + x^5.25"


def test_undefined_values_are_not_numbers_and_give_no_warning(recwarn):
    values = {"x": np.array([[0.0], [-1.0], [4.0]])}
    assert np.isinf(evaluate(parse("1 / x", ["x"]), values)[0, 0])
    root = evaluate(parse("sqrt(x)", ["x"]), values)[:, 0]
    assert np.isnan(root[1])
    assert root[2] == 2
    assert not recwarn.list


def test_powers_equal_numpy():
    x = np.linspace(-2, 2, 9).reshape(-1, 1)
    for exponent in (-3.0, -2.0, -1.0, 3.0, 5.0, 12.0):
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(
                evaluate(power(Variable("x"), exponent), {"x": x}), x**exponent, rtol=1e-13
            )


def test_latex():
    symbols = {"x": "x", "y": r"\hat{y}", "m_i": "m_i"}
    expr = parse("2.34567 * (x - 1)^2 / m_i - exp(-y / 0.00001234)", NAMES)
    assert to_latex(expr, symbols) == (
        r"\frac{2.346 \, \left(x - 1\right)^{2}}{m_i} - "
        r"e^{\frac{-\hat{y}}{1.234 \cdot 10^{-5}}}"
    )


def test_signs_are_written_as_one_would():
    names = ("r",)
    for text, expected in (("r - -0.5", "r + 0.5"), ("r + -0.5", "r - 0.5")):
        expr = parse(text, names)
        assert to_text(expr, 4) == expected
        assert to_latex(expr, {"r": "r"}) == expected
        assert parse(to_text(expr), names) == expr
