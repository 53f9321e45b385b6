"""What is told of a run in words: its notes with their times, the settings that differ from its recipe, its console."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPlainTextEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.training import spans
from trainer.comparison import Difference
from trainer.errors import counted
from trainer.meanings import METRIC_NAMES

MOST_LINES = 10_000
_FIGURE = re.compile(rf"(?<!\w)({'|'.join(name for name in METRIC_NAMES if '_' in name)})(?!\w)")
CONSOLE_BYTES = 64_000
"""As much of the end of console.log is shown."""


class Lines(QPlainTextEdit):
    """Text to read and to copy; it scrolls along as long as its end is in sight."""

    def __init__(self, name: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setAccessibleName(name)
        self.setPlaceholderText(empty)
        self.setMaximumBlockCount(MOST_LINES)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)

    def add(self, text: str) -> None:
        """Put lines at the end."""
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 1
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(f"\n{text}" if not self.document().isEmpty() else text)
        if at_end:
            bar.setValue(bar.maximum())


class Notes(Lines):
    """The log of a course: each sentence with its time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Notes", "What the trainer notes stands here.", parent)
        self._shown = 0

    def show_log(self, log: Sequence[tuple[float, str]]) -> None:
        """Show what is new in a log that only grows; a shorter one is another."""
        if len(log) < self._shown:
            self.clear()
        if new := log[self._shown :]:
            self._shown = len(log)
            self.add("\n".join(f"{spans.clock(time)}  {_named(words)}" for time, words in new))

    def clear(self) -> None:
        """Another run."""
        self._shown = 0
        super().clear()


class Console(Lines):
    """The end of console.log."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Console", "", parent)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text = ""

    def show_text(self, text: str | None) -> None:
        """Show the text; None if there is no such file."""
        none = "There is no console.log: a training that is started in a terminal prints there."
        self.setPlaceholderText(none if text is None else "The trainer has printed nothing.")
        if (text or "") != self._text:
            self._text = text or ""
            self.setPlainText(self._text)
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())


class Differences(QWidget):
    """The settings that differ: from the recipe, or between runs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = theme.muted()
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.table = QTableWidget()
        self.table.setAccessibleName("Settings that differ")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.addWidget(self.words)
        column.addWidget(self.table, 1)

    def show_rows(self, head: Sequence[str], rows: Sequence[Sequence[str]], none: str, some: str) -> None:
        """Show rows of texts, the first of each being the name; `none` and `some` are the sentence above."""
        self.words.setText(some if rows else none)
        self.table.setVisible(bool(rows))
        self.table.setColumnCount(len(head))
        self.table.setHorizontalHeaderLabels(list(head))
        for column, title in enumerate(head):
            self.table.horizontalHeaderItem(column).setToolTip(title)
        self.table.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def show_recipe(self, recipe: str, found: Sequence[Difference]) -> None:
        """What differs from a recipe."""
        name = f"recipe '{Path(recipe).stem}'" if recipe else "defaults"
        rows = [(one.label, *one.values) for one in found]
        some = f"{counted(len(rows), 'setting')} of this run {'differs' if len(rows) == 1 else 'differ'} from the {name}."
        self.show_rows(("Setting", "Recipe", "This run"), rows, f"All settings are those of the {name}.", some)


def end_of(path: Path) -> str | None:
    """The last lines of a text file, as a terminal would leave them; None if there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - CONSOLE_BYTES))
            content = file.read()
    except OSError:
        return None
    text = content.decode("utf-8", "replace").rstrip()
    return text if size <= CONSOLE_BYTES else text.partition("\n")[2]


def _named(words: str) -> str:
    """A note with figures by their names: "Macro F1 0.910" in place of "macro_f1 0.910"."""
    return _FIGURE.sub(lambda found: METRIC_NAMES[found[1]], words)
