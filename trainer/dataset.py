"""The images of one run: which stand in which part, what is known of them, and their pixels."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from trainer import batches, config, images
from trainer.catalog import Catalog
from trainer.errors import DataError, Progress, StorageError, command_line
from trainer.records import NOT_CHEST, UNREADABLE, Filter
from trainer.truths import (
    answers,
    asked,
    check_views,
    findings,
    in_view,
    of_header,
    of_task,
    targets,
    unfit,
    usable,
    views_left_out,
)

__all__ = [
    "Part",
    "answers",
    "asked",
    "check",
    "check_views",
    "findings",
    "fingerprint",
    "frequencies",
    "of_header",
    "of_task",
    "part",
    "squares",
    "targets",
    "unfit",
    "unlike",
    "unreadable",
    "usable",
    "views_left_out",
]

NAMED = 3
"""Files that a sentence names."""


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one part that can be learned from or judged: ids int64 [N], targets int8 [N, K], images in the same order."""

    ids: NDArray[np.int64]
    targets: NDArray[np.int8]
    cache: batches.Source

    def batch(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pixels uint8 [n, 1, S, S] (or vectors), targets float32 [n, K] (not stated: 0), stated bool [n, K]."""
        targets = torch.from_numpy(self.targets[rows])
        return torch.from_numpy(self.cache.take(rows)), targets.clamp_min(0).float(), targets >= 0


def part(
    catalog: Catalog,
    ids: NDArray[np.int64],
    names: Sequence[str],
    settings: config.TrainConfig,
    *,
    decode: bool = True,
    progress: Progress | None = None,
) -> Part:
    """Read the images `ids` that the task can use; those that cannot be read any more are left out. Raises `StorageError`.

    Without `decode` nothing is written: what does not lie in the cache yet is left out.
    """
    present, answers = asked(catalog, ids, of_task(settings.task, names))
    cache = squares(
        catalog, present, settings.model.size, cast("images.Fit", settings.model.fit), decode=decode, progress=progress
    )
    readable = cache.readable
    return Part(present[readable], answers[readable], cache.only(readable))


def squares(
    catalog: Catalog,
    ids: NDArray[np.int64],
    size: int,
    fit: images.Fit,
    *,
    decode: bool = True,
    progress: Progress | None = None,
) -> batches.Cache:
    """Squares of images from the project's cache. Those whose pixels are damaged get a flag, and lose it when they can be read.

    Those that do not look like frontal chest radiographs get one when they are decoded for the first time. Raises
    `StorageError`, but not where a flag cannot be written: that is no reason to stop.
    """
    files = catalog.files(ids)
    cache = batches.cached(files, size=size, fit=fit, folder=catalog.project / "cache", decode=decode, progress=progress)
    if not decode:
        return cache
    flagged = catalog.ids(Filter(flag=UNREADABLE, excluded=None, gone=None))
    damaged = ids[[digest in cache.damaged for _, digest in files]] if cache.damaged else ids[:0]
    wrong, missing = np.intersect1d(flagged, ids[cache.readable]), np.setdiff1d(damaged, flagged)
    with suppress(StorageError):
        if len(wrong):
            catalog.remove_flag(wrong, UNREADABLE)
        if len(missing):
            catalog.add_flag(missing, UNREADABLE)
        if cache.odd:
            odd = ids[[digest in cache.odd for _, digest in files]]
            catalog.add_flag(odd[in_view(catalog, odd, config.FRONTAL_VIEWS)], NOT_CHEST)  # a lateral is known to be one
    return cache


def frequencies(answers: NDArray[np.int8], names: Sequence[str]) -> dict[str, float]:
    """Share of yes among the stated answers, per finding; findings that nobody states are left out."""
    stated = (answers >= 0).sum(0)
    return {name: float(yes / count) for name, yes, count in zip(names, (answers == 1).sum(0), stated, strict=True) if count}


def fingerprint(parts: Mapping[str, Part]) -> str:
    """Digest of ids and labels, to tell whether a resumed run still sees the same data."""
    seen = hashlib.blake2b(digest_size=20)
    for name in sorted(parts):
        seen.update(name.encode())
        seen.update(np.ascontiguousarray(parts[name].ids).tobytes())
        seen.update(np.ascontiguousarray(parts[name].targets).tobytes())
    return seen.hexdigest()


def check(parts: Mapping[str, Part], names: Sequence[str], project: Path) -> None:
    """Refuse data that nothing can be learned from. Raises `DataError`."""
    for name in ("train", "validation"):
        if not len(parts[name].ids):
            if failed := parts[name].cache.failures:
                raise DataError(
                    f"None of the {len(failed)} images of the {name} part can be read; the first: {failed[0][1]}",
                    where=failed[0][0],
                    remedy=f"If they were moved, say where they are now: {command_line('relocate', project, 'NEW')}",
                )
            raise DataError(
                f"The {name} part has no image that can be used for {', '.join(names)}",
                where=project,
                remedy="Make another split: cxr-trainer split PROJECT --val 0.1 --test 0.2",
            )
    present = [name for name, column in zip(names, parts["train"].targets.T, strict=True) if (column == 1).any()]
    if not present:
        raise DataError("No training image has any of the findings", where=project, remedy="Make another split.")


def unreadable(parts: Mapping[str, Part]) -> list[str]:
    """Sentences on the images that were left out because they cannot be read any more."""
    told: list[str] = []
    for name, one in parts.items():
        failed: Sequence[tuple[Any, str]] = one.cache.failures
        if failed:
            first, why = failed[0]
            told.append(f"{len(failed)} {name} images were left out, the first: {first} ({why}).")
    return told


def unlike(catalog: Catalog, parts: Mapping[str, Part]) -> list[str]:
    """Sentences on the images that are flagged as no chest radiographs; nothing is left out for that."""
    flagged = catalog.ids(Filter(flag=NOT_CHEST))
    told = []
    for name, one in parts.items():
        odd = np.intersect1d(one.ids, flagged)
        if len(odd):
            one_of = "image does not look like a frontal chest radiograph and is"
            many = "images do not look like frontal chest radiographs and are"
            first = ", ".join(path.name for path, _ in catalog.files(odd[:NAMED]))
            words = f"{len(odd)} {name} {one_of if len(odd) == 1 else many} used all the same"
            told.append(f"{words}; flagged '{NOT_CHEST}' in the dataset, the first: {first}.")
    return told
