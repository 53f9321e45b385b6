"""The window opens a project and shows what it holds, or says what is wrong."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop import app
from cxr_desktop.main_window import MainWindow
from trainer.catalog import Catalog, Entry


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Catalog.create(tmp_path / "lungs.cxr") as catalog:
        entries = [
            Entry(f"{n}.png", str(n), 1, 1, 8, 8, patient=f"P{n // 2}", labels={"Normal": n % 2, "Pneumonia": 1 - n % 2})
            for n in range(6)
        ]
        catalog.store(tmp_path, entries, findings=["Normal", "Pneumonia"])
    return tmp_path / "lungs.cxr"


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = MainWindow()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_project_shows_its_counts(window: MainWindow, project: Path) -> None:
    window.open_project(project)
    assert window.message.text() == "lungs.cxr: 6 images of 3 patients."
    cells = [[window.table.item(row, column).text() for column in range(4)] for row in range(window.table.rowCount())]
    assert cells == [["Normal", "3", "3", "0"], ["Pneumonia", "3", "3", "0"]]
    assert window.windowTitle().startswith("lungs.cxr")


def test_a_folder_that_is_no_project_is_told_with_a_remedy(window: MainWindow, tmp_path: Path) -> None:
    window.open_project(tmp_path)
    assert str(tmp_path) in window.message.text()
    assert not window.table.isVisible()


def test_an_empty_window_says_what_to_do(window: MainWindow) -> None:
    assert "Ctrl+O" in window.message.text()


def test_without_a_display_the_report_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    (project / "runs" / "demo").mkdir(parents=True)
    (project / "runs" / "demo" / "report.html").touch()
    assert app.main(["--if-display", str(project)]) == 0
    said = capsys.readouterr().out
    assert "no display" in said
    assert "report.html" in said
