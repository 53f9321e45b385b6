"""Every action of the window with its key, made from the actions themselves."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

FIXED = {
    "Everywhere": (("Next control", "Tab"), ("Control before", "Shift+Tab"), ("Close a dialog", "Esc"), ("Menus", "Alt")),
}
"""Keys that Qt itself has and that no action lists."""


class KeyboardDialog(QDialog):
    """Groups of actions (name -> actions; None is a separator) as a list that can be searched."""

    def __init__(self, groups: Mapping[str, Sequence[QAction | None]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard")
        self.search = QLineEdit(placeholderText="Search", clearButtonEnabled=True)
        self.search.setAccessibleName("Search an action or a key")
        self.search.textChanged.connect(self._filter)
        self.list = QTreeWidget()
        self.list.setAccessibleName("Actions and their keys")
        self.list.setHeaderLabels(["Action", "Key"])
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(False)
        for name, actions in groups.items():
            self._add(name, [(_words(action), _keys(action)) for action in actions if action and action.text()])
        for name, rows in FIXED.items():
            self._add(name, list(rows))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for part in (self.search, self.list, buttons):
            column.addWidget(part)
        self.resize(520, 560)

    def rows(self) -> list[tuple[str, str]]:
        """What is shown: action and key."""
        found = []
        for number in range(self.list.topLevelItemCount()):
            group = self.list.topLevelItem(number)
            rows = [group.child(place) for place in range(group.childCount())]
            found += [(row.text(0), row.text(1)) for row in rows if not row.isHidden()]
        return found

    def _add(self, name: str, rows: Sequence[tuple[str, str]]) -> None:
        if not rows:
            return
        group = QTreeWidgetItem([name, ""])
        font = group.font(0)
        font.setBold(True)
        group.setFont(0, font)
        group.addChildren([QTreeWidgetItem(list(row)) for row in rows])
        self.list.addTopLevelItem(group)
        group.setExpanded(True)

    def _filter(self, text: str) -> None:
        for number in range(self.list.topLevelItemCount()):
            group = self.list.topLevelItem(number)
            rows = [group.child(place) for place in range(group.childCount())]
            for row in rows:
                row.setHidden(text.casefold() not in f"{row.text(0)} {row.text(1)}".casefold())
            group.setHidden(all(row.isHidden() for row in rows))


def _words(action: QAction) -> str:
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("….")


def _keys(action: QAction) -> str:
    keys = [key for key in action.shortcuts() if not key.isEmpty() and not _is_rare(key)]
    return ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in keys)


def _is_rare(key: QKeySequence) -> bool:
    """Keys of their own for "Undo", "Open" and the like, which hardly any keyboard has."""
    code = key[0].key()
    return code >= Qt.Key.Key_Back or Qt.Key.Key_F13 <= code <= Qt.Key.Key_F35
