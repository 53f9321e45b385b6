"""The words of the field, one line each, searchable; the same text as docs/glossary.md."""

import re
from functools import cache
from importlib import resources

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

_ROW = re.compile(r"^\| (?P<word>[^|]+?) \| (?P<meaning>.+?) \|$")


@cache
def meanings() -> dict[str, str]:
    """Word -> meaning, in alphabetical order."""
    text = (resources.files("trainer") / "resources" / "glossary.md").read_text(encoding="utf-8")
    rows = [match for line in text.splitlines() if (match := _ROW.match(line))]
    return {row["word"]: row["meaning"].replace("`", "") for row in rows if row["word"] not in ("word", "---")}


class GlossaryDialog(QDialog):
    """All words; with `word` the list begins there."""

    def __init__(self, word: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Glossary")
        self.search = QLineEdit(placeholderText="Search", clearButtonEnabled=True)
        self.search.setAccessibleName("Search a word")
        self.search.textChanged.connect(self._filter)
        self.table = QTableWidget(len(meanings()), 2)
        self.table.setAccessibleName("Words and what they mean")
        self.table.setHorizontalHeaderLabels(["Word", "Meaning"])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.setTabKeyNavigation(False)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for row, (name, meaning) in enumerate(meanings().items()):
            self._set(row, name, meaning)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for part in (self.search, self.table, buttons):
            column.addWidget(part)
        self.resize(720, 560)
        self.show_word(word)

    def show_word(self, word: str) -> None:
        """Begin at a word, if it is one of them."""
        names = [name.casefold() for name in meanings()]
        if word.casefold() in names:
            row = names.index(word.casefold())
            self.table.selectRow(row)
            self.table.scrollToItem(self.table.item(row, 0), QAbstractItemView.ScrollHint.PositionAtTop)

    def shown(self) -> list[str]:
        """The words that the search leaves."""
        return [name for row, name in enumerate(meanings()) if not self.table.isRowHidden(row)]

    def _set(self, row: int, name: str, meaning: str) -> None:
        word = QTableWidgetItem(name)
        font = word.font()
        font.setBold(True)
        word.setFont(font)
        said = QTableWidgetItem(meaning)
        for column, item in enumerate((word, said)):
            item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            self.table.setItem(row, column, item)

    def _filter(self, text: str) -> None:
        for row, (name, meaning) in enumerate(meanings().items()):
            self.table.setRowHidden(row, text.casefold() not in f"{name} {meaning}".casefold())
