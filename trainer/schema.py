"""The catalog's SQLite file: its tables, its versions, and SQLite's refusals in words."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from trainer.errors import BusyError, DataError, StorageError

APPLICATION_ID = 0x43585231  # "CXR1", in the header of every catalog
BUSY_SECONDS = 5.0

_FIRST = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE folders (
    id INTEGER PRIMARY KEY,
    root TEXT NOT NULL UNIQUE,         -- absolute
    relative TEXT NOT NULL DEFAULT '', -- from the project folder: both may move together
    layout TEXT NOT NULL DEFAULT '',   -- as recognised, in words
    options TEXT NOT NULL DEFAULT '{}' -- how it was imported, JSON
);
CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    folder INTEGER NOT NULL REFERENCES folders (id),
    path TEXT NOT NULL,                -- from the folder, with forward slashes
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,         -- nanoseconds since the epoch
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    patient TEXT NOT NULL,
    study TEXT NOT NULL,
    view TEXT NOT NULL,
    sex TEXT NOT NULL,
    age REAL,
    source TEXT NOT NULL,
    part_given TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '',    -- what the file itself says, JSON
    excluded INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX images_by_path ON images (folder, path);
CREATE INDEX images_by_digest ON images (digest);
CREATE INDEX images_by_patient ON images (patient);
CREATE INDEX images_by_view ON images (view);
CREATE INDEX images_by_sex ON images (sex);
CREATE INDEX images_by_age ON images (age);
CREATE INDEX images_by_source ON images (source);
CREATE INDEX images_by_part_given ON images (part_given);
CREATE INDEX images_excluded ON images (excluded) WHERE excluded = 1;
CREATE TABLE findings (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE labels (
    image INTEGER NOT NULL REFERENCES images (id),
    finding INTEGER NOT NULL REFERENCES findings (id),
    value INTEGER NOT NULL CHECK (value IN (-1, 0, 1)), -- -1: the user took the label away; otherwise no row
    by_user INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (image, finding)
) WITHOUT ROWID;
CREATE INDEX labels_by_finding ON labels (finding, value, image);
CREATE TABLE flags (
    flag TEXT NOT NULL,
    image INTEGER NOT NULL REFERENCES images (id),
    PRIMARY KEY (flag, image)
) WITHOUT ROWID;
CREATE INDEX flags_by_image ON flags (image);
CREATE TABLE splits (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seed INTEGER NOT NULL,
    rule TEXT NOT NULL,
    folds INTEGER NOT NULL,
    fold INTEGER,
    digest TEXT NOT NULL,
    warnings TEXT NOT NULL             -- JSON
);
CREATE TABLE split_images (
    split INTEGER NOT NULL REFERENCES splits (id) ON DELETE CASCADE,
    image INTEGER NOT NULL REFERENCES images (id),
    part TEXT NOT NULL,
    PRIMARY KEY (split, image)
) WITHOUT ROWID;
CREATE INDEX split_images_by_part ON split_images (split, part, image);
"""

_SECOND = """
CREATE TABLE masks (
    image INTEGER NOT NULL REFERENCES images (id),
    kind TEXT NOT NULL,                -- lung, left lung, right lung, lesion, mask
    path TEXT NOT NULL,                -- from the image's folder, with forward slashes
    PRIMARY KEY (image, kind, path)
) WITHOUT ROWID;
"""

STEPS: tuple[str, ...] = (_FIRST, _SECOND)
"""Step n leads from schema version n to n + 1."""


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn SQLite's refusals into `StorageError` and `DataError`; faults of our own SQL pass through."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        refusal = _refusal(error, path)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: sqlite3.DatabaseError, path: Path) -> DataError | StorageError | None:
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return DataError("The project's catalog is damaged", where=path, remedy="Restore the project folder from a copy.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        what, remedy = "Another program is writing to this project", "Wait until it has finished, then try again."
        return BusyError(what, where=path, remedy=remedy)
    words = {
        sqlite3.SQLITE_FULL: ("The disk is full", "Free some space, then try again."),
        sqlite3.SQLITE_READONLY: ("The project cannot be written to", "Copy it to a place that you may write to."),
        sqlite3.SQLITE_CANTOPEN: ("The project's catalog cannot be opened", "Check that you may read and write its folder."),
        sqlite3.SQLITE_PERM: ("No permission for the project's catalog", "Check that you may read and write its folder."),
        sqlite3.SQLITE_IOERR: ("The disk reports a fault", "Copy the project to another disk, then try again."),
    }.get(code)
    if code == sqlite3.SQLITE_IOERR and _full(path):  # SQLite's word for a full disk where it maps its shared memory
        words = ("The disk is full", "Free some space, then try again.")
    return StorageError(words[0], where=path, remedy=words[1]) if words else None


def _full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < 2**16
    except OSError:
        return False


def connect(path: Path, *, steps: Sequence[str] = STEPS) -> sqlite3.Connection:
    """Open a catalog file (made anew where there is none or an empty one), migrated to the newest version.

    WAL, synchronous=FULL (an acknowledged commit outlives a power cut), foreign keys. A file on a disk that cannot be
    written to opens for reading. Raises `DataError` (damaged, of another program, of a newer version) and `StorageError`.
    """
    connection = _opened(path, "rwc")
    try:
        with in_words(path):
            if not _writable(connection):
                connection.close()
                connection = _opened(path, "ro&immutable=1")
            else:
                _set_up(connection, path, steps)
            _check(connection, path, len(steps))
        return connection
    except BaseException:
        connection.close()
        raise


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(path.as_posix())}?mode={mode}"
    with in_words(path):
        return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _writable(connection: sqlite3.Connection) -> bool:
    """Try a write transaction that changes nothing; a catalog in WAL mode cannot even be read where this fails."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        if code not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY):
            raise
        # Another program is writing just now; reading goes on meanwhile.
        return code == sqlite3.SQLITE_BUSY
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")
    return True


def _set_up(connection: sqlite3.Connection, path: Path, steps: Sequence[str]) -> None:
    fresh = _is_fresh(connection)
    if not fresh:
        _check_owner(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    version = _pragma(connection, "user_version")
    if version < len(steps):
        if not fresh:
            _back_up(connection, path, version)
        _migrate(connection, steps)


def _is_fresh(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] and not _pragma(
        connection, "user_version"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise DataError("The catalog belongs to another program", where=path, remedy="Choose a project made by CXR Desktop.")


def _check(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    _check_owner(connection, path)
    version = _pragma(connection, "user_version")
    if version > newest:
        raise DataError(
            f"The project was made by a newer CXR Desktop (catalog version {version}, this one knows {newest})",
            where=path,
            remedy="Update CXR Desktop, then open it again.",
        )


def _migrate(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Take all missing steps in one transaction; a kill or an error on the way leaves the old version."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again inside the transaction: another process may have migrated meanwhile.
        for step in steps[_pragma(connection, "user_version") :]:
            for statement in step.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {max(len(steps), _pragma(connection, 'user_version'))}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Copy the catalog to catalog.sqlite.v1.backup (v1: its version) beside it, whole or not at all."""
    backup = path.with_name(f"{path.name}.v{version}.backup")
    temporary = path.with_name(f".{backup.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(temporary),))
        temporary.replace(backup)
    except OSError as error:
        raise StorageError(
            f"No backup could be made: {error.strerror}", where=backup, remedy="Make room, then try again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
