"""All figures of a `Prediction` as one row of numbers, so that a bootstrap can ask for many rows at once.

In a multi-class task the decision is the finding with the largest probability; accuracy, balanced accuracy and the macro
averages come from that K x K confusion matrix, and hamming compares its one yes with the stated labels. Images without
exactly one finding are left out of these. In a multi-label task each finding is decided by its own threshold; accuracy is the
share of stated labels that are right (1 - hamming), exact_match the share of images without any mistake. The figures of one
finding always come from its threshold. A macro average is over the findings for which the figure is defined.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trainer import intervals, metrics
from trainer.metrics import Floats
from trainer.results import FIGURES, Prediction

HEADLINE = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "macro_auroc",
    "hamming",
    "exact_match",
    "macro_auprc",
    "macro_sensitivity",
    "macro_specificity",
    "macro_precision",
)
"""The figures of a whole task; hamming is the only one of which less is better."""

_OF_MATRIX = {
    "sensitivity": metrics.sensitivity,
    "specificity": metrics.specificity,
    "precision": metrics.precision,
    "npv": metrics.npv,
    "f1": metrics.f1,
    "accuracy": metrics.accuracy,
}


class Figures:
    """Called with weights float64 [..., N], gives float64 [..., M]: the headline, then `FIGURES` finding by finding."""

    def __init__(self, prediction: Prediction, thresholds: Floats) -> None:
        """Decide and sort once: thresholds float64 [K] in the order of the findings, or [N, K] where they differ by image."""
        self.prediction, self.thresholds = prediction, thresholds
        self.truth, self.codes = prediction.truth(), intervals.patient_codes(prediction.patients)
        self.called = metrics.decisions(prediction.probabilities, thresholds)
        self.exclusive = prediction.task == "multi-class"
        columns = zip(prediction.targets.T, prediction.probabilities.T, strict=True)
        self._rankings = [metrics.Ranking(y, p) for y, p in columns]

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """The decisions of the task, bool [N, K]: the one largest probability, or all that reach their threshold."""
        if not self.exclusive:
            return self.called
        chosen = self.prediction.probabilities.argmax(axis=1)
        return np.asarray(chosen[:, None] == np.arange(len(self.prediction.findings)))

    @cached_property
    def _judged(self) -> NDArray[np.int8]:
        """The labels that the decisions are held against, int8 [N, K]."""
        targets = self.prediction.targets
        return np.where(self.truth[:, None] >= 0, targets, np.int8(-1)) if self.exclusive else targets

    def __call__(self, weights: Floats) -> Floats:
        """Return all figures for each row of weights."""
        of_finding = self.of_findings(weights)
        headline = self.headline(weights, of_finding)
        flat = of_finding.reshape(*weights.shape[:-1], -1)
        return np.concatenate([np.stack([headline[name] for name in HEADLINE], axis=-1), flat], axis=-1)

    def matrices(self, weights: Floats | None = None) -> Floats:
        """One 2x2 matrix per finding at its threshold, float64 [..., K, 2, 2]."""
        return metrics.counts_all(self.prediction.targets, self.prediction.probabilities, self.thresholds, weights)

    def confusion(self, weights: Floats | None = None) -> Floats:
        """The K x K matrix of a multi-class task, float64 [..., K, K]."""
        return metrics.confusion(self.truth, self.decided.argmax(axis=1), len(self.prediction.findings), weights)

    def of_findings(self, weights: Floats) -> Floats:
        """What `FIGURES` names for each finding, float64 [..., K, F]."""
        matrices = self.matrices(weights)
        areas = np.array([ranking.areas(weights) for ranking in self._rankings])  # [K, 2, ...]
        found = {name: figure(matrices) for name, figure in _OF_MATRIX.items()}
        found["auroc"], found["auprc"] = np.moveaxis(areas[:, 0], 0, -1), np.moveaxis(areas[:, 1], 0, -1)
        found["brier"] = metrics.brier(self.prediction.targets, self.prediction.probabilities, weights)
        return np.stack([found[name] for name in FIGURES], axis=-1)

    def headline(self, weights: Floats, of_finding: Floats) -> Mapping[str, Floats]:
        """The figures that `HEADLINE` names, each [...]."""
        parts = self.parts(weights, of_finding)
        found = {name: metrics.average(values) for name, values in parts.items()}
        found["hamming"] = metrics.hamming(self._judged, self.decided, weights)
        found["exact_match"] = metrics.exact_match(self._judged, self.decided, weights)
        found["accuracy"] = found["exact_match"] if self.exclusive else 1 - found["hamming"]
        return found

    def parts(self, weights: Floats, of_finding: Floats) -> dict[str, Floats]:
        """What the macro averages average, each [..., K]."""
        matrices = metrics.one_against_rest(self.confusion(weights)) if self.exclusive else self.matrices(weights)
        names = ("sensitivity", "specificity", "precision", "f1")
        parts = {f"macro_{name}": _OF_MATRIX[name](matrices) for name in names}
        found = parts["macro_sensitivity"]
        parts["balanced_accuracy"] = found if self.exclusive else (found + parts["macro_specificity"]) / 2
        for name in ("auroc", "auprc"):
            parts[f"macro_{name}"] = of_finding[..., FIGURES.index(name)]
        return parts

    def contributing(self) -> Floats:
        """How many patients each figure rests on, float64 [M]: those with the finding for a sensitivity, and so on."""
        several = {name: intervals.patients_of_average(patients) for name, patients in self._rests.items()}
        stated: NDArray[np.bool_] = self._judged >= 0
        everybody = intervals.patients_where(self.codes, stated.any(axis=1).reshape(-1, 1))[0]
        headline = [several.get(name, float(everybody)) for name in HEADLINE]
        return np.concatenate([headline, np.stack([self._rests_of_finding[name] for name in FIGURES], axis=-1).ravel()])

    def unseen(self) -> Floats:
        """Standard errors that no draw can show, float64 [M]: of the parts of an average that are 0 or 1 in every draw."""
        weights = np.ones(len(self.prediction.ids))
        parts = self.parts(weights, self.of_findings(weights))
        errors = {name: intervals.error_of_average(values, self._rests[name]) for name, values in parts.items()}
        if not self.exclusive:
            errors["balanced_accuracy"] = float(np.hypot(errors["macro_sensitivity"], errors["macro_specificity"]) / 2)
        return np.array([errors.get(name, 0.0) for name in HEADLINE] + [0.0] * (len(self.prediction.findings) * len(FIGURES)))

    @cached_property
    def _rests_of_finding(self) -> dict[str, Floats]:
        return _patients(self.codes, self.prediction.targets, self.called)

    @cached_property
    def _rests(self) -> dict[str, Floats]:
        """Patients that each part of an average rests on, float64 [K]."""
        judged = _patients(self.codes, self._judged, self.decided)
        rests = {f"macro_{name}": judged[name] for name in ("sensitivity", "specificity", "precision", "f1")}
        found, rarer = judged["sensitivity"], np.minimum(judged["sensitivity"], judged["specificity"])
        rests["balanced_accuracy"] = found if self.exclusive else rarer
        return rests | {f"macro_{name}": self._rests_of_finding[name] for name in ("auroc", "auprc")}


def _patients(codes: NDArray[np.int64], targets: NDArray[np.int8], called: NDArray[np.bool_]) -> dict[str, Floats]:
    """Patients that each figure of a finding rests on, float64 [K]."""
    yes, no, stated = targets == 1, targets == 0, targets >= 0
    masks = {
        "sensitivity": yes,
        "specificity": no,
        "precision": stated & called,
        "npv": stated & ~called,
        "f1": yes | (stated & called),
        "accuracy": stated,
        "auprc": yes,
        "brier": stated,
    }
    found = {name: intervals.patients_where(codes, mask) for name, mask in masks.items()}
    # The comparison of two groups is as shaky as the smaller of them.
    return found | {"auroc": np.minimum(found["sensitivity"], found["specificity"])}
