"""Grey values and heat map -> bytes for the screen, for the visible part only and at the screen's own resolution.

What depends on the place is kept while the window moves, and the other way round, so that a step of a drag costs table lookups
only: for a view of 900 x 600 in a radiograph of 3000 x 3000 about 1 ms without and 7 ms with a heat map, on one core.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxr_desktop.widgets.pyramid import Box, Part, Pyramid
from cxr_desktop.widgets.window_level import FULL, STEPS, Window, quantised, table
from trainer import colours

BAND = 64
"""Rows that are blended at once: their intermediate results stay in the processor's cache."""


@dataclass(frozen=True)
class Look:
    """How values are shown: `top` is the heat map's value of the brightest colour, `opacity` (0..1) how much that covers."""

    window: Window = FULL
    inverted: bool = False
    top: float = 0.0
    opacity: float = 0.6


class Rendering:
    """Draws one view; keeps what the next drawing may need again."""

    def __init__(self) -> None:
        self._grey, self._heat = Part(quantised), Part(self._heat_places)
        self._top = 0.0
        self._greys: tuple[object, NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint32]] | None = None
        self._covers: tuple[float, NDArray[np.float32], NDArray[np.float32]] | None = None

    def grey(self, pyramid: Pyramid, zoom: float, box: Box, look: Look) -> NDArray[np.uint8]:
        """The radiograph alone: uint8 [height, width]; `box` is left, top, width, height in screen pixels at that zoom."""
        return np.take(self._grey_table(look)[1], self._grey.of(pyramid, zoom, box))

    def overlay(self, pyramid: Pyramid, heat: Pyramid, zoom: float, box: Box, look: Look) -> NDArray[np.uint8]:
        """Radiograph and heat map as in `trainer.colours.blended`: uint8 [height, width, 4], blue, green, red, 255."""
        if look.top != self._top:
            self._top = look.top
            self._heat.forget()
        grey_places, heat_places = self._grey.of(pyramid, zoom, box), self._heat.of(heat, zoom, box)
        picture = np.take(self._grey_table(look)[2], grey_places).view(np.uint8).reshape(*grey_places.shape, 4)
        for top in range(0, len(picture), BAND):
            columns = np.flatnonzero(heat_places[top : top + BAND].any(axis=0))
            if columns.size:  # where there is no evidence the radiograph stays as it is
                part = np.s_[top : top + BAND, columns[0] : columns[-1] + 1]
                self._cover(picture[part], grey_places[part], heat_places[part], look)
        return picture

    def _cover(
        self, picture: NDArray[np.uint8], grey_places: NDArray[np.uint16], heat_places: NDArray[np.uint16], look: Look
    ) -> None:
        """Draw a part of the overlay into its part of the picture."""
        kept, added = self._cover_tables(look.opacity)
        places = heat_places.astype(np.intp)  # once, instead of in each lookup
        grey = np.take(self._grey_table(look)[0], grey_places)
        grey *= np.take(kept, places)
        for channel in range(3):
            picture[..., 2 - channel] = grey + np.take(added[channel], places)

    def _heat_places(self, values: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Shares of the top as places in the tables; rounded down, so that each falls on the colour of `colours.steps`."""
        places = np.zeros(values.shape, np.uint16)
        for start in range(0, len(values), BAND) if self._top > 0 else ():
            shares = np.divide(values[start : start + BAND], self._top, dtype=np.float64)
            shares *= STEPS
            places[start : start + BAND] = np.clip(shares, 0, STEPS - 1, out=shares)
        return places

    def _grey_table(self, look: Look) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint32]]:
        """What is shown for each grey value: not rounded, rounded, and as bytes blue, green, red, 255."""
        key = (look.window, look.inverted)
        if self._greys is None or self._greys[0] != key:
            values = table(look.window, inverted=look.inverted)
            rounded = np.rint(values).astype(np.uint8)
            four = np.stack([rounded, rounded, rounded, np.full_like(rounded, 255)], axis=1)
            self._greys = key, values, rounded, four.view(np.uint32)[:, 0]
        return self._greys[1:]

    def _cover_tables(self, opacity: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each share of the top: how much of the radiograph is kept [n], and what is added to it [3, n], with rounding."""
        if self._covers is None or self._covers[0] != opacity:
            share = np.arange(STEPS, dtype=np.float32) / np.float32(STEPS)
            alpha = share * np.float32(opacity)
            added = np.ascontiguousarray((colours.TABLE[colours.steps(share)] * (alpha * 255)[:, None] + 0.5).T)
            self._covers = opacity, 1 - alpha, added
        return self._covers[1], self._covers[2]
