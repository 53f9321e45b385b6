"""How a setting differs from the recipe, and the button that takes it back."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from cxr_desktop import theme

DOT = "●"
"""Marks what is changed."""


class Difference(QWidget):
    """ "changed from 15" and Reset; nothing at all where there is no difference. `dot`: marked here, as no label is."""

    reset_wanted = Signal()

    def __init__(self, label: str, parent: QWidget | None = None, *, dot: bool = False) -> None:
        super().__init__(parent)
        self._before = f"{DOT} " if dot else ""
        self.text = theme.muted()
        self.reset = QToolButton(text="Reset")
        self.reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reset.setAccessibleName(f"Reset {label}")
        self.reset.clicked.connect(self.reset_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.reset)
        self.hide()

    def compare(self, changed: bool, recipe: str) -> None:
        """Say whether it is changed; `recipe` is the value it was changed from, in words."""
        self.text.setText(f"{self._before}changed from {recipe}")
        self.reset.setToolTip(f"Back to {recipe}, as the recipe has it")
        self.setVisible(changed)
