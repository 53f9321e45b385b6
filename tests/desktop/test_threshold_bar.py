"""The threshold moves by mouse, key, number and operating point, exactly and at once."""

import math
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSlider
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets.threshold_bar import BINS, Histogram, ThresholdBar

POINTS = {"Youden": 0.28123456, "best F1": 0.41, "missing": math.nan}


class Told:
    """What the bar sent, in order."""

    def __init__(self, bar: ThresholdBar) -> None:
        self.moved: list[float] = []
        self.settled: list[float] = []
        bar.moved.connect(self.moved.append)
        bar.settled.connect(self.settled.append)


@pytest.fixture
def bar(qtbot: QtBot) -> ThresholdBar:
    made = ThresholdBar()
    qtbot.addWidget(made)
    made.set_scores([1, 1, 0, 0, 0, -1], [0.9, 0.7, 0.1, 0.2, 0.7, 0.5])
    made.set_points(POINTS)
    made.resize(520, 220)
    made.show()
    return made


@pytest.fixture
def told(bar: ThresholdBar) -> Told:
    return Told(bar)


def _at(bar: ThresholdBar, value: float) -> QPoint:
    return QPointF(bar._track.across(value), bar._track._inner().center().y()).toPoint()


def _drag(bar: ThresholdBar, *values: float) -> None:
    track, left = bar._track, Qt.MouseButton.LeftButton
    QTest.mousePress(track, left, pos=_at(bar, values[0]))
    for value in values[1:]:
        at, none = QPointF(_at(bar, value)), Qt.MouseButton.NoButton
        event = QMouseEvent(QEvent.Type.MouseMove, at, track.mapToGlobal(at), none, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(track, event)
    QTest.mouseRelease(track, left, pos=_at(bar, values[-1]))


def test_a_set_threshold_is_kept_exactly_and_sends_nothing(bar: ThresholdBar, told: Told) -> None:
    bar.set_threshold(0.123456789)
    assert bar.threshold() == 0.123456789
    assert bar._number.value() == 0.1235
    assert bar._track.value() == 123
    assert told.moved == told.settled == []


def test_dragging_tells_each_step_and_the_end_once(bar: ThresholdBar, told: Told) -> None:
    _drag(bar, 0.2, 0.3, 0.6)
    assert told.moved == pytest.approx([0.2, 0.3, 0.6], abs=0.003)
    assert told.settled == [told.moved[-1]]
    assert bar.threshold() == told.moved[-1]
    assert bar._number.value() == pytest.approx(bar.threshold())


def test_dragging_over_the_ends_stops_there(bar: ThresholdBar, told: Told) -> None:
    _drag(bar, 0.5, -0.3)
    assert bar.threshold() == 0
    _drag(bar, 0.5, 1.3)
    assert bar.threshold() == 1
    assert len(told.settled) == 2


def test_the_right_button_moves_nothing(bar: ThresholdBar, told: Told) -> None:
    QTest.mouseClick(bar._track, Qt.MouseButton.RightButton, pos=_at(bar, 0.9))
    assert told.moved == told.settled == []


@pytest.mark.parametrize(
    ("key", "modifier", "expected"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 0.501),
        (Qt.Key.Key_Up, Qt.KeyboardModifier.NoModifier, 0.501),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 0.499),
        (Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier, 0.49),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, 0.51),
        (Qt.Key.Key_PageUp, Qt.KeyboardModifier.NoModifier, 0.55),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, 0.45),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 1),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier, 0.41),
    ],
)
def test_keys_move(bar: ThresholdBar, told: Told, key: Qt.Key, modifier: Qt.KeyboardModifier, expected: float) -> None:
    QTest.keyClick(bar._track, key, modifier)
    assert bar.threshold() == expected
    assert told.moved == told.settled == [expected]


def test_ctrl_goes_from_point_to_point_exactly(bar: ThresholdBar, told: Told) -> None:
    for _ in range(3):
        QTest.keyClick(bar._track, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert told.moved == [0.41, 0.28123456]  # there is none further left
    QTest.keyClick(bar._track, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert bar.threshold() == 0.41


def test_a_held_key_settles_once(bar: ThresholdBar, told: Told) -> None:
    none = Qt.KeyboardModifier.NoModifier
    QTest.keyPress(bar._track, Qt.Key.Key_Right)
    for _ in range(5):
        for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
            QApplication.sendEvent(bar._track, QKeyEvent(kind, Qt.Key.Key_Right, none, "", True))
    assert told.settled == []
    QTest.keyRelease(bar._track, Qt.Key.Key_Right)
    assert len(told.moved) == 6
    assert told.settled == [0.506]


def test_leaving_while_a_key_is_held_settles(bar: ThresholdBar, told: Told) -> None:
    bar._track.setFocus()
    QTest.keyPress(bar._track, Qt.Key.Key_Right)
    bar._number.setFocus()
    assert told.settled == [0.501]
    QTest.keyRelease(bar._number, Qt.Key.Key_Right)
    assert told.settled == [0.501]


def test_a_number_can_be_typed(bar: ThresholdBar, told: Told) -> None:
    bar._number.setFocus()
    bar._number.selectAll()
    QTest.keyClicks(bar._number, "0.0375")
    assert told.moved == []  # not before it is complete
    QTest.keyClick(bar._number, Qt.Key.Key_Return)
    assert told.moved == told.settled == [0.0375]
    assert bar.threshold() == 0.0375


def test_a_click_on_a_point_uses_it_exactly(bar: ThresholdBar, told: Told) -> None:
    at = bar._track.label_place("Youden").center().toPoint()
    assert bar._track._tip(QPointF(at)) == "Youden: threshold 0.2812. Click to use it."
    QTest.mouseClick(bar._track, Qt.MouseButton.LeftButton, pos=at)
    assert bar.threshold() == 0.28123456
    assert told.moved == told.settled == [0.28123456]


def test_points_that_are_not_defined_are_left_out_and_names_do_not_overlap(bar: ThresholdBar) -> None:
    assert bar.points() == {"Youden": 0.28123456, "best F1": 0.41}
    bar.set_points({f"sensitivity {n}": 0.3 + n / 100 for n in range(5)})
    QApplication.processEvents()
    places = [bar._track.label_place(f"sensitivity {n}") for n in range(5)]
    assert not any(a.intersects(b) for i, a in enumerate(places) for b in places[:i])
    assert all(place.left() >= 0 and place.right() <= bar._track.width() for place in places)
    assert max(place.bottom() for place in places) <= bar._track.height()


def test_without_a_threshold_there_is_no_handle(bar: ThresholdBar, told: Told) -> None:
    bar.set_threshold(0.5)
    with_handle = bar.grab().toImage()
    bar.set_threshold(math.nan)
    assert math.isnan(bar.threshold())
    assert bar._number.text() == "not set"
    assert bar.grab().toImage() != with_handle
    QTest.keyClick(bar._track, Qt.Key.Key_Right)
    assert bar.threshold() == 0.501
    assert bar._number.text() != "not set"
    assert bar._number.minimum() == 0


def test_a_page_that_scrolls_moves_no_threshold(bar: ThresholdBar, told: Told) -> None:
    at, none = QPointF(_at(bar, 0.5)), Qt.MouseButton.NoButton
    event = QWheelEvent(
        at, at, QPoint(), QPoint(0, 120), none, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(bar._track, event)
    assert bar.threshold() == 0.5
    assert told.moved == []


def test_a_screen_reader_finds_a_slider_and_can_move_it(bar: ThresholdBar, told: Told) -> None:
    assert isinstance(bar._track, QSlider)
    bar.setAccessibleName("Threshold of Pneumonia")
    assert bar._track.accessibleName() == bar._number.accessibleName() == "Threshold of Pneumonia"
    assert "Ctrl to the next operating point" in bar._track.accessibleDescription()
    bar._track.setValue(250)
    assert told.moved == told.settled == [0.25]


def test_the_histogram_counts_what_is_stated() -> None:
    made = Histogram.of(np.array([1, 1, 0, -1, 0, 1]), np.array([0.0, 1.0, 0.5, 0.5, np.nan, 0.999]))
    no, yes = made.counts
    assert yes.sum() == 3
    assert (yes[0], yes[-1]) == (1, 2)
    assert no.sum() == 1
    assert no[BINS // 2] == 1
    assert Histogram.of([], []).counts.sum() == 0


def test_counts_stand_beside_and_in_the_tooltip(bar: ThresholdBar) -> None:
    assert [key.name for key in bar._legend.shown()] == ["yes, upwards: 2 images", "no, downwards: 3 images"]
    at = QPointF(_at(bar, 0.71))
    assert bar._track._tip(at) == "Probability 0.70 to 0.72: 1 images with yes, 1 with no"
    assert bar._track._tip(QPointF(0, 0)) == ""


def test_yes_goes_up_and_no_goes_down(bar: ThresholdBar) -> None:
    bar.set_threshold(0)
    image, inner = bar._track.grab().toImage(), bar._track._inner()

    def coloured(value: float, up: bool) -> bool:
        y = inner.center().y() + (-8 if up else 8)
        found = {QColor(image.pixel(round(bar._track.across(value)) + d, round(y))).name() for d in range(-2, 3)}
        return theme.colours().series[1 if up else 0] in found

    assert coloured(0.91, up=True)
    assert not coloured(0.91, up=False)
    assert coloured(0.11, up=False)
    assert not coloured(0.11, up=True)


def test_it_follows_the_theme(bar: ThresholdBar, qapp: QApplication) -> None:
    def ground() -> str:
        return QColor(bar._track.grab().toImage().pixel(_at(bar, 0.97) + QPoint(0, 12))).name()

    assert ground() == theme.LIGHT.surface
    theme.apply(qapp, "dark")
    assert ground() == theme.DARK.surface


def test_it_moves_at_once_also_with_100_000_images(bar: ThresholdBar) -> None:
    rng = np.random.default_rng(0)
    bar.set_scores(rng.integers(0, 2, 100_000), rng.random(100_000))
    bar._track.repaint()
    took = []
    for step in range(60):
        start = time.thread_time()
        bar._track._move(0.2 + step / 1000)
        bar._track.repaint()
        took.append(time.thread_time() - start)
    assert np.median(took) < 0.004  # of the processor's time; measured: 0.4 ms


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.integers(260, 1200))
def test_a_place_and_its_value_belong_together(bar: ThresholdBar, value: float, width: int) -> None:
    bar.resize(width, 220)
    found = bar._track._value_at(QPointF(bar._track.across(value), 20))
    assert found == pytest.approx(value, abs=0.00051)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.floats(0, 1)), max_size=50))
def test_every_stated_image_is_in_one_bin_of_its_side(images: list[tuple[int, float]]) -> None:
    y, p = np.array([y for y, _ in images], dtype=np.int8), np.array([p for _, p in images], dtype=np.float32)
    counts = Histogram.of(y, p).counts
    assert counts.shape == (2, BINS)
    assert counts.sum(axis=1).tolist() == [(y == 0).sum(), (y == 1).sum()]
    for value, truth in zip(p, y, strict=True):
        if truth >= 0:
            assert counts[truth, min(BINS - 1, int(np.float64(value) * BINS))] > 0


def test_the_arrows_of_the_number_move_by_a_thousandth(bar: ThresholdBar, told: Told) -> None:
    bar._number.setFocus()
    QTest.keyClick(bar._number, Qt.Key.Key_Up)
    assert told.moved == told.settled == [0.501]
    assert bar.threshold() == 0.501


def test_a_number_that_is_too_large_is_not_taken(bar: ThresholdBar, told: Told) -> None:
    bar._number.setFocus()
    bar._number.selectAll()
    QTest.keyClicks(bar._number, "7")
    QTest.keyClick(bar._number, Qt.Key.Key_Return)
    assert 0 <= bar.threshold() <= 1


def test_leaving_the_number_without_typing_keeps_all_digits(bar: ThresholdBar, told: Told) -> None:
    bar.set_threshold(0.123456789)
    bar._number.setFocus()
    QTest.keyClick(bar._number, Qt.Key.Key_Return)
    bar._track.setFocus()
    assert bar.threshold() == 0.123456789
    assert told.moved == []


def test_out_of_range_is_brought_to_the_ends(bar: ThresholdBar) -> None:
    bar.set_threshold(1.0000001)  # a threshold just above every score
    assert bar.threshold() == 1
    bar.set_threshold(-3)
    assert bar.threshold() == 0


def test_moving_draws_the_histogram_only_once(bar: ThresholdBar) -> None:
    bar._track.repaint()
    ground = bar._track._ground
    bar.set_threshold(0.9)
    QTest.keyClick(bar._track, Qt.Key.Key_Right)
    bar.grab()
    assert bar._track._ground is ground
    bar.set_points({"best F1": 0.2})
    bar.grab()
    assert bar._track._ground is not ground


def test_the_handle_stands_at_the_threshold(bar: ThresholdBar) -> None:
    for value in (0.1, 0.6):
        bar.set_threshold(value)
        image, x = bar._track.grab().toImage(), round(bar._track.across(value))
        y = round(bar._track._inner().top()) + 3
        line = theme.colours().text
        assert line in {QColor(image.pixel(x + d, y)).name() for d in (-1, 0)}
        assert line not in {QColor(image.pixel(x + d, y)).name() for d in (-9, 9)}


def test_what_counts_as_no_is_veiled(bar: ThresholdBar) -> None:
    bar.set_scores([1] * 10, np.linspace(0.05, 0.95, 10))
    bar.set_points({})

    def colour(value: float) -> str:
        image, inner = bar._track.grab().toImage(), bar._track._inner()
        return QColor(image.pixel(round(bar._track.across(value)), round(inner.bottom()) - 6)).name()

    bar.set_scores([0] * 2, [0.2, 0.2])
    bar.set_threshold(0.1)
    called_yes = colour(0.21)
    bar.set_threshold(0.9)
    assert colour(0.21) != called_yes


def test_the_pointer_tells_what_a_click_would_do(bar: ThresholdBar) -> None:
    def hover(at: QPointF) -> Qt.CursorShape:
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(QEvent.Type.MouseMove, at, bar._track.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(bar._track, event)
        return bar._track.cursor().shape()

    assert hover(bar._track.label_place("Youden").center()) == Qt.CursorShape.PointingHandCursor
    assert hover(QPointF(_at(bar, 0.5))) == Qt.CursorShape.SplitHCursor


def test_other_keys_and_tab_go_on_to_the_page(bar: ThresholdBar, told: Told, qtbot: QtBot) -> None:
    bar.activateWindow()
    bar._number.setFocus()
    qtbot.waitUntil(bar._number.hasFocus)
    QTest.keyClick(bar._number, Qt.Key.Key_Tab)
    assert bar._track.hasFocus()
    QTest.keyClick(bar._track, Qt.Key.Key_F5)
    QTest.keyClick(bar._track, Qt.Key.Key_Tab)
    assert bar._number.hasFocus()
    assert told.moved == []


def test_a_larger_font_makes_it_higher(bar: ThresholdBar) -> None:
    before, larger = bar._track.sizeHint().height(), QFont(bar.font())
    larger.setPointSize(larger.pointSize() * 2)
    bar._track.setFont(larger)
    assert bar._track.sizeHint().height() > 1.5 * before
    assert bar._track.label_place("Youden").top() > before
    bar.grab()
