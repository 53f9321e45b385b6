"""What is known about each file of a source before any file is opened: from its table, or from its folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainer import columns, joins, places, tables
from trainer.columns import Columns, Row
from trainer.errors import DataError, StorageError, did_you_mean

LAYOUTS = ("auto", "table", "folders", "flat")
_FIRST_TABLES = ("manifest", "metadata", "labels", "data")


@dataclass(frozen=True)
class Table:
    """A table that was read: how many files it names, whether it states findings, and whether it states facts.

    `header` are its columns, and `columns` says what each was taken for.
    """

    path: Path
    named: int
    findings: bool
    facts: bool
    header: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True)
class Labelling:
    """What is known about the files of one source.

    `rows` maps paths to what is said of them (its `path` is the file's own); `left_out` maps paths to why
    they are not, `refused` are table rows and why, `unmatched` table paths without a file; `findings` in stored order;
    `layout` says in words what was recognised.
    """

    rows: Mapping[str, Row]
    findings: tuple[str, ...]
    layout: str
    refused: tuple[tuple[str, str], ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    table: Table | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What the user asked for: a layout ("auto", "table", "folders", "flat"), a table, columns ("" is guessed)."""

    layout: str = "auto"
    table: Path | None = None
    columns: Columns = field(default_factory=Columns)


def checked(asked: Asked) -> Asked:
    """Refuse what cannot be, before anything is read. Raises `DataError`."""
    if asked.layout not in LAYOUTS:
        raise DataError("There is no such layout", where=asked.layout, remedy=did_you_mean(asked.layout, LAYOUTS))
    if asked.table and asked.layout in ("folders", "flat"):
        raise DataError(f"The layout '{asked.layout}' takes no table", where=asked.table, remedy="Leave one of the two out.")
    return asked


def label(root: Path, listing: places.Listing, asked: Asked) -> Labelling:
    """Find out what is said about the files of a source. Raises `DataError` and `StorageError` for a table asked for."""
    paths = [found.path for found in listing.files]
    if asked.layout == "flat":
        return Labelling({path: Row(0, path) for path in paths}, (), "images without labels, as asked")
    by_folder = _from_folders(paths, places.folders(paths))
    if asked.layout == "folders":
        return by_folder
    if asked.table:
        return _from_table(root, asked.table, asked.columns, by_folder)
    own, notes = _own_table(root, listing, asked.columns, by_folder)
    if own is None and (asked.layout == "table" or asked.columns != Columns()):
        return _demanded(root, listing, asked.columns, by_folder)
    labelling = own or by_folder
    return replace(labelling, notes=(*labelling.notes, *notes))


def _from_folders(paths: Sequence[str], folders: places.Folders) -> Labelling:
    answers = columns.answers([frozenset({name} if name else ()) for name in folders.findings_of], folders.findings)
    rows = {
        path: Row(0, path, labels, part=part) for path, labels, part in zip(paths, answers, folders.parts_of, strict=True)
    }  # fmt: skip
    return Labelling(rows, folders.findings, folders.how)


def _own_table(root: Path, listing: places.Listing, named: Columns, by_folder: Labelling) -> tuple[Labelling | None, list[str]]:
    """The table at the top of a source that says something on at least half of its images, if one does; and notes."""
    found: list[tuple[Table, Labelling]] = []
    notes: list[str] = []
    for path in sorted(listing.tables, key=_preference):
        try:
            labelling = _from_table(root, path, named, by_folder)
        except (DataError, StorageError):  # this one is no table of images; perhaps another is
            continue
        table = labelling.table
        if not table or not (table.findings or table.facts):
            continue
        if table.named * 2 >= len(listing.files):
            found.append((table, labelling))
        elif table.named:
            notes.append(f"{path.name} names only {table.named} of {len(listing.files)} images; --labels takes it all the same")
    if not found:
        return None, notes
    best, labelling = max(found, key=lambda pair: (pair[0].findings, pair[0].named))
    others = [table.path.name for table, _ in found if table is not best]
    if others:
        notes.append(f"labels were taken from {best.path.name}; --labels takes another: {', '.join(others)}")
    return labelling, notes


def _preference(path: Path) -> tuple[int, str]:
    stem = path.stem.casefold()
    return (_FIRST_TABLES.index(stem) if stem in _FIRST_TABLES else len(_FIRST_TABLES)), path.name


def _demanded(root: Path, listing: places.Listing, named: Columns, by_folder: Labelling) -> Labelling:
    """The user wants a table and none fits: say what is wrong with the likeliest one."""
    if not listing.tables:
        raise DataError("There is no table at the top of this folder", where=root, remedy="Name it with --labels.")
    return _from_table(root, min(listing.tables, key=_preference), named, by_folder)


def _from_table(root: Path, path: Path, named: Columns, by_folder: Labelling) -> Labelling:
    table = tables.read(path)
    chosen, notes = columns.chosen(table, named)
    reading = columns.understood(table, chosen)
    beside = path.absolute().parent
    inside = beside.relative_to(root).as_posix() if beside.is_relative_to(root) else ""
    found = joins.joined([row.path for row in reading.rows], by_folder.rows, root=root.as_posix(), beside=inside)
    rows, left_out = _merged(reading.rows, found)
    if left_out:
        notes.append(f"{path.name} says two different things about {len(left_out)} images, for example {next(iter(left_out))}")
    told = zip(reading.rows, found.files, found.doubts, strict=True)
    unmatched = tuple(row.path for row, file, doubt in told if not file and not doubt)
    refused = [(f"{path.name}, line {line.number}", "the row has more cells than the header") for line in table.ragged]
    doubtful = zip(reading.rows, found.doubts, strict=True)
    refused += [(f"{path.name}, line {row.line}: {row.path}", doubt) for row, doubt in doubtful if doubt]
    facts = any((chosen.patient, chosen.study, chosen.view, chosen.sex, chosen.age, chosen.source, chosen.part))
    named_files = len(rows)
    rows = {file: replace(row, part=row.part or by_folder.rows[file].part) for file, row in rows.items()}
    layout = f"{path.name}: {reading.how}"
    unnamed = [file for file in by_folder.rows if file not in rows and file not in left_out]
    if not reading.findings:
        # A table of facts only adds to what the folders say, and leaves no file out.
        rows = {file: replace(row, labels=by_folder.rows[file].labels) for file, row in rows.items()}
        rows |= {file: by_folder.rows[file] for file in unnamed}
        layout, unnamed = f"{path.name} (facts, no labels); {by_folder.layout}", []
    return Labelling(
        rows=rows,
        findings=reading.findings or by_folder.findings,
        layout=layout,
        refused=tuple(refused),
        left_out=left_out | dict.fromkeys(unnamed, f"it is not named in {path.name}"),
        unmatched=unmatched,
        table=Table(path, named_files, bool(reading.findings), facts, table.header, chosen),
        notes=(*notes, *reading.notes),
    )


def _merged(rows: Sequence[Row], found: joins.Joined) -> tuple[dict[str, Row], dict[str, str]]:
    """Rows by file; a file named by several rows that say different things is refused."""
    merged: dict[str, Row] = {}
    refused: dict[str, str] = {}
    for row, file in zip(rows, found.files, strict=True):
        if not file:
            continue
        first = merged.setdefault(file, replace(row, path=file))
        if replace(row, path=file, line=first.line) != first:
            refused[file] = f"the table says two different things about it (lines {first.line} and {row.line})"
    return {file: row for file, row in merged.items() if file not in refused}, refused
