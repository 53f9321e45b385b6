"""Notices: what, where, remedy, details to copy; the same one is counted, the oldest gives way."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.notices import ERROR, INFORMATION, WARNING, Notice
from cxr_desktop.widgets.notice_bar import MOST, NoticeBar
from trainer.errors import StorageError

FULL = StorageError("The disk is full", where="lungs.cxr", remedy="Free some space.")


def _bar(qtbot: QtBot) -> NoticeBar:
    made = NoticeBar()
    qtbot.addWidget(made)
    made.resize(600, 200)
    return made


def test_an_error_says_what_where_and_remedy(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    assert not bar.isVisible()
    bar.add(Notice.of(FULL))
    (card,) = bar.cards()
    assert bar.isVisible()
    assert [line.text() for line in (card.what, card.where, card.remedy)] == [
        "Error: The disk is full.",
        "lungs.cxr",
        "Free some space.",
    ]
    assert "The disk is full" in card.accessibleName()


def test_details_are_copied(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    bar.add(Notice(ERROR, "It broke.", "here", "Do this.", "line 1\nline 2"))
    (card,) = bar.cards()
    QTest.mouseClick(card.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "It broke.\nWhere: here\nRemedy: Do this.\nline 1\nline 2"


def test_it_goes_when_it_is_closed(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    bar.add(Notice.of(FULL))
    QTest.mouseClick(bar.cards()[0].close_button, Qt.MouseButton.LeftButton)
    assert bar.cards() == []
    assert not bar.isVisible()


def test_the_same_is_counted_and_not_repeated(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    for _ in range(3):
        bar.add(Notice.of(FULL))
    (card,) = bar.cards()
    assert card.what.text().endswith("(3 times)")


def test_the_oldest_gives_way(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    for number in range(MOST + 2):
        bar.add(Notice(WARNING, f"Number {number}."))
    assert [card.notice.what for card in bar.cards()] == [f"Number {n}." for n in range(2, MOST + 2)]
    bar.clear()
    assert bar.cards() == []


def test_text_is_never_taken_for_markup(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    bar.add(Notice(INFORMATION, "<b>bold</b>.", "<img src=x>"))
    (card,) = bar.cards()
    assert card.what.textFormat() == Qt.TextFormat.PlainText
    assert card.what.text() == "Note: <b>bold</b>."
    assert card.where.text() == "<img src=x>"


def test_a_long_path_does_not_widen_the_window(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    bar.add(Notice(ERROR, "A sentence " * 30, "/some/where/" * 40, "A remedy " * 20))
    bar.adjustSize()
    bar.resize(600, bar.heightForWidth(600))
    assert bar.minimumSizeHint().width() <= 4_000  # a path without spaces cannot be broken by Qt; it wraps at "/"
    (card,) = bar.cards()
    assert card.what.height() > card.copy.fontMetrics().height()


def test_it_follows_the_theme(qtbot: QtBot, qapp: QApplication) -> None:
    bar = _bar(qtbot)
    bar.add(Notice.of(FULL))
    (card,) = bar.cards()
    light = card.grab().toImage().pixelColor(card.width() // 2, 2)
    theme.apply(qapp, "dark")
    dark = card.grab().toImage().pixelColor(card.width() // 2, 2)
    assert light.lightness() > 200 > 100 > dark.lightness()
