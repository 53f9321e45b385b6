"""Predictions: the same figure for the same image on every way, ensembles averaged, bad files told one by one."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer import batches, checkpoints, config, dataset, images, predict, results, train
from trainer.catalog import Catalog
from trainer.errors import DataError, RunError, WeightsError
from trainer.ranks import Team


def _files(drawn: Path, count: int = 3) -> list[Path]:
    return sorted((drawn / "images").rglob("*.png"))[:count]


def test_files_are_predicted_as_training_saw_them(trained: Path) -> None:
    stored = results.Prediction.load(trained / "predictions-val.npz")
    with Catalog.open(trained.parent.parent) as catalog:
        paths = [record.path for record in catalog.records(stored.ids)]
    _, found = predict.run([trained], paths, device="cpu")
    np.testing.assert_allclose([one.probabilities for one in found], stored.probabilities, atol=1e-5)


def test_catalogued_images_are_predicted_as_files_are(trained: Path, drawn: Path) -> None:
    classifier, header = checkpoints.load(trained / "best.safetensors")
    with Catalog.open(trained.parent.parent) as catalog:
        ids = catalog.ids()[:5]
        made = predict.on_catalog(classifier, header, catalog, ids)
        paths = [record.path for record in catalog.records(ids)]
        assert made.patients == tuple(catalog.patients(ids))
    assert made.ids.tolist() == ids.tolist()
    assert len(made.view) == len(made.sex) == 5
    _, found = predict.run([trained / "best.safetensors"], paths, device="cpu")
    np.testing.assert_allclose([one.probabilities for one in found], made.probabilities, atol=1e-5)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("images_of_part", [1, 5, 11])
def test_several_processes_predict_each_image_once(
    trained: Path, monkeypatch: pytest.MonkeyPatch, count: int, images_of_part: int
) -> None:
    """Numbers that neither the batch nor the processes divide; what all add up is what one alone says, to the bit."""
    monkeypatch.setattr(predict, "BATCH", 2)
    parts: list[torch.Tensor] = []
    monkeypatch.setattr(Team, "add_up", lambda team, values: parts.append(values.clone()))
    classifier, header = checkpoints.load(trained / "best.safetensors")
    with Catalog.open(trained.parent.parent) as catalog:
        ids = catalog.ids()[:images_of_part]
        cache = dataset.squares(catalog, ids, header.size, header.fit)
        alone = predict.on_cache(classifier, header, catalog, ids, cache)
        parts.clear()
        for rank in range(count):
            predict.on_cache(classifier, header, catalog, ids, cache, team=Team(rank, count))
    by_whom = torch.stack([(part.sum(1) > 0) for part in parts])
    assert by_whom.sum(0).tolist() == [1] * images_of_part
    np.testing.assert_array_equal(torch.stack(parts).sum(0).numpy(), alone.probabilities)


def test_several_runs_are_averaged_and_show_their_spread(trained: Path, tiny: config.TrainConfig, drawn: Path) -> None:
    second = train.run(trained.parent.parent, config.changed(tiny, {"seed": 5}), name="second").run
    paths = _files(drawn)
    each = [[one.probabilities for one in predict.run([run], paths, device="cpu")[1]] for run in (trained, second)]
    headers, found = predict.run([trained, second], paths, device="cpu")
    both = list(found)
    assert [header.run for header in headers] == ["first", "second"]
    np.testing.assert_allclose([one.probabilities for one in both], np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose([one.spread for one in both], np.std(each, axis=0, ddof=1), atol=1e-6)


def test_one_run_has_no_spread(trained: Path, drawn: Path) -> None:
    _, found = predict.run([trained], _files(drawn, 1), device="cpu")
    assert next(found).spread.tolist() == [0, 0, 0]


def test_runs_of_other_findings_cannot_be_averaged(trained: Path, tiny: config.TrainConfig, drawn: Path) -> None:
    settings = config.changed(tiny, {"task.findings": "Normal,Lobar pneumonia", "schedule.epochs": 1})
    other = train.run(trained.parent.parent, settings, name="other").run
    with pytest.raises(DataError, match="cannot be averaged"):
        predict.run([trained, other], _files(drawn))


def test_a_bad_file_is_told_and_the_others_go_on(trained: Path, drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    good, bad = _files(drawn, 1)[0], tmp_path / "new" / "bad.png"
    bad.write_bytes(good.read_bytes()[:100])
    shutil.copy(good, tmp_path / "new" / "good.png")
    headers, found = predict.run([trained], [tmp_path / "new"], device="cpu")
    first, second = found
    assert first.path == bad
    assert first.error
    assert not second.error
    rows = list(csv.DictReader(io.StringIO(predict.table(headers, [first, second]))))
    assert rows[0]["error"] == first.error
    assert rows[0]["top_finding"] == ""
    assert float(rows[1][rows[1]["top_finding"]]) == pytest.approx(second.probabilities.max(), abs=1e-6)


def test_the_table_of_an_ensemble_has_a_column_for_the_spread(trained: Path, drawn: Path) -> None:
    headers, found = predict.run([trained, trained], _files(drawn), device="cpu")
    header = predict.table(headers, list(found)).splitlines()[0]
    assert header.startswith("path,top_finding,")
    assert "Normal (SD)" in header


def test_missing_and_empty_inputs_are_told(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no such file"):
        predict.run([trained], [tmp_path / "nowhere.png"])
    with pytest.raises(DataError, match="no images in this folder"):
        predict.run([trained], [tmp_path / "empty"])
    with pytest.raises(DataError, match="nothing to predict"):
        predict.run([trained], [])
    with pytest.raises(DataError, match="No run is given"):
        predict.run([], [tmp_path])
    with pytest.raises(RunError, match="no such run"):
        predict.run([trained.parent / "second"], [tmp_path])


def test_a_run_without_a_network_says_so(trained: Path, tmp_path: Path) -> None:
    (trained / "best.safetensors").unlink()
    with pytest.raises(WeightsError, match="no trained network yet"):
        predict.run([trained], [tmp_path])


def test_a_network_of_another_pipeline_is_refused(trained: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "PIPELINE", images.PIPELINE + 1)
    with pytest.raises(WeightsError, match="pipeline"):
        predict.run([trained], _files(drawn))
    monkeypatch.setattr(images, "ALIKE", frozenset({(images.PIPELINE - 1, images.PIPELINE)}))
    assert predict.run([trained], _files(drawn))[0], "its radiographs look the same in both"


def test_probabilities_are_softmax_or_sigmoid(trained: Path) -> None:
    classifier, _ = checkpoints.load(trained / "best.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 64), np.uint8)
    with torch.no_grad():
        logits = classifier(torch.from_numpy(pixels)).double().numpy()
    exponential = np.exp(logits)
    np.testing.assert_allclose(
        predict.probabilities(classifier, pixels, "multi-class"), exponential / exponential.sum(1, keepdims=True), atol=1e-6
    )
    np.testing.assert_allclose(predict.probabilities(classifier, pixels, "multi-label"), 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_images_that_cannot_be_read_any_more_are_left_out(trained: Path) -> None:
    classifier, header = checkpoints.load(trained / "best.safetensors")
    project = trained.parent.parent
    shutil.rmtree(project / "cache")
    with Catalog.open(project) as catalog:
        ids = catalog.ids()[:3]
        lost = [(path.with_name("lost.png"), digest) for path, digest in catalog.files(ids[:1])]
        kept = catalog.files(ids[1:])
        cache = batches.cached([*lost, *kept], size=header.size, fit=header.fit, folder=project / "cache")
        made = predict.on_cache(classifier, header, catalog, ids, cache)
    assert made.ids.tolist() == ids[1:].tolist()
