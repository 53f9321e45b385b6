"""The program's picture as a file: `python -m bundle.icon OUT.png` (or .ico for Windows, .icns for macOS)."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

SIZE = 1024
ROUND = 0.2
"""Radius of the corners, as a share of the side."""
MARGIN = 0.1


def drawn(size: int) -> "QPixmap":
    """White lungs on a rounded square of the window's own blue."""
    from PySide6.QtCore import QPoint, QRectF, Qt
    from PySide6.QtGui import QColor, QPainter, QPixmap

    from cxr_desktop import icons, theme

    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.LIGHT.accent))
    painter.drawRoundedRect(QRectF(0, 0, size, size), size * ROUND, size * ROUND)
    margin = round(size * MARGIN)
    painter.drawPixmap(QPoint(margin, margin), icons.picture("lungs", "#ffffff", size - 2 * margin))
    painter.end()
    return pixmap


def run(out: Path) -> None:
    """Write the picture; the ending of the name says as what."""
    from PIL import Image
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication.instance() or QGuiApplication([])
    assert application is not None
    large = out.with_suffix(".png")
    drawn(SIZE).save(str(large))
    with Image.open(large) as picture:
        if out.suffix == ".ico":
            picture.save(out, sizes=[(side, side) for side in (16, 24, 32, 48, 64, 128, 256)])
        elif out.suffix == ".icns":
            picture.save(out)
        else:
            picture.resize((256, 256), Image.Resampling.LANCZOS).save(out)


if __name__ == "__main__":
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    run(Path(sys.argv[1]))
