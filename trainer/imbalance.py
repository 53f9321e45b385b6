"""Rare findings: class weights, and how often each image stands in an epoch; what one epoch will really show the network.

Nothing here keeps state: the order of an epoch follows from the seed and the number of the epoch alone, so that a
resumed run needs no stored random state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer import config
from trainer.errors import ConfigError, DataError, did_you_mean

Targets = NDArray[np.int8]
"""int8 [N, K]: 1 yes, 0 no, -1 not stated."""

Floats = NDArray[np.float64]

PLAIN = config.Loss()
OFTEN = 10
"""Times an epoch from which on repeating one image is warned of: what the network then learns is that image."""
LITTLE = 0.5
"""Share of the training images below which an epoch is warned of as small."""
_ORDER = 0x0DE2  # keeps these random numbers apart from others that are made from the same seed


@dataclass(frozen=True, eq=False)
class Shown:
    """What one epoch will show, per finding.

    present, images: float64 [K], number of training images that say yes, and of those that one epoch shows (expected; an
    image drawn twice counts twice).
    loss_share: float64 [K] in 0..1, the part of the loss that these images carry: multi-class, of the whole loss (adds up
    to 1); multi-label, of this finding's own loss, 0.5 being even. nan where nothing is stated. With focal loss this is so
    as long as all images are equally wrong; later those that are still wrong carry more.
    count, length: training images, and images in one epoch.
    """

    present: Floats
    images: Floats
    loss_share: Floats
    count: int
    length: int


@dataclass(frozen=True, eq=False)
class Sampler:
    """How often each training image stands in an epoch: float64 [N], adding up to `length`; None: each once.

    `groups` int64 [N]: images of one group keep the sum of their times in every epoch, not only on average.
    """

    length: int
    times: Floats | None = None
    groups: NDArray[np.int64] | None = None

    def draw(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """Order of one epoch, int64 [length], positions among the training images; the same for the same seed and epoch.

        By systematic sampling each image stands floor(t) or ceil(t) times, so that an epoch shows what `shown` promises
        instead of scattering around it as independent draws would.
        """
        rng = np.random.default_rng([seed, epoch, _ORDER])
        order = rng.permutation(self.length if self.times is None else len(self.times))
        if self.times is None or not len(order):
            return order
        if self.groups is not None:
            order = order[np.argsort(self.groups[order], kind="stable")]
        edges = np.cumsum(self.times[order])
        marks = (np.arange(self.length) + rng.random()) * (edges[-1] / self.length)
        last = int(np.flatnonzero(self.times[order])[-1])  # rounding must not end at an image that is never drawn
        places = np.searchsorted(edges, marks, side="right").clip(max=last)
        return rng.permutation(order[places])


def sampler(targets: Targets, task: str, method: str) -> Sampler:
    """How `config.Imbalance.method` draws an epoch. Raises as `class_weights`, and `ConfigError` for the method."""
    if method in ("none", "class-weights"):
        return Sampler(len(targets))
    if method == "weighted-sampler":
        return Sampler(len(targets), len(targets) * sampling_weights(targets, task))
    if method not in ("oversampling", "undersampling"):
        known = next(item.choices for item in config.settings() if item.key == "imbalance.method")
        remedy = did_you_mean(method, known)
        raise ConfigError(f"'{method}' is no way to treat imbalance", where="imbalance.method", remedy=remedy)
    positives, _ = _counts(targets, task)
    yes = _single(targets) if task == "multi-class" else targets == 1
    times = _oversampled(yes, positives, task) if method == "oversampling" else _undersampled(yes, positives, task)
    # Whole images: more of them for what is added, fewer for what is left out, so that nothing stands less (or more) often
    # than it should. In multi-class tasks the sum is whole already.
    whole = round(times.sum(), 6)
    length = int(np.ceil(whole) if method == "oversampling" else np.floor(whole))
    groups = np.where(yes.any(1), yes.argmax(1), yes.shape[1]) if task == "multi-class" else None
    return Sampler(length, times * (length / times.sum()), groups)


def _oversampled(yes: NDArray[np.bool_], positives: Floats, task: str) -> Floats:
    """Times of each image, float64 [N]: as often as the rarest of its findings needs to become as frequent as the commonest.

    multi-label: an image of several findings brings the frequent ones along, which therefore grow too (as with the repeat
    factors of Gupta et al. 2019, without their root); images without a finding stand once. multi-class: images without
    exactly one finding never stand.
    """
    needed = np.divide(positives.max(), positives, out=np.zeros(len(positives)), where=positives > 0)
    times: Floats = (yes * needed).max(1)
    return times if task == "multi-class" else np.maximum(times, 1.0)


def _undersampled(yes: NDArray[np.bool_], positives: Floats, task: str) -> Floats:
    """Share of epochs in which each image stands, float64 [N] in 0..1: all images of the rarest finding always.

    multi-label: an image stands as its rarest finding demands, and those without any finding are one more group that is
    reduced. multi-class: images without exactly one finding never stand.
    """
    rarest = positives[positives > 0].min()
    kept = np.divide(rarest, positives, out=np.zeros(len(positives)), where=positives > 0)
    times: Floats = (yes * kept).max(1)
    without = ~yes.any(1)
    if task == "multi-label" and without.any():
        times[without] = min(1.0, rarest / np.count_nonzero(without))
    return times


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


def sampling_weights(targets: Targets, task: str) -> Floats:
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


def shown(targets: Targets, task: str, method: str, loss: config.Loss = PLAIN) -> Shown:
    """What one epoch will show with `config.Imbalance.method`. Raises as `class_weights`, and `ConfigError` for the method."""
    _counts(targets, task)
    drawn = sampler(targets, task, method)
    times = np.ones(len(targets)) if drawn.times is None else drawn.times
    cost = class_weights(targets, task).astype(np.float64) if method == "class-weights" else np.ones(targets.shape[1])
    is_yes = targets == 1
    alpha = loss.alpha if loss.name == "focal" and task == "multi-label" and loss.alpha else 0.5
    yes = alpha * cost * (times @ (_single(targets) if task == "multi-class" else is_yes))
    whole = yes.sum() if task == "multi-class" else yes + (1 - alpha) * (times @ (targets == 0))
    share = np.divide(yes, whole, out=np.full(len(yes), np.nan), where=np.broadcast_to(whole > 0, yes.shape))
    return Shown(is_yes.sum(0).astype(np.float64), times @ is_yes, share, len(targets), drawn.length)


def warnings(settings: config.TrainConfig, seen: Shown | None = None) -> tuple[str, ...]:
    """Sentences on corrections that add to each other and on other traps; with `seen` also on what this epoch is like."""
    return (*_stacked(settings), *(_traps(settings.imbalance.method, seen) if seen else ()))


_DOES = {
    "class-weights": "Class weights make mistakes on rare findings cost more",
    "weighted-sampler": "The weighted sampler shows rare findings more often",
    "oversampling": "Oversampling shows rare findings more often",
    "undersampling": "Undersampling shows frequent findings less often",
}


def _stacked(settings: config.TrainConfig) -> Iterator[str]:
    method, loss, task = settings.imbalance.method, settings.loss, settings.task.kind
    focal = loss.name == "focal" and loss.gamma > 0
    if method in _DOES and focal:
        yield (
            f"{_DOES[method]}, and focal loss favours them too, as they are harder: the two add up, and rare findings may be "
            "called too often. Try one of them alone first."
        )
    if loss.name == "focal" and loss.alpha and task == "multi-class":
        yield "Focal alpha is for multi-label tasks; it changes nothing here."
    elif loss.name == "focal" and loss.alpha and method in _DOES:
        direction = "takes back a part of it" if loss.alpha < 0.5 else "adds to it"
        yield f"{_DOES[method]}, and focal alpha {loss.alpha:g} {direction}: only the product of the two is felt."
    if loss.name == "focal" and loss.smoothing:
        yield "Label smoothing keeps answers from being too sure, and so does focal loss: with both, all stay near even."
    if loss.name != "focal" and (loss.gamma != PLAIN.gamma or loss.alpha != PLAIN.alpha):
        yield "Focal gamma and alpha change nothing as long as the loss is cross-entropy."


def _traps(method: str, seen: Shown) -> Iterator[str]:
    times = np.divide(seen.images, seen.present, out=np.zeros(len(seen.images)), where=seen.present > 0)
    most = float(times.max(initial=0.0))
    rarest = int(np.argmax(times))
    if method in ("oversampling", "weighted-sampler") and most >= OFTEN:
        yield (
            f"Each of the {seen.present[rarest]:.0f} images of the rarest finding is shown {most:.0f} times in an epoch: the "
            "network may learn these images by heart instead of the finding."
        )
    if method == "oversampling" and seen.length > seen.count:
        longer = seen.length / seen.count
        yield f"An epoch has {seen.length} images instead of {seen.count} and takes {longer:.1f} times as long."
    if method == "undersampling" and seen.length < LITTLE * seen.count:
        yield (
            f"An epoch has only {seen.length} of {seen.count} images (others each time): it takes more epochs to see them all, "
            "and each teaches less."
        )


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


def _counts(targets: Targets, task: str) -> tuple[Floats, Floats]:
    if task not in ("multi-class", "multi-label"):
        raise ConfigError(f"'{task}' is no kind of task", where="task.kind", remedy="Choose multi-class or multi-label.")
    yes = _single(targets) if task == "multi-class" else targets == 1
    if not yes.any():
        remedy = "Label images, or choose other findings; a multi-class image must have exactly one."
        raise DataError("No training image has one of the findings", where=f"{len(targets)} images", remedy=remedy)
    return yes.sum(0).astype(np.float64), (targets == 0).sum(0).astype(np.float64)
