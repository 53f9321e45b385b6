"""The small button that asks what a word means."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QWidget


class Question(QToolButton):
    """A question mark; `asked` carries the word of the glossary."""

    asked = Signal(str)

    def __init__(self, term: str, label: str, parent: QWidget | None = None, *, keys: str = "") -> None:
        super().__init__(parent)
        self.setText("?")
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(f"What does '{term}' mean?{f' ({keys})' if keys else ''}")
        self.setAccessibleName(f"Explain {label}")
        self.clicked.connect(lambda: self.asked.emit(term))
