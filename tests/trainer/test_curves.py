"""Curves and operating points: against scikit-learn and against trying every threshold."""

import math
import time
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer import curves, metrics
from trainer.curves import Sweep
from trainer.errors import ConfigError

QUICK = settings(deadline=None, max_examples=60)
Data = tuple[NDArray[Any], NDArray[Any]]


@st.composite
def scored(draw: st.DrawFn) -> Data:
    """Labels {1, 0, -1} and float32 probabilities, often tied, often 0 or 1."""
    images = draw(st.integers(0, 25))
    grid = draw(st.sampled_from([1, 4, 1000]))
    y = draw(st.lists(st.sampled_from([0, 1, -1]), min_size=images, max_size=images))
    p = draw(st.lists(st.integers(0, grid), min_size=images, max_size=images))
    return np.array(y, np.int8), np.array(p, np.float32) / np.float32(grid)


def every_decision(y: NDArray[Any], p: NDArray[Any]) -> list[NDArray[Any]]:
    """The 2x2 matrices of all decisions that a threshold can make, the one that calls everything positive first."""
    ends = [-np.inf, *np.unique(p[y >= 0].astype(float)), np.inf]
    return [metrics.counts(y, p, threshold) for threshold in ends]


@QUICK
@given(scored(), st.floats(-0.1, 1.1))
def test_counts_at_any_threshold_are_those_of_metrics(data: Data, threshold: float) -> None:
    y, p = data
    sweep = Sweep(y, p)
    several = [threshold, 0.0, 0.25, 0.5, 1.0]
    found = sweep.counts(several)
    for value, matrix in zip(several, found, strict=True):
        np.testing.assert_array_equal(matrix, metrics.counts(y, p, value))
    np.testing.assert_array_equal(sweep.counts(threshold), found[0])
    assert (sweep.positives, sweep.negatives) == ((y == 1).sum(), (y == 0).sum())


@QUICK
@given(scored(), st.booleans())
def test_curves_agree_with_scikit_learn(data: Data, weighted: bool) -> None:
    y, p = data
    w = np.random.default_rng(len(y)).choice([1.0, 2.5], len(y)) if weighted else None
    stated = y >= 0
    weight = None if w is None else w[stated]
    if (y == 1).any() and (y == 0).any():
        theirs = oracle.roc_curve(y[stated], p[stated].astype(float), sample_weight=weight, drop_intermediate=False)
        for ours, expected in zip(curves.roc(y, p, w), theirs, strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-9)
    if (y == 1).any():
        theirs = oracle.precision_recall_curve(y[stated], p[stated].astype(float), sample_weight=weight)
        for ours, expected in zip(curves.precision_recall(y, p, w), theirs, strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-9)


@QUICK
@given(scored())
def test_the_area_under_the_curve_is_the_area(data: Data) -> None:
    y, p = data
    if (y == 1).any() and (y == 0).any():
        false, found, _ = curves.roc(y, p)
        assert np.trapezoid(found, false) == pytest.approx(float(metrics.auroc(y, p)), abs=1e-9)
    if (y == 1).any():
        precision, recall, _ = curves.precision_recall(y, p)
        assert -np.sum(np.diff(recall) * precision[:-1]) == pytest.approx(float(metrics.auprc(y, p)), abs=1e-9)


@QUICK
@given(scored())
def test_operating_points_are_the_best_there_are(data: Data) -> None:
    y, p = data
    sweep, matrices = Sweep(y, p), every_decision(y, p)
    if not (y == 1).any():
        assert math.isnan(sweep.best_f1())
        assert math.isnan(sweep.youden())
        assert math.isnan(sweep.at_sensitivity(0.5))
        return
    best = max(float(np.nan_to_num(metrics.f1(m))) for m in matrices)
    assert metrics.f1(metrics.counts(y, p, sweep.best_f1())) == pytest.approx(best)
    if not (y == 0).any():
        assert math.isnan(sweep.youden())
        return
    best = max(float(metrics.sensitivity(m) + metrics.specificity(m)) for m in matrices)
    chosen = metrics.counts(y, p, sweep.youden())
    assert metrics.sensitivity(chosen) + metrics.specificity(chosen) == pytest.approx(best)


@QUICK
@given(scored(), st.sampled_from([0.1, 0.5, 0.9, 0.95, 1.0]))
def test_at_sensitivity_keeps_the_level_and_gives_the_most_specific(data: Data, level: float) -> None:
    y, p = data
    if not ((y == 1).any() and (y == 0).any()):
        return
    chosen = metrics.counts(y, p, Sweep(y, p).at_sensitivity(level))
    assert metrics.sensitivity(chosen) >= level - 1e-9
    possible = [m for m in every_decision(y, p) if metrics.sensitivity(m) >= level - 1e-9]
    assert metrics.specificity(chosen) == max(metrics.specificity(m) for m in possible)


@QUICK
@given(scored())
def test_a_chosen_threshold_lies_on_no_score_and_rounding_flips_nothing(data: Data) -> None:
    y, p = data
    if not ((y == 1).any() and (y == 0).any()):
        return
    for threshold in (Sweep(y, p).youden(), Sweep(y, p).best_f1(), Sweep(y, p).at_sensitivity(0.8)):
        assert 0 <= threshold <= 1
        positive = p[p > 0]
        moved = p.copy()
        moved[p > 0] = positive * np.random.default_rng(0).choice([np.float32(1 - 2e-7), np.float32(1 + 2e-7)], len(positive))
        np.testing.assert_array_equal(metrics.counts(y, p, threshold), metrics.counts(y, moved, threshold))


def test_midway_by_hand() -> None:
    y = np.array([0, 0, 1, 1], np.int8)
    p = np.array([0.1, 0.4, 0.6, 0.9])
    assert Sweep(y, p).youden() == 0.5
    assert Sweep(y, p).best_f1() == 0.5
    assert Sweep(y, p).at_sensitivity(0.5) == 0.75
    assert Sweep(y, p).at_sensitivity(1.0) == 0.5


def test_neighbouring_floats_are_still_told_apart() -> None:
    low = 0.3
    high = float(np.nextafter(low, 1))
    y, p = np.array([0, 1], np.int8), np.array([low, high])
    np.testing.assert_array_equal(Sweep(y, p).counts(Sweep(y, p).youden()), [[1, 0], [0, 1]])


def test_of_equal_points_the_lowest_loses_the_fewest() -> None:
    y = np.array([1, 0, 1, 0], np.int8)
    p = np.array([0.2, 0.3, 0.8, 0.1])
    # Sensitivity 1 with specificity 1/2, and sensitivity 1/2 with specificity 1, are equal for Youden.
    assert Sweep(y, p).youden() == pytest.approx(0.15)


def test_a_model_worse_than_chance_gets_no_absurd_threshold() -> None:
    y, p = np.array([1, 0], np.int8), np.array([0.2, 0.8])
    assert 0 <= Sweep(y, p).youden() <= 1
    assert metrics.sensitivity(Sweep(y, p).counts(Sweep(y, p).youden())) == 1


def test_a_sensitivity_of_nothing_calls_nothing() -> None:
    y = np.array([1, 0], np.int8)
    for top in (0.7, 1.0):
        threshold = Sweep(y, np.array([top, 0.2])).at_sensitivity(0.0)
        assert Sweep(y, np.array([top, 0.2])).counts(threshold)[:, 1].sum() == 0


def test_rates_without_their_images_are_nan() -> None:
    false, found, thresholds = curves.roc(np.array([0, 0], np.int8), np.array([0.1, 0.2]))
    assert np.isnan(found).all()
    np.testing.assert_array_equal(false, [0, 0.5, 1])
    assert thresholds[0] == np.inf
    assert np.isnan(Sweep(np.array([], np.int8), np.array([])).roc()[0]).all()


@pytest.mark.parametrize(
    ("rule", "expected"), [("youden", 0.5), ("f1", 0.5), ("sensitivity=0.5", 0.75), (" sensitivity = 1 ", 0.5)]
)
def test_rules_by_name(rule: str, expected: float) -> None:
    sweep = Sweep(np.array([0, 0, 1, 1], np.int8), np.array([0.1, 0.4, 0.6, 0.9]))
    assert curves.operating_point(rule)(sweep) == expected


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("yuden", "Did you mean youden?"),
        ("", "There is: f1"),
        ("sensitivity", "sensitivity=0.95"),
        ("sensitivity=", "sensitivity=0.95"),
        ("sensitivity=0", "sensitivity=0.95"),
        ("sensitivity=1.5", "sensitivity=0.95"),
        ("sensitivity=nan", "sensitivity=0.95"),
        ("youden=0.5", "sensitivity=0.95"),
    ],
)
def test_a_wrong_rule_is_refused_in_words(rule: str, word: str) -> None:
    with pytest.raises(ConfigError) as refused:
        curves.operating_point(rule)
    assert word in str(refused.value)


def test_a_moved_threshold_costs_no_time() -> None:
    """100,000 predictions of 14 findings: five milliseconds is what a dragged slider allows; here it takes well under one."""
    random = np.random.default_rng(0)
    sweeps = [Sweep((random.random(100_000) < 0.1).astype(np.int8), random.random(100_000)) for _ in range(14)]
    fastest = math.inf
    for threshold in np.linspace(0.1, 0.9, 9):
        start = time.perf_counter()
        for sweep in sweeps:
            sweep.counts(threshold)
        fastest = min(fastest, time.perf_counter() - start)
    assert fastest < 0.005
