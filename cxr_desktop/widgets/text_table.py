"""A table of text to look at, to copy and to save: any number of rows."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from cxr_desktop import theme

_Index = QModelIndex | QPersistentModelIndex
SAMPLE = 200
"""Rows that the widths of columns are made for."""


class TextRows(QAbstractTableModel):
    """Rows of text, all of the same length."""

    def __init__(self, header: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = tuple(header)
        self.rows: Sequence[Sequence[str]] = ()

    def replace(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show others."""
        self.beginResetModel()
        self.header, self.rows = tuple(header), rows
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name and signature
        """How many rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name and signature
        """How many columns."""
        return 0 if parent.isValid() else len(self.header)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 - Qt's own
        """Text and tooltip; numbers stand to the right."""
        text = self.rows[index.row()][index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return text
        if role == Qt.ItemDataRole.TextAlignmentRole and _is_number(text):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 - Qt's own
        """Names of the columns, to the right above numbers."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and self.rows and _is_number(self.rows[0][section]):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return self.header[section] if role == Qt.ItemDataRole.DisplayRole else None


def _is_number(text: str) -> bool:
    """A number, perhaps with how it has changed: "1,200 (+40)"."""
    return text.split(" (")[0].replace(",", "").replace(".", "").removesuffix("%").isdigit()


class TextTable(QTableView):
    """Whole rows are chosen; Ctrl+C copies them (all, if none is chosen). `stretch` is the column that takes what is left."""

    def __init__(self, header: Sequence[str], name: str, parent: QWidget | None = None, *, stretch: int = 0) -> None:
        super().__init__(parent)
        self._rows = TextRows(header, self)
        self._stretch = stretch
        self._wanted: list[int] = []
        self.setModel(self._rows)
        self.setAccessibleName(name)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + theme.SPACE)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        QShortcut(QKeySequence.StandardKey.Copy, self, self.copy, context=Qt.ShortcutContext.WidgetShortcut)
        self._fit()

    def set_rows(self, rows: Sequence[Sequence[str]], header: Sequence[str] | None = None) -> None:
        """Show these, with other columns if they are given."""
        self._rows.replace(header or self._rows.header, rows)
        self._fit()

    def rows(self) -> list[tuple[str, ...]]:
        """All rows."""
        return [tuple(row) for row in self._rows.rows]

    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._rows.header

    def copy(self) -> None:
        """Copy the chosen rows, or all, with the names of the columns, as a spreadsheet takes them."""
        chosen = [index.row() for index in self.selectionModel().selectedRows()] or range(len(self._rows.rows))
        lines = [self._rows.header, *(self._rows.rows[row] for row in sorted(chosen))]
        QGuiApplication.clipboard().setText("\n".join("\t".join(line) for line in lines))

    def as_csv(self) -> str:
        """All rows as a table with commas."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self._rows.header)
        writer.writerows(self._rows.rows)
        return out.getvalue()

    def shrink(self) -> None:
        """Be as high as the rows are, and no higher."""
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head, each = self.horizontalHeader().sizeHint().height(), self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(head + each * len(self._rows.rows) + 2 * self.frameWidth())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width has, or has no, room that is left."""
        super().resizeEvent(event)
        self._share_out()

    def _fit(self) -> None:
        """As wide as the words of the first rows, at most a third of the table each."""
        metrics, self._wanted = self.fontMetrics(), []
        for column, name in enumerate(self._rows.header):
            words = [row[column] for row in self._rows.rows[:SAMPLE]]
            wanted = max([metrics.horizontalAdvance(text) for text in (*words, name)]) + 3 * theme.SPACE
            self._wanted.append(min(wanted, metrics.averageCharWidth() * 40))
        head = self.horizontalHeader()
        for column, width in enumerate(self._wanted):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            head.resizeSection(column, width)
        self._share_out()

    def _share_out(self) -> None:
        """One column takes what is left; where nothing is, it keeps its width and the table scrolls."""
        if not 0 <= self._stretch < len(self._wanted):
            return
        head = self.horizontalHeader()
        roomy = sum(self._wanted) <= self.viewport().width()
        mode = QHeaderView.ResizeMode.Stretch if roomy else QHeaderView.ResizeMode.Interactive
        if head.sectionResizeMode(self._stretch) != mode:
            head.setSectionResizeMode(self._stretch, mode)
            if not roomy:
                head.resizeSection(self._stretch, self._wanted[self._stretch])
