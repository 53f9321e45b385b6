"""The dataset page on the screen, and what a user does with it; conftest offers the fixture."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.pages.dataset import DatasetPage
from cxr_desktop.project import Project

Key, Modifier, Button = Qt.Key, Qt.KeyboardModifier, Qt.MouseButton
COUNT = 20_000


class Desk:
    """The page on the screen, and what a user does with it."""

    def __init__(self, qtbot: QtBot, project: Project) -> None:
        self.qtbot, self.project = qtbot, project
        self.page = DatasetPage(project)
        self.page.resize(1100, 680)
        qtbot.addWidget(self.page)
        self.page.show()
        qtbot.waitExposed(self.page)
        self.page.activateWindow()
        self.settle()

    def settle(self) -> None:
        """Wait until every question is answered."""
        timers = (self.page.views._pause, self.page.filters._pause)
        self.qtbot.waitUntil(lambda: not self.project.jobs.busy() and not any(timer.isActive() for timer in timers))

    def click(self, widget: QWidget, modifier: Modifier = Modifier.NoModifier, pos: QPoint | None = None) -> None:
        """Click and wait for what follows."""
        self.qtbot.mouseClick(widget, Button.LeftButton, modifier, pos or widget.rect().center())
        self.settle()

    def pick(self, row: int, modifier: Modifier = Modifier.NoModifier) -> None:
        """Click an image in the grid."""
        grid = self.page.views.grid
        self.click(grid.viewport(), modifier, grid.visualRect(self.page.views.model.index(row, 0)).center())

    def press(self, key: Key, modifier: Modifier = Modifier.NoModifier) -> None:
        """Press a key where the focus is."""
        self.qtbot.keyClick(QApplication.focusWidget() or self.page, key, modifier)
        self.settle()

    def button(self, text: str) -> QAbstractButton:
        """A button by its words."""
        return next(b for b in self.page.findChildren(QAbstractButton) if b.text().replace("&", "") == text and b.isVisible())

    def words(self) -> list[str]:
        """What the line of counts says."""
        return self.page.told.text().split(" · ")


@pytest.fixture
def desk(qtbot: QtBot, opened: Project) -> Desk:
    return Desk(qtbot, opened)


def patients(desk: Desk) -> int:
    return len(set(desk.project.catalog.patients(desk.page.shown.ids)))
