"""Real small bags and a real small run on a tree of findings, trained on drawn lungs: made once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.lungs import TINY
from trainer import bagging, bags, config, evaluate, runs, train
from trainer.bags import Bag
from trainer.catalog import Catalog

TREE = {"Normal": "Clear", "Lobar pneumonia": "Ill/Pneumonia", "Pleural effusion": "Ill/Effusion"}
"""Findings of the drawn lungs, and what they are called in the tree."""


def grown(project: Path) -> Path:
    """The same project with its findings as a tree."""
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        labels = catalog.labels(ids, tuple(TREE))
        for column, name in zip(labels.T, TREE.values(), strict=True):
            for value in (0, 1):
                catalog.set_labels(ids[column == value], name, value)
    return project


def settings(**changes: object) -> config.TrainConfig:
    """The tiny training, of the findings of the tree, for one epoch."""
    names = {"task.findings": ",".join(TREE.values()), "schedule.epochs": 1}
    return config.changed(config.TrainConfig(), {**TINY, **names, **changes})


@pytest.fixture(scope="session")
def _tree(_lungs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = grown(Path(shutil.copytree(_lungs, tmp_path_factory.mktemp("tree") / "lungs.cxr")))
    train.run(folder, settings(), name="fine")
    evaluate.run(folder / "runs" / "fine", on="val", draws=20)
    return folder


@pytest.fixture(scope="session")
def _bags(_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(_tree, tmp_path_factory.mktemp("bags") / "lungs.cxr"))
    bagging.run(folder, settings(), members=2, name="pair")
    bagging.run(folder, settings(), folds=2, name="halves")
    return folder


@pytest.fixture
def fine(_tree: Path, tmp_path: Path) -> runs.Run:
    """A run on a tree of two steps, evaluated on validation, in a project of this test alone."""
    return runs.Run(Path(shutil.copytree(_tree, tmp_path / "fine" / "lungs.cxr")) / "runs" / "fine")


@pytest.fixture
def pair(_bags: Path, tmp_path: Path) -> Bag:
    """A trained bag of two seeds, not evaluated, in a project of this test alone; "halves" is a bag of two folds beside it."""
    return bags.find(Path(shutil.copytree(_bags, tmp_path / "pair" / "lungs.cxr")) / "bags" / "pair")


@pytest.fixture
def halves(pair: Bag) -> Bag:
    """A trained cross-validation of two folds, not evaluated."""
    return bags.find(pair.folder.with_name("halves"))
