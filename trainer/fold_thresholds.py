"""For each pooled image of a cross-validation, the thresholds of the network that predicted it. Without torch."""

from collections.abc import Mapping

import numpy as np

from trainer import metrics, pooling, runs
from trainer.bag_results import BagEvaluation
from trainer.metrics import Floats
from trainer.results import Evaluation, Prediction


def of_images(trained: Mapping[int, runs.Run], found: BagEvaluation, prediction: Prediction, kept_as: str) -> Floats | None:
    """float64 [N, K] for the rows and findings of a pooled `prediction`, whose evaluation is `found`.

    `trained` are the members that are trained now, `kept_as` is the part in the names of files ("test", "test-level1"). None
    where a member or what it said is not there any more, or decides otherwise now. Raises `DataError`, `StorageError`.
    """
    here = [trained[one.number] for one in found.members if one.number in trained]
    if len(here) < len(found.members):
        return None
    if not all(path.exists() for run in here for path in (run.evaluation(kept_as), run.predictions(kept_as))):
        return None
    each = [Prediction.load(run.predictions(kept_as)) for run in here]
    if any(one.findings != prediction.findings for one in each) or not _same_images(each, prediction):
        return None
    own = [Evaluation.load(run.evaluation(kept_as)).findings for run in here]
    levels = pooling.thresholds_of_images(each, [{name: one.threshold for name, one in judged.items()} for judged in own])
    return levels if _decide_as(found.evaluation, prediction, levels) else None


def _same_images(each: list[Prediction], prediction: Prediction) -> bool:
    return np.array_equal(np.concatenate([one.ids for one in each]), prediction.ids)


def _decide_as(evaluation: Evaluation, prediction: Prediction, levels: Floats) -> bool:
    """Whether thresholds of images give the tables that an evaluation has."""
    called = metrics.decisions(prediction.probabilities, levels)
    for name, yes, truth in zip(prediction.findings, called.T, prediction.targets.T, strict=True):
        counts = tuple(tuple(int(((truth == state) & (yes == answer)).sum()) for answer in (0, 1)) for state in (0, 1))
        if counts != evaluation.findings[name].matrix:
            return False
    return True
