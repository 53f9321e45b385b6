"""How an import is written into the catalog: SQL for the entries of one source folder."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.records import DUPLICATE, GONE, Entry, Ids

_COLUMNS = (
    "path", "digest", "bytes", "modified", "width", "height", "patient", "study", "view", "sex", "age", "source",
    "part_given", "facts",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A source folder: its number (0: new), absolute path, path from the project, layout in words, options (JSON), findings."""

    folder: int
    root: str
    relative: str
    layout: str
    options: str
    findings: tuple[str, ...]


def finding(connection: sqlite3.Connection, name: str) -> int:
    """Number of a finding, which is added if it is new."""
    connection.execute("INSERT OR IGNORE INTO findings (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM findings WHERE name = ?", (name,)).fetchone()[0])


def flag(connection: sqlite3.Connection, name: str, ids: Iterable[int] | Ids) -> None:
    """Put a flag on images."""
    connection.executemany("INSERT OR IGNORE INTO flags (flag, image) VALUES (?, ?)", ((name, int(image)) for image in ids))


def known(connection: sqlite3.Connection, folder: int) -> dict[str, Entry]:
    """Entries of a source folder by path."""
    flagged = "SELECT image FROM flags WHERE flag = ? AND image IN (SELECT id FROM images WHERE folder = ?)"
    duplicates = {image for (image,) in connection.execute(flagged, (DUPLICATE, folder))}
    gone = {image for (image,) in connection.execute(flagged, (GONE, folder))}
    labels, by_hand = _labels(connection, folder)
    found = {}
    sql = f"SELECT id, {', '.join(_COLUMNS)} FROM images WHERE folder = ?"  # noqa: S608 - our own names
    for number, *row in connection.execute(sql, (folder,)):
        found[row[0]] = Entry(
            **dict(zip(_COLUMNS, row, strict=True)),
            labels=labels.get(number, {}),
            duplicate=number in duplicates,
            gone=number in gone,
            by_hand=frozenset(by_hand.get(number, ())),
            id=number,
        )
    return found


def _labels(connection: sqlite3.Connection, folder: int) -> tuple[dict[int, dict[str, int]], dict[int, list[str]]]:
    """The source's answers and the names of the user's, by image."""
    sql = (
        "SELECT labels.image, findings.name, labels.value, by_user FROM images JOIN labels ON labels.image = images.id "
        "JOIN findings ON findings.id = labels.finding WHERE folder = ?"
    )
    labels: dict[int, dict[str, int]] = {}
    by_hand: dict[int, list[str]] = {}
    for image, name, value, by_user in connection.execute(sql, (folder,)):
        if by_user:
            by_hand.setdefault(image, []).append(name)
        else:
            labels.setdefault(image, {})[name] = value
    return labels, by_hand


def store(connection: sqlite3.Connection, source: Source, entries: Sequence[Entry], gone: Sequence[int]) -> None:
    """Write entries (id 0: new), flag the images that are gone, and drop findings that nobody answers any more."""
    folder = _folder(connection, source)
    changed, new = [entry for entry in entries if entry.id], [entry for entry in entries if not entry.id]
    _update(connection, changed)
    ids = [*(entry.id for entry in changed), *_insert(connection, folder, new)]
    numbered = list(zip(ids, [*changed, *new], strict=True))
    _write_labels(connection, source.findings, numbered)
    text = json.dumps([*ids, *gone])
    for name in (DUPLICATE, GONE):
        connection.execute("DELETE FROM flags WHERE flag = ? AND image IN (SELECT value FROM json_each(?))", (name, text))
    flag(connection, DUPLICATE, (image for image, entry in numbered if entry.duplicate))
    flag(connection, GONE, gone)
    connection.execute("DELETE FROM findings WHERE NOT EXISTS (SELECT 1 FROM labels WHERE finding = findings.id)")


def _folder(connection: sqlite3.Connection, source: Source) -> int:
    values = (source.root, source.relative, source.layout, source.options)
    if source.folder:
        sql = "UPDATE folders SET root = ?, relative = ?, layout = ?, options = ? WHERE id = ?"
        connection.execute(sql, (*values, source.folder))
        return source.folder
    sql = "INSERT INTO folders (root, relative, layout, options) VALUES (?, ?, ?, ?) RETURNING id"
    return int(connection.execute(sql, values).fetchone()[0])


def _values(entry: Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in _COLUMNS)


def _insert(connection: sqlite3.Connection, folder: int, entries: Sequence[Entry]) -> range:
    """Insert new images; returns their ids, which follow on the highest so far."""
    first = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM images").fetchone()[0])
    numbers = range(first, first + len(entries))
    sql = f"INSERT INTO images (id, folder, {', '.join(_COLUMNS)}) VALUES (?, ?{', ?' * len(_COLUMNS)})"  # noqa: S608 - our own names
    connection.executemany(sql, ((number, folder, *_values(entry)) for number, entry in zip(numbers, entries, strict=True)))
    return numbers


def _update(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    sets = ", ".join(f"{name} = ?" for name in _COLUMNS)
    sql = f"UPDATE images SET {sets} WHERE id = ?"  # noqa: S608 - our own names
    connection.executemany(sql, ((*_values(entry), entry.id) for entry in entries))


def _write_labels(connection: sqlite3.Connection, findings: Sequence[str], numbered: Sequence[tuple[int, Entry]]) -> None:
    """Put the source's answers in place of its earlier ones; an answer that the user gave by hand stays."""
    kept = {name for _, entry in numbered if entry.id for name in entry.labels}  # of a file that is not in the table any more
    numbers = {name: finding(connection, name) for name in (*findings, *sorted(kept.difference(findings)))}
    ids = json.dumps([image for image, _ in numbered])
    connection.execute("DELETE FROM labels WHERE by_user = 0 AND image IN (SELECT value FROM json_each(?))", (ids,))
    rows = ((image, numbers[name], value) for image, entry in numbered for name, value in entry.labels.items())
    connection.executemany("INSERT OR IGNORE INTO labels (image, finding, value) VALUES (?, ?, ?)", rows)
