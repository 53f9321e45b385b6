"""Where a network was wrong, for each finding: the mistakes it was surest of, or some drawn at random. Without torch.

In a multi-class task the finding with the largest probability is the answer; in a multi-label task each finding is called from
its own threshold on: one for all images, or (float64 [N]) one for each, where images were predicted by different networks. An
image whose label is not stated can be no mistake.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trainer.results import Prediction

FALSE_POSITIVE, FALSE_NEGATIVE = "false positive", "false negative"
CONFIDENT, RANDOM = "most confident", "at random"

Rows = NDArray[np.int64]
Level = float | NDArray[np.float64]
"""The threshold of a finding, for all images or for each."""


def called(prediction: Prediction, thresholds: Mapping[str, Level], finding: str) -> NDArray[np.bool_]:
    """Whether each image was called to have a finding, bool [N], as the task decides it."""
    k = prediction.findings.index(finding)
    if prediction.task == "multi-class":
        return np.asarray(prediction.probabilities.argmax(axis=1) == k)
    return np.asarray(prediction.probabilities[:, k].astype(np.float64) >= thresholds[finding])


def rows(prediction: Prediction, thresholds: Mapping[str, Level], finding: str, kind: str) -> Rows:
    """Row numbers [n] of all false positives or false negatives of a finding, those that the network was surest of first.

    Sure means: a high probability of a finding that is not there, a low one of a finding that is.
    """
    k = prediction.findings.index(finding)
    truth, said = prediction.targets[:, k], called(prediction, thresholds, finding)
    p = prediction.probabilities[:, k].astype(np.float64)
    wrong = np.flatnonzero((truth == 0) & said if kind == FALSE_POSITIVE else (truth == 1) & ~said)
    return wrong[np.argsort(-p[wrong] if kind == FALSE_POSITIVE else p[wrong], kind="stable")]


def shown(wrong: Rows, how: str, most: int, seed: int) -> Rows:
    """At most `most` of the mistakes in `wrong` [n]: the first ones, or some drawn at random (the same seed, the same ones)."""
    if how == CONFIDENT or len(wrong) <= most:
        return wrong[:most]
    return np.sort(np.random.default_rng(seed).choice(wrong, most, replace=False))


def cell(prediction: Prediction, truth: int, predicted: int) -> Rows:
    """Row numbers [n] of one cell of the confusion matrix of a multi-class task; the surest answers first."""
    chosen = prediction.probabilities.argmax(axis=1)
    found = np.flatnonzero((prediction.truth() == truth) & (chosen == predicted))
    return found[np.argsort(-prediction.probabilities[found, predicted], kind="stable")]


def cell_of_finding(prediction: Prediction, finding: str, threshold: Level, *, present: bool, positive: bool) -> Rows:
    """Row numbers [n] of one cell of the 2x2 matrix of a finding at its own threshold; the most probable first."""
    k = prediction.findings.index(finding)
    p = prediction.probabilities[:, k].astype(np.float64)
    found = np.flatnonzero((prediction.targets[:, k] == int(present)) & ((p >= threshold) == positive))
    return found[np.argsort(-p[found], kind="stable")]
