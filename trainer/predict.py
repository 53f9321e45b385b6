"""Checkpoint(s) + catalogued images or files -> probabilities. Always in fp32, so that every screen shows the same figure."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainer import batches, checkpoints, dataset, devices, files, images, models, places, results, runs
from trainer.catalog import Catalog
from trainer.errors import DataError, ImageError, Progress, WeightsError

BATCH = 32


@dataclass(frozen=True, eq=False)
class Member:
    """One network of an ensemble with its description, ready on a device."""

    classifier: models.Classifier
    header: checkpoints.Header
    path: Path


@dataclass(frozen=True, eq=False)
class FilePrediction:
    """What an ensemble says of one file.

    `probabilities` float32 [K] is the mean over members, `spread` float32 [K] their standard deviation (0 for one member);
    `error` says in words why there is none (then both are empty).
    """

    path: Path
    probabilities: NDArray[np.float32]
    spread: NDArray[np.float32]
    error: str = ""
    warnings: tuple[str, ...] = ()


def member(path: Path, device: torch.device) -> Member:
    """Open a run folder or a checkpoint file. Raises `RunError`, `WeightsError`, `StorageError`."""
    file = path if path.is_file() else runs.find(path).best
    if not file.exists():
        raise WeightsError(
            "This run has no trained network yet",
            where=path,
            remedy="Let it train for at least one epoch: cxr-trainer resume RUN",
        )
    classifier, header = checkpoints.load(file)
    if header.pipeline != images.PIPELINE:
        raise WeightsError(
            f"The network was trained on images of pipeline {header.pipeline}; this version makes pipeline {images.PIPELINE}",
            where=file,
            remedy="Train it again with this version.",
        )
    return Member(classifier.to(device, memory_format=torch.channels_last), header, file)  # type: ignore[call-overload]


@torch.no_grad()
def probabilities(classifier: models.Classifier, pixels: NDArray[np.uint8], task: str) -> NDArray[np.float32]:
    """Probabilities float32 [N, K] for uint8 [N, 1, S, S]: softmax (multi-class) or sigmoid (multi-label) of the logits."""
    device = next(classifier.parameters()).device
    shown = torch.from_numpy(pixels).to(device)
    logits = classifier(shown)
    values = torch.softmax(logits, 1) if task == "multi-class" else torch.sigmoid(logits)
    return np.asarray(values.cpu().numpy(), np.float32)


def on_catalog(
    classifier: models.Classifier,
    header: checkpoints.Header,
    catalog: Catalog,
    ids: NDArray[np.int64],
    *,
    progress: Progress | None = None,
) -> results.Prediction:
    """Predict catalogued images; those that cannot be read any more are left out. The classifier is put in evaluation mode."""
    cache = batches.cached(
        catalog.files(ids), size=header.size, fit=header.fit, folder=catalog.project / "cache", progress=progress
    )
    return on_cache(classifier, header, catalog, ids, cache, progress=progress)


def on_cache(
    classifier: models.Classifier,
    header: checkpoints.Header,
    catalog: Catalog,
    ids: NDArray[np.int64],
    cache: batches.Cache,
    *,
    progress: Progress | None = None,
) -> results.Prediction:
    """Predict the images `ids` whose squares lie in `cache` in the same order; unreadable ones are left out."""
    training = classifier.training
    classifier.eval()
    rows = np.flatnonzero(cache.readable)
    found = []
    for part in batches.chunks(rows, BATCH):
        found.append(probabilities(classifier, cache.take(part), header.task))
        if progress:
            progress(int(part[-1]) + 1, len(ids))
    classifier.train(training)
    kept = ids[rows]
    view, sex, age, source = (tuple(map(str, catalog.column(kept, name))) for name in results.COLUMNS)
    return results.Prediction(
        ids=kept,
        findings=header.findings,
        probabilities=np.concatenate(found) if found else np.empty((0, len(header.findings)), np.float32),
        targets=dataset.targets(catalog, kept, header.findings),
        patients=tuple(catalog.patients(kept)),
        task=header.task,
        view=view,
        sex=sex,
        age=age,
        source=source,
    )


def run(
    sources: Sequence[Path], paths: Sequence[Path], *, device: str = "auto", progress: Progress | None = None
) -> tuple[list[checkpoints.Header], Iterator[FilePrediction]]:
    """Predict files, and folders of files, with one run or several (averaged).

    A file that cannot be read gets an error in words and the others go on. Raises `RunError`, `WeightsError`, `DataError` if
    runs do not fit together or there is nothing to predict.
    """
    chosen = devices.choose(device)
    devices.prepare(0)
    members = [member(path, chosen) for path in sources]
    _compatible(members)
    todo = expanded(paths)
    return [m.header for m in members], _each(members, todo, progress)


def _each(members: Sequence[Member], paths: Sequence[Path], progress: Progress | None) -> Iterator[FilePrediction]:
    for number, path in enumerate(paths, 1):
        try:
            image = images.read(path)
            yield on_image(members, image, path)
        except ImageError as error:
            empty = np.empty(0, np.float32)
            yield FilePrediction(path, empty, empty, error=f"{error.what}. {error.remedy}".strip())
        if progress:
            progress(number, len(paths))


def on_image(members: Sequence[Member], image: images.Image, path: Path) -> FilePrediction:
    """Predict one image with each member and average the probabilities."""
    each = []
    for one in members:
        square = images.to_square(image.pixels, one.header.size, one.header.fit)
        each.append(probabilities(one.classifier, square[None, None], one.header.task)[0])
    stacked = np.stack(each)
    spread = stacked.std(0, ddof=1) if len(each) > 1 else np.zeros_like(stacked[0])
    return FilePrediction(path, stacked.mean(0), spread.astype(np.float32), warnings=image.facts.warnings)


def expanded(paths: Sequence[Path]) -> list[Path]:
    """The files, and all images of the folders, among `paths`. Raises `DataError` if something is missing or empty."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            with files.storage_in_words(path):
                walked = (p for p in path.rglob("*") if not places.is_mask(p.relative_to(path)))  # as the import does
                inside = sorted(p for p in walked if p.is_file() and images.looks_like_image(p))
            if not inside:
                raise DataError("There are no images in this folder", where=path, remedy="Give PNG, JPEG, TIFF or DICOM files.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError("There is no such file or folder", where=path, remedy="Check the path for a typing error.")
    if not found:
        raise DataError("There is nothing to predict", remedy="Give files or folders of radiographs.")
    return found


def table(headers: Sequence[checkpoints.Header], predictions: Sequence[FilePrediction]) -> str:
    """CSV text, one row per file: path, top finding, a probability (and its spread over members) per finding, error."""
    findings = headers[0].findings
    spread = len(headers) > 1
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["path", "top_finding", *findings, *([f"{f} (SD)" for f in findings] if spread else []), "error"])
    for one in predictions:
        if one.error:
            writer.writerow([one.path, "", *[""] * len(findings) * (2 if spread else 1), one.error])
            continue
        figures = [f"{p:.6f}" for p in one.probabilities] + ([f"{s:.6f}" for s in one.spread] if spread else [])
        writer.writerow([one.path, findings[int(one.probabilities.argmax())], *figures, ""])
    return out.getvalue()


def _compatible(members: Sequence[Member]) -> None:
    if not members:
        raise DataError("No run is given", remedy="Name at least one run folder or checkpoint.")
    first = members[0]
    for other in members[1:]:
        if (other.header.findings, other.header.task) != (first.header.findings, first.header.task):
            raise DataError(
                "These runs tell different findings apart and cannot be averaged",
                where=f"{first.path.parent.name}: {', '.join(first.header.findings)}; "
                f"{other.path.parent.name}: {', '.join(other.header.findings)}",
                remedy="Choose runs with the same task and findings.",
            )
