"""Conditions as small buttons that take them away again."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from cxr_desktop.widgets.flow_layout import FlowLayout

WIDEST = 260
"""Device independent pixels of the words of one chip; longer ones are elided."""


class Chips(QWidget):
    """A row of chips, each "words ×", and behind two or more of them a button that takes all away."""

    removed = Signal(str)
    """The key of a chip."""
    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Active filters")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._row = FlowLayout(self)
        self._shown: list[tuple[str, str]] = []
        self.buttons: dict[str, QPushButton] = {}
        self.clear = QPushButton("Clear filters")
        self.clear.setToolTip("Show all images again.")
        self.clear.clicked.connect(self.cleared)
        self._row.addWidget(self.clear)
        self.hide()

    def show_chips(self, chips: Sequence[tuple[str, str]]) -> None:
        """Show these (key, words)."""
        if list(chips) == self._shown:
            return
        self._shown = list(chips)
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = {key: self._button(key, words) for key, words in chips}
        self._row.removeWidget(self.clear)
        for button in (*self.buttons.values(), self.clear):
            self._row.addWidget(button)
        self.clear.setVisible(len(chips) > 1)
        self.setVisible(bool(chips))

    def words(self) -> list[str]:
        """What the chips say."""
        return [words for _, words in self._shown]

    def _button(self, key: str, words: str) -> QPushButton:
        elided = QFontMetrics(self.font()).elidedText(words, Qt.TextElideMode.ElideMiddle, WIDEST)
        button = QPushButton(f"{elided.replace('&', '&&')}  ×", self)
        button.setAccessibleName(f"Remove filter {words}")
        button.setToolTip(f"Remove this filter: {words}")
        button.clicked.connect(lambda: self.removed.emit(key))
        return button
