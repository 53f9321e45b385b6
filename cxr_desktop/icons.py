"""The few pictures of the window, as line drawings in one colour that follows the theme."""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_LUNGS = (
    '<path d="M12 3v8"/><path d="M12 9c-1 2-3 2-3 4"/><path d="M12 9c1 2 3 2 3 4"/>'
    '<path d="M9 7c-3 0-6 6-6 11 0 3 3 3 6 1V7z"/><path d="M15 7c3 0 6 6 6 11 0 3-3 3-6 1V7z"/>'
)
_DRAWINGS = {
    "dataset": '<rect x="3" y="3" width="8" height="8" rx="1"/><rect x="13" y="3" width="8" height="8" rx="1"/>'
    '<rect x="3" y="13" width="8" height="8" rx="1"/><rect x="13" y="13" width="8" height="8" rx="1"/>',
    "training": '<path d="M3 4v17h18"/><path d="M6 7c2 8 6 10 14 10.5"/><circle cx="7" cy="10" r="1"/>',
    "evaluation": '<rect x="3" y="3" width="18" height="18" rx="1"/><path d="M12 3v18M3 12h18"/>'
    '<path d="M5.5 7.5l1.5 1.5 3-3"/>'
    '<path d="M14.5 17l1.5 1.5 3-3"/>',
    "review": '<circle cx="10.5" cy="10.5" r="7"/><path d="M15.8 15.8L21 21"/><path d="M7 10.5h7M10.5 7v7"/>',
    "lungs": _LUNGS,
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "home": '<path d="M3 11l9-8 9 8"/><path d="M5.5 9.5V20h13V9.5"/><path d="M10 20v-6h4v6"/>',
}
SIZES = (16, 24, 32, 48, 64, 128)


def names() -> list[str]:
    """What can be drawn."""
    return list(_DRAWINGS)


def picture(name: str, colour: str, size: int) -> QPixmap:
    """One drawing, `size` x `size` pixels of the screen, on a transparent ground."""
    return drawn(_DRAWINGS[name], colour, size)


def drawn(lines: str, colour: str, size: int, opacity: float = 1.0) -> QPixmap:
    """SVG elements on a square of 24 x 24 as a picture; `{c}` in them stands for the colour."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke-width="1.7" opacity="{opacity}" '
        f'stroke="{colour}" stroke-linecap="round" stroke-linejoin="round">{lines.replace("{c}", colour)}</svg>'
    )
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


def icon(name: str, colour: str) -> QIcon:
    """A drawing in all sizes that a screen may ask for."""
    made = QIcon()
    for size in SIZES:
        made.addPixmap(picture(name, colour, size))
    return made
