"""Tables as the world writes them (CSV, TSV, `;` or `|` between cells, packed, workbooks) as rows of stripped text."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import files, texts, workbooks
from trainer.errors import DataError, did_you_mean
from trainer.joins import composed

SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".xlsx", ".csv.gz", ".tsv.gz")
LARGEST = 1 << 30
"""Bytes, unpacked: the largest known dataset table has 100 MB; more than this is no table of images."""

_SAMPLE = 200_000  # characters; enough for 50 rows, and the last line may be cut
_ALIKE = 100_000  # different cells of one column; where there are more, few are alike
_LOOKED = 4096  # rows after which it is looked at again which columns say few different things
_DELIMITERS = (",", "\t", ";", "|")
_REMEDY = "Save it as CSV (UTF-8) with a header line, then try again."


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its line number in the file (the header is 1) and its cells, as many as the header has."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A whole table, or some of its columns.

    `header` names are unique: a second "label" is called "label (2)", and both are `doubtful`.
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


def is_table(path: Path | str) -> bool:
    """Whether a file is a table by its name."""
    return str(path).casefold().endswith(SUFFIXES)


def read(path: Path, only: Collection[str] = ()) -> Table:
    """Read a table; with `only`, no other columns than these are kept (those that are not there are left out).

    Raises `DataError` (no text, empty, broken quotation marks, a damaged or locked workbook) and `StorageError`.
    """
    with files.storage_in_words(path):
        if workbooks.is_workbook(path):
            rows, notes = workbooks.rows(path)
            return _assembled(path, rows, notes, only)
        text = texts.examined(path, LARGEST)
        delimiter = _delimiter(texts.start(path, _SAMPLE))
        # Strict first, because an open quotation mark would swallow all rows after it.
        try:
            with texts.opened(text) as lines:
                return _assembled(path, _cells(lines, delimiter, strict=True), text.notes, only)
        except csv.Error as error:
            if "unexpected end" in str(error):
                remedy = "Correct the table."
                raise DataError("A quotation mark is opened but never closed", where=path, remedy=remedy) from error
        notes = [*text.notes, f"{path.name} has misplaced quotation marks"]
        try:
            with texts.opened(text) as lines:
                return _assembled(path, _cells(lines, delimiter, strict=False), notes, only)
        except csv.Error as error:
            raise DataError(f"This is no readable table: {error}", where=path, remedy=_REMEDY) from error


def header(path: Path) -> tuple[str, ...]:
    """Names of a table's columns as `read` gives them, without reading further. Raises `DataError` and `StorageError`."""
    with files.storage_in_words(path):
        if workbooks.is_workbook(path):
            rows: Iterable[tuple[int, list[str]]] = workbooks.rows(path, first_only=True)[0]
        else:
            sample = texts.start(path, _SAMPLE)
            rows = _cells(io.StringIO(sample, newline=""), _delimiter(sample), strict=False)
        try:
            names = next((cells for _, cells in rows if any(map(str.strip, cells))), [])
        except csv.Error as error:
            raise DataError(f"This is no readable table: {error}", where=path, remedy=_REMEDY) from error
    if not names:
        raise DataError("The table is empty", where=path, remedy=_REMEDY)
    return _unique(_without_trailing(names))[0]


def lines_without_header(path: Path) -> tuple[tuple[int, str], ...]:
    """Lines of a text that has no header, such as a list of files: number from 1 and stripped text; empty ones left out.

    Raises `DataError` (no text) and `StorageError`.
    """
    with files.storage_in_words(path):
        if workbooks.is_workbook(path):
            raise DataError("This is a workbook or an archive, not a list", where=path, remedy="Save it as plain text.")
        with texts.opened(texts.examined(path, LARGEST)) as file:
            lines = [(number, line.strip()) for number, line in enumerate(_split(file), 1)]
    return tuple((number, line) for number, line in lines if line)


def _split(file: Iterable[str]) -> Iterator[str]:
    """Lines whose ends are CR LF, LF or CR, and none of the rarer signs that `str.splitlines` takes for ends."""
    for line in file:
        yield composed(line.rstrip("\r\n"))


def _cells(lines: Iterable[str], delimiter: str, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(map(composed, lines), delimiter=delimiter, strict=strict, skipinitialspace=True)
    return ((reader.line_num, cells) for cells in reader)


def _delimiter(text: str) -> str:
    """The delimiter with which most of the first rows are as wide as the header, then the one with the widest header.

    "|" also stands between labels inside a cell, so it must be in the header to count.
    """
    sample = text.splitlines(keepends=True)[:51]
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        try:
            rows = [cells for _, cells in _cells(io.StringIO("".join(sample), newline=""), delimiter, strict=False) if cells]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        alike = sum(len(cells) == width for cells in rows) / max(1, len(rows))
        # Rows that are a little ragged still belong to a delimiter that cuts the header into several names.
        score = (round(alike, 1) if width > 1 else 0.0, width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _assembled(path: Path, rows: Iterable[tuple[int, list[str]]], notes: Sequence[str], only: Collection[str]) -> Table:
    filled = ((number, cells) for number, cells in rows if any(map(str.strip, cells)))
    names = next((cells for _, cells in filled), None)
    if names is None:
        raise DataError("The table is empty", where=path, remedy=_REMEDY)
    header, doubtful = _unique(_without_trailing(names))
    wanted = {plain(name) for name in only} - {""}
    # By the name as it stands in the file, so that both of two that are alike are kept and told.
    kept = [place for place, name in enumerate(header) if not wanted or wanted & {plain(name), plain(names[place])}]
    lines, ragged, short = _lines(filled, len(header), kept)
    if not lines and not ragged:
        raise DataError("The table has a header but no rows", where=path, remedy=_REMEDY)
    if short:
        notes = [*notes, f"{short} rows of {path.name} are shorter than its header; the missing cells count as empty"]
    return Table(path, tuple(header[place] for place in kept), tuple(lines), tuple(ragged), doubtful, tuple(notes))


def _lines(rows: Iterable[tuple[int, list[str]]], width: int, kept: Sequence[int]) -> tuple[list[Line], list[Line], int]:
    """Lines with the cells `kept`, those with more cells than the header apart, and how many have fewer.

    Equal cells of a column are one text in memory, as most columns say few different things; where they say many, not.
    """
    lines: list[Line] = []
    ragged: list[Line] = []
    short = 0
    known: list[dict[str, str]] = [{} for _ in kept]
    alike = [(place, words.setdefault) for place, words in enumerate(known)]
    for number, cells in rows:
        into = lines
        if len(cells) != width:
            short += len(cells) < width
            into = ragged if any(map(str.strip, cells[width:])) else lines
            cells = [*cells[:width], *[""] * (width - len(cells))]
        row = [*map(str.strip, cells)] if len(kept) == width else [cells[place].strip() for place in kept]
        for place, once in alike:
            row[place] = once(row[place], row[place])
        into.append(Line(number, tuple(row)))
        if not len(lines) % _LOOKED:
            alike = [(place, once) for place, once in alike if len(known[place]) < min(_ALIKE, len(lines) // 2 or _ALIKE)]
            known = [words if any(place == one for one, _ in alike) else {} for place, words in enumerate(known)]
    return lines, ragged, short


def _without_trailing(names: Sequence[str]) -> list[str]:
    """Header names without the empty ones at the end."""
    found = [name.strip() for name in names]
    while found and not found[-1]:
        found.pop()
    return found


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
