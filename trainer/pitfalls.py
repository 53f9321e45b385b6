"""What to know of rare findings before a training, in words: corrections that stack, traps, what an epoch will show."""

from collections.abc import Iterator, Sequence

import numpy as np

from trainer import config
from trainer.errors import counted
from trainer.imbalance import BALANCED, PLAIN, Shown, Targets

OFTEN = 10
"""Times an epoch from which on repeating one image is warned of: what the network then learns is that image."""
OVER = 1.25
"""Times the imbalance from which on a sampler ratio is said to turn it round."""
LITTLE = 0.5
"""Share of the training images below which an epoch is warned of as small."""


def warnings(settings: config.TrainConfig, seen: Shown | None = None) -> tuple[str, ...]:
    """Sentences on corrections that add to each other and on other traps; with `seen` also on what this epoch is like."""
    return (*_stacked(settings), *(_traps(settings, seen) if seen else ()))


_DOES = {
    "class-weights": "Class weights make mistakes on rare findings cost more",
    "weighted-sampler": "The weighted sampler shows rare findings more often",
    "oversampling": "Oversampling shows rare findings more often",
    "undersampling": "Undersampling shows frequent findings less often",
}


def _stacked(settings: config.TrainConfig) -> Iterator[str]:
    how, loss, task = settings.imbalance, settings.loss, settings.task.kind
    method = how.method
    focal = loss.name == "focal" and loss.gamma > 0
    alpha = any(loss.alpha)
    if method in _DOES and focal:
        yield (
            f"{_DOES[method]}, and focal loss favours them too, as they are harder: the two add up, and rare findings may be "
            "called too often. Try one of them alone first."
        )
    if loss.name == "focal" and alpha and task == "multi-class" and len(loss.alpha) == 1:
        yield "One number of focal alpha is for multi-label tasks; it changes nothing here. Give one for each finding."
    elif loss.name == "focal" and alpha and method in _DOES:
        numbers = ", ".join(f"{one:g}" for one in loss.alpha)
        if task == "multi-class":
            direction = "weights findings as well"
        else:
            direction = "takes back a part of it" if max(loss.alpha) < 0.5 else "adds to it"
        yield f"{_DOES[method]}, and focal alpha {numbers} {direction}: only the product of the two is felt."
    if loss.name == "focal" and alpha and len(loss.alpha) > 1 and not all(loss.alpha):
        more = "which is more than any other number gives" if task == "multi-class" else "yes and no alike"
        yield f"A focal alpha of 0 is no weight of nothing: that finding counts in full, {more}."
    if loss.name == "focal" and loss.smoothing:
        yield "Label smoothing keeps answers from being too sure, and so does focal loss: with both, all stay near even."
    if loss.name != "focal" and (loss.gamma != PLAIN.gamma or loss.alpha != PLAIN.alpha):
        yield "Focal gamma and alpha change nothing as long as the loss is cross-entropy."
    yield from _idle(settings)


def _idle(settings: config.TrainConfig) -> Iterator[str]:
    """Settings that change nothing as others stand."""
    how, choice = settings.imbalance, settings.choice
    if how.ratio and how.method != "weighted-sampler":
        yield "The sampler ratio changes nothing without the weighted sampler."
    elif how.method == "weighted-sampler" and 0 < how.ratio < 1:
        yield f"A sampler ratio of {how.ratio:g} shows rare findings less often than no sampler: give a number above 1."
    made = how.weighting != BALANCED.weighting or how.weights or how.beta != BALANCED.beta
    if how.method != "class-weights" and made:
        yield "How class weights are made changes nothing as long as Imbalance is not class-weights."
    elif how.weights and how.weighting != "own":
        yield "Own weights change nothing as long as Class weights is not own."
    if how.method == "class-weights" and how.beta != BALANCED.beta and how.weighting != "effective-number":
        yield "Beta of the effective number changes nothing as long as Class weights is not effective-number."
    if choice.finding and choice.metric not in config.OF_ONE_FINDING:
        yield (
            f"The finding that matters ({choice.finding}) changes nothing as long as the epoch is not chosen by f_beta or "
            "specificity_at_sensitivity."
        )


def _traps(settings: config.TrainConfig, seen: Shown) -> Iterator[str]:
    method = settings.imbalance.method
    times = np.divide(seen.images, seen.present, out=np.zeros(len(seen.images)), where=seen.present > 0)
    most = float(times.max(initial=0.0))
    rarest = int(np.argmax(times))
    if method in ("oversampling", "weighted-sampler") and most >= OFTEN:
        yield (
            f"Each of the {seen.present[rarest]:.0f} images of the rarest finding is shown {most:.0f} times in an epoch: the "
            "network may learn these images by heart instead of the finding."
        )
    if method == "weighted-sampler" and settings.task.kind == "multi-class":
        yield from _overshot(settings.imbalance.ratio, seen)
    if method == "oversampling" and seen.length > seen.count:
        longer = seen.length / seen.count
        yield f"An epoch has {seen.length} images instead of {seen.count} and takes {longer:.1f} times as long."
    if method == "undersampling" and seen.length < LITTLE * seen.count:
        yield (
            f"An epoch has only {seen.length} of {seen.count} images (others each time): it takes more epochs to see them all, "
            "and each teaches less."
        )


def _overshot(ratio: float, seen: Shown) -> Iterator[str]:
    """A ratio that turns the imbalance round: the rarest finding is then shown more often than the commonest."""
    present = seen.present[seen.present > 0]
    uneven = float(present.max() / present.min())
    if ratio > OVER * uneven:
        shown = seen.images[seen.present > 0]
        rarest, commonest = shown[present.argmin()] / seen.length, shown[present.argmax()] / seen.length
        yield (
            f"A sampler ratio of {ratio:g} is more than the images are uneven ({uneven:.1f} to 1): the rarest finding becomes "
            f"{rarest * 100:.0f} % of an epoch, the commonest {commonest * 100:.0f} %. 0 makes all even."
        )


def unmixed(targets: Targets, settings: config.TrainConfig) -> tuple[str, ...]:
    """A sentence where mixup and CutMix leave out much of what is stated: an answer counts only where both images state it."""
    if settings.task.kind != "multi-label" or not (settings.augment.mixup or settings.augment.cutmix) or not len(targets):
        return ()
    stated = (targets >= 0).mean(0)
    kept = float((stated**2).sum() / max(stated.sum(), 1e-9))
    if kept >= LITTLE:
        return ()
    words = "of the answers: where one of two mixed images does not state a finding, the mix does not either."
    return (f"Mixing leaves {kept * 100:.0f} % {words}",)


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


def in_words(seen: Shown, findings: Sequence[str], task: str) -> str:
    """One sentence on what an epoch shows: images of each finding, how many there are, and their part of the loss."""
    whole = "its loss" if task == "multi-label" else "the loss"
    each = (
        f"{name} {images:,.0f} (there are {present:,.0f}{'' if np.isnan(share) else f', {share * 100:.0f} % of {whole}'})"
        for name, images, present, share in zip(findings, seen.images, seen.present, seen.loss_share, strict=True)
    )
    return f"One epoch shows {counted(seen.length, 'image')} of {seen.count:,}: {'; '.join(each)}."
