"""One line of a chart as numbers: its extent, and the few points of it that a screen can show."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

STYLES = ("solid", "dash", "dot")
FAR = 4e6
"""Pixels: beyond it Qt's rasteriser cuts lines wrongly."""
_LARGEST = 1e100
"""What is larger could not be scaled without an overflow."""


@dataclass(frozen=True)
class Window:
    """What an area of `width` x `height` pixels shows: x from `left` to `right`, heights from `bottom` to `top`.

    A height is y itself, or with `log` its decimal logarithm.
    """

    left: float
    right: float
    bottom: float
    top: float
    width: float
    height: float
    log: bool = False

    def to_pixels(self, x: Floats, heights: Floats) -> tuple[Floats, Floats]:
        """x and heights [N] -> pixels from the upper left corner, at most `FAR` away; nan stays nan."""
        across = (x - self.left) * (self.width / (self.right - self.left))
        down = (self.top - heights) * (self.height / (self.top - self.bottom))
        return np.clip(across, -FAR, FAR), np.clip(down, -FAR, FAR)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where one point lies, in pixels; nan where it has no place."""
        across, down = self.to_pixels(np.array([x], dtype=np.float64), np.array([height(y, self.log)]))
        return float(across[0]), float(down[0])


@dataclass(frozen=True, eq=False)
class Trace:
    """x and y float64 [N], nan is a gap, and how they are drawn."""

    x: Floats
    y: Floats
    colour: int
    style: str = "solid"
    width: float = 2.0
    faint: bool = False
    points: bool = False
    _heights: dict[bool, Floats] = field(default_factory=dict, init=False, repr=False)
    _bounds: dict[bool, tuple[float, float, float, float] | None] = field(default_factory=dict, init=False, repr=False)

    def heights(self, log: bool) -> Floats:
        """y as it is drawn: itself, or its decimal logarithm, nan where it is not above 0. Infinite is nan."""
        if log not in self._heights:
            good = (np.abs(self.y) < _LARGEST) & (np.abs(self.x) < _LARGEST) & ((self.y > 0) | (not log))
            values = np.where(good, self.y, 1.0)
            self._heights[log] = np.where(good, np.log10(values) if log else values, np.nan)
        return self._heights[log]

    def bounds(self, log: bool) -> tuple[float, float, float, float] | None:
        """Smallest and largest x and height of the drawn points; None without any."""
        if log not in self._bounds:
            y = self.heights(log)
            good = np.isfinite(y)
            x, y = self.x[good], y[good]
            self._bounds[log] = (float(x.min()), float(x.max()), float(y.min()), float(y.max())) if x.size else None
        return self._bounds[log]

    def last(self) -> float:
        """The last defined y; nan without any."""
        defined = self.y[np.isfinite(self.y)]
        return float(defined[-1]) if defined.size else float("nan")

    @cached_property
    def whole(self) -> bool:
        """Whether all x are whole numbers (epochs, steps)."""
        x = self.x[np.isfinite(self.x)]
        return bool((x == np.rint(x)).all())

    def thinned(self, window: Window, *, per_pixel: float = 1.0) -> Indices:
        """Indices of the points that decide what is seen, in order: of each run of points in one column the first, lowest,
        highest and last (M4: Jugel et al., VLDB 2014), or only the first if they are equally high to half a column's width.
        There are `per_pixel` columns in a pixel; all points on either side of the window are one run.
        """
        y = self.heights(window.log)
        if y.size <= 4 * window.width:
            return np.arange(y.size)
        column = np.floor((self.x - window.left) * (per_pixel * window.width / (window.right - window.left)))
        column = np.where(np.isfinite(y), np.clip(column, -1, per_pixel * window.width), -9)
        starts = np.flatnonzero(np.diff(column, prepend=np.nan) != 0)
        lengths = np.diff(starts, append=y.size)
        filled = np.where(np.isfinite(y), y, 0.0)
        low, high = np.minimum.reduceat(filled, starts), np.maximum.reduceat(filled, starts)
        tall = (high - low) * (per_pixel * window.height / (window.top - window.bottom)) > 0.5
        tall |= (column[starts] < 0) | (column[starts] >= per_pixel * window.width)
        lowest, highest = _first_equal(filled, low, lengths), _first_equal(filled, high, lengths)
        return np.unique(np.concatenate([starts, lowest[tall], highest[tall], (starts + lengths - 1)[tall]]))


def height(y: float, log: bool) -> float:
    """How high y stands on its scale; nan if it has no place there."""
    if not log:
        return float(y)
    return math.log10(y) if y > 0 else math.nan


def _first_equal(values: Floats, wanted: Floats, lengths: Indices) -> Indices:
    """Index of the first value of each run that equals the wanted one of that run."""
    run = np.repeat(np.arange(lengths.size), lengths)
    found = np.flatnonzero(values == wanted[run])
    return found[np.diff(run[found], prepend=-1) > 0]


def pieces(x: Floats, y: Floats) -> list[slice]:
    """The parts between gaps (nan in y): slices of at least one point."""
    good = np.concatenate([[False], np.isfinite(y) & np.isfinite(x), [False]])
    edges = np.flatnonzero(np.diff(good.astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def ink_length(across: Floats, down: Floats) -> float:
    """How long a line through these pixels is."""
    return float(np.hypot(np.diff(across), np.diff(down)).sum())


def columns(across: Floats, down: Floats) -> tuple[Indices, Floats, Floats, Indices]:
    """A dense line as upright bars: places in whole pixels [C], upper and lower ends [C], joined where they are neighbours;
    and the indices of the points after which a column is left out, so that a slanted line must follow.
    """
    place = np.floor(across).astype(np.intp)
    starts = np.flatnonzero(np.diff(place, prepend=place[0] - 1) != 0)
    upper, lower = np.minimum.reduceat(down, starts), np.maximum.reduceat(down, starts)
    column = place[starts]
    joined = np.abs(np.diff(column)) == 1
    first, last = upper[:1], lower[:1]
    joined_upper = np.where(joined, np.minimum(upper[1:], lower[:-1]), upper[1:])
    joined_lower = np.where(joined, np.maximum(lower[1:], upper[:-1]), lower[1:])
    return column, np.append(first, joined_upper), np.append(last, joined_lower), starts[1:][~joined] - 1
