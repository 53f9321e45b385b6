"""Warnings: there when they should be, absent when they should not, and in words."""

from collections.abc import Sequence

import numpy as np
import pytest

from trainer import cautions
from trainer.evaluate import evaluate
from trainer.figures import Figures
from trainer.model_card import BY_HAND, Origin
from trainer.results import Prediction


def made(
    truth: Sequence[int], said: Sequence[int], *, task: str = "multi-class", patients: Sequence[str] | None = None
) -> Prediction:
    """A prediction of A, B and C that is sure of itself."""
    images = len(truth)
    targets = (np.array(truth, int).reshape(-1, 1) == np.arange(3)).astype(np.int8)
    probabilities = np.where(np.array(said, int).reshape(-1, 1) == np.arange(3), 0.8, 0.1).astype(np.float32)
    names = [f"p{i}" for i in range(images)] if patients is None else patients
    return Prediction(np.arange(images), ("A", "B", "C"), probabilities, targets, tuple(names), task)


GOOD = made([0, 1, 2] * 20, [0, 1, 2] * 18 + [1, 2, 0] * 2)


def said_of(prediction: Prediction, **more: object) -> str:
    thresholds = dict.fromkeys(prediction.findings, 0.5)
    return "\n".join(evaluate(prediction, thresholds, draws=100, **more).warnings)  # type: ignore[arg-type]


def test_a_sound_evaluation_carries_no_warning() -> None:
    assert said_of(GOOD, part="test", test_openings=1) == ""
    assert cautions.of_thresholds(GOOD) == ()


def test_notes_come_first() -> None:
    assert said_of(GOOD, notes=("by image",), part="test", test_openings=3).startswith("by image\n")


def test_few_patients() -> None:
    few = made([0, 1, 2] * 20, [0, 1, 2] * 20, patients=[f"p{i % 12}" for i in range(60)])
    assert "Only 12 patients" in said_of(few)
    assert "Fewer than 10 patients with the finding: A (4), B (4), C (4)" in said_of(few)


def test_unknown_patients() -> None:
    unknown = made([0, 1, 2] * 20, [0, 1, 2] * 20, patients=[""] * 60)
    assert "patients are not known" in said_of(unknown)
    assert "too narrow" in said_of(unknown)
    assert "Only" not in said_of(unknown)
    partly = made([0, 1, 2] * 20, [0, 1, 2] * 20, patients=["", "", *(f"p{i}" for i in range(58))])
    assert "The patient of 2 of 60 images is not known" in said_of(partly)
    assert "Only 9 images" in said_of(made([0, 1, 2] * 3, [0, 1, 2] * 3, patients=[""] * 9))


def test_a_finding_that_does_not_occur() -> None:
    text = said_of(made([0, 1] * 30, [0, 1] * 30))
    assert "No image with C: sensitivity and AUROC are not defined there." in text
    assert "macro auroc without C" in text
    assert "macro f1 without C" in text


def test_a_finding_that_is_always_there() -> None:
    prediction = made([0, 1, 2] * 20, [0, 1, 2] * 20, task="multi-label")
    targets = prediction.targets.copy()
    targets[:, 0] = 1
    always = Prediction(
        prediction.ids, prediction.findings, prediction.probabilities, targets, prediction.patients, "multi-label"
    )
    assert "No image without A: specificity and AUROC are not defined there." in said_of(always)


def test_one_finding_only() -> None:
    assert "Every image has the same finding, B: nothing can be told apart." in said_of(made([1] * 40, [1] * 40))


def test_images_without_one_truth() -> None:
    assert "Images without exactly one finding: 2." in said_of(made([0, 1, 2] * 20 + [7, 8], [0, 1, 2] * 20 + [0, 0]))


def test_nothing_to_evaluate() -> None:
    assert "There is no image to evaluate" in said_of(made([], []))


@pytest.mark.parametrize(("part", "openings", "told"), [("test", 3, True), ("test", 1, False), ("validation", 3, False)])
def test_the_seal_of_the_test_part(part: str, openings: int, told: bool) -> None:
    assert ("opened 3 times" in said_of(GOOD, part=part, test_openings=openings)) is told


def test_no_better_than_always_the_same() -> None:
    random = np.random.default_rng(0)
    truth = random.choice(3, 80, p=[0.8, 0.1, 0.1])
    blind = made(truth, random.choice(3, 80, p=[0.8, 0.1, 0.1]))
    text = said_of(blind)
    assert 'Not shown to be better than saying "always A": accuracy' in text
    assert "balanced accuracy" in text
    assert "The interval of AUROC reaches down to chance (0.5): " in text


def test_a_rare_finding_that_is_never_found_is_no_success() -> None:
    """90 % accuracy that means nothing: all images are called negative."""
    targets = np.zeros((100, 1), np.int8)
    targets[:10] = 1
    silent = Prediction(
        np.arange(100),
        ("A",),
        np.linspace(0.1, 0.2, 100, dtype=np.float32)[:, None],
        targets,
        tuple(f"p{i}" for i in range(100)),
        "multi-label",
    )
    text = said_of(silent)
    assert 'Not shown to be better than saying "never any finding": accuracy 0.900' in text


def test_thresholds_that_rest_on_little() -> None:
    validation = made([0] * 40 + [1] * 3, [0] * 43)
    few, fixed = cautions.of_thresholds(validation)[::-1]
    assert "cannot set a threshold for C" in fixed
    assert "fewer than 10 validation patients with the finding: B (3)" in few


def test_warnings_are_sentences() -> None:
    text = [*cautions.of_data(Figures(made([0, 0, 5], [0, 1, 1], patients=["", "", ""]), np.full(3, 0.5)))]
    assert len(text) >= 5
    assert all(line.endswith(".") and line[0].isupper() and "_" not in line for line in text)


def test_thresholds_set_by_hand_are_named_and_need_no_validation() -> None:
    nobody = made([0, 1] * 30, [0, 1] * 30, task="multi-label")
    assert "cannot set a threshold for C" in " ".join(cautions.of_thresholds(nobody))
    assert "cannot set a threshold" not in " ".join(cautions.of_thresholds(nobody, {"C"}))
    origins = {"A": Origin("youden"), "B": Origin(BY_HAND)}
    assert list(cautions.of_origins("validation", {"A": 0.1, "B": 0.25}, origins)) == ["Thresholds set by hand: B (0.250)."]


def test_thresholds_changed_after_the_test_part_was_opened_are_told_on_the_test_part_only() -> None:
    origins = {"A": Origin("f1", 2), "B": Origin("youden")}
    (told,) = cautions.of_origins("test", {"A": 0.1, "B": 0.25}, origins)
    assert "A (f1)" in told
    assert "B" not in told
    assert list(cautions.of_origins("validation", {"A": 0.1, "B": 0.25}, origins)) == []
