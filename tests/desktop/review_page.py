"""The Review page on the screen, and what a user does with it; conftest offers the fixtures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.pages.review import ReviewPage
from cxr_desktop.project import Project
from tests.desktop.reviewed import drop, folder_of_files

WAIT = 20_000
Made = Callable[[Project], ReviewPage]


@pytest.fixture
def made(qtbot: QtBot) -> Made:
    """Makes pages as the main window does: shown, and gone after the test."""

    def make(project: Project) -> ReviewPage:
        page = ReviewPage(project)
        qtbot.addWidget(page)
        page.resize(1000, 640)
        page.show()
        qtbot.waitExposed(page)
        return page

    return make


@pytest.fixture
def page(made: Made, project: Project) -> ReviewPage:
    """No project is open."""
    return made(project)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """A PNG, a DICOM file with a patient's name, a damaged PNG."""
    return folder_of_files(tmp_path / "new")


def listed(page: ReviewPage) -> list[str]:
    return [path.name for path in page.files.paths]


def use(qtbot: QtBot, page: ReviewPage, *runs: Path) -> None:
    page.models.use(runs)
    qtbot.waitUntil(lambda: page.queue.ensemble is not None and len(page.queue.ensemble.members) == len(runs), timeout=WAIT)


def reviewed(qtbot: QtBot, page: ReviewPage, paths: list[Path], *runs: Path) -> None:
    """Drop files and wait until all are predicted and the first is explained."""
    assert drop(page, paths)
    qtbot.waitUntil(lambda: page.files.rowCount() > 0)
    use(qtbot, page, *runs)
    qtbot.waitUntil(lambda: not page.files.waiting, timeout=WAIT)
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)


def heat(page: ReviewPage) -> np.ndarray | None:
    shown = page.desk.viewer.lightbox.heat
    return None if shown is None else shown.values


def finding(page: ReviewPage) -> str:
    shown = page.desk.viewer.lightbox.heat
    return "" if shown is None else shown.finding


def key(qtbot: QtBot, page: ReviewPage, code: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    page.desk.files.setFocus()
    qtbot.keyClick(page.desk.files, code, modifier)
