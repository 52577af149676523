"""What holds the code together, checked mechanically: imports, the torch line, bans."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py"])
TORCH_FREE = ("serving", "render", "evidence", "data", "chemistry", "knowledge")
TORCH_FREE_FILES = ("jobs", "store", "catalog", "configs", "metrics", "settings", "errors", "cli")
FORBIDDEN_NAME = re.compile(
    r"(^|_)(utils?|helpers?|common|misc|manager|handler|process|data2|v2|my)(_|$)"
    r"|^(new|old|final)_"
)


def run(*command: str) -> subprocess.CompletedProcess:
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run(
        [str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_import_contracts_are_kept():
    done = run("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "6 kept, 0 broken" in done.stdout


def test_lint_has_no_finding():
    done = run("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout


def test_torch_is_never_imported_below_the_torch_line():
    modules = [
        module_name(path)
        for path in ROOT.glob("core/**/*.py")
        if path.relative_to(ROOT).parts[1] in TORCH_FREE
    ] + [f"core.{name}" for name in TORCH_FREE_FILES]
    assert len(modules) >= 20
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    found = {'torch', 'onnx', 'torch_geometric'} & set(sys.modules)\n"
        "    assert not found, f'{name} imports {found}'\n"
    )
    done = run("python", "-c", script, *sorted(modules))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", sorted(path.stem for path in ROOT.glob("pages/*.py")))
def test_a_page_runs_without_torch(page):
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file(sys.argv[1], default_timeout=60).run()\n"
        "assert not app.exception, app.exception\n"
        "assert 'torch' not in sys.modules and 'onnx' not in sys.modules\n"
    )
    done = run("python", "-c", script, str(ROOT / "pages" / f"{page}.py"))
    assert done.returncode == 0, done.stderr


def test_only_one_module_imports_each_guarded_package():
    importers: dict[str, set[str]] = {"onnxruntime": set(), "sqlite_utils": set(), "os": set()}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                if name.split(".")[0] in importers:
                    importers[name.split(".")[0]].add(module_name(path))
    assert importers["onnxruntime"] == {"core.serving.session"}
    assert importers["sqlite_utils"] == {"core.store.database"}


def test_only_settings_reads_its_variables():
    readers = [module_name(path) for path in SOURCES if "environ.get" in path.read_text()]
    assert readers == ["core.settings"]


def test_every_module_says_what_it_is():
    silent = [
        module_name(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_shapeless_names():
    files = [path for path in SOURCES if FORBIDDEN_NAME.search(path.stem)]
    folders = {path.parent.name for path in SOURCES if FORBIDDEN_NAME.search(path.parent.name)}
    assert (files, folders) == ([], set())


@pytest.mark.parametrize(
    "banned",
    [
        r"unsafe_allow_html",
        r"unsafe_allow_javascript",
        r"\bimport pickle\b",
        r"allow_pickle=True",
        r"(?<![.\w])(eval|exec)\(",
        r"\bst\.html\((?!STYLESHEET\))",  # a file of our own, never text
        r"components\.v1",
        r"weights_only=False",
        r"\bTODO\b",
        r"\bFIXME\b",
        r"NotImplementedError",
    ],
)
def test_what_never_appears(banned):
    found = [module_name(path) for path in SOURCES if re.search(banned, path.read_text())]
    assert found == []


def test_only_the_job_boundary_keeps_a_broad_exception():
    broad = [
        module_name(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
        and not any(isinstance(inner, ast.Raise) and not inner.exc for inner in ast.walk(node))
    ]
    assert broad == ["core.jobs.computation"]


def test_print_only_in_the_command_line():
    printing = [
        module_name(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert set(printing) <= {"core.cli"}


def test_tests_mirror_the_package():
    packages = {path.relative_to(ROOT / "core").parent for path in ROOT.glob("core/**/*.py")} | {
        Path(),
        Path("pages"),
        Path("pages/components"),
        Path("e2e"),
    }
    strange = [
        str(path.relative_to(ROOT))
        for path in ROOT.glob("tests/**/test_*.py")
        if path.relative_to(ROOT / "tests").parent not in packages
    ]
    assert strange == []
