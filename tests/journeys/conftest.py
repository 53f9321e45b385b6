"""The terminal as a user has it, and disks that are full or read-only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from trainer import cli, config, importer, phantom, split, train
from trainer.catalog import Catalog

from .window import walk  # noqa: F401 - the fixture of the window's journeys

FINDINGS = ("Normal", "Tuberculosis")
TINY = {
    "model.backbone": "cxr_small",
    "model.weights": "none",
    "model.size": 64,
    "schedule.epochs": 1,
    "compute.batch": 8,
    "compute.precision": "fp32",
    "compute.device": "cpu",
    "compute.threads": 1,
}
TINY_OPTIONS = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Terminal = Callable[..., Said]


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Type a command in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def typed(*words: object) -> Said:
        capsys.readouterr()
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as ended:  # argparse ends the process by itself
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return typed


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with drawn/ (24 images), lungs.cxr (imported, split) and its run "first"."""
    folder = tmp_path_factory.mktemp("world")
    phantom.run(folder / "drawn", images=24, findings=FINDINGS, size=64, seed=5)
    importer.run(folder / "lungs.cxr", [folder / "drawn"])
    with Catalog.open(folder / "lungs.cxr") as catalog:
        split.run(catalog, test=0.25, val=0.25, seed=1)
    train.run(folder / "lungs.cxr", config.changed(config.TrainConfig(), TINY), name="first")
    return folder


@pytest.fixture
def world(_world: Path, tmp_path: Path) -> Path:
    """The test's own copy of drawn/ and lungs.cxr, in the folder that the terminal stands in."""
    for name in ("drawn", "lungs.cxr"):
        shutil.copytree(_world / name, tmp_path / name)
    return tmp_path


def _mounted(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, which only root can make."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    _mounted(folder, "size=2m")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Make a folder read-only, for root too."""
    locked: list[Path] = []

    def lock(folder: Path) -> None:
        if sys.platform == "linux" and os.geteuid() == 0:
            subprocess.run(["mount", "--bind", folder, folder], check=True, capture_output=True)
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True, capture_output=True)
        else:
            for path in [folder, *folder.rglob("*")]:
                path.chmod(path.stat().st_mode & ~0o222)
        locked.append(folder)

    yield lock
    for folder in locked:
        if sys.platform == "linux" and os.geteuid() == 0:
            subprocess.run(["umount", folder], check=True)
        else:
            for path in [folder, *folder.rglob("*")]:
                path.chmod(path.stat().st_mode | 0o200)
