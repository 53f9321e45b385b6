"""The threshold of one finding: a handle over the histogram of the probabilities of images with and without it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolTip, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink
from cxr_desktop.widgets.chart_legend import ChartLegend, Key

STEP, LARGE_STEP, PAGE = 0.001, 0.01, 0.05
BINS = 50
_NO, _YES = 0, 1
_KEYS = (
    "At or above it an image counts as yes. Arrow keys move by 0.001, with Shift by 0.01, with Ctrl to the next operating "
    "point; Page Up and Page Down by 0.05."
)
_STEPS = 1000


@dataclass(frozen=True, eq=False)
class Histogram:
    """Images in each of `BINS` equal steps of probability, int64 [2, BINS]: without, with the finding."""

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, y: ArrayLike, p: ArrayLike) -> "Histogram":
        """Of y [N] (1 yes, 0 no, -1 not stated) and p [N] in 0..1; what is not stated or not defined is left out."""
        truth, values = np.asarray(y), np.asarray(p, dtype=np.float64)
        known = (truth >= 0) & np.isfinite(values)
        bins = np.clip((values[known] * BINS).astype(np.intp), 0, BINS - 1)
        return cls(np.stack([np.bincount(bins[truth[known] == side], minlength=BINS) for side in (0, 1)]))


class _Track(QSlider):
    """Histogram, ticks and handle. As a slider it counts thousandths; the exact threshold is `exact`."""

    moved = Signal(float)
    settled = Signal(float)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, _STEPS)
        self.exact = 0.5
        self.fixed = ""
        self.setValue(_STEPS // 2)
        self.histogram = Histogram.of([], [])
        self.points: dict[str, float] = {}
        self._ground: QPixmap | None = None
        self._labels: list[tuple[str, QRectF]] = []
        self._dragged = self._keyed = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.valueChanged.connect(self._from_outside)

    def put(self, value: float) -> None:
        """Set the handle without a signal; nan: there is none."""
        self.exact = min(1.0, max(0.0, value)) if math.isfinite(value) else math.nan
        with QSignalBlocker(self):
            self.setValue(0 if math.isnan(self.exact) else round(self.exact * _STEPS))
        self.update()

    def forget(self) -> None:
        """The ground has changed."""
        self._ground = None
        self._labels = self._placed()
        self.updateGeometry()
        self.update()

    def across(self, value: float) -> float:
        """Where a probability stands, in pixels."""
        return self._inner().left() + value * self._inner().width()

    def label_place(self, name: str) -> QRectF:
        """Where the name of an operating point stands."""
        return dict(self._labels)[name]

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Histogram, numbers, and as many rows as the operating points need."""
        line = self.fontMetrics().height()
        return QSize(line * 24, round(self._inner().height() + line * 1.4 + self._rows() * (line + 2)) + 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Narrow, but not lower."""
        return QSize(self.fontMetrics().height() * 12, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.forget()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_labels"):
            self.forget()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), ink.tip(self._tip(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
        elif name := self._point_at(event.position()):
            self._move(self.points[name])
            self.settled.emit(self.exact)
        else:
            self._dragged = True
            self._move(self._value_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._dragged:
            self._move(self._value_at(event.position()))
        else:
            over = bool(self._point_at(event.position()))
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.SplitHCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._dragged and event.button() == Qt.MouseButton.LeftButton:
            self._dragged = False
            self.settled.emit(self.exact)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """A page that scrolls must not move thresholds."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        target = self._target(event)
        if target is None:
            super().keyPressEvent(event) if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) else event.ignore()
        elif target != self.exact:
            self._keyed = True
            self._move(target)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if self._keyed and not event.isAutoRepeat():
            self._settle_keys()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        self._settle_keys()
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        if self._ground is None or self._ground.devicePixelRatio() != self.devicePixelRatioF():
            self._ground = self._drawn()
        painter.drawPixmap(0, 0, self._ground)
        inner, of = self._inner(), theme.colours()
        if math.isfinite(self.exact):
            x = self.across(self.exact)
            veil = QColor(of.surface)
            veil.setAlpha(130)
            painter.fillRect(QRectF(inner.left(), inner.top(), x - inner.left(), inner.height()), veil)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(of.text), 2))
            painter.drawLine(QPointF(x, inner.top()), QPointF(x, inner.bottom()))
            painter.setBrush(QColor(of.accent if self.isEnabled() else of.muted))
            painter.drawRoundedRect(QRectF(x - 5, inner.center().y() - 11, 10, 22), 4, 4)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            ink.focus_ring(painter, inner.adjusted(-3, -1, 3, 1))

    def _inner(self) -> QRectF:
        """The area of the histogram."""
        return QRectF(10, 3, max(1, self.width() - 20), self.fontMetrics().height() * 6)

    def _drawn(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setFont(self.font())
        self._draw_histogram(painter)
        self._draw_scale(painter)
        self._draw_points(painter)
        painter.end()
        return pixmap

    def _draw_histogram(self, painter: QPainter) -> None:
        """Yes upwards, no downwards, each as shares of its own images: a rare finding is seen as well as a frequent one."""
        inner, of = self._inner(), theme.colours()
        painter.fillRect(inner, QColor(of.surface))
        middle, half, wide = inner.center().y(), inner.height() / 2, inner.width() / BINS
        for side, up in ((_YES, -1), (_NO, 1)):
            counts = self.histogram.counts[side]
            tallest = max(1, int(counts.max(initial=0)))
            for place, count in enumerate(counts.tolist()):
                if count:
                    high = max(1.5, half * 0.94 * count / tallest)
                    top = middle - high if up < 0 else middle
                    ink.fill(painter, QRectF(inner.left() + place * wide, top, max(1.0, wide - 0.5), high), side)
        painter.setPen(QPen(QColor(of.muted), 1))
        painter.drawLine(QPointF(inner.left(), middle), QPointF(inner.right(), middle))
        painter.setPen(QPen(QColor(of.line), 1))
        painter.drawRect(inner)

    def _draw_scale(self, painter: QPainter) -> None:
        inner, metrics = self._inner(), painter.fontMetrics()
        painter.setPen(QColor(theme.colours().muted))
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            text = f"{tick:g}"
            wide = metrics.horizontalAdvance(text)
            x = min(max(self.across(tick) - wide / 2, 0), self.width() - wide)
            painter.drawLine(QPointF(self.across(tick), inner.bottom()), QPointF(self.across(tick), inner.bottom() + 4))
            painter.drawText(QPointF(x, inner.bottom() + 4 + metrics.ascent()), text)

    def _draw_points(self, painter: QPainter) -> None:
        inner, metrics, of = self._inner(), painter.fontMetrics(), theme.colours()
        painter.setPen(QPen(QColor(of.text), 1.2, Qt.PenStyle.DotLine))
        for name, place in self._labels:
            x = self.across(self.points[name])
            painter.drawLine(QPointF(x, inner.top()), QPointF(x, place.top() + 2))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for name, place in self._labels:
            painter.setPen(QPen(QColor(of.line), 1))
            painter.setBrush(QColor(of.raised))
            painter.drawRoundedRect(place, 4, 4)
            painter.setPen(QColor(of.text))
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(place.width()) - 6)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _placed(self) -> list[tuple[str, QRectF]]:
        """A place for each operating point's name under its tick, in the first row that has room."""
        metrics = self.fontMetrics()
        high = metrics.height() + 2.0
        first = self._inner().bottom() + metrics.height() * 1.4
        ends: list[float] = []
        places = []
        for name, value in sorted(self.points.items(), key=lambda point: point[1]):
            wide = min(metrics.horizontalAdvance(name) + 10.0, self.width() - 2.0)
            left = min(max(self.across(value) - wide / 2, 1), self.width() - 1 - wide)
            row = next((row for row, end in enumerate(ends) if end + 4 <= left), len(ends))
            ends[row : row + 1] = [left + wide]
            places.append((name, QRectF(left, first + row * high, wide, high - 2)))
        return places

    def _rows(self) -> int:
        return len({place.top() for _, place in self._labels})

    def _point_at(self, at: QPointF) -> str:
        return next((name for name, place in self._labels if place.contains(at)), "")

    def _value_at(self, at: QPointF) -> float:
        inner = self._inner()
        return min(1.0, max(0.0, round((at.x() - inner.left()) / inner.width(), 3)))

    def _target(self, event: QKeyEvent) -> float | None:
        """Where a key leads; None if it leads nowhere."""
        key, now = event.key(), 0.5 if math.isnan(self.exact) else self.exact
        forward = key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_PageUp)
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            return 0.0 if key == Qt.Key.Key_Home else 1.0
        if key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            step = PAGE
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                further = [value for value in self.points.values() if (value > now if forward else value < now)]
                return (min(further) if forward else max(further)) if further else now
            step = LARGE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP
        else:
            return None
        return min(1.0, max(0.0, round(now + (step if forward else -step), 3)))

    def _move(self, value: float) -> None:
        if value != self.exact:
            self.put(value)
            self.moved.emit(self.exact)

    def _settle_keys(self) -> None:
        if self._keyed:
            self._keyed = False
            self.settled.emit(self.exact)

    def _from_outside(self, value: int) -> None:
        """A screen reader has moved the slider."""
        self._move(value / _STEPS)
        self.settled.emit(self.exact)

    def _tip(self, at: QPointF) -> str:
        if name := self._point_at(at):
            return f"{name}: threshold {self.points[name]:.4f}. Click to use it."
        if not self._inner().contains(at):
            return ""
        place = min(BINS - 1, max(0, int((at.x() - self._inner().left()) / self._inner().width() * BINS)))
        no, yes = (int(count) for count in self.histogram.counts[:, place])
        counts = f"Probability {place / BINS:.2f} to {(place + 1) / BINS:.2f}: {yes:,} images with yes, {no:,} with no"
        return f"{counts}. {self.fixed}" if self.fixed else counts


class ThresholdBar(QWidget):
    """A slider from 0 to 1 with a number that can be typed: what is at or above the threshold counts as yes.

    Arrow keys move by 0.001, with Shift by 0.01, with Ctrl to the next operating point; Page Up and Down by 0.05.
    """

    moved = Signal(float)
    """At each step, also while it is dragged."""
    settled = Signal(float)
    """Once a movement is over: released, key, typed, or a point clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._track = _Track()
        self._legend = ChartLegend()
        self._number = QDoubleSpinBox()
        self._number.setRange(0, 1)
        self._number.setDecimals(4)
        self._number.setSingleStep(STEP)
        self._number.setKeyboardTracking(False)
        self._number.setSpecialValueText("")
        self._number.valueChanged.connect(self._typed)
        self._track.moved.connect(self._follow)
        self._track.settled.connect(self.settled)
        self._number.setToolTip(_KEYS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        label = QLabel("Thresh&old")
        label.setBuddy(self._number)
        row = QHBoxLayout()
        row.addWidget(label)
        row.addWidget(self._number)
        row.addWidget(self._legend, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(row)
        column.addWidget(self._track)
        self.setAccessibleName("Threshold")
        self.set_scores([], [])
        self.set_threshold(0.5)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Who gives the bar the focus means the track. (With a focus proxy, Tab would skip the number.)"""
        self._track.setFocus(event.reason())

    def setAccessibleName(self, name: str) -> None:  # noqa: N802 - Qt's name
        """What the threshold is of."""
        super().setAccessibleName(name)
        self._track.setAccessibleName(name)
        self._track.setAccessibleDescription(_KEYS)
        self._number.setAccessibleName(name)

    def set_scores(self, y: ArrayLike, p: ArrayLike) -> None:
        """Show the histogram of p [N] in 0..1, by y int8 [N]: 1 yes, 0 no, -1 not stated (left out)."""
        self._track.histogram = Histogram.of(y, p)
        no, yes = (ink.number(int(counts.sum())) for counts in self._track.histogram.counts)
        self._legend.set_keys([Key(f"yes, upwards: {yes} images", _YES), Key(f"no, downwards: {no} images", _NO)])
        self._track.forget()

    def set_threshold(self, value: float) -> None:
        """Put the handle; sends no signal. nan: there is no threshold yet."""
        self._track.put(value)
        self._show_number()

    def threshold(self) -> float:
        """Where the handle stands, exactly as it was set or moved; nan if there is none."""
        return self._track.exact

    def set_points(self, points: Mapping[str, float]) -> None:
        """Name -> threshold: ticks that can be clicked; nan is left out."""
        self._track.points = {name: float(value) for name, value in points.items() if math.isfinite(value)}
        self._track.forget()

    def set_fixed(self, why: str) -> None:
        """Let it be moved (""), or say in words why it cannot be."""
        for part in (self._track, self._number):
            part.setEnabled(not why)
        self._number.setToolTip(why or _KEYS)
        self._track.fixed = why

    def points(self) -> dict[str, float]:
        """The ticks that are shown."""
        return dict(self._track.points)

    def _follow(self, value: float) -> None:
        self._show_number()
        self.moved.emit(value)

    def _show_number(self) -> None:
        with QSignalBlocker(self._number):
            missing = math.isnan(self._track.exact)
            self._number.setMinimum(-STEP if missing else 0.0)
            self._number.setSpecialValueText("not set" if missing else "")
            self._number.setValue(-STEP if missing else self._track.exact)

    def _typed(self, value: float) -> None:
        if value >= 0:
            self._track.put(value)
            self._show_number()
            self.moved.emit(value)
            self.settled.emit(value)
