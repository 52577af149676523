"""Names and numbers: where they are cut, what they never say."""

from core.render.text import shorten, show_weight, split_name


def test_weights_are_never_rounded_to_nothing():
    texts = [show_weight(value) for value in (0.0, 0.0004, -0.0004, 0.0005, -0.25, 1.0)]
    assert texts == ["0.000", "<0.001", ">−0.001", "0.001", "−0.250", "1.000"]


def test_names_are_cut_at_eighteen_characters():
    assert shorten("a" * 18) == "a" * 18
    assert shorten("a" * 19) == "a" * 17 + "…"
    assert shorten("two\n lines") == "two lines"


def test_names_have_two_lines_at_most():
    assert split_name("") == ("",)
    assert split_name("Nicholas II") == ("Nicholas II",)
    assert split_name("a" * 40) == ("a" * 18, "a" * 22)
    assert split_name("b" * 43) == ("b" * 18, "b" * 23 + "…")
    assert split_name("exactly eighteen c hars") == ("exactly eighteen c", "hars")
    assert split_name("George I of Great Britain (1660–1727)") == (
        "George I of Great", "Britain (1660–1727)",
    )  # fmt: skip
