"""A file on its own -> what a project knows of it: its record, and whether a run has learned from it."""

import os
from pathlib import Path

from trainer import files
from trainer.catalog import Catalog
from trainer.errors import DataError, ImageError, StorageError
from trainer.records import Filter, Record
from trainer.runs import Run

CHANGED = "The file has changed since it was imported"


def record(catalog: Catalog, path: Path) -> Record | None:
    """The image that was imported from this file; None if the project does not know it. Excluded images are known."""
    place = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "..", keeps links
    for root in catalog.folders():
        if not place.is_relative_to(root):
            continue
        text = place.relative_to(root).as_posix()
        ids = catalog.ids(Filter(text=text, excluded=None, gone=None))
        for number, (found, _) in zip(ids.tolist(), catalog.files(ids), strict=True):
            if found == place:
                return catalog.records([number])[0]
    return None


def content(path: Path, digest: str) -> bytes:
    """What a file holds, if that is still the image that was imported; for all that shows it beside what is known of it.

    The content is compared, since tools that copy files keep their times. Raises `ImageError` for another image in its place,
    and `StorageError`.
    """
    with files.storage_in_words(path):
        found = path.read_bytes()
    if files.digest(found) != digest:
        raise ImageError(CHANGED, where=path, remedy="What is known is about the old one. Import its folder again.")
    return found


def part(run: Run, image: int) -> str:
    """The part in which an image of the run's own project stood when the run was made; "" for none or if that is not known."""
    try:
        parts = run.split()["parts"]
    except (DataError, StorageError):
        return ""
    return next((str(name) for name, ids in parts.items() if image in ids), "")
