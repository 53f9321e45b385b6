"""Small sources, catalogs and projects. What takes long is made once; each test gets its own copy of the project."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainer import bagging, bags, config, importer, phantom, split, train
from trainer.bags import Bag
from trainer.catalog import Catalog

from .makers import draw, entry

FINDINGS = ("Normal", "Lobar pneumonia", "Pleural effusion")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    return folder


@pytest.fixture
def classes(source: Path) -> Path:
    """Two findings with three images each."""
    draw(source, *(f"{finding}/{number}.png" for finding in ("Covid", "Normal") for number in range(3)))
    return source


@pytest.fixture
def catalog(tmp_path: Path, source: Path) -> Iterator[Catalog]:
    """Six images: patients p0, p0, p1, p1, "", ""; views PA, AP, PA, AP, PA, AP; COVID-19 stated for the first four only."""
    with Catalog.create(tmp_path / "small.cxr") as made:
        rows = [
            entry(
                number,
                patient=("p0", "p0", "p1", "p1", "", "")[number],
                view=("PA", "AP")[number % 2],
                age=None if number == 5 else 60.0 - number,
                labels={"Normal": number % 2} | ({"COVID-19": int(number == 0)} if number < 4 else {}),
            )
            for number in range(6)
        ]
        made.store(source, rows, findings=("Normal", "COVID-19"), layout="by hand")
        yield made


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 drawn radiographs of 64 px with three findings; OUT/images/FINDING/NAME.png and masks."""
    out = tmp_path_factory.mktemp("drawn") / "drawn"
    phantom.run(out, images=48, findings=FINDINGS, size=64, seed=3)
    return out


@pytest.fixture(scope="session")
def _project(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("project") / "lungs.cxr"
    importer.run(project, [drawn])
    with Catalog.open(project) as catalog:
        split.run(catalog, test=0.25, val=0.25, seed=1)
    return project


@pytest.fixture
def project(_project: Path, tmp_path: Path) -> Path:
    """A project with a split, of this test alone."""
    return Path(shutil.copytree(_project, tmp_path / "lungs.cxr"))


@pytest.fixture(scope="session")
def tiny() -> config.TrainConfig:
    """Settings that train in a second."""
    return config.changed(
        config.TrainConfig(),
        {
            "model.backbone": "cxr_small",
            "model.weights": "none",
            "model.size": 64,
            "schedule.epochs": 2,
            "schedule.warmup": 0,
            "compute.batch": 8,
            "compute.precision": "fp32",
            "compute.device": "cpu",
            "compute.threads": 1,
            "optimiser.lr": 3e-3,
        },
    )


@pytest.fixture(scope="session")
def _trained(_project: Path, tiny: config.TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("trained") / "lungs.cxr"))
    train.run(project, tiny, name="first")
    return project


@pytest.fixture
def trained(_trained: Path, tmp_path: Path) -> Path:
    """Folder of a finished run in a project of this test alone."""
    return Path(shutil.copytree(_trained, tmp_path / "lungs.cxr")) / "runs" / "first"


@pytest.fixture(scope="session")
def small(tiny: config.TrainConfig) -> config.TrainConfig:
    """One epoch of 32 px: members of bags."""
    return config.changed(tiny, {"model.size": 32, "schedule.epochs": 1})


@pytest.fixture(scope="session")
def _bagged(_project: Path, small: config.TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("bagged") / "lungs.cxr"))
    return bagging.run(project, small, members=3, name="three", recipe="scratch").bag


@pytest.fixture
def bag(_bagged: Path, tmp_path: Path) -> Bag:
    """A trained bag of three seeds in a project of this test alone."""
    return bags.find(Path(shutil.copytree(_bagged.parent.parent, tmp_path / "bagged" / "lungs.cxr")) / "bags" / "three")


@pytest.fixture(scope="session")
def _crossed(_project: Path, small: config.TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("crossed") / "lungs.cxr"))
    return bagging.run(project, small, folds=3, name="cv").bag


@pytest.fixture
def crossed(_crossed: Path, tmp_path: Path) -> Bag:
    """A trained cross-validation of three folds in a project of this test alone."""
    return bags.find(Path(shutil.copytree(_crossed.parent.parent, tmp_path / "crossed" / "lungs.cxr")) / "bags" / "cv")
