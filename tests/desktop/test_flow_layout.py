"""Widgets that go on in the next line."""

import pytest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.flow_layout import FlowLayout


class Box(QPushButton):
    """Always 100 x 20."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(100, 20)


@pytest.fixture
def row(qtbot: QtBot) -> QWidget:
    """Five boxes with a space of 5 between them."""
    widget = QWidget()
    layout = FlowLayout(widget)
    layout.setSpacing(5)
    for _ in range(5):
        layout.addWidget(Box())
    qtbot.addWidget(widget)
    return widget


def places(widget: QWidget) -> list[tuple[int, int]]:
    return [(box.x(), box.y()) for box in widget.findChildren(Box)]


@pytest.mark.parametrize(("width", "height"), [(520, 20), (519, 45), (315, 45), (310, 45), (309, 70), (100, 120), (30, 120)])
def test_height_for_width(row: QWidget, width: int, height: int) -> None:
    assert row.layout().heightForWidth(width) == height


def test_boxes_stand_in_lines(row: QWidget) -> None:
    row.resize(310, 60)
    row.show()
    assert places(row) == [(0, 0), (105, 0), (210, 0), (0, 25), (105, 25)]


def test_hidden_boxes_take_no_room(row: QWidget) -> None:
    boxes = row.findChildren(Box)
    boxes[1].hide()
    row.resize(310, 60)
    row.show()
    assert [(box.x(), box.y()) for box in boxes if box.isVisible()] == [(0, 0), (105, 0), (210, 0), (0, 25)]
    for box in boxes:
        box.hide()
    assert row.layout().heightForWidth(310) == 0


def test_it_asks_for_one_line_and_needs_room_for_one_box(row: QWidget) -> None:
    layout = row.layout()
    assert (layout.sizeHint().width(), layout.sizeHint().height()) == (520, 20)
    assert (layout.minimumSize().width(), layout.minimumSize().height()) == (100, 20)
    assert layout.hasHeightForWidth()
    assert not layout.expandingDirections()


def test_lower_boxes_are_centred(qtbot: QtBot) -> None:
    widget = QWidget()
    layout = FlowLayout(widget)
    low, high = Box(), Box()
    high.setFixedHeight(40)
    layout.addWidget(low)
    layout.addWidget(high)
    qtbot.addWidget(widget)
    widget.resize(400, 40)
    widget.show()
    assert (low.y(), high.y()) == (10, 0)


def test_items_are_taken_out(row: QWidget) -> None:
    layout = row.layout()
    assert layout.count() == 5
    assert layout.itemAt(4) is not None
    assert (layout.itemAt(5), layout.takeAt(9), layout.itemAt(-1)) == (None, None, None)
    layout.takeAt(0)
    assert layout.count() == 4
