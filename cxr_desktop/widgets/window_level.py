"""Window level and width: which of an image's grey values are shown black, white and in between.

All in the unit of `trainer.images`: 0 black to 1 white, as the file itself wants to be shown. What the file's own window has
cut off is not there any more, and no window here brings it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

STEPS = 65536
"""Grey values are looked up in a table of so many entries: more than the 16 bits of any file."""
NARROWEST, WIDEST = 1 / 256, 2.0
SAMPLES = 250_000
"""Pixels that percentiles are taken of: enough for three digits."""


@dataclass(frozen=True)
class Window:
    """`level` is shown middle grey; `width` lies between black and white. The default shows the full range."""

    level: float = 0.5
    width: float = 1.0

    @classmethod
    def between(cls, low: float, high: float) -> Self:
        """The window that shows `low` black and `high` white."""
        return cls((low + high) / 2, high - low).limited()

    def limited(self) -> Self:
        """The nearest window that makes sense: level 0 to 1, width 1/256 to 2."""
        return type(self)(min(max(self.level, 0.0), 1.0), min(max(self.width, NARROWEST), WIDEST))

    def moved(self, wider: float, higher: float) -> Self:
        """Another window, by shares of the width; a narrow one is moved in finer steps."""
        unit = max(self.width, 0.05)
        return type(self)(self.level + higher * unit, self.width + wider * unit).limited()

    def shown(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Grey values as they are shown through the window, 0 to 1."""
        return np.clip((values - (self.level - self.width / 2)) / self.width, 0, 1)


FULL = Window()


def table(window: Window, *, inverted: bool = False) -> NDArray[np.float32]:
    """What is shown for each of `STEPS` grey values: float32 0 to 255, not rounded."""
    shown = window.shown(np.linspace(0, 1, STEPS)) * 255
    return (255 - shown if inverted else shown).astype(np.float32)


def quantised(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Grey values 0 to 1 as places in a `table`."""
    scaled = values * np.float32(STEPS - 1)
    scaled += np.float32(0.5)
    return scaled.astype(np.uint16)


def presets(pixels: NDArray[np.float32]) -> Mapping[str, Window]:
    """Windows that suit an image [H,W], by name.

    Lungs are the darker part of the range that an image really uses (its 1st to 99th percentile, without the black that
    collimation leaves), mediastinum and bones the brighter part. The fractions were chosen by eye on radiographs of several
    makers.
    """
    step = max(1, round((pixels.size / SAMPLES) ** 0.5))
    sample = pixels[::step, ::step]
    low, high = (float(value) for value in np.percentile(sample, (1, 99)))
    inside = sample[sample > 0.02]
    dark = float(np.percentile(inside, 1)) if inside.size else low
    span = high - dark
    return {
        "Full range": FULL,
        "Percentiles 1 to 99": Window.between(low, high),
        "Lungs": Window.between(dark, dark + 0.7 * span),
        "Mediastinum and bones": Window.between(dark + 0.35 * span, dark + 1.05 * span),
    }
