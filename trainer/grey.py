"""Arithmetic of grey values: windows, lookup tables, percentiles, colour to grey. Arrays in, arrays out; no files.

A radiograph has few different stored values and many pixels, so everything up to the grey value works on the *levels* (each
stored value once) with *counts* (how many pixels have it), in float64, and the pixels are looked up at the end.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey value: ITU-R BT.601."""

_ROWS = 64
"""Rows of a colour image that are computed at a time."""

PERCENTILES = (0.01, 0.99)
"""What is shown as black and as white where a file does not say."""


@dataclass(frozen=True)
class Window:
    """A window on the modality values: `function` is LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2)."""

    centre: float
    width: float
    function: str


@dataclass
class Notes:
    """What is learned while a file is read: the steps taken to its grey values, warnings, in words, and the window used."""

    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    window: Window | None = None


@dataclass(frozen=True, eq=False)
class Lut:
    """A lookup table: `values` float64 [entries]; the first belongs to the level `first`; output range 0 to 2^bits - 1."""

    values: Floats
    first: int
    bits: int

    @property
    def top(self) -> int:
        """The largest value that the output range holds."""
        return int(2**self.bits - 1)

    def __call__(self, levels: Floats) -> Floats:
        """Look levels up, in float64; below the table its first value is taken, beyond it its last (PS3.3 C.11.1.1.1)."""
        index = np.clip(np.rint(levels) - self.first, 0, self.values.size - 1)
        found: Floats = self.values[index.astype(np.intp)]
        return found


def fewest_bits(highest: float) -> int:
    """Return the smallest of 8, 10, 12, 14, 16 and 32 bits that holds a value of 0 or more."""
    return next((bits for bits in (8, 10, 12, 14, 16) if highest < 2**bits), 32)


@dataclass(frozen=True, eq=False)
class Look:
    """How stored values become grey values, in this order (PS3.4 N.2).

    `padding`: stored values from..to that are no image; `modality` or else `rescale` (slope, intercept); `voi` or else
    `window` or else percentiles; `presentation`; `inverted`: the reason why the lowest value is white, or "".
    """

    padding: tuple[float, float] | None = None
    rescale: tuple[float, float] = (1.0, 0.0)
    modality: Lut | None = None
    voi: Lut | None = None
    window: Window | None = None
    presentation: Lut | None = None
    inverted: str = ""


def linear(levels: Floats, centre: float, width: float) -> Floats:
    """Window to 0..1 as the VOI LUT function LINEAR (DICOM PS3.3 C.11.2.1.2.1); width at least 1."""
    if width <= 1:
        return (levels > centre - 0.5).astype(np.float64)
    return np.clip((levels - (centre - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)


def linear_exact(levels: Floats, centre: float, width: float) -> Floats:
    """Window to 0..1 as the VOI LUT function LINEAR_EXACT (PS3.3 C.11.2.1.3.2); width above 0."""
    return np.clip((levels - centre) / width + 0.5, 0.0, 1.0)


def sigmoid(levels: Floats, centre: float, width: float) -> Floats:
    """Window to 0..1 as the VOI LUT function SIGMOID (PS3.3 C.11.2.1.3.1); width above 0."""
    return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (levels - centre) / width, -500.0, 500.0)))


WINDOWS = {"LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}


def levels_of(stored: npt.NDArray[np.generic]) -> tuple[Floats, Floats, npt.NDArray[np.intp] | None]:
    """Return levels float64, counts float64, and the index of each pixel's level (None: the levels are the pixels themselves).

    Integers that span at most 65,536 values become a table; wider ones and floating point stay pixels [H,W].
    """
    if stored.dtype.kind == "f":
        return stored.astype(np.float64), np.ones(stored.shape), None
    low, high = int(stored.min()), int(stored.max())
    if high - low >= 65536:
        return stored.astype(np.float64), np.ones(stored.shape), None
    index = np.subtract(stored, low, dtype=np.intp, casting="unsafe")
    counts = np.bincount(index.ravel(), minlength=high - low + 1)
    return np.arange(low, high + 1, dtype=np.float64), counts.astype(np.float64), index


def percentiles(levels: Floats, counts: Floats) -> tuple[float, float]:
    """Return the values that 1 % and 99 % of the pixels do not exceed (the inverse of the distribution function).

    Levels that no pixel has (count 0) and that are not finite do not count; without any pixel the answer is (0, 0).
    """
    taken = (counts > 0) & np.isfinite(levels)
    if not taken.any():
        return 0.0, 0.0
    values, weights = levels[taken], counts[taken]
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    below = np.searchsorted(reached, [share * reached[-1] for share in PERCENTILES])
    low, high = values[order][np.minimum(below, reached.size - 1)]
    return float(low), float(high)


def between(levels: Floats, low: float, high: float) -> Floats:
    """Scale so that `low` is 0 and `high` is 1, and clip; all 0 where low and high are the same."""
    if not high > low:
        return np.zeros(levels.shape)
    return np.clip((levels - low) / (high - low), 0.0, 1.0)


def by_percentiles(levels: Floats, counts: Floats, notes: Notes) -> Floats:
    """Scale to 0..1 by the percentiles, and say so; a flat image becomes black, with a warning."""
    low, high = percentiles(levels, counts)
    if not high > low:
        # Most of the image is one grey: what differs from it is still worth showing.
        seen = levels[(counts > 0) & np.isfinite(levels)]
        low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
    if not high > low:
        notes.warnings.append("The whole image is one grey: it is shown black")
    notes.steps.append(f"window by percentiles: 1 % ({low:g}) black, 99 % ({high:g}) white")
    return between(levels, low, high)


def luma(colours: npt.NDArray[np.generic], top: float = 1.0) -> npt.NDArray[np.float32]:
    """Red, green, blue [H,W,3] to grey float32 [H,W] (ITU-R BT.601), divided by `top`; in float64, some rows at a time."""
    grey = np.empty(colours.shape[:2], dtype=np.float32)
    for row in range(0, len(grey), _ROWS):
        red, green, blue = (colours[row : row + _ROWS, :, channel].astype(np.float64) / top for channel in range(3))
        grey[row : row + _ROWS] = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
    return grey


def plain(number: float) -> str:
    """Write a number as a person would: 550, 114.516, -1024."""
    return f"{number:.6g}" if math.isfinite(number) else str(number)


def shown(stored: npt.NDArray[Any], look: Look, notes: Notes) -> npt.NDArray[np.float32]:
    """Turn stored values [H,W] into grey values float32 [H,W], 0 black to 1 white, as `look` says; steps go to `notes`.

    Padding and what is not a number is black, after the inversion. The grey range is that of the window or table, never that
    of the pixels; only where there is none, or it shows nothing, the percentiles decide.
    """
    with np.errstate(all="ignore"):  # what is not a number becomes black below
        return _shown(stored, look, notes)


def _shown(stored: npt.NDArray[Any], look: Look, notes: Notes) -> npt.NDArray[np.float32]:
    levels, counts, index = levels_of(stored)
    background = ~np.isfinite(levels)
    if look.padding is not None:
        background |= (levels >= look.padding[0]) & (levels <= look.padding[1])
    if (counts[~background] > 0).any():
        counts = np.where(background, 0.0, counts)
    else:
        background[...] = False
    grey = _presented(_windowed(_modality(levels, look, notes), counts, look, notes), look, notes)
    if look.inverted:
        notes.steps.append(f"inverted: {look.inverted}")
        grey = 1.0 - grey
    if (background & (look.padding is not None)).any():
        notes.steps.append("padding black")
    table: npt.NDArray[np.float32] = np.where(background | ~np.isfinite(grey), 0.0, grey).astype(np.float32)
    return table if index is None else table[index]


def _modality(levels: Floats, look: Look, notes: Notes) -> Floats:
    """Stored values to modality values: the table or slope and intercept."""
    if look.modality:
        notes.steps.append(f"Modality LUT of {look.modality.values.size} entries")
        return look.modality(levels)
    slope, intercept = look.rescale
    if (slope, intercept) != (1.0, 0.0):
        notes.steps.append(f"rescaled: times {plain(slope)}, plus {plain(intercept)}")
    return levels * slope + intercept


def _windowed(values: Floats, counts: Floats, look: Look, notes: Notes) -> Floats:
    """Modality values to 0..1 by the VOI LUT, the window, or the percentiles."""
    if look.voi:
        grey, step = look.voi(values) / look.voi.top, f"VOI LUT of {look.voi.values.size} entries, {look.voi.bits} bits"
    elif look.window:
        window = look.window
        grey = WINDOWS[window.function](values, window.centre, window.width)
        step = f"window {window.function}: centre {plain(window.centre)}, width {plain(window.width)}"
    else:
        return by_percentiles(values, counts, notes)
    if _flat(grey[counts > 0], 1 / 255) and not _flat(values[counts > 0], 0):
        notes.warnings.append(f"The file's {step.partition(' ')[0]} shows nothing of the image: percentiles are taken")
        return by_percentiles(values, counts, notes)
    notes.steps.append(step)
    notes.window = None if look.voi else look.window
    return grey


def _flat(values: Floats, tolerance: float) -> bool:
    return bool(values.size == 0 or np.ptp(values) <= tolerance)


def _presented(grey: Floats, look: Look, notes: Notes) -> Floats:
    """Apply a presentation LUT to 0..1 (PS3.3 C.11.4); its shape INVERSE is part of `look.inverted`."""
    table = look.presentation
    if table is None:
        return grey
    notes.steps.append(f"presentation LUT of {table.values.size} entries")
    return table(grey * (table.values.size - 1) + table.first) / table.top
