"""How well a bag does: each member beside the whole, mean and spread over members, and the file of it. Without torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from trainer import files
from trainer.bags import FOLDS, Bag
from trainer.errors import DataError
from trainer.model_card import Origin
from trainer.results import Evaluation, Figure, built, plain

SD_OVER_FOLDS = (
    "The SD (n - 1) is over folds: how much a figure moves from fold to fold. It is no confidence interval, as the folds share "
    "most of their training images (Bengio & Grandvalet 2004); the intervals come from drawing patients of the pooled "
    "predictions."
)
SD_OVER_SEEDS = (
    "The SD (n - 1) is over members: how much a figure moves with the seed alone, on the same images. It says nothing about "
    "other patients; the intervals do."
)


@dataclass(frozen=True)
class MemberResult:
    """One member on its part: its run, seed, split, number of images, and headline figures with intervals."""

    number: int
    run: str
    seed: int
    split: str
    images: int
    metrics: Mapping[str, Figure]


@dataclass(frozen=True)
class BagEvaluation:
    """A bag on a part; the names of the fields are the keys of `evaluate --json`.

    `kind` is "seeds" (`evaluation` is that of the averaged probabilities) or "folds" (of the pooled ones, each image by the
    network that has not learned from it; on another project averaged too). `mean` and `sd` (n - 1; nan where not defined) are
    over members. `spread` is the mean over images of the SD of each finding's probability between members, and `disagreement`
    the share of images on which not all members decide alike; empty and nan where each image was predicted once.
    """

    bag: str
    kind: str
    part: str
    members: tuple[MemberResult, ...]
    mean: Mapping[str, float]
    sd: Mapping[str, float]
    spread: Mapping[str, float]
    disagreement: float
    evaluation: Evaluation

    @property
    def averaged(self) -> bool:
        """Whether `evaluation` is that of averaged probabilities, not of pooled ones."""
        return bool(self.spread)

    def words(self) -> str:
        """What the SD over members is, and what it is not."""
        return SD_OVER_FOLDS if self.kind == FOLDS else SD_OVER_SEEDS

    def to_json(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers; null where a figure is not defined."""
        stored: dict[str, Any] = plain(self)
        return stored

    def save(self, path: Path) -> None:
        """Write it as JSON, atomically. Raises `StorageError`."""
        files.write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of `save`. Raises `StorageError`, or `DataError` if it is damaged."""
        stored = files.read_json(path)
        try:
            found: Self = built(cls, stored)
        except (KeyError, TypeError, ValueError) as error:
            remedy = "Make it again by evaluating the bag."
            raise DataError(f"This is no evaluation of a bag, or it is damaged: {error}", where=path, remedy=remedy) from error
        return found


@dataclass(frozen=True)
class Thresholds:
    """What a bag of seeds decides by: thresholds of the averaged prediction, where they came from, and of which members."""

    thresholds: Mapping[str, float]
    origins: Mapping[str, Origin]
    weights: str


def over_members(members: Sequence[MemberResult]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and standard deviation (n - 1) of each headline figure over members; nan where one of them has none."""
    mean, sd = {}, {}
    for name in members[0].metrics:
        values = np.array([one.metrics[name].value for one in members], np.float64)
        mean[name] = float(values.mean())
        sd[name] = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return mean, sd


def thresholds_of(bag: Bag) -> Thresholds | None:
    """The thresholds that were chosen for the averaged prediction, None before. Raises `DataError`, `StorageError`."""
    if not files.is_file(bag.thresholds):
        return None
    found = files.read_json(bag.thresholds)
    try:
        levels = {str(name): float(value) for name, value in found["thresholds"].items()}
        origins = {str(name): Origin(**origin) for name, origin in found["origins"].items()}
        if not all(0 <= level <= 1 for level in levels.values()):
            raise ValueError("a threshold lies from 0 to 1")
        return Thresholds(levels, origins, str(found["weights"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "Delete it and evaluate the bag again."
        raise DataError("The bag's thresholds are damaged", where=bag.thresholds, remedy=remedy) from error
