"""What the Evaluate page stands on: one part of one run with its predictions, sorted once. No Qt; read in a job."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer import freshness, intervals, metrics, model_card, runs
from trainer.catalog import Catalog
from trainer.curves import Floats, Sweep
from trainer.errors import Progress, TrainerError
from trainer.model_card import Header
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
        """Counts and figures at a threshold: one binary search."""
        counts = self.sweep.counts(threshold)
        (tn, fp), (fn, tp) = counts.astype(int).tolist()
        values = {name: float(figure(counts)) for name, figure in _OF_MATRIX.items()}
        judged = self.result is not None and self.result.threshold == threshold
        if judged and self.result is not None:
            figures = {name: getattr(self.result, name) for name in AT_THRESHOLD}
        else:
            figures = self._quick(values, called=tp + fp, cleared=tn + fn)
        return Readout(threshold, ((tn, fp), (fn, tp)), figures, judged)

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


@dataclass(frozen=True, eq=False)
class Judged:
    """A run and a part as they are on the disk. Without an evaluation or without predictions, what is there is shown.

    `scores` and `validation` (the sorted predictions on validation, from which alone thresholds are chosen) are by finding and
    empty where the predictions are not those of the network. `outdated` says in words why it should be evaluated again,
    `problem` what could not be read, `openings` how often the test part of the run's split was opened, by any run.
    """

    run: runs.Run
    part: str
    header: Header | None
    evaluation: Evaluation | None = None
    prediction: Prediction | None = None
    scores: Mapping[str, Scores] = field(default_factory=dict)
    validation: Mapping[str, Sweep] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()
    openings: int = 0
    problem: TrainerError | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """Those that the model carries; where it carries none, those of the evaluation."""
        if self.header is not None and self.header.thresholds:
            return dict(self.header.thresholds)
        return {name: one.threshold for name, one in self.evaluation.findings.items()} if self.evaluation else {}

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings in the order of the network."""
        return tuple(self.evaluation.findings) if self.evaluation else ()


def load(folder: Path, part: str, catalog: Catalog, progress: Progress | None = None) -> Judged:
    """Read a run's evaluation and predictions on a part and sort them.

    A damaged evaluation is a `problem`, not an error. Raises `RunError`, `WeightsError`, `StorageError`.
    """
    run = runs.find(folder)
    if not run.best.exists():
        return Judged(run, part, None)
    header = model_card.read_header(run.best)
    bare = Judged(run, part, header, openings=runs.openings(run.project, header.split_digest))
    if not run.evaluation(part).exists():
        return bare
    weights = model_card.weights_digest(run.best)
    try:
        evaluation = Evaluation.load(run.evaluation(part))
        prediction = Prediction.load(run.predictions(part)) if run.predictions(part).exists() else None
        outdated = freshness.reasons(evaluation, prediction, header, weights, catalog, run)
    except TrainerError as error:
        return replace(bare, problem=error)
    fits = prediction is not None and set(prediction.findings) == set(evaluation.findings)
    return replace(
        bare,
        evaluation=evaluation,
        prediction=prediction if fits else None,
        scores=scores(prediction, evaluation, progress) if prediction is not None and fits else {},
        validation=_validation(run, prediction if part == "validation" else None, header, weights),
        outdated=outdated,
    )


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


def _validation(run: runs.Run, known: Prediction | None, header: Header, weights: str) -> dict[str, Sweep]:
    """The kept predictions on validation, sorted; {} where there are none of these weights."""
    path = run.predictions("validation")
    if known is None and not path.exists():
        return {}
    try:
        kept = known or Prediction.load(path)
    except TrainerError:
        return {}
    if kept.weights != weights or set(kept.findings) != set(header.findings):
        return {}
    return {name: Sweep(kept.targets[:, k], kept.probabilities[:, k]) for k, name in enumerate(kept.findings)}


def parts(run: runs.Run) -> tuple[str, ...]:
    """The parts that can be shown: validation and test always, others where they were judged."""
    others = sorted(path.stem.removeprefix("evaluation-") for path in run.folder.glob("evaluation-*.json"))
    return ("validation", "test", *(name for name in others if name not in ("val", "test")))


def part_words(part: str) -> str:
    """A part as it is called on the screen."""
    kind, _, name = part.partition("-")
    return f"External: {name}" if kind == "external" else part.capitalize()
