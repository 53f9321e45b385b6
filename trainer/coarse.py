"""A prediction of fine findings ("Pneumonia/Viral/COVID-19") as one of the coarse findings above them ("Pneumonia").

Multi-class: exactly one of the fine findings is there, so their probabilities add up to that of what they have in common.
Multi-label: how findings come together is not known, and the largest probability below a coarse finding is what at least one of
them has in any case (Frechet's lower bound). Adding up, or one minus the product of the contrary (noisy or), supposes that they
come independently of each other, and calls a coarse finding for the sum of many small doubts.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trainer import levels
from trainer.errors import ConfigError
from trainer.results import Prediction


def findings(fine: Sequence[str], level: int, task: str) -> tuple[str, ...]:
    """Names of the coarse findings at a level (1: the first step of each path). Raises `ConfigError` if nothing is coarser."""
    names = levels.named(fine, level)
    if set(names) == set(fine):
        remedy = "Leave --level out: the findings are as coarse as that already."
        raise ConfigError(f"No finding of this run lies below level {level}", where=", ".join(fine), remedy=remedy)
    if len(names) < (2 if task == "multi-class" else 1):
        remedy = "Choose a higher level."
        raise ConfigError(f"At level {level} there is nothing to tell apart", where=", ".join(names), remedy=remedy)
    return names


def offered(fine: Sequence[str], task: str) -> dict[int, tuple[str, ...]]:
    """The levels at which these findings can be judged, the coarsest first, each with its findings; {} without a tree."""
    found: dict[int, tuple[str, ...]] = {}
    for level in range(1, max((name.count(levels.STEP) for name in fine), default=0) + 1):
        with contextlib.suppress(ConfigError):
            found[level] = findings(fine, level, task)
    return found


def probabilities(prediction: Prediction, names: Sequence[str]) -> NDArray[np.float32]:
    """Probabilities float32 [N, C] of the coarse findings `names`: of what lies below, the sum or (multi-label) the largest."""
    made = np.zeros((len(prediction.ids), len(names)), np.float32)
    for place, name in enumerate(names):
        below = [k for k, fine in enumerate(prediction.findings) if fine == name or fine.startswith(name + levels.STEP)]
        some = prediction.probabilities[:, below]
        if below:
            made[:, place] = some.sum(1, dtype=np.float64) if prediction.task == "multi-class" else some.max(1)
    return made.clip(0, 1)


def of(prediction: Prediction, names: Sequence[str], targets: NDArray[np.int8]) -> Prediction:
    """The same images with coarse findings; `targets` int8 [N, C] are their answers at that level."""
    return replace(prediction, findings=tuple(names), probabilities=probabilities(prediction, names), targets=targets)


def notes(fine: Sequence[str], names: Sequence[str], level: int, task: str) -> tuple[str, ...]:
    """In words how the coarse figures were made of the fine ones."""
    how = "the sum" if task == "multi-class" else "the largest"
    made = f"the probability of each coarse finding is {how} of those below it, and its threshold was chosen anew on validation"
    told = [f"Judged at level {level} of the tree of findings: {made}, as those of the fine findings do not fit it."]
    lost = [one for one in fine if not any(one == name or one.startswith(name + levels.STEP) for name in names)]
    if lost:
        told.append(f"Too coarse for level {level}, and part of none of its findings: {', '.join(lost)}.")
    return tuple(told)
