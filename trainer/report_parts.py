"""What the reports on a run and on a bag share: one judged part with its curves and findings, and the page that shows it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from trainer import colours, drawings, examples, explain, plots, runs, sections
from trainer.bag_results import BagEvaluation
from trainer.bags import Bag
from trainer.catalog import Catalog
from trainer.errors import DataError, Progress, StorageError
from trainer.meanings import METRICS, REPEATED
from trainer.results import Baseline, Evaluation, Figure, FindingResult, Prediction, Subgroup

PARTS = {"validation": "val", "test": "test"}
"""Parts of a run's own split that are judged, and what `evaluate --on` calls them."""
SUMMARY = {
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

    `part` is its name in the names of files, `kind` is validation, test, external or coarse (a level of the run's own parts),
    `label` says which project or level, `on` is what `evaluate --on` takes, and `outdated` says in words why it should be made
    again, "" if it need not be. `bag` holds the members where it is one.
    """

    part: str
    kind: str
    label: str
    on: str
    evaluation: Evaluation
    prediction: Prediction | None
    headline: tuple[str, ...]
    baselines: Mapping[str, Baseline]
    drawings: tuple[Drawing, ...]
    cards: tuple[Card, ...]
    outdated: str
    bag: BagEvaluation | None = None


@dataclass(frozen=True)
class Shown:
    """Examples with the scale of their heat maps (SVG), and in words why there are none."""

    pictures: tuple[examples.Example, ...] = ()
    scale: Markup = Markup("")  # noqa: RUF009 - text, which nothing changes
    missing: str = ""

    @property
    def framed(self) -> str:
        """What the frames in the pictures mean, "" where there are none."""
        return colours.FRAMED if any(one.framed for one in self.pictures) else ""


def judged(
    part: str, evaluation: Evaluation, prediction: Prediction | None, outdated: str = "", bag: BagEvaluation | None = None
) -> Judged:
    """A part (as in the names of files) with its figures, and with its curves where `prediction` is that of the figures."""
    if prediction is not None and set(prediction.findings) != set(evaluation.findings):
        prediction = None  # of another run: its curves would not be those of the figures
    kind, place = part.partition("-")[0], "".join(c if c.isalnum() else "-" for c in part)
    kind = "coarse" if kind in PARTS and part != kind else kind
    repeated = REPEATED[evaluation.task]
    return Judged(
        part=part,
        kind=kind,
        label=evaluation.part if kind in ("external", "coarse") else kind,
        on=PARTS.get(part.partition("-")[0], "PROJECT"),
        evaluation=evaluation,
        prediction=prediction,
        headline=tuple(name for name in evaluation.metrics if name not in repeated),
        baselines={name: one for name, one in evaluation.baselines.items() if "macro_f1" in one.metrics},
        drawings=tuple(_drawings(place, evaluation, prediction)) if prediction else (),
        cards=tuple(_cards(place, evaluation, prediction)),
        outdated=outdated,
        bag=bag,
    )


def kept(found: runs.Run | Bag) -> Iterator[str]:
    """The parts that a run or a bag was judged on, as in the names of files; coarser levels and external projects last."""
    yield from (part for part in PARTS if found.evaluation(part).exists())
    for pattern in ("validation-level*", "test-level*", "external*"):
        yield from sorted(path.stem.removeprefix("evaluation-") for path in found.folder.glob(f"evaluation-{pattern}.json"))


def opened(project: Path, of: str) -> tuple[Catalog | None, str]:
    """The catalog of the project, or why there is none: the folder of a run or bag may have been copied out of its project."""
    try:
        return Catalog.open(project), ""
    except (DataError, StorageError) as error:
        return None, f"The {of}'s project cannot be read: {error.what}."


def shown(
    networks: examples.Networks,
    catalog: Catalog | None,
    problem: str,
    best: Judged | None,
    thresholds: examples.Thresholds,
    *,
    seed: int,
    progress: Progress | None,
) -> Shown:
    """The examples of a part; `problem` says why its images or its networks cannot be seen."""
    if best is None or best.prediction is None:
        return Shown(missing="There are no predictions to choose from.")
    if catalog is None or problem:
        return Shown(missing=problem)
    chosen = examples.choose(best.prediction, thresholds, seed=seed)
    drawn, top = examples.draw(networks, catalog, best.prediction, thresholds, chosen, progress=progress)
    scale = plots.colour_bar(explain.COLOURS, top, "scale", f"Scale of the heat maps, from 0 to {top:.3g}.") if top > 0 else ""
    missing = "" if drawn else "No image of this part has one of the findings."
    return Shown(tuple(drawn), Markup(scale), missing)  # noqa: S704 - our own drawing


def best(judged: Sequence[Judged]) -> Judged | None:
    """The part that says most about new images of the same kind: test, else validation, else an external one."""
    order = ("test", "validation", "external", "coarse")
    return min(judged, key=lambda one: order.index(one.kind), default=None)


def warnings(judged: Sequence[Judged], data: sections.Data) -> list[tuple[list[str], str]]:
    """Every warning once, with the parts that it holds for."""
    found: dict[str, list[str]] = {}
    for part, texts in (*((one.label, one.evaluation.warnings) for one in judged), ("split", data.warnings)):
        for text in texts:
            found.setdefault(text, []).append(part)
    return [(parts, text) for text, parts in found.items()]


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


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - what the template names
    """A page of `trainer/resources`."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_resource)
    )
    environment.filters |= {"number": _number, "metric": sections.metric_name, "share": _share}
    environment.globals |= {"meanings": METRICS, "why": _why, "in_subgroups": _IN_SUBGROUPS, "isnan": math.isnan}
    return environment.get_template(template).render(values)


def _resource(name: str) -> str:
    return (resources.files("trainer") / "resources" / name).read_text(encoding="utf-8")


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
