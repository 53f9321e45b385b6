"""Networks inside the window's process: the same figures as in the terminal, refusals in words, torch only when asked for."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from cxr_desktop import inference
from tests.desktop.reviewed import bag_of, folder_of_files, second_run
from trainer import bag_thresholds, checkpoints, explain, geometry, images, model_card, predict
from trainer.errors import DataError, ImageError, StorageError, WeightsError


@pytest.fixture
def ensemble(run_folder: Path) -> inference.Ensemble:
    return inference.open_models([run_folder], device="cpu")


def test_no_torch_before_it_is_needed() -> None:
    code = (
        "import sys, cxr_desktop.inference, cxr_desktop.pages.review;"
        "print([name for name in ('torch', 'matplotlib', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_warming_loads_torch_once_and_sets_how_its_threads_wait() -> None:
    code = (
        "import gc, os, sys; os.environ.pop('GOMP_SPINCOUNT', None); before = sys.getswitchinterval();"
        "from cxr_desktop import inference; inference.warm(); inference.warm(); frozen = gc.get_freeze_count() > 100_000;"
        "print('trainer.explain' in sys.modules, os.environ['GOMP_SPINCOUNT'], sys.getswitchinterval() == before, frozen)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "10000", "True", "True"]


def test_a_run_opens_with_what_its_file_says(ensemble: inference.Ensemble, run_folder: Path) -> None:
    header = model_card.read_header(run_folder / "best.safetensors")
    assert (ensemble.findings, ensemble.task, ensemble.names) == (header.findings, header.task, ("first",))
    assert dict(ensemble.thresholds) == dict(header.thresholds)
    assert set(ensemble.thresholds) == set(header.findings)  # it has been evaluated
    assert ensemble.device


def test_predictions_are_those_of_the_terminal(ensemble: inference.Ensemble, run_folder: Path, tmp_path: Path) -> None:
    good, dicom, bad = folder_of_files(tmp_path / "new")
    _, found = predict.run([run_folder], [good, dicom], device="cpu")
    for one in found:
        said = inference.predict(ensemble, one.path)
        np.testing.assert_array_equal(said.probabilities, one.probabilities)
        assert said.warnings == one.warnings
        assert not said.spread.any()
    with pytest.raises(ImageError, match="incomplete"):
        inference.predict(ensemble, bad)


def test_several_runs_are_averaged_and_spread(run_folder: Path, tmp_path: Path) -> None:
    good, *_ = folder_of_files(tmp_path / "new")
    runs = [run_folder, second_run(run_folder)]
    each = [inference.predict(inference.open_models([run], device="cpu"), good).probabilities for run in runs]
    both = inference.open_models(runs, device="cpu")
    said = inference.predict(both, good)
    np.testing.assert_allclose(said.probabilities, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(said.spread, np.std(each, axis=0, ddof=1), atol=1e-6)
    assert said.spread.max() > 1e-4
    assert both.names == ("first", "second")


def test_a_heat_map_is_that_of_explain(ensemble: inference.Ensemble, run_folder: Path, tmp_path: Path) -> None:
    good, *_ = folder_of_files(tmp_path / "new")
    image = images.read(good)
    maps = inference.heatmaps(ensemble, image)
    classifier, header = checkpoints.load(run_folder / "best.safetensors")
    square = torch.from_numpy(images.to_square(image.pixels, header.size, header.fit)[None, None])
    for finding in ensemble.findings:
        values = maps.over_image(finding)
        expected = explain.upsampled(
            explain.heatmap(classifier, square, header.findings, finding), image.pixels.shape, header.fit
        )
        assert values.shape == image.pixels.shape
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_each_member_says_where_its_cells_stand(
    ensemble: inference.Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, *_ = folder_of_files(tmp_path / "new")
    shifted = geometry.Grid(0.0, 0.25)
    monkeypatch.setattr(explain, "grid", lambda backbone, size: shifted)
    maps = inference.heatmaps(ensemble, images.read(good))
    assert maps.grids == (shifted,)
    values = np.eye(4, dtype=np.float32)
    laid = inference.Maps(("A",), (8, 8), (values[None],), ("stretch",), (shifted,)).over_image("A")
    np.testing.assert_array_equal(laid, explain.upsampled(explain.Heatmap(values, "A", "", shifted), (8, 8), "stretch"))
    assert not np.array_equal(laid, explain.upsampled(explain.Heatmap(values, "A", ""), (8, 8), "stretch"))


def test_the_heat_map_of_an_ensemble_is_the_mean(run_folder: Path, tmp_path: Path) -> None:
    good, *_ = folder_of_files(tmp_path / "new")
    image, runs = images.read(good), [run_folder, second_run(run_folder)]
    each = [inference.heatmaps(inference.open_models([run], device="cpu"), image) for run in runs]
    both = inference.heatmaps(inference.open_models(runs, device="cpu"), image)
    for finding in both.findings:
        np.testing.assert_allclose(
            both.over_image(finding), np.mean([one.over_image(finding) for one in each], axis=0), atol=1e-6
        )


def test_what_does_not_fit_together_is_refused(run_folder: Path) -> None:
    other = second_run(run_folder, "other", findings=("Cardiomegaly", "Effusion", "Mass"))
    with pytest.raises(DataError, match="cannot be averaged"):
        inference.open_models([run_folder, other], device="cpu")


def test_what_is_no_model_is_refused(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        inference.open_models([tmp_path / "x.safetensors"], device="cpu")
    (run_folder / "best.safetensors").unlink()
    with pytest.raises(WeightsError, match="no trained network"):
        inference.open_models([run_folder], device="cpu")


def test_moved_thresholds_are_read_again(ensemble: inference.Ensemble, run_folder: Path) -> None:
    best = run_folder / "best.safetensors"
    model_card.set_thresholds(best, {"Normal": 0.125})
    now = inference.rethresholded(ensemble)
    assert dict(now.thresholds) == {"Normal": 0.125}
    assert now.members is ensemble.members
    best.unlink()
    with pytest.raises(StorageError):
        inference.rethresholded(ensemble)


def test_two_threads_compute_one_after_the_other(ensemble: inference.Ensemble, tmp_path: Path) -> None:
    good, dicom, _ = folder_of_files(tmp_path / "new")
    expected = {path: inference.predict(ensemble, path).probabilities for path in (good, dicom)}
    wrong: list[Path] = []

    def work(path: Path) -> None:
        for _ in range(10):
            if not np.array_equal(inference.predict(ensemble, path).probabilities, expected[path]):
                wrong.append(path)

    threads = [threading.Thread(target=work, args=(path,)) for path in (good, dicom)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_bag_opens_as_its_members_with_its_own_thresholds(run_folder: Path, tmp_path: Path) -> None:
    bag = bag_of(run_folder)
    good, *_ = folder_of_files(tmp_path / "new")
    before = inference.open_models([bag.folder], device="cpu")
    assert before.names == ("pair-01", "pair-02")
    assert before.deciding.source == bag_thresholds.MEAN, "their kept predictions are not of these weights"
    members = [run.folder for run in bag.trained().values()]
    one_by_one = inference.open_models(members, device="cpu")
    np.testing.assert_array_equal(
        inference.predict(before, good).probabilities, inference.predict(one_by_one, good).probabilities
    )
    levels = dict.fromkeys(before.findings, 0.25)
    bag_thresholds.keep(bag, bag_thresholds.Kept(levels, {}, bag_thresholds.weights(bag.trained().values())))
    again = inference.rethresholded(before)
    assert (dict(again.thresholds), again.deciding.source) == (levels, bag_thresholds.KEPT)
    assert dict(inference.open_models(members[::-1], device="cpu").thresholds) == levels, "all members are the bag"


def test_the_heat_map_of_each_member_can_be_had(run_folder: Path, tmp_path: Path) -> None:
    good, *_ = folder_of_files(tmp_path / "new")
    image, runs = images.read(good), [run_folder, second_run(run_folder)]
    both = inference.heatmaps(inference.open_models(runs, device="cpu"), image)
    for place, run in enumerate(runs):
        alone = inference.heatmaps(inference.open_models([run], device="cpu"), image)
        finding = both.findings[1]
        np.testing.assert_allclose(both.over_image(finding, place), alone.over_image(finding), atol=1e-6)


def test_what_the_members_were_shown_is_one_frame() -> None:
    map_, grid = np.zeros((1, 4, 4), np.float32), geometry.Grid(0.125, 0.25)
    cropped = inference.Maps(("F",), (100, 160), (map_, map_), ("crop", "crop"), (grid, grid))
    assert cropped.seen() == cropped.seen(1) == (30, 0, 130, 100)
    mixed = inference.Maps(("F",), (100, 160), (map_, map_), ("crop", "pad"), (grid, grid))
    assert mixed.seen(0) == (30, 0, 130, 100)
    assert mixed.seen() == mixed.seen(1) == (0, 0, 160, 100)
