"""The colours of heat maps without matplotlib: the same colours, the same picture as the report's."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import colormaps

from trainer import colours, explain


def test_the_table_is_the_map_that_reports_use() -> None:
    known = colormaps[explain.COLOURS](np.arange(256))[:, :3]
    np.testing.assert_allclose(colours.TABLE, known, atol=1 / 65535)
    assert (np.rint(colours.TABLE * 255) == np.rint(known * 255)).all()


def test_lightness_rises_so_that_it_reads_without_colour() -> None:
    lightness = colours.TABLE @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    assert (np.diff(lightness) > 0).all()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0.3, 1.0, 3.2, 100.0]), st.floats(0, 1))
def test_the_blend_is_that_of_the_overlay(seed: int, scale_max: float | None, opacity: float) -> None:
    random = np.random.default_rng(seed)
    grey = random.random((7, 5), dtype=np.float32) * 1.2 - 0.1
    values = np.maximum(random.standard_normal((7, 5)), 0).astype(np.float32)
    top = float(values.max()) if scale_max is None else scale_max
    ours = colours.blended(grey, values, top=top, opacity=opacity)
    theirs = explain.overlay(grey, values, finding="x", opacity=opacity, scale_max=scale_max)[:7, :5]
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_by_hand() -> None:
    brightest = colours.TABLE[-1]
    drawn = colours.blended(np.full((1, 3), 0.5, np.float32), np.array([[0, 2, 4]], np.float32), top=2.0, opacity=0.6)
    expected = np.rint(255 * (0.5 * 0.4 + brightest * 0.6)).astype(int)
    assert drawn[0, 0].tolist() == [128, 128, 128]  # 127.5, rounded to even
    assert drawn[0, 1].tolist() == drawn[0, 2].tolist() == expected.tolist()


@pytest.mark.parametrize("top", [0.0, -1.0])
def test_without_a_top_the_radiograph_is_untouched(top: float) -> None:
    drawn = colours.blended(np.array([[0.2]]), np.array([[5.0]]), top=top, opacity=1.0)
    assert drawn.tolist() == [[[51, 51, 51]]]


def test_a_frame_stands_on_the_inner_side_of_its_part() -> None:
    grey = np.full((60, 90, 3), 77, np.uint8)
    drawn = colours.framed(grey, (15, 0, 75, 60))
    changed = (drawn != 77).any(axis=2)
    expected = np.zeros((60, 90), bool)
    expected[:, 15:75] = True
    expected[1:59, 16:74] = False
    np.testing.assert_array_equal(changed, expected)
    assert set(drawn[changed].ravel().tolist()) == {0, 255}  # seen on every grey value
    assert (grey == 77).all()
    assert colours.framed(grey, (0, 0, 90, 60)) is grey  # all of it: nothing to say


def test_shares_and_steps() -> None:
    share = colours.shares(np.array([-1, 0, 1, 2, 9], np.float32), 2.0)
    assert share.tolist() == [0, 0, 0.5, 1, 1]
    assert colours.steps(share).tolist() == [0, 0, 128, 255, 255]


def test_nothing_can_change_the_table() -> None:
    with pytest.raises(ValueError, match="read-only"):
        colours.TABLE[0, 0] = 1


def test_it_loads_neither_torch_nor_matplotlib() -> None:
    code = "import sys, trainer.colours; print([n for n in ('torch', 'matplotlib', 'scipy') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
