"""Bars of counts: one row for each finding, one segment for each part, stacked or side by side; a click chooses one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.chart_legend import ChartLegend, Key

WHOLE = -1
"""Instead of the index of a segment: the whole row."""
NAMES = 0.48
"""The share of the width that names may take at most."""
_ROWS_AT_ONCE = 12
_Bar = tuple[int, int]
"""Index of the row, index of the segment or `WHOLE`."""
_MOVES = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}


@dataclass(frozen=True, eq=False)
class Bars:
    """What is shown: values float64 [R, S]; nan is not defined."""

    rows: tuple[str, ...]
    segments: tuple[str, ...]
    values: NDArray[np.float64]
    stacked: bool
    unit: str
    notes: Mapping[str, str]

    def ends(self) -> list[list[str]]:
        """What stands behind the bars of each row: its total if they are stacked, else each value and its share."""
        if self.stacked:
            return [[ink.number(_sum(row))] for row in self.values]
        totals = [_sum(column) for column in self.values.T]
        return [[_with_share(value, total) for value, total in zip(row, totals, strict=True)] for row in self.values]

    def longest(self) -> float:
        """The value that takes the whole width; at least a little above 0."""
        lengths = np.nansum(self.values, axis=1) if self.stacked else np.nan_to_num(self.values)
        return max(float(lengths.max(initial=0.0)), 1e-12)

    def words(self, bar: _Bar) -> str:
        """A bar in one sentence: count and shares."""
        row, segment = bar
        name, note = self.rows[row], self.notes.get(self.rows[row], "")
        total = _sum(self.values[row])
        if segment == WHOLE:
            said = f"{name}: {ink.number(total)} {self.unit}"
        else:
            value, column = self.values[row, segment], _sum(self.values[:, segment])
            said = f"{name}, {self.segments[segment]}: {ink.number(value)} {self.unit}"
            if len(self.segments) > 1 and self.stacked:
                said += f"; {ink.percent(_share(value, total), 1)} of {name}"
            said += f"; {ink.percent(_share(value, column), 1)} of {self.segments[segment]}"
        return f"{said}. {note}".strip() if note else said


class _Canvas(QWidget):
    """The rows."""

    chosen = Signal(int, int)
    moved = Signal(QRectF)

    def __init__(self) -> None:
        super().__init__()
        self.bars = Bars((), (), np.zeros((0, 0)), True, "images", {})
        self.selected: _Bar | None = None
        self.current: _Bar = (0, WHOLE)
        self._hovered: _Bar | None = None
        self._places: list[tuple[_Bar, QRectF]] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_bars(self, bars: Bars) -> None:
        """Replace everything; what had the keyboard keeps it, if it is still there."""
        self.bars, self._hovered = bars, None
        self.current = (min(self.current[0], max(0, len(bars.rows) - 1)), min(self.current[1], len(bars.segments) - 1))
        self._moved_things()

    def row_height(self) -> float:
        line = self.fontMetrics().height()
        return line * 1.15 + theme.SPACE if self.bars.stacked else line * max(1, len(self.bars.segments)) + theme.SPACE

    def place(self, bar: _Bar) -> QRectF:
        """Where a bar is drawn; empty if it has no length."""
        return next((place for known, place in self._laid_out() if known == bar), QRectF())

    def row_place(self, row: int) -> QRectF:
        return QRectF(0, row * self.row_height(), self.width(), self.row_height())

    def at(self, point: QPointF) -> _Bar | None:
        """The bar there, else the row there."""
        row = int(point.y() // self.row_height())
        if not 0 <= row < len(self.bars.rows):
            return None
        for bar, place in self._laid_out():
            if bar[0] == row and place.adjusted(-1, -2, 1, 2).contains(point):
                return bar
        return (row, WHOLE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All rows."""
        return QSize(self.fontMetrics().averageCharWidth() * 28, round(self.row_height() * len(self.bars.rows)) + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        self._places = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.FontChange:
            self._moved_things()
        super().changeEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            bar = self.at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), ink.tip(self.bars.words(bar)) if bar else "", self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._hover(self.at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        self._hover(None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        bar = self.at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and bar:
            self._go(bar)
            self.chosen.emit(*bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        rows, segments = len(self.bars.rows), len(self.bars.segments)
        if not rows:
            super().keyPressEvent(event)
        elif move := _MOVES.get(event.key()):
            row, segment = self.current
            self._go((min(max(row + move[0], 0), rows - 1), min(max(segment + move[1], WHOLE), segments - 1)))
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go((0 if event.key() == Qt.Key.Key_Home else rows - 1, self.current[1]))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(*self.current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        if self.bars.rows:
            self._go(self.current)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first = int(event.rect().top() // self.row_height())
        last = int(event.rect().bottom() // self.row_height())
        for row in range(max(0, first), min(len(self.bars.rows), last + 1)):
            self._paint_row(painter, row)
        if self.selected:
            self._outline(painter, self.selected, QPen(QColor(theme.colours().text), 2))
        if self.hasFocus() and self.bars.rows:
            self._outline(painter, self.current, QPen(QColor(theme.colours().accent), 2, Qt.PenStyle.DotLine), 2)

    def _paint_row(self, painter: QPainter, row: int) -> None:
        area, (left, right) = self.row_place(row), self._ends()
        if self._hovered and self._hovered[0] == row:
            painter.fillRect(area, QColor(theme.colours().raised))
        painter.setPen(self.palette().windowText().color())
        name = self.fontMetrics().elidedText(self.bars.rows[row], Qt.TextElideMode.ElideMiddle, int(left - theme.SPACE * 1.5))
        room = QRectF(theme.SPACE / 2, area.top(), left - theme.SPACE, area.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        places = [place for bar, place in self._laid_out() if bar[0] == row]
        for segment, place in enumerate(places):
            ink.fill(painter, place, segment)
            if self.bars.stacked:
                self._write_inside(painter, place, segment, self.bars.values[row, segment])
        painter.setPen(self.palette().windowText().color())
        for text, place in zip(self.bars.ends()[row], places[-1:] if self.bars.stacked else places, strict=False):
            where = QRectF(place.right() + theme.SPACE / 2, place.top(), self.width() - right, place.height())
            painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, text)
        painter.setPen(QPen(QColor(theme.colours().line), 1))
        painter.drawLine(QPointF(left, area.top()), QPointF(left, area.bottom()))

    def _write_inside(self, painter: QPainter, place: QRectF, segment: int, value: float) -> None:
        text, metrics = ink.number(value), painter.fontMetrics()
        if len(self.bars.segments) < 2 or metrics.horizontalAdvance(text) + theme.SPACE > place.width():
            return
        wide = metrics.horizontalAdvance(text) + 4
        ground = QRectF(place.center().x() - wide / 2, place.top(), wide, place.height())
        painter.fillRect(ground, ink.series_colour(segment))
        painter.setPen(ink.text_on(ink.series_colour(segment)))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _outline(self, painter: QPainter, bar: _Bar, pen: QPen, further: float = 0) -> None:
        place = self.row_place(bar[0]).adjusted(3, 3, -3, -3) if bar[1] == WHOLE else self.place(bar)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(-further, -further, further, further))

    def _ends(self) -> tuple[float, float]:
        """Where bars begin, and where the longest ends."""
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(name) for name in self.bars.rows), default=0)
        left = min(names + theme.SPACE * 2.0, self.width() * NAMES)
        texts = max((metrics.horizontalAdvance(text) for row in self.bars.ends() for text in row), default=0)
        return left, max(left + 10, self.width() - texts - theme.SPACE * 1.5)

    def _laid_out(self) -> list[tuple[_Bar, QRectF]]:
        if self._places is None:
            left, right = self._ends()
            scale = (right - left) / self.bars.longest()
            self._places = [
                ((row, segment), place)
                for row in range(len(self.bars.rows))
                for segment, place in enumerate(self._row_bars(row, left, scale))
            ]
        return self._places

    def _row_bars(self, row: int, left: float, scale: float) -> list[QRectF]:
        area = self.row_place(row).adjusted(0, theme.SPACE / 2, 0, -theme.SPACE / 2)
        places, x = [], left
        high = area.height() if self.bars.stacked else area.height() / max(1, len(self.bars.segments))
        for segment, value in enumerate(np.nan_to_num(self.bars.values[row])):
            wide = max(value * scale, 1.5 if value > 0 else 0.0)  # one image among thousands is seen too
            top = area.top() if self.bars.stacked else area.top() + segment * high
            places.append(QRectF(x, top, wide, high if self.bars.stacked else high - 1))
            x += wide if self.bars.stacked else 0
        return places

    def _hover(self, bar: _Bar | None) -> None:
        if bar != self._hovered:
            self._hovered = bar
            self.setCursor(Qt.CursorShape.PointingHandCursor if bar else Qt.CursorShape.ArrowCursor)
            self.update()

    def _go(self, bar: _Bar) -> None:
        self.current = bar
        self.setAccessibleDescription(self.bars.words(bar))
        self.moved.emit(self.row_place(bar[0]))
        self.update()

    def _moved_things(self) -> None:
        self._places = None
        self.updateGeometry()
        self.update()


class BarChart(QWidget):
    """Horizontal bars under a legend; they scroll if they are many.

    Arrow keys move from bar to bar, Enter is a click. Every value stands in figures behind its bar or in its tooltip.
    """

    clicked = Signal(str, str)
    """Name of the row, name of the segment ("" for a click beside its bars)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._legend = ChartLegend()
        self._canvas = _Canvas()
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._canvas)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.viewport().setAutoFillBackground(False)
        self._canvas.setAutoFillBackground(False)
        self._canvas.chosen.connect(self._choose)
        self._canvas.moved.connect(self._keep_visible)
        self.setFocusProxy(self._canvas)
        self._legend.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self._legend)
        column.addWidget(self._scroll, 1)
        self.setAccessibleName("Bar chart")

    def setAccessibleName(self, name: str) -> None:  # noqa: N802 - Qt's name
        """What the bars are about."""
        super().setAccessibleName(name)
        self._canvas.setAccessibleName(name)

    def set_data(
        self,
        rows: Sequence[str],
        segments: Sequence[str],
        values: ArrayLike,
        *,
        stacked: bool = True,
        unit: str = "images",
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """Show values [R, S], at least 0; nan is not defined. `notes` are added to what is said of a row.

        Raises `ValueError` if there are not as many values as rows times segments.
        """
        table = np.array(values, dtype=np.float64).reshape(len(rows), len(segments))
        chosen = self.selected()
        self._canvas.show_bars(Bars(tuple(rows), tuple(segments), table, stacked, unit, dict(notes or {})))
        self._legend.set_keys([Key(name, index) for index, name in enumerate(segments)] if len(segments) > 1 else [])
        self.set_selected(*chosen) if chosen else self.set_selected(None)
        self.updateGeometry()

    def set_selected(self, row: str | None, segment: str | None = None) -> None:
        """Outline a bar; without a segment the whole row; None, or what is not there: nothing."""
        bars = self._canvas.bars
        known = row in bars.rows and (not segment or segment in bars.segments)
        place = bars.segments.index(segment) if known and segment else WHOLE
        self._canvas.selected = (bars.rows.index(row or ""), place) if known else None
        self._canvas.update()

    def selected(self) -> tuple[str, str] | None:
        """Row and segment ("": whole row) that are outlined."""
        return self._names(self._canvas.selected) if self._canvas.selected else None

    def words(self, row: str, segment: str = "") -> str:
        """What is said of a bar, or of a whole row: count and shares."""
        bars = self._canvas.bars
        return bars.words((bars.rows.index(row), bars.segments.index(segment) if segment else WHOLE))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A dozen rows at most."""
        rows = min(_ROWS_AT_ONCE, max(1, len(self._canvas.bars.rows)))
        return QSize(380, round(rows * self._canvas.row_height()) + self._legend.sizeHint().height() + theme.SPACE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two rows; the others scroll."""
        least = self._legend.minimumSizeHint().height() + round(2 * self._canvas.row_height())
        return QSize(self._canvas.minimumSizeHint().width(), least)

    def _names(self, bar: _Bar) -> tuple[str, str]:
        bars = self._canvas.bars
        return bars.rows[bar[0]], "" if bar[1] == WHOLE else bars.segments[bar[1]]

    def _choose(self, row: int, segment: int) -> None:
        self.clicked.emit(*self._names((row, segment)))

    def _keep_visible(self, place: QRectF) -> None:
        self._scroll.ensureVisible(round(place.left()), round(place.center().y()), 0, round(place.height() / 2))


def _sum(values: NDArray[np.float64]) -> float:
    """Of the defined ones; nan if none is."""
    return float(np.nansum(values)) if values.size and not np.isnan(values).all() else float("nan")


def _with_share(value: float, total: float) -> str:
    share = _share(value, total)
    return f"{ink.number(value)} ({ink.percent(share)})" if np.isfinite(share) else ink.number(value)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
