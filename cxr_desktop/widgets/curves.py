"""A line chart: several named series over one another, with zoom, readout, reference lines and operating points."""

import html
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyqtgraph
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication, QSizePolicy, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.chart_contents import Contents, Marker, Range, Rule
from cxr_desktop.widgets.chart_legend import ChartLegend
from cxr_desktop.widgets.chart_picture import Area, Picture, Spot, draw_markers, draw_readout, draw_rules, marker_area
from cxr_desktop.widgets.traces import STYLES, Trace, Window

PADDING = 0.03
"""Free room around what is shown, as a share of it."""
REACH = 30.0
"""Pixels from the pointer to the point that is read out."""
OVERHANG = 18
"""Pixels that the last number of an axis may stand out."""
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class _Axis(pyqtgraph.AxisItem):
    """An axis whose numbers are written out."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation, maxTickLength=4)
        self.whole = False
        self.enableAutoSIPrefix(False)
        self.setStyle(maxTickLevel=1, hideOverlappingLabels=OVERHANG if orientation == "bottom" else False)

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:  # noqa: N802 - pyqtgraph's name
        """No half epochs."""
        levels = super().tickSpacing(low, high, size)
        return [(max(1.0, spacing), offset) for spacing, offset in levels] if self.whole else levels

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float | None) -> list[str]:  # noqa: N802
        """Thousands apart; as many decimals as the spacing asks for."""
        if self.logMode:
            return [f"{10.0**value:.3g}" for value in values]
        decimals = max(0, int(np.ceil(-np.log10(spacing) - 1e-9))) if spacing else 0
        if decimals > 6:
            return [f"{value:.3g}" for value in values]
        return [f"{value + 0.0:,.{decimals}f}" for value in values]

    def grid_values(self) -> list[float]:
        """Where the lines of the grid stand."""
        size = self.size().height() if self.orientation == "left" else self.size().width()
        levels = self.tickValues(*self.range, max(size, 1.0))
        return list(levels[0][1]) if levels else []


class _Box(pyqtgraph.ViewBox):
    """The wheel zooms; what is dragged is told by the view, at once and not at pyqtgraph's pace."""

    def mouseDragEvent(self, event: object, axis: int | None = None) -> None:  # noqa: N802 - pyqtgraph's name
        if axis is None:
            event.ignore()
        else:
            super().mouseDragEvent(event, axis)


class _View(pyqtgraph.GraphicsView):
    """The area of axes and lines; tells where the pointer is and what it does."""

    hovered = Signal(QPointF)
    clicked = Signal(QPointF)
    dragged = Signal(QPointF, QPointF)
    twice = Signal()
    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, background=None)
        self._press: QPointF | None = None
        self._last: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.viewport().setAutoFillBackground(False)
        self.setCacheMode(pyqtgraph.GraphicsView.CacheModeFlag.CacheNone)  # a kept background stays that of the other theme

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseMoveEvent(event)
        if event.buttons() == Qt.MouseButton.NoButton:
            self.hovered.emit(self.mapToScene(event.position().toPoint()))
        elif self._last is not None:
            far = (event.position() - (self._press or self._last)).manhattanLength() >= QApplication.startDragDistance()
            if self._press is None or far:
                self.dragged.emit(self._last, event.position())
                self._press, self._last = None, event.position()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._press = self._last = event.position() if event.button() == Qt.MouseButton.LeftButton else None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseReleaseEvent(event)
        pressed, self._press, self._last = self._press, None, None
        if pressed is not None:
            self.clicked.emit(self.mapToScene(event.position().toPoint()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._press = self._last = None
        self.twice.emit()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().leaveEvent(event)
        self.left.emit()


class CurveChart(QWidget):
    """Lines over x and y with title, axes and legend.

    Wheel zooms, dragging moves, a double click or Home shows all; the pointer or the arrow keys read out points. As long as
    nothing was zoomed or moved, new values are shown whole.
    """

    pointed = Signal(str, int)
    """A click near a point: name of its series, index into what `set_series` was given."""

    def __init__(self, title: str = "", x_label: str = "", y_label: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._contents = Contents()
        self._fixed: tuple[Range | None, Range | None] = (None, None)
        self._touched = False
        self._empty = "Nothing to show yet."
        self._picture: Picture | None = None
        self._reading: Spot | None = None
        self._labels = (x_label, y_label)
        self._title = theme.heading(title, level=2)
        self._legend = ChartLegend()
        self._view = _View(self)
        self._box = _Box(enableMenu=False)
        self._axes = (_Axis("bottom"), _Axis("left"))
        self._area = Area(self._box, self._draw)
        self._lay_out()
        self._connect()
        self.set_title(title)
        self.set_labels(x_label, y_label)
        self._dress()
        self._fit()

    def set_title(self, text: str) -> None:
        """Replace the title."""
        self._title.setText(text)
        self._title.setVisible(bool(text))
        self.setAccessibleName(text or "Chart")

    def set_labels(self, x: str, y: str) -> None:
        """Name the axes, with the unit in brackets: "loss (nats)"."""
        self._labels = (x, y)
        for axis, label in zip(self._axes, self._labels, strict=True):
            axis.setLabel(html.escape(label))
            axis.showLabel(bool(label))

    def set_series(
        self,
        name: str,
        x: ArrayLike,
        y: ArrayLike,
        *,
        colour_index: int | None = None,
        style: str = "solid",
        width: float = 2.0,
        faint: bool = False,
        points: bool = False,
    ) -> None:
        """Show or replace a series: x, y [N], nan is a gap; `style` is solid, dash or dot; `faint` stands back.

        Without `colour_index` a name keeps the colour it was first given. Raises `ValueError` if x and y do not fit together.
        """
        across, up = np.array(x, dtype=np.float64).reshape(-1), np.array(y, dtype=np.float64).reshape(-1)
        if across.size != up.size or style not in STYLES:
            raise ValueError(f"{name}: {across.size} x, {up.size} y, style {style!r}")
        colour = self._contents.colour(name) if colour_index is None else colour_index
        self._contents.traces[name] = Trace(across, up, colour, style, width, faint, points)
        self._changed()

    def remove_series(self, name: str) -> None:
        """Take a series away, if it is there."""
        if self._contents.traces.pop(name, None):
            self._changed()

    def series(self) -> tuple[str, ...]:
        """Names in the order of the legend."""
        return tuple(self._contents.traces)

    def clear(self) -> None:
        """Take away all series, markers and lines, zoom and pan; range, labels and diagonal stay."""
        self._contents.clear()
        self._touched = False
        self._changed()

    def set_marker(self, name: str, x: float, y: float, *, colour_index: int | None = None) -> None:
        """Put or move an operating point; nan hides it. Only the marker is drawn again."""
        markers = self._contents.markers
        known = markers.get(name)
        if known is None:
            colour = len(markers) if colour_index is None else colour_index
            markers[name] = Marker(x, y, colour, len(markers))
            self._changed(lines=False)
            return
        moved = replace(known, x=x, y=y, colour=known.colour if colour_index is None else colour_index)
        markers[name] = moved
        window = self._window()
        self._area.update(marker_area(window, known))
        self._area.update(marker_area(window, moved))

    def remove_marker(self, name: str) -> None:
        """Take a marker away, if it is there."""
        if self._contents.markers.pop(name, None):
            self._changed(lines=False)

    def markers(self) -> dict[str, tuple[float, float]]:
        """Name -> (x, y) of the operating points."""
        return {name: (marker.x, marker.y) for name, marker in self._contents.markers.items()}

    def set_line(self, name: str, value: float | None, orientation: str = "horizontal") -> None:
        """Put or move a reference line with its name written on it; `orientation` horizontal or vertical; None removes it."""
        if value is None or not np.isfinite(value):
            self._contents.rules.pop(name, None)
        else:
            self._contents.rules[name] = Rule(value, orientation == "vertical")
        self._changed(lines=False)

    def lines(self) -> dict[str, float]:
        """Name -> value of the reference lines."""
        return {name: rule.value for name, rule in self._contents.rules.items()}

    def set_diagonal(self, shown: bool, name: str = "chance") -> None:
        """Show the line from (0, 0) to (1, 1)."""
        self._contents.diagonal = name if shown else ""
        self._changed()

    def set_range(self, x: Range | None = None, y: Range | None = None) -> None:
        """Fix what "show all" shows, for example (0, 1); None: as the data needs."""
        self._fixed = (x, y)
        self.show_all()

    def set_log_y(self, on: bool) -> None:
        """Show y on a logarithmic scale; what is not above 0 is left out."""
        if on != self._contents.log:
            self._contents.log = on
            self._axes[1].setLogMode(False, on)
            self._touched = False
            self._changed()

    def set_empty_text(self, text: str) -> None:
        """What stands in the middle as long as there is nothing to draw."""
        self._empty = text
        self._area.update()

    def show_all(self) -> None:
        """Undo zoom and pan."""
        self._touched = False
        self._fit()
        self._area.update()

    def shown(self) -> tuple[Range, Range]:
        """The x and the heights (y, or its decimal logarithm) that are seen now."""
        x, y = self._box.viewRange()
        return (float(x[0]), float(x[1])), (float(y[0]), float(y[1]))

    def readout(self) -> str:
        """The point that is read out, in words; "" without one."""
        return ": ".join(self._reading_lines())

    def description(self) -> str:
        """What the chart shows, in words: for screen readers."""
        return self._empty if self._contents.empty() else self._contents.description(*self._labels)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of a chart in a page."""
        return QSize(420, 280)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Axes, and room enough to see a curve."""
        line = self.fontMetrics().height()
        return QSize(line * 12, line * 10)

    def event(self, event: QEvent) -> bool:
        """The ring of the focus is drawn by the area."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._area.update()
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow theme and font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_area"):
            self._dress()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Left and right read out points, up and down change the series, + and - zoom, Home shows all."""
        key = event.key()
        if key in _STEPS and self._picture:
            self._read(self._picture.step(self._reading, *_STEPS[key]))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._touched = True
            self._box.scaleBy((1.25, 1.25) if key == Qt.Key.Key_Minus else (0.8, 0.8))
        elif key == Qt.Key.Key_Home:
            self.show_all()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._reading and self._picture:
            self.pointed.emit(self._reading.name, self._picture.index(self._reading))
        elif key == Qt.Key.Key_Escape and self._reading:
            self._read(None)
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._title.setWordWrap(True)
        self._legend.hide()
        grid = self._view.centralWidget.layout()
        grid.setSpacing(0)
        grid.setContentsMargins(0, 6, OVERHANG, 0)
        grid.addItem(self._axes[1], 0, 0)
        grid.addItem(self._box, 0, 1)
        grid.addItem(self._axes[0], 1, 1)
        grid.setRowStretchFactor(0, 100)
        grid.setColumnStretchFactor(1, 100)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        for part in (self._title, self._legend):
            column.addWidget(part)
        column.addWidget(self._view, 1)

    def _connect(self) -> None:
        for axis in self._axes:
            axis.linkToView(self._box)
        self._box.disableAutoRange()
        self._box.sigRangeChangedManually.connect(self._moved)
        self._box.sigRangeChanged.connect(self._shifted)
        self._box.sigResized.connect(self._area.resized)
        self._view.hovered.connect(self._hover)
        self._view.left.connect(lambda: self._read(None))
        self._view.clicked.connect(self._click)
        self._view.dragged.connect(self._drag)
        self._view.twice.connect(self.show_all)

    def _dress(self) -> None:
        """Colours and fonts of the axes; the rest takes them when it is drawn."""
        of = theme.colours()
        for axis in self._axes:
            axis.setPen(of.muted)
            axis.setTextPen(of.text)
            axis.setTickFont(self.font())
            axis.label.setFont(self.font())
        self._picture = None
        self._area.update()

    def _changed(self, *, lines: bool = True) -> None:
        """Something is shown that was not."""
        if lines:
            self._reading = None
            self._picture = None
            self._axes[0].whole = self._contents.whole()
        self._legend.set_keys(self._contents.legend())
        if not self._touched:
            self._fit()
        self.setAccessibleDescription(self.description())
        self._area.update()

    def _fit(self) -> None:
        wanted = [fixed or found for fixed, found in zip(self._fixed, self._contents.extent(), strict=True)]
        spans = [high - low for low, high in wanted]
        self._box.setLimits(
            minXRange=spans[0] * 1e-6, maxXRange=spans[0] * 100, minYRange=spans[1] * 1e-6, maxYRange=spans[1] * 100
        )
        self._box.setRange(xRange=wanted[0], yRange=wanted[1], padding=PADDING)

    def _moved(self, *_: object) -> None:
        self._touched = True

    def _shifted(self, *_: object) -> None:
        self._area.update()

    def _window(self) -> Window:
        (left, right), (bottom, top) = self.shown()
        size = self._box.size()
        return Window(left, right, bottom, top, max(1.0, size.width()), max(1.0, size.height()), self._contents.log)

    def _current(self, ratio: float) -> Picture:
        """The picture of what is seen now; drawn again if it is another."""
        window = self._window()
        picture = self._picture
        if picture is None or picture.window != window or picture.pixmap.devicePixelRatio() != ratio:
            picture = Picture(window, ratio)
            picture.draw(self._contents, (self._axes[0].grid_values(), self._axes[1].grid_values()))
            self._picture = picture
        return picture

    def _draw(self, painter: QPainter) -> None:
        """Called by the area."""
        picture = self._current(painter.device().devicePixelRatioF())
        window, area = picture.window, self._area.boundingRect()
        painter.drawPixmap(QPointF(0, 0), picture.pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(area)
        if self._contents.empty():
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(area.adjusted(8, 8, -8, -8), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
        draw_rules(painter, self._contents.rules, window, self.font())
        draw_markers(painter, list(self._contents.markers.values()), window)
        if self._reading:
            draw_readout(painter, picture.place(self._reading), self._reading_lines(), window, self.font())
        if self.hasFocus():
            ink.focus_ring(painter, area)

    def _hover(self, at: QPointF) -> None:
        self._read(self._picture.nearest(self._area.mapFromScene(at), REACH) if self._picture else None)

    def _drag(self, before: QPointF, after: QPointF) -> None:
        """Both in the view; what began beside the lines moves nothing."""
        if not self._box.sceneBoundingRect().contains(self._view.mapToScene(before.toPoint())):
            return
        window = self._window()
        self._read(None)
        self._touched = True
        self._box.translateBy(
            x=(before.x() - after.x()) * (window.right - window.left) / window.width,
            y=(after.y() - before.y()) * (window.top - window.bottom) / window.height,
        )

    def _click(self, at: QPointF) -> None:
        found = self._picture.nearest(self._area.mapFromScene(at), REACH) if self._picture else None
        if found and self._picture:
            self.pointed.emit(found.name, self._picture.index(found))

    def _read(self, spot: Spot | None) -> None:
        if spot != self._reading:
            self._reading = spot
            self.setAccessibleDescription(self.readout() or self.description())
            self._area.update()

    def _reading_lines(self) -> list[str]:
        if self._reading is None or self._picture is None:
            return []
        return self._contents.reading(self._reading.name, self._picture.index(self._reading), *self._labels)
