"""Evaluation: thresholds from validation, intervals, baselines, subgroups; every figure that is not defined is null."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import metrics
from trainer.errors import ConfigError, DataError, Stopped
from trainer.evaluate import choose_thresholds, evaluate
from trainer.figures import HEADLINE
from trainer.results import FIGURES, Evaluation, Prediction

FINDINGS = ("Normal", "Pneumonia", "COVID-19")


def made(images: int, task: str = "multi-class", *, seed: int = 0, sharp: float = 0.4, **columns: Sequence[str]) -> Prediction:
    """Images of three findings, two a patient, of which a model sees something."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, images, p=[0.5, 0.35, 0.15])
    targets = (truth[:, None] == np.arange(3)).astype(np.int8)
    score = np.clip(random.random((images, 3)) * 0.6 + sharp * targets, 0, 1).astype(np.float32)
    return Prediction(
        ids=np.arange(images),
        findings=FINDINGS,
        probabilities=score,
        targets=targets,
        patients=tuple(f"p{i // 2}" for i in range(images)),
        task=task,
        **{name: tuple(values) for name, values in columns.items()},
    )


HALF = dict.fromkeys(FINDINGS, 0.5)


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_everything_that_the_design_promises_is_there(task: str) -> None:
    found = evaluate(made(120, task), HALF, run="first", part="test", test_openings=1, draws=100).to_json()
    assert (found["run"], found["part"], found["images"], found["patients"], found["test_openings"]) == (
        "first",
        "test",
        120,
        60,
        1,
    )
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "hamming", "exact_match"):
        assert 0 < found["metrics"][name]["low"] < found["metrics"][name]["value"] < found["metrics"][name]["high"] < 1
    assert list(found["findings"]) == list(FINDINGS)
    for result in found["findings"].values():
        assert np.sum(result["matrix"]) == 120
        for name in ("sensitivity", "specificity", "precision", "f1", "auroc", "auprc"):
            assert 0 <= result[name]["low"] <= result[name]["value"] <= result[name]["high"] <= 1
    assert (found["confusion"] is None) == (task == "multi-label")
    json.dumps(found, allow_nan=False)


def test_figures_are_those_of_metrics_and_stand_in_the_right_places() -> None:
    prediction = made(200)
    found = evaluate(prediction, {**HALF, "COVID-19": 0.31}, draws=50)
    covid = found.findings["COVID-19"]
    y, p = prediction.targets[:, 2], prediction.probabilities[:, 2]
    matrix = metrics.counts(y, p, 0.31)
    assert covid.threshold == 0.31
    assert np.array(covid.matrix).tolist() == matrix.tolist()
    assert covid.sensitivity.value == metrics.sensitivity(matrix)
    assert covid.auroc.value == metrics.auroc(y, p)
    assert covid.calibration_error == metrics.expected_calibration_error(y, p)
    assert (covid.positives, covid.negatives, covid.not_stated) == ((y == 1).sum(), (y == 0).sum(), 0)
    assert found.confusion is not None
    assert found.confusion.findings == FINDINGS
    counts = np.array(found.confusion.counts)
    assert counts.sum(axis=1).tolist() == prediction.targets.sum(axis=0).tolist()  # truth down
    assert found.metrics["accuracy"].value == pytest.approx(np.trace(counts) / 200)
    assert found.metrics["macro_f1"].value == pytest.approx(float(metrics.macro_f1(counts)))


def test_the_order_of_the_thresholds_does_not_matter() -> None:
    thresholds = {"COVID-19": 0.3, "Normal": 0.4, "Pneumonia": 0.5}
    backwards = dict(reversed(thresholds.items()))
    assert evaluate(made(60), thresholds, draws=20) == evaluate(made(60), backwards, draws=20)


def test_a_missing_threshold_is_told_in_words() -> None:
    with pytest.raises(DataError, match="COVID-19") as refused:
        evaluate(made(10), {"Normal": 0.5, "Pneumonia": 0.5, "COVID19": 0.5})
    assert "Did you mean COVID19?" in str(refused.value)


def test_the_same_seed_gives_the_same_evaluation() -> None:
    first, again, other = (evaluate(made(80), HALF, draws=60, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 12),
    st.sampled_from(["multi-class", "multi-label"]),
    st.integers(0, 2**32),
    st.sampled_from([(1,), (0,), (-1,), (0, 1, -1), (0, 0, 0, 1)]),
)
def test_nothing_breaks_it_and_null_stands_where_nothing_is_defined(
    images: int, task: str, seed: int, labels: tuple[int, ...]
) -> None:
    random = np.random.default_rng(seed)
    prediction = Prediction(
        np.arange(images),
        FINDINGS,
        random.integers(0, 2, (images, 3)).astype(np.float32),
        random.choice(labels, (images, 3)).astype(np.int8),
        tuple(random.choice(["a", "b", ""], images).tolist()),
        task,
    )
    found = evaluate(prediction, HALF, draws=20)
    assert Evaluation.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found
    for result in found.findings.values():
        assert math.isnan(result.sensitivity.value) == (result.positives == 0)
        assert math.isnan(result.specificity.value) == (result.negatives == 0)
        assert math.isnan(result.auroc.value) == (result.positives * result.negatives == 0)
        for name in FIGURES:
            figure = getattr(result, name)
            assert math.isnan(figure.low) == math.isnan(figure.high)
            assert not (math.isnan(figure.value) and not math.isnan(figure.low))


def test_an_evaluation_is_saved_and_loaded(tmp_path: Path) -> None:
    found = evaluate(made(60, view=["PA", "AP"] * 30), HALF, draws=40)
    found.save(tmp_path / "evaluation-test.json")
    assert Evaluation.load(tmp_path / "evaluation-test.json") == found


# --- thresholds


def test_thresholds_come_from_validation_alone() -> None:
    validation = made(300, seed=1)
    thresholds = choose_thresholds(validation, "sensitivity=0.9")
    for k, name in enumerate(FINDINGS):
        matrix = metrics.counts(validation.targets[:, k], validation.probabilities[:, k], thresholds[name])
        assert metrics.sensitivity(matrix) >= 0.9
    assert thresholds != choose_thresholds(validation, "f1")
    assert choose_thresholds(validation) == choose_thresholds(validation, "youden")


def test_a_threshold_that_validation_cannot_set_is_a_half() -> None:
    validation = made(30, "multi-label")
    targets = validation.targets.copy()
    targets[:, 1], targets[:, 2] = 0, -1
    blank = Prediction(validation.ids, FINDINGS, validation.probabilities, targets, validation.patients, "multi-label")
    thresholds = choose_thresholds(blank)
    assert thresholds["Normal"] != 0.5
    assert thresholds["Pneumonia"] == thresholds["COVID-19"] == 0.5


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean youden"):
        choose_thresholds(made(10), "jouden")


# --- baselines


def test_always_the_most_frequent_finding() -> None:
    prediction = made(200)
    found = evaluate(prediction, HALF, draws=20)
    baseline = found.baselines["always Normal"]
    assert (baseline.finding, baseline.basis) == ("Normal", "labels of this part")
    assert set(baseline.metrics) == set(HEADLINE)
    share = prediction.targets[:, 0].mean()
    assert baseline.metrics["accuracy"] == pytest.approx(share)
    assert baseline.metrics["balanced_accuracy"] == pytest.approx(1 / 3)
    assert baseline.metrics["macro_f1"] == pytest.approx(2 * share / (1 + share) / 3)
    assert baseline.metrics["macro_auroc"] == 0.5


def test_the_training_labels_say_which_finding_is_frequent() -> None:
    found = evaluate(made(100), HALF, draws=20, frequencies={"Normal": 3, "Pneumonia": 40})
    assert found.baselines["always Pneumonia"].basis == "training labels"
    assert "always Normal" not in found.baselines


def test_never_this_finding() -> None:
    prediction = made(100)
    share = prediction.targets[:, 2].mean()
    never = evaluate(prediction, HALF, draws=20).baselines["never COVID-19"].metrics
    assert set(never) == set(FIGURES)
    assert (never["sensitivity"], never["specificity"], never["f1"], never["auroc"]) == (0, 1, 0, 0.5)
    assert never["accuracy"] == never["npv"] == pytest.approx(1 - share)
    assert never["auprc"] == pytest.approx(share)
    assert math.isnan(never["precision"])


def test_a_multi_label_task_is_also_held_against_saying_nothing() -> None:
    found = evaluate(made(100, "multi-label"), HALF, draws=20)
    silent = found.baselines["never any finding"].metrics
    assert silent["accuracy"] == pytest.approx(2 / 3)
    assert silent["hamming"] == pytest.approx(1 / 3)
    assert silent["exact_match"] == 0
    assert "never any finding" not in evaluate(made(100), HALF, draws=20).baselines


def test_without_any_yes_nothing_is_most_frequent() -> None:
    prediction = made(20, "multi-label")
    empty = Prediction(
        prediction.ids, FINDINGS, prediction.probabilities, np.zeros((20, 3), np.int8), prediction.patients, "multi-label"
    )
    assert not [name for name in evaluate(empty, HALF, draws=20).baselines if name.startswith("always")]


# --- subgroups


def test_subgroups_are_evaluations_of_their_images() -> None:
    views = ["PA", "AP", "PA", "PA", "LATERAL", ""] * 20
    prediction = made(120, view=views, sex=["F"] * 120)
    found = evaluate(prediction, HALF, draws=60)
    assert [(part.column, part.group, part.images) for part in found.subgroups] == [
        ("view", "AP", 20),
        ("view", "LATERAL", 20),
        ("view", "PA", 60),
    ]
    rows = np.flatnonzero(np.array(views) == "PA")
    alone = evaluate(prediction.take(rows), HALF, draws=60)
    part = found.subgroups[2]
    assert part.metrics["accuracy"].value == alone.metrics["accuracy"].value
    assert part.metrics["accuracy"] == alone.metrics["accuracy"]
    assert part.patients == alone.patients
    assert set(part.findings["COVID-19"]) == {"sensitivity", "specificity", "auroc"}
    assert part.findings["COVID-19"]["auroc"] == alone.findings["COVID-19"].auroc


def test_ages_are_taken_in_bands() -> None:
    ages = ["3", "17.9", "18", "39", "64", "65", "85", "", "None", "nan", "-1", "999"] * 10
    found = evaluate(made(120, age=ages), HALF, draws=20)
    assert [(part.group, part.images) for part in found.subgroups] == [
        ("0-17", 20),
        ("18-39", 20),
        ("40-64", 10),
        ("65-79", 10),
        ("80+", 10),
    ]


def test_small_groups_and_single_groups_are_not_shown() -> None:
    assert evaluate(made(60, source=["A"] * 51 + ["B"] * 9), HALF, draws=20).subgroups == ()
    assert evaluate(made(60, source=["A"] * 60), HALF, draws=20).subgroups == ()
    assert len(evaluate(made(60, source=["A"] * 50 + ["B"] * 10), HALF, draws=20).subgroups) == 2


def test_of_very_many_sources_the_largest_are_shown() -> None:
    sources = [f"hospital {i // 10:03d}" for i in range(300)] + ["large"] * 40
    found = evaluate(made(340, source=sources), HALF, draws=5)
    assert len(found.subgroups) == 20
    assert "large" in [part.group for part in found.subgroups]


# --- progress and time


def test_progress_rises_to_its_end_over_all_parts_and_may_stop() -> None:
    told: list[tuple[int, int]] = []
    evaluate(made(60, view=["PA", "AP"] * 30), HALF, draws=40, progress=lambda *step: told.append(step))
    done = [step for step, _ in told]
    assert done == sorted(done)
    assert told[-1] == (120, 120)

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        evaluate(made(60), HALF, draws=40, progress=stop)


def test_a_large_evaluation_takes_seconds() -> None:
    """2,000 images of 14 findings, 200 draws; a full one of 10,000 and 1,000 draws is 25 times that and takes about 3 s."""
    random = np.random.default_rng(0)
    targets = (random.random((2000, 14)) < 0.1).astype(np.int8)
    probabilities = random.random((2000, 14)).astype(np.float32)
    names = tuple(f"finding {k}" for k in range(14))
    large = Prediction(np.arange(2000), names, probabilities, targets, tuple(str(i // 2) for i in range(2000)), "multi-label")
    start = time.process_time()
    evaluate(large, dict.fromkeys(names, 0.5), draws=200)
    assert time.process_time() - start < 3
