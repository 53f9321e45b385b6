"""Window level and width by hand values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_desktop.widgets import window_level
from cxr_desktop.widgets.viewer_actions import PRESETS
from cxr_desktop.widgets.window_level import FULL, NARROWEST, STEPS, WIDEST, Window


def looked_up(values: list[float], window: Window, *, inverted: bool = False) -> list[float]:
    places = window_level.quantised(np.array(values, np.float32))
    return window_level.table(window, inverted=inverted)[places].tolist()


def test_the_full_range_shows_every_8_bit_value_as_itself() -> None:
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    shown = np.rint(window_level.table(FULL)[window_level.quantised(values)])
    assert (shown == np.arange(256)).all()


def test_a_window_by_hand() -> None:
    """Level 0.5, width 0.5: black up to 0.25, white from 0.75, straight in between."""
    shown = looked_up([0, 0.25, 0.5, 0.625, 0.75, 1], Window(0.5, 0.5))
    assert shown == pytest.approx([0, 0, 127.5, 191.25, 255, 255], abs=0.01)


def test_inverted_is_black_for_white() -> None:
    assert looked_up([0, 0.2, 1], FULL, inverted=True) == pytest.approx([255, 204, 0], abs=0.01)


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1), st.floats(NARROWEST, WIDEST))
def test_inverting_twice_is_nothing(level: float, width: float) -> None:
    window = Window(level, width)
    assert np.abs(window_level.table(window) - (255 - window_level.table(window, inverted=True))).max() < 1e-4


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1), st.floats(NARROWEST, WIDEST))
def test_brighter_is_never_shown_darker(level: float, width: float) -> None:
    table = window_level.table(Window(level, width))
    assert table.shape == (STEPS,)
    assert table.dtype == np.float32
    assert (np.diff(table) >= 0).all()
    assert table.min() >= 0
    assert table.max() <= 255


def test_16_bits_are_told_apart_in_a_narrow_window() -> None:
    one, two = (32768 / 65535, 32769 / 65535)
    assert len(set(looked_up([one, two], Window(0.5, NARROWEST)))) == 2


def test_between() -> None:
    window = Window.between(0.2, 0.6)
    assert (window.level, window.width) == pytest.approx((0.4, 0.4))
    assert looked_up([0.2, 0.6], window) == pytest.approx([0, 255], abs=0.02)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(2, 0.5), (1, 0.5)),
        (Window(-1, 9), (0, WIDEST)),
        (Window(0.5, 0), (0.5, NARROWEST)),
        (Window(0.3, 0.2), (0.3, 0.2)),
    ],
)
def test_limits(window: Window, expected: tuple[float, float]) -> None:
    limited = window.limited()
    assert (limited.level, limited.width) == expected


def test_moved_by_shares_of_the_width() -> None:
    window = Window(0.5, 0.4).moved(0.5, -0.25)
    assert (window.level, window.width) == pytest.approx((0.4, 0.6))
    narrow = Window(0.5, 0.01).moved(0.1, 0)
    assert narrow.width == pytest.approx(0.015)  # not ten times slower because it is narrow


def test_presets_of_a_known_image() -> None:
    """1000 grey values from 0 to 1, so that percentiles can be seen."""
    found = window_level.presets(np.linspace(0, 1, 1000, dtype=np.float32).reshape(20, 50))
    assert list(found) == list(PRESETS)
    assert found["Full range"] == FULL
    middle = found["Percentiles 1 to 99"]
    assert (middle.level, middle.width) == pytest.approx((0.5, 0.98))
    lungs, bones = found["Lungs"], found["Mediastinum and bones"]
    assert lungs.level < 0.5 < bones.level
    assert lungs.width == pytest.approx(bones.width)
    assert lungs.level - lungs.width / 2 == pytest.approx(0.03, abs=0.01)  # not the black of a collimator


def test_a_black_border_does_not_move_the_lungs() -> None:
    inside = np.linspace(0.3, 0.9, 10_000, dtype=np.float32).reshape(100, 100)
    bordered = np.pad(inside, 30)
    plain, moved = window_level.presets(inside)["Lungs"], window_level.presets(bordered)["Lungs"]
    assert (moved.level, moved.width) == pytest.approx((plain.level, plain.width), abs=0.02)


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_an_image_of_one_grey_has_presets_too(grey: float) -> None:
    for window in window_level.presets(np.full((3, 3), grey, np.float32)).values():
        assert window == window.limited()


def test_a_large_image_is_sampled() -> None:
    large = np.tile(np.linspace(0, 1, 2000, dtype=np.float32), (1500, 1))
    assert window_level.presets(large)["Percentiles 1 to 99"].width == pytest.approx(0.98, abs=0.005)
