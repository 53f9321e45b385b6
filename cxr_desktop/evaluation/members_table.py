"""The members of a bag as a table: each with its figures and intervals, then their mean and SD, then the whole."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPalette, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.evaluation import bag_words
from trainer.bag_results import BagEvaluation

_LINK = Qt.ItemDataRole.UserRole
_WORDS = 2
"""Columns of words, before those of figures."""


class MembersTable(QTableWidget):
    """As high as its rows are. Ctrl+C copies all of it, as a spreadsheet takes it."""

    chosen = Signal(int)
    """The number of a member whose name was clicked, or on whose row Enter was pressed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: BagEvaluation | None = None
        self.setAccessibleName("Members of the bag")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.setItemDelegate(_Look(self))
        self.clicked.connect(self._clicked)
        self.activated.connect(self._activated)
        QShortcut(QKeySequence.StandardKey.Copy, self, self.copy, context=Qt.ShortcutContext.WidgetShortcut)

    def show_bag(self, found: BagEvaluation) -> None:
        """Show another bag, part or level."""
        self._found = found
        header, rows = bag_words.header(found), bag_words.rows(found)
        self.clear()
        self.setColumnCount(len(header) - 1)
        sample = self.fontMetrics().horizontalAdvance("0.000 to 0.000") + 2 * theme.SPACE
        self.setHorizontalHeaderLabels([header[0], header[1], *(self._broken(name, sample) for name in header[3:])])
        self.setRowCount(len(rows))
        for place, (name, learned, images, *figures) in enumerate(rows):
            about = "\n".join(one for one in (learned, f"{images} images" if images else "") if one)
            self._fill(
                place,
                [name.removesuffix(bag_words.OVER), about, *(_two_lines(one) for one in figures)],
                last=place == len(rows) - 1,
            )
        for column in range(self.columnCount()):
            self.horizontalHeaderItem(column).setTextAlignment(_across(column))
        self.resizeRowsToContents()
        self._fit()

    def rows(self) -> list[tuple[str, ...]]:
        """What stands in it."""
        return [tuple(self.item(row, column).text() for column in range(self.columnCount())) for row in range(self.rowCount())]

    def copy(self) -> None:
        """Copy all of it, each row as one line."""
        if self._found is not None:
            lines = [bag_words.header(self._found), *bag_words.rows(self._found)]
            QGuiApplication.clipboard().setText("\n".join("\t".join(line) for line in lines))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Narrower, it may have a bar at its foot."""
        super().resizeEvent(event)
        self._fit()

    def _fill(self, row: int, texts: list[str], *, last: bool) -> None:
        is_member = self._found is not None and row < len(self._found.members)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip("Show this run." if is_member and not column else text.replace("\n", ", "))
            item.setTextAlignment(_across(column))
            font = item.font()
            font.setBold(last)
            item.setFont(font)
            item.setData(_LINK, is_member and not column)
            self.setItem(row, column, item)

    def _broken(self, name: str, wide: float) -> str:
        """The name of a figure, in two lines where it is wider than the figure."""
        return name if self.fontMetrics().horizontalAdvance(name) + theme.SPACE <= wide else name.replace(" ", "\n", 1)

    def _fit(self) -> None:
        """No figure is cut off: columns take what is left, or there is a bar at the foot."""
        head, columns = self.horizontalHeader(), range(self.columnCount())
        needed = sum(max(self.sizeHintForColumn(column), head.sectionSizeHint(column)) for column in columns)
        roomy = needed <= self.viewport().width()
        for column in columns:
            stretched = roomy and column >= _WORDS
            mode = QHeaderView.ResizeMode.Stretch if stretched else QHeaderView.ResizeMode.ResizeToContents
            head.setSectionResizeMode(column, mode)
        bar = 0 if roomy else self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(head.sizeHint().height() + self.verticalHeader().length() + 2 * self.frameWidth() + bar)

    def _clicked(self, index: QModelIndex) -> None:
        if index.column() == 0:
            self._activated(index)

    def _activated(self, index: QModelIndex) -> None:
        if self._found is not None and index.row() < len(self._found.members):
            self.chosen.emit(self._found.members[index.row()].number)


class _Look(QStyledItemDelegate):
    """Names of members are links, in the colour of the theme as it is now; all rows have some air."""

    def initStyleOption(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """What the cell is."""
        super().initStyleOption(option, index)
        if index.data(_LINK):
            option.font.setUnderline(True)
            option.palette.setColor(QPalette.ColorRole.Text, QColor(theme.colours().accent))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """Its text, and room around it."""
        return super().sizeHint(option, index) + QSize(2 * theme.SPACE, theme.SPACE)


def _across(column: int) -> Qt.AlignmentFlag:
    """Words to the left, figures to the right."""
    return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignLeft if column < _WORDS else Qt.AlignmentFlag.AlignRight)


def _two_lines(text: str) -> str:
    """ "0.712 (0.650 to 0.790)" as a figure and its interval below."""
    value, _, interval = text.partition(" (")
    return f"{value}\n{interval.removesuffix(')')}" if interval else value
