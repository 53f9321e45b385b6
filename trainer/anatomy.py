"""A drawn chest: what belongs to the patient, and how much tissue each ray crosses.

Lengths are in chest units (see `canvas`), thickness along the ray is in centimetres.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.canvas import Array, Frame, Mask

# The silhouette of the middle, from the apex (0) to the right dome (1): half widths of the vessels in chest units, then of the
# heart as shares of its width to that side.
_RIGHT_AT = (-0.4, -0.1, 0.05, 0.2, 0.3, 0.45, 0.54, 0.62, 0.72, 0.81, 0.91, 1.0, 1.1)
_VESSELS_RIGHT = (0.17, 0.15, 0.135, 0.125, 0.12, 0.11, 0.12)
_RIGHT = (0.78, 0.94, 1.0, 0.98, 0.86, 0.7)
_LEFT_AT = (-0.4, -0.1, 0.05, 0.2, 0.3, 0.42, 0.49, 0.57, 0.67, 0.79, 0.88, 0.95, 1.01, 1.1)
_VESSELS_LEFT = (0.17, 0.15, 0.13, 0.115, 0.105, 0.10, 0.125)
_LEFT = (0.41, 0.61, 0.86, 0.97, 1.0, 0.97, 0.84)
_HEIGHTS = np.linspace(-1.6, 1.6, 641)


@dataclass(frozen=True)
class Patient:
    """The anatomy that all images of one patient share. Lengths in chest units, depth in cm."""

    sex: str
    age: int
    width: float  # half the inner width of the rib cage
    apex: float
    base: float  # height of the right dome in middle inspiration
    left_dome: float  # how much lower the left dome stands
    dome: float  # how far the dome rises over the costophrenic angle
    depth: float  # of the trunk, cm
    wall: float  # thickness of the chest wall at the side
    slope: float  # how steeply the ribs fall, 1 is usual
    rib: float  # width of a rib
    bone: float  # how much bone there is, 1 is usual
    heart: float  # cardiothoracic ratio
    lie: float  # share of the heart to the right of the midline
    aorta: float  # radius of the aortic knob
    breast: float  # depth in cm, 0 for none
    arms: float  # how far the arms are held away
    key: tuple[int, ...]  # seeds what is drawn at random of this patient

    @property
    def spacing(self) -> float:
        """Distance between neighbouring vertebrae."""
        return (self.base - self.apex) / 9.6


def patient(seed: int, number: int) -> Patient:
    """Return the anatomy of one patient; the same numbers give the same patient."""
    key = (seed, number, 0)
    rng = np.random.default_rng(key)
    woman = bool(rng.random() < 0.5)
    age = int(rng.integers(18, 91))
    width = float(np.clip(rng.normal(0.61 if woman else 0.645, 0.022), 0.56, 0.69))
    return Patient(
        sex="F" if woman else "M",
        age=age,
        width=width,
        apex=float(rng.uniform(-0.76, -0.69)),
        base=float(rng.uniform(0.30, 0.42)),
        left_dome=float(rng.uniform(0.02, 0.06)),
        dome=float(rng.uniform(0.17, 0.25)),
        depth=float(np.clip(rng.normal(21.0 if woman else 23.0, 1.4), 18, 27)),
        wall=float(rng.uniform(0.17, 0.38)),
        slope=float(rng.uniform(0.95, 1.35)),
        rib=float(rng.uniform(0.046, 0.058)),
        bone=float(rng.uniform(0.8, 1.15) * (1.1 - age / 450)),
        heart=float(rng.uniform(0.405, 0.455) + (age - 50) * 0.0005),
        lie=float(rng.uniform(0.29, 0.36)),
        aorta=float(rng.uniform(0.055, 0.070) + age * 0.0002),
        breast=float(rng.uniform(0.2, 1.7)) if woman else 0.0,
        arms=float(rng.uniform(0.0, 0.16)),
        key=key,
    )


def outer(person: Patient, y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Inner half width of the rib cage at a height, any shape, chest units; 0 above the apex."""
    share = (y - person.apex) / (0.57 - person.apex)
    table = np.array([0.30, 0.44, 0.53, 0.60, 0.70, 0.80, 0.875, 0.94, 0.985, 1.0, 0.985])
    places = np.array([-0.02, 0.015, 0.045, 0.08, 0.15, 0.25, 0.36, 0.52, 0.72, 0.92, 1.15])
    return np.asarray(np.interp(share, places, table, left=0.0) * person.width)


def _row(frame: Frame, places: Sequence[float], values: Sequence[float], blur: int = 12) -> Array:
    """A smooth function of the height, at each pixel."""
    table = np.interp(_HEIGHTS, places, values)
    window = np.hanning(2 * blur + 3)[1:-1]
    table = np.convolve(np.pad(table, blur, mode="edge"), window / window.sum(), mode="valid")
    return np.interp(frame.y, _HEIGHTS, table).astype(np.float32)


def _dome_of(share: Array) -> Array:
    """Depth 0..1 of a ball from the share of its radius."""
    return np.asarray(np.sqrt(np.maximum(1 - share, 0)), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Chest:
    """One patient on one detector. Arrays [S, S]: thickness in cm, float32; masks bool.

    `lateral` is 0 at the midline and 1 at the inner chest wall, `height` 0 at the apex and 1 at the dome's foot.
    """

    person: Patient
    frame: Frame
    body: Array
    air: Array  # of lung, with the blood in it
    gas: Array
    lateral: Array
    height: Array
    lungs: Mask
    heart: Mask


def chest(person: Patient, frame: Frame, ratio: float) -> Chest:
    """Lay out the soft parts; `ratio` is the cardiothoracic ratio wanted."""
    x, y = frame.x, frame.y
    side = np.abs(x)
    wall = np.interp(y, _HEIGHTS, _softened(outer(person, _HEIGHTS))).astype(np.float32)
    lateral = np.asarray(side / np.maximum(wall, 1e-3), dtype=np.float32)
    cage = _cage(person, frame, lateral)
    dome = _domes(person, frame, side)
    heart, middle, filled = _middle(person, frame, ratio, dome)
    foot = person.base + person.dome
    below = np.sqrt(np.clip((y - dome) / 0.06, 0, 1)) * 0.92 + np.clip((y - foot + 0.1) / 0.2, 0, 1) * 0.08
    air = np.asarray(cage * (1 - below) * (1 - 0.93 * filled), dtype=np.float32)
    fields = (lateral < 1) & (y < dome) & ~middle & (y > person.apex)
    return Chest(
        person,
        frame,
        _body(person, frame, wall),
        air,
        _gas(person, frame, dome, middle),
        lateral,
        ((y - person.apex) / (person.base - person.apex)).astype(np.float32),
        fields,
        heart,
    )


def _softened(table: NDArray[np.float64]) -> NDArray[np.float64]:
    window = np.hanning(9)
    return np.convolve(table, window / window.sum(), mode="same")


def _cage(person: Patient, frame: Frame, lateral: Array) -> Array:
    """Depth of the space inside the ribs."""
    room = person.depth - 6.0
    height = _row(
        frame,
        [person.apex - 0.02, person.apex + 0.02, person.apex + 0.1, person.apex + 0.35, 0.0, 0.6],
        [0.0, 0.30, 0.55, 0.85, 1.0, 1.0],
        blur=6,
    )
    return np.asarray(room * height * np.sqrt(np.maximum(1 - np.minimum(lateral, 1) ** 3, 0)), dtype=np.float32)


def _domes(person: Patient, frame: Frame, side: Array) -> Array:
    """Height of the diaphragm at each pixel."""
    top = np.where(frame.x < 0, person.base, person.base + person.left_dome) + np.float32(frame.pose.breath)
    middle = 0.50 * person.width
    out = np.clip((side - middle) / (person.width * 0.985 - middle), 0, 1)
    inward = np.clip((middle - side) / middle, 0, 1)
    drop = person.dome * (1 - np.sqrt(np.maximum(1 - out * out, 0)))
    return np.asarray(top + drop + 0.07 * inward * inward, dtype=np.float32)


def _ellipse(frame: Frame, centre: tuple[float, float], axes: tuple[float, float]) -> Array:
    """Squared share of the radius: 0 in the centre, 1 on the border, more outside."""
    across, down = (frame.x - np.float32(centre[0])) / axes[0], (frame.y - np.float32(centre[1])) / axes[1]
    return np.asarray(across * across + down * down, dtype=np.float32)


def _middle(person: Patient, frame: Frame, ratio: float, dome: Array) -> tuple[Mask, Mask, Array]:
    """Heart and great vessels: mask of the heart, mask of all, share 0..1 of the depth that they fill."""
    width = 2 * person.width * ratio
    right, left = width * person.lie, width * (1 - person.lie)
    tall = person.base + frame.pose.breath - person.apex
    shift = frame.pose.turn
    places = [person.apex + tall * share for share in _RIGHT_AT]
    east = _row(frame, places, [*_VESSELS_RIGHT, *(right * share for share in _RIGHT)], blur=8)
    places = [person.apex + tall * share for share in _LEFT_AT]
    west = _row(frame, places, [*_VESSELS_LEFT, *(left * share for share in _LEFT)], blur=8)
    x = frame.x - np.float32(shift)
    share = np.abs(x) / np.where(x < 0, east, west)
    knob = _ellipse(frame, (0.085 + shift, person.apex + 0.30 * tall), (person.aorta, person.aorta * 1.15))
    depth = np.maximum((1 - np.minimum(share, 1) ** 3) ** 0.4, 0.85 * _dome_of(knob) ** 0.8)
    whole = (share < 1) | (knob < 1)
    heart = (share < 1) & (frame.y > person.apex + 0.56 * tall) & (frame.y < np.maximum(dome, person.apex + 1.03 * tall))
    return heart, whole, depth.astype(np.float32)


def _body(person: Patient, frame: Frame, wall: Array) -> Array:
    """Thickness of everything, lungs counted as if they were tissue, cm."""
    x, y = frame.x, frame.y
    side = np.abs(x)
    flank = person.width + person.wall
    half = _row(
        frame,
        [-1.3, -0.98, -0.88, -0.80, -0.72, -0.60, -0.3, 0.1, 0.5, 1.2],
        [0.22, 0.23, 0.32, 0.62, 1.05, 1.35, 0.93 * flank + 0.16, flank + 0.02, flank, flank * 1.03],
        blur=10,
    )
    deep = _row(frame, [-1.3, -0.95, -0.75, -0.5, -0.2, 0.25, 0.75], [12, 13, 16, 19, 21.5, 22, 25.5], blur=20) * (
        person.depth / 22
    )
    trunk = deep * np.sqrt(np.maximum(1 - (side / half) ** 4, 0))
    reach = 0.86 + person.arms + person.wall * 0.6 + 0.22 * np.clip(y + 0.5, 0, 2)
    arm = 9.5 * _dome_of(((side - reach) / 0.17) ** 2) * np.clip((y + 0.72) / 0.1, 0, 1)
    total = np.maximum(trunk, arm)
    if person.breast:
        total = total + _breasts(person, frame)
    return np.asarray(total, dtype=np.float32)


def _breasts(person: Patient, frame: Frame) -> Array:
    """Thickness of the breasts: a ball above, a crease below."""
    droop = 0.12 + 0.06 * person.breast
    balls: Array = np.zeros_like(frame.x)
    for sign in (-1, 1):
        ball = _ellipse(frame, (sign * 0.60 * person.width, droop), (0.56 * person.width, 0.22 + 0.04 * person.breast))
        balls += _dome_of(ball) * np.clip(0.9 + (frame.y - droop) * 0.8, 0.3, 1.2)
    return np.asarray(balls * person.breast, dtype=np.float32)


def _gas(person: Patient, frame: Frame, dome: Array, middle: Mask) -> Array:
    """Depth of the gas in the stomach and the air in the windpipe, cm."""
    shift = frame.pose.turn
    windpipe = _row(frame, [-1.2, -0.34, -0.30, -0.28], [0.040, 0.040, 0.03, 0.0], blur=4)
    inside = 1 - ((frame.x + 0.008 - shift * 0.5) / np.maximum(windpipe, 1e-3)) ** 2
    tube = 1.9 * np.sqrt(np.maximum(inside, 0)) * (windpipe > 0.01)
    for sign, length in ((-1.0, 0.10), (1.0, 0.12)):
        down = (frame.y + 0.31) * 0.8 + sign * frame.x * -0.6
        along = (frame.y + 0.31) * 0.6 + sign * frame.x * 0.8
        branch = np.sqrt(np.maximum(1 - (down / 0.027) ** 2, 0)) * ((along > 0) & (along < length))
        tube = np.maximum(tube, 1.2 * branch * np.clip((length - along) / 0.05, 0, 1))
    tube *= middle
    if frame.pose.gas:
        level = person.base + person.left_dome + frame.pose.breath
        bubble = _ellipse(frame, (0.31, level + 0.10), (0.13 * frame.pose.gas, 0.075 * frame.pose.gas))
        tube = tube + 5.5 * _dome_of(bubble) * np.clip((frame.y - dome - 0.02) / 0.02, 0, 1)
    return tube.astype(np.float32)
