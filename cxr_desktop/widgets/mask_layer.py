"""Masks over a radiograph: each kind in a colour of its own, faintly filled, with a clear outline."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cxr_desktop.widgets.pyramid import Box

Masks = Sequence[tuple[str, NDArray[np.bool_]]]
"""What each shows, and bool [H, W], True inside."""

COLOURS: Mapping[str, tuple[str, tuple[int, int, int]]] = MappingProxyType(
    {
        "lung": ("blue", (86, 180, 233)),
        "left lung": ("blue", (86, 180, 233)),
        "right lung": ("green", (0, 190, 140)),
        "lesion": ("orange", (240, 150, 30)),
        "mask": ("pink", (230, 140, 190)),
    }
)
"""Kind -> its colour in words and as red, green, blue; told apart also by colour-blind people (after Okabe and Ito 2008)."""
FILL, OUTLINE = 0.25, 0.9
"""How much of the radiograph is covered inside, and on the outline."""


def picture(masks: Masks, zoom: float, box: Box) -> NDArray[np.uint8]:
    """Draw a part of masks at a zoom: uint8 [height, width, 4], blue, green, red, alpha, the colours multiplied by alpha.

    `box` is left, top, width, height in screen pixels at that zoom (screen pixels per pixel of the image).
    """
    left, top, width, height = box
    drawn = np.zeros((height, width, 4), np.float32)
    for kind, values in masks:
        rows = _places(top, height, zoom, values.shape[0])
        columns = _places(left, width, zoom, values.shape[1])
        inside = values[np.ix_(rows, columns)]
        alpha = np.where(_outline(inside), OUTLINE, FILL).astype(np.float32) * inside
        red, green, blue = COLOURS.get(kind, COLOURS["mask"])[1]
        drawn *= (1 - alpha)[..., None]
        drawn += alpha[..., None] * np.array([blue, green, red, 255], np.float32)
    return np.rint(drawn).astype(np.uint8)


def ordered(masks: Masks) -> Masks:
    """The largest first, so that what lies inside it is drawn over it."""
    return tuple(sorted(masks, key=lambda mask: -int(mask[1].sum())))


def lines(masks: Masks) -> list[str]:
    """Which masks are seen, and in which colours."""
    names = dict.fromkeys(kind for kind, _ in masks)
    return [f"{kind if kind == 'mask' else f'{kind} mask'}: {COLOURS.get(kind, COLOURS['mask'])[0]}" for kind in names]


def _places(first: int, count: int, zoom: float, size: int) -> NDArray[np.intp]:
    """Which pixel of the image is seen on each pixel of the screen."""
    return np.clip(((first + np.arange(count) + 0.5) / zoom).astype(np.intp), 0, size - 1)


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels inside that touch one outside; what goes on beyond the picture has no outline there."""
    padded = np.pad(inside, 1, mode="edge")
    whole = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~whole
