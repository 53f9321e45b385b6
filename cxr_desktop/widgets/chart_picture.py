"""The inside of a line chart: grid and lines as a kept picture; reference lines, markers and readout on top of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QGraphicsWidget, QStyleOptionGraphicsItem, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.chart_contents import Contents, Marker, Rule
from cxr_desktop.widgets.chart_legend import draw_marker, line_pen
from cxr_desktop.widgets.traces import Floats, Indices, Trace, Window, columns, ink_length, pieces

MARKER = 11.0
"""Width of a marker, in device independent pixels."""
_DOT_ROOM = 6.0
"""Points are drawn as dots as long as there is that much room for each of them, in pixels."""
_NAMED, _BESIDE = 0.72, 10
"""Where on the diagonal its name stands, and how many pixels beside it."""


_DENSE = 12.0
"""A line so many times as long as the chart is wide and high covers an area."""
_PART = 16
"""Corners of a line that are drawn at once."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is seen of a trace: indices into it, and their places in pixels."""

    indices: Indices
    across: Floats
    down: Floats


@dataclass(frozen=True)
class Spot:
    """A point of a picture: name of the trace, position in what is drawn of it."""

    name: str
    position: int


class Picture:
    """Grid and lines, drawn once for a window; `drawn` says which points are seen where."""

    def __init__(self, window: Window, ratio: float) -> None:
        """`ratio` is the device pixels for each pixel."""
        self.window = window
        self.drawn: dict[str, Drawn] = {}
        size = QSize(max(1, round(window.width * ratio)), max(1, round(window.height * ratio)))
        self.pixmap = QPixmap(size)
        self.pixmap.setDevicePixelRatio(ratio)
        self.pixmap.fill(QColor(theme.colours().surface))

    def draw(self, contents: Contents, grid: tuple[Sequence[float], Sequence[float]]) -> None:
        """Grid, diagonal and lines, the faint ones below the others; `grid` x and heights."""
        painter = QPainter(self.pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_grid(painter, *grid)
        if contents.diagonal:
            self._draw_diagonal(painter, contents.diagonal)
        for name, trace in sorted(contents.traces.items(), key=lambda item: not item[1].faint):
            self.drawn[name] = self._draw_trace(painter, trace)
        painter.end()

    def index(self, spot: Spot) -> int:
        """Its index in what the trace was made of."""
        return int(self.drawn[spot.name].indices[spot.position])

    def place(self, spot: Spot) -> QPointF:
        """Where it lies."""
        drawn = self.drawn[spot.name]
        return QPointF(drawn.across[spot.position], drawn.down[spot.position])

    def step(self, spot: Spot | None, points: int, traces: int) -> Spot | None:
        """So many points further on the same trace, or so many traces further at the same x; at the end it stays."""
        names = [name for name, drawn in self.drawn.items() if np.isfinite(drawn.down).any()]
        if spot is None or spot.name not in names:
            return Spot(names[0], int(np.flatnonzero(np.isfinite(self.drawn[names[0]].down))[0])) if names else None
        if traces:
            drawn = self.drawn[name := names[(names.index(spot.name) + traces) % len(names)]]
            away = np.where(np.isfinite(drawn.down), np.abs(drawn.across - self.place(spot).x()), np.inf)
            return Spot(name, int(np.argmin(away)))
        places = np.flatnonzero(np.isfinite(self.drawn[spot.name].down))
        at = int(np.searchsorted(places, spot.position)) + points
        return Spot(spot.name, int(places[np.clip(at, 0, places.size - 1)]))

    def nearest(self, place: QPointF, reach: float) -> Spot | None:
        """The point nearest to `place`, if it is within `reach` pixels."""
        best, found = reach * reach, None
        for name, drawn in self.drawn.items():
            if not drawn.indices.size:
                continue
            distance = (drawn.across - place.x()) ** 2 + (drawn.down - place.y()) ** 2
            distance = np.where(np.isnan(distance), np.inf, distance)
            position = int(np.argmin(distance))
            if distance[position] <= best:
                best, found = float(distance[position]), Spot(name, position)
        return found

    def _draw_grid(self, painter: QPainter, xs: Sequence[float], heights: Sequence[float]) -> None:
        painter.setPen(QPen(ink.blend(theme.colours().surface, theme.colours().line, 0.7), 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for across in self.window.to_pixels(np.array(xs), np.zeros(len(xs)))[0]:
            painter.drawLine(QPointF(across, 0), QPointF(across, self.window.height))
        for down in self.window.to_pixels(np.zeros(len(heights)), np.array(heights))[1]:
            painter.drawLine(QPointF(0, down), QPointF(self.window.width, down))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _draw_diagonal(self, painter: QPainter, name: str) -> None:
        pen = QPen(QColor(theme.colours().muted), 1.2, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        begin, end = QPointF(*self.window.place(0, 0)), QPointF(*self.window.place(1, 1))
        painter.drawLine(begin, end)
        metrics = painter.fontMetrics()
        room = self.window.width - metrics.horizontalAdvance(name) - _BESIDE - 2 - begin.x()
        share = min(_NAMED, room / max(1.0, end.x() - begin.x()))  # in a narrow chart the name stands further down
        at = begin + (end - begin) * share
        painter.drawText(QPointF(at.x() + _BESIDE, at.y() + metrics.ascent()), name)

    def _draw_trace(self, painter: QPainter, trace: Trace) -> Drawn:
        indices = trace.thinned(self.window, per_pixel=self.pixmap.devicePixelRatio())
        across, down = self.window.to_pixels(trace.x[indices], trace.heights(self.window.log)[indices])
        parts = pieces(across, down)
        for part in parts:
            self._draw_line(painter, trace, across[part], down[part])
        seen = int(np.count_nonzero((across >= 0) & (across <= self.window.width)))
        dotted = trace.points and seen * _DOT_ROOM <= self.window.width
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(line_pen(trace.colour, trace.style, trace.width, faint=trace.faint).color())
        radius = max(2.5, trace.width + 0.7)
        for part in parts:
            if dotted or part.stop - part.start == 1:  # a point between two gaps would not be seen as a line
                for x, y in zip(across[part], down[part], strict=True):
                    painter.drawEllipse(QPointF(x, y), radius, radius)
        return Drawn(indices, across, down)

    def _draw_line(self, painter: QPainter, trace: Trace, across: Floats, down: Floats) -> None:
        """Through points without gaps. Qt's stroker needs seconds for a long path that crosses itself, hence in short parts,
        and what would be a solid area anyway as bars.
        """
        pen = line_pen(trace.colour, trace.style, trace.width, faint=trace.faint)
        steep = ink_length(across, np.clip(down, 0, self.window.height))
        if steep > _DENSE * (self.window.width + self.window.height):
            self._draw_bars(painter, pen, across, down)
            return
        painter.setPen(pen)
        corners = [QPointF(x, y) for x, y in zip(across, down, strict=True)]
        gone = np.append(0.0, np.cumsum(np.hypot(np.diff(across), np.diff(down)))) / trace.width
        for start in range(0, len(corners) - 1, _PART):
            if trace.style != "solid":
                pen.setDashOffset(gone[start])
                painter.setPen(pen)
            painter.drawPolyline(QPolygonF(corners[start : start + _PART + 1]))

    def _draw_bars(self, painter: QPainter, pen: QPen, across: Floats, down: Floats) -> None:
        ratio = self.pixmap.devicePixelRatio()
        place, upper, lower, holes = columns(across * ratio, np.clip(down, -9, self.window.height + 9) * ratio)
        thick = max(1.0, pen.widthF() * ratio)
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(pen.color())
        painter.drawRects([QRectF(x, a - thick / 2, 1, b - a + thick) for x, a, b in zip(place, upper, lower, strict=True)])
        painter.restore()
        painter.setPen(pen)
        painter.drawLines([QLineF(across[i], down[i], across[i + 1], down[i + 1]) for i in holes])


class Area(QGraphicsItem):
    """What is drawn between the axes of a chart, in pixels of their box."""

    def __init__(self, box: QGraphicsWidget, draw: Callable[[QPainter], None]) -> None:
        super().__init__(box)
        self._box = box
        self._draw = draw
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """All of the box."""
        return QRectF(0, 0, self._box.width(), self._box.height())

    def resized(self) -> None:
        """The box has another size."""
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw on whole device pixels, or a picture would be blurred."""
        origin = painter.deviceTransform().map(QPointF(0, 0))
        ratio = painter.device().devicePixelRatioF()
        painter.translate((round(origin.x()) - origin.x()) / ratio, (round(origin.y()) - origin.y()) / ratio)
        self._draw(painter)


def draw_rules(painter: QPainter, rules: Mapping[str, Rule], window: Window, font: QFont) -> None:
    """Reference lines with their names: of vertical ones at the top, one below the other; of horizontal ones at the right."""
    places = [(name, rule.vertical, _along(window, rule)) for name, rule in rules.items()]
    seen = [(name, upright, at) for name, upright, at in places if 0 <= at <= (window.width if upright else window.height)]
    painter.setPen(QPen(QColor(theme.colours().muted), 1.4, Qt.PenStyle.DashDotLine))
    for _, upright, at in seen:
        ends = (QPointF(at, 0), QPointF(at, window.height)) if upright else (QPointF(0, at), QPointF(window.width, at))
        painter.drawLine(*ends)
    metrics, row = QFontMetricsF(font), 0
    for name, upright, at in seen:
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, window.width * 0.6)
        wide = metrics.horizontalAdvance(text)
        if upright:
            left, base = at + 5, metrics.ascent() + 3 + row * metrics.height()
            left = left if left + wide < window.width else at - 5 - wide
            row += 1
        else:
            left, base = window.width - wide - 6, at - 4
            base = base if base > metrics.ascent() else at + metrics.ascent() + 3
        ink.halo_text(painter, left, base, text, font, QColor(theme.colours().text))


def _along(window: Window, rule: Rule) -> float:
    """Where a rule crosses its axis, in pixels; nan if nowhere."""
    return window.place(rule.value, 1)[0] if rule.vertical else window.place(window.left, rule.value)[1]


def marker_area(window: Window, marker: Marker) -> QRectF:
    """Where a marker is drawn; empty if nowhere."""
    x, y = window.place(marker.x, marker.y)
    reach = MARKER * 0.6 + 3
    return QRectF(x - reach, y - reach, 2 * reach, 2 * reach) if np.isfinite(x + y) else QRectF()


def draw_markers(painter: QPainter, markers: Sequence[Marker], window: Window) -> None:
    """Operating points that are defined."""
    for marker in markers:
        x, y = window.place(marker.x, marker.y)
        if np.isfinite(x + y):
            draw_marker(painter, QPointF(x, y), marker.shape, MARKER, ink.series_colour(marker.colour))


def draw_readout(painter: QPainter, at: QPointF, lines: Sequence[str], window: Window, font: QFont) -> None:
    """A ring around a point and a box beside it that says which point it is."""
    of = theme.colours()
    painter.setPen(QPen(QColor(of.text), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, 5, 5)
    metrics = QFontMetricsF(font)
    room = max(40.0, window.width - 24)
    texts = [metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, room) for line in lines]
    box = QRectF(0, 0, max(metrics.horizontalAdvance(text) for text in texts) + 13, metrics.height() * len(texts) + 8)
    left = at.x() + 12 if at.x() + 12 + box.width() <= window.width else at.x() - 12 - box.width()
    top = at.y() - 12 - box.height()
    box.moveTo(max(2.0, min(left, window.width - box.width() - 2)), top if top >= 2 else at.y() + 12)
    painter.setPen(QPen(QColor(of.muted), 1))
    painter.setBrush(QColor(of.surface))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(QColor(of.text))
    painter.setFont(font)
    for row, text in enumerate(texts):
        painter.drawText(QPointF(box.left() + 6, box.top() + 4 + metrics.ascent() + row * metrics.height()), text)
