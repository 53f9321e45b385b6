"""A picture at any zoom: exact where pixels meet pixels, without aliasing below, and no more work than what comes into view."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_desktop.widgets.pyramid import Box, Floats, Part, Pyramid
from cxr_desktop.widgets.window_level import quantised


def noise(height: int, width: int) -> Floats:
    return np.random.default_rng(5).random((height, width), dtype=np.float32)


class Counted(Pyramid):
    """Says how many screen pixels were asked of it."""

    asked = 0

    def sample(self, zoom: float, left: int, top: int, width: int, height: int) -> Floats:
        self.asked += width * height
        return super().sample(zoom, left, top, width, height)


def test_one_to_one_is_the_values_themselves() -> None:
    values = noise(40, 30)
    assert (Pyramid(values).sample(1, 3, 5, 20, 25) == values[5:30, 3:23]).all()


@pytest.mark.parametrize("zoom", [4, 7, 32])
def test_pixels_are_squares_far_above_one_to_one(zoom: int) -> None:
    values = noise(6, 5)
    shown = Pyramid(values).sample(zoom, 0, 0, 5 * zoom, 6 * zoom)
    assert (shown == values.repeat(zoom, 0).repeat(zoom, 1)).all()


def test_slightly_enlarged_is_interpolated() -> None:
    values = np.array([[0, 1]], np.float32)
    shown = Pyramid(values).sample(2, 0, 0, 4, 2)
    np.testing.assert_allclose(shown, [[0, 0.25, 0.75, 1]] * 2, atol=1e-6)


@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_halved_is_the_mean_of_all_pixels(halvings: int) -> None:
    values, side = noise(16, 24), 2**halvings
    shown = Pyramid(values).sample(1 / side, 0, 0, 24 // side, 16 // side)
    means = values.reshape(16 // side, side, 24 // side, side).mean(axis=(1, 3))
    np.testing.assert_allclose(shown, means, atol=1e-6)


@pytest.mark.parametrize("zoom", [0.9, 0.6, 0.37, 0.2, 0.05])
def test_a_fine_chequerboard_becomes_even_grey(zoom: float) -> None:
    """Every pixel has its share: no moiré."""
    board = np.indices((400, 400)).sum(axis=0) % 2
    pyramid = Pyramid(board.astype(np.float32))
    width, height = pyramid.size(zoom)
    inner = pyramid.sample(zoom, 0, 0, width, height)[2:-2, 2:-2]
    assert inner.mean() == pytest.approx(0.5, abs=0.01)
    assert inner.std() < (0.27 if zoom > 0.8 else 0.16)


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.floats(0.02, 32))
def test_any_size_at_any_zoom(width: int, height: int, zoom: float) -> None:
    pyramid = Pyramid(np.full((height, width), 0.3, np.float32))
    shown_width, shown_height = pyramid.size(zoom)
    assert shown_width in (max(1, int(width * zoom)), round(width * zoom))
    box = (
        shown_width // 3,
        shown_height // 3,
        min(shown_width - shown_width // 3, 50),
        min(shown_height - shown_height // 3, 50),
    )
    shown = pyramid.sample(zoom, *box)
    assert shown.shape == (box[3], box[2])
    np.testing.assert_allclose(shown, 0.3, atol=1e-5)


def test_an_odd_side_keeps_its_last_column() -> None:
    values = np.zeros((4, 5), np.float32)
    values[:, 4] = 1
    assert Pyramid(values).sample(0.5, 0, 0, 2, 2).tolist() == [[0, 0], [0, 0]]
    assert Pyramid(values).size(0.5) == (2, 2)


def test_a_part_of_a_large_picture_is_that_part_of_the_whole() -> None:
    pyramid = Pyramid(noise(300, 400))
    for zoom in (0.3, 0.7, 1.0, 1.7, 3.5):
        width, height = pyramid.size(zoom)
        whole = pyramid.sample(zoom, 0, 0, width, height)
        part = pyramid.sample(zoom, 20, 30, 40, 25)
        np.testing.assert_allclose(part, whole[30:55, 20:60], atol=1e-4)


@pytest.mark.parametrize("zoom", [0.45, 1.0, 1.9, 5.0])
@pytest.mark.parametrize("step", [(7, 0), (-7, 0), (0, 9), (-3, -4), (60, 60), (1000, 0), (0, 0)])
def test_moving_gives_what_looking_there_gives(zoom: float, step: tuple[int, int]) -> None:
    pyramid = Pyramid(noise(700, 900))
    start: Box = (100, 90, 50, 40)
    there: Box = (100 + min(step[0], 200), 90 + step[1], 50, 40)
    part = Part(quantised)
    part.of(pyramid, zoom, start)
    moved, fresh = part.of(pyramid, zoom, there), Part(quantised).of(pyramid, zoom, there)
    assert np.abs(moved.astype(int) - fresh).max() <= 1


def test_a_step_of_a_drag_makes_only_what_comes_into_view() -> None:
    pyramid, part = Counted(noise(900, 900)), Part(quantised)
    part.of(pyramid, 0.8, (100, 100, 300, 200))
    assert pyramid.asked == 300 * 200
    part.of(pyramid, 0.8, (103, 98, 300, 200))
    assert pyramid.asked == 300 * 200 + 3 * 198 + 2 * 300
    part.of(pyramid, 0.8, (103, 98, 300, 200))
    assert pyramid.asked == 300 * 200 + 3 * 198 + 2 * 300


def test_a_view_that_grows_keeps_what_it_has() -> None:
    pyramid, part = Counted(noise(900, 900)), Part(quantised)
    part.of(pyramid, 0.8, (100, 100, 100, 100))
    grown = part.of(pyramid, 0.8, (90, 100, 120, 100))
    assert pyramid.asked == 100 * 100 + 20 * 100
    assert (grown == Part(quantised).of(pyramid, 0.8, (90, 100, 120, 100))).all()


def test_another_picture_another_zoom_and_forgetting_make_it_anew() -> None:
    one, two, part = Counted(noise(50, 50)), Counted(noise(50, 50) / 2), Part(quantised)
    box = (0, 0, 20, 20)
    first = part.of(one, 1, box)
    assert (part.of(two, 1, box) != first).any()
    part.of(two, 2, box)
    assert two.asked == 800
    part.forget()
    part.of(two, 2, box)
    assert two.asked == 1200
