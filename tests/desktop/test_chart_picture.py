"""What is drawn inside a chart."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.chart_contents import Contents, Marker, Rule
from cxr_desktop.widgets.chart_picture import Picture, Spot, draw_markers, draw_readout, draw_rules, marker_area
from cxr_desktop.widgets.traces import Trace, Window

WINDOW = Window(0, 10, 0, 10, 200, 100)
BLUE = "#0072b2"


def _picture(*traces: Trace, ratio: float = 1, diagonal: str = "", window: Window = WINDOW) -> Picture:
    made = Picture(window, ratio)
    made.draw(Contents({str(n): trace for n, trace in enumerate(traces)}, diagonal=diagonal, log=window.log), ([], []))
    return made


def _line(*y: float, **how: object) -> Trace:
    return Trace(np.linspace(0, 10, len(y)), np.array(y), 0, **how)


def _blank() -> tuple[QImage, QPainter]:
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    return image, QPainter(image)


def _columns(image: QImage, colour: str) -> set[int]:
    """Columns that hold a colour."""
    return {x for x in range(image.width()) for y in range(image.height()) if QColor(image.pixel(x, y)).name() == colour}


@pytest.fixture(autouse=True)
def _application(qapp: QApplication) -> None:
    assert theme.colours() is theme.LIGHT


def test_a_line_is_drawn_where_its_values_are() -> None:
    image = _picture(_line(5, 5)).pixmap.toImage()
    assert QColor(image.pixel(100, 50)).name() == BLUE
    assert QColor(image.pixel(100, 20)).name() == "#ffffff"


def test_twice_the_pixels_on_a_fine_screen() -> None:
    picture = _picture(_line(5, 5), ratio=2)
    assert (picture.pixmap.width(), picture.pixmap.height()) == (400, 200)
    assert QColor(picture.pixmap.toImage().pixel(200, 100)).name() == BLUE


def test_a_gap_is_left_out_and_a_lonely_point_is_a_dot() -> None:
    columns = _columns(_picture(_line(5, 5, np.nan, 5, np.nan, 5, 5)).pixmap.toImage(), BLUE)
    assert 15 in columns
    assert 100 in columns  # the point between two gaps
    assert not columns & set(range(40, 95))
    assert not columns & set(range(106, 160))


def test_styles_and_faintness_are_seen() -> None:
    drawn = [_picture(_line(5, 5, style=style)).pixmap.toImage() for style in ("solid", "dash", "dot")]
    assert [len(_columns(image, BLUE)) > 180 for image in drawn] == [True, False, False]
    assert drawn[1] != drawn[2]
    faint = _picture(_line(5, 5, faint=True)).pixmap.toImage()
    assert QColor(faint.pixel(100, 50)).name() == ink.blend("#ffffff", BLUE, 0.45).name()


def test_faint_lines_lie_below() -> None:
    strong, faint = _line(5, 5), Trace(np.array([0.0, 10]), np.array([5.0, 5]), 1, faint=True)
    assert QColor(_picture(strong, faint).pixmap.toImage().pixel(100, 50)).name() == BLUE


def test_dots_are_drawn_as_long_as_there_is_room() -> None:
    few, many = _line(*[5.0] * 10, points=True), _line(*[5.0] * 100, points=True)
    assert QColor(_picture(few).pixmap.toImage().pixel(0, 52)).name() != "#ffffff"
    assert QColor(_picture(many).pixmap.toImage().pixel(0, 52)).name() == "#ffffff"


def test_noise_is_drawn_as_an_area_with_its_true_edges() -> None:
    y = np.where(np.arange(200_000) % 2, 8.0, 2.0)
    image = _picture(Trace(np.linspace(0, 10, y.size), y, 0)).pixmap.toImage()
    rows = [y for y in range(100) if QColor(image.pixel(100, y)).name() == BLUE]
    assert rows == list(range(rows[0], rows[-1] + 1))
    assert abs(rows[0] - 20) <= 1
    assert abs(rows[-1] - 80) <= 1


def test_an_area_with_a_hole_in_x_is_bridged() -> None:
    x = np.concatenate([np.linspace(0, 4, 5000), np.linspace(6, 10, 5000)])
    image = _picture(Trace(x, np.where(np.arange(10_000) % 2, 8.0, 2.0), 0)).pixmap.toImage()
    bridge = [y for y in range(100) if QColor(image.pixel(100, y)).name() != "#ffffff"]
    assert 0 < len(bridge) < 10


def test_the_diagonal_goes_from_corner_to_corner() -> None:
    image = _picture(diagonal="chance", window=Window(0, 1, 0, 1, 100, 100)).pixmap.toImage()
    plain = _picture(window=Window(0, 1, 0, 1, 100, 100)).pixmap.toImage()
    changed = [(x, 99 - x) for x in range(100) if image.pixel(x, 99 - x) != plain.pixel(x, 99 - x)]
    assert len(changed) > 50


def test_the_nearest_point_within_reach_is_found() -> None:
    picture = _picture(_line(5, 5, 5), _line(1, 1, 1))
    assert picture.nearest(QPointF(104, 55), 30) == Spot("0", 1)
    assert picture.nearest(QPointF(104, 85), 30) == Spot("1", 1)
    assert picture.nearest(QPointF(50, 5), 30) is None
    assert _picture(_line(np.nan)).nearest(QPointF(0, 0), 1000) is None
    assert _picture().nearest(QPointF(0, 0), 1000) is None


def test_a_point_is_known_by_its_index_also_if_most_were_left_out() -> None:
    y = np.zeros(100_000)
    y[77_777] = 9
    picture = _picture(Trace(np.linspace(0, 10, y.size), y, 0))
    spot = picture.nearest(QPointF(*picture.window.place(7.7777, 9)), 5)
    assert spot is not None
    assert picture.index(spot) == 77_777
    assert picture.place(spot).y() == pytest.approx(10)


def test_keys_step_over_gaps_and_from_line_to_line() -> None:
    picture = _picture(_line(1, np.nan, 3), _line(np.nan, np.nan), _line(4, 5, 6))
    first = picture.step(None, 1, 0)
    assert first == Spot("0", 0)
    assert picture.step(first, 1, 0) == Spot("0", 2)
    assert picture.step(Spot("0", 2), 1, 0) == Spot("0", 2)
    assert picture.step(first, -1, 0) == first
    assert picture.step(Spot("0", 2), 0, 1) == Spot("2", 2)
    assert picture.step(Spot("2", 1), 0, 1) == Spot("0", 0)
    assert _picture(_line(np.nan)).step(None, 1, 0) is None


def test_rules_cross_the_window_where_they_belong() -> None:
    image, painter = _blank()
    draw_rules(painter, {"best": Rule(5, True), "chance": Rule(5, False), "far": Rule(99, True)}, WINDOW, QApplication.font())
    painter.end()
    assert any(QColor(image.pixel(x, 90)).name() != "#ffffff" for x in (99, 100))
    assert not any(QColor(image.pixel(x, 90)).name() != "#ffffff" for x in (*range(97), *range(104, 200)))
    assert any(QColor(image.pixel(20, y)).name() != "#ffffff" for y in (49, 50))


def test_a_rule_without_a_place_is_not_drawn() -> None:
    image, painter = _blank()
    plain = image.copy()
    window = Window(0, 10, -2, 2, 200, 100, log=True)
    draw_rules(painter, {"zero": Rule(0, False)}, window, QApplication.font())
    draw_markers(painter, [Marker(5, 0, 0, 0), Marker(float("nan"), 1, 0, 0)], window)
    painter.end()
    assert image == plain
    assert marker_area(window, Marker(5, 0, 0, 0)).isEmpty()


def test_a_marker_is_drawn_inside_its_area() -> None:
    image, painter = _blank()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    marker = Marker(5, 5, 0, 2)
    draw_markers(painter, [marker], WINDOW)
    painter.end()
    area = marker_area(WINDOW, marker)
    drawn = [(x, y) for x in range(200) for y in range(100) if QColor(image.pixel(x, y)).name() != "#ffffff"]
    assert (100, 50) in drawn
    assert all(area.contains(QPointF(x + 0.5, y + 0.5)) for x, y in drawn)


@pytest.mark.parametrize("at", [QPointF(2, 2), QPointF(198, 2), QPointF(2, 98), QPointF(198, 98)])
def test_the_readout_stays_inside(at: QPointF) -> None:
    image, painter = _blank()
    draw_readout(painter, at, ["train", "epoch 3, loss 0.5"], WINDOW, QApplication.font())
    painter.end()
    border = QColor(theme.colours().muted).name()
    columns = _columns(image, border)
    assert columns
    assert min(columns) > 0
    assert max(columns) < 199
