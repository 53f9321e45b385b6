"""Radiographs made for the viewer's tests: known pixels, known facts, a heat map with a known maximum."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from trainer.headers import Facts
from trainer.images import Image


def radiograph(height: int = 120, width: int = 160, *, view: str = "PA", seed: int = 3) -> Image:
    """8-bit noise, so that every pixel is known exactly on the screen."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.float32) / np.float32(255)
    return Image(pixels, Facts("PNG", width, height, 8, "L", view=view))


def heat_over(image: Image, maximum: float = 3.2) -> NDArray[np.float32]:
    """A map that is zero on the left and rises to the right to `maximum`."""
    height, width = image.pixels.shape
    ramp = np.clip(np.linspace(-1, 1, width, dtype=np.float32), 0, None) * np.float32(maximum)
    return np.tile(ramp, (height, 1))


def pixels_of(image: QImage) -> NDArray[np.int64]:
    """Red, green and blue of a picture, int64 [H, W, 3]."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).astype(np.int64)
