"""Whether a picture looks like a frontal chest radiograph, from its pixels alone: one sentence where it does not.

How strongly and in which direction grey values rise is counted in 8 x 8 cells of the picture (histograms of oriented gradients:
Dalal and Triggs, CVPR 2005). What the two halves of the picture have in common, and where they differ, is weighed by a
logistic model that `benchmarks/appearance.py` fits and judges; docs/measured.md has its errors. It sees the large shapes: two
dark fields, the bright column between them, what lies above and below. It knows nothing of findings.
"""

import base64
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import PIL.Image

Pixels = npt.NDArray[np.float32]

SIDE, CELLS, DIRECTIONS = 64, 8, 8
"""The picture is weighed as a square of 64 pixels in 8 x 8 cells, with 8 directions in each."""
SUSPECT = 0.0
"""Pictures with a score below are told: the model finds it more probable that they are something else."""
SURE = 3.0
"""Score from which on a picture that was turned or inverted for a trial is said to be a frontal chest one (odds 20:1)."""
EMPTY = 0.01
"""Standard deviation of the grey values below which there is nothing to see."""

TRIALS: Mapping[str, Callable[[Pixels], Pixels]] = {
    "with black and white exchanged": lambda picture: 1 - picture,
    "upside down": lambda picture: picture[::-1, ::-1],
    "on its side, head to the left": lambda picture: np.rot90(picture, -1),
    "on its side, head to the right": lambda picture: np.rot90(picture),
}
"""What may have been done to a radiograph, and how it is taken back."""

_COARSE = 256  # of large pictures every so many-th pixel is taken: what is looked at is far larger than a pixel
_BORDER = 6 / 255  # rows and columns that vary less are film edges and bars
_LEAST = 0.3  # share of rows and columns that must be left without them
_CELL = SIDE // CELLS
_SOFT = 1e-3  # keeps what is all but empty from being weighed like an edge
_LARGEST = 0.6  # one strong edge, a wire or a letter, counts no more than this
_PLACE = (np.add.outer(np.arange(SIDE) // _CELL * CELLS, np.arange(SIDE) // _CELL) * DIRECTIONS).astype(np.intp)
_MIRRORED = (DIRECTIONS // 2 - np.arange(DIRECTIONS)) % DIRECTIONS
_AROUND = np.array([1, 2, 3, 2, 1]) / 9
_WEIGHTS = (
    "ABMjAvsD+Qb5EzwT/AwEAgwbKBTvAAkfGw/7Be//AxoFERT8BCcEDwQJFhABBfzs+RMaFwcL/gIZIwMKAeq7GggB++oJGfsJBPgbCQcO+voGGBMPBwf9Bh4i"
    "/xEG3MIHDfW05Agj7QgF+Q4BEhz1/BoiEQgBBg0aLULZ/hLkyPwNBu/gCiDg9g4UEPULFufzHCcPBwEI5AoXHd8NCJeD7xcD5c4NGdzkFBMG0gQT5/YNFwvs"
    "+AH6AwcU8g/vpKf5JwTV2Q0K0ukOEf3EAQ3H1wEL9+PV5s/4Axjy+NvosuYuC/zjBfDv+gYYBOPl6PnU5AcJ463u+IECDAcX2gMECN7WAQcBE9fa6fYRJwMF"
    "9gz19jQb7PDhEggIP/3kGRIZ0vo1GA075AaQ+SYM3u7/9eTfJQDqBdsWAQsy9QUZGwvjDx4IESgi5taoKgAGEPoMCff35wcX+RT8HjzL6M0pJvr3CN8FJvfc"
    "/+My+hMY0fUR+hsDERPx+houKekU5AsF/QImAQwi9PgEBSP8ABzXARwcDxYHHrXlEzkgHhLk+eAH6iXvCCAW3AkZHef3EdYPGgoZCQIX7w0SMCsLCsP88QPw"
    "CfAHEPraDQ0R5fAP4gsJBQH50/jnCAUUIwfz1sLq/PL+9QTuA+D8DREA7iIH+ADTAAO3/g0R8PAhJ8fdF/Y="
)
_SCALE, _BIAS = 0.0196891, -4.0356


def remark(pixels: Pixels) -> str:
    """What speaks against a picture [H, W] in 0 (black) to 1 (white), as one sentence; "" if nothing does.

    Takes some 2 ms, and 6 ms where there is something to say.
    """
    small = _thinned(pixels)
    if float(small.std()) < EMPTY:
        return "There is next to nothing in this picture: its grey values hardly differ."
    if score(small) >= SUSPECT:
        return ""
    for how, turned_back in TRIALS.items():
        if score(turned_back(small)) >= SURE:
            return f"This looks like a frontal chest radiograph {how}: a network has not learned from any like it."
    return "This does not look like a frontal chest radiograph: look at it before you believe a prediction of it."


def is_odd(pixels: Pixels) -> bool:
    """Whether `remark` has something to say; takes 1 ms."""
    small = _thinned(pixels)
    return float(small.std()) < EMPTY or score(small) < SUSPECT


def score(pixels: Pixels) -> float:
    """Logarithm of the odds that a picture [H, W] in 0..1 is a frontal chest radiograph, as far as it looks like one."""
    return float(features(pixels) @ _weights()) + _BIAS


def features(pixels: Pixels) -> Pixels:
    """Describe a picture [H, W] in 0..1 by float32 [512]: what its halves have in common (256), and how they differ (256).

    Mirroring the picture changes nothing.
    """
    dy, dx = np.gradient(np.sqrt(np.clip(square(pixels), 0, 1)))
    strength = np.hypot(dx, dy)
    turn = np.arctan2(dy, dx) % (2 * np.pi) * (DIRECTIONS / (2 * np.pi))
    lower = turn.astype(np.intp)
    upper_share = turn - lower
    count = CELLS * CELLS * DIRECTIONS
    cells = np.bincount((_PLACE + lower % DIRECTIONS).ravel(), (strength * (1 - upper_share)).ravel(), count)
    cells += np.bincount((_PLACE + (lower + 1) % DIRECTIONS).ravel(), (strength * upper_share).ravel(), count)
    each = _evened(np.asarray(cells.reshape(CELLS, CELLS, DIRECTIONS), np.float64))
    mirrored = each[:, ::-1][:, :, _MIRRORED]
    half = slice(0, CELLS // 2)
    both = ((each + mirrored)[:, half] / 2, np.abs(each - mirrored)[:, half] / 2)
    return np.concatenate([part.ravel() for part in both]).astype(np.float32)


def square(pixels: Pixels) -> Pixels:
    """What is looked at: float32 [64, 64] of a picture [H, W], without borders that are all of one grey."""
    inside = _thinned(pixels)
    rows, columns = (np.flatnonzero(inside.std(axis) > _BORDER) for axis in (1, 0))
    if len(rows) > _LEAST * inside.shape[0] and len(columns) > _LEAST * inside.shape[1]:
        inside = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    way = PIL.Image.Resampling.BOX if min(inside.shape) >= SIDE else PIL.Image.Resampling.BILINEAR
    return np.asarray(PIL.Image.fromarray(np.ascontiguousarray(inside)).resize((SIDE, SIDE), way), np.float32)


def _thinned(pixels: Pixels) -> Pixels:
    step = max(1, min(pixels.shape) // _COARSE)
    return np.ascontiguousarray(pixels[step // 2 :: step, step // 2 :: step], dtype=np.float32)


def _evened(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Divide by the strength of the neighbourhood, so that exposure and contrast do not count."""
    around = np.pad((cells**2).sum(2), 2, mode="edge")
    for axis in (0, 1):
        around = np.apply_along_axis(np.convolve, axis, around, _AROUND, "valid")
    evened: npt.NDArray[np.float64] = np.minimum(cells / np.sqrt(around + _SOFT)[..., None], _LARGEST)
    return evened


def _weights() -> Pixels:
    return np.frombuffer(base64.b64decode(_WEIGHTS), np.int8).astype(np.float32) * np.float32(_SCALE)
