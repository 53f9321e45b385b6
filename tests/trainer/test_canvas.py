"""Drawing in chest units: geometry, antialiasing, curves, blur."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import canvas
from trainer.canvas import Canvas, Frame, Pose

STRAIGHT = Pose(angle=0.0, zoom=1.0, shift=(0.0, 0.0), breath=0.0, turn=0.0, gas=0.0)
SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


def _frame(size: int = 96, **changes: object) -> Frame:
    values = {"angle": 0.0, "zoom": 1.0, "shift": (0.0, 0.0), "breath": 0.0, "turn": 0.0, "gas": 0.0} | changes
    return canvas.frame(size, Pose(**values))  # type: ignore[arg-type]


def test_pixel_centres_of_a_straight_frame() -> None:
    frame = canvas.frame(4, STRAIGHT)
    assert frame.x[0].tolist() == pytest.approx([-0.75, -0.25, 0.25, 0.75])
    assert frame.y[:, 0].tolist() == pytest.approx([-0.75, -0.25, 0.25, 0.75])
    assert frame.x.dtype == frame.y.dtype == np.float32


@settings(deadline=None, max_examples=25)
@given(
    angle=st.floats(-0.3, 0.3),
    zoom=st.floats(0.7, 1.5),
    right=st.floats(-0.2, 0.2),
    down=st.floats(-0.2, 0.2),
)
def test_points_and_pixels_are_each_others_inverse(angle: float, zoom: float, right: float, down: float) -> None:
    frame = _frame(32, angle=angle, zoom=zoom, shift=(right, down))
    points = np.stack([frame.x, frame.y], -1).astype(np.float64)
    columns, rows = np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5)
    np.testing.assert_allclose(frame.pixels(points), np.stack([columns, rows], -1), atol=1e-3)


def test_zoom_makes_the_chest_larger_and_shift_moves_it() -> None:
    point = np.array([[0.5, 0.0]])
    assert _frame(100).pixels(point).tolist() == [[75.0, 50.0]]
    assert _frame(100, zoom=1.2).pixels(point).tolist() == [[80.0, 50.0]]
    assert _frame(100, shift=(0.1, -0.1)).pixels(point)[0].tolist() == pytest.approx([80.0, 45.0])


@pytest.mark.parametrize("size", [64, 200, 320])
def test_a_square_covers_a_quarter(size: int) -> None:
    picture = Canvas(_frame(size))
    picture.polygon(SQUARE, 1.0)
    covered = picture.array()
    assert covered.shape == (size, size)
    assert covered.dtype == np.float32
    assert covered.mean() == pytest.approx(0.25, abs=4 / size)
    assert covered[size // 2, size // 2] == 1.0
    assert covered[2, 2] == 0.0


def test_later_polygons_cover_earlier_ones() -> None:
    picture = Canvas(_frame())
    picture.polygon(np.stack([SQUARE, SQUARE * 0.5]), np.array([0.4, 0.8]))
    assert picture.array()[48, 48] == pytest.approx(0.8, abs=0.01)
    assert picture.array()[48, 30] == pytest.approx(0.4, abs=0.01)


def test_a_stroke_is_as_wide_as_was_asked() -> None:
    picture = Canvas(_frame(240))
    picture.stroke(np.array([[-0.8, 0.0], [0.0, 0.0], [0.8, 0.0]]), 0.2, 1.0)
    column = picture.array()[:, 120]
    assert column.sum() * 2 / 240 == pytest.approx(0.2, abs=0.012)


def test_a_tapering_stroke_and_a_hollow_tube() -> None:
    picture = Canvas(_frame(240))
    line = np.array([[-0.8, 0.0], [0.0, 0.0], [0.8, 0.0]])
    picture.stroke(line, np.array([0.3, 0.2, 0.1]), 1.0)
    assert picture.array()[:, 40].sum() > picture.array()[:, 200].sum() * 1.5
    hollow = Canvas(_frame(240))
    hollow.tube(line, 0.3, 0.9, 0.3)
    column = hollow.array()[:, 120]
    assert column[120] == pytest.approx(0.3, abs=0.01)
    assert column.max() == pytest.approx(0.9, abs=0.01)


def test_curves_go_through_their_points() -> None:
    points = [(0.0, 0.0), (0.3, 0.5), (0.9, -0.2)]
    line = canvas.curve(points, 21)
    assert line.shape == (21, 2)
    np.testing.assert_allclose(line[[0, 10, 20]], points, atol=1e-12)


def test_curves_of_straight_points_are_straight_and_batches_equal_single_ones() -> None:
    straight = canvas.curve([(0.0, 0.0), (1.0, 2.0), (2.0, 4.0)], 9)
    np.testing.assert_allclose(straight[:, 1], 2 * straight[:, 0], atol=1e-12)
    many = np.random.default_rng(0).normal(size=(5, 4, 2))
    np.testing.assert_allclose(canvas.curve(many, 12)[3], canvas.curve(many[3], 12))


def test_smooth_keeps_the_mean_and_takes_the_detail() -> None:
    field = np.random.default_rng(0).random((128, 128), dtype=np.float32)
    blurred = canvas.smooth(field, 16)
    assert blurred.shape == field.shape
    assert blurred.dtype == np.float32
    assert blurred.mean() == pytest.approx(field.mean(), abs=0.02)
    assert blurred.std() < field.std() / 6
    np.testing.assert_allclose(canvas.smooth(field, 500), field, atol=1e-6)


def test_clouds_look_alike_at_every_size() -> None:
    small = canvas.clouds(np.random.default_rng(1), 64, 8)
    large = canvas.clouds(np.random.default_rng(1), 192, 8)
    assert small.dtype == np.float32
    np.testing.assert_allclose(large[1::3, 1::3], small, atol=0.02)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_poses_are_small(seed: int) -> None:
    pose = canvas.pose(np.random.default_rng(seed))
    assert abs(pose.angle) <= 0.05
    assert 1.0 <= pose.zoom <= 1.3
    assert max(abs(pose.shift[0]), abs(pose.shift[1])) <= 0.08
    assert pose.gas == 0 or 0.5 <= pose.gas <= 1.1
