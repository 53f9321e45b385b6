"""Run + evaluations -> one HTML file that stands by itself, made for paper too: no script, font or picture from elsewhere."""

import contextlib
from pathlib import Path

import torch

import trainer
from trainer import files, predict, report_parts, runs, sections, truths
from trainer.catalog import SUFFIX
from trainer.errors import Progress, RunError
from trainer.report_parts import PARTS, SUMMARY, Judged
from trainer.results import Evaluation, Prediction


def run(folder: Path, *, out: Path | None = None, progress: Progress | None = None) -> Path:
    """Write the report on a run (a run folder, or a project for its newest run) and return its path (default: in the run).

    What is missing, as an evaluation or an image, is said in its place. Raises `RunError` if there is no such run or it has no
    trained network yet, `WeightsError`, `DataError`, `StorageError`; `Stopped` from `progress` passes through.
    """
    found = runs.find(folder)
    if not found.best.exists():
        raise RunError(
            "This run has no trained network yet, so there is nothing to report",
            where=found.folder,
            remedy="Let it train for at least one epoch: cxr-trainer resume RUN",
        )
    path = out or found.folder / "report.html"
    files.write_text(path, _page(found, progress))
    return path


def _page(found: runs.Run, progress: Progress | None) -> str:
    about, history = found.about(), found.history()
    member = predict.member(found.best, torch.device("cpu"))  # a few images; and the same bytes on every computer
    header = member.header
    judged = [_judged(found, part) for part in report_parts.kept(found)]
    with contextlib.ExitStack() as stack:
        catalog, problem = report_parts.opened(found.project, "run")
        if catalog is not None:
            stack.enter_context(catalog)
        data = sections.data(found, catalog, problem, truths.of_header(header))
        best = report_parts.best(judged)
        thresholds = {name: result.threshold for name, result in best.evaluation.findings.items()} if best else {}
        fits = best is None or best.prediction is None or best.prediction.findings == header.findings
        why = problem if fits else "The predictions are not those of this network."
        shown = report_parts.shown(
            lambda image: [member], catalog, why, best, thresholds, seed=int(about.get("seed", 0)), progress=progress
        )
    return report_parts.rendered(
        "report.html",
        of="run",
        word="RUN",
        third="Training",
        project=found.project.name.removesuffix(SUFFIX),
        run=found.name,
        created=sections.moment(float(about.get("created", 0))),
        recipe=about.get("recipe") or "none",
        version=trainer.__version__,
        header=header,
        data=data,
        settings=sections.settings(about, history),
        training=sections.training(about, history, found.status().words),
        judged=judged,
        best=best,
        summary=SUMMARY[header.task],
        missing=[(part, on) for part, on in PARTS.items() if part not in {one.kind for one in judged}],
        openings=max([runs.openings(found.project, header.split_digest), *(one.evaluation.test_openings for one in judged)]),
        warnings=report_parts.warnings(judged, data),
        shown=shown,
        outdated=[one for one in judged if one.outdated],
    )


def _outdated(found: runs.Run, part: str) -> str:
    """Whether the network was trained on after it was judged."""
    epochs = [event["time"] for event in found.history() if event["kind"] == "epoch" and event.get("best")]
    late = bool(epochs) and found.evaluation(part).stat().st_mtime < max(epochs) - 1
    return "the run was trained on after this evaluation." if late else ""


def _judged(found: runs.Run, part: str) -> Judged:
    prediction = Prediction.load(found.predictions(part)) if found.predictions(part).exists() else None
    return report_parts.judged(part, Evaluation.load(found.evaluation(part)), prediction, _outdated(found, part))
