"""The legend of a chart: a sample and a name for each thing, in as many rows as the width asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink

PENS = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}
SHAPES = 5
"""Markers that look different; after the last the first comes again."""


@dataclass(frozen=True)
class Key:
    """What stands beside a name: an area with the pattern `index`, a line in a `style`, or the `shape`-th marker."""

    name: str
    index: int
    style: str = ""
    faint: bool = False
    shape: int | None = None


class ChartLegend(QWidget):
    """Samples and names; names that do not fit are elided, with a tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: tuple[Key, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def shown(self) -> tuple[Key, ...]:
        """What is shown."""
        return self._keys

    def set_keys(self, keys: Sequence[Key]) -> None:
        """Show these; without any the legend takes no room."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.setVisible(bool(keys))
            self._take_room()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Names in one row, but no wider than is usual; as many rows as the width of now asks for."""
        return QSize(min(420, round(sum(self._wide(key) for key in self._keys))), self._rows_height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """One short name."""
        return QSize(self.fontMetrics().height() * 4, self._rows_height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """More rows where it is narrow."""
        super().resizeEvent(event)
        self._take_room()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_keys"):
            self._take_room()

    def event(self, event: QEvent) -> bool:
        """Whole names as tooltips."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), ink.tip(self.name_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def name_at(self, point: QPointF) -> str:
        """The whole name of what stands there, or ""."""
        places = zip(self._keys, self._places(self.width()), strict=True)
        return next((key.name for key, place in places if place.contains(point)), "")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw all."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().windowText().color()
        for key, place in zip(self._keys, self._places(self.width()), strict=True):
            sample = QRectF(place.left(), place.top(), self._sample(), place.height())
            _draw(painter, sample, key)
            painter.setPen(text)
            room = place.adjusted(self._sample() + theme.SPACE / 2, 0, 0, 0)
            name = self.fontMetrics().elidedText(key.name, Qt.TextElideMode.ElideMiddle, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _rows_height(self) -> int:
        places = self._places(self.width())
        return round(places[-1].bottom()) if places else 0

    def _take_room(self) -> None:
        if self._rows_height() != self.height():
            self.setFixedHeight(self._rows_height())

    def _sample(self) -> float:
        return self.fontMetrics().height() * 1.6

    def _wide(self, key: Key) -> float:
        return self._sample() + theme.SPACE / 2 + self.fontMetrics().horizontalAdvance(key.name) + 2 + theme.SPACE * 2

    def _places(self, width: int) -> list[QRectF]:
        """Where each key stands, row by row."""
        high = self.fontMetrics().height() + 4.0
        places, x, y = [], 0.0, 0.0
        for key in self._keys:
            wide = min(self._wide(key), float(width))
            if x > 0 and x + wide - theme.SPACE * 2 > width:
                x, y = 0.0, y + high
            places.append(QRectF(x, y, min(wide - theme.SPACE * 2, width - x), high))
            x += wide
        return places


def draw_marker(painter: QPainter, at: QPointF, shape: int, size: float, colour: QColor) -> None:
    """The n-th marker around a point: circle, square, diamond, triangle, triangle on its head; edged to stand out."""
    painter.setPen(QPen(QColor(theme.colours().text), 1.5))
    painter.setBrush(colour)
    r = size / 2
    if shape % SHAPES == 0:
        painter.drawEllipse(at, r, r)
        return
    corners = {
        1: ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        2: ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
        3: ((0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
        4: ((0, 1.15), (1.1, -0.85), (-1.1, -0.85)),
    }[shape % SHAPES]
    painter.drawPolygon(QPolygonF([QPointF(at.x() + r * x, at.y() + r * y) for x, y in corners]))


def line_pen(index: int, style: str, width: float, *, faint: bool) -> QPen:
    """The pen of a series."""
    colour = ink.series_colour(index)
    pen = QPen(ink.blend(theme.colours().surface, colour.name(), 0.45) if faint else colour, width, PENS[style])
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap if style == "solid" else Qt.PenCapStyle.FlatCap)
    return pen


def _draw(painter: QPainter, area: QRectF, key: Key) -> None:
    middle = area.center()
    if key.shape is not None:
        draw_marker(painter, middle, key.shape, area.height() * 0.5, ink.series_colour(key.index))
    elif key.style:
        painter.setPen(line_pen(key.index, key.style, 2.0, faint=key.faint))
        painter.drawLine(QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))
    else:
        side = area.height() * 0.62
        ink.fill(painter, QRectF(area.right() - side * 1.6, middle.y() - side / 2, side * 1.6, side), key.index)
