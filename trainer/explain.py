"""Where the network looked: Grad-CAM at the last activation, and its picture over the radiograph with a scale.

Maps keep their own unit, so that weak evidence looks weak: nothing is stretched to the brightest colour by itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Tensor

from trainer import bags, files, geometry, images, picks, predict
from trainer.architectures import Backbone
from trainer.colours import FRAMED, framed, whole
from trainer.errors import DataError, ImageError, Progress, did_you_mean
from trainer.models import Classifier

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

COLOURS = "inferno"
"""Rises evenly in lightness, so that it reads the same with any colour vision and on grey paper."""


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Grad-CAM of one finding: `values` float32 [h,w] >= 0 in the activation's own unit, not rescaled; zero: no evidence.

    `grid` says where its cells stand over the square; without one they share it evenly.
    """

    values: NDArray[np.float32]
    finding: str
    layer: str
    grid: geometry.Grid | None = None


def maps(classifier: Classifier, pixels: Tensor, findings: Sequence[int]) -> NDArray[np.float32]:
    """Grad-CAM of the findings with these numbers: pixels [N,1,S,S], uint8 or float 0..1 -> float32 [N,len(findings),h,w].

    ReLU of the sum over channels of activation times mean gradient of the logit (before softmax or sigmoid); Selvaraju et al.,
    Grad-CAM, ICCV 2017, equations 1 and 2. One forward pass serves all findings, and each gradient goes from the logit to the
    last activation only. Cells that lie beyond the image (`Backbone.beyond`) are cut off: the map covers the image, no more.
    Where predictions are averaged with those of the mirror image, the map is of the image itself.
    The classifier is read in evaluation mode and left in the mode it came in.
    """
    training = classifier.training
    classifier.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            # A leaf of its own: no layer in front of it is asked for a gradient, and no in-place layer can overwrite it.
            activation = _activation(classifier, pixels).clone().requires_grad_(True)
            logits = classifier.classify(activation)
            found = [_map(logits[:, index], activation) for index in findings]
    finally:
        classifier.train(training)
    every = torch.stack(found, dim=1) if found else torch.zeros(len(pixels), 0, *activation.shape[2:])
    return _inside(every, classifier.backbone.beyond).cpu().numpy()


def heatmaps(classifier: Classifier, pixels: Tensor, findings: Sequence[str]) -> list[Heatmap]:
    """The heat map of every finding (the classifier's, in its order) for one image [1,1,S,S], uint8 or float 0..1."""
    values, stands = maps(classifier, pixels, range(len(findings)))[0], grid(classifier.backbone, pixels.shape[-1])
    return [Heatmap(map_, name, classifier.looked_at, stands) for map_, name in zip(values, findings, strict=True)]


def heatmap(classifier: Classifier, pixels: Tensor, findings: Sequence[str], finding: str) -> Heatmap:
    """The heat map of one finding, by name. Raises `DataError` (did you mean) if the classifier does not know it."""
    if finding not in findings:
        raise DataError("The model does not know this finding", where=finding, remedy=did_you_mean(finding, findings))
    values = maps(classifier, pixels, [list(findings).index(finding)])[0, 0]
    return Heatmap(values, finding, classifier.looked_at, grid(classifier.backbone, pixels.shape[-1]))


def grid(backbone: Backbone, size: int) -> geometry.Grid:
    """Where the cells of a backbone's maps stand over a square of `size` px: each over the middle of what it looks at.

    Other libraries stretch the map over the square. A network of stride 32 whose kernels are odd has its first cell over the
    first pixel, so that evidence would be drawn half a cell, 16 px, to the right of and below its place.
    """
    first, step = backbone.cells
    return geometry.Grid(first / size, step / size)


def of_image(member: predict.Member, image: images.Image) -> NDArray[np.float32]:
    """Grad-CAM of every finding that a network knows, for one image: float32 [K,h,w]."""
    header = member.header
    square = images.to_square(image.pixels, header.size, header.fit)[None, None]
    return np.asarray(maps(member.classifier, torch.from_numpy(square), range(len(header.findings)))[0], np.float32)


def upsampled(heatmap: Heatmap, shape: tuple[int, int], fit: geometry.Fit) -> NDArray[np.float32]:
    """Lay a heat map over the original radiograph of `shape` (H, W), undoing the fit to a square -> float32 [H,W]."""
    return geometry.from_square(heatmap.values, shape, fit, heatmap.grid)


def overlay(
    pixels: NDArray[np.floating],
    values: NDArray[np.floating],
    *,
    finding: str,
    opacity: float = 0.6,
    scale_max: float | None = None,
    seen: geometry.Part | None = None,
) -> NDArray[np.uint8]:
    """Draw a heat map over a radiograph, with the finding's name and a colour bar at its right -> uint8 RGB [H', W', 3].

    `pixels` are grey values 0..1 [H,W] and `values` a map >= 0 of the same shape. `scale_max` is the value of the brightest
    colour; give one for several images to compare them, otherwise it is this map's own maximum, which the bar names. Where the
    map is zero the radiograph is untouched, but for a frame around the part that was `seen`, unless that is all, which words at
    the right explain. It stands at the top left of a picture that is high enough for the text: 160 px, 320 px with those words.
    """
    top = float(values.max(initial=0.0) if scale_max is None else scale_max)
    share = np.clip(values, 0, top).astype(np.float64) / (top or 1.0)
    grey = np.clip(pixels, 0, 1)[..., None]
    alpha = share[..., None] * opacity
    blended = grey * (1 - alpha) + colormaps[COLOURS](share)[..., :3] * alpha
    picture = np.rint(blended * 255).astype(np.uint8)
    note = FRAMED if seen and not whole(picture.shape, seen) else ""
    picture = framed(picture, seen) if seen else picture
    evident = bool(np.any(values > 0))
    return _with_bar(picture, finding if evident else f"no evidence for {finding}", note, top if evident or scale_max else 0.0)


@torch.no_grad()
def _activation(classifier: Classifier, pixels: Tensor) -> Tensor:
    return classifier.features(pixels.to(classifier.mean.device))


def _map(logit: Tensor, activation: Tensor) -> Tensor:
    # In evaluation mode no image of a batch touches another, so that the gradient of the sum is each image's own.
    (gradient,) = torch.autograd.grad(logit.sum(), activation, retain_graph=True)
    weights = gradient.float().mean(dim=(2, 3), keepdim=True)
    return torch.relu((weights * activation.detach().float()).sum(dim=1))


def _inside(maps: Tensor, beyond: tuple[int, int]) -> Tensor:
    """Maps [N,K,h,w] without the rows and columns that lie before and behind the image."""
    before, behind = beyond
    return maps[:, :, before : maps.shape[2] - behind, before : maps.shape[3] - behind]


def _with_bar(picture: NDArray[np.uint8], title: str, note: str, top: float) -> NDArray[np.uint8]:
    height, width = max(320 if note else 160, picture.shape[0]), picture.shape[1]
    size = max(12, height // 32)
    font = ImageFont.load_default(size)
    room = 10 * size
    canvas = Pillow.new("RGB", (width + room, height), "black")
    canvas.paste(Pillow.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    left = width + size
    lines = _wrapped(draw, title, font, room - 2 * size)
    draw.multiline_text((left, size), "\n".join(lines), fill="white", font=font)
    below = _wrapped(draw, note, font, room - 2 * size) if note else []
    end = height - 2 * size - round(1.5 * size * len(below))
    if note:
        draw.multiline_text((left, end + size), "\n".join(below), fill="white", font=font)
    if top > 0:
        start = size * 3 + round(1.3 * size * len(lines))
        _draw_scale(canvas, draw, (left, start, left + 2 * size, end), top, font)
    return np.asarray(canvas, dtype=np.uint8)


def _draw_scale(
    canvas: Pillow.Image, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], top: float, font: Font
) -> None:
    left, start, right, end = box
    length = max(end - start, 8)
    colours = colormaps[COLOURS](np.linspace(1, 0, length))[:, None, :3]
    bar = np.repeat(np.rint(colours * 255).astype(np.uint8), right - left, axis=1)
    canvas.paste(Pillow.fromarray(bar), (left, start))
    draw.rectangle((left - 1, start - 1, right, start + length), outline="white")
    for share, y in ((1.0, start), (0.5, start + length / 2), (0.0, start + length)):
        draw.text((right + (right - left) / 4, y), f"{top * share:.3g}", fill="white", font=font, anchor="lm")


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: Font, room: int) -> list[str]:
    """Break at spaces and behind "/", the separator of findings; a longer word is broken anywhere."""
    lines = [""]
    for word in text.replace("/", "/\0").replace(" ", " \0").split("\0"):
        for piece in (word,) if draw.textlength(word.rstrip(), font) <= room else tuple(word):
            if lines[-1] and draw.textlength((lines[-1] + piece).rstrip(), font) > room:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def run(
    source: Path,
    paths: Sequence[Path],
    out: Path,
    *,
    finding: str = "",
    device: str = "auto",
    scale_max: float | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Write an overlay PNG for each file into `out`: of `finding`, or of each image's most probable one.

    A bag is explained by the mean of its members' maps: each adds up to its member's logit, so that their unit is the same,
    and the probability beside it is a mean as well. Returns one row per file: path, overlay, finding, probability, maximum of
    the map, number of networks; or path and error. The PNG holds no data of the patient. Raises as `predict.run`, and
    `DataError` if the network does not know the finding.
    """
    members = predict.opened(bags.networks(source), device=device)
    names = members[0].header.findings
    if finding and finding not in names:
        raise DataError("The model does not know this finding", where=finding, remedy=did_you_mean(finding, names))
    todo = picks.expanded(paths)
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(todo, 1):
        try:
            rows.append(_explained(members, path, out, finding, scale_max))
        except ImageError as error:
            rows.append({"path": str(path), "error": f"{error.what}. {error.remedy}".strip()})
        if progress:
            progress(number, len(todo))
    return rows


def _explained(
    members: Sequence[predict.Member], path: Path, out: Path, finding: str, scale_max: float | None
) -> dict[str, Any]:
    image, names = images.read(path), members[0].header.findings
    probabilities = predict.on_image(members, image, path).probabilities
    shown = finding or names[int(probabilities.argmax())]
    found = [_over(member, image, shown) for member in members]
    values = np.asarray(sum(map_ for map_, _ in found) / np.float32(len(found)), np.float32)
    title = shown if len(members) == 1 else f"{shown} (mean of {len(members)} networks)"
    seen = geometry.seen((image.pixels.shape[0], image.pixels.shape[1]), *(member.header.fit for member in members))
    picture = overlay(image.pixels, values, finding=title, scale_max=scale_max, seen=seen)
    name = re.sub(r"[^A-Za-z0-9]+", "-", shown).strip("-")
    target = _free(out, f"{path.stem}-{name}")
    with files.atomic(target) as file:
        Pillow.fromarray(picture).save(file, "PNG")
    return {
        "path": str(path),
        "overlay": str(target),
        "finding": shown,
        "probability": float(probabilities[names.index(shown)]),
        "maximum": found[0][1] if len(found) == 1 else float(values.max()),
        "networks": len(members),
    }


def _over(member: predict.Member, image: images.Image, finding: str) -> tuple[NDArray[np.float32], float]:
    """The map of one network over the image float32 [H,W], and the largest value of its cells."""
    header = member.header
    square = images.to_square(image.pixels, header.size, header.fit)[None, None]
    found = heatmap(member.classifier, torch.from_numpy(square), header.findings, finding)
    return upsampled(found, image.pixels.shape, header.fit), float(found.values.max())


def _free(out: Path, stem: str) -> Path:
    """A name in `out` that is not taken: nothing is overwritten."""
    target, number = out / f"{stem}.png", 1
    while target.exists():
        number += 1
        target = out / f"{stem}-{number}.png"
    return target
