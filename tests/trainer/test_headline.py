"""What an epoch is judged by, against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from trainer import headline
from trainer.results import Prediction


def _prediction(task: str, *, rows: int = 60) -> Prediction:
    rng = np.random.default_rng(5)
    raw = rng.random((rows, 3)).astype(np.float32)
    if task == "multi-class":
        targets = np.eye(3, dtype=np.int8)[rng.integers(0, 3, rows)]
        probabilities = raw / raw.sum(1, keepdims=True)
    else:
        targets = rng.integers(0, 2, (rows, 3)).astype(np.int8)
        probabilities = raw
    patients = tuple(str(n) for n in range(rows))
    return Prediction(np.arange(rows, dtype=np.int64), ("A", "B", "C"), probabilities, targets, patients, task)


def test_multi_class_figures_are_those_of_scikit_learn() -> None:
    made = _prediction("multi-class")
    truth, called = made.targets.argmax(1), made.probabilities.argmax(1)
    found = headline.figures(made)
    assert found["accuracy"] == pytest.approx(peer.accuracy_score(truth, called), abs=1e-12)
    assert found["balanced_accuracy"] == pytest.approx(peer.balanced_accuracy_score(truth, called), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(peer.f1_score(truth, called, average="macro"), abs=1e-12)
    assert found["macro_auroc"] == pytest.approx(peer.roc_auc_score(made.targets, made.probabilities), abs=1e-12)
    exact = made.probabilities.astype(np.float64)
    assert found["loss"] == pytest.approx(peer.log_loss(truth, exact / exact.sum(1, keepdims=True)), abs=1e-6)


def test_multi_label_figures_are_those_of_scikit_learn() -> None:
    made = _prediction("multi-label")
    called = made.probabilities >= 0.5
    found = headline.figures(made)
    assert found["accuracy"] == pytest.approx(1 - peer.hamming_loss(made.targets, called), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(peer.f1_score(made.targets, called, average="macro"), abs=1e-12)
    each = [peer.log_loss(y, p.astype(np.float64)) for y, p in zip(made.targets.T, made.probabilities.T, strict=True)]
    assert found["loss"] == pytest.approx(np.mean(each), abs=1e-6)


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_what_is_not_stated_does_not_count(task: str) -> None:
    made = _prediction(task)
    targets = made.targets.copy()
    targets[10:] = -1
    fewer = Prediction(made.ids, made.findings, made.probabilities, targets, made.patients, task)
    assert headline.figures(fewer) == pytest.approx(headline.figures(made.take(np.arange(10))), nan_ok=True)


def test_nothing_stated_is_not_defined() -> None:
    made = _prediction("multi-label", rows=4)
    empty = Prediction(made.ids, made.findings, made.probabilities, np.full((4, 3), -1, np.int8), made.patients, "multi-label")
    assert all(math.isnan(value) for value in headline.figures(empty).values())


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    made = _prediction("multi-label", rows=1)
    wrong = Prediction(
        made.ids, made.findings, (1 - made.targets).astype(np.float32), made.targets, made.patients, "multi-label"
    )
    assert headline.log_loss(wrong) == pytest.approx(-math.log(1e-7), rel=1e-6)
