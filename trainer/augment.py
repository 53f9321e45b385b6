"""Random changes to training images, on whole batches of tensors on the training device.

Every random number is drawn on the CPU, so that all devices see the same changes; each image takes the same number of
them whatever the settings, so that switching one change on leaves the others as they were.

Without rotation and zoom no pixel is resampled: findings can differ in sharpness, and softening the training images
alone would hide that from the network. What a change leaves vacant is black, as beyond the edge of a radiograph.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer import config

_AUGMENT = 0xA06  # keeps these random numbers apart from others that are made from the same seed


@dataclass(frozen=True, eq=False)
class Changes:
    """What is done to each of N images; CPU tensors of shape [N].

    flip: bool. angle: float32, radians, counter-clockwise as seen. scale: float32, above 1 enlarges. down, right: int64, whole
    pixels. brightness: float32, added, as a share of the grey scale. contrast: float32, factor about the image's mean.
    """

    flip: Tensor
    angle: Tensor
    scale: Tensor
    down: Tensor
    right: Tensor
    brightness: Tensor
    contrast: Tensor

    def only(self, rows: Tensor) -> "Changes":
        """The changes of some images, int64 [n], in this order."""
        return Changes(*(getattr(self, item.name)[rows] for item in fields(self)))


def generator(seed: int, epoch: int, step: int) -> torch.Generator:
    """Return a CPU generator that depends on these three numbers only, so that a resumed run needs no stored state."""
    state = np.random.SeedSequence([seed, epoch, step, _AUGMENT]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def drawn(count: int, size: int, settings: config.Augment, generator: torch.Generator) -> Changes:
    """Draw the changes of `count` images of `size` pixels a side; all evenly within their limits, both ways.

    Zoom is even on the logarithmic scale, from 1 / (1 + zoom) to 1 + zoom: in as strong as out.
    """
    chance = torch.rand(count, 7, generator=generator)
    way = 2 * chance - 1
    pixels = torch.round(way[:, 3:5] * settings.shift * size).long()
    return Changes(
        flip=chance[:, 0] < settings.flip,
        angle=torch.deg2rad(way[:, 1] * settings.rotation),
        scale=(1 + settings.zoom) ** way[:, 2],
        down=pixels[:, 0],
        right=pixels[:, 1],
        brightness=way[:, 5] * settings.brightness,
        contrast=1 + way[:, 6] * settings.contrast,
    )


def augmented(pixels: Tensor, settings: config.Augment, generator: torch.Generator) -> Tensor:
    """Randomly changed images, float32 [N, 1, S, S] in 0..1 on the device of `pixels`, which stay as they are.

    pixels: uint8 (0..255) or float32 (0..1) [N, 1, S, S], square. With all settings 0 the same values come back, to the bit.
    """
    return changed(pixels, drawn(len(pixels), pixels.shape[-1], settings, generator))


def changed(pixels: Tensor, changes: Changes) -> Tensor:
    """Apply `changes` to pixels as in `augmented`: mirror, brightness and contrast, then place, so that vacant is black.

    Of vectors float32 [N, 2, F], of images and of their mirror images, those that `changes` ask for: [N, 1, F].
    """
    if pixels.ndim == 3:
        return pixels[torch.arange(len(pixels)), changes.flip.long()][:, None]
    if changes.flip.any():
        pixels = torch.where(_per_image(changes.flip, pixels), pixels.flip(-1), pixels)
    pixels = _toned(pixels / 255 if pixels.dtype == torch.uint8 else pixels, changes)
    if (changes.angle != 0).any() or (changes.scale != 1).any():
        return _resampled(pixels, changes)
    return _shifted(pixels, changes)


def _per_image(values: Tensor, pixels: Tensor) -> Tensor:
    return values.to(pixels.device).view(-1, 1, 1, 1)


def _toned(pixels: Tensor, changes: Changes) -> Tensor:
    factor, offset = _per_image(changes.contrast, pixels), _per_image(changes.brightness, pixels)
    if (changes.contrast != 1).any():
        offset = offset + pixels.mean((1, 2, 3), keepdim=True) * (1 - factor)
    elif not changes.brightness.any():
        return pixels
    return torch.addcmul(offset, pixels, factor).clamp_(0, 1)


def _shifted(pixels: Tensor, changes: Changes) -> Tensor:
    """Move by whole pixels without resampling: each value stays what it was."""
    if not (changes.down.any() or changes.right.any()):
        return pixels
    size, device = pixels.shape[-1], pixels.device
    rows = torch.arange(size, device=device) - changes.down.to(device)[:, None]
    columns = torch.arange(size, device=device) - changes.right.to(device)[:, None]
    inside = ((rows >= 0) & (rows < size))[:, :, None] & ((columns >= 0) & (columns < size))[:, None, :]
    places = (rows.clamp(0, size - 1) * size)[:, :, None] + columns.clamp(0, size - 1)[:, None, :]
    return pixels.flatten(1).gather(1, places.flatten(1)).view_as(pixels) * inside[:, None]


def _resampled(pixels: Tensor, changes: Changes) -> Tensor:
    """Turn and scale about the centre, then shift; bilinear, black beyond the edge."""
    cosine, sine = torch.cos(changes.angle), torch.sin(changes.angle)
    # From output to input place, in units of half a side, y downwards: the change undone.
    back = torch.stack([cosine, -sine, sine, cosine], 1).view(-1, 2, 2) / changes.scale[:, None, None]
    shift = torch.stack([changes.right, changes.down], 1)[:, :, None] * (2 / pixels.shape[-1])
    theta = torch.cat([back, -back @ shift], 2).to(pixels.device)
    grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
