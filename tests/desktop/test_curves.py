"""A chart of curves, as a user zooms, points and types."""

import gc
import time
import weakref

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets.curves import PADDING, CurveChart


@pytest.fixture
def chart(qtbot: QtBot) -> CurveChart:
    made = CurveChart("Loss", "epoch", "loss (nats)")
    qtbot.addWidget(made)
    made.resize(500, 360)
    made.show()
    return made


@pytest.fixture
def lines(chart: CurveChart) -> CurveChart:
    """Two series of 10 epochs, drawn."""
    chart.set_series("train", np.arange(1, 11), 1 / np.arange(1, 11), points=True)
    chart.set_series("validation", np.arange(1, 11), 1.5 / np.arange(1, 11), style="dash")
    _draw(chart)
    _draw(chart)  # the axes take the room of their numbers when they are drawn for the first time
    return chart


def _draw(chart: CurveChart) -> None:
    QApplication.processEvents()
    chart.grab()


def _at(chart: CurveChart, x: float, y: float) -> QPoint:
    """Where a value lies in the view."""
    return chart._view.mapFromScene(chart._area.mapToScene(QPointF(*chart._window().place(x, y))))


def _move(chart: CurveChart, at: QPoint, held: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    viewport, none = chart._view.viewport(), Qt.MouseButton.NoButton
    globally = QPointF(viewport.mapToGlobal(at))
    event = QMouseEvent(QMouseEvent.Type.MouseMove, QPointF(at), globally, none, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(viewport, event)


def _wheel(chart: CurveChart, at: QPoint, up: bool) -> None:
    viewport, turn = chart._view.viewport(), QPoint(0, 240 if up else -240)
    nothing, none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    globally = QPointF(viewport.mapToGlobal(at))
    event = QWheelEvent(QPointF(at), globally, QPoint(), turn, nothing, none, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(viewport, event)


def test_everything_is_shown_with_a_little_room(lines: CurveChart) -> None:
    (left, right), (bottom, top) = lines.shown()
    assert (left, right) == pytest.approx((1 - 9 * PADDING, 10 + 9 * PADDING))
    assert bottom < 0.1 < 1.5 < top
    assert lines.series() == ("train", "validation")


def test_new_values_are_shown_as_long_as_nothing_was_zoomed(lines: CurveChart) -> None:
    lines.set_series("train", [1, 20], [1, 0.5])
    assert lines.shown()[0][1] > 20
    _draw(lines)
    _wheel(lines, _at(lines, 10, 0.7), up=True)
    zoomed = lines.shown()
    assert zoomed[0][1] - zoomed[0][0] < 19
    lines.set_series("train", [1, 40], [1, 0.5])
    assert lines.shown() == zoomed
    QTest.mouseDClick(lines._view.viewport(), Qt.MouseButton.LeftButton, pos=_at(lines, 10, 0.7))
    assert lines.shown()[0][1] > 40


def test_the_wheel_zooms_around_the_pointer(lines: CurveChart) -> None:
    before = _at(lines, 3, 0.5)
    _wheel(lines, before, up=True)
    _draw(lines)
    after = _at(lines, 3, 0.5)
    assert (after - before).manhattanLength() <= 3
    _wheel(lines, before, up=False)
    assert lines.shown()[0] == pytest.approx((1 - 9 * PADDING, 10 + 9 * PADDING), abs=0.1)


def _drag(chart: CurveChart, button: Qt.MouseButton, path: list[QPoint]) -> None:
    """Press, move with the button held, release."""
    viewport = chart._view.viewport()
    QTest.mousePress(viewport, button, pos=path[0])
    for at in path[1:]:
        _move(chart, at, button)
    QTest.mouseRelease(viewport, button, pos=path[-1])


def test_dragging_moves_what_is_seen_with_the_pointer(lines: CurveChart, qtbot: QtBot) -> None:
    start = _at(lines, 5, 0.7)
    before = lines.shown()
    with qtbot.assertNotEmitted(lines.pointed):
        _drag(lines, Qt.MouseButton.LeftButton, [start, start + QPoint(-20, 5), start + QPoint(-60, 30)])
    assert (_at(lines, 5, 0.7) - (start + QPoint(-60, 30))).manhattanLength() <= 2
    lines.set_series("train", [1, 50], [1, 1])
    assert lines.shown()[0][1] < 20  # it stays where it was put
    lines.show_all()
    assert lines.shown() != before


def test_the_right_button_and_what_is_beside_the_lines_drag_nothing(lines: CurveChart) -> None:
    before, start = lines.shown(), _at(lines, 5, 0.7)
    _drag(lines, Qt.MouseButton.RightButton, [start, start + QPoint(-20, 5), start + QPoint(-60, 30)])
    _drag(lines, Qt.MouseButton.LeftButton, [start, start + QPoint(1, 1)])  # a click that trembles
    assert lines.shown() == before


def test_a_fixed_range_is_shown_whatever_comes(chart: CurveChart) -> None:
    chart.set_range(x=(0, 1), y=(0, 1))
    chart.set_series("ROC", [0, 0.1, 0.2], [0, 0.8, 0.9])
    assert chart.shown()[0] == pytest.approx((-PADDING, 1 + PADDING))
    assert chart.shown()[1] == pytest.approx((-PADDING, 1 + PADDING))
    chart.set_range(x=(0, 1))
    assert chart.shown()[1][1] < 1


def test_the_pointer_reads_out_the_nearest_point(lines: CurveChart, qtbot: QtBot) -> None:
    _move(lines, _at(lines, 2, 0.5) + QPoint(3, 2))
    assert lines.readout() == "train: epoch 2, loss 0.5 nats"
    assert lines.accessibleDescription() == lines.readout()
    _move(lines, _at(lines, 3, 0.5))
    assert lines.readout() == "validation: epoch 3, loss 0.5 nats"
    lines.set_series("train", [1], [1])
    assert lines.readout() == ""


def test_leaving_ends_the_readout(lines: CurveChart, qtbot: QtBot) -> None:
    _move(lines, _at(lines, 2, 0.5))
    assert lines.readout()
    lines._view.left.emit()
    assert lines.readout() == ""
    assert lines.accessibleDescription() == lines.description()


def test_a_click_tells_the_point(lines: CurveChart, qtbot: QtBot) -> None:
    with qtbot.waitSignal(lines.pointed) as told:
        QTest.mouseClick(lines._view.viewport(), Qt.MouseButton.LeftButton, pos=_at(lines, 4, 0.25))
    assert told.args == ["train", 3]
    with qtbot.assertNotEmitted(lines.pointed):
        QTest.mouseClick(lines._view.viewport(), Qt.MouseButton.LeftButton, pos=_at(lines, 9, 1.4))


def test_keys_read_out_zoom_and_show_all(lines: CurveChart, qtbot: QtBot) -> None:
    lines.setFocus()
    QTest.keyClick(lines, Qt.Key.Key_Right)
    assert lines.readout() == "train: epoch 1, loss 1 nats"
    QTest.keyClick(lines, Qt.Key.Key_Right)
    QTest.keyClick(lines, Qt.Key.Key_Down)
    assert lines.readout() == "validation: epoch 2, loss 0.75 nats"
    with qtbot.waitSignal(lines.pointed) as told:
        QTest.keyClick(lines, Qt.Key.Key_Return)
    assert told.args == ["validation", 1]
    QTest.keyClick(lines, Qt.Key.Key_Escape)
    assert lines.readout() == ""
    whole = lines.shown()
    QTest.keyClick(lines, Qt.Key.Key_Plus)
    assert lines.shown()[0][0] > whole[0][0]
    QTest.keyClick(lines, Qt.Key.Key_Home)
    assert lines.shown() == whole


def test_keys_that_it_does_not_know_go_on_to_the_page(lines: CurveChart, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(lines.pointed):
        QTest.keyClick(lines, Qt.Key.Key_Return)  # nothing is read out
    assert lines.focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert lines._view.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_a_marker_moves_without_the_lines_being_drawn_again(lines: CurveChart) -> None:
    lines.set_marker("threshold", 2, 0.5)
    _draw(lines)
    picture, before = lines._picture, lines.grab().toImage()
    lines.set_marker("threshold", 6, 0.2)
    _draw(lines)
    assert lines._picture is picture
    assert lines.grab().toImage() != before
    assert lines.markers() == {"threshold": (6, 0.2)}
    lines.set_marker("threshold", float("nan"), float("nan"))
    lines.remove_marker("threshold")
    lines.remove_marker("threshold")
    assert lines.markers() == {}


def test_a_marker_among_200_000_points_moves_within_a_frame(chart: CurveChart) -> None:
    x = np.linspace(0, 1, 200_000)
    chart.set_series("ROC", x, x**0.3)
    chart.set_marker("threshold", 0.5, 0.5)
    _draw(chart)
    took = []
    for step in range(40):
        start = time.thread_time()
        chart.set_marker("threshold", 0.2 + step / 100, 0.8)
        chart._view.viewport().repaint()
        took.append(time.thread_time() - start)
    assert np.median(took) < 0.004  # of the processor's time; measured: 0.7 ms


def test_reference_lines_come_move_and_go(lines: CurveChart) -> None:
    lines.set_line("chance", 3)
    assert lines.shown()[1][1] > 3
    lines.set_line("best epoch 12", 12, "vertical")
    assert lines.shown()[0][1] > 12
    assert lines.lines() == {"chance": 3, "best epoch 12": 12}
    lines.set_line("chance", None)
    lines.set_line("best epoch 12", float("nan"), "vertical")
    assert lines.lines() == {}
    assert lines.shown()[0][1] < 12


def test_a_logarithmic_scale_keeps_values_and_leaves_out_what_has_no_place(chart: CurveChart, qtbot: QtBot) -> None:
    chart.set_series("rate", [0, 1, 2, 3], [0, 1e-3, 1e-4, 1e-5])
    chart.set_marker("now", 2, 1e-4)
    chart.set_line("start", 1e-3)
    chart.set_log_y(True)
    _draw(chart)
    low, high = chart.shown()[1]
    assert low == pytest.approx(-5 - 2 * PADDING)
    assert high == pytest.approx(-3 + 2 * PADDING)
    _move(chart, _at(chart, 2, 1e-4))
    assert chart.readout() == "rate: epoch 2, loss 0.0001 nats"
    assert chart._axes[1].tickStrings([-3, -4], 1, 1) == ["0.001", "0.0001"]
    chart.set_log_y(False)
    assert chart.shown()[1][0] < 0
    assert chart.markers() == {"now": (2, 1e-4)}


def test_axes_write_numbers_out_and_know_no_half_epochs(lines: CurveChart) -> None:
    across = lines._axes[0]
    assert across.tickStrings([0, 50_000, 100_000], 1, 50_000) == ["0", "50,000", "100,000"]
    assert across.tickStrings([0.0, 0.25], 1, 0.05) == ["0.00", "0.25"]
    assert across.tickStrings([-1e-17, 1e-9], 1, 1e-9) == ["-1e-17", "1e-09"]
    lines.set_series("train", [1, 2], [1, 2])
    lines.remove_series("validation")
    _draw(lines)
    assert all(float(x).is_integer() for x in across.grid_values())
    lines.set_series("train", [0.5, 0.7], [1, 2])
    _draw(lines)
    assert not all(float(x).is_integer() for x in across.grid_values())


@pytest.mark.parametrize(
    "y", [[], [np.nan], [np.nan] * 5, [np.inf, -np.inf], [0.3], [5e-324, 1e308], [-1e308, 1e308], [1, 1, 1]]
)
@pytest.mark.parametrize("log", [False, True])
def test_odd_values_are_drawn_without_a_warning(chart: CurveChart, y: list[float], log: bool) -> None:
    chart.set_log_y(log)
    chart.set_series("odd", range(len(y)), y, points=True)
    _draw(chart)
    QTest.keyClick(chart, Qt.Key.Key_Right)
    _draw(chart)
    assert chart.description()


def test_x_and_y_must_fit_together(chart: CurveChart) -> None:
    with pytest.raises(ValueError, match="2 x, 3 y"):
        chart.set_series("a", [1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="wavy"):
        chart.set_series("a", [1], [1], style="wavy")
    assert chart.series() == ()


def test_what_was_given_can_be_changed_afterwards(chart: CurveChart) -> None:
    y = np.array([1.0, 2.0])
    chart.set_series("a", [1, 2], y)
    y[:] = 99
    assert "a: 2" in chart.description()


def test_an_empty_chart_says_so(chart: CurveChart) -> None:
    chart.set_empty_text("No epoch has ended yet.")
    assert chart.description() == "No epoch has ended yet."
    chart.set_series("train", [1], [0.25])
    assert chart.description() == "loss (nats) over epoch. Last values: train: 0.25"
    assert chart.accessibleDescription() == chart.description()
    chart.clear()
    assert chart.description() == "No epoch has ended yet."


def test_a_title_with_markup_is_shown_as_it_is(chart: CurveChart) -> None:
    chart.set_title("<b>Nodule</b>")
    chart.set_labels("a < b", "<i>y</i>")
    assert chart.accessibleName() == "<b>Nodule</b>"
    assert chart._title.textFormat() == Qt.TextFormat.PlainText
    assert chart._axes[1].label.toPlainText().strip() == "<i>y</i>"
    chart.set_title("")
    assert not chart._title.isVisible()


def test_colours_follow_the_theme(lines: CurveChart, qapp: QApplication) -> None:
    def ground() -> tuple[str, str]:
        """Behind the lines, and behind the numbers of an axis."""
        image = lines.grab().toImage()
        at = lines._view.mapTo(lines, _at(lines, 9, 1.4))
        return QColor(image.pixel(at)).name(), QColor(image.pixel(1, lines.height() - 2)).name()

    assert ground() == (theme.LIGHT.surface, theme.LIGHT.window)
    theme.apply(qapp, "dark")
    _draw(lines)
    assert ground() == (theme.DARK.surface, theme.DARK.window)
    assert lines._axes[0].textPen().color().name() == theme.DARK.text


def test_a_colour_stays_with_its_name(chart: CurveChart) -> None:
    chart.set_series("train", [1], [1])
    chart.set_series("validation", [1], [1])
    chart.remove_series("train")
    chart.set_series("validation", [1], [2])
    chart.set_series("train", [1], [2])
    assert [(key.name, key.index) for key in chart._contents.legend()] == [("validation", 1), ("train", 0)]


def test_the_diagonal_is_drawn_and_taken_away(chart: CurveChart) -> None:
    chart.set_range((0, 1), (0, 1))
    _draw(chart)
    plain = chart.grab().toImage()
    chart.set_diagonal(True)
    _draw(chart)
    assert chart.grab().toImage() != plain
    chart.set_diagonal(False)
    _draw(chart)
    assert chart.grab().toImage() == plain


def test_200_000_points_are_drawn_in_a_moment(chart: CurveChart) -> None:
    noise = np.random.default_rng(0).random(200_000)
    chart.set_series("batch loss", np.arange(noise.size), noise, faint=True, width=1)
    start = time.thread_time()
    _draw(chart)
    assert time.thread_time() - start < 0.5  # measured: 0.02 s; drawn as one path it would be 6 s on a fine screen


def test_nothing_is_left_of_a_closed_chart(qtbot: QtBot, qapp: QApplication) -> None:
    before = set(qapp.topLevelWidgets())
    chart = CurveChart("a", "b", "c")
    chart.set_series("train", [1, 2], [1, 2])
    chart.show()
    _draw(chart)
    view, known = chart._view, weakref.ref(chart)
    chart.close()
    shiboken6.delete(chart)
    assert not shiboken6.isValid(view)
    assert set(qapp.topLevelWidgets()) <= before
    del chart, view
    gc.collect()
    assert known() is None


def test_live_values_come_in_without_moving_what_is_zoomed(lines: CurveChart) -> None:
    lines.setFocus()
    QTest.keyClick(lines, Qt.Key.Key_Plus)
    seen = lines.shown()
    for epoch in range(11, 60):
        lines.set_series("train", np.arange(1, epoch + 1), 1 / np.arange(1, epoch + 1))
        assert lines.shown() == seen
    _draw(lines)
    QTest.keyClick(lines, Qt.Key.Key_Home)
    assert lines.shown()[0][1] > 59


def test_minus_zooms_out_again(lines: CurveChart) -> None:
    before = lines.shown()
    QTest.keyClick(lines, Qt.Key.Key_Plus)
    QTest.keyClick(lines, Qt.Key.Key_Minus)
    for now, then in zip(lines.shown(), before, strict=True):
        assert now == pytest.approx(then)


def test_zooming_ends_before_numbers_lose_their_meaning(lines: CurveChart) -> None:
    for _ in range(200):
        QTest.keyClick(lines, Qt.Key.Key_Plus)
    (left, right), (bottom, top) = lines.shown()
    assert right - left >= 9e-6 * 0.99
    assert top > bottom
    _draw(lines)
    for _ in range(300):
        QTest.keyClick(lines, Qt.Key.Key_Minus)
    (left, right), _ = lines.shown()
    assert right - left <= 900 * 1.01
    _draw(lines)


def test_the_wheel_over_an_axis_zooms_only_along_it(lines: CurveChart) -> None:
    before = lines.shown()
    axis = lines._axes[0].sceneBoundingRect().center()
    _wheel(lines, lines._view.mapFromScene(axis), up=True)
    (left, right), height = lines.shown()
    assert right - left < before[0][1] - before[0][0]
    assert height == pytest.approx(before[1])


def test_another_size_shows_the_same_values(lines: CurveChart) -> None:
    before, picture = lines.shown(), lines._picture
    lines.resize(700, 500)
    _draw(lines)
    assert lines.shown() == before
    assert lines._picture is not picture
    assert lines._picture is not None
    assert lines._picture.window.width > 560


def test_nothing_is_drawn_again_as_long_as_nothing_changes(lines: CurveChart) -> None:
    picture = lines._picture
    _move(lines, _at(lines, 2, 0.5))
    lines.set_line("best epoch 3", 3, "vertical")
    _draw(lines)
    assert lines._picture is picture
    lines.set_series("validation", [1, 2], [0.3, 0.4])
    _draw(lines)
    assert lines._picture is not picture


def test_the_legend_takes_room_above_and_never_covers_lines(chart: CurveChart) -> None:
    chart.set_series("train", [1, 2], [1, 2])
    _draw(chart)
    alone = chart._view.y()
    for number in range(12):
        chart.set_series(f"a run with a long name {number}", [1, 2], [1, number])
    _draw(chart)
    assert chart._view.y() > alone + chart.fontMetrics().height() * 4
    assert chart._legend.geometry().bottom() < chart._view.geometry().top()
    assert chart._view.height() > 60


def test_a_marker_is_named_in_the_legend_and_in_words(lines: CurveChart) -> None:
    lines.set_marker("Youden", 3, 0.5)
    lines.set_marker("best F1", 4, 0.4, colour_index=5)
    shapes = {key.name: (key.index, key.shape) for key in lines._legend.shown() if key.shape is not None}
    assert shapes == {"Youden": (0, 0), "best F1": (5, 1)}
    assert lines.description().endswith("Youden at 3, 0.5; best F1 at 4, 0.4")
    lines.set_marker("best F1", 5, 0.3)
    assert lines._contents.markers["best F1"].colour == 5


def test_what_a_chart_does_not_take_is_left_to_the_window(lines: CurveChart) -> None:
    """A file that is dropped on a chart must reach the window."""
    assert not lines._view.acceptDrops()
    assert not lines._view.viewport().acceptDrops()
    assert lines._box.menuEnabled() is False  # nor does it open menus of its own


def test_clear_begins_anew(lines: CurveChart) -> None:
    lines.set_marker("Youden", 3, 0.5)
    lines.set_line("chance", 0.7)
    QTest.keyClick(lines, Qt.Key.Key_Plus)
    lines.clear()
    assert (lines.series(), lines.markers(), lines.lines()) == ((), {}, {})
    assert lines._legend.shown() == ()
    lines.set_series("other", [100, 200], [1, 2])
    assert lines.shown()[0][0] < 100 < 200 < lines.shown()[0][1]


def test_a_larger_font_is_used_for_all_text(lines: CurveChart, qapp: QApplication) -> None:
    before, font = lines._axes[0].height(), qapp.font()
    larger = QFont(font)
    larger.setPointSize(font.pointSize() * 2)
    try:
        qapp.setFont(larger)
        for _ in range(2):
            _draw(lines)
        assert lines._axes[0].height() > before
        assert lines._axes[1].style["tickFont"].pointSize() == larger.pointSize()
    finally:
        qapp.setFont(font)


def test_the_focus_is_seen(lines: CurveChart, qtbot: QtBot) -> None:
    lines.clearFocus()
    _draw(lines)
    without = lines._view.grab().toImage()
    lines.activateWindow()
    lines.setFocus()
    qtbot.waitUntil(lines.hasFocus)
    _draw(lines)
    assert lines._view.grab().toImage() != without


def test_a_small_chart_is_still_drawn(chart: CurveChart) -> None:
    chart.set_series("train", [1, 2, 3], [3, 2, 1])
    chart.set_series("validation", [1, 2, 3], [3, 2, 2])
    chart.set_line("a reference line with a long name", 2)
    chart.resize(chart.minimumSizeHint())
    QTest.keyClick(chart, Qt.Key.Key_Right)
    _draw(chart)
    chart.resize(40, 40)
    _draw(chart)
    assert chart.sizeHint().width() > chart.minimumSizeHint().width() - 1
