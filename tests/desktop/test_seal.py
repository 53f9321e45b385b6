"""The seal: what opening the test part means is said, it takes a confirmation, and cancelling opens nothing."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation import seal
from cxr_desktop.evaluation.seal import SealDialog
from tests.desktop.evaluated import click


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def text_of(dialog: SealDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def test_it_says_what_it_means_and_how_often(parent: QWidget) -> None:
    dialog = seal.ask(parent, "first", 3, lambda: None)
    assert "too good" in text_of(dialog)
    assert "test part opened 3 times" in text_of(dialog)
    assert "first" in text_of(dialog)
    assert "not saved" not in text_of(dialog)
    dialog.reject()


@pytest.mark.parametrize(("count", "words"), [(0, "test part never opened"), (1, "test part opened 1 time"), (7, "7 times")])
def test_the_count_in_words(count: int, words: str) -> None:
    assert words in seal.openings_words(count)


def test_moved_thresholds_are_told(parent: QWidget) -> None:
    dialog = seal.ask(parent, "first", 0, lambda: None, moved=2)
    assert "2 thresholds moved and not saved" in text_of(dialog)
    dialog.reject()


def test_only_the_confirmed_button_opens(parent: QWidget) -> None:
    opened: list[int] = []
    dialog = seal.ask(parent, "first", 0, lambda: opened.append(1))
    assert not dialog.open_button.isEnabled()
    QTest.keyClick(dialog, Qt.Key.Key_Return)  # the default is to cancel
    assert opened == []
    dialog = seal.ask(parent, "first", 0, lambda: opened.append(1))
    dialog.sure.click()
    assert dialog.open_button.isEnabled()
    click(dialog.open_button)
    assert opened == [1]


@pytest.mark.parametrize("how", ["button", "escape", "close"])
def test_cancelled_opens_nothing(parent: QWidget, how: str) -> None:
    opened: list[int] = []
    dialog = seal.ask(parent, "first", 0, lambda: opened.append(1))
    dialog.sure.click()
    if how == "button":
        click(dialog.cancel_button)
    elif how == "escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        dialog.close()
    assert opened == []
    assert not dialog.isVisible()


def test_a_doubt_takes_the_confirmation_back(parent: QWidget) -> None:
    dialog = seal.ask(parent, "first", 0, lambda: None)
    dialog.sure.click()
    dialog.sure.click()
    assert not dialog.open_button.isEnabled()
    dialog.reject()
