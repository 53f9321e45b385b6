"""What charts are drawn with: colours of series, fills that differ without colour, legible text, numbers in words."""

import html
import math

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen

from cxr_desktop import theme

NOT_DEFINED = "not defined"
_PATTERNS = (
    None,
    Qt.BrushStyle.BDiagPattern,
    Qt.BrushStyle.Dense6Pattern,
    Qt.BrushStyle.FDiagPattern,
    Qt.BrushStyle.HorPattern,
    Qt.BrushStyle.DiagCrossPattern,
    Qt.BrushStyle.VerPattern,
    Qt.BrushStyle.Dense5Pattern,
)


def series_colour(index: int) -> QColor:
    """Colour of the n-th thing of a chart; after the last the first comes again."""
    palette = theme.colours().series
    return QColor(palette[index % len(palette)])


def fill(painter: QPainter, area: QRectF, index: int) -> None:
    """Fill with the colour and, from the second on, the pattern of the n-th thing."""
    painter.fillRect(area, series_colour(index))
    pattern = _PATTERNS[index % len(_PATTERNS)]
    if pattern is not None:
        stroke = QColor(theme.colours().surface)
        stroke.setAlpha(150)
        painter.fillRect(area, QBrush(stroke, pattern))


def contrast(one: QColor, other: QColor) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_on(ground: QColor) -> QColor:
    """Black or white, whichever is read better: at least 4.58 : 1 on any ground."""
    return QColor("black" if _luminance(ground) > 0.1791 else "white")  # where both have the same contrast


def blend(one: str, other: str, share: float) -> QColor:
    """From `one` (share 0) to `other` (share 1)."""
    a, b = QColor(one), QColor(other)
    mixed = (x + share * (y - x) for x, y in zip(a.getRgbF()[:3], b.getRgbF()[:3], strict=True))
    return QColor.fromRgbF(*mixed)


def halo_text(painter: QPainter, x: float, y: float, text: str, font: QFont, colour: QColor) -> None:
    """Text with its baseline at (x, y) and an edge in the colour of the ground, legible over lines."""
    path = QPainterPath()
    path.addText(x, y, font, text)
    edge = QPen(QColor(theme.colours().surface), 4)
    edge.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, edge)
    painter.fillPath(path, colour)


def focus_ring(painter: QPainter, area: QRectF) -> None:
    """The frame of what has the keyboard."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.colours().accent), 2))
    painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 3, 3)


def tip(text: str) -> str:
    """A text as a tooltip that wraps; nothing in it is taken for markup."""
    return f"<qt>{html.escape(text)}</qt>" if text else ""


def number(value: float) -> str:
    """A count with its thousands apart: "12,345"; one decimal only where there is a fraction; nan: not defined."""
    if not math.isfinite(value):
        return NOT_DEFINED
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def percent(share: float, decimals: int = 0) -> str:
    """0.081 -> "8 %"; nan: not defined. What is not 0 never reads as 0, and what is not all never reads as 100."""
    if not math.isfinite(share):
        return NOT_DEFINED
    step = 10.0**-decimals
    if 0 < share * 100 < step / 2:
        return f"<{step:g} %"
    if 100 - step / 2 <= share * 100 < 100:
        return f">{100 - step:g} %"
    return f"{100 * share:.{decimals}f} %"


def _luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in colour.getRgbF()[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
