"""The square and the way back from it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.geometry import FITS, Box, Fit, fit_box, from_square, seen, to_square

shapes = st.tuples(st.integers(1, 60), st.integers(1, 60))
fits = st.sampled_from(FITS)


def test_boxes() -> None:
    assert fit_box((100, 200), 50, "stretch") == Box((0, 0, 200, 100), (0, 0, 50, 50))
    assert fit_box((100, 200), 50, "pad") == Box((0, 0, 200, 100), (0, 12, 50, 37))
    assert fit_box((100, 201), 50, "crop") == Box((50, 0, 150, 100), (0, 0, 50, 50))
    assert fit_box((1, 1000), 50, "pad") == Box((0, 0, 1000, 1), (0, 24, 50, 25))


def test_unknown_fit() -> None:
    with pytest.raises(ValueError, match="stretch, pad, crop"):
        fit_box((1, 1), 5, "squeeze")  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(shape=shapes, size=st.integers(1, 40), fit=fits, seed=st.integers(0, 99))
def test_square_stays_within_the_values_of_the_image(shape: tuple[int, int], size: int, fit: Fit, seed: int) -> None:
    pixels = np.random.default_rng(seed).random(shape).astype(np.float32)
    square = to_square(pixels, size, fit)
    box = fit_box(shape, size, fit)
    left, top, right, bottom = box.target
    inside = square[top:bottom, left:right]
    assert square.dtype == np.uint8
    assert square.shape == (size, size)
    assert inside.min() >= np.floor(pixels.min() * 255)
    assert inside.max() <= np.ceil(pixels.max() * 255)
    assert square.sum() == inside.sum(), "borders are black"


def test_same_size_is_only_rounded_to_nearest() -> None:
    pixels = (np.arange(256, dtype=np.float32) / 255).reshape(16, 16)
    assert to_square(pixels, 16, "stretch").ravel().tolist() == list(range(256))
    assert to_square(np.full((4, 4), 0.5, np.float32), 4, "pad").tolist() == [[128] * 4] * 4


def test_values_beyond_the_range_are_clipped() -> None:
    assert to_square(np.array([[-1, 2], [0, 1]], np.float32), 2, "stretch").tolist() == [[0, 255], [0, 255]]


def test_reduction_does_not_alias() -> None:
    """Stripes finer than the square's pixels become grey, not broad stripes."""
    stripes = np.tile(np.array([0, 1], np.float32), (512, 256))
    square = to_square(stripes, 96, "stretch").astype(int)
    assert np.abs(square[:, 2:-2] - 128).max() < 25


def test_an_edge_does_not_ring() -> None:
    edge = np.full((300, 300), 0.2, np.float32)
    edge[:, 150:] = 0.8
    square = to_square(edge, 64, "stretch")
    assert (square.min(), square.max()) == (51, 204)
    assert (np.diff(square[0].astype(int)) >= 0).all()


def test_pad_centres_and_crop_takes_the_middle() -> None:
    pixels = np.ones((10, 20), np.float32)
    pixels[:, :5] = pixels[:, 15:] = 0
    padded = to_square(pixels, 20, "pad")
    assert padded[5:15, 5:15].min() == 255
    assert not padded[:5].any()
    assert not padded[15:].any()
    assert to_square(pixels, 10, "crop").min() == 255


def test_flipping_commutes_with_even_geometry() -> None:
    pixels = np.random.default_rng(0).random((64, 48)).astype(np.float32)
    for fit in FITS:
        there = to_square(np.ascontiguousarray(pixels[:, ::-1]), 32, fit)
        assert np.abs(there.astype(int) - to_square(pixels, 32, fit)[:, ::-1]).max() <= 1


def test_input_that_is_not_contiguous() -> None:
    pixels = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    assert (to_square(pixels.T, 16, "pad") == to_square(np.ascontiguousarray(pixels.T), 16, "pad")).all()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(400, 300), (300, 400), (350, 350), (401, 299)])
def test_a_known_point_there_and_back(shape: tuple[int, int], fit: Fit) -> None:
    """A bright spot goes through the square and returns to where it was, within a pixel of the square."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    row, column = 190, 140
    spot = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 12**2)).astype(np.float32)
    back = from_square(to_square(spot, 224, fit).astype(np.float32), shape, fit)
    found = np.unravel_index(back.argmax(), shape)
    assert abs(int(found[0]) - row) <= 2
    assert abs(int(found[1]) - column) <= 2
    assert back.shape == shape
    assert back.dtype == np.float32


def test_a_coarse_map_by_hand() -> None:
    """2 x 2 cells over 4 pixels: their centres lie at 1 and 3; pixels at 0.5, 1.5, 2.5, 3.5 get 0, 1/4, 3/4, 1."""
    values = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert from_square(values, (4, 4), "stretch").tolist() == [[0, 0.25, 0.75, 1]] * 4
    assert from_square(values, (8, 4), "stretch").tolist() == [[0, 0.25, 0.75, 1]] * 8


def test_cropped_parts_are_zero_and_padded_parts_are_dropped() -> None:
    ones = np.ones((7, 7))
    back = from_square(ones, (10, 30), "crop")
    assert back[:, 10:20].min() == 1
    assert back.sum() == 100
    values = np.zeros((4, 4))
    values[1:3] = 5  # only the middle rows lie on the image
    padded = from_square(values, (10, 20), "pad")
    assert padded[4:6].min() == 5
    assert from_square(ones, (10, 30), "pad").min() == 1


def test_what_a_network_sees_is_all_but_what_crop_cuts_off() -> None:
    assert seen((10, 30), "crop") == (10, 0, 20, 10)
    assert seen((31, 10), "crop") == (0, 10, 10, 20)
    assert seen((10, 30), "pad") == seen((10, 30), "stretch") == (0, 0, 30, 10)
    assert seen((10, 30), "crop", "crop") == (10, 0, 20, 10)
    assert seen((10, 30), "crop", "pad") == (0, 0, 30, 10)  # one of them saw all of it
    left, top, right, bottom = seen((10, 30), "crop")
    back = from_square(np.ones((7, 7)), (10, 30), "crop")
    assert back[top:bottom, left:right].sum() == back.sum()  # evidence lies nowhere else


@settings(deadline=None, max_examples=60)
@given(shape=shapes, fit=fits, cells=st.integers(1, 9), seed=st.integers(0, 99))
def test_back_never_exceeds_the_map(shape: tuple[int, int], fit: Fit, cells: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((cells, cells))
    back = from_square(values, shape, fit)
    assert back.shape == shape
    assert back.max() <= values.max() + 1e-6
    assert back.min() >= (0 if fit == "crop" else values.min() - 1e-6)
