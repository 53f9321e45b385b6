"""The widest margin, against libsvm (scikit-learn)."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from trainer import margins


def problem(seed: int, count: int = 120) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Two clouds that overlap, exact copies among them, some of the other kind."""
    rng = np.random.default_rng(seed)
    answers = rng.random(count) < 0.3
    places = rng.normal(size=(count, 4)) + answers[:, None] * 0.8
    places[:6] = places[6:12]
    return rbf_kernel(places, gamma=0.2), answers, rng.uniform(0.2, 5, count)


@pytest.mark.parametrize("seed", range(6))
def test_the_margin_is_libsvms(seed: int) -> None:
    kernel, answers, cost = problem(seed)
    weights, bias = margins.widest(kernel, answers, cost)
    peer = SVC(C=1.0, kernel="precomputed").fit(kernel, answers, sample_weight=cost)
    np.testing.assert_allclose(kernel @ weights + bias, peer.decision_function(kernel), atol=3e-3)
    assert (np.abs(weights) <= cost).all()
    assert (weights[answers] >= 0).all()
    assert (weights[~answers] <= 0).all()
    assert weights.sum() == pytest.approx(0, abs=1e-9)


def test_it_is_as_wide_as_can_be() -> None:
    """The dual's target, sum of |w| - w K w / 2, is no smaller than libsvm's."""
    kernel, answers, cost = problem(9, 300)
    weights, _ = margins.widest(kernel, answers, cost)
    peer = SVC(C=1.0, kernel="precomputed", tol=1e-6).fit(kernel, answers, sample_weight=cost)
    theirs = np.zeros(len(answers))
    theirs[peer.support_] = peer.dual_coef_[0]
    ours, best = (np.abs(w).sum() - w @ kernel @ w / 2 for w in (weights, theirs))
    assert ours == pytest.approx(best, rel=1e-4)


def test_two_images_stand_one_on_either_side() -> None:
    weights, bias = margins.widest(np.eye(2), np.array([True, False]), np.full(2, 10.0))
    np.testing.assert_allclose(weights, [1, -1])
    assert bias == pytest.approx(0)


def test_copies_with_both_answers_do_not_make_it_endless() -> None:
    answers = np.arange(40) % 2 == 0
    weights, bias = margins.widest(np.ones((40, 40)), answers, np.full(40, 5.0))
    assert np.isfinite(weights).all()
    assert np.isfinite(bias)
    assert bias == pytest.approx(0, abs=1e-6)
