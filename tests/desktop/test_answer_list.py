"""The findings of one image or of many: what is shown, and what keys and clicks ask for."""

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets.answer_list import BY_HAND, AnswerList
from cxr_desktop.widgets.answer_switch import AnswerSwitch

NO_KEYS = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def switch(qtbot: QtBot) -> AnswerSwitch:
    made = AnswerSwitch("Pneumonia")
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def answers(qtbot: QtBot) -> AnswerList:
    made = AnswerList()
    made.resize(320, 300)
    qtbot.addWidget(made)
    made.set_answers({"Normal": (1, 0, 0, 0), "Pneumonia": (0, 1, 0, 1), "Nodule": (0, 0, 1, 0)}, 1)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.mark.parametrize(
    ("counts", "answer", "words", "texts"),
    [
        ((1, 0, 0), 1, "yes", ["Yes", "No", "Not stated"]),
        ((0, 1, 0), 0, "no", ["Yes", "No", "Not stated"]),
        ((0, 0, 1), -1, "not stated", ["Yes", "No", "Not stated"]),
        ((0, 5, 0), 0, "no", ["Yes 0", "No 5", "Not stated 0"]),
        ((3, 1200, 0), None, "mixed, 3 yes, 1,200 no", ["Yes 3", "No 1,200", "Not stated 0"]),
    ],
)
def test_what_a_switch_says(
    switch: AnswerSwitch, counts: tuple[int, int, int], answer: int | None, words: str, texts: list[str]
) -> None:
    switch.set_counts(*counts)
    assert switch.answer() == answer
    assert switch.words() == words
    assert switch.texts() == texts
    assert switch.accessibleName() == f"Pneumonia: {words}"


@pytest.mark.parametrize(("key", "value"), [(Qt.Key.Key_Y, 1), (Qt.Key.Key_N, 0), (Qt.Key.Key_U, -1)])
def test_keys_answer(switch: AnswerSwitch, qtbot: QtBot, key: Qt.Key, value: int) -> None:
    with qtbot.waitSignal(switch.chosen) as asked:
        QTest.keyClick(switch, key)
    assert asked.args == [value]
    assert switch.answer() == -1, "it shows what is stored, not what is asked for"


def test_a_key_that_is_held_and_a_double_click_answer_once(switch: AnswerSwitch) -> None:
    """An answer may take the image out of the list, and then the next one stands here."""
    seen: list[int] = []
    switch.chosen.connect(seen.append)
    for held in (False, True, True):
        QApplication.sendEvent(switch, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_N, NO_KEYS, "n", held))
    assert seen == [0]
    yes, no = (field.center().toPoint() for field in switch.fields()[:2])
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton, pos=yes)
    assert seen == [0, 1]
    press = (Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton, NO_KEYS)
    for place, answered in ((yes, [0, 1]), (no, [0, 1, 0])):  # on another field it is a change of mind
        QApplication.sendEvent(switch, QMouseEvent(QEvent.Type.MouseButtonDblClick, place, switch.mapToGlobal(place), *press))
        assert seen == answered


def test_other_keys_and_shortcuts_are_left_alone(switch: AnswerSwitch, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(switch.chosen):
        QTest.keyClick(switch, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(switch, Qt.Key.Key_A)


def test_clicks_on_the_fields_answer(switch: AnswerSwitch) -> None:
    found: list[int] = []
    switch.chosen.connect(found.append)
    for field in switch.fields():
        QTest.mouseClick(switch, Qt.MouseButton.LeftButton, pos=field.center().toPoint())
    QTest.mouseClick(switch, Qt.MouseButton.RightButton, pos=switch.fields()[0].center().toPoint())
    assert found == [1, 0, -1]


def test_the_fields_fill_the_switch_side_by_side(switch: AnswerSwitch) -> None:
    switch.resize(400, 24)
    fields = switch.fields()
    assert fields[0].left() <= 1
    assert fields[2].right() == pytest.approx(399.5)
    assert [fields[0].right(), fields[1].right()] == pytest.approx([fields[1].left(), fields[2].left()])
    words = [switch.fontMetrics().horizontalAdvance(text) for text in switch.texts()]
    assert all(field.width() > width for field, width in zip(fields, words, strict=True))


def test_answers_differ_on_the_screen(switch: AnswerSwitch) -> None:
    pictures: list[QImage] = []
    for counts in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 2, 2)):
        switch.set_counts(*counts)
        pictures.append(switch.grab().toImage())
    for place, one in enumerate(pictures):
        assert all(one != other for other in pictures[place + 1 :])


def test_colours_follow_the_theme(switch: AnswerSwitch, qapp: QApplication) -> None:
    switch.set_counts(1, 0, 0)
    place = switch.fields()[0].topLeft().toPoint() + QPoint(4, 4)
    for name, of in (("light", theme.LIGHT), ("dark", theme.DARK)):
        theme.apply(qapp, name)
        assert switch.grab().toImage().pixelColor(place) == QColor(of.accent)


def test_the_focus_is_seen(switch: AnswerSwitch, qtbot: QtBot) -> None:
    switch.clearFocus()
    before = switch.grab().toImage()
    switch.setFocus()
    qtbot.waitUntil(switch.hasFocus)
    assert switch.grab().toImage() != before


def test_rows_tell_which_finding_is_answered(answers: AnswerList, qtbot: QtBot) -> None:
    with qtbot.waitSignal(answers.answered) as asked:
        QTest.keyClick(answers.row("Pneumonia").switch, Qt.Key.Key_Y)
    assert asked.args == ["Pneumonia", 1]


def test_an_answer_by_hand_is_marked(answers: AnswerList) -> None:
    assert answers.row("Pneumonia").name.text() == "Pneumonia" + BY_HAND
    assert answers.row("Normal").name.text() == "Normal"
    assert "import" in answers.row("Pneumonia").switch.whatsThis()


def test_up_and_down_go_through_the_findings(answers: AnswerList, qtbot: QtBot) -> None:
    first, second, third = (row.switch for row in answers.rows())
    first.setFocus()
    for switch, key in ((first, Qt.Key.Key_Down), (second, Qt.Key.Key_Down), (third, Qt.Key.Key_Down), (third, Qt.Key.Key_Up)):
        QTest.keyClick(switch, key)
    qtbot.waitUntil(second.hasFocus)


def test_tab_goes_through_the_findings_to_the_field(answers: AnswerList, qtbot: QtBot) -> None:
    answers.rows()[0].switch.setFocus()
    for _ in range(3):
        QTest.keyClick(answers.focusWidget(), Qt.Key.Key_Tab)
    qtbot.waitUntil(answers.field.hasFocus)


def test_mixed_answers_of_many(answers: AnswerList) -> None:
    answers.set_answers({"Normal": (2, 1, 0, 1), "Pneumonia": (3, 0, 0, 0)}, 3)
    row = answers.row("Normal")
    assert row.state.text() == "mixed"
    assert row.state.isVisible()
    assert not answers.row("Pneumonia").state.isVisible()
    assert row.switch.y() > row.name.y(), "with numbers it needs a line of its own"
    assert "1 images" in row.switch.whatsThis()


def test_rows_that_stay_keep_the_focus(answers: AnswerList, qtbot: QtBot) -> None:
    switch = answers.row("Pneumonia").switch
    switch.setFocus()
    answers.set_answers({"Pneumonia": (1, 0, 0, 1), "Other": (0, 0, 1, 0)}, 1)
    assert [row.finding for row in answers.rows()] == ["Pneumonia", "Other"]
    assert answers.row("Pneumonia").switch is switch
    qtbot.waitUntil(switch.hasFocus)


def test_a_new_finding_waits_for_its_first_answer(answers: AnswerList, qtbot: QtBot) -> None:
    QTest.keyClicks(answers.field, "  Rib   fracture")
    with qtbot.assertNotEmitted(answers.answered):
        QTest.keyClick(answers.field, Qt.Key.Key_Return)
    row = answers.row("Rib fracture")
    qtbot.waitUntil(row.switch.hasFocus)
    assert row.switch.answer() == -1
    assert answers.field.text() == ""
    with qtbot.waitSignal(answers.answered) as asked:
        QTest.keyClick(row.switch, Qt.Key.Key_Y)
    assert asked.args == ["Rib fracture", 1]
    answers.set_answers({"Normal": (0, 0, 4, 0)}, 4)
    assert [row.finding for row in answers.rows()] == ["Normal", "Rib fracture"], "it is there for the next images too"
    answers.set_answers({"Normal": (0, 0, 4, 0), "Rib fracture": (4, 0, 0, 4)}, 4)
    assert [row.finding for row in answers.rows()] == ["Normal", "Rib fracture"]


def test_a_finding_that_is_there_is_found_whatever_its_case(answers: AnswerList, qtbot: QtBot) -> None:
    QTest.keyClicks(answers.field, "nodule")
    QTest.mouseClick(answers.button, Qt.MouseButton.LeftButton)
    assert len(answers.rows()) == 3
    qtbot.waitUntil(answers.row("Nodule").switch.hasFocus)
    QTest.mouseClick(answers.button, Qt.MouseButton.LeftButton)
    assert len(answers.rows()) == 3, "an empty name adds nothing"


def test_long_names_are_elided_and_the_answer_stays_whole(answers: AnswerList, qtbot: QtBot) -> None:
    name = "An extraordinarily long name of a finding that nobody can read at once"
    answers.set_answers({name: (1, 0, 0, 0)}, 1)
    row = answers.row(name)
    qtbot.waitUntil(lambda: row.name.shown().endswith("…"))
    assert row.name.toolTip() == name
    corner = row.switch.mapTo(answers, QPoint(row.switch.width(), 0))
    assert corner.x() <= answers.width()


def test_without_images_nothing_can_be_answered(answers: AnswerList) -> None:
    answers.set_answers({}, 0)
    assert not answers.isEnabled()
    assert answers.rows() == []
