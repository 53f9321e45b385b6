"""The report of a run that lacks something, is damaged, trained on, or stopped while its report is made."""

import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trainer import colours, files, plots, report, report_parts, runs
from trainer.errors import DataError, RunError, Stopped, StorageError, WeightsError
from trainer.results import Evaluation, Prediction

from .judged_runs import PATIENT, drawn_run, network, written


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its images, moved since: a copy then finds the images beside itself, not those of the original."""
    folder = tmp_path_factory.mktemp("original")
    drawn_run(folder / "before", "multi-label")
    return (folder / "before").rename(folder / "after")


@pytest.fixture
def copy(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> runs.Run:
    """A run in a project of its own, to be spoiled; what is drawn does not matter and takes most of the time."""
    for name in ("training", "roc_and_precision_recall", "calibration", "swatch", "colour_bar"):
        monkeypatch.setattr(plots, name, lambda *arguments: '<svg aria-hidden="true"></svg>')
    shutil.copytree(original, tmp_path / "copy")
    return runs.find(tmp_path / "copy" / "lungs.cxr" / "runs" / "first")


def test_without_a_test_evaluation_validation_is_shown_and_the_command_named(copy: runs.Run) -> None:
    copy.evaluation("test").unlink()
    text = written(copy).text
    assert "judged on the validation part" in text
    assert "not been judged on the test part" in text
    assert "The test part has not been evaluated. To do so: cxr-trainer evaluate RUN --on test" in text
    assert "Images of the validation part" in text


def test_the_frame_around_what_the_network_saw_is_told_where_there_is_one(copy: runs.Run) -> None:
    assert colours.FRAMED not in written(copy).text
    network(copy, Prediction.load(copy.predictions("test")).findings, "multi-label", fit="crop")
    assert f"Where a picture has a dashed frame, {colours.FRAMED}" in written(copy).text


def test_openings_by_other_runs_are_told(copy: runs.Run) -> None:
    for _ in range(3):
        runs.record_opening(copy.project, "other", "abc123")
    assert "has been opened 3 times" in written(copy).text
    copy.evaluation("test").unlink()
    assert "which other runs have opened 3 times" in written(copy).text


def test_without_any_evaluation_there_is_still_a_report(copy: runs.Run) -> None:
    for part in ("validation", "test"):
        copy.evaluation(part).unlink()
    text = written(copy).text
    assert "It has not been judged yet." in text
    assert "There are no predictions to choose from. To make them: cxr-trainer evaluate RUN --on val" in text


def test_without_predictions_the_figures_stand_and_the_curves_say_how_to_make_them(copy: runs.Run) -> None:
    for part in ("validation", "test"):
        copy.predictions(part).unlink()
    text = written(copy).text
    assert "its curves cannot be drawn. To make them: cxr-trainer evaluate RUN --on test" in text
    assert "Macro AUROC" in text


def test_another_project_judged_with_the_run_has_a_part_of_its_own(copy: runs.Run) -> None:
    name = 'external-A "B" <c>'
    found = Evaluation.load(copy.evaluation("test"))
    replace(found, part='external: A "B" <c>').save(copy.evaluation(name))
    shutil.copy(copy.predictions("test"), copy.predictions(name))
    page = written(copy)
    assert 'On the external: A "B" <c> part' in page.text
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_images_that_are_gone_changed_or_damaged_are_said_so(copy: runs.Run) -> None:
    source = copy.project.parent / "source"
    chosen = sorted(source.iterdir())
    for path in chosen[::2]:
        path.unlink()
    for path in chosen[1::2]:
        path.write_bytes(path.read_bytes()[::-1])  # of the same size, or the folder would be taken for another one
    page = written(copy)
    assert "The file cannot be read any more: There is no such file or folder." in page.text
    assert "The file has changed since it was predicted." in page.text
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert PATIENT not in page.text


def test_a_run_folder_without_its_project_tells_what_it_knows(copy: runs.Run, tmp_path: Path) -> None:
    alone = shutil.copytree(copy.folder, tmp_path / "elsewhere" / "runs" / "first")
    text = written(runs.Run(alone)).text
    assert "The run's project cannot be read: There is no such project." in text
    assert "all images 20 12 14" in text
    assert "Not known without the project." in text


def test_a_run_that_was_stopped_or_is_trained_on_is_reported_as_it_stands(copy: runs.Run) -> None:
    copy.append("started", epoch=3, step=6, steps_per_epoch=2, device_name="Other CPU", precision="bf16", threads=2)
    copy.append("stopped", epoch=4, step=7)
    text = written(copy).text
    assert "Stopped by you" in text
    assert "Some CPU, then Other CPU" in text
    assert "trained on after this evaluation" not in text
    for part in ("validation", "test"):
        os.utime(copy.evaluation(part), (1, 1))
    assert (
        "the run was trained on after this evaluation. Make it again: cxr-trainer evaluate RUN --on test" in written(copy).text
    )


def test_without_a_network_there_is_nothing_to_report(copy: runs.Run) -> None:
    (copy.folder / "report.html").unlink(missing_ok=True)
    copy.best.unlink()
    with pytest.raises(RunError, match=r"no trained network yet.*resume"):
        report.run(copy.folder)
    assert not (copy.folder / "report.html").exists()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda run: run.best.write_bytes(b"rubbish"), WeightsError),
        (lambda run: run.evaluation("test").write_text("{}"), DataError),
        (lambda run: run.predictions("test").write_bytes(b"PK"), DataError),
        (lambda run: (run.folder / "split.json").write_text("[]"), DataError),
        (lambda run: (run.folder / "config.json").write_text("[]"), DataError),
    ],
)
def test_damaged_files_are_told_and_the_old_report_stays(
    copy: runs.Run, spoil: Callable[[runs.Run], object], error: type[Exception]
) -> None:
    path = copy.folder / "report.html"
    path.write_text("old", encoding="utf-8")
    spoil(copy)
    with pytest.raises(error):
        report.run(copy.folder)
    assert path.read_text(encoding="utf-8") == "old"


def test_no_such_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run"):
        report.run(tmp_path / "nothing")


def test_cancelling_leaves_nothing_half_made(copy: runs.Run) -> None:
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        raise Stopped

    (copy.folder / "report.html").unlink(missing_ok=True)
    before = sorted(path.name for path in copy.folder.iterdir())
    with pytest.raises(Stopped):
        report.run(copy.folder, progress=stop)
    assert seen[0][0] == 1
    assert sorted(path.name for path in copy.folder.iterdir()) == before


def test_progress_goes_to_its_end_and_out_is_taken(copy: runs.Run, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    out = tmp_path / "new" / "page.html"
    assert report.run(copy.project, out=out, progress=lambda done, total: seen.append((done, total))) == out
    assert seen == [(n, len(seen)) for n in range(1, len(seen) + 1)]
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(StorageError):
        report.run(copy.folder, out=tmp_path)


def test_predictions_of_another_network_are_not_explained_by_this_one(copy: runs.Run) -> None:
    network(copy, ("Other", "Names", "Here"), Prediction.load(copy.predictions("test")).task)
    text = written(copy).text  # and the catalog knows none of these findings
    assert "The predictions are not those of this network." in text
    assert "12 images of validation: without an answer to any of the findings." in text


def test_figures_that_are_nowhere_defined_can_be_written(copy: runs.Run) -> None:
    stored = json.loads(copy.evaluation("test").read_text(encoding="utf-8"))

    def emptied(value: object) -> object:
        if isinstance(value, dict):
            hollow = {"value": None, "low": None, "high": None}
            return hollow if set(value) == set(hollow) else {name: emptied(part) for name, part in value.items()}
        return [emptied(part) for part in value] if isinstance(value, list) else value

    files.write_json(copy.evaluation("test"), emptied(stored))
    text = written(copy).text
    assert text.count("not defined") > 20
    assert "nan" not in text.split()


def test_reasons_for_figures_that_are_not_defined(copy: runs.Run) -> None:
    result = next(iter(Evaluation.load(copy.evaluation("test")).findings.values()))
    empty = replace(result, matrix=((0, 0), (0, 0)), positives=0, negatives=0)
    assert report_parts._why("brier", empty) == "no image states the finding"
    assert report_parts._why("precision", replace(result, matrix=((5, 0), (3, 0)))) == "nothing was called positive"
    assert report_parts._why("npv", replace(result, matrix=((0, 5), (0, 3)))) == "nothing was called negative"
    assert report_parts._number(math.nan) == "not defined"
