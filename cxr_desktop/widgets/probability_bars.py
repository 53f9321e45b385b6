"""Probabilities of one image: a bar for each finding, with the finding's threshold and the spread of an ensemble."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink

_ROWS_AT_ONCE = 14


@dataclass(frozen=True)
class Bar:
    """One finding: probability 0..1, threshold and spread (standard deviation over the runs); nan where there is none."""

    finding: str
    probability: float
    threshold: float
    spread: float

    @property
    def above(self) -> bool:
        """Whether it counts as found: at least the threshold."""
        return self.probability >= self.threshold

    def words(self) -> str:
        """In one sentence."""
        if not math.isfinite(self.probability):
            return f"{self.finding}: probability not defined"
        said = f"{self.finding}: probability {self.probability:.3f}"
        if math.isfinite(self.spread):
            said += f" ± {self.spread:.3f} over the runs"
        if not math.isfinite(self.threshold):
            return f"{said}, no threshold"
        side = "at or above" if self.above else "below"
        return f"{said}, {side} its threshold of {self.threshold:.3f}"


class _Canvas(QWidget):
    """The rows."""

    chosen = Signal(int)
    moved = Signal(QRectF)

    def __init__(self) -> None:
        super().__init__()
        self.bars: tuple[Bar, ...] = ()
        self.selected = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def row_height(self) -> float:
        return self.fontMetrics().height() + theme.SPACE

    def row_place(self, row: int) -> QRectF:
        return QRectF(0, row * self.row_height(), self.width(), self.row_height())

    def ends(self) -> tuple[float, float]:
        """Where probability 0 and 1 stand, in pixels."""
        font = QFont(self.font())
        font.setBold(True)  # wider, and what is above its threshold
        metrics = QFontMetricsF(font)
        names = max((metrics.horizontalAdvance(bar.finding) for bar in self.bars), default=0.0)
        left = min(self._symbol() + names + theme.SPACE * 2 + 1, self.width() * 0.56)
        figure = "0.000 ± 0.000" if any(math.isfinite(bar.spread) for bar in self.bars) else "0.000"
        return left, max(left + 10, self.width() - metrics.horizontalAdvance(figure) - theme.SPACE - 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(self.fontMetrics().averageCharWidth() * 26, round(self.row_height() * len(self.bars)) + 2)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = int(event.pos().y() // self.row_height())
            text = self.bars[row].words() if 0 <= row < len(self.bars) else ""
            QToolTip.showText(event.globalPos(), ink.tip(text), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        row = int(event.position().y() // self.row_height())
        if event.button() == Qt.MouseButton.LeftButton and 0 <= row < len(self.bars):
            self.go(row)
            self.chosen.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        last = len(self.bars) - 1
        target = {
            Qt.Key.Key_Up: max(0, self.selected - 1),
            Qt.Key.Key_Down: min(last, self.selected + 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }.get(event.key())
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.selected >= 0:
            self.chosen.emit(self.selected)
        elif target is None or last < 0:
            super().keyPressEvent(event)
        elif target != self.selected:
            self.go(target)
            self.chosen.emit(target)

    def go(self, row: int) -> None:
        """Outline a row, and keep it visible; -1: none."""
        self.selected = row
        if row >= 0:
            self.setAccessibleDescription(self.bars[row].words())
            self.moved.emit(self.row_place(row))
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right = self.ends()
        for row, bar in enumerate(self.bars):
            area = self.row_place(row)
            if row == self.selected:
                painter.setPen(QPen(QColor(theme.colours().accent), 1.5))
                painter.setBrush(QColor(theme.colours().raised))
                painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 4, 4)
            self._paint_name(painter, area, bar, left)
            self._paint_bar(painter, area.adjusted(left, 0, right - self.width(), 0), bar)
            value = f"{bar.probability:.3f}" if math.isfinite(bar.probability) else "–"
            value += f" ± {bar.spread:.3f}" if math.isfinite(bar.spread) and math.isfinite(bar.probability) else ""
            painter.setPen(self.palette().windowText().color())
            painter.drawText(area.adjusted(right, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, value)
        if self.hasFocus() and self.bars:
            ink.focus_ring(painter, QRectF(self.rect()))

    def _symbol(self) -> float:
        return self.fontMetrics().height() * 0.75

    def _paint_name(self, painter: QPainter, area: QRectF, bar: Bar, left: float) -> None:
        font = self.font()
        font.setBold(bar.above)
        painter.setFont(font)
        text = self.palette().windowText().color()
        if bar.above:
            draw_above(painter, QPointF(area.left() + self._symbol() * 0.5 + 4, area.center().y()), self._symbol(), text)
        room = area.adjusted(self._symbol() + theme.SPACE, 0, left - area.width() - theme.SPACE, 0)
        name = painter.fontMetrics().elidedText(bar.finding, Qt.TextElideMode.ElideMiddle, int(room.width()))
        painter.setPen(text)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _paint_bar(self, painter: QPainter, track: QRectF, bar: Bar) -> None:
        of, middle = theme.colours(), track.center().y()
        inner = track.adjusted(0, track.height() * 0.28, 0, -track.height() * 0.28)
        painter.setPen(QPen(QColor(of.line), 1))
        painter.setBrush(QColor(of.surface))
        painter.drawRect(inner)
        if math.isfinite(bar.probability):
            filled = QRectF(inner.left(), inner.top(), inner.width() * min(1.0, max(0.0, bar.probability)), inner.height())
            painter.fillRect(filled, QColor(of.accent) if bar.above else ink.blend(of.surface, of.accent, 0.5))
        painter.setPen(QPen(QColor(of.text), 1.5))
        if math.isfinite(bar.spread) and math.isfinite(bar.probability):
            ends = [track.left() + track.width() * min(1.0, max(0.0, bar.probability + s * bar.spread)) for s in (-1, 1)]
            painter.drawLine(QPointF(ends[0], middle), QPointF(ends[1], middle))
            for x in ends:
                painter.drawLine(QPointF(x, middle - 3), QPointF(x, middle + 3))
        if math.isfinite(bar.threshold):
            x = track.left() + track.width() * min(1.0, max(0.0, bar.threshold))
            painter.setPen(QPen(QColor(of.text), 2))
            painter.drawLine(QPointF(x, track.top() + 3), QPointF(x, track.bottom() - 3))


class ProbabilityBars(QWidget):
    """Findings with their probabilities; what reaches its threshold is bold and has a triangle.

    A click or the arrow keys choose a finding.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = _Canvas()
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._canvas)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.viewport().setAutoFillBackground(False)
        self._canvas.setAutoFillBackground(False)
        self._explained = theme.muted()
        self._canvas.chosen.connect(lambda row: self.chosen.emit(self._canvas.bars[row].finding))
        self._canvas.moved.connect(self._keep_visible)
        self.setFocusProxy(self._canvas)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self._scroll, 1)
        column.addWidget(self._explained)
        self.setAccessibleName("Probabilities of the findings")
        self._explain()

    def setAccessibleName(self, name: str) -> None:  # noqa: N802 - Qt's name
        """What the bars are about."""
        super().setAccessibleName(name)
        self._canvas.setAccessibleName(name)

    def set_values(
        self,
        findings: Sequence[str],
        probabilities: ArrayLike,
        thresholds: Mapping[str, float] | None = None,
        spread: ArrayLike | None = None,
        selected: str = "",
    ) -> None:
        """Show probabilities [K] in 0..1; `spread` [K] is the standard deviation over the runs of an ensemble.

        nan is not defined. Raises `ValueError` if there are not as many numbers as findings.
        """
        values = np.array(probabilities, dtype=np.float64).reshape(len(findings))
        spreads = (
            np.full(len(findings), np.nan) if spread is None else np.array(spread, dtype=np.float64).reshape(len(findings))
        )
        limits = [(thresholds or {}).get(finding, math.nan) for finding in findings]
        rows = zip(findings, values.tolist(), limits, spreads.tolist(), strict=True)
        self._canvas.bars = tuple(Bar(*row) for row in rows)
        self._canvas.updateGeometry()
        self.set_selected(selected)
        self._explain()
        self.updateGeometry()

    def set_selected(self, finding: str) -> None:
        """Outline a finding; "", or one that is not there: none. Sends no signal."""
        names = [bar.finding for bar in self._canvas.bars]
        self._canvas.go(names.index(finding) if finding in names else -1)

    def selected(self) -> str:
        """The outlined finding, or ""."""
        return self._canvas.bars[self._canvas.selected].finding if self._canvas.selected >= 0 else ""

    def words(self, finding: str) -> str:
        """What is said of a finding; "" of one that is not there."""
        return next((bar.words() for bar in self._canvas.bars if bar.finding == finding), "")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As many rows as there are, up to a screenful."""
        rows = min(_ROWS_AT_ONCE, max(1, len(self._canvas.bars)))
        under = self._explained.sizeHint().height() + theme.SPACE if self._explained.text() else 0
        return QSize(340, round(rows * self._canvas.row_height()) + under)

    def _explain(self) -> None:
        bars = self._canvas.bars
        said = []
        if any(math.isfinite(bar.threshold) for bar in bars):
            said.append("Bold with ▲: at or above the threshold, which is the upright mark.")
        if any(math.isfinite(bar.spread) for bar in bars):
            said.append("Whisker and ±: standard deviation over the runs.")
        self._explained.setText(" ".join(said))
        self._explained.setVisible(bool(said))

    def _keep_visible(self, place: QRectF) -> None:
        self._scroll.ensureVisible(0, round(place.center().y()), 0, round(place.height() / 2))


def draw_above(painter: QPainter, centre: QPointF, size: float, colour: QColor) -> None:
    """The triangle of what reaches its threshold."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    r = size / 2
    corners = [QPointF(0, -r), QPointF(r, r * 0.8), QPointF(-r, r * 0.8)]
    painter.drawPolygon(QPolygonF([centre + corner for corner in corners]))
