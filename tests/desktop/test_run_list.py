"""The list of runs follows the folder; runs are renamed in it as in a file manager."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.training.run_list import RunList
from trainer.course import Summary

from .scenes import make_run, terminal


@pytest.fixture
def shown(qtbot: QtBot, opened: Project) -> Iterator[RunList]:
    """The list of a project with the runs "one" and "two"."""
    for name in ("one", "two"):
        make_run(opened.folder, name)
    made = RunList(opened)
    qtbot.addWidget(made)
    made.resize(800, 200)
    made.show()
    qtbot.waitUntil(lambda: len(made.all()) == 2)
    yield made
    made.close()


def _names(runs: list[Summary]) -> list[str]:
    return [one.name for one in runs]


def test_the_newest_stands_on_top_and_is_chosen(shown: RunList) -> None:
    assert _names(shown.all()) == ["one", "two"]
    assert len(shown.selected()) == 1
    assert shown.view.selectionModel().selectedRows()[0].row() == 0


def test_a_new_run_appears_and_the_choice_stays(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    shown.select(opened.folder / "runs" / "one")
    make_run(opened.folder, "three")
    qtbot.waitUntil(lambda: len(shown.all()) == 3)
    assert _names(shown.selected()) == ["one"]


def test_a_run_can_be_waited_for(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    shown.select(opened.folder / "runs" / "three")
    make_run(opened.folder, "three")
    qtbot.waitUntil(lambda: _names(shown.selected()) == ["three"])


def test_waiting_is_given_up(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    shown.view.clearSelection()
    shown.select(opened.folder / "runs" / "three")
    shown.give_up()
    qtbot.waitUntil(lambda: len(shown.selected()) == 1)


def test_how_a_run_stands_changes_in_place(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    run = make_run(opened.folder, "theirs", end="")
    shown.select(run.folder)
    qtbot.waitUntil(lambda: _names(shown.selected()) == ["theirs"])
    chosen: list[list[Summary]] = []
    shown.chosen.connect(chosen.append)
    with terminal(run) as other:
        qtbot.waitUntil(lambda: bool(chosen) and chosen[-1][0].status.state == "running", timeout=10_000)
        other.write("finished")
    qtbot.waitUntil(lambda: chosen[-1][0].status.state == "finished", timeout=10_000)
    assert {one[0].name for one in chosen} == {"theirs"}


def _type_name(qtbot: QtBot, shown: RunList, text: str) -> None:
    shown.begin_rename()
    editor = shown.view.findChild(QLineEdit)
    assert editor is not None
    QTest.keyClick(editor, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)


def test_a_run_is_renamed_and_stays_chosen(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    shown.select(opened.folder / "runs" / "one")
    _type_name(qtbot, shown, "Second try")
    qtbot.waitUntil(lambda: _names(shown.selected()) == ["Second try"])
    assert (opened.folder / "runs" / "Second try" / "config.json").exists()
    assert not (opened.folder / "runs" / "one").exists()


@pytest.mark.parametrize(("name", "words"), [("two", "already"), ("a:b", "cannot be the name")])
def test_a_name_that_cannot_be_is_refused(
    qtbot: QtBot, shown: RunList, opened: Project, told: list[Notice], name: str, words: str
) -> None:
    shown.select(opened.folder / "runs" / "one")
    _type_name(qtbot, shown, name)
    qtbot.waitUntil(lambda: bool(told))
    assert words in told[-1].what
    assert _names(shown.selected()) == ["one"]


def test_a_run_that_is_trained_keeps_its_name(qtbot: QtBot, shown: RunList, opened: Project, told: list[Notice]) -> None:
    run = opened.runs()[0]
    shown.select(run.folder)
    with run.locked():
        _type_name(qtbot, shown, "other")
        qtbot.waitUntil(lambda: bool(told))
    assert "cannot be renamed" in told[-1].what
    assert run.folder.exists()


def test_several_can_be_chosen(shown: RunList, opened: Project) -> None:
    shown.select_all([run.folder for run in opened.runs()])
    assert sorted(_names(shown.selected())) == ["one", "two"]


def test_sorting_keeps_the_choice_and_is_remembered(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    shown.select(opened.folder / "runs" / "two")
    shown.view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert _names(shown.selected()) == ["two"]
    again = RunList(opened)
    qtbot.addWidget(again)
    assert again.view.horizontalHeader().sortIndicatorSection() == 0
    assert again.view.horizontalHeader().sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
    qtbot.waitUntil(lambda: len(again.all()) == 2)


def test_the_context_menu_offers_the_actions(qtbot: QtBot, shown: RunList) -> None:
    action = QAction("Do it", shown)
    shown.set_menu([action, None])
    menu = shown.context_menu()
    qtbot.addWidget(menu)
    assert [one.text() for one in menu.actions()] == ["Do it", ""]
    with qtbot.waitSignal(action.triggered):
        menu.actions()[0].trigger()


def test_closing_the_project_empties_it(qtbot: QtBot, shown: RunList, opened: Project, tmp_path: Path) -> None:
    opened.close()
    assert shown.all() == []
    with qtbot.waitSignal(shown.listed) as count:
        pass
    assert count.args == [0]


def test_a_name_that_is_being_typed_outlives_another_run(qtbot: QtBot, shown: RunList, opened: Project) -> None:
    """One that is started in a terminal, say, makes the list anew."""
    shown.select(opened.folder / "runs" / "one")
    shown.begin_rename()
    editor = shown.view.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Second try")
    make_run(opened.folder, "three")
    qtbot.waitSignal(opened.runs_changed, timeout=10_000).wait()
    for _ in range(2):  # the list would be read now, sees the editor, and puts it off
        qtbot.waitSignal(shown._timer.timeout, timeout=10_000).wait()
    assert editor.isVisible()
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: sorted(_names(shown.all())) == ["Second try", "three", "two"])


def test_a_key_that_is_held_down_does_not_change_which_run_is_chosen(shown: RunList, opened: Project) -> None:
    """Ctrl+B, say: the list chooses a run while Ctrl is still down."""
    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    try:
        for name in ("one", "two", "one", "one"):
            shown.select(opened.folder / "runs" / name)
            assert _names(shown.selected()) == [name]
    finally:
        QTest.mouseClick(shown, Qt.MouseButton.LeftButton)
