"""Colours that can be read, numbers that say what they are."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from cxr_desktop import theme
from cxr_desktop.widgets import ink


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_text_is_legible_on_any_ground(red: int, green: int, blue: int) -> None:
    ground = QColor(red, green, blue)
    assert ink.contrast(ink.text_on(ground), ground) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert ink.contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert ink.contrast(QColor("white"), QColor("white")) == pytest.approx(1)
    assert ink.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)  # the well-known grey that fails


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_series_stand_out_from_the_surface(qapp: QApplication, choice: str) -> None:
    theme.apply(qapp, choice)
    surface = QColor(theme.colours().surface)
    for index in range(8):
        assert ink.contrast(ink.series_colour(index), surface) >= 2.2
    assert ink.series_colour(8) == ink.series_colour(0)


def test_fills_differ_without_their_colour(qapp: QApplication) -> None:
    drawn = []
    for index in range(4):
        image = QImage(24, 24, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        ink.fill(painter, QRectF(0, 0, 24, 24), index)
        painter.end()
        plain = ink.series_colour(index).rgb()
        drawn.append(tuple(image.pixel(x, y) == plain for x in range(24) for y in range(24)))
    assert all(one != other for one, other in itertools.combinations(drawn, 2))
    assert all(drawn[0])


def test_a_blend_ends_at_both_colours() -> None:
    assert ink.blend("#102030", "#ffffff", 0).name() == "#102030"
    assert ink.blend("#102030", "#ffffff", 1).name() == "#ffffff"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (12345, "12,345"), (1e6, "1,000,000"), (2500.5, "2,500.5"), (float("nan"), "not defined")],
)
def test_numbers(value: float, said: str) -> None:
    assert ink.number(value) == said


@pytest.mark.parametrize(
    ("share", "decimals", "said"),
    [
        (0, 0, "0 %"),
        (1, 0, "100 %"),
        (0.081, 0, "8 %"),
        (0.0814, 1, "8.1 %"),
        (0.0001, 0, "<1 %"),
        (0.0001, 1, "<0.1 %"),
        (0.9999, 0, ">99 %"),
        (0.99999, 1, ">99.9 %"),
        (float("nan"), 0, "not defined"),
    ],
)
def test_a_share_never_reads_as_none_or_all_of_it_wrongly(share: float, decimals: int, said: str) -> None:
    assert ink.percent(share, decimals) == said


def test_a_name_with_markup_stays_text_in_a_tooltip() -> None:
    assert "&lt;b&gt;" in ink.tip("<b>Nodule")
    assert ink.tip("") == ""


def test_text_with_an_edge_is_drawn_over_a_line(qapp: QApplication) -> None:
    image = QImage(60, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    painter = QPainter(image)
    ink.halo_text(painter, 5, 22, "HH", qapp.font(), QColor("black"))
    painter.end()
    colours = {QColor(image.pixel(x, y)).name() for x in range(60) for y in range(30)}
    assert {"#000000", theme.colours().surface} <= colours
