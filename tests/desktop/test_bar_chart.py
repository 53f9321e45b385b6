"""Bars that can be counted, clicked and reached by key."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.bar_chart import WHOLE, BarChart

ROWS, PARTS = ["Normal", "Pneumonia", "Nodule"], ["train", "validation"]
COUNTS = [[600, 200], [150, 50], [0, 1]]


@pytest.fixture
def chart(qtbot: QtBot) -> BarChart:
    made = BarChart()
    qtbot.addWidget(made)
    made.set_data(ROWS, PARTS, COUNTS, notes={"Nodule": "Too few to learn from."})
    made.resize(500, 250)
    made.show()
    return made


def _middle(chart: BarChart, row: int, segment: int) -> QPoint:
    return chart._canvas.place((row, segment)).center().toPoint()


def _click(chart: BarChart, at: QPoint) -> None:
    QTest.mouseClick(chart._canvas, Qt.MouseButton.LeftButton, pos=at)


def _hover(chart: BarChart, at: QPoint) -> None:
    where, none = QPointF(at), Qt.MouseButton.NoButton
    globally = chart._canvas.mapToGlobal(where)
    event = QMouseEvent(QEvent.Type.MouseMove, where, globally, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(chart._canvas, event)


def test_lengths_are_in_proportion_to_the_counts(chart: BarChart) -> None:
    wide = [chart._canvas.place((row, 0)).width() for row in range(3)]
    assert wide[1] / wide[0] == pytest.approx(150 / 600)
    assert wide[2] == 0
    first, second = chart._canvas.place((0, 0)), chart._canvas.place((0, 1))
    assert second.left() == pytest.approx(first.right())
    assert chart._canvas.place((2, 1)).width() >= 1  # one image is seen


def test_side_by_side_bars_begin_at_the_same_place_and_tell_their_share(chart: BarChart) -> None:
    chart.set_data(ROWS[:2], ["catalogue", "one epoch"], [[900, 500], [100, 500.5]], stacked=False)
    first, second = chart._canvas.place((1, 0)), chart._canvas.place((1, 1))
    assert first.left() == second.left()
    assert first.bottom() < second.bottom()
    assert second.width() / first.width() == pytest.approx(5.005)
    assert chart._canvas.bars.ends() == [["900 (90 %)", "500 (50 %)"], ["100 (10 %)", "500.5 (50 %)"]]


def test_a_total_stands_behind_stacked_bars(chart: BarChart) -> None:
    assert chart._canvas.bars.ends() == [["800"], ["200"], ["1"]]


def test_each_bar_is_told_in_words(chart: BarChart) -> None:
    assert chart.words("Pneumonia", "train") == "Pneumonia, train: 150 images; 75.0 % of Pneumonia; 20.0 % of train"
    assert chart.words("Normal") == "Normal: 800 images"
    assert chart.words("Nodule") == "Nodule: 1 images. Too few to learn from."
    assert chart.words("Nodule", "train").startswith("Nodule, train: 0 images")


def test_what_is_not_defined_is_said_and_not_drawn(chart: BarChart) -> None:
    chart.set_data(["a", "b"], ["x"], [[np.nan], [3]], stacked=False, unit="patients")
    assert chart.words("a", "x") == "a, x: not defined patients; not defined of x"
    assert chart._canvas.bars.ends() == [["not defined"], ["3 (100 %)"]]
    assert chart._canvas.place((0, 0)).width() == 0
    chart.grab()


def test_a_click_tells_row_and_segment(chart: BarChart, qtbot: QtBot) -> None:
    with qtbot.waitSignal(chart.clicked) as told:
        _click(chart, _middle(chart, 1, 1))
    assert told.args == ["Pneumonia", "validation"]
    with qtbot.waitSignal(chart.clicked) as told:
        _click(chart, QPoint(10, _middle(chart, 0, 0).y()))
    assert told.args == ["Normal", ""]
    with qtbot.assertNotEmitted(chart.clicked):
        _click(chart, QPoint(10, chart._canvas.height() - 2))
        QTest.mouseClick(chart._canvas, Qt.MouseButton.RightButton, pos=_middle(chart, 0, 0))


def test_keys_reach_every_bar(chart: BarChart, qtbot: QtBot) -> None:
    chart.setFocus()
    canvas = chart._canvas
    assert canvas.accessibleDescription() == "Normal: 800 images"
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right):
        QTest.keyClick(canvas, key)
    assert canvas.current == (1, 1)
    assert canvas.accessibleDescription() == chart.words("Pneumonia", "validation")
    with qtbot.waitSignal(chart.clicked) as told:
        QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert told.args == ["Pneumonia", "validation"]
    QTest.keyClick(canvas, Qt.Key.Key_End)
    assert canvas.current == (2, 1)
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(canvas, key)
    assert canvas.current == (0, WHOLE)


def test_what_is_chosen_is_outlined(chart: BarChart) -> None:
    plain = chart.grab().toImage()
    chart.set_selected("Pneumonia", "train")
    assert chart.selected() == ("Pneumonia", "train")
    outlined = chart.grab().toImage()
    assert outlined != plain
    chart.set_selected("Pneumonia")
    assert chart.selected() == ("Pneumonia", "")
    assert chart.grab().toImage() not in (plain, outlined)
    chart.set_selected("no such row")
    assert chart.selected() is None
    assert chart.grab().toImage() == plain


def test_a_choice_outlives_new_counts_as_long_as_it_is_there(chart: BarChart) -> None:
    chart.set_selected("Nodule", "validation")
    chart.set_data(ROWS[1:], PARTS, COUNTS[1:])
    assert chart.selected() == ("Nodule", "validation")
    chart.set_data(ROWS[:1], PARTS, COUNTS[:1])
    assert chart.selected() is None


def test_the_keyboard_stays_inside_when_there_are_fewer_rows(chart: BarChart) -> None:
    chart._canvas.setFocus()
    QTest.keyClick(chart._canvas, Qt.Key.Key_End)
    chart.set_data(ROWS[:1], ["only"], [[3]])
    assert chart._canvas.current[0] == 0
    chart.set_data([], [], np.zeros((0, 0)))
    QTest.keyClick(chart._canvas, Qt.Key.Key_Down)
    QTest.keyClick(chart._canvas, Qt.Key.Key_Return)
    chart.grab()


def test_many_rows_scroll_to_the_one_with_the_keyboard(chart: BarChart, qtbot: QtBot) -> None:
    names = [f"finding {n}" for n in range(60)]
    chart.set_data(names, PARTS, np.ones((60, 2)))
    bar = chart._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    chart.setFocus()
    QTest.keyClick(chart._canvas, Qt.Key.Key_End)
    assert bar.value() >= bar.maximum() - 2
    QTest.keyClick(chart._canvas, Qt.Key.Key_Home)
    assert bar.value() == 0
    assert chart.sizeHint().height() < chart._canvas.minimumSizeHint().height()


def test_the_legend_names_segments_if_there_are_several(chart: BarChart) -> None:
    assert [key.name for key in chart._legend.shown()] == PARTS
    chart.set_data(ROWS, ["images"], [[1], [2], [3]])
    assert chart._legend.shown() == ()
    assert not chart._legend.isVisible()


def test_numbers_must_fit_the_names(chart: BarChart) -> None:
    with pytest.raises(ValueError, match="reshape"):
        chart.set_data(ROWS, PARTS, [[1, 2], [3, 4]])
    assert chart.words("Normal") == "Normal: 800 images"


def test_a_long_name_leaves_room_for_the_bars(chart: BarChart) -> None:
    chart.set_data(["Pneumonia/Viral/COVID-19 as seen on portable radiographs at the bedside"], PARTS, [[5, 5]])
    place = chart._canvas.place((0, 0))
    assert place.left() <= chart._canvas.width() * 0.49
    assert place.width() > 20
    assert chart.words(chart._canvas.bars.rows[0]).endswith("bedside: 10 images")


def test_the_row_under_the_pointer_is_marked(chart: BarChart) -> None:
    plain = chart.grab().toImage()
    _hover(chart, _middle(chart, 0, 0))
    assert chart._canvas._hovered == (0, 0)
    assert chart.grab().toImage() != plain
    chart._canvas.leaveEvent(None)
    assert chart.grab().toImage() == plain


def test_names_and_colours_follow(chart: BarChart, qapp: QApplication) -> None:
    chart.setAccessibleName("Images by finding and part")
    assert chart._canvas.accessibleName() == "Images by finding and part"
    at = _middle(chart, 0, 0) - QPoint(60, 0)
    light = QColor(chart._canvas.grab().toImage().pixel(at)).name()
    theme.apply(qapp, "dark")
    assert light == theme.LIGHT.series[0]
    assert QColor(chart._canvas.grab().toImage().pixel(at)).name() == theme.DARK.series[0]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.floats(0, 1e6), min_size=3, max_size=3), min_size=1, max_size=8),
    st.booleans(),
    st.integers(240, 900),
)
def test_bars_stay_inside_and_are_found_where_they_are(
    chart: BarChart, values: list[list[float]], stacked: bool, width: int
) -> None:
    chart.set_data([f"finding {n}" for n in range(len(values))], ["train", "validation", "test"], values, stacked=stacked)
    chart.resize(width, 300)
    canvas = chart._canvas
    for bar, place in canvas._laid_out():
        assert place.left() >= 0
        assert place.right() <= canvas.width() + 5  # slivers for the smallest may stand out by their own width
        if place.width() > 6:
            assert canvas.at(place.center()) == bar


def test_rows_do_not_overlap(chart: BarChart) -> None:
    for stacked in (True, False):
        chart.set_data(ROWS, PARTS, COUNTS, stacked=stacked)
        for row in range(2):
            assert chart._canvas.place((row, 1)).bottom() < chart._canvas.place((row + 1, 1)).top()
            assert chart._canvas.row_place(row).contains(chart._canvas.place((row, 0)))


def test_a_count_inside_a_bar_is_legible(chart: BarChart) -> None:
    chart.set_data(["Normal"], PARTS, [[500, 500]])
    place = chart._canvas.place((0, 1))  # a bar with a pattern: the number stands on a plain ground
    image = chart._canvas.grab().toImage()
    y = round(place.center().y())
    near = {QColor(image.pixel(round(place.center().x()) + d, y + e)).name() for d in range(-9, 10) for e in range(-4, 5)}
    assert ink.series_colour(1).name() in near
    assert ink.text_on(ink.series_colour(1)).name() in near


def test_all_zero_is_drawn(chart: BarChart) -> None:
    chart.set_data(ROWS, PARTS, np.zeros((3, 2)))
    assert all(place.width() == 0 for _, place in chart._canvas._laid_out())
    assert chart.words("Normal", "train") == "Normal, train: 0 images; not defined of Normal; not defined of train"
    chart.grab()


def test_another_unit_is_told(chart: BarChart) -> None:
    chart.set_data(["Normal"], ["train"], [[3]], unit="patients")
    assert chart.words("Normal", "train") == "Normal, train: 3 patients; 100.0 % of train"


def test_a_fine_screen_gets_fine_bars(chart: BarChart) -> None:
    image = QImage(chart._canvas.size() * 2, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2)
    painter = QPainter(image)
    chart._canvas.render(painter, QPoint())
    painter.end()
    place = chart._canvas.place((0, 0))
    row = round(place.top() * 2) + 2
    drawn = [x for x in range(image.width()) if QColor(image.pixel(x, row)).name() == theme.colours().series[0]]
    assert len(drawn) == pytest.approx(place.width() * 2, abs=3)


def test_the_focus_is_seen_on_the_bar_that_has_it(chart: BarChart, qtbot: QtBot) -> None:
    chart.activateWindow()
    chart.setFocus()
    qtbot.waitUntil(chart._canvas.hasFocus)
    on_row = chart._canvas.grab().toImage()
    QTest.keyClick(chart._canvas, Qt.Key.Key_Right)
    assert chart._canvas.grab().toImage() != on_row


def test_other_keys_go_on_to_the_page(chart: BarChart, qtbot: QtBot) -> None:
    before = chart._canvas.current
    with qtbot.assertNotEmitted(chart.clicked):
        QTest.keyClick(chart._canvas, Qt.Key.Key_F5)
    assert chart._canvas.current == before


def test_a_larger_font_makes_higher_rows(chart: BarChart) -> None:
    before, larger = chart._canvas.row_height(), QFont(chart.font())
    larger.setPointSize(larger.pointSize() * 2)
    chart._canvas.setFont(larger)
    assert chart._canvas.row_height() > before * 1.4
    assert chart._canvas.place((1, 0)).top() > before * 1.4


def test_notes_are_added_to_their_row(chart: BarChart) -> None:
    chart.set_data(ROWS, PARTS, COUNTS, notes={"Normal": "Shown twice an epoch."})
    assert chart.words("Normal", "train").endswith("of train. Shown twice an epoch.")
    assert "Shown" not in chart.words("Nodule")
