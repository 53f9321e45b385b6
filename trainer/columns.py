"""What the columns of a table mean: guessed from ranked names or named by the user, then read row by row."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath

from trainer import images
from trainer.errors import DataError
from trainer.records import NO, PART_WORDS, UNSTATED, YES
from trainer.tables import Table, plain

NAMES: Mapping[str, tuple[str, ...]] = {
    "path": (
        "path", "filepath", "imagepath", "file", "filename", "image", "imagefile", "imagename", "imagefilename", "imageindex",
        "img", "imageid", "imgid", "dicomid", "dicom",
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
}  # fmt: skip
"""Names of columns without spaces and signs, the most trusted first."""

_ANSWERS = dict.fromkeys(("1", "yes", "y", "true", "positive", "pos", "present"), YES) | dict.fromkeys(
    ("0", "no", "n", "false", "negative", "neg", "absent"), NO
)
_UNCERTAIN = frozenset({"-1", "uncertain", "u"}) | UNSTATED
_NO_FINDINGS = frozenset(
    {"index", "column1", "offset", "followup", "fault", "excluded", "pediatric", "rows", "columns", "width", "height", "bits"}
)
_VIEWS = {"pa": "PA", "ap": "AP", "l": "lateral", "ll": "lateral", "rl": "lateral", "lat": "lateral", "lateral": "lateral"}
_SEXES = {"m": "M", "male": "M", "man": "M", "f": "F", "female": "F", "woman": "F", "o": "O", "other": "O"}
_AGE = re.compile(r"0*(\d+(?:\.\d*)?)\s*(y|m|w|d|years?|months?)?", re.IGNORECASE)
_YEARS = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}


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


@dataclass(frozen=True)
class Row:
    """What a table says about one image; `labels` holds stated findings only, and `line` is its number in the file."""

    line: int
    path: str
    labels: Mapping[str, int] = field(default_factory=dict)
    patient: str = ""
    study: str = ""
    view: str = ""
    sex: str = ""
    age: float | None = None
    source: str = ""
    part: str = ""


@dataclass(frozen=True)
class Reading:
    """A table understood: its rows, the findings in stored order, how it was read, and what was odd, in words."""

    rows: tuple[Row, ...]
    findings: tuple[str, ...]
    how: str
    notes: tuple[str, ...]


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
        found["path"] = _path_by_content(table)
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
        if name not in taken | table.doubtful and plain(name) not in _NO_FINDINGS and _is_answers(table.column(name))
    ]
    # Findings stand side by side; yes and no here and there are technical facts.
    if places and places[-1] - places[0] >= len(places):
        notes.append("several columns hold yes and no; name those that are findings with --label-column")
        return ()
    return tuple(table.header[place] for place in places)


def _is_answers(cells: Sequence[str]) -> bool:
    values = {_number(cell) for cell in cells}
    return values <= _UNCERTAIN | _ANSWERS.keys() and bool(values & _ANSWERS.keys())


def _number(cell: str) -> str:
    """Lower case, and 1.0 as 1."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", cell.casefold())


def understood(table: Table, columns: Columns) -> Reading:
    """Read all rows of a table. Raises `DataError` if it has no path column."""
    if not columns.path:
        raise DataError(
            "No column of the table names image files",
            where=table.path,
            remedy=f"Name it with --path-column; there is: {', '.join(table.header)}.",
        )
    notes = list(table.notes)
    if len(columns.labels) == 1 and not _is_answers(table.column(columns.labels[0])):
        labels, findings, how = _named(table, columns.labels[0], notes)
    else:
        labels, findings, how = _answered(table, columns.labels, notes)
    cells = {kind: table.column(name) for kind in NAMES if kind != "label" and (name := getattr(columns, kind))}
    rows = tuple(
        _row(line.number, {kind: column[place] for kind, column in cells.items()}, labels[place])
        for place, line in enumerate(table.lines)
    )
    return Reading(rows, findings, how, tuple(notes))


def _row(line: int, cells: Mapping[str, str], labels: Mapping[str, int]) -> Row:
    def text(kind: str) -> str:
        cell = cells.get(kind, "")
        return "" if cell.casefold() in {"nan", "na", "n/a", "null"} else cell

    return Row(
        line=line,
        path=cells["path"],
        labels=labels,
        patient=text("patient"),
        study=text("study"),
        view=view(text("view")),
        sex=sex(text("sex")),
        age=age(text("age")),
        source=text("source"),
        part=PART_WORDS.get(text("part").casefold(), ""),
    )


def _named(table: Table, column: str, notes: list[str]) -> tuple[list[Mapping[str, int]], tuple[str, ...], str]:
    """A column of names: one a cell (all others are no), or several with "|" between (those not listed are no)."""
    cells = [[name.strip() for name in cell.split("|")] for cell in table.column(column)]
    spelling = _spellings([name for names in cells for name in names if name.casefold() not in UNSTATED], notes)
    findings = tuple(sorted(set(spelling.values()), key=str.casefold))
    labels = answers([frozenset(spelling[name] for name in names if name in spelling) for names in cells], findings)
    several = any(len(names) > 1 for names in cells)
    silent = sum(not found for found in labels)
    if silent:
        notes.append(f"{silent} rows state no finding in the column '{column}'; their labels are not stated")
    how = f"findings listed with | in the column '{column}'" if several else f"one finding in the column '{column}'"
    return labels, findings, how


def answers(listed: Iterable[frozenset[str]], findings: Sequence[str]) -> list[Mapping[str, int]]:
    """Answers of images that list their findings: those yes, all others no; an image that lists none states nothing.

    In a tree of findings ("Pneumonia/Viral") what stands above a finding is yes too, and what stands below it not stated.
    """
    known: dict[frozenset[str], Mapping[str, int]] = {frozenset(): {}}
    found = []
    for names in listed:
        if names not in known:
            known[names] = {name: answer for name in findings if (answer := _answer(name, names)) is not None}
        found.append(known[names])
    return found


def _answer(finding: str, listed: frozenset[str]) -> int | None:
    if any(name == finding or name.startswith(f"{finding}/") for name in listed):
        return YES
    return None if any(finding.startswith(f"{name}/") for name in listed) else NO


def _spellings(names: Sequence[str], notes: list[str]) -> dict[str, str]:
    """Each spelling -> the most frequent one that differs from it in case only."""
    counts = Counter(names)
    first: dict[str, str] = {}
    for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if first.setdefault(name.casefold(), name) != name:
            notes.append(f"'{name}' is taken for '{first[name.casefold()]}'")
    return {name: first[name.casefold()] for name in counts}


def _answered(table: Table, columns: Sequence[str], notes: list[str]) -> tuple[list[Mapping[str, int]], tuple[str, ...], str]:
    """One column per finding: yes, no, or not stated (blank, uncertain)."""
    labels: list[dict[str, int]] = [{} for _ in table.lines]
    odd: Counter[str] = Counter()
    for name in columns:
        for stated, cell in zip(labels, map(_number, table.column(name)), strict=True):
            if cell in _ANSWERS:
                stated[name] = _ANSWERS[cell]
            elif cell not in _UNCERTAIN:
                odd[f"'{cell}' in the column '{name}'"] += 1
    for what, count in odd.most_common(3):
        notes.append(f"{what} is neither yes nor no; it counts as not stated ({count} rows)")
    if not columns:
        return list(labels), (), "no labels"
    return (
        list(labels),
        tuple(columns),
        f"one column per finding: {', '.join(columns[:4])}{', ...' if len(columns) > 4 else ''}",
    )


def view(text: str) -> str:
    """PA, AP, lateral, or the dataset's own word for the view."""
    return _VIEWS.get(text.casefold(), text)


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
