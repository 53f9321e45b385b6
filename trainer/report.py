"""Run + evaluations -> one HTML file that stands by itself, made for paper too: no script, font or picture from elsewhere."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

import trainer
from trainer import drawings, examples, explain, files, plots, predict, runs, sections, truths
from trainer.catalog import SUFFIX, Catalog
from trainer.errors import DataError, Progress, RunError, StorageError
from trainer.meanings import METRICS, REPEATED
from trainer.results import Baseline, Evaluation, Figure, FindingResult, Prediction, Subgroup

_ON = {"validation": "val", "test": "test"}
"""Parts of a run's own split that are judged, and what `evaluate --on` calls them."""
_SUMMARY = {
    "multi-class": ("macro_f1", "balanced_accuracy", "accuracy", "macro_auroc"),
    "multi-label": ("macro_auroc", "macro_f1", "hamming", "exact_match"),
}
_IN_SUBGROUPS = ("macro_f1", "balanced_accuracy", "macro_auroc")
_MANY_FINDINGS = 8
"""From here on the page leaves subgroups of single findings to the evaluation's JSON file."""


@dataclass(frozen=True)
class Line:
    """One curve of a drawing and its entry in the legend."""

    swatch: Markup
    name: str
    result: FindingResult


@dataclass(frozen=True)
class Drawing:
    """ROC and precision-recall curves of some findings."""

    svg: Markup
    lines: tuple[Line, ...]


@dataclass(frozen=True, eq=False)
class Card:
    """One finding: its figures, the baseline "never", its calibration and its subgroups."""

    name: str
    result: FindingResult
    never: Mapping[str, float]
    calibration: Markup
    subgroups: tuple[tuple[Subgroup, Mapping[str, Figure]], ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """One part as the page shows it; without its predictions there are no curves.

    `kind` is validation, test, external or coarse (a level of the run's own parts), `label` says which project or level, and
    `on` is what `evaluate --on` takes.
    """

    kind: str
    label: str
    on: str
    evaluation: Evaluation
    prediction: Prediction | None
    headline: tuple[str, ...]
    baselines: Mapping[str, Baseline]
    drawings: tuple[Drawing, ...]
    cards: tuple[Card, ...]
    outdated: bool


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
    judged = [_judged(found, part) for part in _parts(found)]
    with contextlib.ExitStack() as stack:
        catalog, problem = _opened(found.project)
        if catalog is not None:
            stack.enter_context(catalog)
        data = sections.data(found, catalog, problem, truths.of_header(header))
        best = _best(judged)
        shown, scale, why_none = _examples(member, catalog, problem, best, int(about.get("seed", 0)), progress)
    return _rendered(
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
        summary=_SUMMARY[header.task],
        missing=[(part, on) for part, on in _ON.items() if part not in {one.kind for one in judged}],
        openings=max([runs.openings(found.project, header.split_digest), *(one.evaluation.test_openings for one in judged)]),
        warnings=_warnings(judged, data),
        examples=shown,
        examples_missing=why_none,
        scale=Markup(scale),  # noqa: S704 - our own drawing
        outdated=[one for one in judged if one.outdated],
    )


def _opened(project: Path) -> tuple[Catalog | None, str]:
    """The catalog of the project, or why there is none: a run folder may have been copied out of its project."""
    try:
        return Catalog.open(project), ""
    except (DataError, StorageError) as error:
        return None, f"The run's project cannot be read: {error.what}."


def _best(judged: Sequence[Judged]) -> Judged | None:
    """The part that says most about new images of the same kind: test, else validation, else an external one."""
    order = ("test", "validation", "external", "coarse")
    return min(judged, key=lambda one: order.index(one.kind), default=None)


def _outdated(found: runs.Run, part: str) -> bool:
    """Whether the network was trained on after it was judged."""
    epochs = [event["time"] for event in found.history() if event["kind"] == "epoch" and event.get("best")]
    return bool(epochs) and found.evaluation(part).stat().st_mtime < max(epochs) - 1


def _warnings(judged: Sequence[Judged], data: sections.Data) -> list[tuple[list[str], str]]:
    """Every warning once, with the parts that it holds for."""
    found: dict[str, list[str]] = {}
    for part, texts in (*((one.label, one.evaluation.warnings) for one in judged), ("split", data.warnings)):
        for text in texts:
            found.setdefault(text, []).append(part)
    return [(parts, text) for text, parts in found.items()]


def _parts(found: runs.Run) -> Iterator[str]:
    """The parts that were judged; external projects by their names."""
    yield from (part for part in _ON if found.evaluation(part).exists())
    own = (path.stem.removeprefix("evaluation-") for name in ("val", "test") for path in _coarse(found, name))
    yield from own
    yield from sorted(path.stem.removeprefix("evaluation-") for path in found.folder.glob("evaluation-external*.json"))


def _coarse(found: runs.Run, part: str) -> list[Path]:
    """The evaluations on a part of the run's own split at a coarser level of its findings."""
    name = {"val": "validation"}.get(part, part)
    return sorted(found.folder.glob(f"evaluation-{name}-level*.json"))


def _judged(found: runs.Run, part: str) -> Judged:
    evaluation = Evaluation.load(found.evaluation(part))
    prediction = Prediction.load(found.predictions(part)) if found.predictions(part).exists() else None
    if prediction is not None and set(prediction.findings) != set(evaluation.findings):
        prediction = None  # of another run: its curves would not be those of the figures
    kind, place = part.partition("-")[0], "".join(c if c.isalnum() else "-" for c in part)
    kind = "coarse" if kind in _ON and part != kind else kind
    repeated = REPEATED[evaluation.task]
    return Judged(
        kind=kind,
        label=evaluation.part if kind in ("external", "coarse") else kind,
        on=_ON.get(part.partition("-")[0], "PROJECT"),
        evaluation=evaluation,
        prediction=prediction,
        headline=tuple(name for name in evaluation.metrics if name not in repeated),
        baselines={name: one for name, one in evaluation.baselines.items() if "macro_f1" in one.metrics},
        drawings=tuple(_drawings(place, evaluation, prediction)) if prediction else (),
        cards=tuple(_cards(place, evaluation, prediction)),
        outdated=_outdated(found, part),
    )


def _drawings(place: str, evaluation: Evaluation, prediction: Prediction) -> Iterator[Drawing]:
    """All findings, as many together as can be told apart."""
    names = list(evaluation.findings)
    for start in range(0, len(names), plots.TOGETHER):
        some = names[start : start + plots.TOGETHER]
        drawn = [drawings.curve(prediction, name, evaluation.findings[name]) for name in some]
        areas = ", ".join(f"{name} {_number(evaluation.findings[name].auroc.value)}" for name in some)
        svg = plots.roc_and_precision_recall(
            drawn, f"{place}-curves-{start}", f"ROC and precision-recall curves. AUROC: {areas}."
        )
        lines = [
            Line(Markup(plots.swatch(i, f"{place}-line-{start + i}")), name, evaluation.findings[name])  # noqa: S704
            for i, name in enumerate(some)
        ]
        yield Drawing(Markup(svg), tuple(lines))  # noqa: S704 - our own drawing


def _cards(place: str, evaluation: Evaluation, prediction: Prediction | None) -> Iterator[Card]:
    few = len(evaluation.findings) < _MANY_FINDINGS
    for k, (name, result) in enumerate(evaluation.findings.items()):
        groups = [(group, group.findings[name]) for group in evaluation.subgroups if few and name in group.findings]
        never = evaluation.baselines.get(f"never {name}")
        svg = _calibration(prediction, name, result, f"{place}-calibration-{k}") if prediction else ""
        yield Card(name, result, never.metrics if never else {}, Markup(svg), tuple(groups))  # noqa: S704 - our own drawing


def _calibration(prediction: Prediction, name: str, result: FindingResult, place: str) -> str:
    measured = drawings.calibration(prediction, name)
    alt = f"Calibration of {name}; expected calibration error {_number(result.calibration_error)}."
    return plots.calibration(measured, place, alt) if measured.count.sum() else ""


def _examples(
    member: predict.Member, catalog: Catalog | None, problem: str, best: Judged | None, seed: int, progress: Progress | None
) -> tuple[list[examples.Example], str, str]:
    """The examples, the scale of their heat maps as SVG, and in words why there are none."""
    if best is None or best.prediction is None:
        return [], "", "There are no predictions to choose from."
    if catalog is None:
        return [], "", problem
    if best.prediction.findings != member.header.findings:
        return [], "", "The predictions are not those of this network."
    thresholds = {name: result.threshold for name, result in best.evaluation.findings.items()}
    chosen = examples.choose(best.prediction, thresholds, seed=seed)
    drawn, top = examples.draw(member, catalog, best.prediction, thresholds, chosen, progress=progress)
    scale = plots.colour_bar(explain.COLOURS, top, "scale", f"Scale of the heat maps, from 0 to {top:.3g}.") if top > 0 else ""
    return drawn, scale, "" if drawn else "No image of this part has one of the findings."


def _rendered(**values: Any) -> str:  # noqa: ANN401 - what the template names
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": _number, "metric": sections.metric_name, "share": _share}
    environment.globals |= {"meanings": METRICS, "why": _why, "in_subgroups": _IN_SUBGROUPS, "isnan": math.isnan}
    source = (resources.files("trainer") / "resources" / "report.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(values)


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.3f}"


def _share(part: float, whole: float) -> float:
    """Share in 0..1; nan of nothing."""
    return float(np.divide(part, whole)) if whole else math.nan


def _why(name: str, result: FindingResult) -> str:
    """Why a figure of a finding is not defined, as far as the counts tell."""
    (tn, fp), (fn, tp) = result.matrix
    reasons = {
        "sensitivity": (not result.positives, "no image with the finding"),
        "specificity": (not result.negatives, "no image without it"),
        "precision": (not tp + fp, "nothing was called positive"),
        "npv": (not tn + fn, "nothing was called negative"),
        "f1": (not tp + fp + fn, "no image with the finding and none called so"),
        "auroc": (not (result.positives and result.negatives), "it needs images with and without the finding"),
        "auprc": (not result.positives, "no image with the finding"),
    }
    holds, reason = reasons.get(name, (False, ""))
    return reason if holds else "" if result.positives + result.negatives else "no image states the finding"
