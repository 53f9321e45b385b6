"""Projects to be shown on the tour: the demo, real radiographs, one with many findings, one without images."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.trainer import judged_files
from trainer import model_card, runs
from trainer.catalog import Catalog, Entry
from trainer.results import Prediction

MANY = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged cardiomediastinum", "Fracture", "Lung lesion",
    "Lung opacity", "No finding", "Pleural effusion", "Pleural other", "Pneumonia/Viral/COVID-19", "Pneumothorax",
    "Support devices that are still in place after the operation",
)  # fmt: skip
COUNT = 1200


def trainer(*words: object) -> dict[str, object]:
    """What a verb of the trainer prints."""
    said = subprocess.run([sys.executable, "-m", "trainer", *map(str, words), "--json"], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(said.stdout))


def demo(folder: Path) -> Path:
    """The demo, made anew."""
    return Path(str(trainer("demo", folder / "demo")["project"]))


def real(folder: Path, images: Path) -> Path:
    """Real radiographs, split and trained on for a moment."""
    project = folder / "darkcovid.cxr"
    trainer("import", project, images)
    trainer("split", project)
    quick = ("model.size=96", "schedule.epochs=4", "compute.device=cpu")
    settings = [word for value in quick for word in ("--set", value)]
    run = trainer("train", project, "--recipe", "scratch", "--run", "small", *settings)["run"]
    trainer("evaluate", run)
    return project


def copied(project: Path, folder: Path) -> Path:
    """A copy of a project that the tour may change."""
    return Path(shutil.copytree(project, folder / project.name))


def empty(folder: Path) -> Path:
    """A project without images."""
    with Catalog.create(folder / "empty.cxr") as catalog:
        return catalog.project


def many_findings(folder: Path) -> Path:
    """Fourteen findings, some rare, some with long names, and a judged run with a long name; the image files are not there."""
    random = np.random.default_rng(4)
    rates = np.geomspace(0.4, 0.005, len(MANY))
    rows = []
    for number in range(COUNT):
        patient = f"patient{number // 3:05d}"
        labels = {name: int(random.random() < rate) for name, rate in zip(MANY, rates, strict=True) if random.random() < 0.9}
        place = f"a folder with a rather long name/{patient}/study1/view{number % 3}_frontal.jpg"
        about = {"view": ("AP", "PA", "lateral")[number % 3], "sex": "FM"[number // 3 % 2], "age": float(20 + number // 3 % 70)}
        source = "a hospital in a town"
        rows.append(Entry(place, f"{number:040x}", 1000, 1, 2320, 2828, patient=patient, source=source, labels=labels, **about))
    with Catalog.create(folder / "a project with many findings and a long name.cxr") as catalog:
        catalog.store(folder / "clinic", rows, findings=MANY)
        ids = catalog.ids(order="id")
        targets = catalog.labels(ids, MANY)
        patients, view, sex, age = (tuple(map(str, catalog.column(ids, one))) for one in ("patient", "view", "sex", "age"))
        parts = dict(zip(("train", "validation", "test"), np.split(ids, [800, 1000]), strict=True))
        _run(
            catalog,
            "densenet121-pretrained-oversampled-focal-2026-11-20-second-try",
            ids,
            targets,
            parts,
            (patients, view, sex, age),
        )
        return catalog.project


def _run(
    catalog: Catalog,
    name: str,
    ids: np.ndarray,
    targets: np.ndarray,
    parts: dict[str, np.ndarray],
    about: tuple[tuple[str, ...], ...],
) -> None:
    stored = {"name": "s", "digest": "d1", "rule": "by patient", "seed": 1, "parts": {k: v.tolist() for k, v in parts.items()}}
    run = runs.create(catalog.project, name, {"created": 1.7e9, "recipe": "quick", "findings": list(MANY), "seed": 1}, stored)
    run.append("finished", epochs=12, epoch=12, step=120)
    judged_files.network(run, MANY, "multi-label")
    patients, view, sex, age = about
    digest = model_card.weights_digest(run.best)
    said = judged_files.said(targets, "multi-label")
    whole = Prediction(ids, MANY, said, targets, patients, "multi-label", view=view, sex=sex, age=age, weights=digest)
    whole.take(np.flatnonzero(np.isin(ids, parts["validation"]))).save(run.predictions("validation"))
    judged_files.judge(run, "validation")
