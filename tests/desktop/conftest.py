"""A window's world: its settings, an open project; the lungs that it shows are those of `tests.lungs`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings

from .desk import desk  # noqa: F401 - fixtures of several modules
from .review_page import made, page, three  # noqa: F401


@pytest.fixture(autouse=True)
def _light(qapp: QApplication) -> None:
    """Every test begins in the light theme, and with the mouse in a corner: Qt drops a move to where it is already."""
    theme.apply(qapp, "light")
    QCursor.setPos(797, 799)


@pytest.fixture(autouse=True)
def _no_window_outlives(qapp: QApplication) -> Iterator[None]:
    """What a test shows, it closes."""
    yield
    # What was closed is freed now: the next tests would restyle and repaint it otherwise.
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [widget for widget in qapp.topLevelWidgets() if widget.isVisible()]
    for widget in left:
        widget.close()
    assert left == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Nothing is remembered yet."""
    return Settings(tmp_path / "window.ini")


@pytest.fixture
def project(qtbot: QtBot, settings: Settings) -> Iterator[Project]:
    """No project is open yet. Its work is ended after the test."""
    one = Project(settings)
    yield one
    one.finish()
    assert not one.jobs.busy()
    one.deleteLater()


@pytest.fixture
def told(project: Project) -> list[Notice]:
    """The notices of `project`, as they come."""
    notices: list[Notice] = []
    project.noticed.connect(notices.append)
    return notices


@pytest.fixture
def opened(project: Project, lungs: Path) -> Project:
    """The project of `lungs`, open."""
    assert project.open(lungs)
    return project


@pytest.fixture
def opened_run(project: Project, run_folder: Path) -> Project:
    """The project of `run_folder`, open."""
    assert project.open(run_folder.parent.parent)
    return project
