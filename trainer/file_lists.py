"""Which files are to be predicted, in which order and under which names: files, folders, and lists of names.

A list is a text file with a name on each line, or a table (CSV) with a column of names, as a challenge gives out
("File,Label"). Its names are looked for in the folder that is given, else in the current one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainer import files, picks, prediction_table, tables
from trainer.errors import DataError, Progress, counted

NAMED = 3
"""Missing files that a sentence names."""
_TABLES = (".csv", ".tsv", ".tab", ".xlsx", ".csv.gz", ".tsv.gz")
_COLUMNS = ("file", "filename", "image", "imagename", "imageindex", "path", "filepath", "imagepath", "name", "dicompath")
"""Names of columns of files, as `tables.plain` makes them; the first that is there is taken."""


@dataclass(frozen=True)
class Films:
    """Files and the names by which they were asked for, in order; `masks` lay in the folders and are left out."""

    paths: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)

    def add(self, inputs: Sequence[Path], progress: Progress | None, name: str = "") -> None:
        """Files and all images of folders among `inputs`, under `name` or their own. Raises as `picks.expanded`."""
        found = picks.expanded(inputs, progress, left_out=self.masks)
        inside = prediction_table.stated(found, inputs)
        alone = bool(name) and found == list(inputs)
        self.paths.extend(found)
        self.names.extend([name] if alone else [f"{name.rstrip('/')}/{one}" if name else one for one in inside])


def chosen(inputs: Sequence[Path], listed: Path | None = None, progress: Progress | None = None) -> Films:
    """The files of `inputs`, then those of a list. Raises `DataError` (missing, empty, nothing at all) and `StorageError`.

    If all that is given beside a list is one folder, it says where the names of the list are, not what is to be predicted.
    """
    films = Films()
    folder = inputs[0] if listed and len(inputs) == 1 and inputs[0].is_dir() else None
    if listed is None or (inputs and folder is None):
        films.add(inputs, progress)
    if listed is not None:
        lines = names_in(listed)
        _check(lines, folder or Path(), listed)
        for _, name in lines:
            films.add([_found(folder or Path(), name)], progress, name)
    return films


def names_in(path: Path) -> list[tuple[int, str]]:
    """Names in a list with their lines' numbers. Raises `DataError` (no list, empty, no column of names), `StorageError`."""
    lines = _of_table(path) if str(path).casefold().endswith(_TABLES) else _of_text(path)
    if not lines:
        raise DataError("The list is empty", where=path, remedy="Write a name of an image on each line.")
    return lines


def _of_text(path: Path) -> list[tuple[int, str]]:
    with files.storage_in_words(path):
        content = path.read_bytes()
    if b"\0" in content:
        raise DataError("This is no list of names: not a text file", where=path, remedy="Save it as text (UTF-8).")
    text = content.decode("utf-8-sig", "surrogateescape")  # names on a disk are bytes, and need not be UTF-8
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _of_table(path: Path) -> list[tuple[int, str]]:
    header = tables.header(path)
    wanted = next((name for known in _COLUMNS for name in header if tables.plain(name) == known), None)
    if wanted is None:
        if len(header) == 1 and Path(header[0]).suffix:  # a list after all, without a header
            return _of_text(path)
        columns = ", ".join(header)
        remedy = f"Call the column with the names File. There is: {columns}."
        raise DataError("No column of this table is known to name images", where=path, remedy=remedy)
    table = tables.read(path, (wanted,))
    place = table.index(wanted)
    return [(line.number, line.cells[place]) for line in table.lines if line.cells[place]]


def _check(lines: Sequence[tuple[int, str]], folder: Path, listed: Path) -> None:
    """Refuse a list before anything is predicted: all that is missing in one sentence."""
    missing = [(number, name) for number, name in lines if not _there(_found(folder, name))]
    if missing:
        first = ", ".join(f"{name} (line {number})" for number, name in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        where = f"in {folder}" if folder != Path() else "in the current folder, as no folder is given beside the list"
        is_or_are = "is" if len(missing) == 1 else "are"
        raise DataError(
            f"{len(missing)} of {counted(len(lines), 'name')} in the list {is_or_are} no file {where}",
            where=listed,
            remedy=f"Correct the list, or give the folder: {first}{more}.",
        )


def _found(folder: Path, name: str) -> Path:
    """The path of a name, which may have blanks around it in the list and none on the disk."""
    exact = folder / name
    return exact if _there(exact) else folder / name.strip()


def _there(path: Path) -> bool:
    return files.is_file(path) or path.is_dir()
