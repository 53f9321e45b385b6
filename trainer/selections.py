"""Many images in a few numbers: SQL that counts what they have in common."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import numpy as np

from trainer.records import NO, YES, Ids, Selection

_ASKED = "json_each(?) AS asked CROSS JOIN"
"""CROSS: the images asked for lead; otherwise SQLite goes through the whole table."""


def described(connection: sqlite3.Connection, ids: Sequence[int] | Ids) -> Selection:
    """Count findings, flags and facts of images; ids that are not there are left out."""
    text = str(np.unique(np.asarray(ids, dtype=np.int64)).tolist())
    sql = (
        "SELECT count(*), coalesce(sum(excluded), 0), count(DISTINCT nullif(patient, '')), coalesce(sum(patient = ''), 0), "  # noqa: S608
        f"min(age), max(age), count(age) FROM {_ASKED} images ON images.id = asked.value"
    )
    images, excluded, patients, unknown, youngest, oldest, aged = connection.execute(sql, (text,)).fetchone()
    flags = connection.execute(
        f"SELECT flag, count(*) FROM {_ASKED} flags ON flags.image = asked.value GROUP BY flag ORDER BY flag",  # noqa: S608
        (text,),
    )
    return Selection(
        images=images,
        excluded=excluded,
        patients=patients,
        patient_unknown=unknown,
        answers=_answers(connection, text, images),
        flags=dict(flags.fetchall()),
        values={name: _values(connection, text, name) for name in ("view", "sex", "source", "part_given")}
        | {"part": _parts(connection, text, images)},
        age=(youngest, oldest) if aged else None,
        age_unknown=images - aged,
    )


def added(one: Selection, other: Selection, patients: int) -> Selection:
    """Two selections without a common image, of so many different patients, as one."""
    ages = [age for found in (one, other) if found.age for age in found.age]
    answers = {
        name: tuple(a + b for a, b in zip(one.answers.get(name, (0, 0, one.images, 0)), counts, strict=True))
        for name, counts in other.answers.items()
    }
    return Selection(
        images=one.images + other.images,
        excluded=one.excluded + other.excluded,
        patients=patients,
        patient_unknown=one.patient_unknown + other.patient_unknown,
        answers=cast("dict[str, tuple[int, int, int, int]]", answers),
        flags=_sum(one.flags, other.flags),
        values={name: _ranked(_sum(one.values[name], found).items()) for name, found in other.values.items()},
        age=(min(ages), max(ages)) if ages else None,
        age_unknown=one.age_unknown + other.age_unknown,
    )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def _answers(connection: sqlite3.Connection, text: str, images: int) -> dict[str, tuple[int, int, int, int]]:
    sql = (
        f"SELECT finding, labels.value, by_user, count(*) FROM {_ASKED} labels ON labels.image = asked.value "  # noqa: S608
        "GROUP BY finding, labels.value, by_user"
    )
    found: dict[int, dict[int, int]] = {}
    by_hand: dict[int, int] = {}
    for finding, value, by_user, count in connection.execute(sql, (text,)):
        values = found.setdefault(finding, {})
        values[value] = values.get(value, 0) + count
        by_hand[finding] = by_hand.get(finding, 0) + count * by_user
    answers = {}
    for number, name in connection.execute("SELECT id, name FROM findings ORDER BY id"):
        yes, no = (found.get(number, {}).get(value, 0) for value in (YES, NO))
        answers[name] = (yes, no, images - yes - no, by_hand.get(number, 0))
    return answers


def _values(connection: sqlite3.Connection, text: str, column: str) -> dict[str, int]:
    sql = f"SELECT {column}, count(*) FROM {_ASKED} images ON images.id = asked.value GROUP BY {column}"  # noqa: S608 - our names
    return _ranked(connection.execute(sql, (text,)))


def _parts(connection: sqlite3.Connection, text: str, images: int) -> dict[str, int]:
    """Images by part of the active split."""
    sql = (
        f"SELECT part, count(*) FROM {_ASKED} split_images ON split_images.image = asked.value AND split_images.split = "  # noqa: S608
        "(SELECT id FROM splits WHERE name = (SELECT value FROM settings WHERE key = 'split')) GROUP BY part"
    )
    found = dict(connection.execute(sql, (text,)).fetchall())
    nowhere = images - sum(found.values())
    return _ranked([*found.items(), *([("", nowhere)] if nowhere else [])])


def _ranked(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))
