"""Workbooks (.xlsx) as rows of text, as if the sheet had been saved as CSV. What they could do besides is not looked at."""

import datetime
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.errors import DataError
from trainer.joins import composed

LARGEST = 1 << 28
"""Bytes of all members unpacked: a sheet with a million rows has less; more is a bomb or no table of images."""
_MOST_MEMBERS = 10_000
_MOST_CELLS = 20_000_000
_REMEDY = "Open it in a spreadsheet program and save the sheet as CSV (UTF-8), then try again."
# What openpyxl and zipfile raise for files that are damaged; refused XML entities are a ValueError.
_BROKEN = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_ERRORS = frozenset({"#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"})

Rows = list[tuple[int, list[str]]]


def is_workbook(path: Path) -> bool:
    """Tell by its first bytes whether a file is a workbook, an archive, or an old or locked one. Raises `OSError`."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")


def rows(path: Path, *, first_only: bool = False) -> tuple[Rows, list[str]]:
    """Rows of the first sheet that has some, each with its number from 1, and notes on what was odd, in words.

    Numbers are written as plain as they can be (1.0 is "1"), dates as yyyy-mm-dd, formulas as their last result, and error
    cells (#N/A) are empty. `first_only`: the first filled row alone. Raises `DataError` and `OSError`.
    """
    _check(path)
    # Here, not above: it takes longer to load than most tables take to read.
    import openpyxl
    from openpyxl.utils.exceptions import CellCoordinatesException, InvalidFileException

    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and data validation that openpyxl does not know
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            return _first_sheet(book, path, first_only)
        except DataError:
            raise
        except (*_BROKEN, OSError, CellCoordinatesException, InvalidFileException) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise DataError("The workbook is damaged", where=path, remedy=_REMEDY) from error


def _check(path: Path) -> None:
    """Refuse what is no workbook, and what would fill the memory, before anything is unpacked."""
    with path.open("rb") as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            raise DataError("This is a workbook with a password, or of the old kind (.xls)", where=path, remedy=_REMEDY)
        try:
            members = zipfile.ZipFile(file).infolist()
        except (*_BROKEN, OSError) as error:
            raise DataError("This is a damaged workbook or an archive, not a text table", where=path, remedy=_REMEDY) from error
    if not any(member.filename.startswith("xl/") for member in members):
        raise DataError("This is a workbook of another kind or an archive, not a text table", where=path, remedy=_REMEDY)
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > LARGEST:
        raise DataError("The workbook is too large to be a table of images", where=path, remedy=_REMEDY)


def _first_sheet(book: Any, path: Path, first_only: bool) -> tuple[Rows, list[str]]:  # noqa: ANN401 - openpyxl has no types
    # A hidden sheet is read only where there is no other; one with a title line alone is no table.
    sheets = sorted(book.worksheets, key=lambda sheet: sheet.sheet_state != "visible")
    filled = [(sheet, lines) for sheet in sheets if (lines := _filled(sheet, 2))]
    if not filled:
        raise DataError("The workbook has no sheet with rows", where=path, remedy=_REMEDY)
    sheet = next((sheet for sheet, lines in filled if len(lines) > 1), filled[0][0])
    errors = 0
    found: Rows = []
    cells = 0
    for number, values in _values(sheet):
        cells += len(values)
        if cells > _MOST_CELLS:
            raise DataError("The workbook is too large to be a table of images", where=path, remedy=_REMEDY)
        errors += sum(value in _ERRORS for value in values if isinstance(value, str))
        row = [_text(value) for value in values]
        if any(row):
            found.append((number, row))
            if first_only:
                break
    # A row ends with its last filled cell, and so shorter ones are no fault of the table.
    widest = max((len(row) for _, row in found), default=0)
    found = [(number, row + [""] * (widest - len(row))) for number, row in found]
    notes = []
    if len(filled) > 1:
        notes.append(f"{path.name} has {len(filled)} sheets with rows; '{sheet.title}' was read")
    if errors:
        notes.append(f"{errors} cells of {path.name} hold an error such as #N/A; they count as empty")
    return found, notes


def _filled(sheet: Any, most: int) -> list[int]:  # noqa: ANN401 - openpyxl has no types
    """Numbers of the first rows of a sheet that hold something."""
    found = []
    for number, values in _values(sheet):
        if any(value is not None and str(value).strip() for value in values):
            found.append(number)
            if len(found) == most:
                break
    return found


def _values(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:  # noqa: ANN401 - openpyxl has no types
    # The size that a sheet states of itself is often wrong, and would be filled up with empty cells.
    sheet.reset_dimensions()
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > 1 << 20:  # as many as a sheet may have; a forged row number would be counted up to for ever
            raise ValueError
        yield number, values


def _text(value: object) -> str:
    """A cell as it would stand in a CSV file."""
    if value is None or value in _ERRORS:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    return " ".join(composed(str(value)).split())
