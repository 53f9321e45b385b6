"""Whether a kept evaluation still says what is: the same weights, thresholds and labels as now. Without torch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from trainer import runs, truths
from trainer.catalog import Catalog
from trainer.errors import counted
from trainer.model_card import Header
from trainer.results import Evaluation, Prediction

OWN_PARTS = ("train", "validation", "test")
_LEVEL = ", level "
"""What stands between part and level in an evaluation on coarser findings."""


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
    part, _, level = evaluation.part.partition(_LEVEL)
    moved = [name for name, result in evaluation.findings.items() if _differ(header, name, result.threshold)]
    if moved and not level:  # the model carries none for a level: there they are chosen anew each time
        yield f"The model carries other thresholds now: {', '.join(moved)}."
    if catalog is not None and part in OWN_PARTS:
        yield from of_labels(prediction, evaluation.part, header, catalog, run.split()["parts"].get(part, []))


def _differ(header: Header, finding: str, threshold: float) -> bool:
    return finding in header.thresholds and abs(header.thresholds[finding] - threshold) > 1e-12


def of_labels(prediction: Prediction, judged: str, header: Header, catalog: Catalog, ids: Sequence[int]) -> Iterator[str]:
    """What became of images and their labels since they were predicted.

    `judged` is the part as the evaluation names it ("test, level 1"), `ids` are the images of that part. Raises `DataError`,
    `StorageError`.
    """
    usable, answers = truths.asked(catalog, np.array(ids, np.int64), _question(prediction, judged, header))
    stays = np.isin(prediction.ids, usable)
    if gone := int((~stays).sum()):
        yield f"{gone} of these images cannot be judged any more: excluded, gone, or without a fitting label."
    here = prediction.ids[stays]
    now = answers[np.searchsorted(usable, here)]
    if changed := int((now != prediction.targets[stays]).any(axis=1).sum()):
        yield f"{changed} of these images {'has' if changed == 1 else 'have'} another label now."
    if new := int((~np.isin(usable, prediction.ids)).sum()):
        yield f"{counted(new, 'image')} of this part cannot be found in these figures: labelled since, or unreadable."


def _question(prediction: Prediction, judged: str, header: Header) -> truths.Question:
    """What was asked, at the level that was judged."""
    own, level = truths.of_header(header), judged.partition(_LEVEL)[2]
    if level:
        return truths.at_level(own, prediction.findings, int(level))
    return replace(own, findings=prediction.findings)
