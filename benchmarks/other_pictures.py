"""Drawn pictures that are no chest radiographs: pages, test patterns, grey bars, noise, clouds, shapes, slices, limbs.

What a logistic model learns from beside real radiographs (benchmarks/appearance.py). Each kind varies in size, place, contrast,
sharpness and noise; `draw(kind, seed)` always draws the same one.
"""

from collections.abc import Callable

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import PIL.ImageFont
from numpy.typing import NDArray

S = 192
Random = np.random.Generator
Box = tuple[float, float, float, float]


def draw(kind: str, seed: int) -> NDArray[np.float32]:
    """One picture float32 [192, 192] in 0 to 1."""
    random = np.random.default_rng([seed, sorted(KINDS).index(kind)])
    picture = KINDS[kind](random)
    if kind != "noise":
        picture = picture.filter(PIL.ImageFilter.GaussianBlur(float(random.uniform(0, 2))))
    values = np.asarray(picture, np.float32) / 255
    noise = random.normal(0, random.uniform(0, 0.04), values.shape)
    return (values + noise).clip(0, 1).astype(np.float32)


def _blank(grey: float) -> tuple[PIL.Image.Image, PIL.ImageDraw.ImageDraw]:
    picture = PIL.Image.new("L", (S, S), int(grey))
    return picture, PIL.ImageDraw.Draw(picture)


def _any_box(random: Random, largest: int) -> Box:
    x, y = random.integers(-20, S, 2)
    width, height = random.integers(10, largest, 2)
    return float(x), float(y), float(x + width), float(y + height)


def _around(x: float, y: float, half_width: float, half_height: float) -> Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _page(random: Random) -> PIL.Image.Image:
    """Lines of text, dark on light or the other way round, now and then with a figure."""
    light = random.random() < 0.7
    ground, ink = (random.integers(215, 256), random.integers(0, 60)) if light else (random.integers(0, 40), 220)
    picture, pen = _blank(ground)
    font = PIL.ImageFont.load_default(int(random.integers(7, 20)))
    for y in range(int(random.integers(4, 30)), S - 8, int(random.integers(9, 24))):
        if random.random() < 0.85:
            words = "".join(random.choice(list("abcdefghij klmnop qrstu")) for _ in range(int(random.integers(5, 45))))
            pen.text((int(random.integers(3, 20)), y), words, fill=int(ink), font=font)
    if random.random() < 0.4:
        pen.rectangle(_any_box(random, 90), fill=int(random.integers(0, 256)))
    return picture


def _pattern(random: Random) -> PIL.Image.Image:
    """A grid with patches and perhaps a circle, as monitors and phantoms for quality control show."""
    picture, pen = _blank(random.integers(60, 200))
    lines, width, grey = int(random.integers(4, 17)), int(random.integers(1, 5)), int(random.integers(0, 256))
    for place in np.linspace(0, S, lines + 1):
        pen.line((place, 0, place, S), fill=grey, width=width)
        pen.line((0, place, S, place), fill=grey, width=width)
    for _ in range(int(random.integers(0, 14))):
        pen.rectangle(_any_box(random, 80), fill=int(random.integers(0, 256)))
    if random.random() < 0.4:
        half = float(random.integers(40, 90))
        pen.ellipse(_around(S / 2, S / 2, half, half), outline=int(random.integers(0, 256)), width=3)
    return picture


def _bars(random: Random) -> PIL.Image.Image:
    """A ramp or steps of grey, perhaps two of them."""
    values = np.linspace(0, 255, S)[None].repeat(S, 0)
    if random.random() < 0.6:
        steps = int(random.integers(3, 30))
        values = np.floor(values / 256 * steps) / steps * 255
    values = np.rot90(values, int(random.integers(4)))
    if random.random() < 0.4:
        values = np.where(np.arange(S)[:, None] > S / 2, values, np.rot90(values))
    return PIL.Image.fromarray(values.astype(np.uint8))


def _noise(random: Random) -> PIL.Image.Image:
    values = random.normal(128, random.uniform(20, 80), (S, S)).clip(0, 255).astype(np.uint8)
    side = S // int(random.integers(1, 5))
    return PIL.Image.fromarray(values).resize((side, side), PIL.Image.Resampling.BOX).resize((S, S))


def _clouds(random: Random) -> PIL.Image.Image:
    """Noise with the spectrum of photographs (Field 1987), half of them with a horizon and houses."""
    frequency = np.hypot(np.fft.fftfreq(S)[:, None], np.fft.fftfreq(S)[None])
    frequency[0, 0] = 1
    cloudy = np.fft.ifft2(np.fft.fft2(random.normal(size=(S, S))) / frequency ** random.uniform(0.8, 2)).real
    cloudy = 255 * (cloudy - cloudy.min()) / np.ptp(cloudy)
    if random.random() < 0.5:
        return PIL.Image.fromarray(cloudy.astype(np.uint8))
    picture, pen = _blank(random.integers(0, 120))
    horizon = float(random.integers(60, 140))
    pen.rectangle((0, 0, S, horizon), fill=int(random.integers(120, 256)))
    for _ in range(int(random.integers(1, 8))):
        x, width = float(random.integers(0, S)), float(random.integers(8, 50))
        top, foot = horizon - float(random.integers(5, 90)), horizon + float(random.integers(0, 40))
        pen.rectangle((x, top, x + width, foot), fill=int(random.integers(0, 200)))
    return PIL.Image.fromarray((np.asarray(picture) * 0.7 + cloudy * 0.3).astype(np.uint8))


def _shapes(random: Random) -> PIL.Image.Image:
    picture, pen = _blank(random.integers(0, 256))
    for _ in range(int(random.integers(1, 12))):
        kind = pen.ellipse if random.random() < 0.6 else pen.rectangle
        kind(_any_box(random, 110), fill=int(random.integers(0, 256)))
    return picture


def _slice(random: Random) -> PIL.Image.Image:
    """A body in cross-section on black, through the lungs or elsewhere."""
    picture, pen = _blank(0)
    wide, high = float(random.integers(60, 94)), float(random.integers(45, 90))
    pen.ellipse(_around(S / 2, S / 2, wide, high), fill=int(random.integers(90, 170)))
    if random.random() < 0.6:
        lung_width, lung_height, grey = (
            wide * random.uniform(0.3, 0.42),
            high * random.uniform(0.5, 0.75),
            random.integers(0, 50),
        )
        for side in (-1, 1):
            pen.ellipse(_around(S / 2 + side * wide * 0.48, S / 2, lung_width, lung_height), fill=int(grey))
        pen.ellipse(_around(S / 2, S / 2 + high * 0.57, wide * 0.12, high * 0.17), fill=235)
        return picture
    for _ in range(int(random.integers(2, 9))):
        x, y = S / 2 + random.uniform(-0.6, 0.6) * wide, S / 2 + random.uniform(-0.6, 0.6) * high
        radius = random.uniform(4, 26)
        pen.ellipse(_around(x, y, radius, radius * random.uniform(0.6, 1.4)), fill=int(random.integers(40, 255)))
    return picture


def _limb(random: Random) -> PIL.Image.Image:
    """Soft tissue with one or two long bones and perhaps a joint, upright or lying."""
    picture, pen = _blank(235 if random.random() < 0.35 else random.integers(0, 30))
    x, half, tilt = S / 2 + random.uniform(-25, 25), random.uniform(22, 60), random.uniform(-25, 25)
    foot = half * random.uniform(0.6, 1)
    corners = [(x - half + tilt, 0), (x + half + tilt, 0), (x + foot - tilt, S), (x - foot - tilt, S)]
    pen.polygon(corners, fill=int(random.integers(70, 140)))
    for _ in range(int(random.integers(1, 3))):
        bone, beside = random.uniform(5, 16), random.uniform(-0.5, 0.5) * half
        left, right = x + beside - bone, x + beside + bone
        corners = [(left + tilt, 0), (right + tilt, 0), (right + 0.3 * bone - tilt, S), (left - 0.3 * bone - tilt, S)]
        pen.polygon(corners, fill=int(random.integers(180, 250)))
    if random.random() < 0.6:
        radius = random.uniform(12, 34)
        pen.ellipse(_around(x, random.uniform(60, 140), radius * 1.3, radius), fill=int(random.integers(170, 245)))
    return picture.rotate(90 * int(random.integers(4))) if random.random() < 0.4 else picture


KINDS: dict[str, Callable[[Random], PIL.Image.Image]] = {
    "page": _page,
    "pattern": _pattern,
    "bars": _bars,
    "noise": _noise,
    "clouds": _clouds,
    "shapes": _shapes,
    "slice": _slice,
    "limb": _limb,
}
