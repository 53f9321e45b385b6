"""The shape of the program: floors, sizes, borders. docs/architecture.md is the plan; the code must be as it says."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("trainer", "cxr_desktop")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
BORDERS = {"trainer/train.py", "trainer/cli.py", "cxr_desktop/jobs.py"}
"""Where alone `except Exception` may stand: the job, the process, the excepthook."""
LAZY = {
    ("trainer.cli", "trainer.cli_data"),  # --help must not wait for numpy,
    ("trainer.cli", "trainer.cli_assist"),
    ("trainer.cli", "trainer.cli_results"),
    ("trainer.cli", "trainer.cli_learning"),  # and what needs no network not for torch
    ("trainer.cli", "trainer.cli_bags"),
    ("cxr_desktop.inference", "trainer.predict"),  # torch is loaded by the job that needs it
    ("cxr_desktop.inference", "trainer.explain"),
    ("cxr_desktop.inference", "trainer.rehearsal"),
    ("cxr_desktop.main_window", "cxr_desktop.pages.dataset"),  # the window is on screen before its pages are made
    ("cxr_desktop.main_window", "cxr_desktop.pages.training"),
    ("cxr_desktop.main_window", "cxr_desktop.pages.evaluation"),
    ("cxr_desktop.main_window", "cxr_desktop.pages.review"),
    ("cxr_desktop.dialogs", "cxr_desktop.dataset.import_wizard"),
    ("cxr_desktop.app", "cxr_desktop.check"),
    ("cxr_desktop.check", "trainer.images"),
}
"""The only imports of our own inside functions, each with its reason."""
BANNED_NAMES = ("util", "helper", "common", "base", "manager", "handler", "types", "misc")


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(path): path for path in FILES if path.stem != "__init__"}


def _floors() -> dict[str, int]:
    """Module -> floor, from the rows "| floor | `module` | ..." of the document."""
    found: dict[str, int] = {}
    package = ""
    for line in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"### (\w+)", line):
            package = heading[1]
        if row := re.match(r"\| (\d+) \| `([\w.]+)` \|", line):
            assert f"{package}.{row[2]}" not in found, f"{row[2]} stands on two floors"
            found[f"{package}.{row[2]}"] = int(row[1])
    return found


def _imported(path: Path, *, lazy_only: bool = False) -> Iterator[str]:
    """Modules of our own that a file imports, those inside functions included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) for n in ast.walk(f)}
    for node in ast.walk(tree):
        if lazy_only and id(node) not in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in PACKAGES:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def _all_imports(path: Path) -> set[str]:
    return {
        node.name for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Import) for node in n.names
    } | {n.module or "" for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.ImportFrom)}


def test_every_module_stands_on_one_floor_of_the_document() -> None:
    code = set(MODULES)
    floors = set(_floors())
    assert code - floors == set(), "modules that docs/architecture.md does not name"
    assert floors - code == set(), "modules that docs/architecture.md names but that are not there"


@pytest.mark.parametrize("name", list(MODULES))
def test_imports_go_down_only(name: str) -> None:
    floors = _floors()
    for imported in _imported(MODULES[name]):
        if imported in PACKAGES:  # the version, in the package itself
            continue
        same_package = imported.partition(".")[0] == name.partition(".")[0]
        if same_package:
            assert floors[imported] < floors[name], (
                f"{name} (floor {floors[name]}) imports {imported} (floor {floors[imported]})"
            )
        else:
            assert name.startswith("cxr_desktop"), f"{name} imports {imported}: the trainer must not know the window"


def test_imports_inside_functions_are_those_that_are_named() -> None:
    found = {(name, imported) for name, path in MODULES.items() for imported in _imported(path, lazy_only=True)}
    assert found == LAZY


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[-2] == "trainer"], ids=lambda p: p.stem)
def test_the_trainer_knows_no_qt(path: Path) -> None:
    assert not any(name.startswith(("PySide", "PyQt", "shiboken")) for name in _all_imports(path))


def test_torchvision_has_one_door() -> None:
    doors = {_module(path) for path in FILES if any(name.partition(".")[0] == "torchvision" for name in _all_imports(path))}
    assert doors == {"trainer.vision"}


def test_timm_has_one_door_that_opens_when_it_is_needed() -> None:
    doors = {_module(path) for path in FILES if any(name.partition(".")[0] == "timm" for name in _all_imports(path))}
    assert doors == {"trainer.backbones"}
    body = ast.parse(MODULES["trainer.backbones"].read_text(encoding="utf-8")).body
    assert not any(isinstance(node, ast.Import) and node.names[0].name == "timm" for node in body)


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_files_and_functions_keep_the_budget(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    assert not any(banned in path.stem.split("_") for banned in (*BANNED_NAMES, *(f"{n}s" for n in BANNED_NAMES)))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is longer than 60 lines"


def test_the_code_as_a_whole_keeps_the_budget() -> None:
    functions, lines = [], []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if path.stem != "__init__":
            lines.append(len(text.splitlines()))
        functions += [
            (node.end_lineno or 0) - node.lineno + 1
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
    assert statistics.median(functions) <= 10
    assert statistics.median(lines) <= 250


def test_tests_are_at_least_as_long_as_the_code() -> None:
    code = sum(len(path.read_text("utf-8").splitlines()) for path in FILES)
    tests = sum(len(path.read_text("utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py"))
    assert tests >= 0.9 * code


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_everything_is_caught_only_at_the_borders(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler) and name not in BORDERS:
            caught = ast.unparse(node.type) if node.type else ""
            assert caught != "Exception", f"{name}:{node.lineno} catches everything"
            if caught in ("", "BaseException"):
                assert any(isinstance(n, ast.Raise) and n.exc is None for n in ast.walk(node)), (
                    f"{name}:{node.lineno} swallows all"
                )


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("cxr_desktop.app", ("torch", "sklearn", "scipy", "torchvision", "matplotlib", "pyqtgraph", "pydicom")),
        ("trainer.arguments", ("torch", "numpy", "PySide6")),
        ("trainer.cli_data", ("torch", "PySide6")),
        ("trainer.results", ("torch", "PySide6")),
    ],
)
def test_what_must_start_quickly_loads_nothing_slow(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([n for n in {absent!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
