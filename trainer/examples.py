"""The images that a report shows: some the network got right, some wrong, each beside its heat map.

Some are drawn at random, so that they are typical; of the mistakes most are those that the network was surest of, because they
teach most. Images are known by their number in the catalog: a file name may hold the name of a patient.
"""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from trainer import colours, explain, files, geometry, images, predict
from trainer.catalog import Catalog, Filter
from trainer.errors import ImageError, Progress, StorageError
from trainer.metrics import Floats
from trainer.results import Prediction

MOST = 30
EACH = 3
SIDE = 320
"""Longest side of a picture in pixels: 43 mm on paper at 190 dots per inch."""
RANDOM, CONFIDENT = "drawn at random", "of the mistakes that the network was surest of"

_EVERYTHING = Filter(excluded=None, gone=None)
_QUALITY = 82
_BRIGHTEST = 0.75
"""Share of the maps whose strongest evidence is not beyond the brightest colour."""


@dataclass(frozen=True)
class Choice:
    """One image of a prediction: its `row`, the `finding` it stands under, whether the answer was `right`, how it was chosen.

    `explained` is the finding whose heat map is shown: the one that the network decided for (multi-class), or the finding.
    """

    row: int
    finding: str
    explained: str
    right: bool
    how: str


@dataclass(frozen=True)
class Example:
    """A choice with its pictures as data: addresses, "" where `problem` says why there are none, and its words.

    `framed` where the network was shown only a part, which a frame marks.
    """

    choice: Choice
    image: int
    truth: str
    said: str
    picture: str = ""
    overlay: str = ""
    width: int = 0
    height: int = 0
    framed: bool = False
    problem: str = ""


@dataclass(frozen=True, eq=False)
class _Seen:
    """An image reduced for the page, grey float32 [h,w] in 0..1, its heat map float32 [h,w] in the network's own unit, and the
    part that was seen.
    """

    pixels: NDArray[np.float32]
    map: NDArray[np.float32]
    part: geometry.Part


Thresholds = Mapping[str, float] | Floats
"""Of each finding, or float64 [N, K] where images were predicted by networks with thresholds of their own."""
Networks = Callable[[int], Sequence[predict.Member]]
"""The networks whose mean was predicted for an image, which is given by its number in the catalog."""


def choose(prediction: Prediction, thresholds: Thresholds, *, seed: int, most: int = MOST) -> list[Choice]:
    """Choose right and wrong images for each finding, up to `EACH` of each and `most` in all; the same seed, the same images.

    Multi-class: an image stands under its true finding, and is right if that has the largest probability. Multi-label: an image
    with the finding that is called so is right; one that is missed or falsely called is wrong. Where `most` does not reach for
    all findings, those with the most positives are shown.
    """
    each = max(1, min(EACH, most // (2 * len(prediction.findings))))
    positives = (prediction.targets == 1).sum(axis=0)
    shown = np.sort(np.argsort(-positives, kind="stable")[: most // (2 * each)])
    chosen: list[Choice] = []
    for k in shown:
        right, wrong, sure = _sorted_out(prediction, thresholds, int(k))
        random = np.random.default_rng((seed, int(k)))
        name = prediction.findings[k]
        chosen += [Choice(int(row), name, name, True, RANDOM) for row in _drawn(right, each, random)]
        first = wrong[np.argsort(-sure[wrong], kind="stable")][: (2 * each + 2) // 3]
        others = _drawn(np.setdiff1d(wrong, first), each - len(first), random)
        for how, rows in ((CONFIDENT, first), (RANDOM, others)):
            chosen += [Choice(int(row), name, _decided(prediction, int(row), name), False, how) for row in rows]
    return chosen


def _sorted_out(
    prediction: Prediction, thresholds: Thresholds, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows that are right [n], rows that are wrong [m], and how sure the network was of each image [N]."""
    p = prediction.probabilities.astype(np.float64)
    if prediction.task == "multi-class":
        mine = prediction.truth() == k
        hit = p.argmax(axis=1) == k
        return np.flatnonzero(mine & hit), np.flatnonzero(mine & ~hit), p.max(axis=1)
    threshold = _levels(prediction, thresholds, k)
    yes, called, stated = prediction.targets[:, k] == 1, p[:, k] >= threshold, prediction.targets[:, k] >= 0
    return np.flatnonzero(yes & called), np.flatnonzero(stated & (yes != called)), np.abs(p[:, k] - threshold)


def _levels(prediction: Prediction, thresholds: Thresholds, k: int) -> Floats:
    """The threshold of a finding for each image, float64 [N]."""
    if isinstance(thresholds, np.ndarray):
        return thresholds[:, k]
    return np.full(len(prediction.ids), thresholds[prediction.findings[k]])


def _drawn(rows: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(random.choice(rows, min(count, len(rows)), replace=False)) if count > 0 and len(rows) else rows[:0]


def _decided(prediction: Prediction, row: int, finding: str) -> str:
    if prediction.task == "multi-label":
        return finding
    return prediction.findings[int(prediction.probabilities[row].argmax())]


def draw(
    networks: Networks,
    catalog: Catalog,
    prediction: Prediction,
    thresholds: Thresholds,
    choices: Sequence[Choice],
    *,
    progress: Progress | None = None,
) -> tuple[list[Example], float]:
    """Draw the choices; returns them with the value of the brightest colour, which is one for all so that they can be compared.

    The heat map of several networks is the mean of theirs, as `explain.run` has it.
    An image that is gone, changed or damaged becomes an example that says so.
    """
    examples, seen = [], []
    for done, (choice, look) in enumerate(zip(choices, _looked_at(networks, catalog, prediction, choices), strict=True), 1):
        example = _words(prediction, thresholds, choice)
        problem = look if isinstance(look, str) else ""
        examples.append(replace(example, problem=problem))
        seen.append(None if isinstance(look, str) else look)
        if progress:
            progress(done, len(choices))
    strongest = [float(look.map.max()) for look in seen if look is not None]
    # Not the largest of all: one image with much evidence would leave all others without a colour to see.
    top = float(np.quantile(strongest, _BRIGHTEST)) if strongest else 0.0
    return [_drawn_over(e, look, top) if look else e for e, look in zip(examples, seen, strict=True)], top


def _looked_at(
    networks: Networks, catalog: Catalog, prediction: Prediction, choices: Sequence[Choice]
) -> Iterator[_Seen | str]:
    """What the networks saw of each choice, or in words why it cannot be seen; no path, which may name a patient."""
    known = set(catalog.ids(_EVERYTHING).tolist())
    for choice in choices:
        image = int(prediction.ids[choice.row])
        if image not in known:
            yield "The image is not in the project any more."
            continue
        path, digest = catalog.files([image])[0]
        try:
            with files.storage_in_words(path):
                content = path.read_bytes()
            if files.digest(content) != digest:
                yield "The file has changed since it was predicted."
                continue
            yield _look(networks(image), images.decode(content, name=f"image {image}"), choice.explained)
        except (ImageError, StorageError) as error:
            yield f"The file cannot be read any more: {error.what}."


def _look(members: Sequence[predict.Member], image: images.Image, finding: str) -> _Seen:
    height, width = image.pixels.shape
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    reduced = Pillow.fromarray(image.pixels).resize(size, Pillow.Resampling.BILINEAR)
    pixels = np.clip(np.asarray(reduced, dtype=np.float32), 0, 1)
    each = [_map(member, image, finding, (pixels.shape[0], pixels.shape[1])) for member in members]
    seen = geometry.seen((pixels.shape[0], pixels.shape[1]), *(member.header.fit for member in members))
    return _Seen(pixels, each[0] if len(each) == 1 else np.mean(each, axis=0, dtype=np.float32), seen)


def _map(member: predict.Member, image: images.Image, finding: str, shape: tuple[int, int]) -> NDArray[np.float32]:
    header = member.header
    square = images.to_square(image.pixels, header.size, header.fit)
    map_ = explain.heatmap(member.classifier, torch.from_numpy(square[None, None]), header.findings, finding)
    return explain.upsampled(map_, shape, header.fit)


def _words(prediction: Prediction, thresholds: Thresholds, choice: Choice) -> Example:
    """The captions: truth, and what the network said with which probability."""
    k = prediction.findings.index(choice.finding)
    p = prediction.probabilities[choice.row]
    image = int(prediction.ids[choice.row])
    if prediction.task == "multi-class":
        best = int(p.argmax())
        own = "" if best == k else f"; {choice.finding} {p[k]:.3f}"
        return Example(choice, image, choice.finding, f"{prediction.findings[best]} {p[best]:.3f}{own}")
    threshold = float(_levels(prediction, thresholds, k)[choice.row])
    said = "yes" if float(p[k]) >= threshold else "no"
    truth = "yes" if prediction.targets[choice.row, k] == 1 else "no"
    return Example(choice, image, truth, f"{said}, {p[k]:.3f} (threshold {threshold:.3f})")


def _drawn_over(example: Example, look: _Seen, top: float) -> Example:
    height, width = look.pixels.shape
    # A picture whose map is zero everywhere would be given a scale of its own; any positive one leaves it untouched.
    name, top = example.choice.explained, top or 1.0
    over = explain.overlay(look.pixels, look.map, finding=name, scale_max=top, seen=look.part)[:height, :width]
    grey = np.rint(look.pixels * 255).astype(np.uint8)
    framed = not colours.whole(grey.shape, look.part)
    return replace(example, picture=_jpeg(grey), overlay=_jpeg(over), width=width, height=height, framed=framed)


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    """A data: address of grey [h,w] or RGB [h,w,3]."""
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
