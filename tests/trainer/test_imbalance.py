"""Class weights, weighted sampler and the promise of what an epoch shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from trainer import config, imbalance, pitfalls
from trainer.errors import ConfigError, DataError

Codes = NDArray[np.int64]


def _one_hot(truth: Codes, findings: int) -> NDArray[np.int8]:
    return np.eye(findings, dtype=np.int8)[truth]


three = _one_hot(np.repeat([0, 1, 2], [100, 15, 5]), 3)


def by(method: str, **more: object) -> config.Imbalance:
    return config.Imbalance(method=method, **more)  # type: ignore[arg-type]


METHODS = next(s.choices for s in config.settings() if s.key == "imbalance.method")


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
    order = imbalance.Sampler(count).draw(seed, epoch)
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
    length = len(raw) + seed % 7  # an epoch need not be as long as there are images
    expected = raw / raw.sum() * length
    order = imbalance.Sampler(length, expected).draw(seed, epoch)
    assert order.dtype == np.int64
    assert order.shape == (length,)
    times = np.bincount(order, minlength=len(raw))
    assert (times >= np.floor(expected - 1e-6)).all()
    assert (times <= np.ceil(expected + 1e-6)).all()


def test_every_image_is_drawn_with_its_chance_over_many_epochs() -> None:
    chances = np.array([0.5, 0.2, 0.2, 0.06, 0.04])
    drawn = imbalance.Sampler(5, 5 * chances)
    times = sum(np.bincount(drawn.draw(3, epoch), minlength=5) for epoch in range(4000))
    np.testing.assert_allclose(np.asarray(times) / 20_000, chances, atol=0.004)


def test_an_image_without_a_chance_is_never_drawn() -> None:
    drawn = imbalance.Sampler(9, np.array([0.0, 1.1, 0.0, 7.9, 0.0]))
    assert {int(i) for epoch in range(200) for i in drawn.draw(1, epoch)} == {1, 3}


@pytest.mark.parametrize("method", METHODS)
def test_a_group_of_whole_size_is_whole_in_every_epoch(method: str) -> None:
    truth = three.argmax(1)
    drawn = imbalance.sampler(three, "multi-class", by(method))
    counts = {tuple(np.bincount(truth[drawn.draw(4, epoch)], minlength=3).tolist()) for epoch in range(30)}
    plain = {(100, 15, 5)}
    even = {"oversampling": {(100, 100, 100)}, "undersampling": {(5, 5, 5)}}
    if method != "weighted-sampler":
        assert counts == even.get(method, plain)
    assert all(sum(row) == drawn.length for row in counts)


@pytest.mark.parametrize("method", ["weighted-sampler", "oversampling"])
def test_an_order_is_mixed(method: str) -> None:
    truth = three.argmax(1)
    order = imbalance.sampler(three, "multi-class", by(method)).draw(1, 0)
    assert 0.5 < np.mean(truth[order][1:] != truth[order][:-1]) < 0.85  # two thirds when independent


@pytest.mark.parametrize("method", METHODS)
def test_the_order_follows_from_seed_and_epoch_alone(method: str) -> None:
    drawn = imbalance.sampler(three, "multi-class", by(method))
    first = drawn.draw(7, 3)
    np.random.default_rng(1).random(10)
    drawn.draw(7, 4)
    np.testing.assert_array_equal(first, imbalance.sampler(three, "multi-class", by(method)).draw(7, 3))
    for seed, epoch in ((7, 4), (8, 3), (3, 7)):
        assert (first != drawn.draw(seed, epoch)).any()


def test_shown_tells_what_each_method_does_to_multi_class() -> None:
    plain, weighted, sampled = (
        imbalance.shown(three, "multi-class", by(method)) for method in ("none", "class-weights", "weighted-sampler")
    )
    np.testing.assert_allclose(plain.images, [100, 15, 5])
    np.testing.assert_allclose(plain.loss_share, np.array([100, 15, 5]) / 120)
    np.testing.assert_allclose(weighted.images, [100, 15, 5])
    np.testing.assert_allclose(weighted.loss_share, [1 / 3] * 3, rtol=1e-6)
    np.testing.assert_allclose(sampled.images, [40, 40, 40])
    np.testing.assert_allclose(sampled.loss_share, [1 / 3] * 3)


def test_shown_tells_the_share_of_yes_for_each_label() -> None:
    targets = np.array([[1, -1], [0, -1], [0, -1], [0, -1]], dtype=np.int8)
    plain = imbalance.shown(targets, "multi-label", by("none"))
    np.testing.assert_allclose(plain.images, [1, 0])
    np.testing.assert_allclose(plain.loss_share, [0.25, np.nan])
    assert imbalance.shown(targets, "multi-label", by("class-weights")).loss_share[0] == pytest.approx(0.5)
    sampled = imbalance.shown(targets, "multi-label", by("weighted-sampler"))
    np.testing.assert_allclose(sampled.images, [2, 0])
    assert sampled.loss_share[0] == pytest.approx(0.5)


several = np.array(
    [[1, 0, 0]] * 30 + [[1, 1, 0]] * 6 + [[0, 1, 1]] * 3 + [[0, 0, 1]] * 1 + [[0, 0, 0]] * 40 + [[-1, 1, -1]] * 4, np.int8
)
"""Some with several findings, some with none, some with one that alone is stated."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_an_epoch_shows_what_was_promised(task: str, method: str) -> None:
    targets = three if task == "multi-class" else several
    drawn = imbalance.sampler(targets, task, by(method))
    promised = imbalance.shown(targets, task, by(method))
    orders = [drawn.draw(5, epoch) for epoch in range(400)]
    assert {len(order) for order in orders} == {promised.length}
    np.testing.assert_allclose(np.mean([(targets[order] == 1).sum(0) for order in orders], axis=0), promised.images, atol=0.5)
    np.testing.assert_allclose(promised.present, (targets == 1).sum(0))


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_of_an_undecided_network_is_shared_as_promised(method: str) -> None:
    """Each image of an epoch costs the same before anything is learned, but for its weight; that is what the chart draws."""
    for task, targets in (("multi-class", three), ("multi-label", several)):
        drawn = imbalance.sampler(targets, task, by(method))
        weights = imbalance.class_weights(targets, task) if method == "class-weights" else np.ones(3)
        orders = np.concatenate([drawn.draw(2, epoch) for epoch in range(400)])
        yes = (targets[orders] == 1).sum(0) * weights
        whole = yes.sum() if task == "multi-class" else yes + (targets[orders] == 0).sum(0)
        np.testing.assert_allclose(imbalance.shown(targets, task, by(method)).loss_share, yes / whole, atol=0.01)


def test_oversampling_makes_each_finding_as_frequent_as_the_commonest() -> None:
    found = imbalance.shown(three, "multi-class", by("oversampling"))
    np.testing.assert_allclose(found.images, [100, 100, 100])
    np.testing.assert_allclose(found.loss_share, [1 / 3] * 3)
    assert (found.count, found.length) == (120, 300)
    times = np.bincount(imbalance.sampler(three, "multi-class", by("oversampling")).draw(1, 0), minlength=120)
    assert set(times[:100]) == {1}
    assert set(times[100:115]) == {6, 7}  # 100 / 15
    assert set(times[115:]) == {20}


def test_undersampling_makes_each_finding_as_rare_as_the_rarest_with_other_images_each_epoch() -> None:
    found = imbalance.shown(three, "multi-class", by("undersampling"))
    np.testing.assert_allclose(found.images, [5, 5, 5])
    assert found.length == 15
    drawn = imbalance.sampler(three, "multi-class", by("undersampling"))
    orders = [drawn.draw(1, epoch) for epoch in range(200)]
    assert all(len(set(order.tolist())) == 15 for order in orders)  # nothing twice
    assert all({115, 116, 117, 118, 119} <= set(order.tolist()) for order in orders)
    assert set(np.concatenate(orders).tolist()) == set(range(120))  # in the end everything is seen
    assert set(orders[0].tolist()) != set(orders[1].tolist())


@settings(deadline=None, max_examples=60)
@given(
    targets=hnp.arrays(np.int8, st.tuples(st.integers(1, 40), st.integers(1, 5)), elements=st.integers(-1, 1)),
    seed=st.integers(0, 100),
)
def test_over_and_undersampling_keep_their_word_for_any_labels(targets: NDArray[np.int8], seed: int) -> None:
    targets[0, 0] = 1
    positives = (targets == 1).sum(0)
    over, under = (imbalance.sampler(targets, "multi-label", by(method)) for method in ("oversampling", "undersampling"))
    more = np.bincount(over.draw(seed, 0), minlength=len(targets))
    assert (more >= 1).all()  # nothing is left out
    expected = imbalance.shown(targets, "multi-label", by("oversampling")).images
    assert (expected[positives > 0] >= positives.max() - 1e-9).all()
    fewer = np.bincount(under.draw(seed, 0), minlength=len(targets))
    assert (fewer <= 1).all()  # nothing is repeated
    assert 1 <= under.length <= len(targets)
    rarest = np.flatnonzero(positives == positives[positives > 0].min())
    expected = imbalance.shown(targets, "multi-label", by("undersampling")).images
    whole = under.length / (under.length + 1)  # an epoch has a whole number of images, rounded down
    assert (expected[rarest] >= positives[rarest] * whole - 1e-9).all()


@settings(deadline=None, max_examples=60)
@given(truth=hnp.arrays(np.int64, st.integers(1, 80), elements=st.integers(0, 4)), seed=st.integers(0, 100))
def test_over_and_undersampling_are_exact_in_every_epoch_of_a_multi_class_task(truth: Codes, seed: int) -> None:
    counts = np.bincount(truth, minlength=5)
    present = counts > 0
    for method, each in (("oversampling", counts.max()), ("undersampling", counts[present].min())):
        order = imbalance.sampler(_one_hot(truth, 5), "multi-class", by(method)).draw(seed, 3)
        assert np.bincount(truth[order], minlength=5).tolist() == np.where(present, each, 0).tolist()


def test_images_that_a_multi_class_task_cannot_use_are_not_drawn() -> None:
    odd = np.concatenate([three, np.array([[1, 1, 0], [0, 0, 0], [-1, -1, -1]], np.int8)])
    for method in ("weighted-sampler", "oversampling", "undersampling"):
        drawn = imbalance.sampler(odd, "multi-class", by(method))
        assert max(int(drawn.draw(1, epoch).max()) for epoch in range(20)) < len(three)


def test_images_without_a_finding_stand_once_or_are_reduced_like_one_more_finding() -> None:
    times = imbalance.sampler(several, "multi-label", by("oversampling")).times
    assert times is not None
    np.testing.assert_allclose(times[40:80], times[0], rtol=1e-6)
    under = imbalance.shown(several, "multi-label", by("undersampling"))
    drawn = imbalance.sampler(several, "multi-label", by("undersampling"))
    assert drawn.times is not None
    assert drawn.times[40:80].sum() == pytest.approx(4, rel=0.1)  # as many as the rarest has
    assert under.length < len(several) / 2


def test_focal_alpha_moves_the_share_of_yes_and_only_where_it_counts() -> None:
    alpha = config.Loss(name="focal", alpha=(0.25,))
    plain = imbalance.shown(several, "multi-label", by("none")).loss_share
    odds = plain / (1 - plain) / 3  # 0.25 to 0.75
    np.testing.assert_allclose(imbalance.shown(several, "multi-label", by("none"), alpha).loss_share, odds / (1 + odds))
    for loss, targets, task in (
        (config.Loss(name="focal"), several, "multi-label"),
        (config.Loss(alpha=(0.25,)), several, "multi-label"),
        (alpha, three, "multi-class"),
    ):
        expected = imbalance.shown(targets, task, by("none")).loss_share
        np.testing.assert_allclose(imbalance.shown(targets, task, by("none"), loss).loss_share, expected)


def test_every_method_of_the_settings_is_known_here() -> None:
    for name in METHODS:
        assert imbalance.shown(three, "multi-class", by(name)).images.shape == (3,)
    with pytest.raises(ConfigError, match="Did you mean oversampling"):
        imbalance.shown(three, "multi-class", by("oversample"))


def _told(**values: object) -> str:
    settings = config.changed(config.TrainConfig(), {key.replace("__", "."): value for key, value in values.items()})
    return " ".join(pitfalls.warnings(settings))


def test_one_correction_alone_is_not_warned_of() -> None:
    for method in METHODS:
        assert _told(imbalance__method=method) == ""
    assert _told(loss__name="focal") == ""
    assert _told(loss__name="focal", loss__alpha=0.25, task__kind="multi-label") == ""
    assert _told(loss__name="focal", loss__gamma=0, imbalance__method="class-weights") == ""


@pytest.mark.parametrize("method", [name for name in METHODS if name != "none"])
def test_corrections_that_stack_are_told(method: str) -> None:
    assert "add up" in _told(imbalance__method=method, loss__name="focal")
    told = _told(imbalance__method=method, loss__name="focal", loss__gamma=0, loss__alpha=0.25, task__kind="multi-label")
    assert "takes back" in told
    told = _told(imbalance__method=method, loss__name="focal", loss__gamma=0, loss__alpha=0.75, task__kind="multi-label")
    assert "adds to it" in told


def test_settings_of_focal_loss_that_change_nothing_are_told() -> None:
    assert "change nothing" in _told(loss__gamma=3)
    assert "changes nothing" in _told(loss__name="focal", loss__alpha=(0.25,))
    assert "smoothing" in _told(loss__name="focal", loss__smoothing=0.1)


def test_settings_of_weights_and_sampler_that_do_nothing_or_the_contrary_are_told() -> None:
    assert "Beta of the effective number changes nothing" in _told(imbalance__method="class-weights", imbalance__beta=0.9)
    effective = {"imbalance__method": "class-weights", "imbalance__weighting": "effective-number", "imbalance__beta": 0.9}
    assert _told(**effective) == ""
    assert "not class-weights" in _told(imbalance__beta=0.9)
    assert "less often than no sampler" in _told(imbalance__method="weighted-sampler", imbalance__ratio=0.5)
    assert _told(imbalance__method="weighted-sampler", imbalance__ratio=2) == ""
    zero = {"loss__name": "focal", "loss__alpha": "0.2,0,0.3"}
    assert "more than any other number" in _told(**zero)
    assert "yes and no alike" in _told(**zero, task__kind="multi-label")
    assert _told(loss__name="focal", loss__alpha="0.2,0.1,0.3") == ""


def test_a_sampler_that_turns_the_imbalance_round_is_told() -> None:
    def told(ratio: float, targets: NDArray[np.int8]) -> str:
        values = {"imbalance.method": "weighted-sampler", "imbalance.ratio": ratio}
        settings = config.changed(config.TrainConfig(), values)
        return " ".join(pitfalls.warnings(settings, imbalance.shown(targets, "multi-class", settings.imbalance)))

    uneven = _one_hot(np.repeat([0, 1], [30, 20]), 2)
    assert "(1.5 to 1): the rarest finding becomes 84 % of an epoch, the commonest 16 %" in told(8, uneven)
    for ratio in (0, 1, 1.5):
        assert told(ratio, uneven) == ""
    assert told(20, three[:115]) != ""
    assert told(6, three[:115]) == ""


def test_traps_are_told_with_their_numbers() -> None:
    def traps(method: str) -> tuple[str, ...]:
        settings = config.changed(config.TrainConfig(), {"imbalance.method": method})
        return pitfalls.warnings(settings, imbalance.shown(three, "multi-class", by(method)))

    assert traps("none") == ()
    assert traps("class-weights") == ()
    repeated, longer = traps("oversampling")
    assert "Each of the 5 images of the rarest finding is shown 20 times" in repeated
    assert "300 images instead of 120 and takes 2.5 times as long" in longer
    (few,) = traps("undersampling")
    assert "only 15 of 120 images" in few
    assert traps("weighted-sampler") == ()  # 8 times


def test_balanced_images_give_no_traps() -> None:
    even = _one_hot(np.repeat([0, 1], [10, 9]), 2)
    for method in METHODS:
        settings = config.changed(config.TrainConfig(), {"imbalance.method": method})
        told = pitfalls.warnings(settings, imbalance.shown(even, "multi-class", by(method)))
        assert told == () or (method == "oversampling" and "1.1 times as long" in told[0])


def test_findings_that_cannot_be_learned_are_told() -> None:
    targets = np.array([[1, 0, 1], [0, 0, 1], [1, 0, -1]], dtype=np.int8)
    told = pitfalls.missing(targets, "multi-label", ["A", "B", "C"])
    assert len(told) == 2
    assert "shows B" in told[0]
    assert "without C" in told[1]
    assert len(pitfalls.missing(targets, "multi-class", ["A", "B", "C"])) == 1


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
    told = pitfalls.missing(targets, "multi-label", ("A", "B", "C", "D"))
    assert told == (
        "No training image shows B, C: the network cannot learn to find what it never sees.",
        "No training image is without D: the network cannot learn to rule that out.",
    )
    assert len(pitfalls.missing(targets, "multi-class", ("A", "B", "C", "D"))) == 1
