"""What a run is after: the figure that decides between epochs where one finding matters, and the rules of its first thresholds.

F-beta (van Rijsbergen 1979) is (1 + b^2) precision sensitivity / (b^2 precision + sensitivity): sensitivity counts b times as
much as precision. Both figures are the best that a threshold on validation can give, for the threshold is then put there.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import config, curves
from trainer.errors import ConfigError, did_you_mean
from trainer.results import Prediction

F_BETA, AT_SENSITIVITY = config.OF_ONE_FINDING


def check(choice: config.Choice, findings: Sequence[str]) -> None:
    """Refuse a choice by one finding that is not named or not learned. Raises `ConfigError`."""
    if choice.finding and choice.finding not in findings:
        raise ConfigError(
            f"The finding that matters, '{choice.finding}', is not one that is learned",
            where="choice.finding",
            remedy=did_you_mean(choice.finding, findings),
        )
    if choice.metric in config.OF_ONE_FINDING and not choice.finding:
        raise ConfigError(
            f"{choice.metric} is about one finding, and none is named",
            where="choice.finding",
            remedy=f"Choose the finding that matters: {', '.join(findings)}.",
        )


def figure(validation: Prediction, choice: config.Choice) -> dict[str, float]:
    """The figure of the finding that matters by name, 0..1, more is better; nothing where no finding does.

    f_beta: the largest F-beta of all thresholds. specificity_at_sensitivity: the specificity at the highest threshold that
    finds at least the wanted share. nan where validation has no image with, or none without, the finding.
    """
    if choice.metric not in config.OF_ONE_FINDING or choice.finding not in validation.findings:
        return {}
    sweep = sweep_of(validation, choice.finding)
    if not (sweep.positives and sweep.negatives):
        return {choice.metric: math.nan}
    if choice.metric == F_BETA:
        return {F_BETA: float(sweep.f_beta(choice.beta).max())}
    (tn, fp), _ = sweep.counts(sweep.at_sensitivity(choice.sensitivity))
    return {AT_SENSITIVITY: float(tn / (tn + fp))}


def undefined(targets: NDArray[np.int8], choice: config.Choice, findings: Sequence[str]) -> tuple[str, ...]:
    """A sentence where the figure that decides cannot be computed on these validation answers, int8 [N, K], in any epoch."""
    yes, no = (targets == 1).any(0), (targets == 0).any(0)
    names = [choice.finding] if choice.metric in config.OF_ONE_FINDING else findings
    defined = [yes[k] and no[k] for k, name in enumerate(findings) if name in names]
    if choice.metric not in (*config.OF_ONE_FINDING, "macro_auroc") or any(defined):
        return ()
    lacking = f"images with and without {choice.finding if choice.metric in config.OF_ONE_FINDING else 'one finding'}"
    return (f"Validation needs {lacking} for {choice.metric}: as it is, the epoch is chosen by the validation loss instead.",)


def sweep_of(prediction: Prediction, finding: str) -> curves.Sweep:
    """The scores of one finding, sorted."""
    place = prediction.findings.index(finding)
    return curves.Sweep(prediction.targets[:, place], prediction.probabilities[:, place])


def rules(choice: config.Choice, findings: Sequence[str]) -> dict[str, str]:
    """The rule by which each finding gets its first threshold on validation (see `curves.operating_point`)."""
    found = dict.fromkeys(findings, choice.criterion)
    if choice.finding in found and choice.metric == F_BETA:
        found[choice.finding] = f"fbeta={choice.beta!r}"
    elif choice.finding in found and choice.metric == AT_SENSITIVITY:
        found[choice.finding] = f"sensitivity={choice.sensitivity!r}"
    return found


def of_settings(stored: Mapping[str, Any]) -> config.Choice:
    """The choice in the settings that a run or a checkpoint stored; of older ones what was usual. Raises `ConfigError`."""
    return config.of_run({key: value for key, value in stored.items() if key.startswith("choice.")}).choice
