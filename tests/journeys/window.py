"""The window as a person has it: opened by `main()`, then looked at, clicked and typed into from inside its event loop.

`walk(steps, *words)` opens it on WORDS and gives `steps` a `User`. A step waits for what a person would wait for. An error that
no step has read fails the test, and so does whatever outlives the window: a dialog, a thread, a timer, a process.
"""

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from cxr_desktop import app
from cxr_desktop.main_window import MainWindow
from cxr_desktop.notices import INFORMATION, Notice

PATIENCE = 60
"""Seconds for what a process of the trainer does, on a computer that has other work too."""
LONGEST = 150
"""Seconds for all steps of a test."""
Found = TypeVar("Found", bound=QWidget)
Steps = Callable[["User"], None]


class User:
    """Sees what is on the screen, and can click, type, drop and wait."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot, self.window, self.project = qtbot, window, window.project
        self.told = [card.notice for card in window.notices.cards()]
        self.read: list[Notice] = []
        self.project.noticed.connect(self.told.append)

    # Waiting and seeing

    def until(self, condition: Callable[[], object], what: str = "", seconds: float = 60) -> None:
        """Wait until it is so. What was to be deleted is deleted first, as it would be if no test stood in between."""
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        try:
            self.qtbot.waitUntil(lambda: bool(condition()), timeout=round(seconds * 1000))
        except self.qtbot.TimeoutError:
            told = "; ".join(notice.text() for notice in self.told[-3:])
            pytest.fail(f"waited {seconds:g} s for {what or 'a condition'}; told: {told or 'nothing'}")

    def every(self, kind: type[Found], inside: QWidget | None = None) -> list[Found]:
        """The visible widgets of a kind, in a widget or in the window that is on top."""
        return [one for one in (inside or self.top()).findChildren(kind) if one.isVisible()]

    def top(self) -> QWidget:
        """The dialog on top, or the window."""
        return QApplication.activeModalWidget() or self.window

    def words(self, inside: QWidget | None = None) -> str:
        """All that visible labels say."""
        return "\n".join(label.text() for label in self.every(QLabel, inside))

    def says(self, text: str, inside: QWidget | None = None) -> None:
        """Wait until a label says it."""
        self.until(lambda: text in self.words(inside), f"the words '{text}'")

    def button(self, name: str, inside: QWidget | None = None) -> QAbstractButton:
        """The enabled button with this text or accessible name, once there is one."""
        found: list[QAbstractButton] = []

        def look() -> bool:
            found[:] = [one for one in self.every(QAbstractButton, inside) if name in names(one) and one.isEnabled()]
            return bool(found)

        self.until(look, f"an enabled button '{name}'")
        return found[0]

    def field(self, name: str, kind: type[Found] = QLineEdit, inside: QWidget | None = None) -> Found:  # type: ignore[assignment]
        """The field with this accessible name or label."""
        top = inside or self.top()
        labels = {label.buddy(): label.text().replace("&", "") for label in top.findChildren(QLabel) if label.buddy()}
        found = [one for one in self.every(kind, top) if name in (one.accessibleName(), labels.get(one))]
        assert found, f"no field '{name}' among {[labels.get(one) or one.accessibleName() for one in self.every(kind, top)]}"
        return found[0]

    def dialog(self, kind: type[QDialog]) -> QDialog:
        """The dialog of this kind, once it is on top."""
        self.until(lambda: isinstance(QApplication.activeModalWidget(), kind), f"a {kind.__name__}")
        found = QApplication.activeModalWidget()
        assert isinstance(found, QDialog)
        self.activate()
        return found

    def error(self, text: str) -> Notice:
        """The warning or error that says it, once it is shown; read, it does not fail the test."""
        self.until(lambda: any(text in card.notice.text() for card in self.window.notices.cards()), f"a notice '{text}'")
        notice = next(card.notice for card in self.window.notices.cards() if text in card.notice.text())
        self.read.append(notice)
        return notice

    def note(self, text: str) -> None:
        """Wait until a sentence was told."""
        self.until(lambda: any(text in notice.what for notice in self.told), f"the note '{text}'")

    # Doing

    def activate(self) -> None:
        """Let the window on top have the keyboard; a window manager does that by itself."""
        top = self.top()
        if not top.isActiveWindow():
            top.activateWindow()
            self.until(top.isActiveWindow, "the window to be active")

    def click(self, name: str | QWidget, inside: QWidget | None = None) -> None:
        """Press a button, or click in the middle of a widget."""
        widget = self.button(name, inside) if isinstance(name, str) else name
        assert widget.isVisible(), f"{names(widget)} is not on the screen"
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def keys(self, keys: str | QKeySequence.StandardKey, to: QWidget | None = None) -> None:
        """Press keys together, where the focus is."""
        self.activate()
        QTest.keySequence(to or QApplication.focusWidget() or self.top(), QKeySequence(keys))

    def type(self, text: str, into: QWidget | None = None) -> None:
        """Type text into a field in place of what stands there, or where the focus is."""
        self.activate()
        if isinstance(into, QLineEdit):
            into.setFocus()
            into.selectAll()
        QTest.keyClicks(into or QApplication.focusWidget(), text)

    def menu(self, *path: str) -> None:
        """Choose an entry of the menu bar by its words."""
        actions = self.window.menuBar().actions()
        for step in path:
            found = next(one for one in actions if one.text().replace("&", "").rstrip("…") == step)
            actions = found.menu().actions() if found.menu() else []
        assert found.isEnabled(), f"{path} cannot be chosen"
        found.trigger()

    def page(self, title: str) -> QWidget:
        """Go to a page by its button at the left."""
        self.click(f"Page {title}", self.window.navigation)
        page = self.window.stack.currentWidget()
        assert page is not None
        return page

    def drop(self, paths: Iterable[Path]) -> None:
        """Drag files over the middle of the window and let go."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        top = self.top()
        target: QWidget | None = top.childAt(top.rect().center()) or top
        none, left, copy = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
        while target is not None:
            at = target.mapFrom(top, top.rect().center())
            enter = QDragEnterEvent(at, copy, data, left, none)
            enter.ignore()
            if target.acceptDrops():
                QApplication.sendEvent(target, enter)
            if enter.isAccepted():
                QApplication.sendEvent(target, QDropEvent(QPointF(at), copy, data, left, none))
                return
            target = target.parentWidget() if target is not top else None
        pytest.fail("nothing on the screen wanted the files")

    def answering(self, button: str, seen: Callable[[QDialog], object] = lambda dialog: None) -> None:
        """Press a button of the question that the next step asks and waits for; Esc for ''."""
        self._asked(lambda dialog: self._press(dialog, button, seen))

    def choosing(self, *paths: Path) -> None:
        """Type file names into the file dialog that the next step opens; none: cancel it."""

        def choose(dialog: QDialog) -> None:
            assert isinstance(dialog, QFileDialog)
            field = dialog.findChild(QLineEdit)
            assert field is not None
            if paths:
                field.setText(" ".join(f'"{path}"' for path in paths) if len(paths) > 1 else str(paths[0]))
                QTest.keyClick(field, Qt.Key.Key_Return)
            else:
                QTest.keyClick(dialog, Qt.Key.Key_Escape)

        self._asked(choose)

    def _asked(self, do: Callable[[QDialog], object]) -> None:
        before, end = QApplication.activeModalWidget(), time.monotonic() + PATIENCE

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QDialog) and dialog is not before and dialog.isVisible():
                do(dialog)
            elif time.monotonic() < end:
                QTimer.singleShot(10, look)

        QTimer.singleShot(0, look)

    def _press(self, dialog: QDialog, button: str, seen: Callable[[QDialog], object]) -> None:
        seen(dialog)
        if button:
            self.click(next(one for one in self.every(QPushButton, dialog) if button in names(one)))
        else:
            QTest.keyClick(dialog, Qt.Key.Key_Escape)

    def close(self) -> None:
        """Close the window as its frame does; whatever it asks must have been answered."""
        self.window.close()


def names(widget: QWidget) -> tuple[str, ...]:
    """What a widget is called on the screen and by a screen reader."""
    text = widget.text().replace("&&", "\0").replace("&", "").replace("\0", "&") if isinstance(widget, QAbstractButton) else ""
    return tuple(name for name in (text, widget.accessibleName()) if name)


class Walk:
    """Opens the window for a test. `code` is how the application ended."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self._problem: BaseException | None = None
        self.code = 0
        self.left: list[int] = []

    def leaves(self, processes: list[int]) -> None:
        """The list of processes that may outlive the window; they are waited for at the end of the test."""
        self.left = processes

    def __call__(self, steps: Steps, *words: object, closes: bool = True) -> User:
        """Open it on WORDS and go the steps; then it is closed, unless one of them does that (`closes`=False)."""
        self._problem = None
        users: list[User] = []
        watch = QTimer(interval=200)
        end = time.monotonic() + LONGEST

        def begin(user: User) -> None:
            try:
                user.until(user.window.isActiveWindow, "the window")
                steps(user)
                if closes:
                    user.close()
                    assert not user.window.isVisible(), "the window stayed open"
            except BaseException as problem:  # noqa: BLE001 - told again once the window is gone
                self._problem = self._problem or problem
                self._leave(3)

        def opened(window: MainWindow) -> None:
            users.append(User(self._qtbot, window))
            QTimer.singleShot(0, window, lambda: begin(users[0]))

        def look() -> None:
            if time.monotonic() > end:
                self._problem = self._problem or AssertionError(f"the steps did not end within {LONGEST} s")
                self._leave(4)

        watch.timeout.connect(look)
        watch.start()
        try:
            self.code = app.main([str(word) for word in words], opened)
        finally:
            watch.stop()
        if self._problem is not None:
            raise self._problem
        _all_was_read(users[0])
        _gone(users[0].window, users[0].project)
        return users[0]

    def _leave(self, code: int) -> None:
        """End it, whatever is open."""
        while (dialog := QApplication.activeModalWidget()) is not None and isinstance(dialog, QDialog) and dialog.isVisible():
            QDialog.done(dialog, 0)
            dialog.hide()
        QApplication.exit(code)


def _all_was_read(user: User) -> None:
    unread = [notice.text() for notice in user.told if notice.kind != INFORMATION and notice not in user.read]
    assert unread == [], "errors that no step has read"


def _gone(*made: QObject) -> None:
    """Delete what waits for it, and see that nothing of the window is left: no object, no widget, no timer."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    gc.collect()
    assert not [one for one in made if shiboken6.isValid(one)], "the window outlives its end"
    left = [repr(one) for one in QApplication.allWidgets() if type(one).__module__.startswith("cxr_desktop") or one.isVisible()]
    assert left == [], "widgets outlive the window"
    application = QApplication.instance()
    assert application is not None
    ticking = [timer.parent() for timer in application.findChildren(QTimer) if timer.isActive()]
    assert ticking == [], "timers outlive the window"


@pytest.fixture
def walk(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterable[Walk]:
    """Opens the window; afterwards no process and no thread of it may be left."""
    from cxr_desktop import worker

    for name, value in (("LIVE", 50), ("IDLE", 100), ("GLANCE_SECONDS", 0.1)):  # look more often: tests wait for what is seen
        monkeypatch.setattr(worker, name, value)
    before = children()
    made = Walk(qtbot)
    yield made
    for pid in made.left:
        _waited_for(pid)
    left = children() - before
    assert left == set(), "processes outlive the window"
    assert not [name for name in _threads() if name.startswith("training work")], "the worker's thread outlives the window"


def children() -> set[str]:
    """The processes that this one has started and that are not over: their ids and command lines (only on Linux)."""
    if sys.platform != "linux":
        return set()
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            words = _read(Path("/proc") / child / "cmdline").replace("\0", " ")
            if "trainer" in words or _read(Path("/proc") / child / "stat").split(") ")[-1].startswith("Z"):
                found.add(f"{child} {words}")
    return found


def _waited_for(pid: int) -> None:
    """It has ended, or is ended now; nobody else waits for it."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _threads() -> Sequence[str]:
    if sys.platform != "linux":
        return ()
    return [_read(task / "comm").strip() for task in Path("/proc/self/task").iterdir()]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended in between
        return ""


def middle(widget: QWidget) -> QPoint:
    """Its middle on the screen."""
    return widget.mapToGlobal(widget.rect().center())
