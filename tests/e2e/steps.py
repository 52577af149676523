"""What the tests do in the browser on every page: wait, type, open, read, download."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

# every view of a page in the dark theme belongs to `make check-slow`: half a minute for each page
in_both_themes = pytest.mark.parametrize(
    "dark", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["light", "dark"]
)
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)  # other tests may run beside these


def settle(page: Page) -> None:
    """Wait until the script has run."""
    page.wait_for_timeout(300)
    page.wait_for_function(
        "document.querySelector('[data-test-script-state]')"
        "?.getAttribute('data-test-script-state') === 'notRunning'",
        timeout=WAIT_MS,
    )


def wait_for_answer(page: Page, table: str, exports: str) -> Page:
    """Wait for an answer with its evidence: keys of the ranked list and of the downloads."""
    page.locator(f".st-key-{table} table").wait_for(timeout=WAIT_MS)
    page.locator(f".st-key-{exports}_row").wait_for(timeout=WAIT_MS)
    settle(page)
    return page


def read_rows(page: Page, key: str) -> list[list[str]]:
    """Cells of a table."""
    cells = page.locator(f".st-key-{key} table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    kept = {0x2060: "", 0x200B: "", 0xA0: " "}  # marks that only steer line breaks
    return [[text.translate(kept) for text in row] for row in cells]


def read_edges(page: Page, key: str) -> list[str]:
    """Accessible names of the drawn edges."""
    found = page.locator(f".st-key-{key} .item.edge")
    found.first.wait_for()
    return sorted(found.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))"))


def choose(page: Page, place: Locator, label: str, text: str) -> None:
    """Type into the select box whose label matches, and press Enter."""
    box = place.get_by_role("combobox", name=re.compile(label))
    box.click()
    box.fill(text)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    settle(page)


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict", exact=True).click()
    settle(page)


def open_part(page: Page, key: str) -> Locator:
    """Open one of the folded parts."""
    part = page.locator(f".st-key-{key}")
    if part.locator("details").first.get_attribute("open") is None:
        part.locator("summary").first.click()
    return part


def take(page: Page, name: str) -> str:
    """Text of the file behind a download button."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")
