"""Every element of a DICOM header as text for a person, from the soundest file to the most damaged one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from trainer import dicom, files, headers
from trainer.errors import ImageError
from trainer.headers import REFUSALS

LONGEST = 2_000
"""Characters of a value that are kept; more is no reading matter."""
MOST = 5_000
"""Elements that are listed."""
DEEPEST = 8
"""Sequences inside sequences that are followed."""


@dataclass(frozen=True)
class Element:
    """One element: `tag` as (gggg,eeee), `name` as the standard calls it, value representation, value, depth in sequences."""

    tag: str
    name: str
    vr: str
    value: str
    private: bool
    depth: int


@dataclass(frozen=True)
class Header:
    """The elements in the order of the file, and what could not be shown, in words."""

    elements: tuple[Element, ...]
    notes: tuple[str, ...]


def read(path: Path) -> Header:
    """List a file's header. Raises `ImageError` where the file cannot be opened or is no DICOM file."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        what = files.storage_error(error, path).what if isinstance(error, OSError) else "This is not a file name"
        raise ImageError(what, where=path, remedy="Check that the file is there and that you may read it.") from error
    if not dicom.is_dicom(content):
        raise ImageError("This is no DICOM file: it has no header", where=path)
    dataset = dicom.parsed(content, name=str(path), everything=True)
    found: list[Element] = []
    notes: list[str] = []
    for part in (getattr(dataset, "file_meta", None), dataset):
        if isinstance(part, Dataset):
            _list(part, 0, found, notes)
    if not found:
        notes.append("The header is empty or cannot be read")
    return Header(tuple(found), tuple(dict.fromkeys(notes)))


def facts(path: Path) -> dict[str, Any]:
    """What the header alone says of patient, study, view, sex and age, by the names of `Facts`; {} for what is no DICOM."""
    try:
        with path.open("rb") as file:
            start = file.read(140)
            if not dicom.is_dicom(start):
                return {}
            content = start + file.read()
        return headers.facts(dicom.parsed(content, name=str(path), everything=True))
    except (OSError, ValueError, ImageError):
        return {}


def _list(dataset: Dataset, depth: int, found: list[Element], notes: list[str]) -> None:
    for tag in _tags(dataset):
        if len(found) >= MOST:
            notes.append(f"Only the first {MOST:,} elements are listed")
            return
        element = _element(dataset, tag, depth)
        found.append(element)
        if element.vr != "SQ":
            continue
        if depth >= DEEPEST:
            notes.append("Sequences inside sequences are listed down to a depth only")
            continue
        for item in _items(dataset, tag):
            _list(item, depth + 1, found, notes)


def _tags(dataset: Dataset) -> list[BaseTag]:
    try:
        return sorted(dataset.keys())
    except REFUSALS:
        return []


def _items(dataset: Dataset, tag: BaseTag) -> Iterator[Dataset]:
    try:
        yield from [item for item in dataset[tag].value if isinstance(item, Dataset)]
    except REFUSALS:
        return


def _element(dataset: Dataset, tag: BaseTag, depth: int) -> Element:
    written = f"({tag.group:04X},{tag.element:04X})"
    try:
        element = dataset[tag]
        name, vr, value = str(element.name), str(element.VR), _text(element.VR, element.value)
    except REFUSALS:
        name, vr, value = "", _representation(tag), "cannot be read"
    name = name.strip("[]").strip()
    if name in ("", "Unknown", "Private tag data"):
        name = "Private element" if tag.is_private else "Unknown element"
    return Element(written, name, vr, value, bool(tag.is_private), depth)


def _representation(tag: BaseTag) -> str:
    try:
        return str(dictionary_VR(tag))
    except REFUSALS:
        return ""


def _text(vr: str, value: Any) -> str:  # noqa: ANN401 - whatever the element holds
    if vr == "SQ":
        return f"{len(value)} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes"
    parts = value if isinstance(value, MultiValue | list | tuple) else [value]
    text = " \\ ".join("" if part is None else str(part) for part in parts)
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST]).split())
    return line if len(text) <= LONGEST else f"{line[:LONGEST]}… ({len(text):,} characters)"
