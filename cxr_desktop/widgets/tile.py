"""One image in the grid: its picture, what it shows, whose it is, and in words what sets it apart."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap

from cxr_desktop import theme
from cxr_desktop.dataset import captions
from trainer.records import Record

SIZES = (96, 144, 208)
"""Pixels (device independent) along the longer edge of a picture: small, medium, large."""
PADDING = 6
DIMMED = 0.35
"""Opacity of an image that is excluded."""


@dataclass(frozen=True)
class Standing:
    """How a tile stands among the others."""

    selected: bool = False
    current: bool = False
    """The keyboard acts on it, and the grid has the focus."""


class TilePainter:
    """Paints tiles of one size with one font; made anew when either changes."""

    def __init__(self, font: QFont, side: int) -> None:
        self.side = side
        self._font, self._bold = QFont(font), QFont(font)
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._metrics, self._bold_metrics = QFontMetrics(self._font), QFontMetrics(self._bold)
        self._line = max(self._metrics.height(), self._bold_metrics.height())
        self.size = QSize(side + 2 * PADDING, side + 2 * self._line + 3 * PADDING)

    def paint(
        self, painter: QPainter, rect: QRect, record: Record | None, picture: QPixmap | str | None, standing: Standing
    ) -> None:
        """Paint one tile into `rect` (of `size`); `picture` is None as long as it is not made, or says why there is none."""
        colours = theme.colours()
        self._ground(painter, rect, standing, colours)
        frame = QRect(rect.x() + PADDING, rect.y() + PADDING, self.side, self.side)
        if isinstance(picture, QPixmap) and record is not None:
            self._picture(painter, frame, picture, record.excluded)
        else:
            painter.fillRect(frame, QColor(colours.raised))
        if isinstance(picture, str):
            self._reason(painter, frame, picture, colours)
        if record is not None:
            self._marks(painter, frame, record, colours)
            self._caption(painter, frame, record, colours)

    def _ground(self, painter: QPainter, rect: QRect, standing: Standing, colours: theme.Colours) -> None:
        box = QRectF(rect).adjusted(1, 1, -1, -1)
        if standing.selected:
            tint = QColor(colours.accent)
            tint.setAlpha(48)
            painter.setBrush(tint)
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRoundedRect(box, 4, 4)
        if standing.current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.text), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 3, 3)

    def _picture(self, painter: QPainter, frame: QRect, picture: QPixmap, excluded: bool) -> None:
        ratio = picture.width() / max(1, picture.height())
        width, height = (self.side, self.side / ratio) if ratio >= 1 else (self.side * ratio, self.side)
        place = QRectF(frame.x() + (self.side - width) / 2, frame.y() + (self.side - height) / 2, width, height)
        if not excluded:
            painter.drawPixmap(place, picture, QRectF(picture.rect()))
            return
        painter.setOpacity(DIMMED)
        painter.drawPixmap(place, picture, QRectF(picture.rect()))
        painter.setOpacity(1)
        painter.setPen(QPen(QColor(theme.colours().error), 2))
        painter.drawLine(QPointF(frame.bottomLeft()), QPointF(frame.topRight()))

    def _reason(self, painter: QPainter, frame: QRect, reason: str, colours: theme.Colours) -> None:
        painter.setFont(self._font)
        painter.setPen(QColor(colours.error))
        place = frame.adjusted(PADDING, PADDING, -PADDING, -PADDING)
        rows = max(1, place.height() // self._line)
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        words = f"Cannot be shown: {reason[0].lower()}{reason[1:]}"
        if self._metrics.boundingRect(place, flags, words).height() > rows * self._line:
            words = "Cannot be shown"
        painter.drawText(place, flags, words)

    def _marks(self, painter: QPainter, frame: QRect, record: Record, colours: theme.Colours) -> None:
        """Words on the picture's lower edge, on a ground of their own because the picture may be of any grey."""
        words = " · ".join(captions.marks(record))
        if not words:
            return
        painter.setFont(self._font)
        words = self._metrics.elidedText(words, Qt.TextElideMode.ElideRight, self.side - 2 * PADDING)
        width = self._metrics.horizontalAdvance(words) + 2 * PADDING
        place = QRect(frame.x(), frame.bottom() - self._line + 1, width, self._line)
        painter.fillRect(place, QColor(colours.surface))
        painter.setPen(QColor(colours.error if record.excluded else colours.warning))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), words)

    def _caption(self, painter: QPainter, frame: QRect, record: Record, colours: theme.Colours) -> None:
        upper = QRect(frame.x(), frame.bottom() + 1 + PADDING // 2, self.side, self._line)
        lower = upper.translated(0, self._line)
        right, middle = Qt.TextElideMode.ElideRight, Qt.TextElideMode.ElideMiddle
        for place, font, metrics, colour, words, mode in (
            (upper, self._bold, self._bold_metrics, colours.text, captions.findings(record.labels), right),
            (lower, self._font, self._metrics, colours.muted, captions.person(record), middle),
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            elided = metrics.elidedText(words, mode, self.side)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), elided)
