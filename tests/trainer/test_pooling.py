"""Predictions of several networks put together: numpy by hand, and what does not fit."""

import numpy as np
import pytest

from trainer import judgement, pooling
from trainer.errors import DataError
from trainer.figures import Figures
from trainer.results import Prediction

NAMES = ("A", "B", "C")


def made(ids: list[int], seed: int, task: str = "multi-class", names: tuple[str, ...] = NAMES) -> Prediction:
    """Random probabilities; an image has the same answer in each."""
    random = np.random.default_rng(seed)
    p = random.random((len(ids), len(names)))
    truth = np.array(ids) % len(names)
    return Prediction(
        np.array(ids, np.int64),
        names,
        (p / p.sum(1, keepdims=True)).astype(np.float32),
        np.eye(len(names), dtype=np.int8)[truth],
        tuple(f"p{i // 2}" for i in ids),
        task,
        view=tuple("PA" if i % 2 else "AP" for i in ids),
        weights=f"w{seed}",
    )


def test_the_average_is_of_the_images_that_all_have() -> None:
    one, other = made([5, 1, 3, 2], 0), made([3, 5, 9, 1], 1)
    whole, spread = pooling.averaged([one, other])
    assert whole.ids.tolist() == [1, 3, 5]
    both = np.stack([one.probabilities[[1, 2, 0]], other.probabilities[[3, 0, 1]]]).astype(np.float64)
    np.testing.assert_allclose(whole.probabilities, both.mean(0), atol=1e-7)
    np.testing.assert_allclose(spread, both.std(0, ddof=1), atol=1e-7)
    assert whole.patients == ("p0", "p1", "p2")
    assert whole.view == ("PA", "PA", "PA")
    assert whole.targets.argmax(1).tolist() == [1, 0, 2]
    assert whole.weights not in ("", "w0", "w1")
    assert pooling.averaged([other, one])[0].weights != whole.weights
    assert pooling.mean_spread(spread, NAMES) == pytest.approx(dict(zip(NAMES, spread.mean(0), strict=True)))


def test_one_alone_has_no_spread() -> None:
    one = made([1, 2], 0)
    whole, spread = pooling.averaged([one])
    np.testing.assert_array_equal(whole.probabilities, one.probabilities)
    assert not spread.any()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="different findings"):
        pooling.averaged([made([1], 0), made([1], 0, names=("A", "B"))])
    with pytest.raises(DataError, match="no image in common"):
        pooling.averaged([made([1], 0), made([2], 0)])
    with pytest.raises(DataError, match="several folds"):
        pooling.pooled([made([1, 2], 0), made([2], 0)])


def test_pooled_images_are_decided_by_their_own_network() -> None:
    """Each fold judged alone at its own thresholds gives the same counts as all of them together."""
    each = [made(list(range(12)), 0, "multi-label"), made(list(range(12, 20)), 1, "multi-label")]
    own = [{"A": 0.2, "B": 0.35, "C": 0.5}, {"A": 0.45, "B": 0.1, "C": 0.3}]
    whole, levels = pooling.pooled(each), pooling.thresholds_of_images(each, own)
    assert levels.shape == (20, 3)
    assert whole.ids.tolist() == list(range(20))
    alone = [Figures(one, np.array(list(level.values()))).matrices() for one, level in zip(each, own, strict=True)]
    np.testing.assert_array_equal(Figures(whole, levels).matrices(), alone[0] + alone[1])
    shown = {name: float(levels[:, k].mean()) for k, name in enumerate(NAMES)}
    found = judgement.evaluate(whole, shown, of_images=levels, draws=20)
    assert np.array_equal([one.matrix for one in found.findings.values()], alone[0] + alone[1])
    assert found.findings["A"].threshold == pytest.approx((12 * 0.2 + 8 * 0.45) / 20)
    groups = {one.group: one for one in found.subgroups}
    assert set(groups) == {"AP", "PA"}
    rows = np.flatnonzero(np.arange(20) % 2)
    expected = Figures(whole.take(rows), levels[rows]).of_findings(np.ones(10))[0, 0]
    assert groups["PA"].findings["A"]["sensitivity"].value == pytest.approx(expected)


def test_columns_that_one_lacks_are_left_out() -> None:
    bare = Prediction(np.array([9]), NAMES, np.eye(3, dtype=np.float32)[:1], np.eye(3, dtype=np.int8)[:1], ("",), "multi-class")
    assert pooling.pooled([made([1], 0), bare]).view == ()


def test_disagreement_by_hand() -> None:
    one, other = made([1, 2, 3, 4], 0), made([1, 2, 3, 4], 2)
    differ = (one.probabilities.argmax(1) != other.probabilities.argmax(1)).mean()
    assert 0 < differ < 1
    level = dict.fromkeys(NAMES, 0.5)
    assert pooling.disagreement([one, other], [level, level]) == differ
    assert pooling.disagreement([one, one], [level, level]) == 0
    labels = [made([1, 2], 0, "multi-label")] * 2
    never, always = dict.fromkeys(NAMES, 1.0), dict.fromkeys(NAMES, 0.0)
    assert pooling.disagreement(labels, [never, never]) == 0
    assert pooling.disagreement(labels, [never, always]) == 1
