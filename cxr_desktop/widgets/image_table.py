"""Images as a table, as many as there are."""

from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from cxr_desktop.dataset.tables import COLUMNS

WIDTHS = {"File": 24, "Findings": 24, "Patient": 14, "Part": 11, "View": 8, "Sex": 6, "Age": 6, "Marks": 16, "Source": 18}
"""Characters that a column has room for at first; others: 16."""


class ImageTable(QTableView):
    """Shows an `ImagesModel`; the selection model may be shared with a grid."""

    sort_wanted = Signal(str)
    """An order of `Catalog.ids` whose column was clicked."""
    opened = Signal()
    """The current image was asked for by a double click or Enter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._order = "path"
        self.setAccessibleName("Images")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setCornerButtonEnabled(False)
        lines = self.verticalHeader()
        lines.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        lines.setDefaultSectionSize(self.fontMetrics().height() + 8)
        lines.hide()
        self.doubleClicked.connect(lambda _: self.opened.emit())
        self._set_up_header()

    def _set_up_header(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setSortIndicatorShown(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._choose_columns)
        header.sectionClicked.connect(self._clicked)

    def setModel(self, model: QAbstractItemModel) -> None:  # noqa: N802 - Qt's name
        """Show a model; the columns get their first widths."""
        super().setModel(model)
        character = self.fontMetrics().averageCharWidth()
        for place, column in enumerate(COLUMNS):
            self.setColumnWidth(place, WIDTHS.get(column.name, 16) * character + 16)
            self.setColumnHidden(place, column.hidden)

    def setSelectionModel(self, selection: QItemSelectionModel) -> None:  # noqa: N802 - Qt's name
        """Share a selection. The headers get an empty one: they would ask for every row whether it is selected."""
        super().setSelectionModel(selection)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSelectionModel(QItemSelectionModel(self.model(), header))

    def show_order(self, order: str) -> None:
        """Show in the header by what the images are sorted."""
        self._order = order
        key = order.removeprefix("-")
        place = next((place for place, column in enumerate(COLUMNS) if column.order == key), -1)
        down = Qt.SortOrder.DescendingOrder if order.startswith("-") else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(place, down)

    def columns_menu(self, parent: QWidget) -> QMenu:
        """A menu with a checkable entry for each column; the first column stays."""
        menu = QMenu("&Columns", parent)
        menu.aboutToShow.connect(lambda: self._fill(menu))
        return menu

    def keyboardSearch(self, search: str) -> None:  # noqa: N802 - Qt's name
        """Typing does not search: it would read every image. There is a text filter for that."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter opens the current image."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.opened.emit()
            return
        super().keyPressEvent(event)

    def _clicked(self, place: int) -> None:
        header, key = self.horizontalHeader(), COLUMNS[place].order
        if not key:  # Qt has moved the sign already
            self.show_order(self._order)
        else:
            self.sort_wanted.emit(f"-{key}" if header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder else key)

    def _choose_columns(self, point: QPoint) -> None:
        menu = self.columns_menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.horizontalHeader().mapToGlobal(point))

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        for place, column in enumerate(COLUMNS):
            action = menu.addAction(column.name)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(place))
            action.setEnabled(place > 0)
            action.toggled.connect(lambda shown, place=place: self.setColumnHidden(place, not shown))
