"""What a person says of images by hand: SQL for labels, exclusion and flags, each with what is needed to take it back."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trainer.records import Answers, Ids

_ASKED = "(SELECT value FROM json_each(?))"
_AT_ONCE = 2_000
"""Images in one statement: while their numbers are written as text, no other thread of the process gets on."""


def answers(connection: sqlite3.Connection, finding: str, ids: Sequence[int] | Ids) -> Answers:
    """Everything that is stored of a finding for images, as it is now."""
    asked = np.unique(np.asarray(ids, dtype=np.int64))
    number = _number(connection, finding)
    sql = f"SELECT image, value, by_user FROM labels WHERE finding = ? AND image IN {_ASKED} ORDER BY image"  # noqa: S608
    found = [np.empty((0, 3), dtype=np.int64)]
    for text in _texts(asked) if number else ():
        found.append(np.array(connection.execute(sql, (number, text)).fetchall(), dtype=np.int64).reshape(-1, 3))
    table = np.concatenate(found)
    return Answers(finding, bool(number), asked, table[:, 0], table[:, 1].astype(np.int8), table[:, 2].astype(np.bool_))


def answer(connection: sqlite3.Connection, finding: str, ids: Ids, value: int) -> None:
    """Answer a finding for images by hand; a finding that is not there yet is added."""
    connection.execute("INSERT OR IGNORE INTO findings (name) VALUES (?)", (finding,))
    number = _number(connection, finding)
    for text in _texts(ids):
        connection.execute(
            "INSERT INTO labels (image, finding, value, by_user) SELECT value, ?, ?, 1 FROM json_each(?) WHERE true "
            "ON CONFLICT (image, finding) DO UPDATE SET value = excluded.value, by_user = 1",
            (number, value, text),
        )


def restore(connection: sqlite3.Connection, before: Answers) -> None:
    """Put the answers of one finding back as they were; a finding that was not there, and is answered nowhere else, goes."""
    connection.execute("INSERT OR IGNORE INTO findings (name) VALUES (?)", (before.finding,))
    number = _number(connection, before.finding)
    for text in _texts(before.asked):
        connection.execute(f"DELETE FROM labels WHERE finding = ? AND image IN {_ASKED}", (number, text))  # noqa: S608
    sql = "INSERT INTO labels (image, finding, value, by_user) SELECT value, ?, ?, ? FROM json_each(?)"
    for value in np.unique(before.values).tolist():
        for by_hand in (False, True):
            for text in _texts(before.images[(before.values == value) & (before.by_hand == by_hand)]):
                connection.execute(sql, (number, value, int(by_hand), text))
    if not before.known:
        unanswered = "NOT EXISTS (SELECT 1 FROM labels WHERE finding = findings.id)"
        connection.execute(f"DELETE FROM findings WHERE id = ? AND {unanswered}", (number,))  # noqa: S608


def exclude(connection: sqlite3.Connection, ids: Ids, excluded: bool) -> Ids:
    """Leave images out, or take them in again; returns those that stood otherwise before."""
    sql = f"UPDATE images SET excluded = ? WHERE excluded <> ? AND id IN {_ASKED} RETURNING id"  # noqa: S608
    return _changed(connection, sql, (int(excluded), int(excluded)), ids)


def flag(connection: sqlite3.Connection, ids: Ids, name: str) -> Ids:
    """Put a flag on images; returns those that did not have it."""
    sql = "INSERT OR IGNORE INTO flags (flag, image) SELECT ?, value FROM json_each(?) WHERE true RETURNING image"
    return _changed(connection, sql, (name,), ids)


def unflag(connection: sqlite3.Connection, ids: Ids, name: str) -> Ids:
    """Take a flag off images; returns those that had it."""
    sql = f"DELETE FROM flags WHERE flag = ? AND image IN {_ASKED} RETURNING image"  # noqa: S608
    return _changed(connection, sql, (name,), ids)


def _changed(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...], ids: Ids) -> Ids:
    """Run a statement on images, its last value; returns the ids that it gives back, ascending."""
    found = [image for text in _texts(ids) for (image,) in connection.execute(sql, (*values, text)).fetchall()]
    return np.sort(np.array(found, dtype=np.int64))


def flag_names(connection: sqlite3.Connection) -> list[str]:
    """Every flag that any image has. From one name to the next, because a flag may be on a million images."""
    sql = (
        "WITH RECURSIVE names (flag) AS (SELECT min(flag) FROM flags UNION ALL "
        "SELECT (SELECT min(flag) FROM flags WHERE flags.flag > names.flag) FROM names WHERE names.flag IS NOT NULL) "
        "SELECT flag FROM names WHERE flag IS NOT NULL"
    )
    return [name for (name,) in connection.execute(sql)]


def _number(connection: sqlite3.Connection, finding: str) -> int:
    """Number of a finding, 0 if there is none of that name."""
    row = connection.execute("SELECT id FROM findings WHERE name = ?", (finding,)).fetchone()
    return int(row[0]) if row else 0


def _texts(ids: Ids) -> Iterator[str]:
    """Ids as JSON arrays, which SQLite reads as tables."""
    for start in range(0, len(ids), _AT_ONCE):
        yield str(ids[start : start + _AT_ONCE].tolist())
