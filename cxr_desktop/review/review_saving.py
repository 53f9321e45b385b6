"""What leaves the Review page: a picture without anything that says whose it is, and the table of predictions."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PySide6.QtGui import QImage

from cxr_desktop.widgets import heat_scale
from cxr_desktop.widgets.lightbox import Lightbox
from cxr_desktop.widgets.rendering import Look
from trainer import files, prediction_table, verdicts
from trainer.geometry import Part
from trainer.images import Image
from trainer.prediction_table import Asked
from trainer.verdicts import FilePrediction


def png(picture: QImage) -> bytes:
    """A picture as a PNG file that holds its pixels and nothing else: no text, no time, no colour profile, no resolution."""
    bare = picture.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(bare.constBits(), np.uint8).reshape(bare.height(), bare.bytesPerLine())
    pixels = rows[:, : 3 * bare.width()].reshape(bare.height(), bare.width(), 3)
    content = io.BytesIO()
    Pillow.fromarray(pixels).save(content, "PNG")  # Qt's own writer takes over texts and adds a resolution
    return content.getvalue()


def picture_name(finding: str, folder: Path) -> Path:
    """A name in `folder` that is not taken: of the finding and a number, never of the patient or the file."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", finding).strip("-") or "radiograph"
    number = 1
    while (folder / f"{stem}-{number}.png").exists():
        number += 1
    return folder / f"{stem}-{number}.png"


@dataclass(frozen=True, eq=False)
class View:
    """What is on a light box now, as plain values: it is drawn at the image's own size, which takes too long to wait for."""

    image: Image
    finding: str
    whose: str
    values: NDArray[np.float32] | None
    seen: Part | None
    look: Look
    fixed_top: float | None

    @classmethod
    def of(cls, lightbox: Lightbox) -> Self:
        """Of a light box with an image. A heat map that is still being made is left out."""
        assert lightbox.shown is not None, "there is no image"
        heat = lightbox.heat if lightbox.heat and lightbox.heat.values is not None else None
        finding, whose, values, seen = (heat.finding, heat.of, heat.values, heat.seen) if heat else ("", "", None, None)
        return cls(lightbox.shown, finding, whose, values, seen, lightbox.look, lightbox.fixed_top)

    def picture(self, *, with_heat: bool) -> QImage:
        """Image, heat map and its legend; no text but the finding's. May be called in a job."""
        lightbox = Lightbox()
        lightbox.put(self.image, "", None)
        lightbox.fixed_top = self.fixed_top
        if with_heat and self.values is not None:
            lightbox.put_heat(self.values, self.finding, self.whose, self.seen)
        lightbox.look = replace(self.look, top=lightbox.look.top)
        return heat_scale.saved(lightbox)


def save_picture(view: View, path: Path, *, with_heat: bool) -> Path:
    """Write a view as PNG; returns where. Raises `StorageError`."""
    files.write_bytes(path, png(view.picture(with_heat=with_heat)))
    return path


def save_table(findings: Sequence[str], said: Sequence[FilePrediction], path: Path, *, spread: bool) -> Path:
    """Write predictions as CSV; returns where. Raises `StorageError`."""
    files.write_text(path, verdicts.table(findings, said, spread=spread))
    return path


def save_columns(columns: str, kind: Asked, said: Sequence[FilePrediction], path: Path) -> Path:
    """Write a table with the columns that are asked for ("File,Label"); returns where.

    Files are named as they are called, without their folders. Raises `ConfigError`, `DataError`, `StorageError`.
    """
    wanted = prediction_table.columns(columns, kind.findings)
    names = prediction_table.stated([one.path for one in said], ())
    files.write_text(path, prediction_table.table(wanted, kind, said, names))
    return path
