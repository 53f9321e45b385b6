"""Rare findings: class weights, and how often each image stands in an epoch; what one epoch will really show the network.

Nothing here keeps state: the order of an epoch follows from the seed and the number of the epoch alone, so that a
resumed run needs no stored random state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer import config
from trainer.errors import ConfigError, DataError, did_you_mean

Targets = NDArray[np.int8]
"""int8 [N, K]: 1 yes, 0 no, -1 not stated."""

Floats = NDArray[np.float64]

PLAIN, BALANCED = config.Loss(), config.Imbalance()
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


def check(settings: config.TrainConfig, findings: Sequence[str]) -> None:
    """Refuse settings of imbalance, loss and choice that do not fit the findings. Raises `ConfigError`."""
    how, loss, count = settings.imbalance, settings.loss, len(findings)
    named = ", ".join(findings)
    many = settings.task.kind == "multi-label"
    if (
        how.method == "class-weights"
        and how.weighting == "own"
        and len(how.weights) != count
        and not (many and len(how.weights) == 1)
    ):
        raise ConfigError(
            f"There are {len(how.weights)} own weights for {count} findings",
            where="imbalance.weights",
            remedy=f"Give one number for each, in this order: {named}.",
        )
    if loss.name == "focal" and len(loss.alpha) not in (1, count):
        raise ConfigError(
            f"There are {len(loss.alpha)} numbers of focal alpha for {count} findings",
            where="loss.alpha",
            remedy=f"Give one number for all, or one for each in this order: {named}.",
        )


def sampler(targets: Targets, task: str, how: config.Imbalance) -> Sampler:
    """How an epoch is drawn. Raises as `class_weights`, and `ConfigError` for the method."""
    method = how.method
    if method in ("none", "class-weights"):
        return Sampler(len(targets))
    if method == "weighted-sampler":
        return Sampler(len(targets), len(targets) * sampling_weights(targets, task, how.ratio))
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


def class_weights(targets: Targets, task: str, how: config.Imbalance = BALANCED) -> NDArray[np.float32]:
    """How much a mistake costs, float32 [K], for the training images; `how.method` is not looked at.

    balanced: multi-class n / (K n_k), scikit-learn's "balanced", over the images with exactly one yes and the findings that
    occur; the images of each finding then carry the same part of the loss. multi-label: negatives / positives of each finding
    among the stated, the weight of a yes.
    effective-number (Cui et al. 2019, arXiv:1901.05555): the same with E(n) = (1 - beta^n) / (1 - beta) in place of n;
    multi-class 1 / E(n_k), scaled to a mean of 1 over the findings that occur; multi-label E(negatives) / E(positives).
    own: `how.weights` as they are; where only one is given, it stands for all.

    Where there is nothing to balance (no yes, or multi-label no no) the weight is 1; `pitfalls.missing` tells which. Raises
    `DataError` where no finding has a yes, `ConfigError` for an unknown task and for another number of own weights.
    """
    positives, negatives = _counts(targets, task)
    if how.weighting == "own":
        return _own(how.weights, len(positives))
    occurs = positives > 0
    if how.weighting == "effective-number":
        positives, negatives = effective_number(positives, how.beta), effective_number(negatives, how.beta)
    if task == "multi-label":
        other = negatives
    elif how.weighting == "effective-number":
        other = np.full_like(positives, np.count_nonzero(occurs) / (1 / positives[occurs]).sum())
    else:
        other = np.full_like(positives, positives.sum() / np.count_nonzero(occurs))
    weights = np.ones(len(positives))
    np.divide(other, positives, out=weights, where=occurs & (other > 0))
    return weights.astype(np.float32)


def effective_number(counts: Floats, beta: float) -> Floats:
    """(1 - beta^n) / (1 - beta) of each count, float64, 0 for none (Cui et al. 2019, equation 2); `beta` in 0..1 without 1."""
    # expm1 and log1p: beta^n itself loses all digits of small counts where beta is near 1.
    return np.asarray(-np.expm1(counts * np.log(beta)) / (1 - beta) if beta > 0 else (counts > 0).astype(np.float64))


def costs(targets: Targets, task: str, how: config.Imbalance) -> Floats:
    """What a mistake costs in one epoch as it is drawn and weighted, float64 [N, K]: for what sees all images at once.

    A weight of a multi-label finding is that of its yes. Raises as `class_weights`, and `ConfigError` for the method.
    """
    _, times, cost = _drawn(targets, task, how)
    return np.where((targets == 1) | (task == "multi-class"), cost, 1.0) * times[:, None]


def _drawn(targets: Targets, task: str, how: config.Imbalance) -> tuple[int, Floats, Floats]:
    """Images of an epoch, how often each stands in it [N], and what a mistake on each finding costs [K]."""
    drawn = sampler(targets, task, how)
    times = np.ones(len(targets)) if drawn.times is None else drawn.times
    weighted = how.method == "class-weights"
    cost = class_weights(targets, task, how).astype(np.float64) if weighted else np.ones(targets.shape[1])
    return drawn.length, times, cost


def _own(weights: Sequence[float], findings: int) -> NDArray[np.float32]:
    if len(weights) not in (1, findings):
        what = f"There are {len(weights)} own weights for {findings} findings"
        raise ConfigError(what, where="imbalance.weights", remedy="Give one number for each finding.")
    return np.broadcast_to(np.array(weights, np.float32), findings).copy()


def sampling_weights(targets: Targets, task: str, ratio: float = 0.0) -> Floats:
    """Chance of each training image to be the next one drawn, float64 [N], adding up to 1.

    With `ratio` 0, multi-class: a finding is drawn evenly, then one of its images; images without exactly one yes are never
    drawn. multi-label: a finding is drawn evenly, then yes or no evenly, then one of the images that state it so; so each
    finding moves towards half yes, as far as findings that come together allow.

    Else an image of the rarest finding is `ratio` times as likely to be drawn as one of the commonest, and those between
    follow the same law: the chance is as n ** -g with the one g that gives this ratio. 1 is plain drawing, the quotient of the
    largest and the smallest number of images is the same as 0, more than that makes the rare ones more frequent than the
    others. multi-label: so for yes and no of each finding, the most uneven one with `ratio`; each finding keeps its turn, so
    that an image that states more of them is drawn more often, with 1 too.
    Raises as `class_weights`.
    """
    _counts(targets, task)
    yes = _single(targets) if task == "multi-class" else targets == 1
    sides = [yes] if task == "multi-class" else [yes, targets == 0]
    counts = np.stack([side.sum(0) for side in sides]).astype(np.float64)  # [1 or 2, K]
    rivals = counts.T if task == "multi-label" else counts  # each row: what is to be evened out
    power = _power(rivals, ratio)
    each = np.power(counts, -power, out=np.zeros_like(counts), where=counts > 0)
    if task == "multi-label":
        turns = (each * counts).sum(0) / np.maximum((counts > 0).sum(0), 1)
        each = np.divide(each, turns, out=np.zeros_like(each), where=turns > 0)
    chances = sum(side @ one for side, one in zip(sides, each, strict=True))
    return np.asarray(chances / np.sum(chances))


def _power(rivals: Floats, ratio: float) -> float:
    """The g with (largest / smallest) ** g == ratio for the most uneven row of counts; 1 for 0, and where all are even."""
    most = max((row[row > 0].max() / row[row > 0].min() for row in rivals if (row > 0).any()), default=1.0)
    return float(np.log(ratio) / np.log(most)) if ratio > 0 and most > 1 else 1.0


def shown(targets: Targets, task: str, how: config.Imbalance, loss: config.Loss = PLAIN) -> Shown:
    """What one epoch will show. Raises as `class_weights`, and `ConfigError` for the method.

    Mixup and CutMix change nothing here: the partner of an image is one of its batch, so that each finding has the same part.
    """
    _counts(targets, task)
    length, times, cost = _drawn(targets, task, how)
    is_yes = targets == 1
    of_yes, of_no = _alphas(loss, task, targets.shape[1])
    yes = of_yes * cost * (times @ (_single(targets) if task == "multi-class" else is_yes))
    whole = yes.sum() if task == "multi-class" else yes + of_no * (times @ (targets == 0))
    share = np.divide(yes, whole, out=np.full(len(yes), np.nan), where=np.broadcast_to(whole > 0, yes.shape))
    return Shown(is_yes.sum(0).astype(np.float64), times @ is_yes, share, len(targets), length)


def _alphas(loss: config.Loss, task: str, findings: int) -> tuple[Floats, Floats]:
    """What focal alpha multiplies a yes and a no of each finding with, float64 [K]; 1 where it weights nothing."""
    if len(loss.alpha) not in (1, findings):
        raise ConfigError(f"There are {len(loss.alpha)} numbers of focal alpha for {findings} findings", where="loss.alpha")
    alpha = np.broadcast_to(np.array(loss.alpha), findings)
    counts = (alpha > 0) & (loss.name == "focal") & (task == "multi-label" or len(loss.alpha) > 1)
    return np.where(counts, alpha, 1.0), np.where(counts, 1 - alpha, 1.0)


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
