"""Numbers as they are typed, stepped and written."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets import number_box
from cxr_desktop.widgets.number_box import NumberBox
from trainer import config

SETTINGS = {item.key: item for item in config.settings() if item.kind in (int, float)}
RATE, EPOCHS, DROPOUT = (SETTINGS[key] for key in ("optimiser.lr", "schedule.epochs", "model.dropout"))


def _box(qtbot: QtBot, setting: config.Setting) -> NumberBox:
    box = NumberBox(setting)
    qtbot.addWidget(box)
    return box


def wheel(widget: QWidget, up: int = 120) -> None:
    """Turn the wheel over a widget, as the window system tells it."""
    window = widget.window()
    QTest.wheelEvent(window.windowHandle(), QPointF(widget.mapTo(window, widget.rect().center())), QPoint(0, up))


def beside_a_focused_one(qtbot: QtBot, widget: QWidget) -> QWidget:
    """Show a widget in a window where another one has the focus; returns the window, to be kept."""
    window, other = QWidget(), QLineEdit()
    qtbot.addWidget(window)
    row = QHBoxLayout(window)
    row.addWidget(other)
    row.addWidget(widget)
    window.show()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    return window


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        (RATE, 3e-4, "3e-4"),
        (RATE, 0.00123, "1.23e-3"),
        (RATE, 10.0, "1e1"),
        (RATE, 1e-7, "1e-7"),
        (EPOCHS, 10_000, "10000"),
        (DROPOUT, 0.0, "0"),
        (DROPOUT, 0.123456789, "0.123456789"),
        (SETTINGS["seed"], 2**31 - 1, "2147483647"),
        (SETTINGS["optimiser.average"], 0.9999, "0.9999"),
    ],
)
def test_numbers_are_written_short_and_exact(setting: config.Setting, value: float, text: str) -> None:
    assert number_box.written(setting, value) == text
    assert float(text) == value


@limits(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(SETTINGS)), st.data())
def test_what_is_written_is_read_back(key: str, data: st.DataObject) -> None:
    item = SETTINGS[key]
    whole = st.integers(int(item.low or 0), int(item.high or 0))
    value = data.draw(whole if item.kind is int else st.floats(item.low, item.high))
    read = config.changed(config.TrainConfig(), {key: number_box.written(item, value)})
    assert config.get(read, key) == value


@pytest.mark.parametrize("text", ["3e-4", "0.0003", "3E-04", " 0.0003 ", ".0003"])
def test_every_notation_is_taken_and_stays(qtbot: QtBot, text: str) -> None:
    box = _box(qtbot, RATE)
    box.selectAll()
    qtbot.keyClicks(box, text)
    assert box.text() == text
    assert float(box.given()) == 3e-4
    box.show_value(3e-4)
    assert box.text() == text  # it is that number already


@pytest.mark.parametrize("text", ["fast", "1e", "-5", "1e999", "", "nan"])
def test_nonsense_can_be_typed_and_is_not_swallowed(qtbot: QtBot, text: str) -> None:
    box = _box(qtbot, RATE)
    box.show_value(0.5)
    box.selectAll()
    qtbot.keyClick(box, Qt.Key.Key_Delete)
    edits = []
    box.edited.connect(lambda: edits.append(box.given()))
    qtbot.keyClicks(box, text)
    assert box.given() == text
    assert len(edits) == len(text)


def test_rates_step_along_one_two_five(qtbot: QtBot) -> None:
    box = _box(qtbot, RATE)
    box.show_value(3e-4)
    seen = []
    for _ in range(4):
        qtbot.keyClick(box, Qt.Key.Key_Up)
        seen.append(box.given())
    assert seen == ["5e-4", "1e-3", "2e-3", "5e-3"]
    for _ in range(6):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.given() == "5e-5"


def test_shares_step_without_dirt_and_end_at_their_limits(qtbot: QtBot) -> None:
    box = _box(qtbot, DROPOUT)
    box.show_value(0.12)
    seen = []
    for _ in range(3):
        box.stepBy(1)
        seen.append(box.given())
    assert seen == ["0.15", "0.2", "0.25"]
    qtbot.keyClick(box, Qt.Key.Key_PageUp)
    assert box.given() == "0.75"
    qtbot.keyClick(box, Qt.Key.Key_PageUp)
    assert box.given() == "0.9"
    assert not box.stepEnabled() & box.StepEnabledFlag.StepUpEnabled
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert box.given() == "0.9"


@limits(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SETTINGS)), st.data())
def test_a_step_goes_the_right_way_and_stays_within_limits(qtbot: QtBot, key: str, data: st.DataObject) -> None:
    item = SETTINGS[key]
    whole = st.integers(int(item.low or 0), int(item.high or 0))
    value = data.draw(whole if item.kind is int else st.floats(item.low, item.high))
    box = NumberBox(item)
    for steps in (1, -1):
        box.show_value(value)
        box.stepBy(steps)
        now = config.get(config.changed(config.TrainConfig(), {key: box.given()}), key)
        at_limit = value == (item.high if steps > 0 else item.low)
        assert now == value if at_limit else (now - value) * steps > 0
    box.deleteLater()


def test_nonsense_cannot_be_stepped(qtbot: QtBot) -> None:
    box = _box(qtbot, EPOCHS)
    box.lineEdit().setText("many")
    assert box.stepEnabled() == box.StepEnabledFlag.StepNone
    box.stepBy(1)
    assert box.given() == "many"


def test_the_wheel_changes_only_what_has_the_focus(qtbot: QtBot) -> None:
    box = NumberBox(EPOCHS)
    box.show_value(15)
    window = beside_a_focused_one(qtbot, box)
    wheel(box)
    assert box.given() == "15"
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    wheel(box)
    assert box.given() == "16"
    assert window.isVisible()


def test_it_is_wide_enough_for_its_numbers(qtbot: QtBot) -> None:
    box = _box(qtbot, SETTINGS["seed"])
    assert box.sizeHint().width() > box.fontMetrics().horizontalAdvance("2147483647")
    assert box.minimumSizeHint().width() < box.sizeHint().width()
