"""A file on its own -> what a project knows of it: its record, and whether a run has learned from it."""

import os
from pathlib import Path

from trainer.catalog import Catalog
from trainer.errors import DataError, StorageError
from trainer.records import Filter, Record
from trainer.runs import Run


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


def part(run: Run, image: int) -> str:
    """The part in which an image of the run's own project stood when the run was made; "" for none or if that is not known."""
    try:
        parts = run.split()["parts"]
    except (DataError, StorageError):
        return ""
    return next((str(name) for name, ids in parts.items() if image in ids), "")
