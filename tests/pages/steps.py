"""What the tests of the pages do without a browser: open, press, read."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).parents[2] / "pages"


def open_page(name: str, **parameters: str) -> AppTest:
    """A page by its file name without ``.py``, with query parameters."""
    app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60)
    for key, value in parameters.items():
        app.query_params[key] = value
    return check(app.run())


def check(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def plain(text: str) -> str:
    """Text as a person reads it."""
    return text.replace("\\", "").replace("\u2060", "").replace("\u00a0", " ")


def written(app: AppTest) -> str:
    return plain("\n".join(element.value for element in app.markdown))


def table(app: AppTest, column: str) -> list[list[str]]:
    """Cells of the table with this column."""
    [found] = [plain(m.value) for m in app.markdown if f"| {column} |" in plain(m.value)]
    lines = found.splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def errors(app: AppTest) -> list[str]:
    return [plain(box.value) for box in app.error]


def addresses(app: AppTest) -> dict[str, str]:
    return {k: v[0] if isinstance(v, list) else v for k, v in app.query_params.items()}
