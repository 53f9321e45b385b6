"""What the tour calls a fault on the screen, and what it leaves alone."""

import pytest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.elided_label import ElidedLabel
from tests.tour_looks import problems

LONG = "A sentence that is much longer than the place where it stands"


@pytest.fixture
def top(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.show()
    return made


def _placed(top: QWidget, widget: QWidget, width: int, height: int = 24, left: int = 10) -> QWidget:
    widget.setParent(top)
    widget.setGeometry(left, 10, width, height)
    widget.show()
    return widget


def _wrapped() -> QLabel:
    label = QLabel(LONG)
    label.setWordWrap(True)
    return label


def _combo() -> QComboBox:
    box = QComboBox()
    box.addItem(LONG)
    return box


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: QLabel(LONG), "cut off at the right"),
        (_wrapped, "cut off at the bottom"),
        (lambda: QPushButton(LONG), "cut off at the right"),
        (lambda: QCheckBox(LONG), "cut off at the right"),
        (_combo, "the choice is cut off"),
        (lambda: QLineEdit(placeholderText=LONG), "is cut off"),
    ],
)
def test_text_without_room_is_found(top: QWidget, make: object, words: str) -> None:
    _placed(top, make(), 60)
    (found,) = problems(top)
    assert words in found


@pytest.mark.parametrize(
    "make",
    [
        lambda: QLabel("Short"),
        lambda: QPushButton("&Go"),
        lambda: ElidedLabel(LONG),
        lambda: QLineEdit(LONG),
        lambda: QLabel(""),
    ],
)
def test_text_with_room_or_that_is_shortened_on_purpose_is_not(top: QWidget, make: object) -> None:
    _placed(top, make(), 90)
    assert problems(top) == []


def test_a_word_that_is_too_long_to_wrap(top: QWidget) -> None:
    label = QLabel("Pneumonoultramicroscopicsilicovolcanoconiosis")
    label.setWordWrap(True)
    _placed(top, label, 60, 100)
    assert "a word is cut off" in problems(top)[0]


def test_neighbours_that_overlap_and_parts_that_stick_out(top: QWidget) -> None:
    _placed(top, QPushButton("one"), 80)
    _placed(top, QPushButton("two"), 80, left=60)
    (found,) = problems(top)
    assert found.startswith("overlap: ")
    assert "'one'" in found
    assert "'two'" in found
    _placed(top, QPushButton("out"), 80, left=280)
    assert any("sticks out of its parent by 60 at the right" in one for one in problems(top))


def test_a_heading_of_a_table_and_tabs_out_of_sight(top: QWidget) -> None:
    column = QVBoxLayout(top)
    table = QTableWidget(1, 2)
    table.setHorizontalHeaderLabels(["A heading that is long", "B"])
    table.setColumnWidth(0, 40)
    tabs = QTabWidget()
    for name in ("The first of many tabs", "The second of many tabs", "The third of many tabs"):
        tabs.addTab(QWidget(), name)
    for part in (table, tabs):
        column.addWidget(part)
    QApplication.processEvents()
    found = problems(top)
    assert any("the heading 'A heading that is long' is cut off" in one for one in found)
    assert any("not all tabs are in sight" in one for one in found)


def test_what_is_hidden_is_left_alone(top: QWidget) -> None:
    _placed(top, QLabel(LONG), 40).hide()
    assert problems(top) == []
