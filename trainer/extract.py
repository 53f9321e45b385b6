"""The figures of an evaluation as files for papers and slides: drawings (PNG, SVG) and tables (CSV). Without torch."""

import csv
import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from trainer import drawings, files, runs
from trainer.catalog import Catalog, Filter
from trainer.errors import ConfigError, Progress, RunError, command_line, did_you_mean
from trainer.results import FIGURES, Evaluation, Figure, Prediction

KINDS = ("png", "svg", "csv", "predictions")
_PART = {"val": "validation"}
_EVERYTHING = Filter(excluded=None, gone=None)


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
    found = runs.find(folder)
    part = _PART.get(on, on)
    evaluation, prediction = _judged(found, part, on)
    made = list(_contents(found, evaluation, prediction, kinds, paths=paths))
    written = []
    for number, (name, content) in enumerate(made, 1):
        path = out / f"{drawings.plain(found.name)}-{runs.short(part)}-{name}"
        files.write_bytes(path, content)
        written.append(path)
        if progress:
            progress(number, len(made))
    return written


def _judged(run: runs.Run, part: str, on: str) -> tuple[Evaluation, Prediction]:
    if not (run.evaluation(part).exists() and run.predictions(part).exists()):
        raise RunError(
            f"The run has not been judged on the {part} part",
            where=run.folder,
            remedy=f"Evaluate it first: {command_line('evaluate', run.folder, '--on', on)}",
        )
    return Evaluation.load(run.evaluation(part)), Prediction.load(run.predictions(part))


def _contents(
    run: runs.Run, evaluation: Evaluation, prediction: Prediction, kinds: Sequence[str], *, paths: bool
) -> Iterator[tuple[str, bytes]]:
    drawn = [kind for kind in ("png", "svg") if kind in kinds]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # names in any script; a box is drawn
        yield from drawings.files(evaluation, prediction, drawn) if drawn else ()
    if "csv" in kinds:
        yield "figures.csv", table(evaluation).encode("utf-8-sig")
    if "predictions" in kinds:
        yield "predictions.csv", images(evaluation, prediction, _paths(run, prediction) if paths else {}).encode("utf-8-sig")


def _paths(run: runs.Run, prediction: Prediction) -> dict[int, str]:
    with Catalog.open(run.project) as catalog:
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


def images(evaluation: Evaluation, prediction: Prediction, paths: Mapping[int, str]) -> str:
    """All predictions as CSV, one image a row: its number in the catalog, and for each finding truth, probability, call.

    Truth is 1, 0 or "" (not stated); the call is 1 from the finding's threshold on.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [f"{name}: {what}" for name in prediction.findings for what in ("truth", "probability", "called")]
    writer.writerow(["image", *(["path"] if paths else []), *map(_safe, columns)])
    thresholds = [evaluation.findings[name].threshold for name in prediction.findings]
    for row, image in enumerate(prediction.ids.tolist()):
        cells: list[object] = [image, *([_safe(paths.get(image, ""))] if paths else [])]
        for truth, p, threshold in zip(prediction.targets[row], prediction.probabilities[row], thresholds, strict=True):
            cells += ["" if truth < 0 else int(truth), f"{p:.6f}", int(float(p) >= threshold)]
        writer.writerow(cells)
    return out.getvalue()


def _three(one: Figure) -> tuple[str, str, str]:
    return _number(one.value), _number(one.low), _number(one.high)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
