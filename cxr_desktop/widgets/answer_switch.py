"""Yes, no or not stated: one finding's answer for one image, or for many with their numbers."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cxr_desktop import theme

ANSWERS = ((1, "Yes"), (0, "No"), (-1, "Not stated"))
KEYS = {Qt.Key.Key_Y: 1, Qt.Key.Key_N: 0, Qt.Key.Key_U: -1}
RADIUS = 4.0
SHARE = 3
"""Height of the bar that says which share of many images has an answer, in device independent pixels."""


class AnswerSwitch(QWidget):
    """Three fields, of which the answer is filled; none is where many images differ.

    A click on a field, or Y, N and U while it has the focus, choose an answer: it is told, not taken over.
    """

    chosen = Signal(int)
    moved = Signal(int)
    """The Up (-1) or Down (1) key."""

    def __init__(self, finding: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.finding = finding
        self._counts = (0, 0, 0)
        self._hovered = self._pressed = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.set_counts(0, 0, 1)

    def set_counts(self, yes: int, no: int, unstated: int) -> None:
        """Show how many images have which answer."""
        self._counts = (yes, no, unstated)
        self.setAccessibleName(f"{self.finding}: {self.words()}")
        self.setAccessibleDescription("Y for yes, N for no, U for not stated")
        self.updateGeometry()
        self.update()

    def answer(self) -> int | None:
        """1 yes, 0 no, -1 not stated; None where images differ."""
        given = [value for (value, _), count in zip(ANSWERS, self._counts, strict=True) if count]
        return given[0] if len(given) == 1 else None

    def words(self) -> str:
        """The answer as it is read out."""
        given = [f"{count:,} {word.lower()}" for (_, word), count in zip(ANSWERS, self._counts, strict=True) if count]
        answer = self.answer()
        return f"mixed, {', '.join(given)}" if answer is None else {1: "yes", 0: "no", -1: "not stated"}[answer]

    def texts(self) -> list[str]:
        """What stands in the fields."""
        many = sum(self._counts) > 1
        return [f"{word} {count:,}" if many else word for (_, word), count in zip(ANSWERS, self._counts, strict=True)]

    def fields(self) -> list[QRectF]:
        """Where the fields are, in pixels."""
        wanted = [self.fontMetrics().horizontalAdvance(text) + 2 * theme.SPACE for text in self.texts()]
        over = (self.width() - 1 - sum(wanted)) / len(wanted)
        found, left = [], 0.5
        for width in wanted:
            found.append(QRectF(left, 0.5, width + over, self.height() - 1))
            left += width + over
        return found

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for all words in bold."""
        bold = QFont(self.font())
        bold.setBold(True)
        metrics = self.fontMetrics()
        width = sum(metrics.horizontalAdvance(text) + 2 * theme.SPACE for text in self.texts())
        return QSize(int(width * 1.08) + 1, metrics.height() + theme.SPACE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The same: words are never cut."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Y, N, U answer; Up and Down go to the neighbours."""
        key = Qt.Key(event.key())
        if key in KEYS and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            if not event.isAutoRepeat():  # the next image may stand here already
                self.chosen.emit(KEYS[key])
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click answers."""
        place = self._field_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self._pressed = place
            self.chosen.emit(ANSWERS[place][0])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The second click on a field answers nothing: the next image may stand here already."""
        if self._field_at(event.position()) != self._pressed:
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show which field a click would take."""
        self._hover(self._field_at(event.position()))

    def event(self, event: QEvent) -> bool:
        """Leave, tooltips, and changes of font and colours."""
        if event.type() == QEvent.Type.Leave:
            self._hover(-1)
        elif event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), f"{self.finding}: {self.words()}\nY yes, N no, U not stated", self)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show the focus no more."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the fields."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        of = theme.colours()
        frame = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        outline = QPainterPath()
        outline.addRoundedRect(frame, RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(outline)
        painter.fillPath(outline, QColor(of.surface))
        for place, field in enumerate(self.fields()):
            self._paint_field(painter, place, field)
        painter.restore()
        painter.setPen(QPen(QColor(of.line), 1))
        for field in self.fields()[1:]:
            painter.drawLine(field.topLeft(), field.bottomLeft())
        painter.setPen(QPen(QColor(of.accent if self.hasFocus() else of.line), 2 if self.hasFocus() else 1))
        painter.drawPath(outline)

    def _paint_field(self, painter: QPainter, place: int, field: QRectF) -> None:
        of = theme.colours()
        value = ANSWERS[place][0]
        filled = self.answer() == value
        fill, ink = {1: (of.accent, of.on_accent), 0: (of.muted, of.surface), -1: (of.raised, of.text)}[value]
        if filled:
            painter.fillRect(field, QColor(fill))
        elif place == self._hovered and self.isEnabled():
            painter.fillRect(field, QColor(of.raised))
        font = QFont(self.font())
        font.setBold(filled)
        painter.setFont(font)
        painter.setPen(QColor(ink if filled else of.text if self._counts[place] else of.muted))
        painter.drawText(field, Qt.AlignmentFlag.AlignCenter, self.texts()[place])
        total = sum(self._counts)
        if self.answer() is None and total:
            width = field.width() * self._counts[place] / total
            painter.fillRect(QRectF(field.left(), field.bottom() - SHARE, width, SHARE), QColor(of.accent))

    def _field_at(self, point: QPointF) -> int:
        return next((place for place, field in enumerate(self.fields()) if field.contains(point)), -1)

    def _hover(self, place: int) -> None:
        if place != self._hovered:
            self._hovered = place
            self.update()
