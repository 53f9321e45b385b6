"""The report: one page that stands by itself, says what is missing, escapes everything and names no patient."""

import base64
import io
import json
import math
import os
import re
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from trainer import checkpoints, config, evaluate, files, images, models, plots, predict, report, runs
from trainer.catalog import Catalog, Entry, Filter
from trainer.errors import DataError, RunError, Stopped, StorageError, WeightsError
from trainer.results import Evaluation, Prediction

HOSTILE = '<script>alert("1")</script> $x^2$ & {{ 7 * 7 }}'
FINDINGS = {"multi-class": ("Normal", HOSTILE, "Lung/Opacity"), "multi-label": ("Effusion", HOSTILE, "Rare")}
PATIENT = "DOE-JANE"
VOID = ("meta", "link", "br", "img", "input", "hr", "base", "embed", "source", "col", "wbr")


class Page(HTMLParser):
    """The tags of a page with their attributes, its visible text, and whether every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag not in ("b", "i", "span", "code"):
            self.words.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def written(run: runs.Run) -> Page:
    """Make the report and read it."""
    return Page(report.run(run.folder).read_text(encoding="utf-8"))


def drawn_project(folder: Path, task: str) -> Path:
    """48 images of 24 patients whose names stand in the files' names; findings differ in brightness."""
    names, random = FINDINGS[task], np.random.default_rng(0)
    source = folder / "source"
    entries = []
    for n in range(48):
        k = n % 3
        name = f"{PATIENT}-{n:02d}.png"
        size = (40, 60) if n % 2 else (60, 40)
        pixels = np.clip(random.normal(60 + 60 * k, 25, size), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Pillow.fromarray(pixels).save(buffer, "PNG")
        files.write_bytes(source / name, buffer.getvalue())
        labels = {one: int(i == k) for i, one in enumerate(names)}
        if task == "multi-label":
            labels = {names[0]: int(k > 0), names[1]: int(k > 1)} | ({names[2]: 0} if n % 4 == 0 else {})
        entries.append(
            Entry(
                path=name,
                digest=files.digest(buffer.getvalue()),
                bytes=len(buffer.getvalue()),
                modified=1,
                width=size[1],
                height=size[0],
                patient=f"{PATIENT}-{n // 2}" if n < 44 else "",
                view="PA" if n % 3 else "AP",
                sex="F" if n % 2 else "M",
                age=float(20 + n),
                source=HOSTILE,
                labels=labels,
            )
        )
    with Catalog.create(folder / "lungs.cxr") as catalog:
        catalog.store(source, entries, findings=names)
        catalog.set_excluded(catalog.ids(Filter(text=f"{PATIENT}-45")), True)
        return catalog.project


def drawn_run(folder: Path, task: str) -> runs.Run:
    """A run as train and evaluate leave it, made by the same writers; the network is random."""
    project, names = drawn_project(folder, task), FINDINGS[task]
    with Catalog.open(project) as catalog:
        ids = catalog.ids(Filter(excluded=None), order="id")
        parts = {"train": ids[:20], "validation": ids[20:32], "test": ids[32:46]}
        settings = config.changed(config.TrainConfig(), {"task.kind": task, "model.backbone": "cxr_small", "model.size": 32})
        split = {"name": "split", "digest": "abc123", "rule": "by patient", "seed": 4, "folds": 0, "fold": None}
        about = {
            "recipe": "quick",
            "findings": list(names),
            "config": config.to_dict(settings),
            "split": {name: split[name] for name in ("name", "digest", "rule")},
            "versions": {"trainer": "0.1", "torch": "2"},
            "seed": 3,
            "command": ["train", "lungs.cxr"],
            "created": 1_700_000_000.0,
        }
        frozen = {**split, "parts": {name: part.tolist() for name, part in parts.items()}, "warnings": ["Rare is rare."]}
        run = runs.create(project, "first", about, frozen)
        history(run)
        header = network(run, names, task)
        member = predict.member(run.best, torch.device("cpu"))
        for part in ("validation", "test"):
            present = np.intersect1d(parts[part], catalog.ids())
            predict.on_catalog(member.classifier, header, catalog, present).save(run.predictions(part))
    judge(run, "validation")
    judge(run, "test")
    return run


def network(run: runs.Run, names: tuple[str, ...], task: str) -> checkpoints.Header:
    torch.manual_seed(5)
    classifier = models.build("cxr_small", len(names))
    header = checkpoints.Header(
        backbone="cxr_small",
        findings=names,
        task=task,
        size=32,
        fit="pad",
        dropout=0.0,
        pipeline=images.PIPELINE,
        epoch=2,
        split_digest="abc123",
    )
    checkpoints.save(run.best, classifier, header)
    return header


def history(run: runs.Run) -> None:
    steps = {"epochs": 3, "steps_per_epoch": 2, "batch": 10, "threads": 1}
    run.append("started", epoch=0, step=0, device="cpu", device_name="Some CPU", precision="fp32", images={}, **steps)
    run.append("note", text=f"2 train images were left out, the first: /data/{PATIENT}.png (The file is empty).")
    for epoch in (1, 2, 3):
        run.append("batch", epoch=epoch, step=2 * epoch, images=20, loss=1.0, lr=1e-3, images_per_second=50.0)
        metrics = {"macro_f1": None if epoch == 1 else 0.3, "accuracy": 0.4}
        losses = {"train_loss": 1 / epoch, "validation_loss": 2 / epoch}
        run.append("epoch", epoch=epoch, step=2 * epoch, metrics=metrics, best=epoch == 2, lr=1e-3, seconds=5.0, **losses)
    run.append("finished", epochs=3, epoch=3)


def judge(run: runs.Run, part: str) -> None:
    validation, own = (Prediction.load(run.predictions(name)) for name in ("validation", part))
    thresholds = evaluate.choose_thresholds(validation)
    opened = int(part == "test")
    evaluate.evaluate(own, thresholds, run=run.name, part=part, test_openings=opened, draws=40).save(run.evaluation(part))


@dataclass(frozen=True)
class Made:
    folder: Path
    page: str


@pytest.fixture(scope="module", params=["multi-class", "multi-label"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp(request.param)
    run = drawn_run(folder, request.param)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Made(folder, report.run(run.folder).read_text(encoding="utf-8"))


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


def test_the_page_needs_nothing_from_elsewhere(made: Made) -> None:
    page = Page(made.page)
    assert not re.search(r"https?:|//[a-z]+\.|@import|@font-face", made.page)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"} == set()
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "data", "poster", "action", "background"):
            value = attributes.get(name)
            assert value is None or re.match(r"#|data:image/(jpeg|png);base64,", value), (tag, name, value)
        assert "url(" not in (attributes.get("style") or "")
    assert set(re.findall(r"url\((.)", made.page)) <= {"#"}
    assert len(made.page) < 4_000_000


def test_ids_are_unique_and_links_lead_somewhere(made: Made) -> None:
    page = Page(made.page)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        target = attributes.get("href") or ""
        assert tag not in ("a", "use") or target[1:] in ids
    assert set(re.findall(r"url\(#([^)]+)\)", made.page)) <= set(ids)


def test_hostile_names_are_text(made: Made) -> None:
    assert "<script" not in made.page.lower()
    assert HOSTILE in Page(made.page).text  # as it stands: neither run, nor rendered, nor mathematics


def test_no_patient_is_named(made: Made) -> None:
    assert PATIENT not in made.page
    assert "2 train images were left out (the run's events.jsonl says which and why)." in Page(made.page).text


def test_pictures_are_whole_and_described(made: Made) -> None:
    found = [attributes for tag, attributes in Page(made.page).tags if tag == "img"]
    assert found
    assert len(found) <= 2 * 30
    for attributes in found:
        assert attributes["alt"]
        content = base64.b64decode((attributes["src"] or "").partition(",")[2])
        with Pillow.open(io.BytesIO(content)) as picture:
            picture.load()
            assert picture.size == (int(attributes["width"] or 0), int(attributes["height"] or 0))
            assert max(picture.size) <= 320


def test_every_drawing_says_what_it_shows_or_is_hidden(made: Made) -> None:
    for tag, attributes in Page(made.page).tags:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"


def test_sections_stand_in_order_with_the_disclaimer_first(made: Made) -> None:
    text = Page(made.page).text
    places = [text.index(f"How to read this: {start}") for start in ("the network learns", "the loss", "beside each")]
    assert places == sorted(places)
    titles = re.findall(r"<h2>(.*?)</h2>", made.page)
    assert titles == ["1 Data", "2 Configuration", "3 Training", "4 Evaluation", "5 Examples", "6 Limits"]
    assert text.index("For teaching and research, not for diagnosis.") < text.index("This network looks at")


def test_the_summary_shows_the_test_part_with_intervals_and_baselines(made: Made) -> None:
    run = runs.find(made.folder / "lungs.cxr")
    found = Evaluation.load(run.evaluation("test"))
    summary = Page(re.findall(r'<section class="box".*?</section>', made.page, re.DOTALL)[0]).text
    figure = found.metrics["macro_auroc"]
    assert f"Macro AUROC {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" in summary
    assert "judged on the test part: 13 images" in summary  # one of 14 is excluded
    assert "has been opened once" in summary
    assert all(f"Baseline: {name}" in summary for name, base in found.baselines.items() if "macro_f1" in base.metrics)


def test_all_warnings_are_told_once(made: Made) -> None:
    box = Page(re.findall(r'<section class="warnings".*?</section>', made.page, re.DOTALL)[0]).text
    run = runs.find(made.folder / "lungs.cxr")
    told = {text for part in ("validation", "test") for text in Evaluation.load(run.evaluation(part)).warnings}
    assert told
    for text in {*told, "Rare is rare."}:
        assert box.count(" ".join(text.split())) == 1


def test_data_are_counted_by_part_with_patients_and_what_was_left_out(made: Made) -> None:
    text = Page(made.page).text
    assert "all images 20 (10 patients) 12 (6 patients) 13 (6 patients, 1 of unknown)" in text
    assert "2 images: in no part of the split." in text
    assert "1 image of test: excluded or gone since the split was made." in text
    assert "Rule by patient Seed 4 Digest abc123" in text
    assert "View: AP" in text
    assert "Sex: F" in text
    if "Task multi-label" in text:
        assert "Rare 0 · 15 not stated 0 · 9 not stated" in text


def test_figures_that_are_not_defined_say_so_and_why(made: Made) -> None:
    text = Page(made.page).text
    assert not re.search(r"\bnan\b", text)
    if "Task multi-label" in text:  # one of its findings occurs nowhere
        assert "not defined: no image with the finding" in text
        assert "not defined: it needs images with and without the finding" in text


def test_matrices_stand_truth_down_prediction_across(made: Made) -> None:
    run = runs.find(made.folder / "lungs.cxr")
    found = Evaluation.load(run.evaluation("test"))
    tables = [Page(table).text for table in re.findall(r'<table class="matrix">.*?</table>', made.page, re.DOTALL)]
    for result in found.findings.values():
        (tn, fp), (fn, tp) = result.matrix

        def shown(row: tuple[int, int]) -> str:
            return " ".join(f"{n} {100 * n / sum(row):.0f} %" if sum(row) else f"{n} –" for n in row)

        wanted = f"prediction truth not called called without it {shown((tn, fp))} with it {shown((fn, tp))}"
        assert wanted in tables
    if found.confusion:
        rows = [f"{' '.join(map(str, row))} {sum(row)}" for row in found.confusion.counts]
        counts = [" ".join(re.sub(r"\d+ %|–", "", table).split()) for table in tables]
        assert any(all(row in table for row in rows) for table in counts)


def test_validation_says_that_it_flatters(made: Made) -> None:
    assert "These figures flatter. The epoch and the thresholds were chosen on these very images" in Page(made.page).text


def test_the_same_run_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    path = report.run(made.folder / "lungs.cxr", out=tmp_path / "again.html")
    assert path.read_text(encoding="utf-8") == made.page


def test_without_a_test_evaluation_validation_is_shown_and_the_command_named(copy: runs.Run) -> None:
    copy.evaluation("test").unlink()
    text = written(copy).text
    assert "judged on the validation part" in text
    assert "not been judged on the test part" in text
    assert "The test part has not been evaluated. To do so: cxr-trainer evaluate RUN --on test" in text
    assert "Images of the validation part" in text


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
        path.write_bytes(b"\x89PNG\r\n\x1a\n another")
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
    assert report._why("brier", empty) == "no image states the finding"
    assert report._why("precision", replace(result, matrix=((5, 0), (3, 0)))) == "nothing was called positive"
    assert report._why("npv", replace(result, matrix=((0, 5), (0, 3)))) == "nothing was called negative"
    assert report._number(math.nan) == "not defined"
