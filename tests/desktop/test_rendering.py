"""What the screen shows is what the report draws, and a drag does not do anything twice."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cxr_desktop.widgets.pyramid import Pyramid
from cxr_desktop.widgets.rendering import Look, Rendering
from cxr_desktop.widgets.window_level import Window
from trainer import colours

WHOLE = (0, 0, 90, 70)


@pytest.fixture
def grey() -> NDArray[np.float32]:
    return np.random.default_rng(1).random((70, 90), dtype=np.float32)


@pytest.fixture
def heat() -> NDArray[np.float32]:
    rows, columns = np.mgrid[:70, :90]
    return np.maximum(np.sin(rows / 9) * np.cos(columns / 13) * 3.2, 0).astype(np.float32)


def red_green_blue(drawn: NDArray[np.uint8]) -> NDArray[np.int64]:
    assert (drawn[..., 3] == 255).all()
    return drawn[..., 2::-1].astype(np.int64)


def test_one_to_one_is_each_pixel_rounded(grey: NDArray[np.float32]) -> None:
    drawn = Rendering().grey(Pyramid(grey), 1, WHOLE, Look())
    assert drawn.dtype == np.uint8
    assert np.abs(drawn - grey * 255).max() <= 0.51


@pytest.mark.parametrize("scale_max", [None, 1.6, 3.2, 50.0])
@pytest.mark.parametrize("opacity", [0.0, 0.35, 0.6, 1.0])
def test_the_overlay_is_that_of_the_trainer(
    grey: NDArray[np.float32], heat: NDArray[np.float32], scale_max: float | None, opacity: float
) -> None:
    from trainer import explain

    top = float(heat.max()) if scale_max is None else scale_max
    drawn = Rendering().overlay(Pyramid(grey), Pyramid(heat), 1, WHOLE, Look(top=top, opacity=opacity))
    theirs = explain.overlay(grey, heat, finding="Pneumonia", opacity=opacity, scale_max=scale_max)
    assert np.abs(red_green_blue(drawn) - theirs[:70, :90]).max() <= 1


def test_exact_shares_fall_on_the_same_colour() -> None:
    """Every 256th part of the top is where a colour changes."""
    values = (np.arange(257, dtype=np.float32) / np.float32(256) * np.float32(3.2))[None]
    grey = np.zeros_like(values)
    drawn = Rendering().overlay(Pyramid(grey), Pyramid(values), 1, (0, 0, 257, 1), Look(top=float(values.max()), opacity=1.0))
    expected = colours.blended(grey, values, top=float(values.max()), opacity=1.0)
    assert np.abs(red_green_blue(drawn) - expected).max() <= 1


def test_where_there_is_no_evidence_the_radiograph_is_untouched(grey: NDArray[np.float32], heat: NDArray[np.float32]) -> None:
    rendering, look = Rendering(), Look(top=3.2)
    drawn = red_green_blue(rendering.overlay(Pyramid(grey), Pyramid(heat), 1, WHOLE, look))
    plain = rendering.grey(Pyramid(grey), 1, WHOLE, look)
    nothing = heat == 0
    assert nothing.any()
    assert (np.abs(drawn[nothing] - plain[nothing][:, None]) <= 1).all()
    assert (drawn[~nothing] != plain[~nothing][:, None]).any()


def test_a_top_of_zero_shows_nothing(grey: NDArray[np.float32], heat: NDArray[np.float32]) -> None:
    drawn = red_green_blue(Rendering().overlay(Pyramid(grey), Pyramid(heat), 1, WHOLE, Look(top=0.0)))
    assert (drawn == drawn[..., :1]).all()


@pytest.mark.parametrize(
    "looks",
    [
        (Look(top=3.2), Look(top=1.0)),
        (Look(top=3.2), Look(top=3.2, opacity=0.2)),
        (Look(top=3.2), Look(top=3.2, window=Window(0.3, 0.2))),
        (Look(top=3.2), Look(top=3.2, inverted=True)),
    ],
)
def test_what_is_kept_is_not_shown_where_it_is_out_of_date(
    grey: NDArray[np.float32], heat: NDArray[np.float32], looks: tuple[Look, Look]
) -> None:
    pyramid, heat_pyramid, rendering = Pyramid(grey), Pyramid(heat), Rendering()
    for look in (*looks, looks[0]):
        drawn = rendering.overlay(pyramid, heat_pyramid, 1, WHOLE, look)
        assert (drawn == Rendering().overlay(pyramid, heat_pyramid, 1, WHOLE, look)).all()
        plain = rendering.grey(pyramid, 1, WHOLE, look)
        assert (plain == Rendering().grey(pyramid, 1, WHOLE, look)).all()


def test_inverting_twice_is_the_same(grey: NDArray[np.float32]) -> None:
    pyramid, rendering = Pyramid(grey), Rendering()
    once = rendering.grey(pyramid, 1, WHOLE, Look())
    turned = rendering.grey(pyramid, 1, WHOLE, Look(inverted=True))
    assert (turned == np.rint(255 - window_values(grey))).mean() > 0.999
    assert (rendering.grey(pyramid, 1, WHOLE, Look()) == once).all()


def window_values(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.rint(grey.astype(np.float64) * 65535) / 65535 * 255
