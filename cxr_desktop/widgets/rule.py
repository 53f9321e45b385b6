"""A thin line between two groups."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cxr_desktop import theme


class Rule(QWidget):
    """Horizontal, as wide as there is room, in the theme's colour of lines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """The line and a little air."""
        return QSize(theme.SPACE, theme.SPACE + 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's own name
        """Draw it in the middle."""
        QPainter(self).fillRect(0, self.height() // 2, self.width(), 1, QColor(theme.colours().line))
