"""Everything by keyboard and by ear: Tab reaches every control, no key means two things, everything has a name."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QScrollArea,
    QTabBar,
    QWidget,
)

from cxr_desktop.keyboard import KeyboardDialog
from tests.desktop.reviewed import folder_of_files
from trainer.runs import Run

from .window import User, Walk

MOST = 400
"""Presses of Tab after which somebody is trapped."""
Window = Qt.ShortcutContext.WindowShortcut


def _settled(user: User, title: str) -> QWidget:
    """A page with everything on it that this project can show."""
    page = user.page(title)
    pages = user.window.pages
    if title == "Dataset":
        user.says("30 of 30 images")
        pages["dataset"].views.focus_view()
        user.keys("Down")
        user.until(lambda: pages["dataset"].details.viewer.lightbox.image is not None, "the image")
    elif title == "Train":
        user.until(lambda: pages["training"].setup.bar.button.isEnabled() and pages["training"].view.run, "Start, and the run")
    elif title == "Evaluate":
        user.until(lambda: pages["evaluation"].judged and not pages["evaluation"].busy, "the figures")
    elif title == "Review":
        user.until(lambda: pages["review"].desk.viewer.lightbox.heat is not None, "the heat map")
    user.qtbot.wait(50)
    return page


def _states(user: User, files: list[Path]) -> Iterator[str]:
    """Each page, and each tab of those that have some."""
    user.drop(files)
    for title in ("Home", "Dataset", "Train", "Evaluate", "Review"):
        page = _settled(user, title)
        yield title
        if title == "Dataset":
            page.views.focus_view()
            user.keys("Ctrl+2")
            user.until(page.views.table.isVisible)
            yield "Dataset as a table"
            user.keys("Ctrl+1")
        tabs = {"Train": lambda page=page: page.view.tabs, "Evaluate": lambda page=page: page.tabs}.get(title)
        for place in range(1, tabs().count() if tabs else 0):
            tabs().setCurrentIndex(place)
            user.until(lambda: not user.project.jobs.busy(), "the tab")
            yield f"{title}, {tabs().tabText(place)}"


def _controls(window: QWidget) -> list[QWidget]:
    """What can have the focus by Tab: visible, enabled, and not standing for another."""
    wanted = []
    for widget in window.findChildren(QWidget):
        tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if tab and widget.isVisible() and widget.isEnabled() and widget.focusProxy() is None and widget.window() is window:
            wanted.append(widget)
    return wanted


def _reached(user: User, key: Qt.Key) -> list[QWidget]:
    """Everything that has the focus while Tab is pressed until the first has it again."""
    first = QApplication.focusWidget()
    assert first is not None
    seen: dict[int, QWidget] = {}
    for _ in range(MOST):
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, key)
        now = QApplication.focusWidget()
        assert now is not focus or len(_controls(user.window)) == 1, f"{_said(focus)} keeps the focus"
        if id(now) in seen:
            return list(seen.values())
        seen[id(now)] = now
    raise AssertionError("Tab never comes back to where it began")


def _only_by_arrows(widget: QWidget, reached: list[QWidget]) -> bool:
    """Of buttons that exclude each other Tab reaches one; the arrow keys reach the others. What scrolls alone needs no Tab."""
    if isinstance(widget, QAbstractButton):
        group = widget.group()
        siblings = group.buttons() if group and group.exclusive() else []
        if widget.autoExclusive() and widget.parentWidget():
            siblings += [
                one
                for one in widget.parentWidget().findChildren(QAbstractButton)
                if one.autoExclusive() and one.group() is None
            ]
        return any(one is other for one in siblings for other in reached)
    return isinstance(widget, QScrollArea)


def _said(widget: QWidget) -> str:
    """What a screen reader says of a widget, and where it stands."""
    face = QAccessible.queryAccessibleInterface(widget)
    name = face.text(QAccessible.Text.Name) if face else ""
    parents = []
    parent = widget
    while parent is not None:
        parents.append(type(parent).__name__)
        parent = parent.parentWidget()
    return f"{name!r} ({' < '.join(parents[:4])})"


def _name(widget: QWidget) -> str:
    face = QAccessible.queryAccessibleInterface(widget)
    return (face.text(QAccessible.Text.Name) if face else "").strip()


def test_tab_reaches_every_control_and_each_has_a_name(walk: Walk, run_folder: Path, tmp_path: Path) -> None:
    problems: list[str] = []

    def look(user: User, state: str) -> None:
        first = user.window.navigation.buttons["home"]
        first.setFocus()
        for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            reached = _reached(user, key)
            for one in _controls(user.window):
                if not any(one is other for other in reached) and not _only_by_arrows(one, reached):
                    problems.append(f"{state}: {key.name} does not reach {_said(one)}")
        problems.extend(f"{state}: no name {_said(one)}" for one in _controls(user.window) if not _name(one))

    def steps(user: User) -> None:
        for state in _states(user, folder_of_files(tmp_path / "new")[:2]):
            look(user, state)

    walk(steps, Run(run_folder).project)
    assert problems == [], "\n".join(problems)


def _in_reach(window: QWidget) -> Callable[[QWidget], list[QAction]]:
    """A function that lists the enabled actions whose keys work while a widget has the focus."""
    everywhere = [action for action in window.findChildren(QAction) if action.shortcutContext() == Window]
    shown = {action for one in [window, *window.findChildren(QWidget)] for action in one.actions()}

    def actions(focus: QWidget) -> list[QAction]:
        found = [action for action in everywhere if action in shown]
        widget: QWidget | None = focus
        while widget is not None:
            found += [action for action in widget.actions() if action.shortcutContext() != Window]
            widget = widget.parentWidget()
        return [action for action in dict.fromkeys(found) if action.isEnabled() and action.isVisible()]

    return actions


def test_no_key_means_two_things(walk: Walk, run_folder: Path, tmp_path: Path) -> None:
    problems: set[str] = set()

    def look(user: User, state: str) -> None:
        actions = _in_reach(user.window)
        for focus in _controls(user.window):
            meanings: dict[str, set[str]] = defaultdict(set)
            for action in actions(focus):
                for key in action.shortcuts():
                    meanings[key.toString()].add(action.text())
            for key, texts in meanings.items():
                if len(texts) > 1:
                    problems.add(f"{state}: {key} means {sorted(texts)}")
        mnemonics: dict[str, set[str]] = defaultdict(set)
        for label in user.every(QLabel):
            if label.buddy():
                mnemonics[QKeySequence.mnemonic(label.text()).toString()].add(label.text())
        for button in user.every(QAbstractButton):
            mnemonics[QKeySequence.mnemonic(button.text()).toString()].add(button.text())
        for bar in user.every(QTabBar):
            for place in range(bar.count()):
                mnemonics[QKeySequence.mnemonic(bar.tabText(place)).toString()].add(bar.tabText(place))
        for entry in user.window.menuBar().actions():
            if entry.isVisible():
                mnemonics[QKeySequence.mnemonic(entry.text()).toString()].add(f"menu {entry.text()}")
        problems.update(f"{state}: {key} means {sorted(texts)}" for key, texts in mnemonics.items() if key and len(texts) > 1)

    def steps(user: User) -> None:
        for state in _states(user, folder_of_files(tmp_path / "new")[:2]):
            look(user, state)

    walk(steps, Run(run_folder).project)
    assert not problems, "\n".join(sorted(problems))


def test_every_action_is_listed_under_help_keyboard_and_in_a_menu(walk: Walk, run_folder: Path) -> None:
    def steps(user: User) -> None:
        user.says("30 of 30 images")
        user.keys("F1")
        dialog = user.dialog(KeyboardDialog)
        assert len(dialog.rows()) > 80
        assert not any(rare in keys.split(", ") for _, keys in dialog.rows() for rare in ("F14", "Open", "Undo"))
        for name in ("dataset", "training", "evaluation", "review"):
            for action in user.window.pages[name].commands:
                if action is not None and action.text() and action.isVisible():
                    text = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("….")
                    first = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                    shown = [keys for name, keys in dialog.rows() if name == text]
                    assert any(first in keys.split(", ") for keys in shown), f"{text}: {first} is not among {shown}"
        user.type("dataset")
        dialog.reject()
        user.until(lambda: user.top() is user.window)

    walk(steps, Run(run_folder).project)


def test_pages_open_by_their_keys_and_take_the_focus(walk: Walk, run_folder: Path) -> None:
    def steps(user: User) -> None:
        for number, name in enumerate(user.window.navigation.buttons):
            user.keys(f"Alt+{number}")
            page = user.window.pages[name]
            assert user.window.stack.currentWidget() is page
            assert user.window.navigation.buttons[name].isChecked()
            focus = QApplication.focusWidget()
            assert focus is page or page.isAncestorOf(focus)

    walk(steps, Run(run_folder).project)
