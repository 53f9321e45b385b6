"""Metrics: against scikit-learn, against values worked by hand, and what is not defined is nan."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer import metrics

NAN = float("nan")
QUICK = settings(deadline=None, max_examples=60)
EXACT = pytest.approx
Data = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


@st.composite
def scored(draw: st.DrawFn, smallest: int = 0) -> Data:
    """Labels {1, 0, -1}, probabilities (often tied), weights (often 0) of up to 30 images."""
    images = draw(st.integers(smallest, 30))
    labels = draw(st.sampled_from([(0, 1), (0, 1, -1), (1,), (0,), (-1,), (1, -1)]))
    y = draw(st.lists(st.sampled_from(labels), min_size=images, max_size=images))
    grid = draw(st.sampled_from([2, 5, 1000]))
    p = draw(st.lists(st.integers(0, grid), min_size=images, max_size=images))
    weights = draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 0.3, 1.7]), min_size=images, max_size=images))
    return np.array(y, np.int8), np.array(p, np.float32) / np.float32(grid), np.array(weights)


@st.composite
def tables(draw: st.DrawFn) -> Data:
    """Targets [N, K], probabilities [N, K], weights [N] of up to 20 images and 4 findings."""
    images, findings = draw(st.integers(0, 20)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    targets = random.choice(draw(st.sampled_from([(0, 1), (0, 1, -1), (-1, 0)])), (images, findings))
    return targets.astype(np.int8), random.integers(0, 9, (images, findings)) / 8, random.choice([0.0, 1.0, 2.5], images)


def quiet(figure: Callable[..., Any], *values: Any, **more: Any) -> float:  # noqa: ANN401
    """A figure of scikit-learn without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(figure(*values, **more))


def check_same(ours: Any, theirs: float) -> None:  # noqa: ANN401
    """Equal to 1e-9, or both not defined."""
    assert float(ours) == EXACT(theirs, abs=1e-9, nan_ok=True)


@QUICK
@given(scored(), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.booleans())
def test_counts_and_figures_of_one_finding_agree_with_scikit_learn(data: Data, threshold: float, weighted: bool) -> None:
    y, p, w = data
    w = w if weighted else np.ones(len(y))
    stated = y >= 0
    truth, said, weight = y[stated], (p[stated].astype(float) >= threshold).astype(int), w[stated]
    matrix = metrics.counts(y, p, threshold, w if weighted else None)
    expected = np.zeros((2, 2))
    np.add.at(expected, (truth, said), weight)
    np.testing.assert_allclose(matrix, expected, atol=1e-9)
    if not weight.sum():
        assert np.isnan([f(matrix) for f in (metrics.accuracy, metrics.f1, metrics.sensitivity, metrics.npv)]).all()
        return
    more = {"sample_weight": weight, "zero_division": NAN}
    check_same(metrics.sensitivity(matrix), quiet(oracle.recall_score, truth, said, **more))
    check_same(metrics.specificity(matrix), quiet(oracle.recall_score, 1 - truth, 1 - said, **more))
    check_same(metrics.precision(matrix), quiet(oracle.precision_score, truth, said, **more))
    check_same(metrics.npv(matrix), quiet(oracle.precision_score, 1 - truth, 1 - said, **more))
    check_same(metrics.f1(matrix), quiet(oracle.f1_score, truth, said, **more))
    check_same(metrics.accuracy(matrix), quiet(oracle.accuracy_score, truth, said, sample_weight=weight))
    check_same(metrics.balanced_accuracy(matrix), quiet(oracle.balanced_accuracy_score, truth, said, sample_weight=weight))


@QUICK
@given(scored(), st.booleans())
def test_areas_agree_with_scikit_learn(data: Data, weighted: bool) -> None:
    y, p, w = data
    w = w if weighted else np.ones(len(y))
    stated = y >= 0
    area = metrics.auroc(y, p, w if weighted else None)
    precise = metrics.auprc(y, p, w if weighted else None)
    yes, no = w[y == 1].sum(), w[y == 0].sum()
    if yes and no:
        check_same(area, oracle.roc_auc_score(y[stated], p[stated], sample_weight=w[stated]))
    else:
        assert math.isnan(area)
    if yes:
        check_same(precise, oracle.average_precision_score(y[stated], p[stated], sample_weight=w[stated]))
    else:
        assert math.isnan(precise)


@QUICK
@given(scored(smallest=1), st.booleans())
def test_brier_agrees_with_scikit_learn(data: Data, weighted: bool) -> None:
    y, p, w = data
    w = w if weighted else np.ones(len(y))
    stated = y >= 0
    score = metrics.brier(y, p, w)
    if w[stated].sum():
        check_same(score, oracle.brier_score_loss(y[stated], p[stated].astype(float), sample_weight=w[stated], labels=[0, 1]))
    else:
        assert math.isnan(score)


@QUICK
@given(st.integers(0, 30), st.integers(2, 5), st.integers(0, 2**32), st.booleans())
def test_confusion_and_its_figures_agree_with_scikit_learn(images: int, findings: int, seed: int, weighted: bool) -> None:
    random = np.random.default_rng(seed)
    used = random.integers(1, findings + 1)  # some findings may never occur
    truth, said = random.integers(-1, used, images), random.integers(0, used, images)
    w = random.choice([0.0, 1.0, 2.5], images) if weighted else np.ones(images)
    matrix = metrics.confusion(truth, said, findings, w if weighted else None)
    known = (truth >= 0) & (w > 0)
    if not known.any():
        assert not matrix.any()
        assert np.isnan([metrics.accuracy(matrix), metrics.balanced_accuracy(matrix), metrics.macro_f1(matrix)]).all()
        return
    t, s, weight = truth[known], said[known], w[known]
    every = np.arange(findings)
    np.testing.assert_allclose(matrix, oracle.confusion_matrix(t, s, labels=every, sample_weight=weight), atol=1e-9)
    check_same(metrics.accuracy(matrix), oracle.accuracy_score(t, s, sample_weight=weight))
    check_same(metrics.balanced_accuracy(matrix), quiet(oracle.balanced_accuracy_score, t, s, sample_weight=weight))
    macro = {"average": "macro", "labels": every, "sample_weight": weight, "zero_division": NAN}
    check_same(metrics.macro_f1(matrix), quiet(oracle.f1_score, t, s, **macro))
    against = metrics.one_against_rest(matrix)
    np.testing.assert_allclose(against, oracle.multilabel_confusion_matrix(t, s, labels=every, sample_weight=weight), atol=1e-9)
    check_same(metrics.average(metrics.precision(against)), quiet(oracle.precision_score, t, s, **macro))


@QUICK
@given(tables())
def test_hamming_and_exact_match(data: Data) -> None:
    targets, p, w = data
    decided = metrics.decisions(p, np.full(targets.shape[1], 0.5))
    stated = targets >= 0
    wrong = (decided != (targets == 1)) & stated
    pairs = (stated * w[:, None]).sum()
    check_same(metrics.hamming(targets, decided, w), (wrong * w[:, None]).sum() / pairs if pairs else NAN)
    rows = stated.any(axis=1)
    weight = w[rows].sum()
    check_same(metrics.exact_match(targets, decided, w), (w[rows] * ~wrong[rows].any(axis=1)).sum() / weight if weight else NAN)
    if stated.all() and targets.size and w.sum():
        check_same(metrics.hamming(targets, decided, w), oracle.hamming_loss(targets, decided.astype(int), sample_weight=w))
        if targets.shape[1] > 1:
            share = oracle.accuracy_score(targets, decided.astype(int), sample_weight=w)
            check_same(metrics.exact_match(targets, decided, w), share)


@QUICK
@given(tables(), st.integers(1, 3))
def test_many_rows_of_weights_give_what_each_row_gives(data: Data, rows: int) -> None:
    targets, p, w = data
    many = np.stack([w * (row + 1) ** np.arange(len(w)) % 5 for row in range(rows)])
    thresholds = np.full(targets.shape[1], 0.4)
    decided = metrics.decisions(p, thresholds)
    truth, said = targets[:, 0].astype(int), (p[:, 0] > 0.5).astype(int)
    figures = (
        lambda v: metrics.counts_all(targets, p, thresholds, v),
        lambda v: metrics.confusion(truth, said, 2, v),
        lambda v: metrics.macro_f1(metrics.confusion(truth, said, 2, v)),
        lambda v: metrics.hamming(targets, decided, v),
        lambda v: metrics.exact_match(targets, decided, v),
        lambda v: metrics.brier(targets, p, v),
        lambda v: metrics.auroc(targets[:, 0], p[:, 0], v),
        lambda v: metrics.auprc(targets[:, 0], p[:, 0], v),
    )
    for figure in figures:
        together = np.asarray(figure(many))
        assert together.shape[0] == rows
        np.testing.assert_allclose(together, np.stack([figure(row) for row in many]), atol=1e-12)


@QUICK
@given(scored(), st.integers(0, 3))
def test_a_whole_weight_is_that_many_copies(data: Data, seed: int) -> None:
    y, p, _ = data
    times = np.random.default_rng(seed).integers(0, 4, len(y))
    for figure in (metrics.auroc, metrics.auprc, metrics.brier, metrics.expected_calibration_error):
        check_same(figure(y, p, weights=times), float(figure(np.repeat(y, times), np.repeat(p, times))))


def test_matrix_stands_truth_down_prediction_across() -> None:
    y = np.array([0, 0, 0, 0, 1, 1, 1, -1], np.int8)
    p = np.array([0.1, 0.2, 0.3, 0.9, 0.8, 0.7, 0.2, 0.9], np.float32)
    matrix = metrics.counts(y, p, 0.5)
    np.testing.assert_array_equal(matrix, [[3, 1], [1, 2]])  # [[tn, fp], [fn, tp]]
    assert metrics.sensitivity(matrix) == EXACT(2 / 3)
    assert metrics.specificity(matrix) == EXACT(3 / 4)
    assert metrics.precision(matrix) == EXACT(2 / 3)
    assert metrics.npv(matrix) == EXACT(3 / 4)
    assert metrics.f1(matrix) == EXACT(4 / 6)
    assert metrics.accuracy(matrix) == EXACT(5 / 7)


def test_a_score_on_the_threshold_is_positive_also_in_single_precision() -> None:
    p = np.array([0.1], np.float32)
    assert metrics.decisions(p[:, None], [float(p[0])]).all()
    assert not metrics.decisions(p[:, None], [float(np.nextafter(np.float64(p[0]), 1))]).any()


def test_published_hamming_of_the_three_label_system_is_found_again() -> None:
    """2x2 tables of 628 images and three labels with 2 + 9, 19 + 16 and 16 + 19 mistakes: 81 / 1884 = 0.0430."""
    mistakes = ((2, 9), (19, 16), (16, 19))
    targets, said = np.zeros((628, 3), np.int8), np.zeros((628, 3), bool)
    for k, (missed, false) in enumerate(mistakes):
        targets[:100, k], said[:100, k] = 1, True
        said[:missed, k], said[100 : 100 + false, k] = False, True
    assert metrics.hamming(targets, said) == EXACT(0.0430, abs=5e-5)


@pytest.mark.parametrize(
    ("figure", "matrix"),
    [
        (metrics.sensitivity, [[5, 2], [0, 0]]),
        (metrics.specificity, [[0, 0], [3, 4]]),
        (metrics.precision, [[5, 0], [3, 0]]),
        (metrics.npv, [[0, 5], [0, 3]]),
        (metrics.f1, [[5, 0], [0, 0]]),
        (metrics.accuracy, [[0, 0], [0, 0]]),
    ],
)
def test_what_is_not_defined_is_nan_not_zero(figure: Callable[[Any], Any], matrix: list[list[int]]) -> None:
    assert math.isnan(figure(matrix))
    assert figure([[1, 1], [1, 1]]) == 0.5


def test_f1_is_zero_where_a_positive_was_missed_or_made_up() -> None:
    assert metrics.f1([[5, 0], [1, 0]]) == 0
    assert metrics.f1([[5, 1], [0, 0]]) == 0


def test_average_is_over_what_is_defined() -> None:
    assert metrics.average([0.5, NAN, 1.0]) == 0.75
    assert math.isnan(metrics.average([NAN, NAN]))


def test_ties_count_half() -> None:
    assert metrics.auroc(np.array([1, 0]), np.array([0.5, 0.5])) == 0.5
    assert metrics.auroc(np.array([1, 0, 0]), np.array([0.5, 0.5, 0.1])) == 0.75


def test_calibration_by_hand() -> None:
    y = np.array([0, 0, 1, 1, 1, -1], np.int8)
    p = np.array([0.1, 0.3, 0.3, 0.9, 1.0, 0.7])
    found = metrics.calibration(y, p, bins=4)
    np.testing.assert_array_equal(found.count, [1, 2, 0, 2])
    np.testing.assert_allclose(found.probability, [0.1, 0.3, NAN, 0.95])
    np.testing.assert_allclose(found.share, [0, 0.5, NAN, 1])
    assert found.error == EXACT((0.1 + 2 * 0.2 + 2 * 0.05) / 5)
    assert math.isnan(metrics.expected_calibration_error(y[5:], p[5:]))


def test_a_calibrated_model_has_no_calibration_error() -> None:
    random = np.random.default_rng(3)
    p = random.random(200_000)
    y = (random.random(200_000) < p).astype(np.int8)
    assert metrics.expected_calibration_error(y, p) < 0.01
    assert metrics.expected_calibration_error(y, p**3) > 0.1
