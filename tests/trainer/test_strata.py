"""Stratification of groups: what always holds, and how near it comes."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from trainer.errors import DataError
from trainer.strata import assign

SHARES = (0.7, 0.1, 0.2)


def _case(seed: int, *, images: int = 120, groups: int = 40, findings: int = 4) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Multi-label images with not stated answers, in groups of uneven size."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((images, findings)) < rng.random(findings) * 0.5).astype(np.int8)
    labels[rng.random(labels.shape) < 0.1] = -1
    return labels, np.minimum(rng.geometric(2 / groups, images), groups).astype(np.int64) * 7


@settings(deadline=None, max_examples=60)
@given(
    case=st.integers(0, 10**6),
    images=st.integers(12, 150),
    seed=st.integers(0, 2**31 - 1),
    shares=st.sampled_from([SHARES, (0.9, 0.05, 0.05), (1.0, 0.0, 0.0), (0.8, 0.2, 0.0), (0.25,) * 4]),
)
def test_groups_stay_whole_and_the_order_of_images_does_not_matter(
    case: int, images: int, seed: int, shares: tuple[float, ...]
) -> None:
    labels, groups = _case(case, images=images, groups=images)
    if len(np.unique(groups)) < len(shares):
        return
    places = assign(labels, groups, shares, seed)
    assert places.dtype == np.int8
    assert places.shape == (images,)
    assert all(len(np.unique(places[groups == group])) == 1 for group in np.unique(groups))
    assert set(places.tolist()) == {part for part, share in enumerate(shares) if share}
    np.testing.assert_array_equal(places, assign(labels, groups, shares, seed))
    shuffled = np.random.default_rng(seed).permutation(images)
    np.testing.assert_array_equal(places[shuffled], assign(labels[shuffled], groups[shuffled], shares, seed))


def test_another_seed_gives_another_split() -> None:
    labels, groups = _case(1)
    assert any((assign(labels, groups, SHARES, 1) != assign(labels, groups, SHARES, seed)).any() for seed in (2, 3))


def test_single_images_are_divided_almost_exactly() -> None:
    truth = np.repeat([0, 1, 2], [500, 500, 125])
    places = assign(np.eye(3, dtype=np.int8)[truth], np.arange(1125), SHARES, 3)
    for finding, count in enumerate((500, 500, 125)):
        got = np.bincount(places[truth == finding], minlength=3)
        assert np.abs(got - count * np.array(SHARES)).max() <= 2


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_come_together_are_each_divided_as_asked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = 3000
    labels = (rng.random((images, 8)) < np.array([0.4, 0.3, 0.2, 0.1, 0.05, 0.05, 0.02, 0.02])).astype(np.int8)
    groups = rng.integers(0, 1000, images)
    places = assign(labels, groups, SHARES, seed)
    parts = places[:, None] == np.arange(3)
    np.testing.assert_allclose(parts.mean(0), SHARES, atol=0.01)
    for column in range(8):
        np.testing.assert_allclose(parts[labels[:, column] == 1].mean(0), SHARES, atol=0.03)
    np.testing.assert_allclose(parts[~(labels == 1).any(1)].mean(0), SHARES, atol=0.02)


def test_a_finding_of_enough_patients_stands_in_every_part() -> None:
    for case in range(65):
        rng = np.random.default_rng(case)
        groups = rng.integers(0, 60, 150)
        labels = (rng.random((150, 8)) < rng.dirichlet(np.full(8, 0.4)) * 0.6).astype(np.int8)
        places = assign(labels, groups, SHARES, case)
        for column in labels.T:
            if len(np.unique(groups[column == 1])) >= 3:
                assert len(np.unique(places[column == 1])) == 3


def test_every_part_gets_a_group_however_few_and_uneven_they_are() -> None:
    for case in range(100):
        rng = np.random.default_rng(case)
        parts = int(rng.integers(2, 6))
        sizes = np.ceil(rng.pareto(0.6, parts + int(rng.integers(0, 5)))).clip(1, 200).astype(np.int64)
        groups = np.repeat(np.arange(len(sizes)), sizes)
        shares = np.maximum(rng.dirichlet(np.full(parts, 0.5)), 0.01)
        places = assign((rng.random((len(groups), 3)) < 0.3).astype(np.int8), groups, shares / shares.sum(), case)
        assert len(np.unique(places)) == parts


def test_one_huge_patient_leaves_a_group_for_every_part() -> None:
    groups = np.array([0] * 97 + [1, 2, 3])
    places = assign(np.ones((100, 1), dtype=np.int8), groups, SHARES, 1)
    assert set(places.tolist()) == {0, 1, 2}
    assert places[0] == 0


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(DataError, match="Only 2 patients for 3 parts"):
        assign(np.ones((5, 1), dtype=np.int8), np.array([0, 0, 0, 1, 1]), SHARES, 1)


def _spread(truth: NDArray[np.int64], fold_of: NDArray[np.int64], folds: int) -> tuple[float, float]:
    """How unevenly findings, and images, are spread over folds: standard deviation of their shares."""
    table = np.array([np.bincount(truth[fold_of == fold], minlength=truth.max() + 1) for fold in range(folds)])
    return float((table / table.sum(0)).std(0).mean()), float((table.sum(1) / table.sum()).std())


def test_folds_are_at_least_as_even_as_scikit_learns() -> None:
    ours, theirs = [], []
    for case in range(25):
        rng = np.random.default_rng(case)
        images, folds = int(rng.integers(60, 300)), int(rng.integers(2, 6))
        groups = np.minimum(rng.geometric(8 / images, images), images // 4)
        usual = rng.integers(0, 3, images)
        truth = np.unique(np.where(rng.random(images) < 0.7, usual[groups], rng.integers(0, 4, images)), return_inverse=True)[1]
        places = assign(np.eye(truth.max() + 1, dtype=np.int8)[truth], groups, [1 / folds] * folds, case)
        ours.append(_spread(truth, places.astype(np.int64), folds))
        fold_of = np.zeros(images, dtype=np.int64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn: the rarest finding has fewer images than folds
            oracle = StratifiedGroupKFold(folds, shuffle=True, random_state=case)
            for fold, (_, test) in enumerate(oracle.split(truth, truth, groups)):
                fold_of[test] = fold
        theirs.append(_spread(truth, fold_of, folds))
    assert np.mean(ours, axis=0)[0] <= np.mean(theirs, axis=0)[0]
    assert np.mean(ours, axis=0)[1] <= np.mean(theirs, axis=0)[1]


def test_many_patients_take_no_long_time() -> None:
    """The size of NIH ChestX-ray14's patients, a third of its images; about 0.3 s on one core."""
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 30_000, 40_000)
    places = assign((rng.random((40_000, 14)) < 0.05).astype(np.int8), groups, SHARES, 1)
    np.testing.assert_allclose(np.bincount(places) / 40_000, SHARES, atol=0.002)
