"""The parts of the Review page in their places: files at the left, image or table in the middle, what is known at the right."""

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.review.review_list import FILE, PROBABILITY, ReviewList
from cxr_desktop.widgets.file_list import FileList
from cxr_desktop.widgets.review_panel import ReviewPanel
from cxr_desktop.widgets.viewer import Viewer
from trainer.errors import counted


class ReviewDesk(QWidget):
    """All parts share one list of files, one order and one selection."""

    def __init__(self, files: ReviewList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.files = FileList(files)
        self.table = _table(files, self.files.selectionModel())
        self.viewer = Viewer()
        self._widened = False
        self._sorted_by = (-1, Qt.SortOrder.AscendingOrder)
        self.table.horizontalHeader().sectionClicked.connect(self._sort)
        self.panel = ReviewPanel()
        self.middle = QStackedWidget()
        self.middle.addWidget(self.viewer)
        self.middle.addWidget(self.table)
        self.count = theme.muted()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Predicted files")
        self.pause = QToolButton()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        for part, stretch in ((self._left(), 0), (self.middle, 1), (self.panel, 0)):
            self.splitter.addWidget(part)
            self.splitter.setStretchFactor(self.splitter.count() - 1, stretch)
        letter = self.fontMetrics().averageCharWidth()
        self.splitter.setSizes([32 * letter, 84 * letter, 48 * letter])
        self.panel.setMinimumWidth(32 * letter)
        self.middle.setMinimumWidth(40 * letter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.splitter)

    def _sort(self, column: int) -> None:
        """By a column; again turns it round. Figures begin with the largest."""
        header = self.table.horizontalHeader()
        first = Qt.SortOrder.DescendingOrder if column >= PROBABILITY else Qt.SortOrder.AscendingOrder
        other = Qt.SortOrder.AscendingOrder if column >= PROBABILITY else Qt.SortOrder.DescendingOrder
        again = self._sorted_by == (column, first)
        self._sorted_by = (column, other if again else first)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(*self._sorted_by)
        self.table.model().sort(*self._sorted_by)
        for view in (self.table, self.files):
            view.scrollTo(self.files.currentIndex())

    def show_table(self, table: bool) -> None:
        """Show the table of all predictions in place of the image."""
        if table and not self._widened:
            self._widened = True
            self.table.resizeColumnsToContents()
            widest = 28 * self.fontMetrics().averageCharWidth()
            self.table.setColumnWidth(FILE, min(self.table.columnWidth(FILE), widest))
        self.panel.setVisible(not table)
        self.middle.setCurrentWidget(self.table if table else self.viewer)

    def show_progress(self, done: int, refused: int, total: int, *, model: bool) -> None:
        """How many files have been predicted, in words and as a bar; `done` includes those that cannot be read."""
        words = counted(total, "image")
        if model and done < total:
            words = f"{done:,} of {total:,} predicted"
        if refused:
            words += f" · {refused:,} not readable"
        self.count.setText(words)
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)
        under_way = model and done < total
        self.progress.setVisible(under_way)
        self.pause.setVisible(under_way)

    def _left(self) -> QWidget:
        below = QHBoxLayout()
        below.addWidget(self.progress, 1)
        below.addWidget(self.pause)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self.files, 1)
        column.addWidget(self.count)
        column.addLayout(below)
        return left


class TopBar(QWidget):
    """The model, and buttons for the most used actions."""

    def __init__(self, choose: QAction, opening: list[QAction], table: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choose = choose
        self.model = QPushButton()
        self.model.setToolTip(choose.toolTip())
        self.model.clicked.connect(choose.trigger)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.model)
        row.addStretch(1)
        for action in (table, *opening):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            row.addWidget(button)
        self.show_model("No model", opening=False)

    def show_model(self, name: str, *, opening: bool) -> None:
        """Name the model; a long name is cut, and stands in the tooltip."""
        words = f"{'Opening' if opening else 'Model'}: {name}"
        room = 44 * self.fontMetrics().averageCharWidth()
        self.model.setText(self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room).replace("&", "&&"))
        self.model.setAccessibleName(words)
        self.model.setToolTip(f"{words}\n{self._choose.toolTip()} ({self._choose.shortcut().toString()})")


def _table(files: ReviewList, selection: QItemSelectionModel) -> QTableView:
    table = QTableView()
    table.setAccessibleName("All predictions")
    table.setModel(files)
    table.selectionModel().deleteLater()  # the one that Qt made; list and table share one
    table.setSelectionModel(selection)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setAlternatingRowColors(True)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.setSortingEnabled(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + theme.SPACE)
    header = table.horizontalHeader()
    header.setSectionsClickable(True)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setHighlightSections(False)
    header.setTextElideMode(Qt.TextElideMode.ElideRight)
    header.setResizeContentsPrecision(50)
    header.setMaximumSectionSize(60 * table.fontMetrics().averageCharWidth())
    return table
