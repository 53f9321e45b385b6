"""All figures at once: the same as one by one, for both kinds of task, under any weights."""

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import metrics
from trainer.figures import HEADLINE, Figures
from trainer.metrics import Floats
from trainer.results import FIGURES, Prediction

QUICK = settings(deadline=None, max_examples=40)


def made(images: int, findings: int, task: str, seed: int, *, unstated: float = 0.0) -> Prediction:
    """A prediction at random, with about two images a patient."""
    random = np.random.default_rng(seed)
    if task == "multi-class":
        truth = random.integers(0, findings, images)
        targets = (truth[:, None] == np.arange(findings)).astype(np.int8)
    else:
        targets = random.integers(0, 2, (images, findings)).astype(np.int8)
    targets[random.random((images, findings)) < unstated] = -1
    return Prediction(
        ids=np.arange(images),
        findings=tuple(f"finding {k}" for k in range(findings)),
        probabilities=(random.integers(0, 11, (images, findings)) / 10).astype(np.float32),
        targets=targets,
        patients=tuple(f"p{code}" for code in random.integers(0, max(1, images // 2), images)),
        task=task,
    )


def named(row: Floats, findings: int) -> tuple[dict[str, float], list[dict[str, float]]]:
    """The headline and the figures of each finding, by name."""
    rest = row[len(HEADLINE) :].reshape(findings, len(FIGURES))
    return dict(zip(HEADLINE, row, strict=False)), [dict(zip(FIGURES, part, strict=True)) for part in rest]


@QUICK
@given(st.integers(1, 40), st.integers(2, 4), st.integers(0, 2**32))
def test_multi_class_headline_agrees_with_scikit_learn(images: int, findings: int, seed: int) -> None:
    prediction = made(images, findings, "multi-class", seed)
    headline, _ = named(Figures(prediction, np.full(findings, 0.5))(np.ones(images)), findings)
    truth, said = prediction.targets.argmax(axis=1), prediction.probabilities.argmax(axis=1)
    one_hot = np.eye(findings, dtype=int)[said]
    macro = {"average": "macro", "labels": np.arange(findings), "zero_division": np.nan}
    assert headline["accuracy"] == headline["exact_match"] == pytest.approx(oracle.accuracy_score(truth, said))
    assert headline["macro_f1"] == pytest.approx(oracle.f1_score(truth, said, **macro), abs=1e-9)
    assert headline["balanced_accuracy"] == headline["macro_sensitivity"]
    assert headline["macro_sensitivity"] == pytest.approx(oracle.recall_score(truth, said, **macro), abs=1e-9)
    assert headline["macro_precision"] == pytest.approx(oracle.precision_score(truth, said, **macro), abs=1e-9)
    assert headline["hamming"] == pytest.approx(oracle.hamming_loss(prediction.targets, one_hot), abs=1e-9)


@QUICK
@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32))
def test_multi_label_headline_agrees_with_scikit_learn(images: int, findings: int, seed: int) -> None:
    prediction = made(images, findings, "multi-label", seed)
    thresholds = np.linspace(0.35, 0.65, findings)
    headline, _ = named(Figures(prediction, thresholds)(np.ones(images)), findings)
    said = (prediction.probabilities >= thresholds).astype(int)
    assert headline["hamming"] == pytest.approx(np.mean(said != prediction.targets), abs=1e-12)
    assert headline["accuracy"] == pytest.approx(1 - headline["hamming"])
    assert headline["exact_match"] == pytest.approx(np.mean((said == prediction.targets).all(axis=1)))
    scores = [oracle.f1_score(prediction.targets[:, k], said[:, k], zero_division=np.nan) for k in range(findings)]
    expected = np.nanmean(scores) if not np.isnan(scores).all() else np.nan
    assert headline["macro_f1"] == pytest.approx(expected, abs=1e-9, nan_ok=True)


@QUICK
@given(st.integers(0, 25), st.sampled_from(["multi-class", "multi-label"]), st.integers(0, 2**32))
def test_many_rows_at_once_are_the_rows_one_by_one(images: int, task: str, seed: int) -> None:
    figures = Figures(made(images, 3, task, seed, unstated=0.2), np.array([0.3, 0.5, 0.7]))
    weights = np.random.default_rng(seed).integers(0, 3, (4, images)).astype(float)
    together = figures(weights)
    assert together.shape == (4, len(HEADLINE) + 3 * len(FIGURES))
    np.testing.assert_allclose(together, np.stack([figures(row) for row in weights]), atol=1e-12)
    defined = together[~np.isnan(together)]
    assert ((defined >= 0) & (defined <= 1)).all()


@QUICK
@given(st.integers(1, 20), st.sampled_from(["multi-class", "multi-label"]), st.integers(0, 2**32))
def test_drawing_a_patient_twice_is_having_his_images_twice(images: int, task: str, seed: int) -> None:
    prediction = made(images, 3, task, seed, unstated=0.1)
    times = np.random.default_rng(seed + 1).integers(0, 4, images)
    copied = prediction.take(np.repeat(np.arange(images), times))
    thresholds = np.array([0.3, 0.5, 0.7])
    np.testing.assert_allclose(
        Figures(prediction, thresholds)(times.astype(float)), Figures(copied, thresholds)(np.ones(len(copied.ids))), atol=1e-12
    )


@QUICK
@given(st.integers(1, 30), st.sampled_from(["multi-class", "multi-label"]), st.integers(0, 2**32))
def test_figures_of_a_finding_are_those_of_metrics(images: int, task: str, seed: int) -> None:
    prediction = made(images, 3, task, seed, unstated=0.2)
    _, each = named(Figures(prediction, np.array([0.3, 0.5, 0.7]))(np.ones(images)), 3)
    for k, (found, threshold) in enumerate(zip(each, (0.3, 0.5, 0.7), strict=True)):
        y, p = prediction.targets[:, k], prediction.probabilities[:, k]
        matrix = metrics.counts(y, p, threshold)
        expected = [
            metrics.sensitivity(matrix),
            metrics.specificity(matrix),
            metrics.precision(matrix),
            metrics.npv(matrix),
            metrics.f1(matrix),
            metrics.accuracy(matrix),
            metrics.auroc(y, p),
            metrics.auprc(y, p),
            metrics.brier(y, p),
        ]
        np.testing.assert_allclose([found[name] for name in FIGURES], expected, atol=1e-12)


def test_not_stated_changes_nothing() -> None:
    prediction = made(30, 3, "multi-label", 0)
    more = made(50, 3, "multi-label", 0)
    targets = np.concatenate([prediction.targets, np.full((20, 3), -1, np.int8)])
    probabilities = np.concatenate([prediction.probabilities, more.probabilities[:20]])
    padded = Prediction(np.arange(50), prediction.findings, probabilities, targets, ("",) * 50, "multi-label")
    thresholds = np.full(3, 0.5)
    np.testing.assert_allclose(
        Figures(padded, thresholds)(np.ones(50)), Figures(prediction, thresholds)(np.ones(30)), atol=1e-12
    )


def test_images_without_one_truth_are_left_out_of_a_multi_class_headline() -> None:
    prediction = made(20, 3, "multi-class", 1)
    targets = prediction.targets.copy()
    targets[:3] = [[1, 1, 0], [0, 0, 0], [-1, -1, -1]]
    unclear = Prediction(
        prediction.ids, prediction.findings, prediction.probabilities, targets, prediction.patients, "multi-class"
    )
    thresholds = np.full(3, 0.5)
    rest = Figures(prediction.take(np.arange(3, 20)), thresholds)
    found, expected = (named(part(np.ones(n)), 3)[0] for part, n in ((Figures(unclear, thresholds), 20), (rest, 17)))
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "hamming", "exact_match", "macro_precision"):
        assert found[name] == pytest.approx(expected[name]), name
    assert Figures(unclear, thresholds).confusion().sum() == 17


def test_the_matrix_has_truth_down() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], np.float32)
    targets = np.array([[1, 0], [1, 0], [0, 1]], np.int8)
    figures = Figures(
        Prediction(np.arange(3), ("A", "B"), probabilities, targets, ("", "", ""), "multi-class"), np.full(2, 0.5)
    )
    np.testing.assert_array_equal(figures.confusion(), [[1, 1], [0, 1]])  # one A was called B
    np.testing.assert_array_equal(figures.matrices()[1], [[1, 1], [0, 1]])  # [[tn, fp], [fn, tp]] of B


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_each_figure_knows_how_many_patients_it_rests_on(task: str) -> None:
    targets = np.array([[1, 0]] * 6 + [[0, 1]] * 2, np.int8)
    probabilities = np.array([[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 2, np.float32)
    patients = ("a", "a", "b", "c", "d", "d", "e", "f")
    figures = Figures(Prediction(np.arange(8), ("A", "B"), probabilities, targets, patients, task), np.full(2, 0.5))
    headline, (first, second) = named(figures.contributing(), 2)
    assert (first["sensitivity"], first["specificity"], first["auroc"], first["accuracy"]) == (4, 2, 2, 6)
    assert (second["sensitivity"], second["specificity"], second["precision"], second["npv"]) == (2, 4, 2, 4)
    assert headline["accuracy"] == 6
    assert headline["macro_sensitivity"] == pytest.approx(4 / (1 / 4 + 1 / 2))
    assert headline["macro_auroc"] == pytest.approx(4)


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_perfect_parts_of_an_average_hide_an_error_and_single_figures_do_not(task: str) -> None:
    targets = np.array([[1, 0]] * 10 + [[0, 1]] * 10, np.int8)
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 3 + [[0.1, 0.9]] * 7, np.float32)
    figures = Figures(Prediction(np.arange(20), ("A", "B"), probabilities, targets, ("",) * 20, task), np.full(2, 0.5))
    headline, each = named(figures.unseen(), 2)
    assert headline["macro_sensitivity"] > 0  # every A is found
    assert headline["balanced_accuracy"] > 0
    assert headline["macro_f1"] == 0  # neither F1 is perfect
    assert headline["accuracy"] == 0
    assert not any(value for part in each for value in part.values())
