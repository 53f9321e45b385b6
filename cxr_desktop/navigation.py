"""The column at the left side: which page is shown."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import icons, theme

ICON = 28


class Navigation(QFrame):
    """One button a page; `names` maps a page to its title."""

    chosen = Signal(str)

    def __init__(self, names: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Pages")
        self.buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        group.setExclusive(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE // 2, theme.SPACE, theme.SPACE // 2, theme.SPACE)
        column.setSpacing(theme.SPACE // 2)
        width = max(QFontMetrics(self.font()).horizontalAdvance(title) for title in names.values()) + theme.SPACE * 3
        for name, title in names.items():
            button = QToolButton(text=title, checkable=True, autoRaise=True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(f"Page {title}")
            button.setIconSize(QSize(ICON, ICON))
            button.setMinimumWidth(width)
            button.clicked.connect(lambda _=False, name=name: self.chosen.emit(name))
            group.addButton(button)
            column.addWidget(button)
            self.buttons[name] = button
        column.addStretch()
        self._set_icons()

    def show_chosen(self, name: str) -> None:
        """Mark the page that is shown."""
        self.buttons[name].setChecked(True)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "buttons"):
            self._set_icons()
        super().changeEvent(event)

    def _set_icons(self) -> None:
        for name, button in self.buttons.items():
            button.setIcon(icons.icon(name, theme.colours().text))
