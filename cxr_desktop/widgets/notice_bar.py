"""Notices at the top of the window: what, where, remedy, and the details for somebody who can help."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import icons, theme
from cxr_desktop.notices import ERROR, INFORMATION, WARNING, Notice

MOST = 3
"""Notices that are shown at once; the oldest goes first."""
_TITLES = {ERROR: "Error", WARNING: "Warning", INFORMATION: "Note"}


class NoticeCard(QFrame):
    """One notice, until it is closed."""

    closed = Signal(object)

    def __init__(self, notice: Notice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice = notice
        self.count = 1
        self.setAccessibleName(f"{_TITLES[notice.kind]}: {notice.what} {notice.remedy}")
        self.setProperty("role", "card")
        self.what = _line(f"{_TITLES[notice.kind]}: {notice.what}", bold=True)
        self.where = _line(notice.where)
        theme.restyled(self.where, "muted")
        self.remedy = _line(notice.remedy)
        self.copy = QPushButton("Copy details")
        self.copy.setToolTip("Copies this notice, to send it to somebody who can help")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(notice.text()))
        self.choices = [self._choice(text, slot) for text, slot in notice.choices]
        self.close_button = QToolButton()
        self.close_button.setAccessibleName("Close this notice")
        self.close_button.setToolTip("Close this notice")
        self.close_button.setAutoRaise(True)
        self.close_button.clicked.connect(lambda: self.closed.emit(self))
        self._set_icon()
        self._lay_out()

    def _choice(self, text: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(lambda: slot())
        return button

    def again(self) -> None:
        """The same was told once more."""
        self.count += 1
        self.what.setText(f"{_TITLES[self.notice.kind]}: {self.notice.what} ({self.count} times)")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "close_button"):
            self._set_icon()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The card with a bar at its left side; the word before the sentence says the same as the colour."""
        super().paintEvent(event)
        colours = theme.colours()
        shade = {ERROR: colours.error, WARNING: colours.warning, INFORMATION: colours.accent}[self.notice.kind]
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(shade))
        painter.drawRoundedRect(0, 0, 5, self.height(), 2, 2)

    def _set_icon(self) -> None:
        self.close_button.setIcon(icons.icon("close", theme.colours().muted))
        self.close_button.setIconSize(QSize(16, 16))

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(2)
        for line in (self.what, self.where, self.remedy):
            column.addWidget(line)
            if not line.text():  # the others are shown with the card: before that they would be windows of their own
                line.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE * 2, theme.SPACE, theme.SPACE, theme.SPACE)
        row.addLayout(column, 1)
        for button in self.choices[:1] if self.notice.kind != ERROR else ():
            theme.restyled(button, "primary")
        buttons = QHBoxLayout()
        height = max(button.sizeHint().height() for button in (*self.choices, self.copy))
        for button in self.choices or (self.copy,):  # a question is to be answered, not to be sent to somebody
            button.setMinimumHeight(height if self.choices else 0)
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(buttons)
        if self.choices:
            self.copy.setParent(self)
            self.copy.hide()
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)


class NoticeBar(QWidget):
    """The notices that are not closed yet, the newest below; nothing where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, 0)
        self._column.setSpacing(theme.SPACE // 2)
        self.hide()

    def cards(self) -> list[NoticeCard]:
        """Those that are shown, the oldest first."""
        found = [self._column.itemAt(place).widget() for place in range(self._column.count())]
        return [card for card in found if isinstance(card, NoticeCard)]

    def add(self, notice: Notice) -> None:
        """Show a notice; one that is shown already is counted."""
        cards = self.cards()
        for card in cards:
            if card.notice == notice:
                card.again()
                return
        if len(cards) >= MOST:
            self.remove(cards[0])
        card = NoticeCard(notice)
        card.closed.connect(self.remove)
        self._column.addWidget(card)
        self.show()

    def settle(self, notice: Notice) -> None:
        """Take away what is not so any more."""
        for card in self.cards():
            if card.notice == notice:
                self.remove(card)

    def remove(self, card: NoticeCard) -> None:
        """Take one away."""
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()
        self.setVisible(bool(self.cards()))

    def clear(self) -> None:
        """Take all away."""
        for card in self.cards():
            self.remove(card)


def _line(text: str, *, bold: bool = False) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    font = label.font()
    font.setBold(bold)
    label.setFont(font)
    return label
