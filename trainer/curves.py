"""One finding at every threshold: ROC and precision-recall curves, operating points, and counts at a moved threshold.

An image counts as positive if its probability is at least the threshold. A chosen threshold lies midway between two
neighbouring scores, never on one: the last digit of a float, which differs between processors, then flips no decision.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.errors import ConfigError, did_you_mean

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
Probabilities = NDArray[np.floating]


class Sweep:
    """The scores of one finding, sorted once; then counts at any threshold cost one binary search.

    `scores` float64 [m] are the distinct probabilities, rising; `true_positives` and `false_positives` float64 [m + 1] are
    the weights of yes and no with at least that score (the last: 0, for a threshold above all of them).
    """

    def __init__(self, y: Labels, p: Probabilities, weights: ArrayLike | None = None) -> None:
        """Sort y [N] in {1, 0, -1} (not stated is left out) and p [N] in 0..1; `weights` float64 [N], None: all 1."""
        stated = y >= 0
        weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
        self.scores, place = np.unique(p[stated].astype(np.float64), return_inverse=True)
        yes = np.bincount(place, weight[stated] * (y[stated] == 1), self.scores.size)
        no = np.bincount(place, weight[stated] * (y[stated] == 0), self.scores.size)
        self.true_positives, self.false_positives = _at_least(yes), _at_least(no)

    @property
    def positives(self) -> float:
        """Weight of the images with the finding."""
        return float(self.true_positives[0])

    @property
    def negatives(self) -> float:
        """Weight of the images without it."""
        return float(self.false_positives[0])

    def counts(self, threshold: ArrayLike) -> Floats:
        """Return [[tn, fp], [fn, tp]], float64 [..., 2, 2], at one threshold or at an array of them [...]."""
        place = np.searchsorted(self.scores, np.asarray(threshold, dtype=np.float64), "left")
        tp, fp = self.true_positives[place], self.false_positives[place]
        return np.stack([self.negatives - fp, fp, self.positives - tp, tp], axis=-1).reshape(*place.shape, 2, 2)

    def roc(self) -> tuple[Floats, Floats, Floats]:
        """Return (false positive rate, sensitivity, threshold), float64 [m + 1], from (0, 0) at infinity to (1, 1).

        A rate without its images is nan. As scikit-learn with drop_intermediate=False.
        """
        thresholds = np.append(self.scores, np.inf)[::-1]
        return _share(self.false_positives[::-1], self.negatives), _share(self.true_positives[::-1], self.positives), thresholds

    def precision_recall(self) -> tuple[Floats, Floats, Floats]:
        """Return (precision [m + 1], recall [m + 1], threshold [m]), thresholds rising, ending in (1, 0), as scikit-learn."""
        called = self.true_positives[:-1] + self.false_positives[:-1]
        precision = np.divide(self.true_positives[:-1], called, out=np.full(called.shape, np.nan), where=called > 0)
        return np.append(precision, 1.0), _share(self.true_positives, self.positives), self.scores

    def f_beta(self, beta: float) -> Floats:
        """F-beta above each score, float64 [m + 1], 0..1; (1 + b^2) tp / (tp + fp + b^2 positives); 0 without a yes."""
        square = beta * beta
        return (
            (1 + square)
            * self.true_positives
            / np.maximum(self.true_positives + self.false_positives + square * self.positives, 1e-300)
        )

    def best_f_beta(self, beta: float) -> float:
        """Return the threshold of the largest F-beta; of equals the lowest; nan without a yes."""
        return self._best(self.f_beta(beta))

    def best_f1(self) -> float:
        """Return the threshold of the largest F1; of equals the lowest; nan without a yes."""
        return self.best_f_beta(1)

    def youden(self) -> float:
        """Threshold of the largest sensitivity + specificity (Youden 1950), of equals the lowest; nan without both."""
        return self._best(_share(self.true_positives, self.positives) - _share(self.false_positives, self.negatives))

    def at_sensitivity(self, level: float) -> float:
        """Return the highest threshold with a sensitivity of at least `level` in 0..1; nan without a yes."""
        if not self.positives > 0:
            return float("nan")
        # Sums of weights carry rounding errors; 19 of 20 must count as 0.95.
        enough = np.flatnonzero(self.true_positives >= (level - 1e-12) * self.positives)
        return self._between(int(enough[-1]))

    def _best(self, merit: Floats) -> float:
        if not self.positives > 0 or np.isnan(merit).any():
            return float("nan")
        # Equal merits may differ by rounding; the lowest threshold of them loses the fewest images with the finding.
        return self._between(int(np.argmax(merit >= merit.max() - 1e-12)))

    def _between(self, place: int) -> float:
        """Threshold that calls exactly the scores from `place` on positive: midway to the one below; 0 and 1 are the ends."""
        if place == self.scores.size:
            top = float(self.scores[-1])
            return (top + 1) / 2 if top < (top + 1) / 2 else float(np.nextafter(top, 2))
        above = float(self.scores[place])
        below = float(self.scores[place - 1]) if place else 0.0
        middle = (below + above) / 2
        return middle if below < middle or not place else above


def roc(y: Labels, p: Probabilities, weights: ArrayLike | None = None) -> tuple[Floats, Floats, Floats]:
    """Return `Sweep.roc` of one finding: y [N], p [N]."""
    return Sweep(y, p, weights).roc()


def precision_recall(y: Labels, p: Probabilities, weights: ArrayLike | None = None) -> tuple[Floats, Floats, Floats]:
    """Return `Sweep.precision_recall` of one finding: y [N], p [N]."""
    return Sweep(y, p, weights).precision_recall()


_RULES: Mapping[str, Callable[[Sweep, float], float]] = {
    "youden": lambda sweep, _: sweep.youden(),
    "f1": lambda sweep, _: sweep.best_f1(),
    "fbeta": lambda sweep, beta: sweep.best_f_beta(beta),
    "sensitivity": lambda sweep, level: sweep.at_sensitivity(level),
}


_LEVELS: Mapping[str, tuple[float, float]] = {"fbeta": (0.1, 10.0), "sensitivity": (1e-12, 1.0)}
"""Rules that need a number, and its limits."""


def operating_point(rule: str) -> Callable[[Sweep], float]:
    """Return the function Sweep -> threshold that a rule stands for: "youden", "f1", "fbeta=2" or "sensitivity=0.95".

    Raises `ConfigError` for anything else.
    """
    name, sign, text = (part.strip() for part in rule.partition("="))
    if name not in _RULES:
        raise ConfigError("There is no such rule for thresholds", where=rule, remedy=did_you_mean(name, _RULES))
    level = float(text) if re.fullmatch(r"\d*\.?\d+", text) else -1.0
    low, high = _LEVELS.get(name, (0.0, 0.0))
    if (name in _LEVELS) != bool(sign) or (sign and not low <= level <= high):
        remedy = (
            "Write youden, f1, fbeta= and a number from 0.1 to 10, for example fbeta=2, or sensitivity= and a share above 0 "
            "and up to 1, for example sensitivity=0.95."
        )
        raise ConfigError("That rule for thresholds is not complete", where=rule, remedy=remedy)
    return lambda sweep: _RULES[name](sweep, level)


def _at_least(weight: NDArray[Any]) -> Floats:
    """Sums of all from each place on: [m] -> [m + 1], the last is 0."""
    return np.append(np.cumsum(weight[::-1])[::-1], 0.0)


def _share(part: Floats, whole: float) -> Floats:
    return part / whole if whole > 0 else np.full(part.shape, np.nan)
