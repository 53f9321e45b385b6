"""The table of contents of a DICOM disc or export (PS3.10 8.6): which image files it lists, none outside of its folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from trainer import dicom, files
from trainer.errors import ImageError
from trainer.headers import REFUSALS

NAME = "DICOMDIR"
LARGEST = 256 * 2**20
"""Bytes: a million records have less."""

_OUT = "its path in DICOMDIR leads out of the folder"
_GONE = "it is listed in DICOMDIR but is not there"


@dataclass(frozen=True)
class Contents:
    """Of the images that it lists: `images` are the paths of those that are there, from the source folder and as on the disk.

    `refused` are those that are not to be had, by path, and why; `damage` says in words why it cannot be read, or "".
    """

    images: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    damage: str = ""


def is_named(name: str) -> bool:
    """Whether a file is a table of contents by its name, as discs and copies of them spell it."""
    return name.upper() == NAME


def read(root: Path, path: str, there: Mapping[str, str]) -> Contents:
    """Read the table of contents at `path` from the folder `root`; no file that it lists is opened.

    `there` are files known to be in the folder, by their paths in lower case: a disc that was copied may have other names than
    it says. A path that is absolute, climbs with ".." or follows a link out of the folder of the table is refused.
    """
    try:
        listed = _listed(root / path)
    except ImageError as error:
        return Contents(damage=error.what)
    except OSError as error:
        return Contents(damage=str(files.storage_error(error).what))
    except REFUSALS:
        return Contents(damage="This DICOM file is damaged or incomplete")
    above = path.rpartition("/")[0]
    images: list[str] = []
    refused: list[tuple[str, str]] = []
    for parts in dict.fromkeys(listed):
        shown = "/".join(parts)
        within = f"{above}/{shown}" if above else shown
        known = there.get(within.casefold(), "")
        if _climbs(parts) or not (known or _inside(root / above, shown)):
            refused.append((shown, _OUT))
        elif known or files.is_file(root / within):
            images.append(known or within)
        else:
            refused.append((within, _GONE))
    return Contents(tuple(images), tuple(refused))


def _listed(path: Path) -> list[tuple[str, ...]]:
    """Paths of the images, each as its parts. Raises `ImageError`, `OSError` and `REFUSALS`."""
    if path.stat().st_size > LARGEST:
        raise ImageError("It is too large", where=path)
    content = path.read_bytes()
    if not dicom.is_dicom(content):
        raise ImageError("It is no DICOM file", where=path)
    header = dicom.parsed(content, name=str(path), everything=True)
    records = header.DirectoryRecordSequence
    return [parts for record in records if (parts := _parts(record))]


def _parts(record: Dataset) -> tuple[str, ...]:
    """Path of the file that a record speaks of, or () where that is no image."""
    if str(record.get("DirectoryRecordType", "")).strip().upper() != "IMAGE":
        return ()
    found = record.get("ReferencedFileID") or ()
    names = [found] if isinstance(found, str) else list(found)
    # By the standard a backslash stands between the parts and is no letter of them; some writers put slashes there.
    return tuple(part for name in names for part in re.split(r"[\\/]", str(name).strip()) if part != ".")


def _climbs(parts: tuple[str, ...]) -> bool:
    return any(part in ("", "..") or ":" in part or "\0" in part for part in parts)


def _inside(folder: Path, within: str) -> bool:
    """Whether a path stays in a folder, links followed."""
    try:
        return (folder / within).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link that leads to itself
        return False
