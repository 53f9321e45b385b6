"""Taking results home: what is chosen is written where it was chosen, told, remembered; a refusal is told too."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation import figure_export
from cxr_desktop.evaluation.figure_export import FigureExport
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from tests.desktop.evaluated import WAIT, click
from tests.trainer.judged_files import judged_run
from trainer import runs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    return judged_run(tmp_path_factory.mktemp("export"), "multi-class")


@pytest.fixture
def dialog(qtbot: QtBot, project: Project, run: runs.Run, tmp_path: Path) -> FigureExport:
    assert project.open(run.project)
    project.settings.set_text(figure_export.FOLDER, str(tmp_path / "home"))
    project.settings.set_text("evaluation/export", "csv")
    made = FigureExport(project, run, "validation")
    qtbot.addWidget(made)
    made.show()
    return made


def written(qtbot: QtBot, dialog: FigureExport) -> None:
    click(dialog.write)
    assert dialog.busy.isVisible()
    assert not dialog.write.isEnabled()
    qtbot.waitUntil(lambda: not dialog._tasks, timeout=WAIT)


def test_tables_are_written_told_and_the_place_is_remembered(
    qtbot: QtBot, dialog: FigureExport, project: Project, run: runs.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog.boxes["predictions"].setChecked(True)
    written(qtbot, dialog)
    names = sorted(path.name for path in (tmp_path / "home").iterdir())
    assert names == ["first-val-figures.csv", "first-val-predictions.csv"]
    assert sorted(path.name for path in dialog.files) == names
    assert dialog.told.text() == f"2 files written to {tmp_path / 'home'}."
    assert "path" not in (tmp_path / "home" / "first-val-predictions.csv").read_text("utf-8-sig").splitlines()[0]
    opened: list[Path] = []
    monkeypatch.setattr(figure_export, "open_path", opened.append)
    click(dialog.show_folder)
    assert opened == [tmp_path / "home"]
    assert not dialog.show_report.isVisible()
    again = FigureExport(project, run, "validation")
    qtbot.addWidget(again)
    assert again.target() == tmp_path / "home"
    assert [key for key, box in again.boxes.items() if box.isChecked()] == ["csv", "predictions"]


def test_names_of_files_stand_in_it_only_if_wanted(qtbot: QtBot, dialog: FigureExport, tmp_path: Path) -> None:
    assert not dialog.names.isEnabled()
    dialog.boxes["csv"].setChecked(False)
    dialog.boxes["predictions"].setChecked(True)
    dialog.names.setChecked(True)
    written(qtbot, dialog)
    assert "image-00.png" in (tmp_path / "home" / "first-val-predictions.csv").read_text("utf-8-sig")


def test_figures_as_drawings(qtbot: QtBot, dialog: FigureExport, tmp_path: Path) -> None:
    dialog.boxes["svg"].setChecked(True)
    written(qtbot, dialog)
    found = {path.suffix for path in (tmp_path / "home").iterdir()}
    assert found == {".svg", ".csv"}
    assert (tmp_path / "home" / "first-val-curves.svg").read_text("utf-8").startswith("<?xml")


def test_nothing_chosen_cannot_be_written(dialog: FigureExport) -> None:
    dialog.boxes["csv"].setChecked(False)
    assert not dialog.write.isEnabled()
    dialog.boxes["png"].setChecked(True)
    assert dialog.write.isEnabled()
    dialog.folder.setText(" ")
    assert not dialog.write.isEnabled()


def test_a_place_that_cannot_be_written_to_is_told(
    qtbot: QtBot, dialog: FigureExport, told: list[Notice], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    dialog.folder.setText(str(tmp_path / "file"))
    written(qtbot, dialog)
    assert dialog.told.property("role") == "error"
    assert told[-1].kind == "error"
    assert not dialog.show_folder.isVisible()
    assert dialog.write.isEnabled()


def test_closing_ends_what_is_under_way(qtbot: QtBot, dialog: FigureExport) -> None:
    click(dialog.write)
    task = dialog._tasks[0]
    with qtbot.waitSignal(task.ended, timeout=WAIT):
        dialog.done(QDialog.DialogCode.Rejected)
    assert task.cancelled
