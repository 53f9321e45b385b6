"""The dialogs of the window itself: each shows what it is for, and is forgotten when it is closed."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMainWindow, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

import trainer
from cxr_desktop import dialogs, theme
from cxr_desktop.dataset.import_wizard import ImportWizard
from cxr_desktop.glossary import GlossaryDialog
from cxr_desktop.keyboard import KeyboardDialog
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from cxr_desktop.tasks import Task

from .scenes import answer, make_run, terminal


@pytest.fixture
def parent(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    made.show()
    return made


def _only(parent: QMainWindow, kind: type[QDialog]) -> QDialog:
    (found,) = parent.findChildren(kind)
    assert found.isVisible()
    assert found.isModal()
    return found


def _is_forgotten(parent: QMainWindow, dialog: QDialog) -> None:
    dialog.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert parent.findChildren(QDialog) == []


def test_keyboard(parent: QMainWindow) -> None:
    action = QAction("&Import images…", parent, shortcut="Ctrl+I")
    dialogs.keyboard(parent, {"File": [action]})
    dialog = _only(parent, KeyboardDialog)
    assert ("Import images", "Ctrl+I") in dialog.rows()
    _is_forgotten(parent, dialog)


def test_glossary(parent: QMainWindow) -> None:
    dialogs.glossary(parent, "threshold")
    dialog = _only(parent, GlossaryDialog)
    assert dialog.table.item(dialog.table.currentRow(), 0).text() == "threshold"
    _is_forgotten(parent, dialog)


def test_about_says_version_licence_and_what_it_is_not_for(parent: QMainWindow) -> None:
    dialogs.about(parent)
    dialog = _only(parent, QMessageBox)
    said = " ".join(label.text() for label in dialog.findChildren(QLabel))
    for word in (trainer.__version__, "Apache License 2.0", "LGPL", "not for diagnosis"):
        assert word in said
    _is_forgotten(parent, dialog)


def test_about_names_every_library_with_its_licence(parent: QMainWindow) -> None:
    project = tomllib.loads((Path(trainer.__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=!~\[; ]", one)[0] for one in project["dependencies"]}
    assert needed == set(dialogs.LIBRARIES)
    words = {"LGPL 3": "LGPL-3.0", "its own, like Python's": "Python Software Foundation"}
    for package, (_, licence) in dialogs.LIBRARIES.items():
        about = importlib.metadata.metadata(package)
        said = " ".join(map(str, (*(about.get_all("Classifier") or []), about.get("License-Expression"), about.get("License"))))
        word = words.get(licence, licence.split()[0])
        assert word in said, package
    dialogs.about(parent)
    dialog = _only(parent, QMessageBox)
    shown = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert [name for name, licence in dialogs.LIBRARIES.values() if f"{name} ({licence})" not in shown] == []
    _is_forgotten(parent, dialog)


@pytest.mark.parametrize("new", [False, True])
def test_import_adds_to_the_open_project_unless_a_new_one_is_asked_for(
    parent: QMainWindow, opened: Project, *, new: bool
) -> None:
    dialogs.import_images(parent, opened, [], new=new)
    wizard = _only(parent, ImportWizard)
    assert (wizard.sources.target() == opened.folder) == (not new)
    _is_forgotten(parent, wizard)


def test_a_theme_is_shown_at_once_and_remembered(parent: QMainWindow, qapp: QApplication, settings: Settings) -> None:
    menu = QMenu(parent)
    dialogs.add_themes(menu, settings)
    themes = menu.findChild(QMenu)
    assert themes is not None
    system, light, dark = themes.actions()
    assert [action.text() for action in (system, light, dark)] == ["System", "Light", "Dark"]
    assert system.isChecked()
    dark.trigger()
    assert theme.is_dark()
    assert settings.text("theme") == "dark"
    light.trigger()
    assert not theme.is_dark()
    assert [action.isChecked() for action in (system, light, dark)] == [False, True, False]
    again = QMenu(parent)
    dialogs.add_themes(again, settings)
    assert [action.isChecked() for action in again.findChild(QMenu).actions()] == [False, True, False]


def test_with_nothing_under_way_the_window_may_close(parent: QMainWindow, opened: Project) -> None:
    assert dialogs.may_close(parent, opened, [])


@pytest.mark.parametrize(("button", "closes"), [("Stop and close", True), ("Stay", False)])
def test_work_under_way_is_named_and_asked_about(parent: QMainWindow, opened: Project, button: str, *, closes: bool) -> None:
    seen: list[str] = []
    answer(button, lambda dialog: seen.append(dialog.text()))
    tasks = [Task("Importing images", opened), Task("Making the demo", opened)]
    assert dialogs.may_close(parent, opened, tasks) == closes
    assert "Importing images\nMaking the demo" in seen[0]


def test_of_trainings_it_asks_what_becomes_of_them(qtbot: QtBot, parent: QMainWindow, opened: Project, lungs: Path) -> None:
    run = make_run(lungs, "theirs", end="")
    with terminal(run):
        qtbot.waitUntil(lambda: opened.training.active() == [run])
        answer("Stay")
        assert not dialogs.may_close(parent, opened, [])
        answer("Keep training in the background")
        assert dialogs.may_close(parent, opened, [])
