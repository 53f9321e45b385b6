"""Long names in a list of names: elided, whole in the tooltip and in the open list; a wheel in passing changes nothing."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.name_box import NameBox

LONG = "resnet50-with-class-weights-and-a-very-long-name-that-nobody-would-type-twice"


@pytest.fixture
def box(qtbot: QtBot) -> NameBox:
    made = NameBox()
    qtbot.addWidget(made)
    made.addItems(["short", LONG])
    made.resize(160, made.sizeHint().height())
    made.show()
    return made


def test_a_short_name_stands_as_it_is(box: NameBox) -> None:
    assert box.shown() == "short"


def test_a_long_name_is_elided_in_the_middle_and_whole_in_the_tooltip(box: NameBox) -> None:
    box.setCurrentIndex(1)
    assert "…" in box.shown()
    assert box.shown().startswith("resnet")
    assert box.fontMetrics().horizontalAdvance(box.shown()) < box.width()
    assert box.toolTip() == LONG
    box.resize(900, box.height())
    assert box.shown() == LONG
    box.grab()


def test_a_long_name_does_not_widen_it(box: NameBox) -> None:
    assert box.sizeHint().width() < box.fontMetrics().horizontalAdvance(LONG)


@pytest.mark.qt_log_ignore("does not support", extend=True)  # an open list without a real screen
def test_the_open_list_shows_the_whole_name(box: NameBox) -> None:
    box.showPopup()
    assert box.view().width() >= box.fontMetrics().horizontalAdvance(LONG)
    box.hidePopup()


@pytest.mark.parametrize("focused", [False, True])
def test_the_wheel_moves_it_only_with_the_focus(box: NameBox, focused: bool) -> None:
    if focused:
        box.setFocus()
    else:
        box.clearFocus()
    down = QWheelEvent(
        QPointF(5, 5), box.mapToGlobal(QPointF(5, 5)), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, down)
    assert box.currentIndex() == int(box.hasFocus())


def test_keys_choose(box: NameBox) -> None:
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == LONG
