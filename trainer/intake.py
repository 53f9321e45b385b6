"""How an import is written into the catalog: SQL for the entries of one source folder."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from trainer.records import DUPLICATE, GONE, NOT_CHEST, UNREADABLE, Entry, Ids

_COLUMNS = (
    "path", "digest", "bytes", "modified", "width", "height", "patient", "study", "view", "sex", "age", "source",
    "part_given", "facts",
)  # fmt: skip

_MANY = 2_000
"""New images from which on it pays to make the indexes anew."""


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
    sql = "INSERT OR IGNORE INTO flags (flag, image) SELECT ?, value FROM json_each(?)"
    connection.execute(sql, (name, json.dumps([int(image) for image in ids])))


def known(connection: sqlite3.Connection, folder: int) -> dict[str, Entry]:
    """Entries of a source folder by path."""
    flagged = "SELECT image FROM flags WHERE flag = ? AND image IN (SELECT id FROM images WHERE folder = ?)"
    duplicates = {image for (image,) in connection.execute(flagged, (DUPLICATE, folder))}
    gone = {image for (image,) in connection.execute(flagged, (GONE, folder))}
    labels, by_hand = _labels(connection, folder)
    beside = masks(connection, "SELECT id FROM images WHERE folder = ?", folder)
    found = {}
    sql = f"SELECT id, {', '.join(_COLUMNS)} FROM images WHERE folder = ?"  # noqa: S608 - our own names
    for number, *row in connection.execute(sql, (folder,)):
        found[row[0]] = Entry(
            **dict(zip(_COLUMNS, row, strict=True)),
            labels=labels.get(number, {}),
            masks=beside.get(number, ()),
            duplicate=number in duplicates,
            gone=number in gone,
            by_hand=frozenset(by_hand.get(number, ())),
            id=number,
        )
    return found


def masks(connection: sqlite3.Connection, images: str, value: int | str) -> dict[int, tuple[tuple[str, str], ...]]:
    """Kind and path of the masks, by image; `images` is SQL that selects the ids, with one placeholder for `value`."""
    if not _has_masks(connection):
        return {}
    sql = f"SELECT image, kind, path FROM masks WHERE image IN ({images}) ORDER BY image, kind, path"  # noqa: S608 - our own SQL
    found: dict[int, tuple[tuple[str, str], ...]] = {}
    for image, kind, path in connection.execute(sql, (value,)):
        found[image] = (*found.get(image, ()), (kind, path))
    return found


def _has_masks(connection: sqlite3.Connection) -> bool:
    """Whether there is the table: not in a project of an older version at a place where it could not be migrated."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'masks'").fetchone() is not None


def sources(connection: sqlite3.Connection) -> list[tuple[int, str, str, int, dict[str, int]]]:
    """Of each source folder: number, layout, options (JSON), images that are there, and their masks by kind."""
    there = "FROM images {} WHERE images.id NOT IN (SELECT image FROM flags WHERE flag = ?) GROUP BY folder"
    images = dict(connection.execute(f"SELECT folder, count(*) {there.format('')}", (GONE,)).fetchall())
    kinds: dict[int, dict[str, int]] = {}
    if _has_masks(connection):
        joined = there.format("JOIN masks ON masks.image = images.id")
        sql = f"SELECT folder, kind, count(*) {joined}, kind ORDER BY folder, 3 DESC, kind"
        for folder, kind, count in connection.execute(sql, (GONE,)):
            kinds.setdefault(folder, {})[kind] = count
    rows = connection.execute("SELECT id, layout, options FROM folders ORDER BY id").fetchall()
    return [(number, layout, options, images.get(number, 0), kinds.get(number, {})) for number, layout, options in rows]


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


def store(
    connection: sqlite3.Connection, source: Source, entries: Sequence[Entry], gone: Sequence[int], *, resaved: bool = False
) -> None:
    """Write entries (id 0: new), flag the images that are gone, and drop findings that nobody answers any more.

    A file with another content is another image, unless `resaved` says that it is the same radiograph saved anew.
    """
    folder = _folder(connection, source)
    entries = entries if resaved else _other_images(connection, folder, entries)
    changed, new = [entry for entry in entries if entry.id], [entry for entry in entries if not entry.id]
    _update(connection, changed)
    with _indexed_later(connection, len(new)):
        ids = [*(entry.id for entry in changed), *_insert(connection, folder, new)]
    numbered = list(zip(ids, [*changed, *new], strict=True))
    _write_labels(connection, source.findings, numbered)
    _write_masks(connection, numbered)
    text = json.dumps([*ids, *gone])
    for name in (DUPLICATE, GONE):
        connection.execute("DELETE FROM flags WHERE flag = ? AND image IN (SELECT value FROM json_each(?))", (name, text))
    flag(connection, DUPLICATE, (image for image, entry in numbered if entry.duplicate))
    flag(connection, NOT_CHEST, (image for image, entry in numbered if entry.odd))
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


def _other_images(connection: sqlite3.Connection, folder: int, entries: Sequence[Entry]) -> list[Entry]:
    """Make new images of files that hold another one than before: no answer, exclusion or part of the old one is theirs.

    The old image stays, as gone, with all that was said of it, and under its path with a note; it comes back with its content.
    """
    known = json.dumps([entry.id for entry in entries if entry.id])
    before = dict(connection.execute("SELECT id, digest FROM images WHERE id IN (SELECT value FROM json_each(?))", (known,)))
    found = []
    for entry in entries:
        digest = before.get(entry.id, entry.digest)
        if digest != entry.digest:
            connection.execute("UPDATE images SET path = ? WHERE id = ?", (_aside(entry.path, digest), entry.id))
            flag(connection, GONE, [entry.id])
            sql = "SELECT id FROM images WHERE folder = ? AND path = ?"
            back = connection.execute(sql, (folder, _aside(entry.path, entry.digest))).fetchone()
            entry = replace(entry, id=back[0] if back else 0)
        found.append(entry)
    return found


def _aside(path: str, digest: str) -> str:
    """The path under which an image is kept whose file was replaced."""
    return f"{path} (replaced, was {digest[:12]})"


_values: Callable[[Entry], tuple[Any, ...]] = attrgetter(*_COLUMNS)


@contextmanager
def _indexed_later(connection: sqlite3.Connection, new: int) -> Iterator[None]:
    """Make the indexes that only find images anew when many are in: in order that takes a third of the time."""
    if new < _MANY or new < connection.execute("SELECT count(*) FROM images").fetchone()[0]:
        yield
        return
    found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'images' AND sql LIKE 'CREATE INDEX %'"
    indexes = connection.execute(found).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, sql in indexes:
        connection.execute(sql)


def _insert(connection: sqlite3.Connection, folder: int, entries: Sequence[Entry]) -> range:
    """Insert new images; returns their ids, which follow on the highest so far."""
    first = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM images").fetchone()[0])
    numbers = range(first, first + len(entries))
    sql = f"INSERT INTO images (id, folder, {', '.join(_COLUMNS)}) VALUES (?, ?{', ?' * len(_COLUMNS)})"  # noqa: S608 - our own names
    connection.executemany(sql, ((number, folder, *_values(entry)) for number, entry in zip(numbers, entries, strict=True)))
    return numbers


def _update(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Write what is known of images anew; one that was damaged may be whole in a new content."""
    sql = "DELETE FROM flags WHERE flag = ? AND image IN (SELECT id FROM images WHERE id = ? AND digest <> ?)"
    connection.executemany(sql, ((UNREADABLE, entry.id, entry.digest) for entry in entries))
    sets = ", ".join(f"{name} = ?" for name in _COLUMNS)
    sql = f"UPDATE images SET {sets} WHERE id = ?"  # noqa: S608 - our own names
    connection.executemany(sql, ((*_values(entry), entry.id) for entry in entries))


def _write_labels(connection: sqlite3.Connection, findings: Sequence[str], numbered: Sequence[tuple[int, Entry]]) -> None:
    """Put the source's answers in place of its earlier ones; an answer that the user gave by hand stays."""
    kept = {name for _, entry in numbered if entry.id for name in entry.labels}  # of a file that is not in the table any more
    numbers = {name: finding(connection, name) for name in (*findings, *sorted(kept.difference(findings)))}
    known = json.dumps([image for image, entry in numbered if entry.id])
    connection.execute("DELETE FROM labels WHERE by_user = 0 AND image IN (SELECT value FROM json_each(?))", (known,))
    answered: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for image, entry in numbered:
        for answer in entry.labels.items():
            answered[answer].append(image)
    # One statement for each answer: `executemany` takes three times as long, and there may be millions.
    sql = "INSERT OR IGNORE INTO labels (image, finding, value) SELECT value, ?, ? FROM json_each(?)"
    for (name, value), images in answered.items():
        connection.execute(sql, (numbers[name], value, json.dumps(images)))


def _write_masks(connection: sqlite3.Connection, numbered: Sequence[tuple[int, Entry]]) -> None:
    """Put the masks that lie beside the images now in place of those that were there at the last import."""
    ids = json.dumps([image for image, entry in numbered if entry.id])
    connection.execute("DELETE FROM masks WHERE image IN (SELECT value FROM json_each(?))", (ids,))
    rows = ((image, kind, path) for image, entry in numbered for kind, path in entry.masks)
    connection.executemany("INSERT INTO masks (image, kind, path) VALUES (?, ?, ?)", rows)
