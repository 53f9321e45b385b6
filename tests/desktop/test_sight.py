"""Zoom and place: what is under the mouse stays there, and the image cannot get lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_desktop.widgets.sight import FURTHEST, NEAREST, Sight

VIEW = (640, 480)
IMAGE = (2000, 2500)


def test_the_whole_image_fits_and_stands_in_the_middle() -> None:
    sight = Sight.whole(IMAGE, VIEW)
    assert sight.zoom == 480 / 2500
    assert sight.origin(VIEW) == (320 - 192, 0)


def test_small_images_are_enlarged_but_not_for_ever() -> None:
    assert Sight.whole((64, 64), VIEW).zoom == 7.5
    assert Sight.whole((2, 2), VIEW).zoom == NEAREST


@settings(deadline=None)
@given(st.floats(0.05, 8), st.floats(0.05, 8), st.integers(0, 639), st.integers(0, 479))
def test_zooming_keeps_the_point_under_the_mouse(before: float, after: float, x: int, y: int) -> None:
    sight = Sight(before, 700, 900)
    column, row = sight.place(x, y, VIEW)
    zoomed = sight.zoomed(after, x, y, VIEW)
    there = zoomed.spot(column, row, VIEW)
    assert there == pytest.approx((x, y), abs=0.51)  # the origin lies on whole pixels


@settings(deadline=None)
@given(st.floats(0.05, 8), st.floats(-100, 700), st.floats(-100, 600))
def test_place_and_spot_are_opposites(zoom: float, x: float, y: float) -> None:
    sight = Sight(zoom, 100.3, 50.7)
    assert sight.spot(*sight.place(x, y, VIEW), VIEW) == pytest.approx((x, y), abs=1e-6)


def test_zoom_has_limits() -> None:
    sight = Sight(1, 10, 10)
    assert sight.zoomed(1000, 0, 0, VIEW).zoom == NEAREST
    assert sight.zoomed(0, 0, 0, VIEW).zoom == FURTHEST


def test_moving_is_in_screen_pixels() -> None:
    sight = Sight(0.5, 100, 100)
    left, top = sight.origin(VIEW)
    assert sight.moved(30, -12).origin(VIEW) == (left + 30, top - 12)


def test_the_centre_stays_on_the_image() -> None:
    assert Sight(1, -5, 9000).within(IMAGE) == Sight(1, 0, 2500)
    assert Sight(1, 5, 90).within(IMAGE) == Sight(1, 5, 90)


def test_the_same_sight_in_views_of_other_sizes_has_the_same_centre() -> None:
    sight = Sight(2, 33, 44)
    for view in ((100, 100), (333, 251), (1, 1)):
        assert sight.place(view[0] / 2, view[1] / 2, view) == pytest.approx((33, 44), abs=0.26)
