"""Judged runs in milliseconds: the files that training and evaluation leave, made from drawn numbers without torch."""

from pathlib import Path

import numpy as np
import safetensors.numpy

from trainer import judgement, model_card, runs
from trainer.catalog import Catalog, Entry
from trainer.model_card import Header, Origin
from trainer.results import Prediction

from .makers import draw

FINDINGS = {"multi-class": ("Normal", "Pneumonia", "Pneumonia/Viral"), "multi-label": ("Effusion", "Nodule", "Rare")}
IMAGES = 90
"""Of 45 patients; by thirds validation, test and train."""


def project(folder: Path, task: str) -> Path:
    """A catalog of small drawn images with labels, views, sexes and ages."""
    names, random = FINDINGS[task], np.random.default_rng(1)
    source, entries = folder / "clinic", []
    for number in range(IMAGES):
        path = f"image-{number:02d}.png"
        draw(source, path)
        if task == "multi-class":
            labels = {name: int(place == number % 3) for place, name in enumerate(names)}
        else:
            labels = {name: int(random.random() < 0.4) for name in names[:2]} | ({names[2]: 0} if number % 2 else {})
        content = (source / path).read_bytes()
        about = {"view": "PA" if number % 4 else "AP", "sex": "FM"[number // 2 % 2], "age": 20.0 + number // 2}
        digest = runs.files.digest(content)
        entries.append(Entry(path, digest, len(content), 1, 6, 8, patient=f"P{number // 2}", labels=labels, **about))  # type: ignore[arg-type]
    with Catalog.create(folder / "lungs.cxr") as catalog:
        catalog.store(source, entries, findings=names)
        return catalog.project


def judged_run(folder: Path, task: str, *, name: str = "first", test: bool = False) -> runs.Run:
    """A run that was evaluated on validation, and on the test part if `test`."""
    place = folder / "lungs.cxr"
    place = place if place.is_dir() else project(folder, task)
    names = FINDINGS[task]
    with Catalog.open(place) as catalog:
        ids = catalog.ids(order="id")
        targets = catalog.labels(ids, names)
        patients, view, sex, age = (tuple(map(str, catalog.column(ids, one))) for one in ("patient", "view", "sex", "age"))
    parts = {"validation": ids[:30], "test": ids[30:60], "train": ids[60:]}
    split = {"name": "s", "digest": "d1", "rule": "by patient", "seed": 1, "parts": {k: v.tolist() for k, v in parts.items()}}
    run = runs.create(place, name, {"created": 1.0, "recipe": "quick", "findings": list(names), "seed": 1}, split)
    network(run, names, task)
    whole = Prediction(
        ids, names, said(targets, task), targets, patients, task, view=view, sex=sex, age=age,
        weights=model_card.weights_digest(run.best),
    )  # fmt: skip
    for part in ("validation", "test") if test else ("validation",):
        whole.take(np.flatnonzero(np.isin(ids, parts[part]))).save(run.predictions(part))
    judge(run, "validation")
    if test:
        runs.record_opening(run.project, run.name, "d1")
        judge(run, "test")
    return run


def said(targets: np.ndarray, task: str) -> np.ndarray:
    """Probabilities that are right more often than not."""
    scores = np.random.default_rng(2).normal(2.0 * (targets == 1), 1.2)
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True) if task == "multi-class" else 1 / (1 + np.exp(1 - scores))
    return p.astype(np.float32)


def network(run: runs.Run, names: tuple[str, ...], task: str, weight: float = 1.0) -> None:
    """A checkpoint that describes itself but holds one number only; without thresholds."""
    header = Header("cxr_small", names, task, 32, "pad", 0.0, 1, split_digest="d1", run=run.name)
    weights = {"weight": np.array([weight], np.float32), "odd": np.arange(3, dtype=np.int8)}
    safetensors.numpy.save_file(weights, run.best, metadata={model_card.KEY: header.to_text()})


def judge(run: runs.Run, part: str, draws: int = 20) -> None:
    """Evaluate kept predictions, with thresholds chosen on validation and put into the checkpoint."""
    validation = Prediction.load(run.predictions("validation"))
    thresholds = judgement.choose_thresholds(validation)
    origins = dict.fromkeys(thresholds, Origin("youden"))
    model_card.set_thresholds(run.best, thresholds, origins)
    judgement.evaluate(
        Prediction.load(run.predictions(part)),
        thresholds,
        run=run.name,
        part=part,
        test_openings=runs.openings(run.project, "d1"),
        draws=draws,
        notes=judgement.notes(run, part, validation, thresholds, origins),
    ).save(run.evaluation(part))
