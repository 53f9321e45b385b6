"""One finding of a part: its scores sorted once, and what they come to at any threshold. No Qt."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trainer import intervals, metrics
from trainer.curves import Floats, Sweep
from trainer.errors import Progress
from trainer.results import Evaluation, Figure, FindingResult, Prediction

AT_THRESHOLD = ("sensitivity", "specificity", "precision", "npv", "f1")
"""The figures that a threshold moves."""
_OF_MATRIX = {name: getattr(metrics, name) for name in AT_THRESHOLD}


@dataclass(frozen=True, eq=False)
class Readout:
    """One finding at one threshold: `matrix` [[tn, fp], [fn, tp]] and the figures of `AT_THRESHOLD`.

    Their intervals are those of the evaluation where the threshold is that of the evaluation (`judged`), otherwise Wilson's on
    the number of patients, and F1 has none.
    """

    threshold: float
    matrix: tuple[tuple[int, int], tuple[int, int]]
    figures: Mapping[str, Figure]
    judged: bool


@dataclass(frozen=True, eq=False)
class Scores:
    """One finding of a part: y int8 [N] (1, 0, -1 not stated), p float32 [N], sorted once; `result` from the evaluation.

    `positive_patients` and `negative_patients` count patients; an image of an unknown patient counts as one.
    """

    finding: str
    y: NDArray[np.int8]
    p: NDArray[np.float32]
    sweep: Sweep
    positive_patients: float
    negative_patients: float
    result: FindingResult | None

    @property
    def prevalence(self) -> float:
        """Share of the stated images that have the finding; nan of nothing."""
        stated = self.sweep.positives + self.sweep.negatives
        return self.sweep.positives / stated if stated else math.nan

    @cached_property
    def roc(self) -> tuple[Floats, Floats]:
        """False positive rate and sensitivity [m + 1], from (0, 0) to (1, 1); nan where one is not defined."""
        rate, found, _ = self.sweep.roc()
        return rate, found

    @cached_property
    def precision_recall(self) -> tuple[Floats, Floats]:
        """Recall and precision as steps, from recall 1 to 0; the precision of the last point is 1 by definition."""
        precision, recall, _ = self.sweep.precision_recall()
        return np.repeat(recall, 2)[1:], np.repeat(precision, 2)[:-1]

    @cached_property
    def calibration(self) -> metrics.Calibration:
        """In ten bins."""
        return metrics.calibration(self.y, self.p)

    def at(self, threshold: float) -> Readout:
        """Counts and figures at a threshold: those of the evaluation at its own, else by one binary search."""
        if self.result is not None and self.result.threshold == threshold:
            figures = {name: getattr(self.result, name) for name in AT_THRESHOLD}
            return Readout(threshold, self.result.matrix, figures, judged=True)
        counts = self.sweep.counts(threshold)
        (tn, fp), (fn, tp) = counts.astype(int).tolist()
        values = {name: float(figure(counts)) for name, figure in _OF_MATRIX.items()}
        return Readout(threshold, ((tn, fp), (fn, tp)), self._quick(values, called=tp + fp, cleared=tn + fn), judged=False)

    def _quick(self, values: Mapping[str, float], called: int, cleared: int) -> dict[str, Figure]:
        """Wilson's interval on as many patients as each figure rests on (for the calls: in proportion to the images)."""
        stated = self.sweep.positives + self.sweep.negatives
        patients = (self.positive_patients + self.negative_patients) / stated if stated else 1.0
        rests = {
            "sensitivity": self.positive_patients,
            "specificity": self.negative_patients,
            "precision": called * min(1.0, patients),
            "npv": cleared * min(1.0, patients),
        }
        return {name: _between(value, rests.get(name, 0.0)) for name, value in values.items()}


def _between(value: float, n: float) -> Figure:
    if math.isnan(value) or n <= 0:
        return Figure(value)
    low, high = intervals.wilson(value, n)
    return Figure(value, low, high)


def scores(prediction: Prediction, evaluation: Evaluation, progress: Progress | None = None) -> dict[str, Scores]:
    """Each finding of a prediction, sorted, with its result; in the order of the evaluation."""
    codes = intervals.patient_codes(prediction.patients)
    yes, no = (intervals.patients_where(codes, prediction.targets == value) for value in (1, 0))
    found = {}
    for k, name in enumerate(prediction.findings):
        y, p = np.ascontiguousarray(prediction.targets[:, k]), np.ascontiguousarray(prediction.probabilities[:, k])
        one = Scores(name, y, p, Sweep(y, p), float(yes[k]), float(no[k]), evaluation.findings[name])
        found[name] = one
        if progress:
            progress(k + 1, len(prediction.findings))
    return {name: found[name] for name in evaluation.findings}
