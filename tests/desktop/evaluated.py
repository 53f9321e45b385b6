"""The Evaluate page on runs made from drawn numbers, and how a person uses it."""

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QSlider, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.evaluation_state import Judged, load
from cxr_desktop.pages.evaluation import EvaluationPage
from cxr_desktop.project import Project
from cxr_desktop.widgets.confusion_matrix import ConfusionMatrix
from cxr_desktop.widgets.threshold_bar import ThresholdBar
from tests.trainer.judged_files import judged_run
from trainer import runs
from trainer.catalog import Catalog

WAIT = 100_000
"""Milliseconds for a process of the trainer on a busy computer."""


def judged_of(folder: Path, task: str, part: str = "validation") -> Judged:
    """A run that was made and read."""
    run = judged_run(folder, task, test=part == "test")
    with Catalog.open(run.project) as catalog:
        return load(run.folder, part, catalog)


def page_on(qtbot: QtBot, project: Project, run: runs.Run, part: str = "validation") -> EvaluationPage:
    """The page, shown, with a run of the project that is opened for it."""
    project.settings.set_text("evaluation/part", part)
    assert project.open(run.project)
    page = EvaluationPage(project)
    qtbot.addWidget(page)
    page.resize(900, 620)
    page.show()
    page.show_run(str(run.folder), part)
    ready(qtbot, page)
    return page


def ready(qtbot: QtBot, page: EvaluationPage) -> None:
    """Until everything is read and made."""
    qtbot.waitUntil(lambda: not page.busy, timeout=WAIT)


def click_cell(matrix: ConfusionMatrix, truth: int, predicted: int) -> None:
    """Click a cell of a confusion matrix. (QTest would complain that nobody is waiting for the release.)"""
    at = matrix.cell_place(truth, predicted).center()
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, held in ((QEvent.Type.MouseButtonPress, left), (QEvent.Type.MouseButtonRelease, none)):
        event = QMouseEvent(kind, at, matrix.mapToGlobal(at), left, held, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.sendEvent(matrix, event)


def click(widget: QWidget, at: QPoint | None = None) -> None:
    """Click in the middle, or somewhere else."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at or widget.rect().center())


def drag(bar: ThresholdBar, to: float) -> None:
    """Take the handle and let it go at a threshold."""
    track = slider(bar)
    left, y = Qt.MouseButton.LeftButton, track.height() // 4
    QTest.mousePress(track, left, Qt.KeyboardModifier.NoModifier, QPoint(round(track.across(bar.threshold())), y))
    QTest.mouseMove(track, QPoint(round(track.across(to)), y))
    QTest.mouseRelease(track, left, Qt.KeyboardModifier.NoModifier, QPoint(round(track.across(to)), y))


def slider(bar: ThresholdBar) -> QSlider:
    """What has the keyboard."""
    found = bar.findChild(QSlider)
    assert found is not None
    return found


def type_threshold(bar: ThresholdBar, text: str) -> None:
    """Type a threshold as a number."""
    box = bar.findChild(QDoubleSpinBox)
    assert box is not None
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)
