"""A small set of drawn lungs, its project and a judged run: made once, and each test gets a copy of its own."""

import shutil
from pathlib import Path

import pytest

FINDINGS = ("Normal", "Lobar pneumonia", "Pleural effusion")
TINY = {
    "model.backbone": "cxr_small",
    "model.weights": "none",
    "model.size": 32,
    "schedule.epochs": 2,
    "schedule.warmup": 0,
    "compute.batch": 8,
    "compute.precision": "fp32",
    "compute.device": "cpu",
    "compute.threads": 1,
    "optimiser.lr": 3e-3,
}


@pytest.fixture(scope="session")
def _drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainer import phantom

    out = tmp_path_factory.mktemp("drawn") / "drawn"
    phantom.run(out, images=30, findings=FINDINGS, size=64, seed=3)
    return out


@pytest.fixture
def drawn(_drawn: Path, tmp_path: Path) -> Path:
    """Folder with 30 drawn radiographs of 64 px with three findings: images/FINDING/NAME.png, masks, manifest.csv."""
    return Path(shutil.copytree(_drawn, tmp_path / "drawn"))


@pytest.fixture(scope="session")
def _lungs(_drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainer import importer, split
    from trainer.catalog import Catalog

    folder = tmp_path_factory.mktemp("lungs") / "lungs.cxr"
    importer.run(folder, [_drawn])
    with Catalog.open(folder) as catalog:
        split.run(catalog, test=0.3, val=0.3, seed=1)
    return folder


@pytest.fixture
def lungs(_lungs: Path, tmp_path: Path) -> Path:
    """A project of 30 images with a split, closed. The images are shared by all tests: do not change the files."""
    return Path(shutil.copytree(_lungs, tmp_path / "lungs.cxr"))


@pytest.fixture(scope="session")
def _judged(_lungs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainer import config, evaluate, train

    folder = Path(shutil.copytree(_lungs, tmp_path_factory.mktemp("judged") / "lungs.cxr"))
    train.run(folder, config.changed(config.TrainConfig(), TINY), name="first", recipe="scratch")
    evaluate.run(folder / "runs" / "first", on="val")
    return folder


@pytest.fixture
def run_folder(_judged: Path, tmp_path: Path) -> Path:
    """Folder of a finished run, evaluated on validation, in a project of this test alone."""
    return Path(shutil.copytree(_judged, tmp_path / "judged" / "lungs.cxr")) / "runs" / "first"
