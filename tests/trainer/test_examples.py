"""Which images a report shows: right and wrong ones, the surest mistakes first, the same each time, never too many."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from trainer import examples
from trainer.results import Prediction


def prediction(probabilities: np.ndarray, targets: np.ndarray, task: str) -> Prediction:
    images, findings = probabilities.shape
    return Prediction(
        ids=np.arange(100, 100 + images, dtype=np.int64),
        findings=tuple(f"F{k}" for k in range(findings)),
        probabilities=probabilities.astype(np.float32),
        targets=targets.astype(np.int8),
        patients=("",) * images,
        task=task,
    )


def drawn(seed: int, findings: int, images: int, task: str) -> Prediction:
    random = np.random.default_rng(seed)
    scores = random.random((images, findings))
    if task == "multi-class":
        truth = random.integers(0, findings, images)
        return prediction(scores / scores.sum(1, keepdims=True), np.eye(findings)[truth], task)
    return prediction(scores, random.integers(-1, 2, (images, findings)), task)


def half(one: Prediction) -> dict[str, float]:
    return dict.fromkeys(one.findings, 0.5)


@given(
    seed=st.integers(0, 1000),
    findings=st.integers(1, 40),
    images=st.integers(0, 60),
    task=st.sampled_from(["multi-class", "multi-label"]),
    most=st.integers(2, 40),
)
@settings(deadline=None, max_examples=60)
def test_never_too_many_and_right_means_right(seed: int, findings: int, images: int, task: str, most: int) -> None:
    one = drawn(seed, findings, images, task)
    chosen = examples.choose(one, half(one), seed=seed, most=most)
    assert len(chosen) <= most
    assert chosen == examples.choose(one, half(one), seed=seed, most=most)
    for choice in chosen:
        k = one.findings.index(choice.finding)
        said, truth = one.probabilities[choice.row], one.targets[choice.row]
        if task == "multi-class":
            assert truth[k] == 1
            assert choice.right == (said.argmax() == k)
            assert choice.explained == one.findings[said.argmax()]
        else:
            assert truth[k] >= 0  # an answer that was never given is neither right nor wrong
            assert choice.right == ((said[k] >= 0.5) == (truth[k] == 1))
            assert choice.explained == choice.finding
            assert not choice.right or truth[k] == 1
    for name in one.findings:
        rows = [choice.row for choice in chosen if choice.finding == name]
        assert len(rows) == len(set(rows))
        for right in (True, False):
            assert sum(choice.right == right for choice in chosen if choice.finding == name) <= examples.EACH


def test_the_surest_mistakes_come_first_and_one_at_random() -> None:
    sure = np.array([0.6, 0.95, 0.7, 0.9, 0.8])
    one = prediction(np.stack([1 - sure, sure], 1), np.tile([1, 0], (5, 1)), "multi-class")
    wrong = [c for c in examples.choose(one, half(one), seed=1) if not c.right]
    assert [c.row for c in wrong[:2]] == [1, 3]
    assert [c.how for c in wrong] == [examples.CONFIDENT, examples.CONFIDENT, examples.RANDOM]
    assert wrong[2].row in (0, 2, 4)
    assert {c.explained for c in wrong} == {"F1"}


def test_another_seed_draws_others_but_the_same_surest_mistakes() -> None:
    one = drawn(3, 2, 400, "multi-class")
    first, second = (examples.choose(one, half(one), seed=seed) for seed in (1, 2))
    assert [c.row for c in first if c.right] != [c.row for c in second if c.right]
    for how, same in ((examples.CONFIDENT, True),):
        rows = [[c.row for c in chosen if c.how == how] for chosen in (first, second)]
        assert (rows[0] == rows[1]) == same


def test_confidence_of_a_multi_label_mistake_is_its_distance_from_the_threshold() -> None:
    one = prediction(np.array([[0.3], [0.05], [0.9], [0.21]]), np.array([[1], [1], [0], [1]]), "multi-label")
    wrong = [c.row for c in examples.choose(one, {"F0": 0.2}, seed=0) if c.how == examples.CONFIDENT]
    assert wrong == [2, 1]  # 0.7 above and 0.15 below; the others are right


def test_with_too_many_findings_those_with_most_positives_are_shown() -> None:
    targets = np.zeros((200, 40), np.int8)
    for k in range(40):
        targets[: 5 * k, k] = 1
    one = prediction(np.random.default_rng(0).random((200, 40)), targets, "multi-label")
    shown = {c.finding for c in examples.choose(one, half(one), seed=0)}
    assert shown == {f"F{k}" for k in range(25, 40)}


def test_images_without_one_clear_finding_stand_nowhere() -> None:
    one = prediction(np.full((3, 2), 0.5), np.array([[1, 1], [0, 0], [-1, -1]]), "multi-class")
    assert examples.choose(one, half(one), seed=0) == []


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_pictures_are_data_addresses_of_jpeg(shape: tuple[int, ...]) -> None:
    address = examples._jpeg(np.full(shape, 200, np.uint8))
    kind, _, content = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    with Pillow.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert picture.size == (30, 20)
        assert picture.mode == ("L" if len(shape) == 2 else "RGB")
        assert abs(int(np.asarray(picture).mean()) - 200) <= 2
