"""The images as a grid and as a table, over one model and one selection."""

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QStackedWidget, QWidget

from cxr_desktop.dataset.shown_images import NOTHING, ShownImages
from cxr_desktop.dataset.tables import ImagesModel
from cxr_desktop.dataset.thumbnails import Thumbnails
from cxr_desktop.project import Project
from cxr_desktop.widgets.empty_state import EmptyState
from cxr_desktop.widgets.image_grid import ImageGrid
from cxr_desktop.widgets.image_table import ImageTable
from trainer.records import Filter, Ids, Record

PAUSE = 60
"""Milliseconds that a selection must stand before it is shown elsewhere: an arrow key that is held does not stutter."""
Flag = QItemSelectionModel.SelectionFlag


class ImageViews(QStackedWidget):
    """Grid, table, or why there is nothing to show."""

    chosen = Signal(object)
    """Ids of the selected images, int64 [n], in the order of the rows."""
    opened = Signal()
    """The current image was asked for by a double click or Enter."""
    home_wanted = Signal()
    import_wanted = Signal()

    def __init__(self, project: Project, shown: ShownImages, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project, self._shown = project, shown
        self.model = ImagesModel(project, self)
        self.thumbnails = Thumbnails(project, self)
        self.selection = QItemSelectionModel(self.model, self)
        self.grid, self.table = ImageGrid(self.thumbnails), ImageTable()
        self._view: QAbstractItemView = self.grid
        self._choice = shown.choice
        self._ids: Ids = NOTHING
        for view in (self.grid, self.table):
            view.setModel(self.model)
            view.setSelectionModel(self.selection)
            view.opened.connect(self.opened)
            self.addWidget(view)
        self._add_empty_states()
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self._tell)
        self.selection.selectionChanged.connect(lambda *_: self._pause.start())
        shown.found.connect(self._show_found)
        project.images_changed.connect(self.model.read_again)
        project.splits_changed.connect(self.model.read_again)
        self._show_found()

    def _add_empty_states(self) -> None:
        self.closed = EmptyState(
            "No project is open", "A project holds the images, their findings and the runs.", "Open or make a project",
            self.home_wanted.emit,
        )  # fmt: skip
        self.bare = EmptyState(
            "This project has no images yet", "Import a folder of radiographs, or a table that lists them.",
            "Import images…", self.import_wanted.emit,
        )  # fmt: skip
        self.unmatched = EmptyState(
            "No image matches", "No image meets all conditions of the filter.", "Clear filters", self._shown.clear
        )
        self.left_out = EmptyState(
            "All images are excluded", "They are left out of everything, but nothing is deleted.", "Show excluded images",
            self._show_excluded,
        )  # fmt: skip
        for state in (self.closed, self.bare, self.unmatched, self.left_out):
            self.addWidget(state)

    # What is selected

    def ids(self) -> Ids:
        """The selected images, int64 [n]."""
        return self.model.ids_in(self.selection.selection())

    def current(self) -> Record | None:
        """The image that the keyboard acts on, where it is read already."""
        row = self.selection.currentIndex().row()
        return self.model.record(row) if row >= 0 else None

    def select_all(self) -> None:
        """Select everything that is shown."""
        self._view.selectAll()

    def _tell(self) -> None:
        self._ids = self.ids()
        self.chosen.emit(self._ids)

    # How they are shown

    @property
    def is_table(self) -> bool:
        """Whether the table is chosen."""
        return self._view is self.table

    def show_as(self, *, table: bool) -> None:
        """Show the table or the grid; what stood in the middle of interest stays on the screen."""
        focus = self._view.hasFocus()
        self._view = self.table if table else self.grid
        self._show_state()
        current = self.selection.currentIndex()
        if current.isValid():
            self._view.scrollTo(current)
        if focus:
            self._view.setFocus()

    def focus_view(self) -> None:
        """Let the keyboard act on the images."""
        self._view.setFocus()

    # What was found

    def _show_found(self) -> None:
        before, self._choice = self._choice, self._shown.choice
        if np.array_equal(self._shown.ids, self.model.ids):
            self.model.read_again()
        elif before is self._choice:
            self._replace_in_place(self._shown.ids)
        else:
            self._replace(self._shown.ids, find_current=before.order == self._choice.order)
        self._show_state()

    def _replace(self, ids: Ids, *, find_current: bool) -> None:
        """Show other images from the top; those that were selected and are still there stay selected."""
        selected, current = self.ids(), self._current_id()
        self.model.show_ids(ids)
        self._select(self.model.rows_of(selected), self.model.rows_of(current))
        for view in (self.grid, self.table):
            view.updateGeometries()
            view.verticalScrollBar().setValue(0)
        if find_current and self.selection.currentIndex().isValid():
            self._view.scrollTo(self.selection.currentIndex())

    def _replace_in_place(self, ids: Ids) -> None:
        """The same question has another answer: what is on the screen stays, and where all that was selected went away, the
        next image is selected."""
        selected, current, row = self.ids(), self._current_id(), self.selection.currentIndex().row()
        places = [view.verticalScrollBar().value() for view in (self.grid, self.table)]
        self.model.show_ids(ids)
        rows, place = self.model.rows_of(selected), self.model.rows_of(current)
        if len(selected) and not len(rows) and len(ids):
            rows = place = np.array([min(max(row, 0), len(ids) - 1)])
        self._select(rows, place)
        for view, value in zip((self.grid, self.table), places, strict=True):
            view.updateGeometries()
            view.verticalScrollBar().setValue(value)

    def _current_id(self) -> Ids:
        row = self.selection.currentIndex().row()
        return self.model.ids[row : row + 1] if row >= 0 else NOTHING

    def _select(self, rows: Ids, current: Ids) -> None:
        if len(current):
            self.selection.setCurrentIndex(self.model.index(int(current[0]), 0), Flag.NoUpdate)
        self.selection.select(self.model.selection_of(rows), Flag.Select)
        self._pause.start()

    def _show_state(self) -> None:
        if not self._project.is_open:
            self.setCurrentWidget(self.closed)
        elif len(self._shown.ids) or not self._shown.known:
            self.setCurrentWidget(self._view)
        elif not self._shown.total:
            self.setCurrentWidget(self.bare)
        else:
            self.setCurrentWidget(self.unmatched if self._shown.choice.narrows else self.left_out)

    def _show_excluded(self) -> None:
        self._shown.filter(Filter(excluded=True))
