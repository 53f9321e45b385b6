"""What the colours of a heat map mean: the finding, the colours with numbers, and which scale it is."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.image_marks import frame, wrapped
from cxr_desktop.widgets.lightbox import Lightbox
from trainer import colours

DISCLAIMER = "For teaching and research, not for diagnosis."
FEWEST_ROWS = 160
"""A saved picture is at least so high, so that its text fits beside it."""


@dataclass(frozen=True)
class Legend:
    """`title` above the colours, `words` below them, and their value `top`; 0 shows no colours."""

    title: str
    top: float
    words: str


def legend(lightbox: Lightbox) -> Legend:
    """What is to be said of the heat map on a light box."""
    heat, fixed = lightbox.heat, lightbox.fixed_top is not None
    if heat is None:
        return Legend("", 0.0, "")
    if heat.values is None:
        return Legend(heat.finding, 0.0, "The heat map is being made.")
    title = heat.finding if heat.evident else f"no evidence for {heat.finding}"
    title = f"{title} ({heat.of})" if heat.of else title
    top = lightbox.look.top if heat.evident or fixed else 0.0
    return Legend(title, top, lightbox.scale_words())


def paint(painter: QPainter, room: QRectF, of: Legend, *, text: str, line: str) -> None:
    """Draw a legend into `room` with the painter's font, in these colours."""
    font, metrics = painter.font(), QFontMetricsF(painter.font())
    spacing = metrics.lineSpacing()
    bold = QFont(font)
    bold.setBold(True)
    title = wrapped(of.title, bold, room.width(), max(1, int(room.height() / spacing / 3)))
    words = wrapped(of.words, font, room.width(), 8)
    painter.setPen(QColor(text))
    painter.setFont(bold)
    _lines(painter, room.topLeft(), title)
    painter.setFont(font)
    _lines(painter, QPointF(room.left(), room.bottom() - spacing * len(words)), words)
    bar = QRectF(room.left(), room.top() + spacing * (len(title) + 1), 2 * metrics.averageCharWidth(), 0)
    bar.setBottom(room.bottom() - spacing * (len(words) + 1))
    if of.top > 0 and bar.height() > 2 * spacing:
        painter.drawImage(bar, _colour_bar())
        painter.setPen(QPen(QColor(line), 1))
        painter.drawRect(bar)
        painter.setPen(QColor(text))
        for share in (1.0, 0.5, 0.0):
            y = bar.bottom() - share * bar.height() + metrics.capHeight() / 2
            painter.drawText(QPointF(bar.right() + metrics.averageCharWidth(), y), f"{of.top * share:.3g}")


def saved(lightbox: Lightbox) -> QImage:
    """Image and heat map at the image's own size, and beside them their legend: no text but the finding's. Needs an image."""
    picture = lightbox.picture()
    of = legend(lightbox)
    if not of.title:
        return picture
    height = max(FEWEST_ROWS, picture.height())
    size = max(12, height // 36)
    strip = 11 * size
    whole = QImage(picture.width() + strip, height, QImage.Format.Format_RGB888)
    whole.fill(Qt.GlobalColor.black)
    painter = QPainter(whole)
    painter.drawImage(0, 0, picture)
    framed = ""
    if lightbox.heat and lightbox.heat.seen:
        left, top, right, bottom = lightbox.heat.seen
        frame(painter, QRectF(left, top, right - left, bottom - top), thickness=max(1.0, height / 500))
        framed = f" {colours.FRAMED[0].upper()}{colours.FRAMED[1:]}."
    font = QFont(painter.font())
    font.setPixelSize(size)
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    room = QRectF(picture.width() + size, size, strip - 2 * size, height - 2 * size)
    text = theme.DARK.text
    paint(painter, room, Legend(of.title, of.top, f"{of.words}.{framed} {DISCLAIMER}"), text=text, line=text)
    painter.end()
    return whole


class HeatScale(QWidget):
    """The legend of the heat map on a light box; without a heat map it is hidden."""

    def __init__(self, lightbox: Lightbox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lightbox = lightbox
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Scale of the heat map")
        lightbox.heat_changed.connect(self._heat_changed)
        self._heat_changed()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough for the words, in any font."""
        return QSize(self.fontMetrics().horizontalAdvance("scale: fixed 00") + 2 * theme.SPACE, 160)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide; it can be very low."""
        return QSize(self.sizeHint().width(), 60)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the legend."""
        painter = QPainter(self)
        room = QRectF(self.rect()).adjusted(theme.SPACE, theme.SPACE / 2, -theme.SPACE / 2, -theme.SPACE / 2)
        shown = theme.colours()
        paint(painter, room, legend(self._lightbox), text=shown.text, line=shown.line)
        painter.end()

    def _heat_changed(self) -> None:
        of = legend(self._lightbox)
        self.setToolTip(of.title)
        top = f", brightest colour {of.top:.3g}" if of.top > 0 else ""
        self.setAccessibleDescription(f"{of.title}, {of.words}{top}" if of.title else "")
        self.update()


def _lines(painter: QPainter, place: QPointF, lines: list[str]) -> None:
    metrics = QFontMetricsF(painter.font())
    for number, line in enumerate(lines):
        painter.drawText(place + QPointF(0, metrics.ascent() + number * metrics.lineSpacing()), line)


def _colour_bar() -> QImage:
    """The colours, one pixel each, the brightest at the top."""
    image = QImage(1, len(colours.TABLE), QImage.Format.Format_RGB32)
    for row, (red, green, blue) in enumerate(colours.TABLE[::-1]):
        image.setPixelColor(0, row, QColor.fromRgbF(float(red), float(green), float(blue)))
    return image
