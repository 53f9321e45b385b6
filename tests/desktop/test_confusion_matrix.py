"""Cells with the right numbers, that can be read, clicked and reached by key."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.confusion_matrix import MODES, ConfusionMatrix, Table

NAMES = ["Normal", "Pneumonia", "Nodule"]
COUNTS = [[90, 10, 0], [12, 138, 0], [0, 0, 0]]


@pytest.fixture
def matrix(qtbot: QtBot) -> ConfusionMatrix:
    made = ConfusionMatrix()
    qtbot.addWidget(made)
    made.set_counts(NAMES, COUNTS)
    made.resize(480, 320)
    made.show()
    return made


def _middle(matrix: ConfusionMatrix, truth: int, predicted: int) -> QPoint:
    return matrix.cell_place(truth, predicted).center().toPoint()


def _hover(matrix: ConfusionMatrix, at: QPoint) -> None:
    where, none = QPointF(at), Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, where, matrix.mapToGlobal(where), none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(matrix, event)


def _ground(matrix: ConfusionMatrix, truth: int, predicted: int) -> QColor:
    place = matrix.cell_place(truth, predicted)
    return QColor(matrix.grab().toImage().pixel(QPoint(round(place.left()) + 5, round(place.bottom()) - 5)))


def test_counts_rows_and_columns_are_written(matrix: ConfusionMatrix) -> None:
    assert [matrix.written(1, n) for n in range(3)] == ["12", "138", "0"]
    matrix.set_mode("rows")
    assert [matrix.written(1, n) for n in range(3)] == ["8 %", "92 %", "0 %"]
    assert matrix.written(2, 0) == "–"  # no image has it
    matrix.set_mode("columns")
    assert [matrix.written(n, 1) for n in range(3)] == ["7 %", "93 %", "0 %"]
    assert matrix.written(0, 2) == "–"
    assert matrix.mode() == "columns"


def test_a_mode_that_does_not_exist_is_refused(matrix: ConfusionMatrix) -> None:
    with pytest.raises(ValueError, match="diagonal"):
        matrix.set_mode("diagonal")
    assert matrix.mode() == "counts"


def test_a_cell_in_words_has_count_and_both_shares(matrix: ConfusionMatrix) -> None:
    assert matrix.cell_text(1, 0) == "truth Pneumonia, predicted Normal: 12 images, 8.0 % of truth, 11.8 % of prediction"
    assert matrix.cell_text(2, 2) == "truth Nodule, predicted Nodule: 0 images, not defined of truth, not defined of prediction"
    matrix.set_counts(["no", "yes"], [[1, 0], [0, 12345]])
    assert matrix.cell_text(0, 0).startswith("truth no, predicted no: 1 image,")
    assert "12,345 images, 100.0 %" in matrix.cell_text(1, 1)


def test_truth_goes_down_and_prediction_across(matrix: ConfusionMatrix) -> None:
    assert matrix.cell_place(1, 0).top() > matrix.cell_place(0, 0).top()
    assert matrix.cell_place(0, 1).left() > matrix.cell_place(0, 0).left()
    assert matrix._tip(QPointF(matrix._plan().left - 4, _middle(matrix, 1, 0).y())) == "truth Pneumonia: 150 images"
    assert matrix._tip(QPointF(_middle(matrix, 0, 1).x(), matrix._plan().top - 4)) == "predicted Pneumonia: 148 images"
    assert matrix._tip(QPointF(_middle(matrix, 1, 0))) == matrix.cell_text(1, 0)
    assert matrix._tip(QPointF(1, 1)) == ""


@pytest.mark.parametrize("choice", ["light", "dark"])
@pytest.mark.parametrize("mode", MODES)
def test_more_is_shaded_more_and_text_stays_legible(
    matrix: ConfusionMatrix, qapp: QApplication, choice: str, mode: str
) -> None:
    theme.apply(qapp, choice)
    matrix.set_mode(mode)
    surface = QColor(theme.colours().surface)
    few, many = _ground(matrix, 1, 0), _ground(matrix, 1, 1)
    assert ink.contrast(many, surface) > ink.contrast(few, surface) > 1
    assert _ground(matrix, 0, 2) == surface
    for row in matrix._grounds():
        assert all(ink.contrast(ink.text_on(ground), ground) >= 4.5 for ground in row)


def test_the_diagonal_is_framed(matrix: ConfusionMatrix) -> None:
    matrix.set_counts(NAMES, np.full((3, 3), 7))
    image = matrix.grab().toImage()

    def edge(truth: int, predicted: int) -> list[str]:
        place = matrix.cell_place(truth, predicted)
        y = round(place.center().y()) - 12
        return [QColor(image.pixel(round(place.left()) + x, y)).name() for x in range(5)]

    assert edge(1, 1) != edge(1, 2)
    assert ink.text_on(matrix._grounds()[1][1]).name() in edge(1, 1)


def test_a_click_chooses_a_cell(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    with qtbot.waitSignal(matrix.cell_chosen) as told:
        QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=_middle(matrix, 1, 0))
    assert told.args == [1, 0]
    assert matrix.selected() == (1, 0)
    with qtbot.assertNotEmitted(matrix.cell_chosen):
        QTest.mouseClick(matrix, Qt.MouseButton.RightButton, pos=_middle(matrix, 0, 0))
        QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))


def test_keys_reach_every_cell(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    matrix.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Left):
        QTest.keyClick(matrix, key)
    assert matrix.accessibleDescription() == matrix.cell_text(2, 0)
    QTest.keyClick(matrix, Qt.Key.Key_End)
    with qtbot.waitSignal(matrix.cell_chosen) as told:
        QTest.keyClick(matrix, Qt.Key.Key_Space)
    assert told.args == [2, 2]
    QTest.keyClick(matrix, Qt.Key.Key_Home)
    QTest.keyClick(matrix, Qt.Key.Key_Up)
    with qtbot.waitSignal(matrix.cell_chosen) as told:
        QTest.keyClick(matrix, Qt.Key.Key_Return)
    assert told.args == [1, 0]


def test_the_choice_is_seen_and_goes_with_other_names(matrix: ConfusionMatrix) -> None:
    plain = matrix.grab().toImage()
    matrix.set_selected((1, 0))
    assert matrix.grab().toImage() != plain
    matrix.set_counts(NAMES, COUNTS)  # the threshold moved: the same cells
    assert matrix.selected() == (1, 0)
    matrix.set_counts(["no", "yes"], [[1, 2], [3, 4]])
    assert matrix.selected() is None
    matrix.set_selected((1, 1))
    matrix.set_selected(None)
    assert matrix.selected() is None


def test_the_cell_under_the_pointer_is_told_below(matrix: ConfusionMatrix) -> None:
    def words() -> bytes:
        plan = matrix._plan()
        below = round(plan.top + plan.high * 3) + 5
        image = matrix.grab().toImage().copy(0, below, matrix.width(), matrix.height() - below)
        return bytes(image.constBits())

    matrix.clearFocus()
    empty = words()
    _hover(matrix, _middle(matrix, 0, 0))
    first = words()
    _hover(matrix, _middle(matrix, 1, 1))
    assert len({empty, first, words()}) == 3
    matrix.leaveEvent(None)
    assert words() == empty


@pytest.mark.parametrize(
    ("names", "width", "heads"),
    [
        (["no", "yes"], 300, "flat"),
        ([f"a rather long finding {n}" for n in range(8)], 700, "upright"),
        ([f"finding {n}" for n in range(30)], 420, "numbers"),
    ],
)
def test_names_of_columns_lie_stand_or_become_numbers(
    matrix: ConfusionMatrix, names: list[str], width: int, heads: str
) -> None:
    matrix.set_counts(names, np.arange(len(names) ** 2).reshape(len(names), -1))
    matrix.resize(width, 520)
    plan = matrix._plan()
    assert plan.heads == heads
    assert plan.top - matrix.fontMetrics().height() * 1.3 - 3 >= matrix.fontMetrics().height()  # nothing of a name is cut off
    last = matrix.cell_place(len(names) - 1, len(names) - 1)
    assert last.right() <= matrix.width()
    assert last.bottom() <= matrix.height()
    for mode in MODES:
        matrix.set_mode(mode)
        matrix.grab()


def test_numbers_that_do_not_fit_are_left_to_the_tooltip(matrix: ConfusionMatrix) -> None:
    names = [str(n) for n in range(30)]
    matrix.set_counts(names, np.full((30, 30), 123_456))
    matrix.resize(300, 300)
    assert not matrix._font_for(["123,456"], matrix._plan())[1]
    matrix.grab()
    matrix.resize(2400, 1600)
    assert matrix._font_for(["123,456"], matrix._plan())[1]


def test_without_findings_it_says_so(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    matrix.set_counts([], np.zeros((0, 0)))
    with qtbot.assertNotEmitted(matrix.cell_chosen):
        QTest.keyClick(matrix, Qt.Key.Key_Return)
        QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert matrix.accessibleDescription() == ""
    matrix.grab()
    assert matrix.sizeHint().isValid()


def test_counts_must_fit_the_names(matrix: ConfusionMatrix) -> None:
    with pytest.raises(ValueError, match="reshape"):
        matrix.set_counts(NAMES, [[1, 2], [3, 4]])
    assert matrix.written(0, 0) == "90"


def test_the_shares_of_counts_are_those_of_the_largest() -> None:
    table = Table(("a", "b"), np.array([[100, 25], [0, 1]]))
    assert table.shares("counts").tolist() == [[1, 0.5], [0, 0.1]]
    assert np.isnan(Table(("a",), np.array([[0]])).shares("rows")).all()
    assert Table(("a",), np.array([[0]])).shares("counts").tolist() == [[0]]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 30),
    st.integers(200, 1400),
    st.integers(160, 1000),
    st.sampled_from(["n", "Pneumonia", "a long finding " * 3]),
)
def test_every_cell_is_inside_and_found_where_it_is(
    matrix: ConfusionMatrix, size: int, width: int, height: int, name: str
) -> None:
    matrix.set_counts([f"{name} {n}" for n in range(size)], np.ones((size, size)))
    matrix.resize(width, height)
    for truth, predicted in ((0, 0), (size - 1, size - 1), (size // 2, 0), (0, size // 3)):
        place = matrix.cell_place(truth, predicted)
        assert matrix._at(place.center()) == (truth, predicted)
        if matrix.width() >= matrix.minimumSizeHint().width() and matrix.height() >= matrix.minimumSizeHint().height():
            assert place.right() <= matrix.width()
            assert place.bottom() <= matrix.height()


@settings(max_examples=40)
@given(
    st.integers(1, 6).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 10**6), min_size=k, max_size=k), min_size=k, max_size=k)
    )
)
def test_shares_of_rows_and_columns_add_up(counts: list[list[int]]) -> None:
    table = Table(tuple(str(n) for n in range(len(counts))), np.array(counts))
    for mode, axis in (("rows", 1), ("columns", 0)):
        sums = table.shares(mode).sum(axis=axis)
        whole = np.array(counts).sum(axis=axis)
        assert np.isnan(sums[whole == 0]).all()
        assert np.allclose(sums[whole > 0], 1)
    shade = table.shares("counts")
    assert ((shade >= 0) & (shade <= 1)).all()


def test_the_text_in_a_cell_is_drawn_legibly(matrix: ConfusionMatrix) -> None:
    image, place = matrix.grab().toImage(), matrix.cell_place(1, 1)
    ground = matrix._grounds()[1][1]
    middle = place.center().toPoint()
    near = {QColor(image.pixel(middle.x() + x, middle.y() + y)).name() for x in range(-10, 11) for y in range(-6, 7)}
    assert {ground.name(), ink.text_on(ground).name()} <= near


def test_two_by_two_tables_are_for_one_finding(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    matrix.set_counts(["no", "yes"], [[880, 45], [12, 163]])
    assert matrix.cell_text(1, 0) == "truth yes, predicted no: 12 images, 6.9 % of truth, 1.3 % of prediction"
    matrix.set_mode("rows")
    assert [[matrix.written(t, p) for p in (0, 1)] for t in (0, 1)] == [["95 %", "5 %"], ["7 %", "93 %"]]
    with qtbot.waitSignal(matrix.cell_chosen) as told:
        QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=_middle(matrix, 0, 1))
    assert told.args == [0, 1]


def test_cells_are_as_wide_as_is_useful_and_no_wider(matrix: ConfusionMatrix) -> None:
    matrix.set_counts(["no", "yes"], [[1, 2], [3, 4]])
    matrix.resize(1600, 1000)
    place = matrix.cell_place(0, 0)
    assert place.width() <= matrix.fontMetrics().height() * 6
    assert place.height() <= place.width()


def test_words_below_always_have_room(matrix: ConfusionMatrix) -> None:
    for width, height in ((480, 320), (300, 200), (900, 600)):
        matrix.resize(width, height)
        assert matrix.height() - matrix.cell_place(2, 0).bottom() >= matrix.fontMetrics().height() * 2


def test_keys_stay_inside(matrix: ConfusionMatrix) -> None:
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Left):
        QTest.keyClick(matrix, key)
    assert matrix._current == (0, 0)
    for _ in range(9):
        QTest.keyClick(matrix, Qt.Key.Key_Right)
        QTest.keyClick(matrix, Qt.Key.Key_Down)
    assert matrix._current == (2, 2)
    QTest.keyClick(matrix, Qt.Key.Key_F5)
    assert matrix._current == (2, 2)


def test_the_focus_is_seen(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    matrix.clearFocus()
    without = matrix.grab().toImage()
    matrix.activateWindow()
    matrix.setFocus()
    qtbot.waitUntil(matrix.hasFocus)
    first = matrix.grab().toImage()
    QTest.keyClick(matrix, Qt.Key.Key_Right)
    assert len({bytes(image.constBits()) for image in (without, first, matrix.grab().toImage())}) == 3
