"""Legends take the rows that they need, and samples differ in shape."""

import itertools

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.chart_legend import SHAPES, ChartLegend, Key, draw_marker, line_pen


def _shown(qtbot: QtBot, width: int) -> tuple[QWidget, ChartLegend]:
    page, legend = QWidget(), ChartLegend()
    qtbot.addWidget(page)
    QVBoxLayout(page).addWidget(legend)
    page.resize(width, 300)
    page.show()
    return page, legend


def test_it_takes_more_rows_where_it_is_narrow(qtbot: QtBot) -> None:
    page, legend = _shown(qtbot, 700)
    legend.set_keys([Key(f"quite a long name {n}", n) for n in range(4)])
    qtbot.waitUntil(lambda: legend.height() > 0)
    one = legend.height()
    page.resize(220, 300)
    qtbot.waitUntil(lambda: legend.height() == 4 * one)


def test_without_keys_it_takes_no_room(qtbot: QtBot) -> None:
    _, legend = _shown(qtbot, 400)
    legend.set_keys([Key("one", 0)])
    assert legend.isVisible()
    assert legend.shown() == (Key("one", 0),)
    legend.set_keys([])
    assert not legend.isVisible()
    assert legend.sizeHint().height() == 0


def test_a_name_that_does_not_fit_is_told_whole_as_a_tooltip(qtbot: QtBot) -> None:
    _, legend = _shown(qtbot, 200)
    name = "a name that is far too long to be shown in two hundred pixels"
    legend.set_keys([Key(name, 0), Key("short", 1)])
    assert legend.name_at(QPointF(20, 8)) == name
    assert legend.name_at(QPointF(20, 8 + legend.height() / 2)) == "short"
    assert legend.name_at(QPointF(20, 500)) == ""


def test_a_larger_font_takes_more_room(qtbot: QtBot) -> None:
    _, legend = _shown(qtbot, 400)
    legend.set_keys([Key("one", 0)])
    before = legend.height()
    font = legend.font()
    font.setPointSize(font.pointSize() * 2)
    legend.setFont(font)
    assert legend.height() > before * 1.5


def test_samples_are_drawn_for_lines_areas_and_markers(qtbot: QtBot) -> None:
    _, legend = _shown(qtbot, 400)
    pictures = []
    for key in (Key("x", 0, "solid"), Key("x", 0, "dash"), Key("x", 0, "dot"), Key("x", 0), Key("x", 0, shape=0), Key("x", 1)):
        legend.set_keys([key])
        pictures.append(legend.grab().toImage())
    assert all(one != other for one, other in itertools.combinations(pictures, 2))


def test_markers_differ_in_shape(qapp: QApplication) -> None:
    drawn = []
    for shape in range(SHAPES + 1):
        image = QImage(20, 20, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        draw_marker(painter, QPointF(10, 10), shape, 12, ink.series_colour(0))
        painter.end()
        drawn.append(image)
    assert all(one != other for one, other in itertools.combinations(drawn[:SHAPES], 2))
    assert drawn[SHAPES] == drawn[0]


def test_a_faint_pen_is_opaque_and_nearer_to_the_ground(qapp: QApplication) -> None:
    surface = QColor(theme.colours().surface)
    faint, strong = (line_pen(0, "solid", 2, faint=faint).color() for faint in (True, False))
    assert faint.alpha() == 255  # crossings of one line must not be darker
    assert ink.contrast(faint, surface) < ink.contrast(strong, surface)
