"""What several tests make and look at: small image files, rows of a catalog, what an import did."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from trainer.catalog import Catalog, Entry
from trainer.importer import Imported


def draw(root: Path, *paths: str, shade: int | None = None) -> None:
    """Small images whose content differs from name to name, unless a shade is given."""
    for path in paths:
        pixels = np.full((8, 6), 128 if shade is None else shade, dtype=np.uint8)
        if shade is None:
            pixels.flat[:] = np.frombuffer(path.encode() * 48, dtype=np.uint8)[:48]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels).save(root / path)


def entry(number: int, **more: Any) -> Entry:  # noqa: ANN401 - any field
    """A row for a file that need not be there."""
    plain = Entry(f"a/{number:03d}.png", f"{number:040x}", 100 + number, 1_000 + number, 20, 10)
    return replace(plain, **more)


def state(project: Path) -> dict[str, dict[str, int]]:
    """Labels of all images that are there, by path."""
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        return {path: dict(r.labels) for path, r in zip(catalog.column(ids, "path"), catalog.records(ids), strict=True)}


def figures(found: Imported) -> tuple[int, int, int, int]:
    """How many images were new, changed, the same and gone."""
    return found.taken, found.changed, found.unchanged, found.gone
