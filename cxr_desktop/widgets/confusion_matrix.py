"""A confusion matrix: truth down, prediction across; a click on a cell chooses its images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import ink

MODES = ("counts", "rows", "columns")
_MOVES = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
_Cell = tuple[int, int]
_CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True, eq=False)
class Table:
    """Counts int64 [K, K], row = truth, column = prediction."""

    names: tuple[str, ...]
    counts: NDArray[np.int64]

    def shares(self, mode: str) -> NDArray[np.float64]:
        """What is written and shaded, [K, K]: the share of the row or column (nan where it has no image); in mode counts
        the square root of the share of the largest count, which shades a few errors visibly beside thousands of hits.
        """
        counts = self.counts.astype(np.float64)
        if mode == "counts":
            return np.sqrt(counts / max(1.0, float(counts.max(initial=0.0))))
        whole = counts.sum(axis=1 if mode == "rows" else 0, keepdims=True)
        return np.divide(counts, whole, out=np.full(counts.shape, np.nan), where=whole > 0)

    def words(self, cell: _Cell) -> str:
        """A cell in one sentence."""
        truth, predicted = cell
        count = int(self.counts[cell])
        images = "image" if count == 1 else "images"
        shares = [ink.percent(float(self.shares(mode)[cell]), 1) for mode in ("rows", "columns")]
        return (
            f"truth {self.names[truth]}, predicted {self.names[predicted]}: {ink.number(count)} {images}, "
            f"{shares[0]} of truth, {shares[1]} of prediction"
        )


@dataclass(frozen=True)
class _Plan:
    """Where things stand, in pixels. `heads` is how the columns are named: flat, upright or numbers."""

    left: float
    top: float
    wide: float
    high: float
    heads: str

    def cell(self, truth: int, predicted: int) -> QRectF:
        return QRectF(self.left + predicted * self.wide, self.top + truth * self.high, self.wide, self.high)


class ConfusionMatrix(QWidget):
    """K x K cells; the diagonal, where truth and prediction agree, has a double frame.

    Arrow keys move, Enter is a click. Below the cells stands the one under the pointer, or else the one with the keyboard, in
    words.
    """

    cell_chosen = Signal(int, int)
    """Index of the truth, index of the prediction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = Table((), np.zeros((0, 0), dtype=np.int64))
        self._mode = "counts"
        self._selected: _Cell | None = None
        self._hovered: _Cell | None = None
        self._current: _Cell = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Confusion matrix")

    def set_counts(self, names: Sequence[str], counts: ArrayLike) -> None:
        """Show counts [K, K]: row = truth, column = prediction. Other names forget what was chosen.

        Raises `ValueError` if there are not K x K counts.
        """
        table = Table(tuple(names), np.array(counts, dtype=np.int64).reshape(len(names), len(names)))
        if table.names != self._table.names:
            self._selected, self._hovered, self._current = None, None, (0, 0)
        self._table = table
        self._tell()
        self.updateGeometry()
        self.update()

    def set_mode(self, mode: str) -> None:
        """What is written: "counts", "rows" (share of truth) or "columns" (share of prediction). Raises `ValueError`."""
        if mode not in MODES:
            raise ValueError(f"{mode!r} is none of {MODES}")
        self._mode = mode
        self.update()

    def mode(self) -> str:
        """What is written."""
        return self._mode

    def set_selected(self, cell: _Cell | None) -> None:
        """Show which cell was chosen: (truth, predicted)."""
        self._selected = cell
        self.update()

    def selected(self) -> _Cell | None:
        """The chosen cell."""
        return self._selected

    def cell_text(self, truth: int, predicted: int) -> str:
        """A cell in words: "truth Pneumonia, predicted Normal: 12 images, 8.0 % of truth, 3.1 % of prediction"."""
        return self._table.words((truth, predicted))

    def cell_place(self, truth: int, predicted: int) -> QRectF:
        """Where a cell is drawn."""
        return self._plan().cell(truth, predicted)

    def written(self, truth: int, predicted: int) -> str:
        """What stands in a cell."""
        return self._texts()[truth][predicted]

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Cells wide enough for their numbers."""
        line, size = self.fontMetrics().height(), max(2, len(self._table.names))
        return QSize(round(self._names_width(900) + size * line * 3.2), round(line * (8 + size * 2.2)))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Cells that can still be told apart and hit."""
        line, size = self.fontMetrics().height(), max(2, len(self._table.names))
        return QSize(round(line * (8 + size * 1.1)), round(line * (7 + size * 1.1)))

    def event(self, event: QEvent) -> bool:
        """A cell, or a whole name, as a tooltip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), ink.tip(self._tip(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Tell the cell under the pointer."""
        self._hover(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """There is none any more."""
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose a cell."""
        cell = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell:
            self._go(cell)
            self._choose(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrows move, Home and End go to the ends of a row, Enter chooses."""
        last = len(self._table.names) - 1
        row, column = self._current
        key = event.key()
        if last < 0:
            super().keyPressEvent(event)
        elif move := _MOVES.get(key):
            self._go((min(max(row + move[0], 0), last), min(max(column + move[1], 0), last)))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go((row, 0 if key == Qt.Key.Key_Home else last))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self._current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show and tell the cell with the keyboard."""
        super().focusInEvent(event)
        self._tell()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show that it has gone."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw everything."""
        painter = QPainter(self)
        if not self._table.names:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect(), _CENTRE, "No images to count")
            return
        plan = self._plan()
        grounds = self._grounds()
        self._paint_cells(painter, plan, grounds)
        self._paint_rows(painter, plan)
        self._paint_columns(painter, plan)
        self._paint_frames(painter, plan, grounds)
        self._paint_words(painter, plan)

    def _plan(self) -> _Plan:
        """Rows of text from the top: prediction, names of the columns, cells, words."""
        metrics, size = QFontMetricsF(self.font()), max(1, len(self._table.names))
        line = metrics.height()
        left = self._names_width(self.width())
        wide = max(1.0, min((self.width() - left - 2) / size, line * 6))
        longest = max((metrics.horizontalAdvance(name) for name in self._table.names), default=0.0)
        upright = min(longest + 6, self.height() * 0.28)
        if longest + 6 <= wide or wide >= upright:
            heads, top = "flat", line + 4
        elif wide >= line:
            heads, top = "upright", upright
        else:
            heads, top = "numbers", line + 4
        top += line * 1.3
        high = max(1.0, min((self.height() - top - line * 2.6) / size, wide, line * 3.6))
        return _Plan(round(left), round(top), wide, high, heads)

    def _names_width(self, width: float) -> float:
        metrics = QFontMetricsF(self.font())
        longest = max((metrics.horizontalAdvance(f"{i} {name}") for i, name in enumerate(self._table.names)), default=0.0)
        return metrics.height() * 1.3 + min(longest + 10, width * 0.32)

    def _texts(self) -> list[list[str]]:
        if self._mode == "counts":
            return [[ink.number(count) for count in row] for row in self._table.counts.tolist()]
        shares = self._table.shares(self._mode).tolist()
        return [[ink.percent(share) if np.isfinite(share) else "–" for share in row] for row in shares]

    def _grounds(self) -> list[list[QColor]]:
        of, shares = theme.colours(), np.nan_to_num(self._table.shares(self._mode))
        return [[ink.blend(of.surface, of.accent, share) for share in row] for row in shares.tolist()]

    def _paint_cells(self, painter: QPainter, plan: _Plan, grounds: list[list[QColor]]) -> None:
        size, texts = len(self._table.names), self._texts()
        font, fits = self._font_for([text for row in texts for text in row], plan)
        bold = QFont(font)
        bold.setBold(True)
        for truth in range(size):
            for predicted in range(size):
                place, ground = plan.cell(truth, predicted), grounds[truth][predicted]
                painter.fillRect(place.adjusted(0.5, 0.5, -0.5, -0.5), ground)
                if fits:
                    painter.setFont(bold if truth == predicted else font)
                    painter.setPen(ink.text_on(ground))
                    painter.drawText(place, _CENTRE, texts[truth][predicted])
        painter.setFont(self.font())

    def _font_for(self, texts: Sequence[str], plan: _Plan) -> tuple[QFont, bool]:
        """The largest font, down to 6 points, with which all texts fit; and whether they do."""
        font = self.font()
        font.setBold(True)
        widest = max(texts, key=QFontMetricsF(font).horizontalAdvance)
        while True:
            metrics = QFontMetricsF(font)
            fits = metrics.horizontalAdvance(widest) + 4 <= plan.wide and metrics.ascent() + 3 <= plan.high
            if fits or font.pointSizeF() <= 6:
                font.setBold(False)
                return font, fits
            font.setPointSizeF(font.pointSizeF() - 0.5)

    def _paint_rows(self, painter: QPainter, plan: _Plan) -> None:
        line, size = self.fontMetrics().height(), len(self._table.names)
        painter.setPen(self.palette().windowText().color())
        font = self.font()
        font.setPointSizeF(max(5.0, font.pointSizeF() * min(1.0, plan.high / line)))
        painter.setFont(font)
        for truth, name in enumerate(self._table.names):
            place = QRectF(line * 1.3, plan.cell(truth, 0).top(), plan.left - line * 1.3 - 6, plan.high)
            said = f"{truth + 1} {name}" if plan.heads == "numbers" else name
            text = painter.fontMetrics().elidedText(said, Qt.TextElideMode.ElideMiddle, int(place.width()))
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.colours().muted))
        self._upright(painter, QRectF(0, plan.top, line * 1.2, plan.high * size), "truth", Qt.AlignmentFlag.AlignCenter)

    def _paint_columns(self, painter: QPainter, plan: _Plan) -> None:
        line, size = self.fontMetrics().height(), len(self._table.names)
        painter.setPen(QColor(theme.colours().muted))
        painter.drawText(QRectF(plan.left, 0, max(plan.wide * size, line * 6), line * 1.2), _CENTRE, "prediction")
        painter.setPen(self.palette().windowText().color())
        for predicted, name in enumerate(self._table.names):
            head = QRectF(plan.cell(0, predicted).left(), line * 1.3, plan.wide, plan.top - line * 1.3 - 3)
            if plan.heads == "upright":
                self._upright(painter, head, name, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            else:
                text = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(plan.wide) - 4)
                painter.drawText(head, _CENTRE, text if plan.heads == "flat" else str(predicted + 1))

    def _upright(self, painter: QPainter, area: QRectF, text: str, align: Qt.AlignmentFlag) -> None:
        """Text from below upwards."""
        painter.save()
        painter.translate(area.left(), area.bottom())
        painter.rotate(-90)
        text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, int(area.height()))
        painter.drawText(QRectF(0, 0, area.height(), area.width()), align, text)
        painter.restore()

    def _paint_frames(self, painter: QPainter, plan: _Plan, grounds: list[list[QColor]]) -> None:
        of, size = theme.colours(), len(self._table.names)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(of.line), 1))
        painter.drawRect(QRectF(plan.left, plan.top, plan.wide * size, plan.high * size))
        for both in range(size):
            place = plan.cell(both, both)
            painter.setPen(QPen(QColor(of.muted), 1))
            painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
            if plan.high >= self.fontMetrics().height() * 1.2:
                painter.setPen(QPen(ink.text_on(grounds[both][both]), 1))
                painter.drawRect(place.adjusted(2, 2, -2, -2))
        if self._selected:
            painter.setPen(QPen(QColor(of.text), 3))
            painter.drawRect(plan.cell(*self._selected).adjusted(1, 1, -1, -1))
        if self.hasFocus():
            ground = grounds[self._current[0]][self._current[1]]
            painter.setPen(QPen(ink.text_on(ground), 2, Qt.PenStyle.DotLine))
            painter.drawRect(plan.cell(*self._current).adjusted(3, 3, -3, -3))

    def _paint_words(self, painter: QPainter, plan: _Plan) -> None:
        cell = self._hovered or (self._current if self.hasFocus() else self._selected)
        if cell is None:
            return
        top = plan.top + plan.high * len(self._table.names) + 4
        painter.setPen(self.palette().windowText().color())
        area = QRectF(2, top, self.width() - 4, self.height() - top)
        painter.drawText(
            area, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self._table.words(cell).replace(" %", "\u00a0%")
        )

    def _at(self, point: QPointF) -> _Cell | None:
        plan, size = self._plan(), len(self._table.names)
        row, column = int((point.y() - plan.top) // plan.high), int((point.x() - plan.left) // plan.wide)
        return (row, column) if 0 <= row < size and 0 <= column < size else None

    def _tip(self, point: QPointF) -> str:
        """Of a cell, or of the name of a row or column."""
        if cell := self._at(point):
            return self._table.words(cell)
        plan, size = self._plan(), len(self._table.names)
        row, column = int((point.y() - plan.top) // plan.high), int((point.x() - plan.left) // plan.wide)
        if point.x() < plan.left and 0 <= row < size:
            return f"truth {self._table.names[row]}: {ink.number(int(self._table.counts[row].sum()))} images"
        if point.y() < plan.top and 0 <= column < size:
            return f"predicted {self._table.names[column]}: {ink.number(int(self._table.counts[:, column].sum()))} images"
        return ""

    def _hover(self, cell: _Cell | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.setCursor(Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor)
            self.update()

    def _go(self, cell: _Cell) -> None:
        self._current = cell
        self._tell()
        self.update()

    def _choose(self, cell: _Cell) -> None:
        self.set_selected(cell)
        self.cell_chosen.emit(*cell)

    def _tell(self) -> None:
        self.setAccessibleDescription(self._table.words(self._current) if self._table.names else "")
