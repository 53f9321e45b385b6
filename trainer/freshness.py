"""Whether a kept evaluation still says what is: the same weights, thresholds and labels as now. Without torch."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from trainer import runs, truths
from trainer.catalog import Catalog
from trainer.errors import counted
from trainer.model_card import Header
from trainer.results import Evaluation, Prediction

OWN_PARTS = ("train", "validation", "test")


def reasons(
    evaluation: Evaluation, prediction: Prediction | None, header: Header, weights: str, catalog: Catalog | None, run: runs.Run
) -> tuple[str, ...]:
    """In words why an evaluation on a part should be made again; () if it need not be.

    `weights` is the digest of the checkpoint's weights, `catalog` that of the run's project (None: labels are not compared).
    Raises `DataError`, `StorageError`.
    """
    return tuple(_reasons(evaluation, prediction, header, weights, catalog, run))


def _reasons(
    evaluation: Evaluation, prediction: Prediction | None, header: Header, weights: str, catalog: Catalog | None, run: runs.Run
) -> Iterator[str]:
    if prediction is None:
        yield "The predictions that these figures rest on are missing."
        return
    if prediction.weights and prediction.weights != weights:
        yield "The network has learned on since these figures were made."
    if set(prediction.findings) != set(evaluation.findings):
        yield "The predictions are of another network."
        return
    if others := [name for name, result in evaluation.findings.items() if _differ(header, name, result.threshold)]:
        yield f"The model carries other thresholds now: {', '.join(others)}."
    if catalog is not None and evaluation.part in OWN_PARTS:
        yield from _of_labels(prediction, header, catalog, run.split()["parts"].get(evaluation.part, []))


def _differ(header: Header, finding: str, threshold: float) -> bool:
    return finding in header.thresholds and abs(header.thresholds[finding] - threshold) > 1e-12


def _of_labels(prediction: Prediction, header: Header, catalog: Catalog, part: list[int]) -> Iterator[str]:
    """What became of the images and their labels since they were predicted."""
    question = replace(truths.of_header(header), findings=prediction.findings)
    usable, answers = truths.asked(catalog, np.array(part, np.int64), question)
    stays = np.isin(prediction.ids, usable)
    if gone := int((~stays).sum()):
        yield f"{gone} of these images cannot be judged any more: excluded, gone, or without a fitting label."
    here = prediction.ids[stays]
    now = answers[np.searchsorted(usable, here)]
    if changed := int((now != prediction.targets[stays]).any(axis=1).sum()):
        yield f"{changed} of these images {'has' if changed == 1 else 'have'} another label now."
    if new := int((~np.isin(usable, prediction.ids)).sum()):
        yield f"{counted(new, 'image')} of this part cannot be found in these figures: labelled since, or unreadable."
