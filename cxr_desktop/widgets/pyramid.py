"""A large picture in halved sizes, so that any part of it is drawn at any zoom in a few milliseconds, and without aliasing."""

from collections.abc import Callable

import numpy as np
import PIL.Image
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.uint16]
Box = tuple[int, int, int, int]

CRISP = 3.0
"""Above this zoom single pixels are shown as squares."""


class Pyramid:
    """Values float32 [H,W] and, made when they are first needed, their means over 2x2, 4x4, ... pixels."""

    def __init__(self, values: Floats) -> None:
        self.values = np.ascontiguousarray(values, dtype=np.float32)
        self._levels = [self.values]
        self._pictures: dict[int, PIL.Image.Image] = {}

    def size(self, zoom: float) -> tuple[int, int]:
        """Width and height of the whole at a zoom (screen pixels per pixel), at least 1."""
        height, width = self.values.shape
        return max(1, int(width * zoom + 1e-6)), max(1, int(height * zoom + 1e-6))

    def sample(self, zoom: float, left: int, top: int, width: int, height: int) -> Floats:
        """A part of the whole at a zoom: float32 [height, width]. The part is in screen pixels and lies within `size(zoom)`.

        Below 1 : 1 every pixel has its share in the result; at 1 : 1 it is the values themselves; up to 3 : 1 values are
        interpolated, and above repeated.
        """
        if zoom == 1:
            return self.values[top : top + height, left : left + width]
        if zoom > CRISP:
            return self._repeated(zoom, left, top, width, height)
        number = 0
        while zoom * 2 ** (number + 1) <= 1 and min(self._level(number).shape) > 1:
            number += 1
        level, scale = self._picture(number), zoom * 2**number
        right, bottom = min((left + width) / scale, level.width), min((top + height) / scale, level.height)
        box = (left / scale, top / scale, right, bottom)
        return np.asarray(level.resize((width, height), PIL.Image.Resampling.BILINEAR, box=box))

    def _repeated(self, zoom: float, left: int, top: int, width: int, height: int) -> Floats:
        """Each screen pixel has the value under its centre, told from its place in the whole: parts made one by one fit."""
        rows = ((top + np.arange(height) + 0.5) / zoom).astype(np.intp)
        columns = ((left + np.arange(width) + 0.5) / zoom).astype(np.intp)
        return self.values[rows[0] : rows[-1] + 1].take(columns, axis=1).take(rows - rows[0], axis=0)

    def _level(self, number: int) -> Floats:
        while len(self._levels) <= number:
            self._levels.append(_halved(self._levels[-1]))
        return self._levels[number]

    def _picture(self, number: int) -> PIL.Image.Image:
        if number not in self._pictures:
            self._pictures[number] = PIL.Image.fromarray(self._level(number))
        return self._pictures[number]


def _halved(values: Floats) -> Floats:
    """Means of 2x2 pixels; an odd last row or column counts twice."""
    height, width = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2)), mode="edge")
    rows = values[0::2] + values[1::2]
    means: Floats = (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return means


class Part:
    """The part of a pyramid that a view shows now, converted to what its tables are asked for.

    Moved by some pixels, only what comes into view is made.
    """

    def __init__(self, convert: Callable[[Floats], Places]) -> None:
        self._convert = convert
        self._pyramid: Pyramid | None = None
        self._zoom = 0.0
        self._box: Box = (0, 0, 0, 0)
        self._places: Places = np.empty((0, 0), np.uint16)

    def forget(self) -> None:
        """Nothing is kept: the conversion has changed."""
        self._pyramid = None

    def of(self, pyramid: Pyramid, zoom: float, box: Box) -> Places:
        """`Pyramid.sample` of a box (left, top, width, height), converted: uint16 [height, width]."""
        same = pyramid is self._pyramid and zoom == self._zoom
        if not same:
            self._places = self._convert(pyramid.sample(zoom, *box))
        elif box != self._box:
            self._places = self._moved(pyramid, zoom, box)
        self._pyramid, self._zoom, self._box = pyramid, zoom, box
        return self._places

    def _moved(self, pyramid: Pyramid, zoom: float, box: Box) -> Places:
        left, top, width, height = box
        right, bottom = left + width, top + height
        old_left, old_top, old_width, old_height = self._box
        x0, x1 = max(left, old_left), min(right, old_left + old_width)
        y0, y1 = max(top, old_top), min(bottom, old_top + old_height)
        if x0 >= x1 or y0 >= y1:
            return self._convert(pyramid.sample(zoom, *box))
        places = np.empty((height, width), np.uint16)
        known = self._places[y0 - old_top : y1 - old_top, x0 - old_left : x1 - old_left]
        places[y0 - top : y1 - top, x0 - left : x1 - left] = known
        for a, b, c, d in ((left, top, right, y0), (left, y1, right, bottom), (left, y0, x0, y1), (x1, y0, right, y1)):
            if a < c and b < d:
                places[b - top : d - top, a - left : c - left] = self._convert(pyramid.sample(zoom, a, b, c - a, d - b))
        return places
