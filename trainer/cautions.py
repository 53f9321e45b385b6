"""What a reader must know before believing the figures, in words."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainer import intervals
from trainer.figures import Figures
from trainer.metrics import Floats
from trainer.model_card import Origin
from trainer.results import Evaluation, Prediction

FEW_PATIENTS = 30
FEW_POSITIVES = 10
_AGAINST_BASELINE = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "exact_match")


def of_thresholds(validation: Prediction, by_hand: Collection[str] = ()) -> tuple[str, ...]:
    """Say which thresholds rest on too little, but for those set `by_hand`; to be passed to `evaluate` as notes."""
    codes = intervals.patient_codes(validation.patients)
    yes, no = (intervals.patients_where(codes, validation.targets == value) for value in (1, 0))
    chosen = np.array([name not in by_hand for name in validation.findings], dtype=bool)
    fixed = _listed(validation.findings, chosen & (np.minimum(yes, no) == 0))
    few = _listed(validation.findings, chosen & (np.minimum(yes, no) > 0) & (yes < FEW_POSITIVES), yes)
    notes = []
    if fixed:
        notes.append(f"Validation cannot set a threshold for {fixed}: it needs images with and without. 0.5 is used.")
    if few:
        notes.append(f"Thresholds that rest on fewer than {FEW_POSITIVES} validation patients with the finding: {few}.")
    return tuple(notes)


def of_origins(part: str, thresholds: Mapping[str, float], origins: Mapping[str, Origin]) -> Iterator[str]:
    """Say which thresholds were set by hand, and on the test part which were changed after it had been opened."""
    if hand := [f"{name} ({thresholds[name]:.3f})" for name, origin in origins.items() if origin.by_hand]:
        yield f"Thresholds set by hand: {', '.join(hand)}."
    if part == "test" and (late := [f"{name} ({origin.rule})" for name, origin in origins.items() if origin.openings]):
        yield f"Thresholds changed after the test part had been opened: {', '.join(late)}. The figures may flatter."


def of_data(figures: Figures) -> Iterator[str]:
    """Say what the images and labels of the part do not allow."""
    prediction = figures.prediction
    if not len(prediction.ids):
        yield "There is no image to evaluate, so no figure is defined."
        return
    yield from _of_patients(figures)
    names = prediction.findings
    yes, no = (intervals.patients_where(figures.codes, prediction.targets == value) for value in (1, 0))
    if absent := _listed(names, yes == 0):
        yield f"No image with {absent}: sensitivity and AUROC are not defined there."
    if full := _listed(names, no == 0):
        yield f"No image without {full}: specificity and AUROC are not defined there."
    if few := _listed(names, (yes > 0) & (yes < FEW_POSITIVES), yes):
        yield f"Fewer than {FEW_POSITIVES} patients with the finding: {few}. Figures for so few are rough."
    if figures.exclusive:
        yield from _of_truth(figures)
    if gaps := _gaps(figures):
        yield f"Averages are over the findings for which the figure is defined: {gaps}."


def of_result(evaluation: Evaluation) -> Iterator[str]:
    """Say what the figures do not show: too many looks at the test part, no gain over a baseline or over chance."""
    if evaluation.part.partition(",")[0] == "test" and evaluation.test_openings > 1:
        yield (
            f"The test part has been opened {evaluation.test_openings} times: "
            "the more often it is looked at, the less it says about new images."
        )
    for name, baseline in evaluation.baselines.items():
        if "macro_f1" in baseline.metrics and (beaten := _not_beaten(evaluation, baseline.metrics)):
            yield f'Not shown to be better than saying "{name}": {beaten}.'
    chance = np.array([result.auroc.low <= 0.5 for result in evaluation.findings.values()], dtype=bool)
    if unsure := _listed(list(evaluation.findings), chance):
        yield f"The interval of AUROC reaches down to chance (0.5): {unsure}."


def _of_patients(figures: Figures) -> Iterator[str]:
    prediction = figures.prediction
    known, unknown = prediction.known_patients(), prediction.patients.count("")
    if known is None:
        yield "The patients are not known: each image counts as its own patient, so the intervals may be too narrow."
    elif unknown:
        yield f"The patient of {unknown} of {len(prediction.ids)} images is not known: each counts as its own patient."
    many = int(figures.codes.max()) + 1
    if many < FEW_PATIENTS:
        yield f"Only {many} {'patients' if known else 'images'}: other patients may well give other figures."


def _of_truth(figures: Figures) -> Iterator[str]:
    unclear, present = int((figures.truth < 0).sum()), np.unique(figures.truth[figures.truth >= 0])
    if unclear:
        yield (
            f"Images without exactly one finding: {unclear}. "
            "They are left out of the confusion matrix and of accuracy, F1 and the other figures that come from it."
        )
    if present.size == 1:
        yield f"Every image has the same finding, {figures.prediction.findings[present[0]]}: nothing can be told apart."


def _gaps(figures: Figures) -> str:
    """The averages with the findings that they leave out."""
    weights = np.ones(len(figures.prediction.ids))
    parts = figures.parts(weights, figures.of_findings(weights))
    names = figures.prediction.findings
    return "; ".join(
        f"{name.replace('_', ' ')} without {left}"
        for name, values in parts.items()
        if (left := _listed(names, np.isnan(values)))
    )


def _not_beaten(evaluation: Evaluation, baseline: Mapping[str, float]) -> str:
    """The headline figures whose interval reaches down to the baseline."""
    return "; ".join(
        f"{name.replace('_', ' ')} {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}) against {baseline[name]:.3f}"
        for name in _AGAINST_BASELINE
        if (figure := evaluation.metrics[name]).low <= baseline[name]
    )


def _listed(names: Sequence[str], chosen: NDArray[np.bool_], counts: Floats | None = None) -> str:
    """The chosen names in a row, with their counts."""
    return ", ".join(name if counts is None else f"{name} ({counts[k]:.0f})" for k, name in enumerate(names) if chosen[k])
