"""The window tries itself: each step of the main job is done and told, and what goes wrong is told too."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop.check import Check, Step, _as_dicom
from cxr_desktop.main_window import MainWindow
from cxr_desktop.project import Project
from tests.trainer.makers import draw
from trainer import images


@pytest.fixture
def window(qtbot: QtBot, project: Project) -> MainWindow:
    project.training.devices = [{"name": "cpu", "label": "CPU", "memory": 0, "free": 0}]
    made = MainWindow(project)
    qtbot.addWidget(made)
    made.show()
    return made


def _result(qapp: QApplication, out: Path) -> tuple[int, dict[str, object]]:
    """Let it work until it ends the application."""
    watch = QTimer(singleShot=True, interval=200_000)
    watch.timeout.connect(lambda: qapp.exit(99))
    watch.start()
    code = qapp.exec()
    watch.stop()
    return code, json.loads((out / "check.json").read_text(encoding="utf-8"))


def test_every_step_is_done(qapp: QApplication, window: MainWindow, lungs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    check = Check(window, out, lungs)
    code, told = _result(qapp, out)
    assert (code, told["problem"]) == (0, "")
    assert [step["step"] for step in told["steps"]] == ["open", "train", "evaluate", "review"]
    assert all(step["seconds"] >= 0 for step in told["steps"])
    assert check.copy == out / "lungs.cxr"
    assert not (lungs / "runs").exists()
    assert len(list(out.glob("*.png"))) == 4


def test_what_goes_wrong_is_told_and_ends_it(qapp: QApplication, window: MainWindow, tmp_path: Path) -> None:
    broken, out = tmp_path / "broken.cxr", tmp_path / "out"
    broken.mkdir()
    out.mkdir()
    (broken / "catalog.sqlite").write_bytes(b"no database" * 100)
    Check(window, out, broken)
    code, told = _result(qapp, out)
    assert code == 1
    assert "damaged" in str(told["problem"])
    assert told["steps"] == []
    assert (out / "problem.png").exists()


def test_a_step_that_takes_too_long_is_named(qapp: QApplication, window: MainWindow, lungs: Path, tmp_path: Path) -> None:
    check = Check(window, tmp_path, lungs)
    check._steps = iter([Step("wait", lambda: None, lambda: False, 0.1)])
    code, told = _result(qapp, tmp_path)
    assert code == 1
    assert told["problem"] == "'wait' was not done after 0 s"


def test_the_dicom_file_holds_the_same_radiograph(tmp_path: Path) -> None:
    draw(tmp_path, "a.png")
    made = _as_dicom(tmp_path / "a.png", tmp_path / "a.dcm")
    before, after = images.read(tmp_path / "a.png"), images.read(made)
    assert after.facts.format.startswith("DICOM")
    assert abs(after.pixels - before.pixels).max() < 0.01
