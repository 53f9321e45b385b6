"""What of a prediction is drawn: its curves and its calibration, finding by finding; for the report, and for files."""

import math
import re
from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from trainer import curves, metrics, plots
from trainer.results import Evaluation, FindingResult, Prediction


def curve(prediction: Prediction, name: str, result: FindingResult) -> plots.Curve:
    """ROC and precision-recall curve of a finding with the operating point of its result."""
    k = prediction.findings.index(name)
    sweep = curves.Sweep(prediction.targets[:, k], prediction.probabilities[:, k])
    fpr, tpr, _ = sweep.roc()
    precision, recall, _ = sweep.precision_recall()
    stated = sweep.positives + sweep.negatives
    return plots.Curve(
        fpr=fpr,
        tpr=tpr,
        precision=precision,
        recall=recall,
        prevalence=sweep.positives / stated if stated else math.nan,
        sensitivity=result.sensitivity.value,
        specificity=result.specificity.value,
        precision_there=result.precision.value,
    )


def calibration(prediction: Prediction, name: str) -> metrics.Calibration:
    """Calibration of a finding."""
    k = prediction.findings.index(name)
    return metrics.calibration(prediction.targets[:, k], prediction.probabilities[:, k])


def files(evaluation: Evaluation, prediction: Prediction, kinds: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all drawings of a part, as "png" or "svg" or both; the same drawings as in the report."""
    for name, figure in _figures(evaluation, prediction):
        for kind in kinds:
            yield f"{name}.{kind}", plots.as_file(figure, kind)


def _figures(evaluation: Evaluation, prediction: Prediction) -> Iterator[tuple[str, Figure]]:
    names = list(evaluation.findings)
    for start in range(0, len(names), plots.TOGETHER):
        some = names[start : start + plots.TOGETHER]
        drawn = [curve(prediction, name, evaluation.findings[name]) for name in some]
        number = f"-{start // plots.TOGETHER + 1}" if len(names) > plots.TOGETHER else ""
        yield f"curves{number}", plots.curves_figure(drawn, [_label(name, evaluation.findings[name]) for name in some])
    for place, name in enumerate(names, 1):
        measured = calibration(prediction, name)
        if measured.count.sum():
            title = f"{name}\nexpected calibration error {measured.error:.3f}"
            yield f"calibration-{place}-{plain(name)}", plots.calibration_figure(measured, title)
    if evaluation.confusion is not None:
        yield "confusion", plots.confusion_figure(evaluation.confusion.findings, evaluation.confusion.counts)


def _label(name: str, result: FindingResult) -> str:
    one = result.auroc
    if math.isnan(one.value):
        return f"{name}: AUROC not defined"
    between = "" if math.isnan(one.low) else f" ({one.low:.3f} to {one.high:.3f})"
    return f"{name}: AUROC {one.value:.3f}{between}"


def plain(name: str) -> str:
    """A name as a part of a file name: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "finding"
