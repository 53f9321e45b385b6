"""DarkCovidNet's protocol word for word: five folds over images, the best epoch on a fifth, and that same fifth reported.

Nothing is left to judge the choice of the epoch, so that these figures flatter; they are made because the published one was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from reproduction_glance import whole

from trainer.catalog import Catalog
from trainer.intervals import wilson

SPLIT = "as-published"
FOLDS = 5


def made(folder: Path, folds: str, count: int) -> list[str]:
    """Names of splits of a project that validate on the test parts of so many `folds` and learn from all other images."""
    names = [f"{SPLIT}-fold{number}" for number in range(1, count + 1)]
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


def judged(evaluate: Callable[[Path], Mapping[str, Any]], made: Sequence[Path]) -> dict[str, Any]:
    """Accuracy of each fold, and of all images together with Wilson's interval; of bags also the mean over single networks."""
    told = [evaluate(one) for one in made]
    found = [whole(one) for one in told]
    counts = np.array([one["confusion"]["counts"] for one in found])
    right, images = int(np.trace(counts.sum(0))), int(counts.sum())
    low, high = wilson(right / images, images)
    alone = [one["mean"]["accuracy"] for one in told if "mean" in one]
    return {
        "folds": [float(np.trace(one) / one.sum()) for one in counts],
        "images": images,
        "accuracy": {"value": right / images, "low": low, "high": high},
        "alone": float(np.mean(alone)) if alone else None,
        "confusion": {"findings": found[0]["confusion"]["findings"], "counts": counts.sum(0).tolist()},
    }
