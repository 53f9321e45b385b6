"""The figures of an evaluation as files for papers and slides: drawings (PNG, SVG) and tables (CSV). Without torch."""

import csv
import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer import bags, drawings, files, fold_thresholds, metrics, runs
from trainer.bag_results import BagEvaluation
from trainer.bags import Bag
from trainer.catalog import Catalog, Filter
from trainer.errors import ConfigError, DataError, Progress, RunError, command_line, did_you_mean
from trainer.metrics import Floats
from trainer.results import FIGURES, Evaluation, Figure, Prediction

KINDS = ("png", "svg", "csv", "predictions")
_PART = {"val": "validation"}
_EVERYTHING = Filter(excluded=None, gone=None)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A part of a run or a bag with its predictions; `levels` are thresholds [N, K] of each image where they are pooled."""

    evaluation: Evaluation
    prediction: Prediction
    bag: BagEvaluation | None = None
    levels: Floats | None = None


def run(
    folder: Path,
    out: Path,
    *,
    on: str = "val",
    kinds: Sequence[str] = ("png", "svg", "csv"),
    paths: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write what is asked for into `out`, replacing what an earlier call wrote, and return the files.

    `kinds`: drawings as "png" and "svg"; "csv" is one table of all figures with intervals, "predictions" one of all images,
    with the path of each file if `paths` (it may name a patient). `on` is "val", "test", "train" or "external-NAME". Raises
    `ConfigError`, `RunError`, `DataError`, `StorageError`.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(f"There is no '{kind}' to write", remedy=did_you_mean(kind, KINDS))
    found = bags.either(folder)
    judged = _judged(found, _PART.get(on, on), on)
    made = list(_contents(found.project, judged, kinds, paths=paths))
    written = []
    for number, (name, content) in enumerate(made, 1):
        path = out / f"{drawings.plain(found.name)}-{runs.short(_PART.get(on, on))}-{name}"
        files.write_bytes(path, content)
        written.append(path)
        if progress:
            progress(number, len(made))
    return written


def _judged(found: runs.Run | Bag, part: str, on: str) -> _Judged:
    if isinstance(found, Bag) and found.plan().kind == bags.FOLDS and part == "validation":
        what = "A cross-validation is judged on the test parts of its folds together"
        raise ConfigError(what, where="--on val", remedy="Ask for --on test.")
    if not (found.evaluation(part).exists() and found.predictions(part).exists()):
        raise RunError(
            f"The {'bag' if isinstance(found, Bag) else 'run'} has not been judged on the {part} part",
            where=found.folder,
            remedy=f"Evaluate it first: {command_line('evaluate', found.folder, '--on', on)}",
        )
    prediction = Prediction.load(found.predictions(part))
    if isinstance(found, runs.Run):
        return _Judged(Evaluation.load(found.evaluation(part)), prediction)
    whole = BagEvaluation.load(found.evaluation(part))
    if whole.averaged:
        return _Judged(whole.evaluation, prediction, whole)
    levels = fold_thresholds.of_images(found.trained(), whole, prediction, part)
    if levels is None:
        raise DataError(
            "The folds decide otherwise now than when the bag was judged",
            where=found.folder,
            remedy=f"Evaluate it again: {command_line('evaluate', found.folder, '--on', on)}",
        )
    return _Judged(whole.evaluation, prediction, whole, levels)


def _contents(project: Path, judged: _Judged, kinds: Sequence[str], *, paths: bool) -> Iterator[tuple[str, bytes]]:
    evaluation, prediction = judged.evaluation, judged.prediction
    drawn = [kind for kind in ("png", "svg") if kind in kinds]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # names in any script; a box is drawn
        yield from drawings.files(evaluation, prediction, drawn) if drawn else ()
    if "csv" in kinds:
        yield "figures.csv", table(evaluation).encode("utf-8-sig")
        if judged.bag is not None:
            yield "members.csv", members(judged.bag).encode("utf-8-sig")
    if "predictions" in kinds:
        named = _paths(project, prediction) if paths else {}
        yield "predictions.csv", images(evaluation, prediction, named, judged.levels).encode("utf-8-sig")


def _paths(project: Path, prediction: Prediction) -> dict[int, str]:
    with Catalog.open(project) as catalog:
        ids = [int(i) for i in prediction.ids[_known(catalog, prediction)]]
        return {image: str(path) for image, (path, _) in zip(ids, catalog.files(ids), strict=True)}


def _known(catalog: Catalog, prediction: Prediction) -> list[int]:
    known = set(catalog.ids(_EVERYTHING).tolist())
    return [row for row, image in enumerate(prediction.ids.tolist()) if image in known]


def table(evaluation: Evaluation) -> str:
    """All figures as CSV, one a row: group, finding, figure, value, low and high end of the 95 % interval.

    "" is a figure that is not defined. Group "all" is the whole part; baselines and subgroups are named.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["run", "part", "test_openings", "images", "patients", "group", "finding", "figure", "value", "low", "high"]
    )
    patients = "" if evaluation.patients is None else evaluation.patients
    about = [evaluation.run, evaluation.part, evaluation.test_openings, evaluation.images, patients]
    writer.writerows([*about, *map(_safe, row[:2]), *row[2:]] for row in _rows(evaluation))
    return out.getvalue()


def _rows(evaluation: Evaluation) -> Iterator[list[str]]:
    yield from (["all", "", name, *_three(one)] for name, one in evaluation.metrics.items())
    for finding, result in evaluation.findings.items():
        (tn, fp), (fn, tp) = result.matrix
        plain: Mapping[str, float] = {
            "threshold": result.threshold,
            "true_negatives": tn,
            "false_positives": fp,
            "false_negatives": fn,
            "true_positives": tp,
            "not_stated": result.not_stated,
            "calibration_error": result.calibration_error,
        }
        yield from (["all", finding, name, _number(value), "", ""] for name, value in plain.items())
        yield from (["all", finding, name, *_three(getattr(result, name))] for name in FIGURES)
    for name, baseline in evaluation.baselines.items():
        group = f"baseline: {name}"
        yield from ([group, "", figure, _number(value), "", ""] for figure, value in baseline.metrics.items())
    for part in evaluation.subgroups:
        group = f"{part.column}: {part.group}"
        yield from ([group, "", name, *_three(one)] for name, one in part.metrics.items())
        for finding, figures in part.findings.items():
            yield from ([group, finding, name, *_three(one)] for name, one in figures.items())


def members(found: BagEvaluation) -> str:
    """The members of a bag beside the whole as CSV: one row a member with each headline figure and its interval, then their
    mean and SD (n - 1), then the averaged or pooled figures. "" is a figure that is not defined.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(found.evaluation.metrics)
    writer.writerow(
        ["member", "seed", "split", "images", *(column for n in names for column in (n, f"{n}: low", f"{n}: high"))]
    )
    for one in found.members:
        writer.writerow([one.run, one.seed, one.split, one.images, *(c for n in names for c in _three(one.metrics[n]))])
    for label, values in (("mean over members", found.mean), ("SD over members", found.sd)):
        writer.writerow([label, "", "", "", *(c for n in names for c in (_number(values[n]), "", ""))])
    how = "all, averaged" if found.averaged else "all, pooled"
    whole = found.evaluation
    writer.writerow([how, "", "", whole.images, *(c for n in names for c in _three(whole.metrics[n]))])
    return out.getvalue()


def images(evaluation: Evaluation, prediction: Prediction, paths: Mapping[int, str], levels: Floats | None = None) -> str:
    """All predictions as CSV, one image a row: its number in the catalog, and for each finding truth, probability, call.

    Truth is 1, 0 or "" (not stated); the call is 1 from the finding's threshold on, or from that in `levels` float64 [N, K]
    where images were predicted by networks with thresholds of their own.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [f"{name}: {what}" for name in prediction.findings for what in ("truth", "probability", "called")]
    writer.writerow(["image", *(["path"] if paths else []), *map(_safe, columns)])
    shown = np.array([evaluation.findings[name].threshold for name in prediction.findings], np.float64)
    called = metrics.decisions(prediction.probabilities, shown if levels is None else levels)
    for row, image in enumerate(prediction.ids.tolist()):
        cells: list[object] = [image, *([_safe(paths.get(image, ""))] if paths else [])]
        for truth, p, yes in zip(prediction.targets[row], prediction.probabilities[row], called[row], strict=True):
            cells += ["" if truth < 0 else int(truth), f"{p:.6f}", int(yes)]
        writer.writerow(cells)
    return out.getvalue()


def _three(one: Figure) -> tuple[str, str, str]:
    return _number(one.value), _number(one.low), _number(one.high)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
