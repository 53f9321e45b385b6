"""What a network will not see of the radiographs where a square is cut out of each, in words."""

import numpy as np
from numpy.typing import NDArray

Shapes = NDArray[np.int64]
"""int64 [N, 2]: height and width of images, in pixels."""

MUCH = 0.1
"""Share of an image from which on its loss is told."""


def told(shapes: Shapes, fit: str) -> tuple[str, ...]:
    """A sentence on the training images that lose more than a tenth; none where nothing is cut off, or less of each."""
    lost = left_out(shapes) if fit == "crop" else np.zeros(0)
    much = np.count_nonzero(lost > MUCH)
    if not much:
        return ()
    words = (
        f"Fit crop leaves out more than a tenth of {much} of {len(lost)} training images, up to {lost.max():.0%}: what lies at "
        "the ends of their longer side is not seen. To show all of them, set Fit to pad."
    )
    return (words,)


def left_out(shapes: Shapes) -> NDArray[np.float64]:
    """The share of each image, float64 [N] in 0..1, that lies outside of its largest square."""
    return np.asarray(1 - shapes.min(axis=1, initial=np.iinfo(np.int64).max) / shapes.max(axis=1, initial=1), np.float64)
