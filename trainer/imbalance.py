"""Rare findings: class weights, the weighted sampler, and what one epoch will really show the network.

Nothing here keeps state: the order of an epoch follows from the seed and the number of the epoch alone, so that a
resumed run needs no stored random state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.errors import ConfigError, DataError

Targets = NDArray[np.int8]
"""int8 [N, K]: 1 yes, 0 no, -1 not stated."""

_ORDER = 0x0DE2  # keeps these random numbers apart from others that are made from the same seed


@dataclass(frozen=True, eq=False)
class Shown:
    """What one epoch will show, per finding.

    images: float64 [K], expected number of shown images that say yes (an image drawn twice counts twice).
    loss_share: float64 [K] in 0..1, the part of the loss that these images carry: multi-class, of the whole loss (adds up
    to 1); multi-label, of this finding's own loss, 0.5 being even. nan where nothing is stated.
    """

    images: NDArray[np.float64]
    loss_share: NDArray[np.float64]


def class_weights(targets: Targets, task: str) -> NDArray[np.float32]:
    """How much a mistake costs, float32 [K], for the training images.

    multi-class: n / (K n_k), scikit-learn's "balanced", over the images with exactly one yes and the findings that occur;
    the images of each finding then carry the same part of the loss. multi-label: negatives / positives of each finding
    among the stated, the weight of a yes. Where there is nothing to balance (no yes, or multi-label no no) the
    weight is 1; `missing` tells which. Raises `DataError` where no finding has a yes, `ConfigError` for an unknown task.
    """
    positives, negatives = _counts(targets, task)
    other = negatives if task == "multi-label" else np.full_like(positives, positives.sum() / np.count_nonzero(positives))
    weights = np.ones(len(positives))
    np.divide(other, positives, out=weights, where=(positives > 0) & (other > 0))
    return weights.astype(np.float32)


def sampling_weights(targets: Targets, task: str) -> NDArray[np.float64]:
    """Chance of each training image to be the next one drawn, float64 [N], adding up to 1.

    multi-class: a finding is drawn evenly, then one of its images; images without exactly one yes are never drawn.
    multi-label: a finding is drawn evenly, then yes or no evenly, then one of the images that state it so; so each finding
    moves towards half yes, as far as findings that come together allow. Raises as `class_weights`.
    """
    _counts(targets, task)
    yes = _single(targets) if task == "multi-class" else targets == 1
    sides = [yes] if task == "multi-class" else [yes, targets == 0]
    chances = np.zeros(len(targets))
    for side in sides:
        counts = side.sum(0)
        chances += side @ np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)
    chances /= chances.sum()
    return chances


def draw(count: int, seed: int, epoch: int, weights: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """Order of one epoch, int64 [count], positions among the training images; the same for the same seed and epoch.

    Without weights a permutation. With weights (chances, float64 [count], adding up to 1) images come repeatedly: by
    systematic sampling, each stands floor(e) or ceil(e) times, e = count * chance, so that an epoch shows what
    `shown` promises instead of scattering around it as independent draws would.
    """
    rng = np.random.default_rng([seed, epoch, _ORDER])
    order = rng.permutation(count)
    if weights is None or count == 0:
        return order
    edges = np.cumsum(weights[order])
    marks = (np.arange(count) + rng.random()) * (edges[-1] / count)
    places = np.searchsorted(edges, marks, side="right").clip(max=count - 1)
    return rng.permutation(order[places])


def shown(targets: Targets, task: str, method: str) -> Shown:
    """What one epoch will show with `config.Imbalance.method`. Raises as `class_weights`, and `ConfigError` for the method."""
    if method not in ("none", "class-weights", "weighted-sampler"):
        raise ConfigError(f"'{method}' is no way to treat imbalance", where="imbalance.method")
    _counts(targets, task)
    times = np.ones(len(targets))
    if method == "weighted-sampler":
        times = len(targets) * sampling_weights(targets, task)
    cost = class_weights(targets, task).astype(np.float64) if method == "class-weights" else np.ones(targets.shape[1])
    images = times @ (targets == 1)
    yes = cost * (times @ (_single(targets) if task == "multi-class" else targets == 1))
    whole = yes.sum() if task == "multi-class" else yes + times @ (targets == 0)
    share = np.divide(yes, whole, out=np.full(len(yes), np.nan), where=np.broadcast_to(whole > 0, yes.shape))
    return Shown(images, share)


def missing(targets: Targets, task: str, findings: Sequence[str]) -> tuple[str, ...]:
    """Sentences on findings that cannot be learned from these images: nobody has it, or (multi-label) everybody has."""
    absent = [name for name, column in zip(findings, targets.T, strict=True) if not (column == 1).any()]
    always = [name for name, column in zip(findings, targets.T, strict=True) if not (column == 0).any()]
    told = []
    if absent:
        told.append(f"No training image shows {', '.join(absent)}: the network cannot learn to find what it never sees.")
    if task == "multi-label" and (always := [name for name in always if name not in absent]):
        told.append(f"No training image is without {', '.join(always)}: the network cannot learn to rule that out.")
    return tuple(told)


def _single(targets: Targets) -> NDArray[np.bool_]:
    """Yes entries [N, K] of the images with exactly one yes, which are those that a multi-class loss counts."""
    yes = targets == 1
    alone: NDArray[np.bool_] = yes & (yes.sum(1, keepdims=True) == 1)
    return alone


def _counts(targets: Targets, task: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if task not in ("multi-class", "multi-label"):
        raise ConfigError(f"'{task}' is no kind of task", where="task.kind", remedy="Choose multi-class or multi-label.")
    yes = _single(targets) if task == "multi-class" else targets == 1
    if not yes.any():
        remedy = "Label images, or choose other findings; a multi-class image must have exactly one."
        raise DataError("No training image has one of the findings", where=f"{len(targets)} images", remedy=remedy)
    return yes.sum(0).astype(np.float64), (targets == 0).sum(0).astype(np.float64)
