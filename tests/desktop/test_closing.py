"""Closing the window while trainings go on: background, stop and keep, or stay."""

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from cxr_desktop import closing
from cxr_desktop.closing import Closing
from cxr_desktop.project import Project
from trainer.runs import Run

from .scenes import answer, make_run, terminal


def _training(qtbot: QtBot, project: Project, run: Run) -> None:
    qtbot.waitUntil(lambda: project.training.active() == [run])


@pytest.mark.parametrize(("button", "leaves"), [("Keep training in the background", True), ("Stay", False)])
def test_the_training_goes_on(qtbot: QtBot, opened: Project, button: str, *, leaves: bool) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run):
        _training(qtbot, opened, run)
        answer(button)
        assert closing.ask(None, opened.training, opened.training.active()) == leaves
        assert run.busy()
        assert not run.stop_requested()


def test_stop_and_keep_waits_until_it_has_stopped(qtbot: QtBot, opened: Project) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        _training(qtbot, opened, run)
        other.write("obey")
        answer("Stop and keep")
        assert closing.ask(None, opened.training, opened.training.active())
        assert run.status().state == "stopped"


def test_while_it_waits_one_can_still_stay(qtbot: QtBot, opened: Project) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run):
        _training(qtbot, opened, run)
        dialog = Closing(opened.training, opened.training.active())
        qtbot.addWidget(dialog)
        dialog.open()
        dialog.stop.click()
        qtbot.waitUntil(run.stop_requested)
        assert dialog.bar.isVisible()
        assert "Stopping 1 run" in dialog.words.text()
        assert not dialog.stop.isEnabled()
        dialog.stay.click()
        assert dialog.result() == QDialog.DialogCode.Rejected
        assert dialog.choice == closing.STAY


def test_it_closes_when_training_ends_by_itself(qtbot: QtBot, opened: Project) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        _training(qtbot, opened, run)
        dialog = Closing(opened.training, opened.training.active())
        qtbot.addWidget(dialog)
        dialog.open()
        other.write("finished")
    qtbot.waitUntil(lambda: dialog.result() == QDialog.DialogCode.Accepted)


def test_names_are_written_as_they_are(qtbot: QtBot, opened: Project) -> None:
    runs = [Run(opened.folder / "runs" / name) for name in ("<b>one", "two")]
    dialog = Closing(opened.training, runs)
    qtbot.addWidget(dialog)
    assert dialog.title.text() == "2 runs are being trained"
    assert dialog.names.text() == "<b>one\ntwo"
    assert "they go on" in dialog.words.text()
    assert dialog.background.isDefault()
