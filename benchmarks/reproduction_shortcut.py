"""What size, shape and file type of an image alone would score: how far the answer can be had without looking at lungs."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from reproduction_data import Row
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
TREES = 200


def stored(row: Row) -> list[float]:
    """Width, height, shape, bytes and grey or colour of the file as it lies here: what its network could know."""
    with Image.open(row.file) as image:
        width, height, grey = image.width, image.height, float(image.mode == "L")
    return [width, height, math.log(width / height), math.log(row.file.stat().st_size), grey]


def original(row: Row) -> list[float]:
    """Width, height, shape, colours and type of the file that it was made from."""
    width, height, mode, kind = row.original
    return [
        width,
        height,
        math.log(width / height),
        *(float(mode == one) for one in ("L", "RGB", "RGBA")),
        float(kind == "PNG"),
    ]


def scores(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Five-fold accuracy and macro F1 of a logistic regression and a random forest, by image and by patient."""
    truth = np.array([row.label for row in rows])
    rare = min(np.bincount(np.unique(truth, return_inverse=True)[1]))
    each = np.arange(len(rows))
    numbers = {"": 0}
    patients = np.array([numbers.setdefault(row.patient, len(numbers)) if row.patient else -n for n, row in enumerate(rows, 1)])
    found = []
    for what, features in (("as stored here", stored), ("of the originals", original)):
        given = np.array([features(row) for row in rows])
        for divided, groups in (("images", each), ("patients", patients)):
            folds = StratifiedGroupKFold(int(min(FOLDS, rare)), shuffle=True, random_state=1)
            models = {
                "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
                "random forest": RandomForestClassifier(TREES, random_state=1),
            }
            for model, estimator in models.items():
                said = cross_val_predict(estimator, given, truth, groups=groups, cv=folds)
                found.append(
                    {
                        "files": what,
                        "divided": divided,
                        "model": model,
                        "accuracy": float(accuracy_score(truth, said)),
                        "macro_f1": float(f1_score(truth, said, average="macro", zero_division=0)),
                    }
                )
    return found
