"""The tables of a recognised dataset, each read by its rules as far as that goes without looking at image files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer import answers, columns, label_rules, side_files, tables
from trainer.answers import Labels
from trainer.columns import NONE, Columns
from trainer.errors import DataError, StorageError
from trainer.label_rules import Cells, Paths
from trainer.layout_grammar import Answered, Born, Coded, Column, Fact, Findings, Host, Layout, Listed, ListText, Sheet
from trainer.policies import Policies
from trainer.tables import Table

KINDS = ("patient", "study", "view", "sex", "age", "source", "part")
Rules = Mapping[str, Sequence[Fact]]


@dataclass(frozen=True)
class Reading:
    """How a dataset is read: its layout, the policies, and columns of the first table that the user `named` in place of it."""

    layout: Layout
    policies: Policies
    named: Columns

    @property
    def rules(self) -> Rules:
        """Where each fact comes from."""
        asked = {kind: getattr(self.named, kind) for kind in KINDS}
        own = {kind: () if name == NONE else (Column((name,)),) for kind, name in asked.items() if name}
        return {kind: own.get(kind, self.layout.facts.get(kind, ())) for kind in KINDS}

    @property
    def reader(self) -> str:
        """The column that says who read the image, "" if there is none."""
        name = self.named.reader or self.layout.reader
        return "" if name == NONE else name


@dataclass(frozen=True)
class Main:
    """A table that names images: of each of its rows the path, what it states, and why it is no radiograph (or "").

    `header` are all of its columns, and `columns` those that findings were taken from; `how` says it in words.
    """

    table: Table
    header: tuple[str, ...]
    cells: Cells
    paths: Sequence[str]
    labels: Sequence[Labels]
    findings: Sequence[str]
    how: str
    columns: tuple[str, ...]
    uncertain: bool
    no_image: Sequence[str]


@dataclass(frozen=True)
class Extra:
    """What tables say that add to the first one, by their key; `column` is the key's name in the first table.

    `names` are the keys as they are written, where these are names of images and the images are known by their folders.
    """

    column: str
    labels: Mapping[str, Labels]
    facts: Mapping[str, Mapping[str, str]]
    findings: Sequence[str]
    uncertain: bool
    names: Mapping[str, str]


def main(reading: Reading, sheet: Sheet, path: Path, notes: list[str]) -> Main | None:
    """A table that names images; None if it cannot be read or holds something else. Raises `DataError` for no such column."""
    layout, named = reading.layout, reading.named
    try:
        table = side_files.read(sheet.kind, path, _needed(reading, sheet))
        header = table.header if sheet.kind != "table" else tables.header(path)
    except (DataError, StorageError) as error:
        notes.append(f"{path.name} could not be read: {error.what}")
        return None
    if sheet.ragged and table.ragged:
        table = replace(table, lines=tuple(sorted((*table.lines, *table.ragged), key=lambda line: line.number)), ragged=())
    cells = Cells(table)
    column, pattern = sheet.cells
    if column and sum(bool(re.fullmatch(pattern, cell)) for cell in cells[column]) * 2 < len(table.lines):
        return None
    for name in (getattr(named, kind) for kind in (*KINDS, "path", "reader")):
        if name not in ("", NONE):
            table.index(name)
    notes += table.notes
    if named.labels:
        used = () if named.labels == (NONE,) else tuple(table.header[table.index(name)] for name in named.labels)
        labels, found, how = columns.stated(table, used, reading.policies, notes)
        findings, uncertain = list(found), any(answers.has_uncertain(cells[name]) for name in used)
    else:
        rule = next((rule for rule in sheet.findings if label_rules.fits(rule, cells)), None)
        labels, findings = label_rules.stated(rule, cells, layout, reading.policies, notes)
        how, used, uncertain = (
            label_rules.findings_in_words(rule),
            _columns(rule, cells, layout),
            _uncertain(rule, cells, layout),
        )
    column, wanted = layout.kept
    told = ["" if cell.casefold() in wanted else f"{cell}, not a radiograph" for cell in cells[column]] if column else []
    paths = _paths(reading, sheet, cells)
    return Main(table, header, cells, paths, labels, findings, how, used, uncertain, told or [""] * len(paths))


def _needed(reading: Reading, sheet: Sheet) -> set[str]:
    """The only columns that are read; none if all may be needed."""
    rules = [rule for rules in (*reading.rules.values(), *sheet.facts.values()) for rule in rules]
    others = any(isinstance(rule, Answered) and not rule.columns for rule in sheet.findings)
    if others or reading.named != Columns():
        return set()
    names = {*reading.layout.path, reading.reader, reading.layout.kept[0], sheet.key}
    names |= {extra.key for extra in reading.layout.more}
    names |= {name for rule in rules if isinstance(rule, Column) for name in rule.names}
    names |= {name for rule in rules if isinstance(rule, Born) for name in (rule.birth, rule.study)}
    names |= {rule.column for rule in (*rules, *sheet.findings) if isinstance(rule, Host | Listed | ListText | Coded)}
    names |= {name for rule in sheet.findings if isinstance(rule, Answered) for name in rule.columns}
    return names - {""}


def _paths(reading: Reading, sheet: Sheet, cells: Cells) -> Sequence[str]:
    """The path of each row, made of its columns and the folder of the table's images."""
    names = (reading.named.path,) if reading.named.path else reading.layout.path
    if len(names) == 1 and not sheet.folder:
        return cells[names[0]]
    parts = zip(*(cells[name] for name in names), strict=True)
    return ["/".join(filter(None, (sheet.folder, *row))) for row in parts]


def _columns(rule: Findings | None, cells: Cells, layout: Layout) -> tuple[str, ...]:
    """The columns that findings are taken from, as they are written."""
    if isinstance(rule, Answered):
        return tuple(cells.header(name) for name in label_rules.answered_columns(rule, cells, layout))
    return (cells.header(rule.column),) if isinstance(rule, Listed | ListText | Coded) else ()


def _uncertain(rule: Findings | None, cells: Cells, layout: Layout) -> bool:
    """Whether there are uncertain answers; in other columns than those of answers -1 means something else."""
    return isinstance(rule, Answered) and any(answers.has_uncertain(cells[name]) for name in _columns(rule, cells, layout))


def chosen(reading: Reading, first: Main) -> Columns:
    """Which columns of the first table say what, as far as one column alone does."""
    path = reading.named.path or reading.layout.path[-1]
    found = {"path": first.cells.header(path), "reader": first.cells.header(reading.reader)}
    for kind, rules in reading.rules.items():
        names = [name for rule in rules if isinstance(rule, Column) for name in rule.names]
        found[kind] = next((first.cells.header(name) for name in reversed(names) if name in first.cells), "")
    return Columns(labels=first.columns, **found)


def added(reading: Reading, sheet: Sheet, there: Sequence[Path], notes: list[str]) -> Extra:
    """The rows of a kind of table by their key; of several tables the first that says something of a key counts."""
    layout, taken = reading.layout, list(there)
    if sheet.one and len(taken) > 1:
        taken = sorted(taken, key=lambda path: _rank(sheet, path))[:1]
        notes.append(f"{taken[0].name} was read, not {', '.join(path.name for path in there if path not in taken)}")
    found = Extra(sheet.key, {}, {kind: {} for kind in sheet.facts}, [], False, {})
    for table in _readable(reading, sheet, taken, notes):
        cells = Cells(table)
        keys = [key(layout, cell) for cell in cells[sheet.key]]
        nowhere = Paths("", [""] * len(keys))
        told = {kind: label_rules.fact(rules, cells, nowhere, {}) for kind, rules in sheet.facts.items()}
        facts = {kind: {key: text for key, text in zip(keys, texts, strict=True) if text} for kind, texts in told.items()}
        rule = next(iter(sheet.findings), None)
        stated, findings = label_rules.stated(rule, cells, layout, reading.policies, notes)
        named = layout.folders and sheet.kind == "table"
        found = Extra(
            sheet.key,
            {**(dict(zip(keys, stated, strict=True)) if rule else {}), **found.labels},
            {kind: {**facts[kind], **before} for kind, before in found.facts.items()},
            [*found.findings, *(name for name in findings if name not in found.findings)],
            found.uncertain or _uncertain(rule, cells, layout),
            {**(dict(zip(keys, cells[sheet.key], strict=True)) if named else {}), **found.names},
        )
    return found


def _readable(reading: Reading, sheet: Sheet, taken: Sequence[Path], notes: list[str]) -> list[Table]:
    if sheet.kind == "readings":
        return [side_files.readings(taken)] if taken else []
    found = []
    for path in taken:
        try:
            found.append(side_files.read(sheet.kind, path, _needed(reading, sheet)))
        except (DataError, StorageError) as error:
            notes.append(f"{path.name} could not be read: {error.what}")
    return found


def _rank(sheet: Sheet, path: Path) -> tuple[int, str]:
    """Place of a table in the order in which the pattern of names has them."""
    words = sheet.name.split("|")
    return next((place for place, word in enumerate(words) if word in path.name.casefold()), len(words)), path.name


def key(layout: Layout, cell: str) -> str:
    """Keys are compared as they are (a number as a number), or, where images are known by their folders, as file names."""
    return label_rules.file_name(cell) if layout.folders else columns.number(cell)
