"""What the Evaluate page stands on: the same numbers as scikit-learn and the trainer give, and what is wrong in words."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score, roc_curve

from cxr_desktop.evaluation import evaluation_state
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_scores import AT_THRESHOLD
from tests.trainer.judged_files import FINDINGS, judged_run, network
from trainer import intervals, metrics, model_card, runs
from trainer.catalog import Catalog
from trainer.errors import RunError
from trainer.results import Prediction


@pytest.fixture(params=["multi-class", "multi-label"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> runs.Run:
    return judged_run(tmp_path, request.param, test=True)


@pytest.fixture
def catalog(run: runs.Run) -> Iterator[Catalog]:
    with Catalog.open(run.project) as opened:
        yield opened


@pytest.fixture
def judged(run: runs.Run, catalog: Catalog) -> Judged:
    return evaluation_state.load(run.folder, "validation", catalog)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.37, 0.5, 0.9, 1.0])
def test_the_figures_at_a_threshold_are_those_of_scikit_learn(judged: Judged, threshold: float) -> None:
    for scores in judged.scores.values():
        stated = scores.y >= 0
        y, called = scores.y[stated], scores.p[stated].astype(float) >= threshold
        found = scores.at(threshold)
        assert np.array_equal(found.matrix, confusion_matrix(y, called, labels=[0, 1]))
        if y.any():
            assert found.figures["sensitivity"].value == pytest.approx(recall_score(y, called))
            assert found.figures["f1"].value == pytest.approx(f1_score(y, called, zero_division=0))
        if not y.all():
            assert found.figures["specificity"].value == pytest.approx(recall_score(y, called, pos_label=0))
        if called.any():
            assert found.figures["precision"].value == pytest.approx(precision_score(y, called, zero_division=0))
        else:
            assert math.isnan(found.figures["precision"].value)


def test_at_the_judged_threshold_stand_the_figures_of_the_evaluation(judged: Judged) -> None:
    assert judged.evaluation is not None
    for name, scores in judged.scores.items():
        result = judged.evaluation.findings[name]
        found = scores.at(result.threshold)
        assert found.judged
        assert found.matrix == result.matrix
        assert found.figures == {figure: getattr(result, figure) for figure in AT_THRESHOLD}


def test_elsewhere_the_intervals_are_wilsons_on_patients(judged: Judged) -> None:
    name = judged.findings[0]
    scores = judged.scores[name]
    found = scores.at(0.4321)
    assert not found.judged
    assert judged.prediction is not None
    with_it = {p for p, y in zip(judged.prediction.patients, scores.y, strict=True) if y == 1}
    assert scores.positive_patients == len(with_it)
    sensitivity = found.figures["sensitivity"]
    assert (sensitivity.low, sensitivity.high) == pytest.approx(intervals.wilson(sensitivity.value, len(with_it)))
    assert math.isnan(found.figures["f1"].low)


def test_curves_and_calibration_are_those_of_the_trainer(judged: Judged) -> None:
    scores = judged.scores[judged.findings[0]]
    stated = scores.y >= 0
    rate, found, _ = roc_curve(scores.y[stated], scores.p[stated], drop_intermediate=False)
    np.testing.assert_allclose(scores.roc[0], rate)
    np.testing.assert_allclose(scores.roc[1], found)
    assert scores.calibration.error == metrics.expected_calibration_error(scores.y, scores.p)
    recall, precision = scores.precision_recall
    assert recall[0] == 1
    assert recall[-1] == 0
    assert precision[-2] == precision[-3]  # steps: the precision holds until the next recall
    area = np.sum(-np.diff(recall) * precision[:-1])
    assert scores.result is not None
    assert area == pytest.approx(scores.result.auprc.value)


def test_a_finding_without_images_has_no_figures_and_no_crash(tmp_path: Path) -> None:
    run = judged_run(tmp_path, "multi-label")
    with Catalog.open(run.project) as catalog:
        judged = evaluation_state.load(run.folder, "validation", catalog)
    rare = judged.scores["Rare"]
    assert rare.prevalence == 0
    assert math.isnan(rare.at(0.3).figures["sensitivity"].value)
    assert rare.at(0.3).figures["specificity"].value >= 0


def test_only_validation_gives_operating_points(run: runs.Run, catalog: Catalog) -> None:
    on_test = evaluation_state.load(run.folder, "test", catalog)
    validation = Prediction.load(run.predictions("validation"))
    first = validation.findings[0]
    assert on_test.validation[first].counts(0.5).sum() == (validation.targets[:, 0] >= 0).sum()
    assert on_test.openings == 1
    assert on_test.evaluation is not None
    assert on_test.evaluation.part == "test"


def test_validation_of_other_weights_gives_none(run: runs.Run, catalog: Catalog) -> None:
    header = model_card.read_header(run.best)
    network(run, header.findings, header.task, weight=5.0)
    judged = evaluation_state.load(run.folder, "validation", catalog)
    assert judged.validation == {}
    assert "learned on" in judged.outdated[0]
    assert judged.thresholds == {name: one.threshold for name, one in judged.evaluation.findings.items()}  # type: ignore[union-attr]


def test_what_is_missing_or_damaged(run: runs.Run, catalog: Catalog) -> None:
    run.predictions("validation").unlink()
    bare = evaluation_state.load(run.folder, "validation", catalog)
    assert bare.evaluation is not None
    assert (bare.scores, bare.prediction) == ({}, None)
    assert "missing" in bare.outdated[0]
    run.evaluation("validation").write_text("{")
    broken = evaluation_state.load(run.folder, "validation", catalog)
    assert broken.evaluation is None
    assert broken.problem is not None
    run.evaluation("validation").unlink()
    assert evaluation_state.load(run.folder, "validation", catalog).problem is None
    run.best.unlink()
    assert evaluation_state.load(run.folder, "validation", catalog).header is None
    with pytest.raises(RunError):
        evaluation_state.load(run.folder.with_name("gone"), "validation", catalog)


def test_predictions_of_other_findings_are_not_shown(run: runs.Run, catalog: Catalog) -> None:
    kept = Prediction.load(run.predictions("validation"))
    dataclasses.replace(kept, findings=("A", "B", "C")).save(run.predictions("validation"))
    judged = evaluation_state.load(run.folder, "validation", catalog)
    assert (judged.prediction, judged.scores) == (None, {})
    assert judged.evaluation is not None


def test_parts_and_their_names(run: runs.Run) -> None:
    assert evaluation_state.parts(run) == ("validation", "test")
    run.evaluation("external-other").write_text("{}")
    run.evaluation("train").write_text("{}")
    assert evaluation_state.parts(run) == ("validation", "test", "external-other", "train")
    assert evaluation_state.part_words("external-other") == "External: other"
    assert evaluation_state.part_words("validation") == "Validation"


def test_progress_is_told_finding_by_finding(run: runs.Run, catalog: Catalog) -> None:
    steps: list[tuple[int, int]] = []
    evaluation_state.load(run.folder, "validation", catalog, lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert len(FINDINGS["multi-class"]) == 3
