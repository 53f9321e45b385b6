"""Predictions of several networks as one: averaged where all saw the same images, pooled where each saw images of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import files, metrics
from trainer.errors import DataError
from trainer.results import COLUMNS, Prediction

Floats = NDArray[np.float64]


def averaged(each: Sequence[Prediction]) -> tuple[Prediction, NDArray[np.float32]]:
    """The mean of the probabilities on the images that all have predicted, and the SD (n - 1) between them, float32 [N, K].

    Raises `DataError` where they tell different findings apart or share no image.
    """
    _check(each)
    shared = reduce(np.intersect1d, [one.ids for one in each])
    if not len(shared):
        raise DataError("The members have no image in common that all have predicted")
    taken = [one.take(_rows(one.ids, shared)) for one in each]
    stacked = np.stack([one.probabilities for one in taken]).astype(np.float64)
    spread = stacked.std(0, ddof=1) if len(each) > 1 else np.zeros_like(stacked[0])
    mean = stacked.mean(0).astype(np.float32).clip(0, 1)
    return replace(taken[0], probabilities=mean, weights=digest([one.weights for one in each])), spread.astype(np.float32)


def pooled(each: Sequence[Prediction]) -> Prediction:
    """All images with the one prediction that each has, one member after the other. Raises `DataError` if one has several."""
    _check(each)
    ids = np.concatenate([one.ids for one in each])
    if len(np.unique(ids)) != len(ids):
        raise DataError(
            "Some images stand in the test part of several folds and cannot be pooled",
            remedy="Use the folds of one division: each image is tested exactly once.",
        )
    columns: dict[str, Any] = {name: tuple(value for one in each for value in getattr(one, name)) for name in COLUMNS}
    full: dict[str, Any] = {name: column if len(column) == len(ids) else () for name, column in columns.items()}
    return replace(
        each[0],
        ids=ids,
        probabilities=np.concatenate([one.probabilities for one in each]),
        targets=np.concatenate([one.targets for one in each]),
        patients=tuple(patient for one in each for patient in one.patients),
        weights=digest([one.weights for one in each]),
        **full,
    )


def thresholds_of_images(each: Sequence[Prediction], thresholds: Sequence[Mapping[str, float]]) -> Floats:
    """float64 [N, K]: for each image of `pooled` the thresholds of the network that predicted it."""
    rows = [np.array([levels[name] for name in one.findings], np.float64) for one, levels in zip(each, thresholds, strict=True)]
    return np.repeat(np.array(rows), [len(one.ids) for one in each], axis=0)


def mean_spread(spread: NDArray[np.float32], findings: Sequence[str]) -> dict[str, float]:
    """The mean over images of the SD between members, by finding."""
    return {name: float(value) for name, value in zip(findings, spread.mean(0, dtype=np.float64), strict=True)}


def disagreement(each: Sequence[Prediction], thresholds: Sequence[Mapping[str, float]]) -> float:
    """Share of the shared images on which the members do not all decide alike: by the largest probability (multi-class), or
    by each member's own thresholds (multi-label).
    """
    shared = reduce(np.intersect1d, [one.ids for one in each])
    decided = [_decisions(one.take(_rows(one.ids, shared)), own) for one, own in zip(each, thresholds, strict=True)]
    differs = np.zeros(len(shared), dtype=bool)
    for other in decided[1:]:
        differs |= (other != decided[0]).any(1)
    return float(differs.mean())


def _decisions(prediction: Prediction, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """What is called, bool [N, K]."""
    if prediction.task == "multi-class":
        return np.asarray(prediction.probabilities.argmax(1)[:, None] == np.arange(len(prediction.findings)))
    return metrics.decisions(prediction.probabilities, [thresholds[name] for name in prediction.findings])


def _rows(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of `wanted` stands in `ids`."""
    order = np.argsort(ids)
    return np.asarray(order[np.searchsorted(ids, wanted, sorter=order)], np.int64)


def digest(weights: Sequence[str]) -> str:
    """Identity of several networks' weights, of which each is known by its own digest."""
    return files.digest("\n".join(weights).encode())


def _check(each: Sequence[Prediction]) -> None:
    if any((one.findings, one.task) != (each[0].findings, each[0].task) for one in each[1:]):
        raise DataError("These predictions tell different findings apart and cannot be put together")
