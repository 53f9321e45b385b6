"""What was dropped is recognised: projects open, folders and tables are imported, everything else is reviewed."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl

from cxr_desktop import drops
from trainer import tables
from trainer.catalog import Catalog


@pytest.fixture
def world(tmp_path: Path) -> Path:
    with Catalog.create(tmp_path / "lungs.cxr"):
        pass
    run = tmp_path / "lungs.cxr" / "runs" / "first"
    run.mkdir(parents=True)
    for name in ("config.json", "split.json"):
        (run / name).write_text("{}")
    (tmp_path / "lungs.cxr" / "bags" / "three").mkdir(parents=True)
    (tmp_path / "lungs.cxr" / "bags" / "three" / "bag.json").write_text("{}")
    (tmp_path / "clinic").mkdir()
    for name in ("chest.png", "chest.dcm", "noextension", "labels.csv", "labels.TSV"):
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lungs.cxr", drops.PROJECT),
        ("lungs.cxr/catalog.sqlite", drops.PROJECT),
        ("lungs.cxr/runs/first", drops.RUN),
        ("lungs.cxr/bags/three", drops.RUN),
        ("clinic", drops.IMPORT),
        ("labels.csv", drops.IMPORT),
        ("labels.TSV", drops.IMPORT),
        ("chest.png", drops.REVIEW),
        ("chest.dcm", drops.REVIEW),
        ("noextension", drops.REVIEW),
        ("gone.png", drops.REVIEW),
    ],
)
def test_one_thing(world: Path, name: str, kind: str) -> None:
    assert drops.understood([world / name]) == drops.Dropped(kind, (world / name,))


def test_every_table_that_an_import_reads_is_imported() -> None:
    assert set(drops.TABLES) == set(tables.SUFFIXES)
    assert drops.understood([Path("labels.csv.gz")]).kind == drops.IMPORT
    assert drops.understood([Path("chest.dcm.gz")]).kind == drops.REVIEW


def test_several_things_of_one_kind_go_together(world: Path) -> None:
    assert drops.understood([world / "clinic", world / "labels.csv"]).paths == (world / "clinic", world / "labels.csv")
    assert drops.understood([world / "chest.png", world / "chest.dcm"]).kind == drops.REVIEW


def test_what_is_left_out_is_named(world: Path) -> None:
    found = drops.understood([world / "chest.png", world / "lungs.cxr", world / "clinic"])
    assert found.kind == drops.PROJECT
    assert found.left_out == (world / "chest.png", world / "clinic")


def test_only_one_project_opens(world: Path) -> None:
    found = drops.understood([world / "lungs.cxr", world / "lungs.cxr" / "runs" / "first"])
    assert found == drops.Dropped(drops.PROJECT, (world / "lungs.cxr",), (world / "lungs.cxr" / "runs" / "first",))


def test_nothing_is_nothing() -> None:
    assert drops.understood([]) == drops.Dropped(drops.NOTHING, ())


def test_only_files_of_this_computer_are_taken_from_a_drag(world: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/chest.png"), QUrl.fromLocalFile(str(world / "chest.png"))])
    assert drops.paths(data) == [world / "chest.png"]
    data = QMimeData()
    data.setText("only words")
    assert drops.paths(data) == []
