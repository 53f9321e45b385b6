"""The findings: how much of the lung's air each of them replaces, and where exactly.

Every painter returns `share` float32 [S, S]: 0 outside of the lesion, up to 1 where all air on the ray gave way to fluid or
tissue. It is cut off softly, so that the mask of the lesion (share > 0) is exact. A lesion reaches behind the heart and the
diaphragm, as real ones do; its mask ends with the lung fields.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from trainer.anatomy import Chest
from trainer.canvas import Array, clouds

# Side, whether the lobe lies above its fissure, height of the fissure at half width, its fall outwards.
_LOBES = (
    (-1, True, 0.50, 0.02),
    (-1, False, 0.52, 0.10),
    (-1, False, 0.62, -0.28),
    (1, True, 0.60, 0.22),
    (1, False, 0.55, 0.25),
)

Painter = Callable[[Chest, np.random.Generator], Array]


def _cut(field: Array, floor: float = 0.04) -> Array:
    """Keep what is above `floor`."""
    return np.asarray(np.clip(field - np.float32(floor), 0, 1), dtype=np.float32)


def _side(chest: Chest, sign: int) -> Array:
    """1 in one lung, 0 elsewhere; -1 is the left of the image, the patient's right."""
    return (chest.frame.x < 0 if sign < 0 else chest.frame.x > 0).astype(np.float32)


def _blob(chest: Chest, lateral: float, height: float, wide: float, tall: float) -> Array:
    """A round spot, 1 in its middle, in the lung's own coordinates and chest units."""
    person = chest.person
    across = (chest.lateral - np.float32(lateral)) * np.float32(person.width / wide)
    down = (chest.height - np.float32(height)) * np.float32((person.base - person.apex) / tall)
    return np.asarray(np.exp(-0.5 * (across * across + down * down)), dtype=np.float32)


def covid(chest: Chest, rng: np.random.Generator) -> Array:
    """Patchy ground glass in the periphery of both lungs, mostly in the middle and lower zones."""
    size = chest.frame.size
    strength = rng.uniform(0.50, 0.75)
    patches = np.zeros_like(chest.air)
    for sign in (-1, 1):
        one = np.zeros_like(chest.air)
        for _ in range(int(rng.integers(3, 6))):
            spot = _blob(
                chest, rng.uniform(0.66, 0.95), rng.uniform(0.42, 0.98), rng.uniform(0.08, 0.15), rng.uniform(0.09, 0.20)
            )
            one = np.maximum(one, spot * np.float32(rng.uniform(0.75, 1.05)))
        patches += one * _side(chest, sign)
    glass = 0.85 + 0.40 * clouds(rng, size, 12) + 0.15 * clouds(rng, size, 36)
    return _cut(patches * np.clip(glass, 0.15, 1.4) * np.float32(strength + 0.10), 0.16)


def lobar(chest: Chest, rng: np.random.Generator) -> Array:
    """One lobe filled, with a sharp border where the fissure is."""
    size = chest.frame.size
    sign, above, fissure, slope = _LOBES[int(rng.integers(len(_LOBES)))]
    start = fissure + slope * (chest.lateral - 0.5) + rng.uniform(-0.05, 0.05)
    distance = chest.height - start - 0.03 * rng.uniform(-1, 1) * np.sin(chest.lateral * 3.1)
    inside = (-distance if above else distance) + 0.05 * clouds(rng, size, 8) * np.clip(np.abs(distance) * 8 - 0.3, 0, 1)
    reach = rng.uniform(0.42, 0.66)
    fill = np.clip(inside / 0.012, 0, 1) * np.clip((reach - inside) / (0.45 * reach), 0, 1)
    solid = rng.uniform(0.66, 0.92) * (0.9 + 0.16 * clouds(rng, size, 7) + 0.10 * clouds(rng, size, 24))
    return _cut(fill * solid * _side(chest, sign))


def interstitial(chest: Chest, rng: np.random.Generator) -> Array:
    """A fine net of lines and small nodules through both lungs, densest at the bases."""
    size = chest.frame.size
    lines = np.zeros_like(chest.air)
    for cells in (40, 60):
        lines += np.exp(-((clouds(rng, size, cells) / np.float32(0.22)) ** 2))
    nodules = np.clip(clouds(rng, size, 56) - 0.95, 0, 1)
    zone = np.clip(0.55 + 0.40 * chest.height + 0.25 * (chest.lateral - 0.5) + 0.15 * clouds(rng, size, 5), 0.2, 1.1)
    net = zone * (0.10 + 0.30 * lines + 0.5 * nodules)
    return _cut(net * np.float32(rng.uniform(0.52, 0.76)), 0.02)


def tuberculosis(chest: Chest, rng: np.random.Generator) -> Array:
    """Nodules and clouding in the upper zones, and a cavity with a wall."""
    size = chest.frame.size
    main = -1 if rng.random() < 0.6 else 1
    total = np.zeros_like(chest.air)
    for sign in (main, -main):
        if sign != main and rng.random() < 0.45:
            continue
        one = np.zeros_like(chest.air)
        for _ in range(int(rng.integers(6, 13))):
            radius = rng.uniform(0.013, 0.028)
            one += _blob(chest, rng.uniform(0.30, 0.85), rng.uniform(0.10, 0.40), radius, radius) * np.float32(
                rng.uniform(0.42, 0.72)
            )
        haze = _blob(chest, rng.uniform(0.45, 0.7), rng.uniform(0.18, 0.30), 0.12, 0.12)
        one += haze * np.clip(0.44 + 0.28 * clouds(rng, size, 20), 0, 1)
        if sign == main:
            one = _with_cavity(one, chest, rng)
        total += one * _side(chest, sign)
    return _cut(total, 0.11)


def _with_cavity(share: Array, chest: Chest, rng: np.random.Generator) -> Array:
    """Add a ring of tissue around air; little is left in its middle."""
    person = chest.person
    radius, wall = rng.uniform(0.060, 0.095), rng.uniform(0.012, 0.022)
    across = (chest.lateral - np.float32(rng.uniform(0.42, 0.70))) * np.float32(person.width)
    down = (chest.height - np.float32(rng.uniform(0.19, 0.33))) * np.float32(person.base - person.apex)
    away = np.hypot(across, down * np.float32(rng.uniform(0.85, 1.2))) + np.float32(0.006) * clouds(rng, chest.frame.size, 24)
    ring = (
        np.exp(-(((away - np.float32(radius)) / np.float32(wall)) ** 2))
        * np.float32(rng.uniform(0.46, 0.72))
        * (1 + 0.3 * clouds(rng, chest.frame.size, 18))
    )
    hollow = np.clip((away - np.float32(radius - wall)) / np.float32(wall), 0, 1)
    rest = np.float32(0.14)  # keeps the middle of the cavity in the lesion mask
    return np.asarray(np.maximum(np.maximum(ring, share * hollow), rest * (away < radius)), dtype=np.float32)


def effusion(chest: Chest, rng: np.random.Generator) -> Array:
    """Fluid that fills the angle and climbs the wall."""
    total = np.zeros_like(chest.air)
    first = -1 if rng.random() < 0.5 else 1
    for sign in (first, -first):
        if sign != first and rng.random() < 0.6:
            continue
        level, climb = rng.uniform(0.60, 0.95), rng.uniform(0.22, 0.40)
        surface = np.float32(level) + 0.14 - np.float32(climb) * np.clip(chest.lateral, 0, 1) ** np.float32(rng.uniform(3, 6))
        full = np.clip((chest.height - surface) / 0.06, 0, 1)
        total += np.sqrt(full) * np.float32(rng.uniform(0.80, 0.95)) * _side(chest, sign)
    return _cut(total)


PAINTERS: Mapping[str, Painter] = MappingProxyType(
    {
        "COVID-19": covid,
        "Lobar pneumonia": lobar,
        "Interstitial": interstitial,
        "Tuberculosis": tuberculosis,
        "Pleural effusion": effusion,
    }
)
