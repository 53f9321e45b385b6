"""What a page shows when there is nothing to show: what is missing, and the button that mends it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme

WIDTH = 460
"""Widest line of text, in device independent pixels: longer ones are tiring to read."""


class EmptyState(QWidget):
    """A title, a sentence, and at most one button (`button`)."""

    def __init__(
        self, title: str, text: str, button: str = "", slot: Callable[[], object] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.title = theme.heading(title, level=2)
        self.text = theme.muted(text)
        self.button = QPushButton(button)
        theme.restyled(self.button, "primary")
        if not button:  # shown it must not be before it has a place: it would be a window of its own for a moment
            self.button.hide()
        if slot:
            self.button.clicked.connect(lambda: slot())
        box = QWidget()
        box.setMaximumWidth(WIDTH)
        column = QVBoxLayout(box)
        column.setSpacing(theme.SPACE)
        column.addStretch()
        for part in (self.title, self.text):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            part.setWordWrap(True)
            column.addWidget(part)  # without an alignment of the layout, which would not ask for the height of wrapped text
        column.addSpacing(theme.SPACE)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addWidget(box, 100)
        row.addStretch(1)

    def say(self, title: str, text: str) -> None:
        """Show another title and sentence."""
        self.title.setText(title)
        self.text.setText(text)

    def label(self) -> QLabel:
        """The sentence, for tests and screen readers."""
        return self.text
