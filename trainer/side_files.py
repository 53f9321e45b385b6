"""Files of public datasets that are no tables, as tables: lists without a header, a mapping of names, notes on patients."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from trainer import files, tables
from trainer.errors import DataError
from trainer.tables import Line, Table

LARGEST_MAPPING = 1 << 27
"""Bytes: RSNA's mapping of 30,000 images has 15 MB."""

_CLASSES = frozenset({"normal", "pneumonia", "covid-19", "positive", "negative", "level1", "level2"})
_SOURCES = {"rnsa": "rsna"}
_NIH_FILE = re.compile(r"(\d{8})_\d{3}(?:\.png)?", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SEX = re.compile(r"\b(female|male)\b|sex\W+([mfo])\b", re.IGNORECASE)
_AGE = re.compile(r"\b(\d{1,3})\s*(?:(y)(?:rs?|ears?)?|(m)(?:o|onths?)?|(w)(?:eeks?)?|(d)(?:ays?)?)\b", re.IGNORECASE)


def _table(path: Path, header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], notes: Sequence[str] = ()) -> Table:
    lines = tuple(Line(number, tuple(cells)) for number, cells in rows)
    return Table(path, tuple(header), lines, (), frozenset(), tuple(notes))


def covidx(path: Path) -> Table:
    """A list of COVIDx: patient, file, class and (in later versions) source, read from the right as patients hold blanks.

    Raises `DataError` and `StorageError`.
    """
    folder = re.match(r"[a-z]+", path.name.casefold())
    rows, odd = [], 0
    for number, line in tables.lines_without_header(path):
        words = line.split()
        place = next((place for place in (-1, -2) if len(words) > 1 - place and words[place].casefold() in _CLASSES), 0)
        if not place:
            odd += 1
            continue
        source = words[-1].casefold() if place == -2 else ""
        patient = " ".join(words[: place - 1])
        cells = (patient, words[place - 1], words[place], _SOURCES.get(source, source), folder[0] if folder else "")
        rows.append((number, cells))
    notes = [f"{odd} lines of {path.name} are not 'patient file class source'"] if odd else []
    return _table(path, ("patientid", "filename", "class", "source", "folder"), rows, notes)


def mapping(path: Path) -> Table:
    """RSNA's mapping of its images to those of NIH: in each record a UUID and a file name of NIH, whatever their columns.

    Raises `DataError` and `StorageError`.
    """
    found = {}
    for number, texts in enumerate(_records(path), 1):
        uuid = next((text for text in texts if _UUID.fullmatch(text)), "")
        name = next((match for text in texts if (match := _NIH_FILE.fullmatch(text))), None)
        if uuid and name:
            found[uuid] = (number, (uuid, name[1]))
    return _table(path, ("patientId", "patient"), found.values())


def _records(path: Path) -> Iterable[list[str]]:
    if path.suffix.casefold() != ".json":
        return [list(line.cells) for line in tables.read(path).lines]
    with files.storage_in_words(path):
        content = path.read_bytes() if path.stat().st_size <= LARGEST_MAPPING else b""
    try:
        read = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError("This is no readable mapping", where=path, remedy="Download it again.") from error
    records = read if isinstance(read, list) else list(read.items()) if isinstance(read, dict) else []
    return [_texts(record) for record in records]


def _texts(record: object) -> list[str]:
    """All texts in a record, those of lists and records in it as well."""
    if isinstance(record, str):
        return [record]
    inner = record.values() if isinstance(record, dict) else record if isinstance(record, list | tuple) else ()
    return [text for item in inner for text in _texts(item)]


def readings(paths: Sequence[Path]) -> Table:
    """Sex and age out of the notes that the tuberculosis sets hold beside each image; one that cannot be read says nothing."""
    rows = []
    for number, path in enumerate(paths, 1):
        try:
            text = " ".join(line for _, line in tables.lines_without_header(path))
        except DataError:
            continue
        sex, age = _SEX.search(text), _AGE.search(text)
        told = [next(filter(None, sex.groups())) if sex else "", "".join(filter(None, age.groups())) if age else ""]
        rows.append((number, [path.stem, *told]))
    return _table(paths[0].parent, ("image", "sex", "age"), rows)


def names(path: Path) -> frozenset[str]:
    """File names in a list with one a line, without folders. Raises `DataError` and `StorageError`."""
    return frozenset(PurePosixPath(line.replace("\\", "/")).name.casefold() for _, line in tables.lines_without_header(path))


def read(kind: str, path: Path, only: Collection[str] = ()) -> Table:
    """A file of a kind as a table; of a real one with `only` some columns. Raises `DataError` and `StorageError`."""
    if kind == "covidx":
        return covidx(path)
    return mapping(path) if kind == "mapping" else tables.read(path, only)
