"""Conditions as buttons that take them away."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.chips import WIDEST, Chips


@pytest.fixture
def chips(qtbot: QtBot) -> Chips:
    made = Chips()
    qtbot.addWidget(made)
    made.show_chips([("view", "View: PA"), ("finding:A&B", "A&B: yes")])
    return made


def test_each_says_its_condition(chips: Chips) -> None:
    assert chips.words() == ["View: PA", "A&B: yes"]
    assert [button.text() for button in chips.buttons.values()] == ["View: PA  ×", "A&&B: yes  ×"]
    assert chips.buttons["view"].accessibleName() == "Remove filter View: PA"


def test_a_click_or_the_space_bar_takes_it_away(qtbot: QtBot, chips: Chips) -> None:
    chips.show()
    with qtbot.waitSignal(chips.removed) as removed:
        qtbot.mouseClick(chips.buttons["view"], Qt.MouseButton.LeftButton)
    assert removed.args == ["view"]
    with qtbot.waitSignal(chips.removed) as removed:
        qtbot.keyClick(chips.buttons["finding:A&B"], Qt.Key.Key_Space)
    assert removed.args == ["finding:A&B"]


def test_all_are_taken_away_at_once(qtbot: QtBot, chips: Chips) -> None:
    with qtbot.waitSignal(chips.cleared):
        qtbot.mouseClick(chips.clear, Qt.MouseButton.LeftButton)


def test_a_single_one_needs_no_button_for_all(chips: Chips) -> None:
    assert not chips.clear.isHidden()
    chips.show_chips([("view", "View: PA")])
    assert chips.clear.isHidden()
    assert list(chips.buttons) == ["view"]


def test_without_conditions_there_is_nothing(chips: Chips) -> None:
    assert not chips.isHidden()
    chips.show_chips([])
    assert chips.isHidden()
    assert chips.words() == []


def test_the_same_chips_keep_their_buttons_and_the_focus(chips: Chips) -> None:
    button = chips.buttons["view"]
    chips.show_chips([("view", "View: PA"), ("finding:A&B", "A&B: yes")])
    assert chips.buttons["view"] is button


def test_a_long_one_is_elided_and_tells_all_as_a_tooltip(chips: Chips) -> None:
    words = "Text: " + "a-very-long-name/" * 20
    chips.show_chips([("text", words)])
    button = chips.buttons["text"]
    assert "…" in button.text()
    assert words in button.toolTip()
    assert button.sizeHint().width() < WIDEST + 60


def test_the_keyboard_goes_through_them_in_order(qtbot: QtBot, chips: Chips) -> None:
    chips.show()
    chips.buttons["view"].setFocus()
    qtbot.keyClick(chips, Qt.Key.Key_Tab)
    assert chips.buttons["finding:A&B"].hasFocus()
    qtbot.keyClick(chips, Qt.Key.Key_Tab)
    assert chips.clear.hasFocus()
