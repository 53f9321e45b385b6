"""Figures from labels and probabilities: pure numpy, no state.

N images, K findings. Targets are 1 (yes), 0 (no) and -1 (not stated); not stated is left out of every figure.
Probabilities lie in 0..1. Every function takes `weights` float64 [..., N], at least 0 (None: all 1), and returns its figure
with the leading shape of the weights, so that a bootstrap is the same function with many rows of weights at once.
All figures lie in 0..1. A figure that is not defined is nan, never 0.

Matrices always stand truth down, prediction across: 2x2 = [[tn, fp], [fn, tp]]; an image counts as positive if its
probability is at least the threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
Probabilities = NDArray[np.floating]


def counts(y: Labels, p: Probabilities, threshold: float, weights: ArrayLike | None = None) -> Floats:
    """Return the 2x2 matrix float64 [..., 2, 2] of one finding: y [N], p [N]."""
    return counts_all(y[:, None], p[:, None], [threshold], weights)[..., 0, :, :]


def counts_all(
    targets: Labels, probabilities: Probabilities, thresholds: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Return one 2x2 matrix per finding, float64 [..., K, 2, 2]: targets [N, K], probabilities [N, K], thresholds [K]."""
    decided = decisions(probabilities, thresholds)
    cells = np.stack([(targets == truth) & (decided == said) for truth in (0, 1) for said in (False, True)], axis=-1)
    weight = _weights(weights, len(targets))
    flat = weight @ cells.reshape(len(targets), 4 * targets.shape[1]).astype(np.float64)
    return flat.reshape(*weight.shape[:-1], targets.shape[1], 2, 2)


def decisions(probabilities: Probabilities, thresholds: ArrayLike) -> NDArray[np.bool_]:
    """Return bool [N, K]: the probability is at least the threshold [K] of its finding (compared as float64)."""
    decided: NDArray[np.bool_] = probabilities.astype(np.float64) >= np.asarray(thresholds, dtype=np.float64)
    return decided


def confusion(truth: Labels, predicted: Labels, findings: int, weights: ArrayLike | None = None) -> Floats:
    """Return the matrix float64 [..., K, K] of a multi-class task.

    `truth` [N] is the index of the finding, or -1 where it is not known (left out); `predicted` [N] is 0..K-1.
    """
    weight = _weights(weights, len(truth))
    matrix = np.zeros((*weight.shape[:-1], findings * findings))
    known = np.flatnonzero(truth >= 0)
    cells = truth[known].astype(np.int64) * findings + predicted[known]
    order = np.argsort(cells, kind="stable")
    used, starts = np.unique(cells[order], return_index=True)
    if used.size:
        matrix[..., used] = np.add.reduceat(weight[..., known[order]], starts, axis=-1)
    return matrix.reshape(*weight.shape[:-1], findings, findings)


def one_against_rest(matrix: ArrayLike) -> Floats:
    """Turn a confusion matrix [..., K, K] into one 2x2 matrix per finding, float64 [..., K, 2, 2]."""
    matrix = np.asarray(matrix, dtype=np.float64)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    missed, false = matrix.sum(axis=-1) - hits, matrix.sum(axis=-2) - hits
    rest = matrix.sum(axis=(-2, -1))[..., None] - hits - missed - false
    return np.stack([rest, false, missed, hits], axis=-1).reshape(*hits.shape, 2, 2)


def sensitivity(matrix: ArrayLike) -> Floats:
    """Return tp / (tp + fn) of 2x2 matrices [..., 2, 2]; not defined without a positive."""
    _, _, fn, tp = _cells(matrix)
    return _ratio(tp, tp + fn)


def specificity(matrix: ArrayLike) -> Floats:
    """Return tn / (tn + fp) of 2x2 matrices [..., 2, 2]; not defined without a negative."""
    tn, fp, _, _ = _cells(matrix)
    return _ratio(tn, tn + fp)


def precision(matrix: ArrayLike) -> Floats:
    """Return tp / (tp + fp) of 2x2 matrices [..., 2, 2]; not defined where nothing is called positive."""
    _, fp, _, tp = _cells(matrix)
    return _ratio(tp, tp + fp)


def npv(matrix: ArrayLike) -> Floats:
    """Return the negative predictive value tn / (tn + fn) of [..., 2, 2]; not defined where nothing is called negative."""
    tn, _, fn, _ = _cells(matrix)
    return _ratio(tn, tn + fn)


def f1(matrix: ArrayLike) -> Floats:
    """Return 2 tp / (2 tp + fp + fn) of [..., 2, 2]; not defined without a positive, true or called."""
    _, fp, fn, tp = _cells(matrix)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def accuracy(matrix: ArrayLike) -> Floats:
    """Return the share on the diagonal of matrices [..., K, K]; 2x2 is one of them."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return _ratio(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum(axis=(-2, -1)))


def balanced_accuracy(matrix: ArrayLike) -> Floats:
    """Return the mean share found, over the rows of [..., K, K] that occur (Brodersen et al. 2010; as scikit-learn)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return average(_ratio(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1)))


def macro_f1(matrix: ArrayLike) -> Floats:
    """Return the mean F1 of the findings of a confusion matrix [..., K, K] for which it is defined."""
    return average(f1(one_against_rest(matrix)))


def average(values: ArrayLike) -> Floats:
    """Return the mean over the last axis of what is defined; nan where nothing is."""
    values = np.asarray(values, dtype=np.float64)
    return _ratio(np.nansum(values, axis=-1), np.sum(~np.isnan(values), axis=-1))


def hamming(targets: Labels, decided: NDArray[np.bool_], weights: ArrayLike | None = None) -> Floats:
    """Return the share of stated labels that are wrong: targets [N, K], decided [N, K]."""
    weight = _weights(weights, len(targets))
    stated = targets >= 0
    wrong = stated & (decided != (targets == 1))
    return _ratio(weight @ wrong.sum(axis=1, dtype=np.float64), weight @ stated.sum(axis=1, dtype=np.float64))


def exact_match(targets: Labels, decided: NDArray[np.bool_], weights: ArrayLike | None = None) -> Floats:
    """Return the share of images whose stated labels are all right, of the images with a stated label."""
    weight = _weights(weights, len(targets))
    stated = targets >= 0
    used = stated.any(axis=1)
    right = used & ~(stated & (decided != (targets == 1))).any(axis=1)
    return _ratio(weight @ right.astype(np.float64), weight @ used.astype(np.float64))


def brier(targets: Labels, probabilities: Probabilities, weights: ArrayLike | None = None) -> Floats:
    """Return the mean of (p - y)^2, per finding for [N, K] and as one figure for [N] (Brier 1950)."""
    weight = _weights(weights, len(targets))
    stated = targets >= 0
    squares = np.where(stated, (probabilities.astype(np.float64) - targets) ** 2, 0.0)
    return _ratio(weight @ squares, weight @ stated.astype(np.float64))


def auroc(y: Labels, p: Probabilities, weights: ArrayLike | None = None) -> Floats:
    """Return the area under the ROC curve of one finding; ties count half. Not defined without both yes and no."""
    return Ranking(y, p).auroc(weights)


def auprc(y: Labels, p: Probabilities, weights: ArrayLike | None = None) -> Floats:
    """Return the average precision of one finding, without interpolation (as scikit-learn). Not defined without a yes."""
    return Ranking(y, p).auprc(weights)


class Ranking:
    """The scores of one finding, sorted once, so that areas under many rows of weights are sums."""

    def __init__(self, y: Labels, p: Probabilities) -> None:
        """Sort y [N] and p [N]; images without a stated label are left out."""
        yes, no = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
        self._yes, self._no = yes[np.argsort(p[yes], kind="stable")], no[np.argsort(p[no], kind="stable")]
        scores = p[self._yes]
        self._below = np.searchsorted(p[self._no], scores, "left")
        self._ties = np.searchsorted(p[self._no], scores, "right")
        self._weaker = np.searchsorted(scores, scores, "left")
        self._tied = bool((self._ties > self._below).any())
        self._images = len(y)

    def auroc(self, weights: ArrayLike | None = None) -> Floats:
        """Return the chance that a yes scores above a no (Mann-Whitney), ties half."""
        return self.areas(weights)[0]

    def auprc(self, weights: ArrayLike | None = None) -> Floats:
        """Return the average precision: sum over thresholds of the rise in recall times the precision there."""
        return self.areas(weights)[1]

    def areas(self, weights: ArrayLike | None = None) -> tuple[Floats, Floats]:
        """Return (AUROC, average precision); both from the same running sums."""
        weight = _weights(weights, self._images)
        yes = weight[..., self._yes]
        no_below, yes_below = _running(weight[..., self._no]), _running(yes)
        total, others = yes_below[..., -1], no_below[..., -1]
        under = no_below[..., self._below]
        wins = 0.5 * (under + no_below[..., self._ties]) if self._tied else under
        hits = total[..., None] - yes_below[..., self._weaker]
        called = hits + others[..., None] - under
        precise = np.divide(hits, called, out=np.zeros_like(called), where=called > 0)
        return _ratio(_dot(yes, wins), total * others), _ratio(_dot(yes, precise), total)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Per bin of equal width over 0..1: float64 [bins] mean probability, share of yes (nan where empty), and weight."""

    probability: Floats
    share: Floats
    count: Floats

    @property
    def error(self) -> float:
        """The expected calibration error (Naeini et al. 2015): mean gap between probability and share, weighted by count."""
        gap = np.nansum(self.count * np.abs(self.probability - self.share))
        return float(_ratio(gap, self.count.sum()))


def calibration(y: Labels, p: Probabilities, bins: int = 10, weights: ArrayLike | None = None) -> Calibration:
    """Compare probability and share of yes of one finding; `weights` [N] here. A probability of 1 lies in the last bin."""
    stated = y >= 0
    weight, score = _weights(weights, len(y))[stated], p[stated].astype(np.float64)
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, weight, bins).astype(np.float64)
    mean = _ratio(np.bincount(place, weight * score, bins), count)
    return Calibration(mean, _ratio(np.bincount(place, weight * (y[stated] == 1), bins), count), count)


def expected_calibration_error(y: Labels, p: Probabilities, bins: int = 10, weights: ArrayLike | None = None) -> float:
    """Return `Calibration.error` of one finding; nan without a stated label."""
    return calibration(y, p, bins, weights).error


def _weights(weights: ArrayLike | None, images: int) -> Floats:
    return np.ones(images) if weights is None else np.asarray(weights, dtype=np.float64)


def _cells(matrix: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    m = np.asarray(matrix, dtype=np.float64)
    return m[..., 0, 0], m[..., 0, 1], m[..., 1, 0], m[..., 1, 1]


def _ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out[()]  # a number where there is no dimension left


def _running(weight: Floats) -> Floats:
    """Sums of all before each place: [..., n] -> [..., n + 1], the last is the total."""
    sums = np.zeros((*weight.shape[:-1], weight.shape[-1] + 1))
    np.cumsum(weight, axis=-1, out=sums[..., 1:])
    return sums


def _dot(a: Floats, b: Floats) -> Floats:
    products: Floats = np.einsum("...i,...i->...", a, b)
    return products
