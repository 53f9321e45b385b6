"""A prediction in a few numbers: what an epoch is judged by. The same formulas as the evaluation, at a threshold of 0.5."""

import numpy as np

from trainer import config, criteria
from trainer.figures import HEADLINE, Figures
from trainer.results import Prediction

SHOWN = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc")
_SMALLEST = 1e-7


def figures(prediction: Prediction, choice: config.Choice | None = None) -> dict[str, float]:
    """The loss, the `SHOWN` figures, and that of the finding that matters in a `choice`; nan where one is not defined."""
    row = Figures(prediction, np.full(len(prediction.findings), 0.5))(np.ones(len(prediction.ids)))
    found = dict(zip(HEADLINE, map(float, row), strict=False))
    of_finding = criteria.figure(prediction, choice) if choice else {}
    return {"loss": log_loss(prediction), **{name: found[name] for name in SHOWN}, **of_finding}


def log_loss(prediction: Prediction) -> float:
    """Mean cross entropy in nats: over images with one finding (multi-class), or over stated answers (multi-label).

    Probabilities are kept from 0 and 1 by 1e-7, as float32 cannot come nearer. nan where nothing is stated.
    """
    p = np.clip(prediction.probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    if prediction.task == "multi-class":
        truth = prediction.truth()
        known = truth >= 0
        values = -np.log(p[known, truth[known]])
    else:
        stated = prediction.targets >= 0
        values = -np.log(np.where(prediction.targets == 1, p, 1 - p)[stated])
    return float(values.mean()) if len(values) else float("nan")
