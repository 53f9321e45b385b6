"""Where sources are now: texts of either system, moved along with the project, and never a folder only because of its name."""

import os
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from trainer import roots
from trainer.catalog import Catalog
from trainer.roots import Move

from .makers import entry


def lay(root: Path, *numbers: int, more: int = 0) -> None:
    """Files as `makers.entry` describes them; `more` bytes make them others."""
    for number in numbers:
        path = root / f"a/{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100 + number + more))


@pytest.mark.parametrize(
    ("root", "kind"),
    [
        ("C:\\data\\a", PureWindowsPath),
        ("e:/data", PureWindowsPath),
        ("\\\\server\\share\\x", PureWindowsPath),
        ("/data/a", PurePosixPath),
        ("//server/x", PurePosixPath),
    ],
)
def test_a_root_is_a_path_of_the_system_that_stored_it(root: str, kind: type) -> None:
    assert type(roots.pure(root)) is kind
    ours = kind is (PureWindowsPath if os.name == "nt" else PurePosixPath)
    assert ours or not roots.is_there(root)


def test_a_folder_of_another_system_is_never_here_by_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "C:\\data").mkdir()
    assert roots.is_there(str(tmp_path))
    assert os.name == "nt" or not roots.is_there("C:\\data")


@pytest.mark.parametrize(
    ("old", "new", "other", "first"),
    [
        ("E:\\data\\a", "/mnt/f/data/a", "e:\\DATA\\b", "/mnt/f/data/b"),
        ("E:\\data\\a", "/mnt/stick/data/a", "E:\\more\\c", "/mnt/stick/more/c"),
        ("/mnt/x/a", "/media/renamed", "/mnt/x/b", "/media/b"),
        ("/mnt/x/a", "/media/x/a", "E:\\data\\b", None),
        ("/mnt/x/a", "/media/x/a", "/mnt/x/a", None),
    ],
)
def test_another_source_is_looked_for_where_it_moved_in_the_same_way(old: str, new: str, other: str, first: str | None) -> None:
    found = roots.parallel(roots.pure(old), Path(new), roots.pure(other))
    assert found[:1] == ([Path(first)] if first else [])


def test_a_table_in_the_source_moves_along() -> None:
    new = Path("/mnt/f/data")
    assert roots.carried({"table": "E:\\data\\x\\labels.csv"}, "E:\\data", new) == {"table": str(new / "x/labels.csv")}
    for table in ("", "E:\\other\\labels.csv"):
        assert roots.carried({"table": table}, "E:\\data", new) == {"table": table}
    assert roots.carried({}, "E:\\data", new) == {}


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, Path]:
    """A project and its source beside each other in here/, and a copy of both in there/."""
    here, there = tmp_path / "here", tmp_path / "there"
    lay(here / "images", 1, 2, 3)
    with Catalog.create(here / "p.cxr") as catalog:
        catalog.store(here / "images", [entry(number) for number in (1, 2, 3)])
    shutil.copytree(here, there)
    return here, there


def place(project: Path) -> tuple[Path, bool]:
    with Catalog.open(project) as catalog:
        (one,) = catalog.whereabouts()
        assert catalog.folders() == [one.folder]
        return one.folder, one.there


def test_what_moved_along_is_read_there_and_else_the_old_place(world: tuple[Path, Path]) -> None:
    here, there = world
    assert place(there / "p.cxr") == (here / "images", True)  # both are the same: the one that was imported
    shutil.rmtree(here)
    assert place(there / "p.cxr") == (there / "images", True)


def test_another_dataset_at_the_old_place_is_not_mistaken(world: tuple[Path, Path]) -> None:
    here, there = world
    lay(here / "images", 1, 2, 3, more=7)
    assert place(there / "p.cxr") == (there / "images", True)
    assert place(here / "p.cxr") == (here / "images", False)


def test_another_dataset_of_the_same_name_beside_the_project_is_not_mistaken(world: tuple[Path, Path]) -> None:
    here, there = world
    lay(there / "images", 1, 2, 3, more=7)
    assert place(there / "p.cxr") == (here / "images", True)
    shutil.rmtree(here / "images")
    assert place(there / "p.cxr") == (here / "images", False)


def test_a_project_of_another_system_is_told_apart_and_moved(world: tuple[Path, Path]) -> None:
    _, there = world
    foreign = "/mnt/data" if os.name == "nt" else "E:\\data"
    with Catalog.open(there / "p.cxr") as catalog:
        catalog.move([Move(1, Path(foreign))])
        catalog._connection.execute("UPDATE folders SET relative = ''")
        (one,) = catalog.whereabouts()
        assert (one.root, one.images, one.there) == (foreign, 3, False)
        assert str(catalog.files(catalog.ids()[:1])[0][0]).startswith(foreign)
        catalog.move([Move(1, there / "images", gone=[1], paths=[(2, "a/004.png"), (3, "a/002.png")], times=[(2, 5)])])
        lay(there / "images", 4, more=-2)
        (one,) = catalog.whereabouts()
        assert (one.root, one.images, one.there) == (str(there / "images"), 2, True)
        assert catalog.column([2, 3], "path") == ["a/004.png", "a/002.png"]
        assert [file.modified for file in catalog.source_files(1)] == [1001, 1003, 5]
        catalog.move([Move(1, there / "images", back=[1])])
        assert len(catalog.ids()) == 3


def test_two_sources_may_change_places(tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "p.cxr") as catalog:
        for number, name in enumerate("ab"):
            catalog.store(tmp_path / name, [entry(number)], options={"table": str(tmp_path / name / "t.csv")})
        catalog.move([Move(1, tmp_path / "b"), Move(2, tmp_path / "a")])
        assert catalog.folders() == [tmp_path / "b", tmp_path / "a"]
        assert catalog.options(tmp_path / "b") == {"table": str(tmp_path / "b" / "t.csv")}
