"""Where a view looks: zoom and centre. Two views with one sight show the same place, whatever their sizes are."""

from dataclasses import dataclass, replace
from typing import Self

FURTHEST, NEAREST = 0.02, 32.0
STEP = 1.25
"""One zoom step of a key or button."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Sight:
    """`zoom`: screen pixels (not points) per pixel of the image; `x`, `y`: what stands in the centre of the view.

    Places in an image are (column, row) with fractions: its first pixel reaches from (0, 0) to (1, 1). Places and sizes of a
    view are in screen pixels.
    """

    zoom: float
    x: float
    y: float

    @classmethod
    def whole(cls, image: Size, view: Size) -> Self:
        """As large as a whole image (width, height) fits into a view (width, height)."""
        zoom = min(view[0] / image[0], view[1] / image[1])
        return cls(min(max(zoom, FURTHEST), NEAREST), image[0] / 2, image[1] / 2)

    def origin(self, view: Size) -> tuple[int, int]:
        """Where the image's top left corner lies, on whole screen pixels, so that it is not blurred."""
        return round(view[0] / 2 - self.x * self.zoom), round(view[1] / 2 - self.y * self.zoom)

    def place(self, x: float, y: float, view: Size) -> tuple[float, float]:
        """The place in the image that is shown at (x, y) of the view; it may lie outside."""
        left, top = self.origin(view)
        return (x - left) / self.zoom, (y - top) / self.zoom

    def spot(self, column: float, row: float, view: Size) -> tuple[float, float]:
        """Where in the view a place in the image is shown."""
        left, top = self.origin(view)
        return left + column * self.zoom, top + row * self.zoom

    def zoomed(self, zoom: float, x: float, y: float, view: Size) -> Self:
        """Another zoom; what is shown at (x, y) of the view stays there."""
        zoom = min(max(zoom, FURTHEST), NEAREST)
        column, row = self.place(x, y, view)
        return type(self)(zoom, column - (x - view[0] / 2) / zoom, row - (y - view[1] / 2) / zoom)

    def moved(self, right: float, down: float) -> Self:
        """The image moved by so many screen pixels."""
        return replace(self, x=self.x - right / self.zoom, y=self.y - down / self.zoom)

    def within(self, image: Size) -> Self:
        """So that the centre of the view lies on the image, and it cannot get lost."""
        return replace(self, x=min(max(self.x, 0.0), image[0]), y=min(max(self.y, 0.0), image[1]))
