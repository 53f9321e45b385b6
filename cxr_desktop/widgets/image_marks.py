"""What stands on a radiograph without being part of it: texts in the corners, the patient's sides, a length, the mouse's place.

The ground of a radiograph is black in both themes, so these marks are always light, and darken what is bright behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QTextLayout, QTextOption

from cxr_desktop import theme
from trainer.bearings import Bearings

LENGTHS = (500, 200, 100, 50, 20, 10, 5, 2, 1)
"""Millimetres that a scale bar may stand for."""
BY_CONVENTION = "Shown so by convention for a frontal view: the file does not say which side is which."
GROUND = QColor(0, 0, 0, 165)
"""Behind text: it darkens a bright image, and is not seen on black."""


@dataclass(frozen=True)
class Sides:
    """The letters at the edges of an image; `certain` where the file states them."""

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""
    certain: bool = True


def sides(bearings: Bearings, view: str) -> Sides:
    """The sides that a file states, or those that a frontal view has by convention, or none."""
    if bearings.left:
        return Sides(bearings.left, bearings.right, bearings.top, bearings.bottom)
    return Sides("R", "L", certain=False) if view in ("PA", "AP") else Sides()


def row(painter: QPainter, room: QRectF, left: Sequence[str], right: Sequence[str], *, bottom: bool = False) -> None:
    """Lines of text at the left and at the right end of `room`, at its top or bottom.

    Where they would meet, those at the right stand nearer to the middle of the room; what is still too long is shortened.
    """
    metrics = QFontMetricsF(painter.font())
    wanted = sum(max(map(metrics.horizontalAdvance, lines), default=0.0) for lines in (left, right))
    meet = bool(left and right) and wanted + theme.SPACE > room.width()
    for lines, at_right in ((left, False), (right, True)):
        before = len(left) if at_right and meet else 0
        first = -len(lines) - before if bottom else before
        top = (room.bottom() if bottom else room.top()) + first * metrics.lineSpacing()
        for number, line in enumerate(lines):
            text = metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, room.width())
            x = room.right() - metrics.horizontalAdvance(text) if at_right else room.left()
            backed(painter, QPointF(x, top + number * metrics.lineSpacing() + metrics.ascent()), text, theme.DARK.text)


def side_letters(painter: QPainter, room: QRectF, of: Sides) -> None:
    """The letters in the middle of the edges of `room`; with a question mark where they are not certain."""
    font = side_font(painter.font())
    painter.save()
    painter.setFont(font)
    for letters, box in side_boxes(room, of, font).items():
        point = QPointF(box.left(), box.top() + QFontMetricsF(font).ascent())
        backed(painter, point, letters, theme.DARK.text if of.certain else theme.DARK.muted)
    painter.restore()


def side_font(font: QFont) -> QFont:
    """The font of the letters in a view with `font`."""
    larger = QFont(font)
    larger.setBold(True)
    larger.setPointSizeF(font.pointSizeF() * 1.25)
    return larger


def side_boxes(room: QRectF, of: Sides, font: QFont) -> dict[str, QRectF]:
    """Where each letter stands."""
    metrics = QFontMetricsF(font)
    doubt = "" if of.certain else "?"
    boxes = {}
    for letters, across, down in ((of.left, 0.0, 0.5), (of.right, 1.0, 0.5), (of.top, 0.5, 0.0), (of.bottom, 0.5, 1.0)):
        if letters:
            width, height = metrics.horizontalAdvance(letters + doubt), metrics.height()
            x, y = room.left() + across * (room.width() - width), room.top() + down * (room.height() - height)
            boxes[letters + doubt] = QRectF(x, y, width, height)
    return boxes


def bar_length(per_mm: float, room: float) -> int:
    """The longest length in mm that fits into `room` at `per_mm` points per mm; 0 if none does or it would be a dot."""
    return next((length for length in LENGTHS if 20 <= length * per_mm <= room), 0)


def scale_bar(painter: QPainter, bottom: QPointF, per_mm: float, length: int, words: str) -> None:
    """A line of so many mm, centred at `bottom`, and above it how long it is and where that holds."""
    metrics = QFontMetricsF(painter.font())
    half, tick = length * per_mm / 2, metrics.height() / 3
    left, right = QPointF(bottom.x() - half, bottom.y()), QPointF(bottom.x() + half, bottom.y())
    for colour, width in (("#000000", 4.0), (theme.DARK.text, 1.6)):
        painter.setPen(QPen(QColor(colour), width))
        painter.drawLine(left, right)
        for end in (left, right):
            painter.drawLine(end, end - QPointF(0, tick))
    text = f"{length} mm {words}".strip()
    place = QPointF(bottom.x() - metrics.horizontalAdvance(text) / 2, bottom.y() - tick - metrics.descent())
    backed(painter, place, text, theme.DARK.text)


def frame(painter: QPainter, seen: QRectF, *, thickness: float = 1.0) -> None:
    """Around what a network was shown, where that is not all; `thickness` in points, or in pixels of a saved picture."""
    for colour, width, style in (("#000000", 3.0, Qt.PenStyle.SolidLine), (theme.DARK.text, 1.2, Qt.PenStyle.DashLine)):
        painter.setPen(QPen(QColor(colour), width * thickness, style))
        painter.drawRect(seen)


def cross(painter: QPainter, place: QPointF) -> None:
    """Where the mouse points to in the other view."""
    for colour, width in (("#000000", 3.0), (theme.DARK.text, 1.0)):
        painter.setPen(QPen(QColor(colour), width))
        for step in (QPointF(1, 0), QPointF(0, 1)):
            painter.drawLine(place - 9 * step, place - 3 * step)
            painter.drawLine(place + 3 * step, place + 9 * step)


def backed(painter: QPainter, place: QPointF, text: str, colour: str) -> None:
    """Text that can be read on every grey value; `place` is where its base line begins."""
    metrics = QFontMetricsF(painter.font())
    ground = QRectF(place.x(), place.y() - metrics.ascent(), metrics.horizontalAdvance(text), metrics.lineSpacing())
    painter.fillRect(ground.adjusted(-2, 0, 2, 0), GROUND)
    painter.setPen(QColor(colour))
    painter.drawText(place, text)


def wrapped(text: str, font: QFont, width: float, most: int) -> list[str]:
    """At most `most` lines of a text, broken between words, or anywhere where a word is too long; the last may be shortened."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    starts = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        starts.append(line.textStart())
    layout.endLayout()
    lines = [text[a:b].strip() for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    if len(lines) > most:
        rest = text[starts[most - 1] :].strip()
        lines = [*lines[: most - 1], QFontMetricsF(font).elidedText(rest, Qt.TextElideMode.ElideRight, width)]
    return lines
