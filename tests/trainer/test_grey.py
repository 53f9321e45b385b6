"""Grey values from stored values, without any file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import grey
from trainer.grey import Look, Lut, Notes, Window, fewest_bits
from trainer.headers import years

levels = st.lists(st.integers(-3000, 70000), min_size=1, max_size=60).map(lambda found: np.array(found, dtype=np.int32))


def shown(stored: np.ndarray, look: Look) -> np.ndarray:
    return grey.shown(np.atleast_2d(stored), look, Notes())


@settings(deadline=None, max_examples=80)
@given(stored=levels)
def test_percentiles_agree_with_numpy(stored: np.ndarray) -> None:
    values, counts, _ = grey.levels_of(stored)
    expected = np.percentile(stored, [1, 99], method="inverted_cdf")
    assert grey.percentiles(values, counts) == tuple(expected)


@settings(deadline=None, max_examples=80)
@given(
    stored=levels,
    centre=st.floats(-5000, 80000),
    width=st.floats(1, 90000),
    function=st.sampled_from(sorted(grey.WINDOWS)),
    slope=st.sampled_from([1.0, 0.5, 3.0]),
    inverted=st.booleans(),
)
def test_grey_values_are_within_range_and_monotonous(
    stored: np.ndarray, centre: float, width: float, function: str, slope: float, inverted: bool
) -> None:
    look = Look(rescale=(slope, -100.0), window=Window(centre, width, function), inverted="MONOCHROME1" if inverted else "")
    found = shown(stored, look)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    steps = np.diff(found[0][np.argsort(stored, kind="stable")])
    assert ((steps <= 0) if inverted else (steps >= 0)).all()


@settings(deadline=None, max_examples=40)
@given(stored=levels, window=st.booleans())
def test_table_and_pixels_give_the_same(stored: np.ndarray, window: bool) -> None:
    """Levels looked up (integers) and computed pixel by pixel (floats) are one arithmetic."""
    look = Look(window=Window(400, 900, "LINEAR") if window else None, padding=(5, 90))
    assert shown(stored, look).tolist() == shown(stored.astype(np.float64), look).tolist()


def test_wide_integers_are_not_put_into_a_table() -> None:
    stored = np.array([[0, 2**31]], dtype=np.uint32)
    values, _, index = grey.levels_of(stored)
    assert index is None
    assert values.tolist() == [[0, 2**31]]
    assert shown(stored, Look()).tolist() == [[0, 1]]


def test_not_a_number_is_black_and_infinity_too() -> None:
    stored = np.array([[np.nan, np.inf, -np.inf, 0.0, 10.0]])
    assert shown(stored, Look()).tolist() == [[0, 0, 0, 0, 1]]
    assert shown(stored, Look(inverted="MONOCHROME1")).tolist() == [[0, 0, 0, 1, 0]]


def test_nothing_at_all() -> None:
    notes = Notes()
    assert grey.shown(np.full((2, 2), np.nan), Look(), notes).tolist() == [[0, 0], [0, 0]]
    assert notes.warnings


def test_one_bright_dot_on_flat_ground_is_seen() -> None:
    """Both percentiles fall on the ground; the whole range is taken then."""
    stored = np.full((100, 100), 10, np.uint16)
    stored[50, 50] = 20
    assert shown(stored, Look())[50, 50] == 1


def test_sigmoid_far_away_does_not_overflow() -> None:
    look = Look(window=Window(0, 1e-9, "SIGMOID"))
    assert shown(np.array([-1e300, 1e300]), look).tolist() == [[pytest.approx(0), pytest.approx(1)]]


def test_lut_clamps_and_rounds() -> None:
    table = Lut(np.array([5.0, 6.0, 7.0]), first=10, bits=8)
    assert table(np.array([-4, 10, 10.4, 10.6, 12, 900])).tolist() == [5, 5, 5, 6, 7, 7]
    assert table.top == 255


@pytest.mark.parametrize(
    ("age", "expected"), [("058Y", 58), ("006M", 0.5), ("026W", 0.5), ("073D", 0.2), ("7", 7), ("", None), ("old", None)]
)
def test_ages(age: str, expected: float | None) -> None:
    assert years(age) == pytest.approx(expected)


def test_fewest_bits() -> None:
    assert [fewest_bits(value) for value in (0, 255, 256, 1023, 4095, 4096, 16384, 65535, 65536)] == [
        8,
        8,
        10,
        10,
        12,
        14,
        16,
        16,
        32,
    ]


def test_luma_keeps_grey() -> None:
    colours = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    assert grey.luma(colours)[:, 0].tolist() == pytest.approx(list(range(256)))


def test_plain_numbers() -> None:
    assert [grey.plain(number) for number in (550.0, 114.516, -1024, float("nan"))] == ["550", "114.516", "-1024", "nan"]
