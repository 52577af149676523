"""The entry script: navigation, and what happens once per process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(script: str) -> list[str]:
    """Run a script in its own process, where the once-per-process steps are still ahead."""
    done = subprocess.run(
        [sys.executable, "-c", "from streamlit.testing.v1 import AppTest\n" + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_first_visit_shows_home_and_freezes_what_is_loaded():
    lines = run(
        "import gc\n"
        "print(gc.get_freeze_count())\n"
        "app = AppTest.from_file('app.py', default_timeout=60).run()\n"
        "assert not app.exception, app.exception\n"
        "print(app.title[0].value, len(app.title))\n"
        "print(gc.get_freeze_count() > 100_000)\n"
    )
    assert lines[-3:] == ["0", "Parsimony 1", "True"]


def test_the_menu_leads_to_every_page():
    lines = run(
        "app = AppTest.from_file('app.py', default_timeout=60).run()\n"
        "for link in app.sidebar.get('page_link'):\n"
        "    print(link.proto.page, link.proto.label, sep=',')\n"
    )
    pages = {path.stem for path in ROOT.glob("pages/*.py")} - {"home"}
    assert lines[0] == ",Home"
    assert {line.split(",")[0] for line in lines[1:]} == pages


def test_a_remembered_page_is_opened_with_its_parameters():
    lines = run(
        "app = AppTest.from_file('app.py', default_timeout=60)\n"
        "app.session_state['_pending_page'] = ('about', {'x': ['1', '2']})\n"
        "app.run()\n"
        "print(app.title[0].value, app.query_params['x'], '_pending_page' in app.session_state)\n"
    )
    assert lines[-1] == "About ['1', '2'] False"


def test_an_unknown_remembered_page_is_forgotten():
    lines = run(
        "app = AppTest.from_file('app.py', default_timeout=60)\n"
        "app.session_state['_pending_page'] = ('nothing', {})\n"
        "app.run()\n"
        "print(app.title[0].value, '_pending_page' in app.session_state)\n"
    )
    assert lines[-1] == "Parsimony False"
