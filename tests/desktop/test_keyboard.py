"""Every action is listed with its key, and can be searched."""

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.keyboard import KeyboardDialog


def _dialog(qtbot: QtBot) -> KeyboardDialog:
    copy = QAction("&Copy path")
    copy.setShortcuts([QKeySequence("Ctrl+C"), QKeySequence("Ctrl+Ins")])
    plain = QAction("Save && close…")
    dialog = KeyboardDialog({"Dataset": [copy, None, plain], "Empty": []})
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_actions_stand_with_all_their_keys(qtbot: QtBot) -> None:
    rows = dict(_dialog(qtbot).rows())
    assert rows["Copy path"] == "Ctrl+C, Ctrl+Ins"
    assert rows["Save & close"] == ""
    assert rows["Next control"] == "Tab"


def test_an_empty_group_is_left_out(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    names = [dialog.list.topLevelItem(n).text(0) for n in range(dialog.list.topLevelItemCount())]
    assert names == ["Dataset", "Everywhere"]


def test_search_finds_actions_and_keys(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    QTest.keyClicks(dialog.search, "ctrl+ins")
    assert [name for name, _ in dialog.rows()] == ["Copy path"]
    dialog.search.clear()
    QTest.keyClicks(dialog.search, "zebra")
    assert dialog.rows() == []
    dialog.search.clear()
    assert len(dialog.rows()) == 6


def test_keys_that_hardly_any_keyboard_has_are_not_listed(qtbot: QtBot) -> None:
    undo = QAction("&Undo")
    undo.setShortcuts([QKeySequence("Ctrl+Z"), QKeySequence("F14"), QKeySequence("Undo")])
    zoom = QAction("&Zoom in")
    zoom.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("F12"), QKeySequence("PgDown")])
    dialog = KeyboardDialog({"Edit": [undo, zoom]})
    qtbot.addWidget(dialog)
    rows = dict(dialog.rows())
    assert rows["Undo"] == "Ctrl+Z"
    assert rows["Zoom in"] == "Ctrl++, F12, PgDown"
