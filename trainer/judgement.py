"""`Prediction` + thresholds -> `Evaluation`, with intervals, baselines, subgroups and warnings in words. Without torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trainer import cautions, config, criteria, curves, intervals, metrics, runs
from trainer.errors import DataError, Progress, did_you_mean
from trainer.figures import HEADLINE, Figures
from trainer.metrics import Floats
from trainer.model_card import Origin
from trainer.results import (
    COLUMNS,
    FIGURES,
    Baseline,
    Confusion,
    Evaluation,
    Figure,
    FindingResult,
    Prediction,
    Subgroup,
)

SMALLEST_GROUP = 10
MOST_GROUPS = 20
_AGES = {"0-17": (0, 18), "18-39": (18, 40), "40-64": (40, 65), "65-79": (65, 80), "80+": (80, 150)}  # years
_IN_SUBGROUPS = ("sensitivity", "specificity", "auroc")


def choose_thresholds(validation: Prediction, rule: str | Mapping[str, str] = "youden") -> dict[str, float]:
    """Return one threshold per finding, chosen on validation: "youden", "f1", "fbeta=2" or "sensitivity=0.95" (at least that).

    `rule` is one for all or one for each finding. 0.5 where validation has no image with, or none without, the finding. Raises
    `ConfigError` for another rule.
    """
    chosen = {}
    for name in validation.findings:
        point = curves.operating_point(rule if isinstance(rule, str) else rule[name])
        sweep = criteria.sweep_of(validation, name)
        chosen[name] = point(sweep) if sweep.positives and sweep.negatives else 0.5
    return chosen


def notes(
    run: runs.Run, part: str, validation: Prediction, thresholds: Mapping[str, float], origins: Mapping[str, Origin]
) -> tuple[str, ...]:
    """What the split of a run and the origin of its thresholds have to say about figures on a part, in words."""
    by_hand = frozenset(name for name, origin in origins.items() if origin.by_hand)
    return (
        *_notes_of_split(run, part),
        *cautions.of_thresholds(validation, by_hand),
        *cautions.of_origins(part, thresholds, origins),
    )


def evaluate(
    prediction: Prediction,
    thresholds: Mapping[str, float],
    *,
    run: str = "",
    part: str = "",
    test_openings: int = 0,
    draws: int = 1000,
    seed: int = 0,
    frequencies: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
    of_images: Floats | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a prediction; `thresholds` by finding, from validation.

    `of_images` float64 [N, K] are thresholds of each image, where images were predicted by networks with thresholds of their
    own; `thresholds` are then only what is shown.

    `frequencies` are the images with each finding in the training labels, for the baseline "always the most frequent finding"
    (None: this part's own labels, and the baseline says so). `notes` are put before the warnings. `draws` patients' bootstraps
    for each interval, a quarter of them (at least 200) in subgroups. Raises `DataError` if a threshold is missing.
    """
    shown = _in_order(prediction, thresholds)
    figures = Figures(prediction, shown if of_images is None else of_images)
    groups = list(_groups(prediction))
    few = min(draws, max(200, draws // 4))  # a standard error needs no more (Efron & Tibshirani 1993, section 6.4)
    total = draws + few * len(groups)
    found = _with_intervals(figures, draws, seed, _shifted(progress, 0, total))
    subgroups = [
        _subgroup(column, name, figures, rows, few, seed, _shifted(progress, draws + i * few, total))
        for i, (column, name, rows) in enumerate(groups)
    ]
    evaluation = Evaluation(
        run=run,
        part=part,
        task=prediction.task,
        images=len(prediction.ids),
        patients=prediction.known_patients(),
        metrics=_headline(found),
        findings=_findings(figures, found, shown),
        confusion=_confusion(figures),
        baselines=_baselines(prediction, figures, frequencies),
        subgroups=tuple(subgroups),
        test_openings=test_openings,
        warnings=(),
    )
    return replace(evaluation, warnings=(*notes, *cautions.of_data(figures), *cautions.of_result(evaluation)))


def notes_in(judged: Evaluation, prediction: Prediction) -> list[str]:
    """The notes that `judged` was made with, one threshold a finding: its warnings without those that its figures gave."""
    thresholds = {name: found.threshold for name, found in judged.findings.items()}
    figures = Figures(prediction, _in_order(prediction, thresholds))
    own = {*cautions.of_data(figures), *cautions.of_result(judged)}
    return [text for text in judged.warnings if text not in own]


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """One progress over several bootstraps."""
    return None if progress is None else lambda done, _: progress(before + done, total)


def _with_intervals(figures: Figures, draws: int, seed: int, progress: Progress | None) -> list[Figure]:
    found = intervals.patient_bootstrap(
        figures.codes,
        figures,
        contributing=figures.contributing(),
        unseen=figures.unseen(),
        draws=draws,
        seed=seed,
        progress=progress,
    )
    return [Figure(float(v), float(a), float(b)) for v, a, b in zip(found.value, found.low, found.high, strict=True)]


def _headline(found: Sequence[Figure]) -> dict[str, Figure]:
    return dict(zip(HEADLINE, found, strict=False))


def _of_finding(found: Sequence[Figure], k: int) -> dict[str, Figure]:
    start = len(HEADLINE) + k * len(FIGURES)
    return dict(zip(FIGURES, found[start : start + len(FIGURES)], strict=True))


def _findings(figures: Figures, found: Sequence[Figure], thresholds: Floats) -> dict[str, FindingResult]:
    prediction, matrices = figures.prediction, figures.matrices()
    patients = intervals.patients_where(figures.codes, prediction.targets == 1)
    results = {}
    for k, name in enumerate(prediction.findings):
        y, (no, yes) = prediction.targets[:, k], matrices[k]
        results[name] = FindingResult(
            threshold=float(thresholds[k]),
            matrix=((int(no[0]), int(no[1])), (int(yes[0]), int(yes[1]))),
            calibration_error=metrics.expected_calibration_error(y, prediction.probabilities[:, k]),
            positives=int((y == 1).sum()),
            negatives=int((y == 0).sum()),
            not_stated=int((y < 0).sum()),
            positive_patients=int(patients[k]),
            **_of_finding(found, k),
        )
    return results


def _confusion(figures: Figures) -> Confusion | None:
    if not figures.exclusive:
        return None
    counts = tuple(tuple(int(n) for n in row) for row in figures.confusion())
    return Confusion(figures.prediction.findings, counts)


def _baselines(prediction: Prediction, figures: Figures, frequencies: Mapping[str, float] | None) -> dict[str, Baseline]:
    """What the same labels give to a model that does not look: one that always says the same."""
    names = prediction.findings
    own = (prediction.targets == 1).sum(axis=0)
    often = [float(own[k]) if frequencies is None else float(frequencies.get(name, 0)) for k, name in enumerate(names)]
    silent = _constant(prediction, None)
    found = {}
    if max(often) > 0:
        most = int(np.argmax(often))
        basis = "labels of this part" if frequencies is None else "training labels"
        found[f"always {names[most]}"] = Baseline(names[most], basis, _plain(HEADLINE, _constant(prediction, most)))
    if not figures.exclusive:
        found["never any finding"] = Baseline("", "", _plain(HEADLINE, silent))
    for k, name in enumerate(names):
        found[f"never {name}"] = Baseline(name, "", _plain(FIGURES, silent[len(HEADLINE) + k * len(FIGURES) :]))
    return found


def _constant(prediction: Prediction, finding: int | None) -> Floats:
    said = np.zeros_like(prediction.probabilities)
    if finding is not None:
        said[:, finding] = 1
    thresholds = np.full(len(prediction.findings), 0.5)
    return Figures(replace(prediction, probabilities=said), thresholds)(np.ones(len(prediction.ids)))


def _plain(names: Sequence[str], values: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=False)}


def _groups(prediction: Prediction) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """The rows of the subgroups that are worth showing: at least two of a column with enough images, the largest ones."""
    for column in COLUMNS:
        values: NDArray[np.object_] = np.array(
            [_band(text) if column == "age" else text for text in getattr(prediction, column)], dtype=object
        )
        names, sizes = np.unique(values[values != ""].astype(str), return_counts=True)
        large = [names[i] for i in np.argsort(-sizes, kind="stable") if sizes[i] >= SMALLEST_GROUP][:MOST_GROUPS]
        if len(large) >= 2:
            for name in sorted(large):
                yield column, str(name), np.flatnonzero(values == name)


def _band(age: str) -> str:
    try:
        years = float(age)
    except ValueError:
        return ""
    return next((band for band, (low, high) in _AGES.items() if low <= years < high), "")


def _subgroup(
    column: str, name: str, whole: Figures, rows: NDArray[np.int64], draws: int, seed: int, steps: Progress | None
) -> Subgroup:
    part, thresholds = whole.prediction.take(rows), whole.thresholds
    found = _with_intervals(Figures(part, thresholds[rows] if thresholds.ndim == 2 else thresholds), draws, seed, steps)
    return Subgroup(
        column=column,
        group=name,
        images=len(part.ids),
        patients=part.known_patients(),
        metrics=_headline(found),
        findings={
            finding: {name: _of_finding(found, k)[name] for name in _IN_SUBGROUPS} for k, finding in enumerate(part.findings)
        },
    )


def _in_order(prediction: Prediction, thresholds: Mapping[str, float]) -> Floats:
    for name in prediction.findings:
        if name not in thresholds:
            raise DataError("There is no threshold for a finding", where=name, remedy=did_you_mean(name, thresholds))
    return np.array([thresholds[name] for name in prediction.findings], dtype=np.float64)


def _notes_of_split(run: runs.Run, part: str) -> list[str]:
    """What the split itself has to say about figures on a part."""
    if part == "validation":
        chosen = "Epoch and thresholds" if config.of_run(run.about().get("config", {})).schedule.epochs > 1 else "Thresholds"
        return [f"{chosen} were chosen on these images: the figures flatter. Judge on the test part, once."]
    if part == "train":
        return ["The network has learned these very images: the figures say how well it remembers, not how well it reads."]
    return [str(warning) for warning in run.split().get("warnings", [])] if part == "test" else []
