"""The images of one run: which stand in which part, what is known of them, and their pixels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from trainer import batches, config, images
from trainer.catalog import Catalog
from trainer.errors import DataError, Progress
from trainer.truths import findings, targets, unfit, usable

__all__ = ["Part", "check", "findings", "fingerprint", "frequencies", "part", "targets", "unfit", "unreadable", "usable"]


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one part that can be learned from or judged: ids int64 [N], targets int8 [N, K], squares in the same order."""

    ids: NDArray[np.int64]
    targets: NDArray[np.int8]
    cache: batches.Cache

    def batch(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pixels uint8 [n, 1, S, S], targets float32 [n, K] (not stated: 0), stated bool [n, K]."""
        targets = torch.from_numpy(self.targets[rows])
        return torch.from_numpy(self.cache.take(rows)), targets.clamp_min(0).float(), targets >= 0


def part(
    catalog: Catalog,
    ids: NDArray[np.int64],
    names: Sequence[str],
    settings: config.TrainConfig,
    *,
    progress: Progress | None = None,
) -> Part:
    """Read the images `ids` that the task can use; those that cannot be read any more are left out. Raises `StorageError`."""
    present = np.intersect1d(ids, catalog.ids())  # excluded or removed since the split was made
    answers = catalog.labels(present, names)
    kept = usable(answers, settings.task.kind)
    present, answers = present[kept], answers[kept]
    cache = batches.cached(
        catalog.files(present),
        size=settings.model.size,
        fit=cast("images.Fit", settings.model.fit),
        folder=catalog.project / "cache",
        progress=progress,
    )
    readable = cache.readable
    return Part(present[readable], answers[readable], cache.only(readable))


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
