"""Class weights, weighted sampler and the promise of what an epoch shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from trainer import config, imbalance
from trainer.errors import ConfigError, DataError

Codes = NDArray[np.int64]


def _one_hot(truth: Codes, findings: int) -> NDArray[np.int8]:
    return np.eye(findings, dtype=np.int8)[truth]


three = _one_hot(np.repeat([0, 1, 2], [100, 15, 5]), 3)


@settings(deadline=None, max_examples=40)
@given(truth=hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 4)))
def test_multi_class_weights_are_scikit_learns(truth: Codes) -> None:
    present = np.unique(truth)
    weights = imbalance.class_weights(_one_hot(truth, 5), "multi-class")
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights[present], compute_class_weight("balanced", classes=present, y=truth), rtol=1e-6)
    assert (weights[np.setdiff1d(np.arange(5), present)] == 1).all()


def test_multi_label_weights_are_negatives_by_positives_of_the_stated() -> None:
    targets = np.array([[1, 1, -1, 0], [0, 1, 1, 0], [0, -1, -1, 0], [0, 1, 0, -1], [-1, 1, 0, 0]], dtype=np.int8)
    np.testing.assert_allclose(imbalance.class_weights(targets, "multi-label"), [3, 1, 2, 1])


def test_images_without_exactly_one_finding_have_no_say_in_multi_class() -> None:
    odd = np.array([[1, 1, 0], [0, 0, 0], [-1, -1, -1]], dtype=np.int8)
    with_odd = np.concatenate([three, odd])
    np.testing.assert_allclose(imbalance.class_weights(with_odd, "multi-class"), imbalance.class_weights(three, "multi-class"))
    assert (imbalance.sampling_weights(with_odd, "multi-class")[-3:] == 0).all()


def test_sampling_gives_each_finding_the_same_mass() -> None:
    weights = imbalance.sampling_weights(three, "multi-class")
    assert weights.dtype == np.float64
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ three, [1 / 3] * 3)


def test_a_single_rare_label_is_drawn_as_often_as_its_absence() -> None:
    targets = np.array([[1]] + [[0]] * 8 + [[-1]], dtype=np.int8)
    weights = imbalance.sampling_weights(targets, "multi-label")
    np.testing.assert_allclose(weights, [0.5] + [0.5 / 8] * 8 + [0.0])


@settings(deadline=None, max_examples=40)
@given(targets=hnp.arrays(np.int8, st.tuples(st.integers(2, 40), st.integers(1, 5)), elements=st.integers(-1, 1)))
def test_multi_label_sampling_never_moves_away_from_half(targets: NDArray[np.int8]) -> None:
    targets[0], targets[1] = 1, 0
    weights = imbalance.sampling_weights(targets, "multi-label")
    assert weights.sum() == pytest.approx(1)
    sides = (weights @ (targets == 1), weights @ (targets == 0))
    for yes, no in zip(*sides, strict=True):
        assert min(yes, no) >= 0.5 / targets.shape[1] - 1e-12  # its own turn alone gives each side that much


@settings(deadline=None, max_examples=50)
@given(count=st.integers(0, 80), seed=st.integers(0, 2**31 - 1), epoch=st.integers(0, 1000))
def test_an_order_without_weights_is_a_permutation(count: int, seed: int, epoch: int) -> None:
    order = imbalance.draw(count, seed, epoch)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(count))


@settings(deadline=None, max_examples=50)
@given(
    raw=hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(0, 100)),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 1000),
)
def test_a_weighted_order_shows_each_image_as_often_as_promised(raw: NDArray[np.float64], seed: int, epoch: int) -> None:
    raw[0] += 1
    weights = raw / raw.sum()
    order = imbalance.draw(len(raw), seed, epoch, weights)
    assert order.dtype == np.int64
    assert order.shape == raw.shape
    times, expected = np.bincount(order, minlength=len(raw)), len(raw) * weights
    assert (times >= np.floor(expected - 1e-6)).all()
    assert (times <= np.ceil(expected + 1e-6)).all()


def test_every_image_is_drawn_with_its_chance_over_many_epochs() -> None:
    weights = np.array([0.5, 0.2, 0.2, 0.06, 0.04])
    times = sum(np.bincount(imbalance.draw(5, 3, epoch, weights), minlength=5) for epoch in range(4000))
    np.testing.assert_allclose(np.asarray(times) / 20_000, weights, atol=0.004)


def test_a_weighted_order_is_mixed() -> None:
    truth = three.argmax(1)
    order = imbalance.draw(len(three), 1, 0, imbalance.sampling_weights(three, "multi-class"))
    assert 0.5 < np.mean(truth[order][1:] != truth[order][:-1]) < 0.85  # two thirds when independent


@pytest.mark.parametrize("weights", [None, np.full(50, 0.02)])
def test_the_order_follows_from_seed_and_epoch_alone(weights: NDArray[np.float64] | None) -> None:
    first = imbalance.draw(50, 7, 3, weights)
    np.random.default_rng(1).random(10)
    imbalance.draw(50, 7, 4, weights)
    np.testing.assert_array_equal(first, imbalance.draw(50, 7, 3, weights))
    for seed, epoch in ((7, 4), (8, 3), (3, 7)):
        assert (first != imbalance.draw(50, seed, epoch, weights)).any()


def test_shown_tells_what_each_method_does_to_multi_class() -> None:
    plain, weighted, sampled = (
        imbalance.shown(three, "multi-class", method) for method in ("none", "class-weights", "weighted-sampler")
    )
    np.testing.assert_allclose(plain.images, [100, 15, 5])
    np.testing.assert_allclose(plain.loss_share, np.array([100, 15, 5]) / 120)
    np.testing.assert_allclose(weighted.images, [100, 15, 5])
    np.testing.assert_allclose(weighted.loss_share, [1 / 3] * 3, rtol=1e-6)
    np.testing.assert_allclose(sampled.images, [40, 40, 40])
    np.testing.assert_allclose(sampled.loss_share, [1 / 3] * 3)


def test_shown_tells_the_share_of_yes_for_each_label() -> None:
    targets = np.array([[1, -1], [0, -1], [0, -1], [0, -1]], dtype=np.int8)
    plain = imbalance.shown(targets, "multi-label", "none")
    np.testing.assert_allclose(plain.images, [1, 0])
    np.testing.assert_allclose(plain.loss_share, [0.25, np.nan])
    assert imbalance.shown(targets, "multi-label", "class-weights").loss_share[0] == pytest.approx(0.5)
    sampled = imbalance.shown(targets, "multi-label", "weighted-sampler")
    np.testing.assert_allclose(sampled.images, [2, 0])
    assert sampled.loss_share[0] == pytest.approx(0.5)


def test_an_epoch_shows_what_was_promised() -> None:
    promised = imbalance.shown(three, "multi-class", "weighted-sampler").images
    weights = imbalance.sampling_weights(three, "multi-class")
    found = np.mean([three[imbalance.draw(len(three), 5, epoch, weights)].sum(0) for epoch in range(200)], axis=0)
    np.testing.assert_allclose(found, promised, atol=0.5)


def test_every_method_of_the_settings_is_known_here() -> None:
    method = next(s for s in config.settings() if s.key == "imbalance.method")
    for name in method.choices:
        assert imbalance.shown(three, "multi-class", name).images.shape == (3,)
    with pytest.raises(ConfigError):
        imbalance.shown(three, "multi-class", "magic")


def test_findings_that_cannot_be_learned_are_told() -> None:
    targets = np.array([[1, 0, 1], [0, 0, 1], [1, 0, -1]], dtype=np.int8)
    told = imbalance.missing(targets, "multi-label", ["A", "B", "C"])
    assert len(told) == 2
    assert "shows B" in told[0]
    assert "without C" in told[1]
    assert len(imbalance.missing(targets, "multi-class", ["A", "B", "C"])) == 1


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
@pytest.mark.parametrize("function", [imbalance.class_weights, imbalance.sampling_weights])
def test_no_finding_at_all_is_refused(function: object, task: str) -> None:
    assert callable(function)
    with pytest.raises(DataError, match="No training image"):
        function(np.zeros((4, 3), dtype=np.int8), task)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="no kind of task"):
        imbalance.class_weights(three, "ordinal")


def test_findings_that_nobody_has_are_told_in_one_sentence() -> None:
    targets = np.array([[1, 0, 0, 1], [0, 0, 0, 1]], np.int8)
    told = imbalance.missing(targets, "multi-label", ("A", "B", "C", "D"))
    assert told == (
        "No training image shows B, C: the network cannot learn to find what it never sees.",
        "No training image is without D: the network cannot learn to rule that out.",
    )
    assert len(imbalance.missing(targets, "multi-class", ("A", "B", "C", "D"))) == 1
