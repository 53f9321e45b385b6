"""The catalog's file: versions, foreign files, damage, read-only places."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from trainer import schema
from trainer.catalog import Catalog, Entry
from trainer.errors import DataError, StorageError

ADDED = "ALTER TABLE images ADD COLUMN note TEXT NOT NULL DEFAULT '';\nCREATE INDEX images_by_note ON images (note);\n"
FIRST_VERSION = """
INSERT INTO folders (id, root, layout, options) VALUES (1, 'ROOT', 'as it was', '{"layout": "auto"}');
INSERT INTO images
(id, folder, path, digest, bytes, modified, width, height, patient, study, view, sex, age, source, part_given)
VALUES (7, 1, 'a.png', 'd', 1, 2, 3, 4, 'P1', '', 'PA', 'F', 61.5, 'here', '');
INSERT INTO findings VALUES (1, 'Mass');
INSERT INTO labels VALUES (7, 1, 1, 1);
INSERT INTO flags VALUES ('odd', 7);
INSERT INTO splits VALUES (1, 's', 1, 'by hand', 0, NULL, 'd', '[]');
INSERT INTO split_images VALUES (1, 7, 'test');
INSERT INTO settings VALUES ('split', 's');
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Catalog.create(tmp_path / "p.cxr") as catalog:
        catalog.store(tmp_path, [Entry("a.png", "d" * 40, 1, 2, 3, 4)])
        return catalog.project


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_how_the_file_is_kept(project: Path) -> None:
    with Catalog.open(project) as catalog:
        connection = catalog._connection
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == 2
        assert pragma(connection, "foreign_keys") == 1
        assert pragma(connection, "user_version") == len(schema.STEPS)
        assert pragma(connection, "application_id") == schema.APPLICATION_ID


def test_every_column_of_a_filter_has_an_index(project: Path) -> None:
    with Catalog.open(project) as catalog:
        for column in ("patient", "view", "sex", "age", "source", "part_given", "digest"):
            plan = catalog._connection.execute(
                f"EXPLAIN QUERY PLAN SELECT id FROM images WHERE {column} = ?", ("x",)
            ).fetchall()
            assert "COVERING INDEX" in plan[0][3], column


def test_a_migration_makes_a_backup_first(project: Path) -> None:
    schema.connect(project / "catalog.sqlite", steps=(*schema.STEPS, ADDED)).close()
    newest = len(schema.STEPS)
    backup = project / f"catalog.sqlite.v{newest}.backup"
    for path, version, columns in ((project / "catalog.sqlite", newest + 1, {"note"}), (backup, newest, set())):
        connection = sqlite3.connect(path)
        assert pragma(connection, "user_version") == version
        assert columns == {"note"} & {row[1] for row in connection.execute("PRAGMA table_info(images)")}
        assert connection.execute("SELECT path FROM images").fetchall() == [("a.png",)]
        connection.close()
    assert sorted(path.name for path in project.iterdir()) == ["catalog.sqlite", backup.name]


def test_a_project_of_the_first_version_opens_and_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "p.cxr"
    folder.mkdir()
    first = schema.connect(folder / "catalog.sqlite", steps=schema.STEPS[:1])
    first.executescript(FIRST_VERSION.replace("ROOT", str(tmp_path)))
    first.close()
    read = []
    for writable in (False, True):  # first on a disk that cannot be written to, where no migration is possible
        monkeypatch.setattr(schema, "_writable", lambda _, writable=writable: writable)
        with Catalog.open(folder) as catalog:
            (record,) = catalog.records([7])
            assert (record.path, record.patient) == (tmp_path / "a.png", "P1")
            assert (record.labels, record.flags) == ({"Mass": 1}, ("odd",))
            assert catalog.split().parts["test"].tolist() == [7]
            assert catalog.masks([7]) == {}
            assert [(s.root, s.layout, s.options, s.images, s.masks) for s in catalog.sources()] == [
                (tmp_path, "as it was", {"layout": "auto"}, 1, {})
            ]
            read.append(catalog.known(tmp_path)["a.png"])
    assert read[0] == read[1]
    backup = sqlite3.connect(folder / "catalog.sqlite.v1.backup")
    assert pragma(backup, "user_version") == 1
    backup.close()
    with Catalog.open(folder) as catalog:
        catalog.store(tmp_path, [replace(read[1], masks=(("lung", "m/a.png"),))], findings=("Mass",))
        assert catalog.masks([7]) == {7: (("lung", tmp_path / "m" / "a.png"),)}


def test_a_migration_that_fails_leaves_the_old_version(project: Path) -> None:
    broken = ADDED + "ALTER TABLE nowhere ADD COLUMN x;\n"
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        schema.connect(project / "catalog.sqlite", steps=(*schema.STEPS, broken))
    with Catalog.open(project) as catalog:
        assert pragma(catalog._connection, "user_version") == len(schema.STEPS)
        assert catalog.column([1], "path") == ["a.png"]


def test_a_backup_that_cannot_be_made_stops_the_migration(project: Path) -> None:
    (project / f"catalog.sqlite.v{len(schema.STEPS)}.backup").mkdir()
    with pytest.raises(StorageError, match="No backup could be made"):
        schema.connect(project / "catalog.sqlite", steps=(*schema.STEPS, ADDED))
    with Catalog.open(project) as catalog:
        assert pragma(catalog._connection, "user_version") == len(schema.STEPS)
    assert not list(project.glob(".*.tmp"))


def test_a_newer_catalog_says_to_update(project: Path) -> None:
    schema.connect(project / "catalog.sqlite", steps=(*schema.STEPS, ADDED)).close()
    version = len(schema.STEPS) + 1
    with pytest.raises(DataError, match=rf"newer CXR Desktop \(catalog version {version}.*Update CXR Desktop"):
        Catalog.open(project)


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    project = tmp_path / "p.cxr"
    project.mkdir()
    other = sqlite3.connect(project / "catalog.sqlite")
    other.execute("CREATE TABLE birds (name)")
    other.commit()
    other.close()
    before = (project / "catalog.sqlite").read_bytes()
    with pytest.raises(DataError, match="belongs to another program"):
        Catalog.open(project)
    assert (project / "catalog.sqlite").read_bytes() == before
    assert [path.name for path in project.iterdir()] == ["catalog.sqlite"]


@pytest.mark.parametrize("content", [b"no database at all, only text " * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_what_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    project = tmp_path / "p.cxr"
    project.mkdir()
    (project / "catalog.sqlite").write_bytes(content)
    with pytest.raises(DataError, match=r"damaged.*Restore"):
        Catalog.open(project)
    assert (project / "catalog.sqlite").read_bytes() == content


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "p.cxr") as catalog:
        catalog.store(tmp_path, [Entry(f"{n:05d}.png", f"{n:040x}", 1, 2, 3, 4) for n in range(5000)])
    path = tmp_path / "p.cxr" / "catalog.sqlite"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"), Catalog.open(tmp_path / "p.cxr") as catalog:
        catalog.records(catalog.ids())


def test_an_empty_file_left_by_a_kill_becomes_a_catalog(tmp_path: Path) -> None:
    project = tmp_path / "p.cxr"
    project.mkdir()
    (project / "catalog.sqlite").touch()
    with Catalog.open(project) as catalog:
        assert list(catalog.ids()) == []


def test_names_with_odd_signs(tmp_path: Path) -> None:
    project = tmp_path / "what? 100% #1 ü'\".cxr"
    with Catalog.create(project) as catalog:
        assert catalog.counts().images == 0
    assert (project / "catalog.sqlite").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [project.name]


def test_a_place_that_cannot_be_written_to_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_writable", lambda _: False)
    with Catalog.open(project) as catalog:
        assert catalog.column([1], "path") == ["a.png"]
        with pytest.raises(StorageError, match="cannot be written to"):
            catalog.set_excluded([1], True)


def test_our_own_faults_stay_faults(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), schema.in_words(tmp_path):
        sqlite3.connect(":memory:").execute("SELECT * FROM nothing")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        schema.connect(tmp_path / "nowhere" / "catalog.sqlite")
