"""Which images are mistakes, in which order they are shown, and that the same seed draws the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import mistakes
from trainer.mistakes import CONFIDENT, FALSE_NEGATIVE, FALSE_POSITIVE, RANDOM
from trainer.results import Prediction

HALF = {"A": 0.5, "B": 0.5}


def made(targets: list[list[int]], p: list[list[float]], task: str) -> Prediction:
    patients = tuple(str(n) for n in range(len(p)))
    return Prediction(
        np.arange(100, 100 + len(p)), ("A", "B"), np.array(p, np.float32), np.array(targets, np.int8), patients, task
    )


SEVERAL = made(
    [[1, 0], [1, 0], [0, 1], [0, 0], [-1, 1], [0, 1], [1, -1]],
    [[0.9, 0.1], [0.2, 0.7], [0.6, 0.9], [0.95, 0.2], [0.99, 0.1], [0.5, 0.3], [0.4, 0.99]],
    "multi-label",
)
EXCLUSIVE = made([[1, 0], [1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [0.51, 0.49]], "multi-class")


def test_several_findings_each_from_its_own_threshold_the_surest_first() -> None:
    assert mistakes.rows(SEVERAL, HALF, "A", FALSE_POSITIVE).tolist() == [3, 2, 5]  # 0.5 is called; row 4 is not stated
    assert mistakes.rows(SEVERAL, HALF, "A", FALSE_NEGATIVE).tolist() == [1, 6]
    assert mistakes.rows(SEVERAL, HALF, "B", FALSE_NEGATIVE).tolist() == [4, 5]
    assert mistakes.rows(SEVERAL, {"A": 0.8, "B": 0.5}, "A", FALSE_POSITIVE).tolist() == [3]


def test_where_networks_decide_at_thresholds_of_their_own_each_image_has_one() -> None:
    own = {"A": np.array([0.5, 0.1, 0.7, 0.5, 0.5, 0.6, 0.4]), "B": np.full(7, 0.5)}
    assert mistakes.rows(SEVERAL, own, "A", FALSE_POSITIVE).tolist() == [3]
    assert mistakes.rows(SEVERAL, own, "A", FALSE_NEGATIVE).tolist() == []
    assert mistakes.cell_of_finding(SEVERAL, "A", own["A"], present=False, positive=False).tolist() == [2, 5]


def test_one_finding_an_image_the_largest_probability_decides() -> None:
    low = {"A": 0.01, "B": 0.01}
    assert mistakes.rows(EXCLUSIVE, low, "A", FALSE_POSITIVE).tolist() == [2, 3]
    assert mistakes.rows(EXCLUSIVE, low, "A", FALSE_NEGATIVE).tolist() == [1]
    assert mistakes.rows(EXCLUSIVE, low, "B", FALSE_NEGATIVE).tolist() == [2, 3]


def test_cells_of_the_confusion_matrix() -> None:
    assert mistakes.cell(EXCLUSIVE, 1, 0).tolist() == [2, 3]
    assert mistakes.cell(EXCLUSIVE, 0, 1).tolist() == [1]
    assert mistakes.cell(EXCLUSIVE, 0, 0).tolist() == [0]
    assert mistakes.cell(EXCLUSIVE, 1, 1).size == 0


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_the_four_cells_of_a_finding_hold_every_stated_image_once(threshold: float) -> None:
    cells = [
        mistakes.cell_of_finding(SEVERAL, "A", threshold, present=present, positive=positive)
        for present in (False, True)
        for positive in (False, True)
    ]
    assert sorted(np.concatenate(cells)) == [0, 1, 2, 3, 5, 6]
    counts = [len(cell) for cell in cells]
    from trainer.curves import Sweep

    assert counts == Sweep(SEVERAL.targets[:, 0], SEVERAL.probabilities[:, 0]).counts(threshold).ravel().tolist()


@given(st.integers(0, 50), st.integers(1, 20), st.integers(0, 2**31 - 1))
def test_a_draw_is_some_of_them_each_once_and_the_same_for_the_same_seed(count: int, most: int, seed: int) -> None:
    wrong = np.random.default_rng(0).permutation(count).astype(np.int64)
    drawn = mistakes.shown(wrong, RANDOM, most, seed)
    assert len(drawn) == min(count, most) == len(set(drawn.tolist()))
    assert set(drawn.tolist()) <= set(wrong.tolist())
    np.testing.assert_array_equal(drawn, mistakes.shown(wrong, RANDOM, most, seed))
    np.testing.assert_array_equal(mistakes.shown(wrong, CONFIDENT, most, seed), wrong[:most])


def test_another_seed_draws_others() -> None:
    wrong = np.arange(1000)
    assert mistakes.shown(wrong, RANDOM, 12, 0).tolist() != mistakes.shown(wrong, RANDOM, 12, 1).tolist()
