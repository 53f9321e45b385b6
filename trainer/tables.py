"""Tables as the world writes them (CSV, TSV, `;` or `|` between cells, any encoding) as rows of stripped text."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import files
from trainer.errors import DataError, did_you_mean

SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
LARGEST = 1 << 30
"""Bytes: the largest known dataset table has 100 MB; more than this is no table of images."""

_DELIMITERS = (",", "\t", ";", "|")
_REMEDY = "Save it as CSV (UTF-8) with a header line, then try again."


@dataclass(frozen=True)
class Line:
    """One row: its line number in the file (the header is 1) and its cells, as many as the header has."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A whole table. `header` names are unique: a second "label" is called "label (2)", and both are `doubtful`.

    `ragged` are rows with more cells than the header, whose cells nobody can place; `notes` say what was odd, in words.
    """

    path: Path
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    ragged: tuple[Line, ...]
    doubtful: frozenset[str]
    notes: tuple[str, ...]

    def index(self, column: str) -> int:
        """Place of a column, whatever its case and spaces. Raises `DataError` (did you mean; stands twice)."""
        wanted = plain(column)
        found = [place for place, name in enumerate(self.header) if plain(name) == wanted]
        found = [place for place in found if self.header[place] == column] or found
        if not found:
            raise DataError(
                f"The table has no column '{column}'",
                where=self.path,
                remedy=did_you_mean(column, [n for n in self.header if n]),
            )
        if len(found) > 1 or self.header[found[0]] in self.doubtful:
            raise DataError(
                f"The column '{column}' stands twice in the table", where=self.path, remedy="Rename one of the two."
            )
        return found[0]

    def column(self, name: str) -> list[str]:
        """Cells of a column, top to bottom. Raises `DataError`."""
        place = self.index(name)
        return [line.cells[place] for line in self.lines]


def plain(name: str) -> str:
    """Bring a header name to letters and digits in lower case: "Patient ID" and "patient_id" are the same column."""
    return "".join(c for c in name.casefold() if c.isalnum())


def read(path: Path) -> Table:
    """Read a table. Raises `DataError` (no text, empty, broken quotation marks) and `StorageError`."""
    with files.storage_in_words(path):
        if path.is_file() and path.stat().st_size > LARGEST:
            raise DataError("The file is too large to be a table of images", where=path, remedy=_REMEDY)
        content = path.read_bytes()
    text, notes = _decoded(content, path)
    rows, more = _parsed(text, path)
    rows = [(number, [cell.strip() for cell in cells]) for number, cells in rows]
    rows = [(number, cells) for number, cells in rows if any(cells)]
    if not rows:
        raise DataError("The table is empty", where=path, remedy=_REMEDY)
    if len(rows) == 1:
        raise DataError("The table has a header but no rows", where=path, remedy=_REMEDY)
    return _assembled(path, rows[0][1], rows[1:], [*notes, *more])


def _decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    if content.startswith(b"PK"):
        raise DataError("This is a workbook or an archive, not a text table", where=path, remedy=_REMEDY)
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16"), []
        if b"\0" in content:
            raise DataError("This is no text table", where=path, remedy=_REMEDY)
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        note = f"{path.name} is not UTF-8; it was read as Windows-1252"
    # cp1252 leaves five bytes undefined; Latin-1 never fails.
    try:
        return content.decode("cp1252"), [note]
    except UnicodeDecodeError:
        return content.decode("latin-1"), [note.replace("Windows-1252", "Latin-1")]


def _parsed(text: str, path: Path) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """Rows with their line numbers; strict first, because an open quotation mark would swallow all rows after it."""
    delimiter = _delimiter(text)
    try:
        return _cells(text, delimiter, strict=True), []
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise DataError("A quotation mark is opened but never closed", where=path, remedy="Correct the table.") from error
    try:
        return _cells(text, delimiter, strict=False), [f"{path.name} has misplaced quotation marks"]
    except csv.Error as error:
        raise DataError(f"This is no readable table: {error}", where=path, remedy=_REMEDY) from error


def _cells(text: str, delimiter: str, *, strict: bool) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, skipinitialspace=True)
    return [(reader.line_num, cells) for cells in reader]


def _delimiter(text: str) -> str:
    """The delimiter with which most of the first rows are as wide as the header, then the one with the widest header.

    "|" also stands between labels inside a cell, so it must be in the header to count.
    """
    # Enough of the text for 50 rows; the last line may be cut and is left out.
    sample = text[:200_000].splitlines(keepends=True)[:51]
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        try:
            rows = [cells for _, cells in _cells("".join(sample), delimiter, strict=False) if cells]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        alike = sum(len(cells) == width for cells in rows) / max(1, len(rows))
        # Rows that are a little ragged still belong to a delimiter that cuts the header into several names.
        score = (round(alike, 1) if width > 1 else 0.0, width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _assembled(path: Path, names: list[str], rows: Sequence[tuple[int, list[str]]], notes: list[str]) -> Table:
    while names and not names[-1]:
        names.pop()
    header, doubtful = _unique(names)
    lines: list[Line] = []
    ragged: list[Line] = []
    short = 0
    for number, cells in rows:
        short += len(cells) < len(header)
        full = tuple(cells[: len(header)]) + ("",) * (len(header) - len(cells))
        (ragged if any(cells[len(header) :]) else lines).append(Line(number, full))
    if short:
        notes.append(f"{short} rows of {path.name} are shorter than its header; the missing cells count as empty")
    return Table(path, header, tuple(lines), tuple(ragged), doubtful, tuple(notes))


def _unique(names: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    seen: dict[str, int] = {}
    header: list[str] = []
    doubtful: set[str] = set()
    for place, raw in enumerate(names, 1):
        name = " ".join(raw.split()) or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            doubtful |= {name, f"{name} ({seen[name]})"}
            name = f"{name} ({seen[name]})"
        header.append(name)
    return tuple(header), frozenset(doubtful)
