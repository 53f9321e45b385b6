"""`evaluate` on a run: thresholds from validation only, the test part sealed and counted, figures from kept predictions."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer import checkpoints, config, evaluate, importer, phantom, results, runs, train
from trainer.catalog import Catalog
from trainer.errors import DataError, RunError, WeightsError


def test_validation_uses_the_predictions_that_training_kept(trained: Path) -> None:
    stored = results.Prediction.load(trained / "predictions-val.npz")
    made = evaluate.run(trained, draws=200)
    assert made.part == "validation"
    assert made.images == len(stored.ids)
    assert made.metrics["accuracy"].value == pytest.approx((stored.probabilities.argmax(1) == stored.truth()).mean())
    assert results.Evaluation.load(trained / "evaluation-val.json") == made
    assert any("flatter" in warning for warning in made.warnings)


def test_thresholds_come_from_validation_and_travel_with_the_checkpoint(trained: Path) -> None:
    made = evaluate.run(trained, on="test", draws=200)
    validation = results.Prediction.load(trained / "predictions-val.npz")
    expected = evaluate.choose_thresholds(validation, "youden")
    assert {name: finding.threshold for name, finding in made.findings.items()} == pytest.approx(expected)
    assert checkpoints.read_header(trained / "best.safetensors").thresholds == pytest.approx(expected)


def test_thresholds_set_by_hand_stay_until_a_rule_is_asked_for(trained: Path) -> None:
    mine = dict.fromkeys(checkpoints.read_header(trained / "best.safetensors").findings, 0.123)
    checkpoints.set_thresholds(trained / "best.safetensors", mine)
    assert {f.threshold for f in evaluate.run(trained, draws=200).findings.values()} == {0.123}
    assert {f.threshold for f in evaluate.run(trained, rule="f1", draws=200).findings.values()} != {0.123}


def test_each_opening_of_the_test_part_is_counted_over_all_runs(trained: Path, tiny: config.TrainConfig) -> None:
    assert evaluate.run(trained, on="test", draws=200).test_openings == 1
    assert evaluate.run(trained, on="test", draws=200).test_openings == 2
    second = train.run(trained.parent.parent, config.changed(tiny, {"seed": 3}), name="second").run
    assert evaluate.run(second, on="test", draws=200).test_openings == 3
    assert evaluate.run(second, draws=200).test_openings == 3
    assert runs.openings(trained.parent.parent, "another split") == 0


def test_the_test_part_is_that_of_the_runs_own_split(trained: Path) -> None:
    evaluate.run(trained, on="test", draws=200)
    prediction = results.Prediction.load(trained / "predictions-test.npz")
    assert sorted(prediction.ids.tolist()) == sorted(runs.find(trained).split()["parts"]["test"])


def test_train_figures_say_that_they_are_memory(trained: Path) -> None:
    assert any("learned these very images" in warning for warning in evaluate.run(trained, on="train", draws=200).warnings)


@pytest.mark.parametrize("what", ["of other weights", "damaged", "gone"])
def test_predictions_that_do_not_belong_to_the_weights_are_made_again(trained: Path, what: str) -> None:
    path = trained / "predictions-val.npz"
    right = results.Prediction.load(path)
    if what == "of other weights":
        wrong = np.full_like(right.probabilities, 1 / 3)
        dataclasses.replace(right, probabilities=wrong, weights="0" * 40).save(path)
    elif what == "damaged":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path.unlink()
    evaluate.run(trained, draws=200)
    again = results.Prediction.load(path)
    np.testing.assert_allclose(again.probabilities, right.probabilities, atol=1e-5)
    assert again.weights == right.weights == checkpoints.weights_digest(trained / "best.safetensors")


def test_labels_corrected_and_images_excluded_after_training_count(trained: Path) -> None:
    before = evaluate.run(trained, draws=200)
    ids = results.Prediction.load(trained / "predictions-val.npz").ids
    with Catalog.open(trained.parent.parent) as catalog:
        names = list(before.findings)
        old = names[int(catalog.labels(ids[:1], names)[0].argmax())]
        new = next(name for name in names if name != old)
        catalog.set_labels(ids[:1], old, 0)
        catalog.set_labels(ids[:1], new, 1)
        catalog.set_excluded(ids[1:2], True)
    after = evaluate.run(trained, draws=200)
    assert after.images == before.images - 1
    stored = results.Prediction.load(trained / "predictions-val.npz")
    assert stored.findings[int(stored.targets[0].argmax())] == new
    assert ids[1] not in stored.ids


def test_another_project_is_external(trained: Path, tmp_path: Path) -> None:
    phantom.run(tmp_path / "other", images=9, findings=("Normal", "Lobar pneumonia"), size=64, seed=8)
    importer.run(tmp_path / "other.cxr", [tmp_path / "other"])
    made = evaluate.run(trained, on=str(tmp_path / "other.cxr"), draws=200)
    assert (made.part, made.images) == ("external: other", 9)
    assert (trained / "evaluation-external-other.json").is_file()
    assert np.isnan(made.findings["Pleural effusion"].sensitivity.value)


def test_a_project_of_other_findings_is_refused(trained: Path, tmp_path: Path) -> None:
    phantom.run(tmp_path / "other", images=6, findings=("Tuberculosis", "Cardiomegaly"), size=64)
    importer.run(tmp_path / "other.cxr", [tmp_path / "other"])
    with pytest.raises(DataError, match="states none of the findings"):
        evaluate.run(trained, on=str(tmp_path / "other.cxr"))


@pytest.mark.parametrize("on", ["tset", "nowhere.cxr", ""])
def test_an_unknown_part_is_refused(trained: Path, on: str) -> None:
    with pytest.raises(DataError, match="neither a part nor a project"):
        evaluate.run(trained, on=on)


def test_an_empty_part_is_told(trained: Path) -> None:
    with Catalog.open(trained.parent.parent) as catalog:
        catalog.set_excluded(np.array(runs.find(trained).split()["parts"]["test"]), True)
    with pytest.raises(DataError, match="no images that can be judged"):
        evaluate.run(trained, on="test")
    assert runs.openings(trained.parent.parent, checkpoints.read_header(trained / "best.safetensors").split_digest) == 0


def test_what_is_missing_is_told(trained: Path) -> None:
    (trained / "best.safetensors").unlink()
    with pytest.raises(WeightsError, match="no trained network"):
        evaluate.run(trained)
    shutil.rmtree(trained)
    with pytest.raises(RunError, match="no such run"):
        evaluate.run(trained)
