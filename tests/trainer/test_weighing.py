"""Effective numbers, weights of one's own, the ratio of the weighted sampler, and what is said of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from trainer import config, imbalance, pitfalls
from trainer.errors import ConfigError

THREE = np.eye(3, dtype=np.int8)[np.repeat([0, 1, 2], [100, 15, 5])]
EIGHT_TO_ONE = np.eye(2, dtype=np.int8)[np.repeat([0, 1], [800, 100])]
LABELS = np.array([[1, 0]] * 2 + [[0, 1]] * 6 + [[0, 0]] * 10 + [[-1, 1]] * 2, np.int8)


def _weights(targets: NDArray[np.int8], task: str, weighting: str, **more: object) -> NDArray[np.float32]:
    return imbalance.class_weights(targets, task, config.Imbalance(weighting=weighting, **more))  # type: ignore[arg-type]


def test_effective_numbers_by_hand() -> None:
    """(1 - b^n) / (1 - b): one image is one, the sum 1 + b + b^2 for three, and never more than 1 / (1 - b)."""
    counts = np.array([0.0, 1, 3, 1e9])
    np.testing.assert_allclose(imbalance.effective_number(counts, 0.9), [0, 1, 1 + 0.9 + 0.81, 10])
    np.testing.assert_allclose(imbalance.effective_number(counts, 0.0), [0, 1, 1, 1])
    np.testing.assert_allclose(imbalance.effective_number(np.array([7.0]), 0.999999), [7], rtol=1e-5)


def test_effective_weights_are_cuis() -> None:
    """As the authors compute them: (1 - beta) / (1 - beta^n), scaled to add up to the number of classes."""
    counts, beta = np.array([100, 15, 5]), 0.99
    raw = (1 - beta) / (1 - beta**counts)
    found = _weights(THREE, "multi-class", "effective-number", beta=beta)
    np.testing.assert_allclose(found, raw / raw.sum() * 3, rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(truth=hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 4)))
def test_effective_weights_lie_between_none_and_scikit_learns_balanced(truth: NDArray[np.int64]) -> None:
    targets, present = np.eye(5, dtype=np.int8)[truth], np.unique(truth)
    np.testing.assert_allclose(_weights(targets, "multi-class", "effective-number", beta=0.0), 1)
    near = _weights(targets, "multi-class", "effective-number", beta=0.999999)[present]
    balanced = compute_class_weight("balanced", classes=present, y=truth)
    np.testing.assert_allclose(near / near[0], balanced / balanced[0], rtol=1e-3)
    absent = np.setdiff1d(np.arange(5), present)
    assert (_weights(targets, "multi-class", "effective-number", beta=0.9)[absent] == 1).all()


def test_effective_weights_of_labels_compare_no_with_yes() -> None:
    """First finding 2 yes, 16 no; second 8 yes, 12 no."""
    expected = [sum(0.9**i for i in range(no)) / sum(0.9**i for i in range(yes)) for yes, no in ((2, 16), (8, 12))]
    np.testing.assert_allclose(_weights(LABELS, "multi-label", "effective-number", beta=0.9), expected, rtol=1e-6)


def test_own_weights_are_taken_as_they_are() -> None:
    np.testing.assert_allclose(_weights(THREE, "multi-class", "own", weights=(1.0, 4.0, 0.5)), [1, 4, 0.5])
    np.testing.assert_allclose(_weights(LABELS, "multi-label", "own", weights=(3.0,)), [3, 3])
    with pytest.raises(ConfigError, match="2 own weights for 3 findings"):
        _weights(THREE, "multi-class", "own", weights=(1.0, 4.0))


@pytest.mark.parametrize("ratio", [1.0, 3.0, 8.0, 20.0])
def test_the_ratio_is_that_of_the_chances_of_two_images(ratio: float) -> None:
    chances = imbalance.sampling_weights(EIGHT_TO_ONE, "multi-class", ratio)
    assert chances.sum() == pytest.approx(1)
    assert chances[-1] / chances[0] == pytest.approx(ratio)
    assert len(set(np.round(chances, 15))) == (1 if ratio == 1 else 2)


def test_eight_to_one_makes_an_eight_to_one_imbalance_even() -> None:
    eight = config.Imbalance(method="weighted-sampler", ratio=8)
    found = imbalance.shown(EIGHT_TO_ONE, "multi-class", eight)
    np.testing.assert_allclose(found.images, [450, 450])
    np.testing.assert_allclose(found.loss_share, [0.5, 0.5])
    drawn = imbalance.sampler(EIGHT_TO_ONE, "multi-class", eight).draw(1, 0)
    assert 448 <= (drawn >= 800).sum() <= 452
    np.testing.assert_allclose(
        imbalance.sampling_weights(EIGHT_TO_ONE, "multi-class", 8), imbalance.sampling_weights(EIGHT_TO_ONE, "multi-class")
    )


def test_findings_between_the_rarest_and_the_commonest_follow_the_same_law() -> None:
    """100, 15 and 5 images, ratio 4: n ** -g with 20 ** g = 4."""
    chances = imbalance.sampling_weights(THREE, "multi-class", 4)
    g = np.log(4) / np.log(20)
    np.testing.assert_allclose(chances[[100, 119]] / chances[0], [(100 / 15) ** g, 4])


def test_a_ratio_of_labels_is_that_of_yes_and_no() -> None:
    one = np.array([[1]] * 10 + [[0]] * 90 + [[-1]] * 5, np.int8)
    chances = imbalance.sampling_weights(one, "multi-label", 4)
    assert chances[0] / chances[10] == pytest.approx(4)
    assert (chances[100:] == 0).all()
    two = imbalance.sampling_weights(LABELS, "multi-label", 3)
    g = np.log(3) / np.log(16 / 2)  # the first finding is the most uneven one
    first, second = (8.0**g, 1.0), ((12 / 8) ** g, 1.0)
    turns = [2 * first[0] + 16, 8 * second[0] + 12]
    expected = [first[0] / turns[0] + 1 / turns[1], 1 / turns[0] + second[0] / turns[1], 1 / turns[0] + 1 / turns[1]]
    expected.append(second[0] / turns[1])
    np.testing.assert_allclose(two[[0, 2, 8, 18]], np.array(expected) / 2)


@pytest.mark.parametrize(
    ("how", "task", "targets"),
    [
        (config.Imbalance(method="class-weights", weighting="effective-number", beta=0.9), "multi-class", THREE),
        (config.Imbalance(method="class-weights", weighting="own", weights=(1, 4, 0.5)), "multi-class", THREE),
        (config.Imbalance(method="class-weights", weighting="own", weights=(5,)), "multi-label", LABELS),
        (config.Imbalance(method="weighted-sampler", ratio=3), "multi-class", THREE),
        (config.Imbalance(method="weighted-sampler", ratio=3), "multi-label", LABELS),
    ],
)
def test_an_epoch_shows_and_costs_what_was_promised(how: config.Imbalance, task: str, targets: NDArray[np.int8]) -> None:
    promised, drawn = imbalance.shown(targets, task, how), imbalance.sampler(targets, task, how)
    orders = np.concatenate([drawn.draw(2, epoch) for epoch in range(400)])
    np.testing.assert_allclose((targets[orders] == 1).sum(0) / 400, promised.images, rtol=0.02)
    weights = imbalance.class_weights(targets, task, how) if how.method == "class-weights" else np.ones(targets.shape[1])
    yes = (targets[orders] == 1).sum(0) * weights
    whole = yes.sum() if task == "multi-class" else yes + (targets[orders] == 0).sum(0)
    np.testing.assert_allclose(promised.loss_share, yes / whole, atol=0.01)


def test_alpha_of_each_finding_stands_in_the_promise() -> None:
    loss = config.Loss(name="focal", alpha=(0.1, 0.2, 0.8))
    mass = np.array([10, 3, 4])
    np.testing.assert_allclose(imbalance.shown(THREE, "multi-class", config.Imbalance(), loss).loss_share, mass / mass.sum())
    labels = imbalance.shown(LABELS, "multi-label", config.Imbalance(), config.Loss(name="focal", alpha=(0.75, 0.0)))
    np.testing.assert_allclose(labels.loss_share, [0.75 * 2 / (0.75 * 2 + 0.25 * 16), 8 / 20])


def _changed(**values: object) -> config.TrainConfig:
    return config.changed(config.TrainConfig(), {key.replace("__", "."): value for key, value in values.items()})


def test_settings_that_do_not_fit_the_findings_are_refused() -> None:
    own = {"imbalance__method": "class-weights", "imbalance__weighting": "own"}
    for settings_ in (
        _changed(**own, imbalance__weights="1,2"),
        _changed(**own, imbalance__weights="1,2", task__kind="multi-label"),
        _changed(**own, imbalance__weights="2"),
        _changed(loss__name="focal", loss__alpha="0.2,0.3"),
    ):
        with pytest.raises(ConfigError, match="for 3 findings") as refused:
            imbalance.check(settings_, ["A", "B", "C"])
        assert "A, B, C" in refused.value.remedy
    imbalance.check(_changed(**own, imbalance__weights="2", task__kind="multi-label"), ["A", "B", "C"])
    imbalance.check(_changed(imbalance__weights="1,2", loss__alpha="0.2,0.3"), ["A", "B", "C"])  # not in use


def test_what_changes_nothing_is_told() -> None:
    def told(**values: object) -> str:
        return " ".join(pitfalls.warnings(_changed(**values)))

    assert "ratio changes nothing" in told(imbalance__ratio=8)
    assert told(imbalance__ratio=8, imbalance__method="weighted-sampler") == ""
    assert "changes nothing as long as Imbalance" in told(imbalance__weighting="own", imbalance__weights="1,2,3")
    assert "Own weights change nothing" in told(imbalance__method="class-weights", imbalance__weights="1,2,3")
    assert "(Covid) changes nothing" in told(choice__finding="Covid")
    assert told(choice__finding="Covid", choice__metric="f_beta") == ""
    assert "weights findings as well" in told(
        loss__name="focal", loss__gamma=0, loss__alpha="0.1,0.9", imbalance__method="oversampling"
    )


def test_an_epoch_in_words() -> None:
    seen = imbalance.shown(EIGHT_TO_ONE, "multi-class", config.Imbalance(method="weighted-sampler"))
    assert pitfalls.in_words(seen, ("Normal", "Covid"), "multi-class") == (
        "One epoch shows 900 images of 900: Normal 450 (there are 800, 50 % of the loss); Covid 450 (there are 100, 50 % of "
        "the loss)."
    )
    unknown = imbalance.shown(np.array([[1, -1]], np.int8), "multi-label", config.Imbalance())
    assert "B 0 (there are 0)" in pitfalls.in_words(unknown, ("A", "B"), "multi-label")


def test_answers_that_mixing_leaves_out_are_told() -> None:
    """Stated by 1 in 4 and by 1 in 2: 1/16 + 1/4 of 1/4 + 1/2 remain, which is 42 %."""
    sparse = np.array([[1, -1], [-1, -1], [-1, 0], [-1, 1]], np.int8)
    mixed = _changed(augment__mixup=0.4, task__kind="multi-label")
    assert "42 % of the answers" in pitfalls.unmixed(sparse, mixed)[0]
    assert pitfalls.unmixed(LABELS, mixed) == ()
    assert pitfalls.unmixed(sparse, _changed(task__kind="multi-label")) == ()
    assert pitfalls.unmixed(sparse, _changed(augment__cutmix=1)) == ()
