"""What the columns of a table mean: guessed from ranked names or named by the user, then read row by row."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from trainer import answers, images, views
from trainer.answers import Labels
from trainer.errors import DataError
from trainer.policies import Policies
from trainer.records import PART_WORDS, UNSTATED
from trainer.rows import Row as Row
from trainer.tables import Table, plain

NAMES: Mapping[str, tuple[str, ...]] = {
    "path": (
        "path", "filepath", "imagepath", "file", "filename", "image", "imagefile", "imagename", "imagefilename", "imageindex",
        "img", "imageid", "imgid", "dicomid", "dicom", "imgpath", "imgname", "imagefilepath", "sopinstanceuid", "imageuid",
    ),
    "label": (
        "label", "labels", "findinglabels", "finding", "findings", "class", "classname", "target", "diagnosis", "category",
        "disease", "pathology",
    ),
    "patient": ("patientid", "patient", "subjectid", "subject", "patientcode", "personid", "pid"),
    "study": ("studyid", "study", "studyinstanceuid", "accessionnumber", "accession"),
    "view": ("view", "viewposition", "projection", "viewpositiondicom", "appa"),
    "sex": ("sex", "gender", "patientsex", "patientgender", "patientsexdicom"),
    "age": ("age", "patientage", "ageyears"),
    "source": ("source", "dataset", "hospital", "site", "institution", "origin", "sourcerepo", "repository"),
    "part": ("split", "part", "subset", "partition"),
    "reader": ("radid", "reader", "readerid", "radiologist", "radiologistid", "annotator", "annotatorid", "rater", "raterid"),
}  # fmt: skip
"""Names of columns without spaces and signs, the most trusted first."""

_NO_FINDINGS = frozenset(
    {"index", "column1", "offset", "followup", "fault", "excluded", "pediatric", "rows", "columns", "width", "height", "bits"}
)
_SEXES = {"m": "M", "male": "M", "man": "M", "f": "F", "female": "F", "woman": "F", "o": "O", "other": "O"}
_NO_FACT = frozenset({"nan", "na", "n/a", "null"})
_FACTS = ("patient", "study", "view", "sex", "age", "source", "part", "reader")
_AGE = re.compile(r"0*(\d+(?:\.\d*)?)\s*(y|m|w|d|years?|months?)?", re.IGNORECASE)
_YEARS = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}


_SHOWN = 3
_BARE_ID = "id"
"""The name of a column that names images if no other does; often it only counts the rows."""

NONE = "-"
"""In place of a column's name: there is none, and none is to be guessed."""


@dataclass(frozen=True)
class Columns:
    """Which column says what; "" is none. Several `labels` are one finding each, one is a column of names."""

    path: str = ""
    labels: tuple[str, ...] = ()
    patient: str = ""
    study: str = ""
    view: str = ""
    sex: str = ""
    age: str = ""
    source: str = ""
    part: str = ""
    reader: str = ""


@dataclass(frozen=True)
class Reading:
    """A table understood: its rows, the findings in stored order, how it was read, and what was odd, in words.

    `uncertain`: whether an answer is, so that the policy matters.
    """

    rows: tuple[Row, ...]
    findings: tuple[str, ...]
    how: str
    notes: tuple[str, ...]
    uncertain: bool = False


def chosen(table: Table, named: Columns) -> tuple[Columns, list[str]]:
    """Columns named by the user, the others guessed; and notes on choices that could have gone another way.

    A name of `NONE` guesses none. Raises `DataError` for a column that is not there. `path` or `labels` stay empty where
    nothing looks like them.
    """
    notes: list[str] = []
    found: dict[str, str] = {}
    for item in fields(Columns):
        if item.name != "labels":
            name = getattr(named, item.name)
            if name == NONE and name not in table.header:
                found[item.name] = ""
            else:
                found[item.name] = table.header[table.index(name)] if name else _guess(table, item.name, set(found.values()))
    if not found["path"]:
        found["path"] = _path_by_content(table) or next((name for name in table.header if plain(name) == _BARE_ID), "")
    none = named.labels == (NONE,) and NONE not in table.header
    labels = () if none else tuple(table.header[table.index(name)] for name in named.labels)
    if not labels and not none:
        labels = _labels(table, set(found.values()), notes)
    return Columns(labels=labels, **found), notes


def _ranked(table: Table, kind: str) -> list[str]:
    """Columns that could be of a kind, the most trusted first."""
    by_name: dict[str, str] = {}
    for name in table.header:
        by_name.setdefault(plain(name), name)
    return [by_name[name] for name in NAMES[kind] if name in by_name]


def _guess(table: Table, kind: str, taken: set[str]) -> str:
    for name in _ranked(table, kind):
        if name not in taken and any(table.column(name)):
            return name
    return ""


def _path_by_content(table: Table) -> str:
    """The first column in which most cells look like image files."""
    for name in table.header:
        cells = [] if name in table.doubtful else table.column(name)
        if sum(_looks_like_path(cell) for cell in cells) * 2 > len(cells):
            return name
    return ""


def _looks_like_path(cell: str) -> bool:
    return PurePosixPath(cell.replace("\\", "/")).suffix.casefold() in images.SUFFIXES


def _labels(table: Table, taken: set[str], notes: list[str]) -> tuple[str, ...]:
    """A column of findings by its name; otherwise all columns that hold nothing but yes, no and not stated."""
    candidates = [name for name in _ranked(table, "label") if name not in taken and any(table.column(name))]
    if candidates:
        if len(candidates) > 1:
            others = " or ".join(f"--label-column {name}" for name in candidates[1:])
            notes.append(f"labels were taken from the column '{candidates[0]}'; {others} takes another")
        return (candidates[0],)
    places = [
        place
        for place, name in enumerate(table.header)
        if name not in taken | table.doubtful and plain(name) not in _NO_FINDINGS and answers.is_answers(table.column(name))
    ]
    # Findings stand side by side; yes and no here and there are technical facts.
    if places and places[-1] - places[0] >= len(places):
        notes.append("several columns hold yes and no; name those that are findings with --label-column")
        return ()
    return tuple(table.header[place] for place in places)


def understood(table: Table, columns: Columns, policies: Policies | None = None) -> Reading:
    """Read all rows of a table. Raises `DataError` if it has no path column."""
    if not columns.path:
        raise DataError(
            "No column of the table names image files",
            where=table.path,
            remedy=f"Name it with --path-column; there is: {', '.join(table.header)}.",
        )
    notes = list(table.notes)
    labels, findings, how = stated(table, columns.labels, policies or Policies(), notes)
    facts = [_facts(table, kind, getattr(columns, kind)) for kind in _FACTS]
    facts[0] = _one_patient_each(facts[0], notes)
    every = zip(table.lines, table.column(columns.path), labels, *facts, strict=True)
    rows = tuple(
        Row(line.number, path, said, patient, study, view, sex, age, source, part, False, reader)
        for line, path, said, patient, study, view, sex, age, source, part, reader in every
    )
    cells = [table.column(name) for name in columns.labels] if _answer(table, columns.labels) else []
    return Reading(rows, findings, how, tuple(notes), any(map(answers.has_uncertain, cells)))


def _one_patient_each(patients: Sequence[str], notes: list[str]) -> list[str]:
    """One spelling of patients that differ in case only: two of them could come to stand on both sides of a split."""
    told: list[str] = []
    spelling = answers.spellings(patients, told)
    notes += [f"patient {note}" for note in told[:_SHOWN]]
    notes += [f"and {len(told) - _SHOWN} more patients that differ in case only"] if len(told) > _SHOWN else []
    return [spelling[patient] for patient in patients]


def stated(
    table: Table, columns: Sequence[str], policies: Policies, notes: list[str]
) -> tuple[list[Labels], tuple[str, ...], str]:
    """What each row of a table says in its columns of findings, the findings in stored order, and how that was read."""
    if not columns:
        return [{} for _ in table.lines], (), "no labels"
    if not _answer(table, columns):
        return _named(table, columns[0], notes)
    labels = answers.answered({name: table.column(name) for name in columns}, policies, notes)
    return labels, tuple(columns), f"one column per finding: {', '.join(columns[:4])}{', ...' if len(columns) > 4 else ''}"


def _answer(table: Table, columns: Sequence[str]) -> bool:
    """Whether columns of findings hold answers; a single one may hold names."""
    return len(columns) > 1 or any(answers.is_answers(table.column(name)) for name in columns)


def _facts(table: Table, kind: str, column: str) -> list[Any]:
    """A column of facts in the catalog's words; most hold few different cells, so each is understood once."""
    cells = table.column(column) if column else [""] * len(table.lines)
    make = _MAKERS.get(kind, str)
    known = {cell: make("" if cell.casefold() in _NO_FACT else cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def _named(table: Table, column: str, notes: list[str]) -> tuple[list[Labels], tuple[str, ...], str]:
    """A column of names: one a cell (all others are no), or several with "|" between (those not listed are no)."""
    cells = [[name.strip() for name in cell.split("|")] for cell in table.column(column)]
    spelling = answers.spellings((name for names in cells for name in names if name.casefold() not in UNSTATED), notes)
    findings = tuple(sorted(set(spelling.values()), key=str.casefold))
    labels = answers.listed((frozenset(spelling[name] for name in names if name in spelling) for names in cells), findings)
    several = any(len(names) > 1 for names in cells)
    silent = sum(not found for found in labels)
    if silent:
        notes.append(f"{silent} rows state no finding in the column '{column}'; their labels are not stated")
    if joined := [name for name in findings if not several and re.search(r"\w\s*[,;]\s*\w", name)]:
        notes.append(f"'{joined[0]}' is taken for one finding; several in one cell need a | between them")
    how = f"findings listed with | in the column '{column}'" if several else f"one finding in the column '{column}'"
    return labels, findings, how


def number(text: str) -> str:
    """A patient or a study as other tables write it: programs that know no empty whole numbers make "12.0" of "12"."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text


def view(text: str) -> str:
    """PA, AP, lateral, or the dataset's own word for the view."""
    return views.named(text)


def sex(text: str) -> str:
    """M, F, O; "" for anything else."""
    return _SEXES.get(text.casefold(), "")


def age(text: str) -> float | None:
    """Age in years from "58", "058Y" or "6M"; None where there is none or where nobody gets so old."""
    found = _AGE.fullmatch(text)
    if found is None:
        return None
    years = float(found[1]) * _YEARS[(found[2] or "y")[0].casefold()]
    return round(years, 3) if math.isfinite(years) and years <= 120 else None


_MAKERS: Mapping[str, Callable[[str], str | float | None]] = {
    "patient": number,
    "study": number,
    "view": view,
    "sex": sex,
    "age": age,
    "part": lambda text: PART_WORDS.get(text.casefold(), ""),
}
