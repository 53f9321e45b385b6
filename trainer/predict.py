"""Checkpoint(s) + catalogued images or files -> probabilities. Always in fp32, so that every screen shows the same figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainer import batches, checkpoints, dataset, devices, images, models, results, runs, suitability, verdicts
from trainer.catalog import Catalog
from trainer.errors import DataError, ImageError, Progress, WeightsError
from trainer.picks import expanded
from trainer.ranks import ALONE, Team
from trainer.verdicts import FilePrediction

BATCH = 32


@dataclass(frozen=True, eq=False)
class Member:
    """One network of an ensemble with its description, ready on a device."""

    classifier: models.Classifier
    header: checkpoints.Header
    path: Path


def checkpoint(path: Path) -> Path:
    """The checkpoint that a path stands for: the best of a run folder, or the file itself. Raises `RunError`."""
    return path if path.is_file() else runs.find(path).best


def member(path: Path, device: torch.device) -> Member:
    """Open a run folder or a checkpoint file. Raises `RunError`, `WeightsError`, `StorageError`."""
    file = checkpoint(path)
    if not file.exists():
        raise WeightsError(
            "This run has no trained network yet",
            where=path,
            remedy="Let it train for at least one epoch: cxr-trainer resume RUN",
        )
    classifier, header = checkpoints.load(file)
    if header.pipeline != images.PIPELINE and (header.pipeline, images.PIPELINE) not in images.ALIKE:
        raise WeightsError(
            f"The network was trained on images of pipeline {header.pipeline}; this version makes pipeline {images.PIPELINE}",
            where=file,
            remedy="Train it again with this version.",
        )
    return Member(classifier.to(device, memory_format=torch.channels_last), header, file)  # type: ignore[call-overload]


@torch.no_grad()
def probabilities(classifier: models.Classifier, pixels: NDArray[Any], task: str) -> NDArray[np.float32]:
    """Probabilities float32 [N, K] for uint8 [N, 1, S, S], or for vectors of them.

    They are softmax (multi-class) or sigmoid (multi-label) of the logits.
    """
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
    cache = dataset.squares(catalog, ids, header.size, header.fit, progress=progress)
    return on_cache(classifier, header, catalog, ids, cache, progress=progress)


def on_cache(
    classifier: models.Classifier,
    header: checkpoints.Header,
    catalog: Catalog,
    ids: NDArray[np.int64],
    cache: batches.Source,
    *,
    team: Team = ALONE,
    progress: Progress | None = None,
) -> results.Prediction:
    """Predict the images `ids` whose squares (or vectors) lie in `cache` in the same order; unreadable ones are left out.

    Several processes take whole batches in turn, so that each image is predicted once and in the same company as by one
    process; all of them get the prediction of all images.
    """
    training = classifier.training
    classifier.eval()
    rows = np.flatnonzero(cache.readable)
    found = np.zeros((len(rows), len(header.findings)), np.float32)
    for number, places in enumerate(batches.chunks(np.arange(len(rows)), BATCH)):
        if number % team.count == team.rank:
            found[places] = probabilities(classifier, cache.take(rows[places]), header.task)
        if progress:
            progress(int(rows[places[-1]]) + 1, len(ids))
    team.add_up(torch.from_numpy(found))
    classifier.train(training)
    kept = ids[rows]
    view, sex, age, source = (tuple(map(str, catalog.column(kept, name))) for name in results.COLUMNS)
    return results.Prediction(
        ids=kept,
        findings=header.findings,
        probabilities=found,
        targets=dataset.answers(catalog, kept, dataset.of_header(header)),
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
    members = opened(sources, device=device)
    todo = expanded(paths)
    return [m.header for m in members], _each(members, todo, progress)


def opened(sources: Sequence[Path], *, device: str = "auto") -> list[Member]:
    """Open runs or checkpoints that fit together, on one device. Raises `RunError`, `WeightsError`, `DataError`."""
    chosen = devices.choose(device)
    devices.prepare(0)
    members = [member(path, chosen) for path in sources]
    _compatible(members)
    return members


def place(member: Member) -> str:
    """Where a network computes, in words."""
    return str(devices.device_label(member.classifier.mean.device))


def _each(members: Sequence[Member], paths: Sequence[Path], progress: Progress | None) -> Iterator[FilePrediction]:
    for number, path in enumerate(paths, 1):
        try:
            yield on_image(members, images.read(path), path)
        except ImageError as error:
            yield verdicts.refused(path, f"{error.what}. {error.remedy}".strip())
        if progress:
            progress(number, len(paths))


def on_image(members: Sequence[Member], image: images.Image, path: Path) -> FilePrediction:
    """Predict one image with each member and average the probabilities."""
    each = []
    for one in members:
        square = images.to_square(image.pixels, one.header.size, one.header.fit)
        each.append(probabilities(one.classifier, square[None, None], one.header.task)[0])
    stacked = np.stack(each)
    doubts = suitability.doubts(image.facts, learned([one.header for one in members]), image.pixels)
    spread = stacked.std(0, ddof=1) if len(each) > 1 else np.zeros_like(stacked[0])
    return FilePrediction(path, stacked.mean(0), spread.astype(np.float32), warnings=(*image.facts.warnings, *doubts))


def learned(headers: Sequence[checkpoints.Header]) -> str:
    """The views that all of them learned from; "" where they differ."""
    kinds = {header.views for header in headers}
    return kinds.pop() if len(kinds) == 1 else ""


def table(headers: Sequence[checkpoints.Header], predictions: Sequence[FilePrediction]) -> str:
    """CSV text of predictions (see `verdicts.table`); the spread stands in it where there are several members."""
    return verdicts.table(headers[0].findings, predictions, spread=len(headers) > 1)


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
