"""From the tissue that each ray crosses to grey values: attenuation, scatter, quantum noise, film curve, collimation."""

from dataclasses import dataclass

import numpy as np

from trainer.canvas import Array, Canvas, Frame, Mask, smooth

SOFT = 0.195  # linear attenuation at about 60 keV effective energy, 1/cm; ICRU 44 tissues, rounded
LUNG = 0.055
BONE = 0.36  # above the soft tissue that the bone displaces


@dataclass(frozen=True)
class Exposure:
    """What differs from image to image at the machine."""

    scatter: float  # scattered share of the primary beam
    noise: float  # standard deviation at the brightest place
    black: float  # optical depth below the lungs' that is shown black
    latitude: float  # how far above the lungs' white lies, as a share of the way to the middle
    gamma: float
    crisp: float  # edge enhancement of the machine
    borders: tuple[float, float, float, float]  # of the collimated field: left, top, right, bottom
    tilt: float
    letter: tuple[float, float] | None  # place of the lead letter


def exposure(rng: np.random.Generator) -> Exposure:
    """Draw the settings of one exposure."""
    borders = rng.uniform(0.90, 1.12, 4) * [-1, -1, 1, 1]
    if rng.random() < 0.45:
        borders = borders * 1.4
    letter = (float(rng.uniform(0.78, 0.88)), float(rng.uniform(-0.84, -0.72)))
    return Exposure(
        scatter=float(rng.uniform(0.20, 0.42)),
        noise=float(rng.uniform(0.006, 0.016)),
        black=float(rng.uniform(0.55, 0.90)),
        latitude=float(rng.uniform(1.10, 1.30)),
        gamma=float(rng.uniform(0.90, 1.15)),
        crisp=float(rng.uniform(0.0, 0.9)),
        borders=(float(borders[0]), float(borders[1]), float(borders[2]), float(borders[3])),
        tilt=float(rng.normal(0, 0.008)),
        letter=letter if rng.random() < 0.5 else None,
    )


def tissue(body: Array, air: Array) -> Array:
    """Optical depth of soft parts: `body` cm in all, `air` cm of it lung; float32 [S, S]."""
    return np.asarray(SOFT * (body - air) + LUNG * air, dtype=np.float32)


def develop(depth: Array, usual: Array, lungs: Mask, frame: Frame, how: Exposure, rng: np.random.Generator) -> Array:
    """Optical depth (line integral of attenuation) [S, S] -> grey values 0..1, dense is bright; float32 [S, S].

    `usual` is the optical depth of this patient's healthy soft parts. It sets the film, so that a finding does not change the
    grey values of what it leaves alone.
    """
    grains = rng.standard_normal(depth.shape, dtype=np.float32)
    beam = _scattered(depth, how)
    quanta = np.float32(how.noise * 0.30) * np.sqrt(beam) * grains
    seen = -np.log(np.maximum(beam + quanta, 1e-4))
    if how.crisp:
        seen = seen + np.float32(how.crisp) * (seen - smooth(seen, 110))
    return _shuttered(_film(seen, *_range(usual[::3, ::3], lungs[::3, ::3], how), how), frame, how)


def _scattered(depth: Array, how: Exposure) -> Array:
    """What arrives at the detector: the primary beam and a blurred share of it."""
    beam = np.exp(-depth)
    return np.asarray(beam + np.float32(how.scatter) * smooth(beam, 20))


def _range(usual: Array, lungs: Mask, how: Exposure) -> tuple[float, float]:
    """The optical depths shown black and white, from the lungs and the middle of the image, as an automatic exposure does."""
    seen = -np.log(_scattered(usual, how))
    size = len(seen)
    dark = float(np.percentile(seen[lungs], 25))
    bright = float(np.percentile(seen[size // 3 : -size // 8, size // 4 : -size // 4], 92))
    return dark - how.black, dark + (bright - dark) * how.latitude


def _film(seen: Array, low: float, high: float, how: Exposure) -> Array:
    """The S-shaped curve of film."""
    grey = np.clip((seen - np.float32(low)) / np.float32(high - low), 0, 1) ** np.float32(how.gamma)
    return np.asarray(grey + np.float32(0.6) * (grey * grey * (3 - 2 * grey) - grey))


def _shuttered(grey: Array, frame: Frame, how: Exposure) -> Array:
    """Burn in the lead letter and close the collimator."""
    size = frame.size
    line = ((np.arange(size, dtype=np.float32) + 0.5) / (size / 2)) - 1
    across = line[None, :] + np.float32(how.tilt) * line[:, None]
    down = line[:, None] - np.float32(how.tilt) * line[None, :]
    left, top, right, bottom = how.borders
    inside = np.minimum(np.minimum(across - left, right - across), np.minimum(down - top, bottom - down))
    if how.letter:
        x, y = how.letter
        canvas = Canvas(frame)
        canvas.polygon(np.array([[0, 0], [0.2, 0], [0.2, 0.8], [0.75, 0.8], [0.75, 1], [0, 1]]) * 0.07 + [x, y], 1.0)
        grey = np.maximum(grey, canvas.array() * np.float32(0.97))
    return np.asarray(grey * np.clip(inside * (size / 4) + 0.5, 0, 1))
