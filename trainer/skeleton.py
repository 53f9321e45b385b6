"""Bones and lung vessels of a drawn chest, as thickness along the ray."""

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy import Chest, Patient, outer
from trainer.canvas import CM_PER_UNIT, Array, Canvas, curve

_SIDES = (-1.0, 1.0)
_FRONT = np.interp(np.linspace(0, 1, 26), [0, 0.85, 0.96, 1], [0.85, 1.10, 0.95, 0.45])
_VERTEBRA = np.array(
    [[-0.94, -1], [0.94, -1], [1, -0.8], [0.88, 0], [1, 0.8], [0.94, 1], [-0.94, 1], [-1, 0.8], [-0.88, 0], [-1, -0.8]]
)


def bones(chest: Chest, air: Array) -> Array:
    """Thickness of compact bone, cm, float32 [S, S], as it shows through where `air` cm of lung are left."""
    person = chest.person
    inner = 1.35 * _ribs(chest, back=True) + 1.10 * _ribs(chest, back=False) + 1.0 * _spine(chest)
    clear = 0.42 + 0.58 * np.minimum(1, air / 4)  # little of a bone is left where thick tissue scatters
    return np.asarray((inner * clear + 2.6 * _shoulders(chest)) * np.float32(person.bone), dtype=np.float32)


def _rib(person: Patient, number: int, sign: float, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle line of one rib, seen from the front: it runs around the chest and falls on its way to the front."""
    start = person.apex - 0.045 + person.spacing * (number - 1)
    fall = person.slope * float(np.interp(number, [1, 2, 3, 5, 8, 11], [0.20, 0.30, 0.38, 0.46, 0.54, 0.50]))
    out = float(outer(person, np.array(start + fall * 0.45))) + 0.012
    x = 0.055 + (out - 0.055) * np.sin(angles)
    y = start + fall * (0.5 * (1 - np.cos(angles))) ** 1.15 - 0.03 * np.sin(np.minimum(angles * 2, np.pi))
    return np.stack([sign * x, y], 1)


def _ribs(chest: Chest, *, back: bool) -> Array:
    """All back or all front halves of the ribs, 0..1."""
    person, canvas = chest.person, Canvas(chest.frame)
    rng = np.random.default_rng((*person.key, 1, int(back)))
    lines = []
    for number in range(1, 12):
        end = float(np.interp(number, [1, 3, 7, 10], [2.75, 2.6, 2.35, 2.0])) + float(rng.normal(0, 0.05))
        angles = np.linspace(0.02, 1.62, 26) if back else np.linspace(1.52, end, 26)
        lines += [_rib(person, number, sign, angles) + rng.normal(0, 0.003, 2) for sign in _SIDES]
    if back:
        canvas.tube(np.array(lines), person.rib * np.linspace(0.85, 1.0, 26), 0.74, 0.54)
    else:
        canvas.tube(np.array(lines) + np.array([chest.frame.pose.turn, 0]), person.rib * _FRONT, 0.56, 0.42)
    return canvas.array()


def _spine(chest: Chest) -> Array:
    """Vertebrae with pedicles and spines, 0..1."""
    person, canvas = chest.person, Canvas(chest.frame)
    bend = np.random.default_rng((*person.key, 2)).normal(0, 0.012)
    number = np.arange(-3, 15)
    y = person.apex - 0.045 + person.spacing * number
    centre = np.stack([bend * np.sin((y + 0.7) * 2.5), y], 1)[:, None, :]
    tall = person.spacing * 0.44
    reach = np.stack([0.072 + 0.0024 * number, np.full(len(number), tall)], 1)[:, None, :]
    canvas.polygon(_VERTEBRA * reach + centre, 0.70)
    canvas.polygon(_VERTEBRA * reach * [0.86, 0.80] + centre, 0.54)
    for sign in _SIDES:
        canvas.polygon(_oval(0, 0, 0.016, 0.022) + centre + reach * [sign * 0.66, -0.25], 0.82)
        process = curve([(0.0, -0.02), (sign * 0.045, -0.035)], 4)
        canvas.stroke(process + centre + reach * [sign, 0], 0.026, 0.42)
    canvas.polygon(_oval(0, 0, 0.012, 0.030) + centre + [0, tall * 0.75], 0.86)
    return canvas.array()


def _oval(x: float, y: float, wide: float, tall: float) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.stack([x + wide * np.cos(turn), y + tall * np.sin(turn)], 1)


def _shoulders(chest: Chest) -> Array:
    """Shoulder blades, upper arms and collar bones, 0..1."""
    person, canvas = chest.person, Canvas(chest.frame)
    rng = np.random.default_rng((*person.key, 3))
    for sign in _SIDES:
        out, up = rng.normal(0, 0.015) + person.arms * 0.35, rng.normal(0, 0.012)
        place = np.array([sign, 1.0])
        blade = curve(
            [
                (0.64 + out, -0.60),
                (0.80 + out, -0.66),
                (0.92 + out, -0.58),
                (0.84 + out, -0.34),
                (0.74 + out, 0.02),
                (0.695 + out, 0.06),
                (0.66 + out, -0.02),
                (0.63 + out, -0.35),
                (0.64 + out, -0.60),
            ],
            40,
        )
        canvas.polygon(blade * place + [0, up], 0.10)
        canvas.stroke(blade[14:26] * place + [0, up], 0.035, 0.24)
        canvas.stroke(blade[26:] * place + [0, up], 0.014, 0.17)
        canvas.stroke(curve([(0.66 + out, -0.53), (0.80 + out, -0.62), (1.0 + out, -0.74)]) * place + [0, up], 0.035, 0.24)
        arm = curve([(1.03 + out, -0.62), (1.07 + out, -0.3), (1.12 + out, 0.3)])
        canvas.tube(arm * place + [0, up], 0.10, 0.50, 0.30)
        canvas.polygon(_oval(sign * (1.0 + out), -0.60 + up, 0.105, 0.115), 0.42)
        canvas.polygon(_oval(sign * (1.0 + out), -0.60 + up, 0.085, 0.095), 0.36)
        key = person.apex + 0.19 + up
        bone = (
            curve([(0.065, key + 0.01), (0.20, key - 0.03), (0.42, key - 0.06), (0.62, key - 0.125), (0.86, key - 0.15)], 32)
            * place
        )
        bone[:, 0] += chest.frame.pose.turn * 1.5
        canvas.tube(
            bone, np.interp(np.linspace(0, 1, 32), [0, 0.1, 0.4, 0.8, 1], [0.075, 0.06, 0.050, 0.050, 0.06]), 0.46, 0.34
        )
    return canvas.array()


def vessels(chest: Chest) -> Array:
    """Thickness of the lung vessels, cm, float32 [S, S]: trees that branch from each hilum."""
    person, canvas = chest.person, Canvas(chest.frame)
    rng = np.random.default_rng((*person.key, 4))
    tall = person.base - person.apex
    for sign, place in ((-1.0, 0.52), (1.0, 0.48)):
        root = np.array([sign * 0.150, person.apex + place * tall])
        for start, width in reversed(_tree(rng, root, sign)):
            thick = width.mean(1) * CM_PER_UNIT
            canvas.stroke(curve(start, 7), np.linspace(width[:, 0], width[:, 1], 7).T, np.minimum(thick, 1.0))
        low = (
            curve([(0, -0.07), (sign * 0.035, 0.02), (sign * 0.04, 0.10), (sign * 0.035, 0.19), (sign * 0.025, 0.27)], 12)
            + root
        )
        canvas.stroke(low, np.linspace(0.066, 0.012, 12), np.array(0.85))
        canvas.polygon(_oval(0, 0, 0.042, 0.060) + root + [sign * 0.015, 0], 0.9)
    return canvas.array()


def _tree(
    rng: np.random.Generator, root: NDArray[np.float64], sign: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Branches of one lung, level by level: knots [n, 3, 2] and widths [n, 2] at both ends. Angle 0 is outwards, then down."""
    angle = np.linspace(-1.35, 1.45, 10) + rng.normal(0, 0.10, 10)
    start = root + rng.normal(0, 0.022, (10, 2))
    width = np.where(angle > 0.3, 0.040, 0.032)
    levels = []
    for level in range(4):
        length = rng.uniform(0.10, 0.19, len(angle)) * 0.90**level
        after = angle + rng.normal(0, 0.28, len(angle)) + 0.10 * angle
        middle = start + _step(angle, length / 2, sign)
        end = middle + _step(after, length / 2, sign)
        levels.append((np.stack([start, middle, end], 1), np.stack([width, width * 0.75], 1)))
        turn = rng.uniform(0.2, 0.6, (2, len(angle))) * [[1], [-1]]
        angle, start, width = (after + turn).ravel(), np.tile(end, (2, 1)), np.tile(width * 0.66, 2)
    return levels


def _step(angle: NDArray[np.float64], length: NDArray[np.float64], sign: float) -> NDArray[np.float64]:
    return np.stack([sign * np.cos(angle), np.sin(angle)], 1) * length[:, None]
