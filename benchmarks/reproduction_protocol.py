"""DarkCovidNet's protocol word for word: five folds over images, the best epoch on a fifth, and that same fifth reported.

Nothing is left to judge the choice of the epoch, so that these figures flatter; they are made because the published one was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reproduction_glance import whole

from trainer import pooling
from trainer.catalog import Catalog
from trainer.intervals import wilson
from trainer.results import Prediction

SPLIT = "as-published"
FOLDS = 5


def made(folder: Path, folds: str, count: int, seed: int = 1) -> list[str]:
    """Names of splits of a project that validate on the test parts of so many `folds` and learn from all other images."""
    stem = SPLIT if seed == 1 else f"{SPLIT}-{seed}"
    names = [f"{stem}-fold{number}" for number in range(1, count + 1)]
    with Catalog.open(folder) as catalog:
        there = set(catalog.splits())
        for number, name in enumerate(names, 1):
            if name in there:
                continue
            split = catalog.split(f"{folds}-fold{number}")
            learned = np.sort(np.concatenate([split.parts["train"], split.parts["validation"]]))
            parts = {"train": learned, "validation": split.parts["test"]}
            catalog.add_splits([replace(split, name=name, parts=parts, digest=f"{SPLIT}-{split.digest}", warnings=())])
    return names


def judged(evaluate: Callable[[Path], Mapping[str, Any]], made: Sequence[Path], divisions: int = 1) -> dict[str, Any]:
    """Accuracy of each fold, and of all images together with Wilson's interval; of bags also the mean over single networks.

    Of several `divisions` of the same images the folds stand one after another; the accuracy is the mean over divisions, with
    the interval of one: they do not make more images of them.
    """
    told = [evaluate(one) for one in made]
    found = [whole(one) for one in told]
    counts = np.array([one["confusion"]["counts"] for one in found])
    alone = [one["mean"]["accuracy"] for one in told if "mean" in one]
    return _figures(found[0]["confusion"]["findings"], counts, alone, divisions)


def averaged(each: Sequence[Prediction]) -> dict[str, Any]:
    """The same of the mean of several networks' probabilities for the same images, which are all of all folds."""
    mean, _ = pooling.averaged(each)
    counts = [_confusion(one) for one in (mean, *each)]
    return _figures(mean.findings, np.array(counts[:1]), [_accuracy(one) for one in counts[1:]])


def _figures(findings: Sequence[str], counts: NDArray[np.int64], alone: Sequence[float], divisions: int = 1) -> dict[str, Any]:
    """`counts` [folds, K, K]: truth by what was called; `alone`: accuracies of single networks."""
    each = [_accuracy(one.sum(0)) for one in np.array_split(counts, divisions)]
    images = int(counts.sum()) // divisions
    accuracy = float(np.mean(each))
    low, high = wilson(accuracy, images)
    return {
        "folds": [_accuracy(one) for one in counts] if len(counts) > 1 else [],
        "divisions": each if divisions > 1 else [],
        "images": images,
        "accuracy": {"value": accuracy, "low": low, "high": high},
        "alone": float(np.mean(alone)) if alone else None,
        "confusion": {"findings": list(findings), "counts": counts.sum(0).tolist()},
    }


def _accuracy(counts: NDArray[np.int64]) -> float:
    return float(np.trace(counts) / counts.sum())


def _confusion(one: Prediction) -> NDArray[np.int64]:
    """Counts [K, K] of truth by the largest probability."""
    counts = np.zeros((len(one.findings),) * 2, np.int64)
    np.add.at(counts, (one.targets.argmax(1), one.probabilities.argmax(1)), 1)
    return counts
