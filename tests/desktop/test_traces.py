"""A long line loses nothing that a screen can show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_desktop.widgets.traces import FAR, Trace, Window, columns, height, ink_length, pieces

WIDE = Window(0, 1000, -1, 1, 100, 50)


def _noise(count: int, seed: int = 0) -> Trace:
    return Trace(np.linspace(0, 1000, count), np.random.default_rng(seed).uniform(-1, 1, count), 0)


def _extremes(trace: Trace, indices: np.ndarray, window: Window) -> dict[int, tuple[float, float]]:
    column = np.floor((trace.x[indices] - window.left) * (window.width / (window.right - window.left))).astype(int)
    return {int(c): (trace.y[indices][column == c].min(), trace.y[indices][column == c].max()) for c in np.unique(column)}


@settings(deadline=None, max_examples=30)
@given(st.integers(500, 5000), st.integers(0, 2**32 - 1))
def test_every_column_of_pixels_keeps_its_extremes(count: int, seed: int) -> None:
    trace = _noise(count, seed)
    kept = trace.thinned(WIDE)
    whole, thin = _extremes(trace, np.arange(count), WIDE), _extremes(trace, kept, WIDE)
    assert whole.keys() == thin.keys()
    pixel = 2 / 50
    assert all(abs(whole[c][0] - thin[c][0]) <= pixel and abs(whole[c][1] - thin[c][1]) <= pixel for c in whole)
    assert kept.size <= 4 * 101
    assert (np.diff(kept) > 0).all()


def test_a_short_line_is_kept_whole() -> None:
    assert _noise(400).thinned(WIDE).size == 400


def test_a_smooth_line_needs_one_point_for_each_column() -> None:
    x = np.linspace(0, 1000, 100_000)
    assert Trace(x, x * 1e-4, 0).thinned(WIDE).size <= 103


def test_what_lies_beside_the_window_is_drawn_towards_it() -> None:
    trace = _noise(100_000)
    kept = trace.thinned(Window(400, 500, -1, 1, 100, 50))
    x = trace.x[kept]
    assert x[x < 400].max() > 399.9  # the line comes in at the right place
    assert x[x > 500].min() < 500.1
    assert ((x < 400) | (x > 500)).sum() <= 8


def test_falling_and_repeated_x_are_allowed() -> None:
    recall = np.repeat(np.linspace(1, 0, 5000), 4)  # as a precision-recall curve comes
    trace = Trace(recall, np.linspace(0, 1, 20_000), 0)
    kept = trace.thinned(Window(0, 1, 0, 1, 200, 200))
    assert kept[0] == 0
    assert kept[-1] == 19_999
    assert kept.size < 900


def test_gaps_stay_gaps() -> None:
    y = np.sin(np.arange(10_000))
    y[3000:6000] = np.nan
    trace = Trace(np.arange(10_000.0), y, 0)
    kept = trace.thinned(Window(0, 10_000, -1, 1, 100, 50))
    shown = trace.y[kept]
    assert np.isnan(shown).any()
    assert [part.stop - part.start > 10 for part in pieces(trace.x[kept], shown)] == [True, True]


@pytest.mark.parametrize("values", [[], [np.nan] * 3, [np.inf, -np.inf, np.nan]])
def test_nothing_to_draw_has_no_bounds(values: list[float]) -> None:
    trace = Trace(np.arange(float(len(values))), np.array(values), 0)
    assert trace.bounds(False) is None
    assert np.isnan(trace.last())
    assert trace.thinned(WIDE).size == len(values)


def test_an_all_nan_long_line_is_thinned_without_a_warning() -> None:
    trace = Trace(np.arange(10_000.0), np.full(10_000, np.nan), 0)
    assert trace.thinned(WIDE).size < 10


def test_bounds_and_last_leave_out_what_is_not_defined() -> None:
    trace = Trace(np.array([1.0, 2, 3, 4]), np.array([5.0, -2, 7, np.nan]), 0)
    assert trace.bounds(False) == (1, 3, -2, 7)
    assert trace.bounds(True) == (1, 3, np.log10(5), np.log10(7))
    assert trace.last() == 7


def test_a_logarithm_is_only_of_what_is_above_0() -> None:
    trace = Trace(np.arange(4.0), np.array([100.0, 0, -1, 0.01]), 0)
    assert np.isnan(trace.heights(True)).tolist() == [False, True, True, False]
    assert trace.heights(True)[[0, 3]].tolist() == [2, -2]
    assert height(1000, True) == 3
    assert np.isnan(height(0, True))
    assert height(-3, False) == -3


def test_whole_numbers_are_seen() -> None:
    assert Trace(np.arange(3.0), np.zeros(3), 0).whole
    assert not Trace(np.array([0.5]), np.zeros(1), 0).whole


def test_values_and_pixels() -> None:
    window = Window(0, 10, 0, 5, 100, 50)
    assert window.place(5, 5) == (50, 0)
    assert window.place(0, 0) == (0, 50)
    assert window.place(1e300, 0)[0] == FAR
    assert np.isnan(window.place(1, np.nan)[1])
    assert Window(0, 1, -2, 0, 10, 20, log=True).place(0, 0.1) == (0, 10)


def test_pieces_lie_between_gaps() -> None:
    y = np.array([np.nan, 1, 2, np.nan, 3, np.nan])
    assert pieces(np.arange(6.0), y) == [slice(1, 3), slice(4, 5)]
    assert pieces(np.empty(0), np.empty(0)) == []


def test_dense_lines_become_joined_bars() -> None:
    across = np.array([0.1, 0.5, 0.9, 1.5, 5.2])
    down = np.array([3.0, 1, 2, 8, 4])
    place, upper, lower, holes = columns(across, down)
    assert place.tolist() == [0, 1, 5]
    assert upper.tolist() == [1, 3, 4]  # the second begins where the first ends
    assert lower.tolist() == [3, 8, 4]
    assert holes.tolist() == [3]  # from the fourth point a slanted line follows
    assert ink_length(np.array([0.0, 3]), np.array([0.0, 4])) == 5
