"""A DICOM header as a tree that can be searched: tag, name, representation, value."""

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from cxr_desktop import theme

COLUMNS = ("Tag", "Name", "VR", "Value")
TOOLTIP = 600
"""Characters of a value in its tooltip; Copy takes all of it."""


class Element(Protocol):
    """One element of a header (see `trainer.elements.Element`)."""

    tag: str
    name: str
    vr: str
    value: str
    private: bool
    depth: int


class HeaderTree(QWidget):
    """The elements; those in sequences stand below them. Ctrl+C copies the chosen ones."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit(clearButtonEnabled=True)
        self.search.setPlaceholderText("Search tag, name or value")
        self.search.setAccessibleName("Search the DICOM header")
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(COLUMNS)
        self.tree.setAccessibleName("DICOM header")
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(theme.SPACE)
        self.tree.setAlternatingRowColors(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        QShortcut(QKeySequence.StandardKey.Copy, self.tree, self._copy, context=Qt.ShortcutContext.WidgetShortcut)
        self.notice = theme.muted()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.SPACE // 2, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self.search)
        column.addWidget(self.notice)
        column.addWidget(self.tree, 1)
        self.say("")

    def say(self, text: str) -> None:
        """Show a sentence in place of a header."""
        self.tree.clear()
        self._tell(text)
        for part in (self.search, self.tree):
            part.hide()

    def set_elements(self, elements: Sequence[Element], notes: Sequence[str] = ()) -> None:
        """Show a header and what could not be shown of it."""
        self.tree.clear()
        items: list[QTreeWidgetItem] = []
        above: list[QTreeWidgetItem] = []
        for element in elements:
            del above[element.depth :]
            item = _item(element)
            if above:
                above[-1].addChild(item)
            else:
                items.append(item)
            above.append(item)
        self.tree.addTopLevelItems(items)
        self.tree.expandAll()
        for part in (self.search, self.tree):
            part.show()
        self._tell(" ".join(f"{note}." for note in notes))
        for column in range(3):
            self.tree.resizeColumnToContents(column)
        self.tree.setRootIsDecorated(any(item.childCount() for item in items))
        third = max(self.tree.viewport().width() // 3, self.tree.fontMetrics().averageCharWidth() * 14)
        self.tree.setColumnWidth(1, min(self.tree.columnWidth(1), third))
        self.tree.setColumnWidth(3, third // 2)  # the least; it takes what is left
        self._filter(self.search.text())

    def visible_items(self) -> list[QTreeWidgetItem]:
        """The items that the search lets through."""
        return [item for item in self._items() if not item.isHidden()]

    def _tell(self, text: str) -> None:
        self.notice.setText(text)
        self.notice.setVisible(bool(text))

    def _items(self) -> list[QTreeWidgetItem]:
        found = [self.tree.topLevelItem(place) for place in range(self.tree.topLevelItemCount())]
        for item in found:  # grows while it is walked through
            found.extend(item.child(place) for place in range(item.childCount()))
        return found

    def _filter(self, text: str) -> None:
        """Hide what does not hold the text; a sequence stays with what is found in it."""
        wanted = text.casefold().strip()
        for item in reversed(self._items()):  # the inner ones first
            inside = any(not item.child(place).isHidden() for place in range(item.childCount()))
            words = " ".join((item.text(0), item.text(1), item.data(3, Qt.ItemDataRole.UserRole))).casefold()
            item.setHidden(not (inside or wanted in words))

    def _copy(self) -> None:
        rows = [
            "\t".join((item.text(0), item.text(1), item.text(2), item.data(3, Qt.ItemDataRole.UserRole)))
            for item in self.tree.selectedItems()
        ]
        if rows:
            QGuiApplication.clipboard().setText("\n".join(rows))


def _item(element: Element) -> QTreeWidgetItem:
    name = element.name
    if element.private:
        name = name if "private" in name.casefold() else f"{name} (private)"
    item = QTreeWidgetItem([element.tag, name, element.vr, element.value])
    item.setData(3, Qt.ItemDataRole.UserRole, element.value)
    item.setToolTip(1, name)
    long = element.value[:TOOLTIP] + ("…" if len(element.value) > TOOLTIP else "")
    item.setToolTip(3, f"<p>{_escaped(long)}</p>" if long else "")  # rich text wraps
    return item


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
