"""Names and values under each other: what is known of an image."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.elided_label import ElidedLabel

Facts = Sequence[tuple[str, str]]


class FactList(QScrollArea):
    """Facts, each on one line, and below them sentences that warn. Everything can be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: list[tuple[str, str]] = []
        self._warnings: list[str] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Facts")
        self.copy = QPushButton("Copy all")
        self.copy.setAutoDefault(False)
        self.copy.setToolTip("Copy all facts as text")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self._show()

    def set_facts(self, facts: Facts, warnings: Sequence[str] = ()) -> None:
        """Show these. The value of a path ("File") gets a button that copies it."""
        if (list(facts), list(warnings)) != (self._facts, self._warnings):
            self._facts, self._warnings = list(facts), list(warnings)
            self._show()

    def text(self) -> str:
        """All of it as lines of text."""
        return "\n".join([*(f"{name}: {value}" for name, value in self._facts), *(f"Note: {text}" for text in self._warnings)])

    def _show(self) -> None:
        inside = QWidget()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.SPACE)
        grid.setVerticalSpacing(theme.SPACE // 2)
        grid.setColumnStretch(1, 1)
        for line, (name, value) in enumerate(self._facts):
            _add(grid, line, name, value)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, theme.SPACE // 2, theme.SPACE, 0)
        column.setSpacing(theme.SPACE)
        for text in self._warnings:
            label = QLabel(f"⚠ {text}")
            label.setWordWrap(True)
            label.setProperty("role", "warning")
            column.addWidget(label)
        column.addLayout(grid)
        self.copy.setVisible(bool(self._facts))
        column.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch()
        self.setWidget(inside)


def _add(grid: QGridLayout, line: int, name: str, value: str) -> None:
    title = QLabel(name)
    title.setProperty("role", "muted")
    is_path = name == "File"
    shown = ElidedLabel(value, mode=Qt.TextElideMode.ElideMiddle if is_path else Qt.TextElideMode.ElideRight)
    shown.setAccessibleName(f"{name}: {value}")
    grid.addWidget(title, line, 0)
    grid.addWidget(shown, line, 1, 1, 1 if is_path else 2)
    if is_path:
        button = QToolButton(text="Copy")
        button.setToolTip("Copy the path")
        button.setAccessibleName("Copy the path")
        button.clicked.connect(lambda: QGuiApplication.clipboard().setText(value))
        grid.addWidget(button, line, 2)
