"""Drawing in chest units: the detector's pixels, antialiased polygons and bones, smooth lines, blur and noise.

Lengths are in chest units: the detector is 2 wide and 2 high, x grows to the right of the image (the left of the patient), y
downwards. One unit is 18 cm.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

CM_PER_UNIT = 18.0


@dataclass(frozen=True)
class Pose:
    """How the patient stood for one image."""

    angle: float  # radians
    zoom: float
    shift: tuple[float, float]
    breath: float  # how much lower the domes stand
    turn: float  # how far the front of the chest is turned to the side
    gas: float  # size of the stomach bubble, 0 for none


def pose(rng: np.random.Generator) -> Pose:
    """Draw how a patient stands."""
    return Pose(
        angle=float(np.clip(rng.normal(0, 0.022), -0.05, 0.05)),
        zoom=float(rng.uniform(1.02, 1.27)),
        shift=(float(np.clip(rng.normal(0, 0.025), -0.05, 0.05)), float(np.clip(rng.normal(0.03, 0.03), -0.04, 0.08))),
        breath=float(np.clip(rng.normal(0, 0.03), -0.07, 0.06)),
        turn=float(np.clip(rng.normal(0, 0.012), -0.03, 0.03)),
        gas=float(rng.uniform(0.5, 1.1)) if rng.random() < 0.55 else 0.0,
    )


@dataclass(frozen=True, eq=False)
class Frame:
    """The detector's pixels in chest units: `x`, `y` float32 [S, S]."""

    size: int
    pose: Pose
    x: Array
    y: Array

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chest units [..., 2] -> pixel coordinates [..., 2] (column, row; the edge of the first pixel is 0)."""
        cos, sin = np.cos(self.pose.angle), np.sin(self.pose.angle)
        turned = points @ np.array([[cos, sin], [-sin, cos]]) * self.pose.zoom + self.pose.shift
        return np.asarray((turned + 1) * (self.size / 2))


def frame(size: int, pose: Pose) -> Frame:
    """Lay the detector's pixels over the chest."""
    line = ((np.arange(size) + 0.5) / (size / 2) - 1).astype(np.float32)
    column, row = (line - np.float32(pose.shift[0])) / pose.zoom, (line - np.float32(pose.shift[1])) / pose.zoom
    cos, sin = np.float32(np.cos(pose.angle)), np.float32(np.sin(pose.angle))
    column, row = column.astype(np.float32), row.astype(np.float32)
    return Frame(size, pose, cos * column[None, :] + sin * row[:, None], cos * row[:, None] - sin * column[None, :])


class Canvas:
    """Polygons in chest units, antialiased; later ones cover earlier ones."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._fine = 3 if frame.size <= 256 else 2
        side = frame.size * self._fine
        self._image = Image.new("L", (side, side))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: NDArray[np.float64], value: NDArray[np.float64] | float) -> None:
        """Fill polygons [..., N, 2] with values [...] of 0 to 1, in their order."""
        corners = (self._frame.pixels(points) * self._fine).reshape(-1, 2 * points.shape[-2])
        fills = np.rint(255 * np.broadcast_to(value, points.shape[:-2])).reshape(-1).astype(int)
        for outline, fill in zip(corners.tolist(), fills.tolist(), strict=True):
            self._draw.polygon(outline, fill=fill)

    def stroke(
        self, points: NDArray[np.float64], width: NDArray[np.float64] | float, value: NDArray[np.float64] | float
    ) -> None:
        """Draw lines [..., N, 2] of some width (broadcast to [..., N])."""
        along = np.empty_like(points)
        along[..., 1:-1, :] = points[..., 2:, :] - points[..., :-2, :]
        along[..., 0, :] = points[..., 1, :] - points[..., 0, :]
        along[..., -1, :] = points[..., -1, :] - points[..., -2, :]
        across = along[..., ::-1] * [-0.5, 0.5] / np.maximum(np.hypot(along[..., 0], along[..., 1]), 1e-9)[..., None]
        offset = across * np.broadcast_to(width, points.shape[:-1])[..., None]
        self.polygon(np.concatenate([points + offset, (points - offset)[..., ::-1, :]], axis=-2), value)

    def tube(self, points: NDArray[np.float64], width: NDArray[np.float64] | float, rim: float, core: float) -> None:
        """Draw hollow bones [..., N, 2]: a rim of cortex and a core of marrow."""
        self.stroke(points, width, rim)
        self.stroke(points, np.asarray(width) * 0.62, core)

    def array(self) -> Array:
        """Return the canvas as float32 [S, S] in 0..1."""
        return np.asarray(self._image.reduce(self._fine), dtype=np.float32) * np.float32(1 / 255)


def curve(points: object, count: int = 24) -> NDArray[np.float64]:
    """Return smooth lines [..., count, 2] through points [..., N, 2] (Catmull-Rom)."""
    knots = np.asarray(points, dtype=np.float64)
    return np.asarray(_blend(knots.shape[-2], count) @ knots)


@cache
def _blend(knots: int, count: int) -> NDArray[np.float64]:
    """Weight of each knot at each point of the line, [count, knots]."""
    ends = np.zeros((knots + 2, knots))
    ends[1:-1] = np.eye(knots)
    ends[0, :2], ends[-1, -2:] = (2, -1), (-1, 2)
    place = np.linspace(0, knots - 1, count)
    first = np.minimum(place.astype(int), knots - 2)
    t = (place - first)[:, None]
    a, b, c, d = (ends[first + k] for k in range(4))
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))


def smooth(values: Array, cells: int) -> Array:
    """Blur [S, S] quickly: through a small copy with `cells` pixels along a side (no blur if there are no more)."""
    size = values.shape[0]
    small = Image.fromarray(values).resize((min(cells, size),) * 2, Image.Resampling.HAMMING)
    return np.asarray(small.resize((size, size), Image.Resampling.BICUBIC))


def clouds(rng: np.random.Generator, size: int, cells: int) -> Array:
    """Smooth random field float32 [S, S], mean 0, standard deviation about 0.7, with `cells` lumps along a side."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))
