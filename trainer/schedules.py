"""The learning rate as a function of the step alone, so that nothing needs to be kept for a resume."""

import math

from trainer.config import Schedule

ONE_CYCLE_START = 1 / 25
"""Share of the peak at which one-cycle begins (Smith and Topin 2018, arXiv:1708.07120; torch's OneCycleLR default)."""


def factor(schedule: Schedule, step: int, steps_per_epoch: int) -> float:
    """Share (0 to 1) of the learning rate at `step`, counted from 0 over the whole training.

    cosine: linear warm-up, then half a cosine to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983). one-cycle: half a cosine
    up from 1/25, half a cosine down to 0. constant: linear warm-up, then 1.
    """
    total = schedule.epochs * steps_per_epoch
    rise = min(round(schedule.warmup * steps_per_epoch), total)
    if schedule.name == "one-cycle":
        if step < rise:
            return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * _half_cosine(step / rise)
        return 1 - _half_cosine((step - rise) / max(1, total - rise))
    if step < rise:
        return (step + 1) / rise
    return 1.0 if schedule.name == "constant" else 1 - _half_cosine((step - rise) / max(1, total - rise))


def _half_cosine(share: float) -> float:
    """Rise from 0 to 1 along half a cosine."""
    return (1 - math.cos(math.pi * share)) / 2
