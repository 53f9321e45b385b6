"""The window: pages are made when they are first shown, drops do what they are for, and it looks as it was left."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.import_wizard import ImportWizard
from cxr_desktop.main_window import HOME, NAME, PAGES, MainWindow
from cxr_desktop.notices import ERROR, INFORMATION, Notice
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings


@pytest.fixture
def window(qtbot: QtBot, project: Project) -> MainWindow:
    made = MainWindow(project)
    qtbot.addWidget(made)
    made.show()
    return made


def _drop(window: MainWindow, *paths: Path) -> bool:
    """Drag files over the window and let go; whether it takes them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    none, left, copy = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(300, 300), copy, data, left, none)
    enter.ignore()
    window.dragEnterEvent(enter)
    if enter.isAccepted():
        window.dropEvent(QDropEvent(QPointF(300, 300), copy, data, left, none))
    return enter.isAccepted()


def test_at_first_only_the_first_page_is_there(window: MainWindow) -> None:
    assert list(window.pages) == [HOME]
    assert window.windowTitle() == NAME
    assert window.navigation.buttons[HOME].isChecked()


def test_a_project_opens_on_its_dataset(window: MainWindow, lungs: Path) -> None:
    assert window.open_project(lungs)
    assert window.windowTitle() == f"lungs – {NAME}"
    assert window.stack.currentWidget() is window.pages["dataset"]
    assert window.navigation.buttons["dataset"].isChecked()


def test_what_is_no_project_is_told_and_the_open_one_stays(window: MainWindow, lungs: Path, tmp_path: Path) -> None:
    window.open_project(lungs)
    assert not window.open_project(tmp_path)
    (card,) = window.notices.cards()
    assert str(tmp_path) in card.where.text()
    assert window.project.folder == lungs


def test_the_last_page_is_shown_again(qtbot: QtBot, window: MainWindow, lungs: Path) -> None:
    window.open_project(lungs)
    window.show_page("training")
    window.close()
    other = Project(window.settings)
    again = MainWindow(other)
    qtbot.addWidget(again)
    again.open_project(lungs)
    assert again.stack.currentWidget() is again.pages["training"]
    other.finish()


def test_size_and_place_are_remembered(qtbot: QtBot, window: MainWindow, settings: Settings, project: Project) -> None:
    window.resize(1010, 707)
    window.close()
    again = MainWindow(project)
    qtbot.addWidget(again)
    assert again.height() == 707  # the width is cut to that of the test's screen


def test_a_page_has_its_menu_only_while_it_is_shown(window: MainWindow, lungs: Path) -> None:
    window.open_project(lungs)
    window.show_page("review")
    shown = [action.text().replace("&", "") for action in window.menuBar().actions() if action.isVisible()]
    assert shown == ["File", "Edit", "View", "Review", "Help"]
    window.show_page("dataset")
    shown = [action.text().replace("&", "") for action in window.menuBar().actions() if action.isVisible()]
    assert shown == ["File", "Edit", "View", "Dataset", "Help"]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_without_a_project(window: MainWindow, name: str) -> None:
    QTest.mouseClick(window.navigation.buttons[name], Qt.MouseButton.LeftButton)
    assert window.stack.currentWidget() is window.pages[name]


def test_a_dropped_project_opens(window: MainWindow, lungs: Path) -> None:
    assert _drop(window, lungs)
    assert window.project.folder == lungs


def test_a_dropped_run_opens_its_project_and_is_judged(qtbot: QtBot, window: MainWindow, run_folder: Path) -> None:
    assert _drop(window, run_folder)
    assert window.project.folder == run_folder.parent.parent
    page = window.pages["evaluation"]
    assert window.stack.currentWidget() is page
    qtbot.waitUntil(lambda: page.judged is not None)  # type: ignore[attr-defined]
    assert page.side.run() == str(run_folder)  # type: ignore[attr-defined]


def test_a_dropped_folder_offers_the_import(qtbot: QtBot, window: MainWindow, drawn: Path) -> None:
    assert _drop(window, drawn)
    qtbot.waitUntil(lambda: window.findChild(ImportWizard) is not None)
    wizard = window.findChild(ImportWizard)
    assert wizard is not None
    wizard.reject()
    qtbot.waitUntil(lambda: not wizard.isVisible())


def test_a_dropped_radiograph_is_reviewed(qtbot: QtBot, window: MainWindow, drawn: Path) -> None:
    picture = next(drawn.glob("images/**/*.png"))
    assert _drop(window, picture)
    page = window.pages["review"]
    assert window.stack.currentWidget() is page
    qtbot.waitUntil(lambda: page.files.paths == [picture])  # type: ignore[attr-defined]


def test_what_was_dropped_beside_is_named(window: MainWindow, lungs: Path, drawn: Path) -> None:
    _drop(window, lungs, drawn)
    assert "drawn" in window.status.notice.whole


def test_a_drag_without_files_is_not_taken(window: MainWindow) -> None:
    assert not _drop(window)


def test_sentences_stay_below_and_errors_above(window: MainWindow) -> None:
    window.project.noticed.emit(Notice(INFORMATION, "Saved."))
    assert window.notices.cards() == []
    window.project.noticed.emit(Notice(ERROR, "The disk is full.", "lungs.cxr", "Free some space."))
    assert [card.notice.what for card in window.notices.cards()] == ["The disk is full."]
    assert window.status.notice.whole == "The disk is full. Free some space."


def test_a_wish_reaches_a_page_that_was_not_made_before(qtbot: QtBot, window: MainWindow, lungs: Path) -> None:
    window.project.open(lungs)
    assert "dataset" not in window.pages
    ids = window.project.catalog.ids()[:3]
    window.project.images_wanted.emit(np.asarray(ids), "three of them")
    page = window.pages["dataset"]
    assert window.stack.currentWidget() is page
    qtbot.waitUntil(lambda: len(page.shown.ids) == 3)  # type: ignore[attr-defined]


def test_a_closed_project_leads_home_and_is_listed_there(window: MainWindow, lungs: Path) -> None:
    window.open_project(lungs)
    window.project.close()
    assert window.stack.currentWidget() is window.pages[HOME]
    assert window.windowTitle() == NAME
    assert window.pages[HOME].recent.count() == 1  # type: ignore[attr-defined]


def test_the_theme_is_chosen_shown_and_remembered(window: MainWindow, settings: Settings, qapp: QApplication) -> None:
    view = next(action for action in window.menuBar().actions() if action.text() == "&View")
    themes = next(action for action in view.menu().actions() if action.text() == "&Theme")
    next(action for action in themes.menu().actions() if action.text() == "Dark").trigger()
    assert settings.text("theme") == "dark"
    assert window.grab().toImage().pixelColor(2, window.height() // 2).lightness() < 80
