"""Every dialog opened and cancelled by Esc: nothing has changed, and nothing is left of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMainWindow, QMessageBox, QWidget

from cxr_desktop.dataset.import_wizard import ImportWizard
from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.evaluation.closer_look import CloserLook
from cxr_desktop.evaluation.figure_export import FigureExport
from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.glossary import GlossaryDialog
from cxr_desktop.keyboard import KeyboardDialog
from cxr_desktop.widgets.model_dialog import ModelDialog
from tests.desktop.reviewed import folder_of_files
from trainer.runs import Run

from .window import User, Walk


class Flashes(QObject):
    """Sees widgets that are on the screen for a moment as a window of their own, because they have no parent yet."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            plain = watched.windowType() in (Qt.WindowType.Window, Qt.WindowType.Widget)
            if plain and not isinstance(watched, QDialog | QMainWindow):
                self.seen.append(f"{type(watched).__name__} {watched.accessibleName() or getattr(watched, 'text', str)()}")
        return False


@pytest.fixture
def _no_flashes(qapp: QApplication) -> Iterator[None]:
    """No widget is on the screen as a window by mistake."""
    flashes = Flashes()
    qapp.installEventFilter(flashes)
    yield
    qapp.removeEventFilter(flashes)
    assert flashes.seen == []


def _cancel(user: User, kind: type[QDialog], opening: Callable[[], object]) -> None:
    """Open a dialog that does not wait for its answer, and leave it by Esc."""
    opening()
    dialog = user.dialog(kind)
    assert dialog.windowTitle()
    assert dialog.focusWidget() is not None or isinstance(dialog, QMessageBox)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    user.until(lambda: user.top() is user.window, f"the {kind.__name__} to close")
    _forgotten(user, kind)


def _cancel_question(user: User, opening: Callable[[], object]) -> None:
    """The same for one that waits."""
    seen: list[str] = []
    user.answering("", lambda dialog: seen.append(dialog.windowTitle()))
    opening()
    user.until(lambda: seen, "a question")
    user.until(lambda: user.top() is user.window, "the question to close")
    assert seen[0]


def _forgotten(user: User, kind: type[QDialog]) -> None:
    user.until(lambda: not user.window.findChildren(kind), f"the {kind.__name__} to be forgotten")


@contextmanager
def _unchanged(folder: Path) -> Iterator[None]:
    def content() -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files if path.name not in ("lock", "catalog.sqlite-shm")}

    before = content()
    yield
    assert content().keys() == before.keys()
    assert [path for path, what in content().items() if what != before[path]] == []


@pytest.mark.usefixtures("_no_flashes")
def test_the_windows_own_dialogs(walk: Walk, run_folder: Path) -> None:
    def steps(user: User) -> None:
        with _unchanged(run_folder):
            for keys, kind in (
                ("Ctrl+I", ImportWizard),
                ("Ctrl+N", ImportWizard),
                ("F1", KeyboardDialog),
                ("Shift+F1", GlossaryDialog),
            ):
                _cancel(user, kind, lambda keys=keys: user.keys(keys))
            _cancel(user, QMessageBox, lambda: user.menu("Help", "About"))
            _ask_for_files(user)
            for keys in ("Ctrl+O", "Ctrl+R"):
                _cancel_question(user, lambda keys=keys: user.keys(keys))
        assert user.project.is_open

    walk(steps, Run(run_folder).project)


def _ask_for_files(user: User) -> None:
    """The file dialogs of the import wizard."""
    user.keys("Ctrl+N")
    wizard = user.dialog(ImportWizard)
    for name in ("Add folder…", "Add files…", "Browse…"):
        user.click(name, wizard)
        QTest.keyClick(user.dialog(QFileDialog), Qt.Key.Key_Escape)
        user.until(lambda: user.top() is wizard, "the file dialog to close")
    QTest.keyClick(wizard, Qt.Key.Key_Escape)
    user.until(lambda: user.top() is user.window, "the wizard to close")


@pytest.mark.usefixtures("_no_flashes")
def test_the_dialogs_of_dataset_and_train(walk: Walk, run_folder: Path) -> None:
    def dataset(user: User) -> None:
        page = user.page("Dataset")
        user.says("30 of 30 images")
        _cancel(user, SplitDialog, lambda: user.click("Split…"))
        _cancel(user, ImportWizard, lambda: user.click("Import images…"))
        _cancel(user, ImportWizard, lambda: user.drop([user.project.folder.parent]))
        assert page.isVisible()

    def train(user: User) -> None:
        user.page("Train")
        view = user.window.pages["training"].view
        user.until(lambda: view.run is not None, "the run")
        user.window.pages["training"].list.view.setFocus()
        _cancel_question(user, lambda: user.keys("Del"))
        _cancel(user, GlossaryDialog, lambda: user.click(user.button("Explain Backbone")))

    def steps(user: User) -> None:
        with _unchanged(run_folder):
            dataset(user)
            train(user)
            _rename(user)

    walk(steps, Run(run_folder).project)


def _rename(user: User) -> None:
    """A name that is being edited is left as it was."""
    view = user.window.pages["training"].list.view
    view.setFocus()
    user.keys("F2")
    editor = QApplication.focusWidget()
    assert editor is not view
    user.type("other", editor)
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    user.until(lambda: QApplication.focusWidget() is view, "the name to be left alone")
    assert [one.name for one in user.project.runs()] == ["first"]


@pytest.mark.usefixtures("_no_flashes")
def test_the_dialogs_of_evaluate_and_review(walk: Walk, run_folder: Path, tmp_path: Path) -> None:
    def evaluate(user: User) -> None:
        user.page("Evaluate")
        page = user.window.pages["evaluation"]
        user.until(lambda: page.judged is not None and page.judged.evaluation is not None and not page.busy, "the figures")
        _cancel(user, FigureExport, lambda: user.keys("Ctrl+Shift+E"))
        _cancel(user, SealDialog, page.actions_.open_test.trigger)
        _cancel_question(user, page.actions_.external.trigger)
        page.tabs.setCurrentWidget(page.tabs.errors)
        gallery = page.tabs.errors.gallery
        user.until(lambda: gallery.model.rowCount() and gallery.isVisible(), "mistakes")
        _cancel(user, CloserLook, lambda: page.look_closer(gallery, gallery.model.items[0]))

    def review(user: User) -> None:
        user.page("Review")
        page = user.window.pages["review"]
        _cancel(user, ModelDialog, lambda: user.keys("Ctrl+M"))
        for keys in ("Ctrl+Shift+O", "Ctrl+Shift+F"):
            _cancel_question(user, lambda keys=keys: user.keys(keys))
        user.drop(folder_of_files(tmp_path / "new")[:1])
        for action in (page.actions_.save_picture, page.actions_.save_table):
            user.until(action.isEnabled, "the image and its answer")
        for keys in ("Ctrl+S", "Ctrl+E"):
            _cancel_question(user, lambda keys=keys: user.keys(keys))

    def steps(user: User) -> None:
        with _unchanged(run_folder):
            evaluate(user)
            review(user)

    walk(steps, Run(run_folder).project)


def test_work_that_is_under_way_is_asked_about_before_the_window_closes(walk: Walk) -> None:
    def steps(user: User) -> None:
        user.window.demo.options = ("--images", "600")
        user.click("Try the demo")
        user.answering("", lambda dialog: _names_the_demo(dialog))
        user.close()
        assert user.window.isVisible()
        user.answering("Stay")
        user.close()
        assert user.window.isVisible()
        user.answering("Stop and close")
        user.close()
        assert not user.window.isVisible()

    walk(steps, closes=False)


def _names_the_demo(dialog: QDialog) -> None:
    assert isinstance(dialog, QMessageBox)
    assert "Making the demo" in dialog.text()
