"""Masks that lie beside radiographs: where somebody has drawn the lungs or a lesion."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer import images
from trainer.errors import ImageError

SLACK = 0.01
"""How far the ratio of the sides may be another one, as a share: sizes are whole pixels."""


def read(path: Path, shape: tuple[int, int]) -> tuple[NDArray[np.bool_], str]:
    """Read a mask for an image of `shape` (H, W) -> bool [H, W], True inside, and in words what was done to make it fit.

    Inside is what is brighter than half of the brightest pixel, so that 0 and 1, 0 and 255, and the ripples of a lossy file all
    mean the same; a black mask is empty. One of the same form in another size, as datasets often keep them, is stretched by its
    nearest pixels. Raises `ImageError` (not readable, of another form) and `StorageError`.
    """
    pixels = images.read(path).pixels
    inside = pixels > pixels.max(initial=0.0) / 2
    (height, width), (tall, wide) = pixels.shape, shape
    if (height, width) == shape:
        return inside, ""
    if abs(width * tall - height * wide) > SLACK * wide * height:
        raise ImageError(
            f"The mask has {width} × {height} pixels and its image {wide} × {tall}, which is another form",
            where=path,
            remedy="It may belong to another image.",
        )
    rows = (np.arange(tall) * 2 + 1) * height // (2 * tall)
    columns = (np.arange(wide) * 2 + 1) * width // (2 * wide)
    return inside[np.ix_(rows, columns)], f"stretched from {width} × {height} pixels"
