"""A batch as the network sees it: changed at random (`augment`), then mixed with itself by mixup or CutMix, answers as well.

mixup: Zhang et al. 2018, arXiv:1710.09412. CutMix: Yun et al. 2019, arXiv:1905.04899. Every image has a share of its own and
its own partner in the batch: all partners together are one permutation, so that each image is shown as much as without.

All random numbers depend on seed, epoch and step alone, and on the size of the whole batch: a resumed run needs no stored
state, and several processes that each take some rows of one batch see what one process would see.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer import augment, config
from trainer.losses import ROW_TOLERANCE

_MIX = 0x313  # keeps these random numbers apart from others that are made from the same seed


@dataclass(frozen=True, eq=False)
class Mix:
    """What is mixed into each of N images; CPU tensors.

    partner: int64 [N], the place of the other image. share: float32 [N] in 0..1, how much of the image itself remains.
    box: int64 [N, 4], top, left, bottom, right (both ends open) of what is cut from the other image; share then is one minus
    its area. Empty boxes where the images are blended.
    """

    partner: Tensor
    share: Tensor
    box: Tensor


def prepared(
    pixels: Tensor,
    targets: Tensor,
    stated: Tensor,
    *,
    settings: config.Augment,
    task: str,
    seed: int,
    epoch: int,
    step: int,
    rows: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Images, soft answers and what is stated of `rows` (int64 [n]; None: all) of one whole batch, as they are learned from.

    pixels: uint8 [N, 1, S, S], targets float32 [N, K], stated bool [N, K], on any device. Returns float32 [n, 1, S, S] in 0..1,
    float32 [n, K], bool [n, K] on the same device; only the images that are needed are changed.
    """
    changes = augment.drawn(len(pixels), pixels.shape[-1], settings, augment.generator(seed, epoch, step))
    rows = torch.arange(len(pixels)) if rows is None else rows.cpu()
    mix = drawn(len(pixels), pixels.shape[-1], settings, seed, epoch, step)
    here = rows.to(pixels.device)
    if mix is None:
        return augment.changed(pixels[here], changes.only(rows)), targets[here], stated[here]
    needed, places = torch.unique(torch.cat([rows, mix.partner[rows]]), return_inverse=True)
    changed = augment.changed(pixels[needed.to(pixels.device)], changes.only(needed))
    both = changed[places.to(pixels.device)]
    shown, other = both[: len(rows)], both[len(rows) :]
    there = mix.partner[rows].to(pixels.device)
    share, box = mix.share[rows].to(pixels.device), mix.box[rows].to(pixels.device)
    answers, known = mixed_answers((targets[here], stated[here]), (targets[there], stated[there]), share, task)
    return mixed_pixels(shown, other, share, box), answers, known


def drawn(count: int, size: int, settings: config.Augment, seed: int, epoch: int, step: int) -> Mix | None:
    """Draw the mixing of a batch of `count` images of `size` pixels a side; None where nothing is mixed.

    Shares are from Beta(alpha, alpha); where mixup and CutMix are both on, each image gets either with the same chance. The
    centre of a CutMix box is even over the image, its sides are a root of 1 - share each; what sticks out is cut off, and the
    share is then what really remains.
    """
    if not (settings.mixup or settings.cutmix):
        return None
    rng = np.random.default_rng([seed, epoch, step, _MIX])
    partner = rng.permutation(count)
    cuts = rng.random(count) < 0.5 if settings.mixup and settings.cutmix else np.full(count, bool(settings.cutmix))
    blend, cut = (rng.beta(alpha, alpha, count) if alpha else np.ones(count) for alpha in (settings.mixup, settings.cutmix))
    side = np.sqrt(1 - cut) * size
    centre = rng.random((count, 2)) * size
    corners = np.concatenate([centre - side[:, None] / 2, centre + side[:, None] / 2], axis=1)
    box = np.where(cuts[:, None], corners.round().clip(0, size), 0).astype(np.int64)
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) / size**2
    share = np.where(cuts, 1 - area, blend)
    return Mix(torch.from_numpy(partner), torch.from_numpy(share.astype(np.float32)), torch.from_numpy(box))


def mixed_pixels(first: Tensor, second: Tensor, share: Tensor, box: Tensor) -> Tensor:
    """Blend images, or put the box of the second into the first where there is one: float32 [n, 1, S, S], as they came."""
    place = torch.arange(first.shape[-1], device=first.device)
    down = (place >= box[:, 0, None]) & (place < box[:, 2, None])
    across = (place >= box[:, 1, None]) & (place < box[:, 3, None])
    inside = (down[:, :, None] & across[:, None, :])[:, None]
    is_cut = (box[:, 2] > box[:, 0]).view(-1, 1, 1, 1)
    # lerp leaves an image that is mixed with itself, or with nothing of the other, as it was, to the bit.
    blended = torch.lerp(second, first, share.view(-1, 1, 1, 1))
    return torch.where(is_cut, torch.where(inside, second, first), blended)


def mixed_answers(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], share: Tensor, task: str
) -> tuple[Tensor, Tensor]:
    """Soft targets float32 [n, K] and what of them is stated, bool [n, K], of two batches of (targets, stated).

    multi-label: a finding is stated where both images state it: of half an answer nobody knows the other half. multi-class: an
    image with exactly one yes says no to all others even where that is not written, so that a row is stated as a whole if both
    images have theirs, and not at all else.
    """
    own, other = (torch.where(stated, targets, 0) for targets, stated in (first, second))
    answers = torch.lerp(other, own, share[:, None])
    if task == "multi-label":
        return answers, first[1] & second[1]
    whole = _whole(*first) & _whole(*second)
    return answers, whole[:, None].expand_as(answers)


def _whole(targets: Tensor, stated: Tensor) -> Tensor:
    """Whether a multi-class image has its one finding, bool [n]."""
    return (torch.where(stated, targets, 0).sum(1) - 1).abs() < ROW_TOLERANCE
