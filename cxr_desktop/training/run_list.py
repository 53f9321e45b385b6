"""The list of runs: always as the folder has it, with what can be done with those that are chosen."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QVBoxLayout, QWidget

from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from cxr_desktop.training import run_table
from cxr_desktop.training.run_table import CREATED, NAME, Known, RunTable, SortedRuns
from trainer import runs
from trainer.course import Summary
from trainer.errors import TrainerError
from trainer.runs import Run

CALM = 150
"""Milliseconds in which several changes are read as one."""


class RunList(QWidget):
    """A table that sorts, renames (F2) and tells what is chosen; actions are added by whoever offers them."""

    chosen = Signal(object)
    """The list of `Summary` that is selected now, or stands otherwise than before."""
    listed = Signal(int)
    """How many runs there are, as they are read."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._known: Known = {}
        self._job: Job | None = None
        self._again = False
        self._wanted: Path | None = None
        self.table = RunTable(self._rename, self)
        self.sorted = SortedRuns(self.table, self)
        self.view = QTableView()
        self._timer = QTimer(self, singleShot=True, interval=CALM)
        self._timer.timeout.connect(self.read)
        self._lay_out()
        self._restore()
        project.runs_changed.connect(self._soon)
        project.opened.connect(self._forget)
        project.closed.connect(self._forget)
        self.read()

    def read(self) -> None:
        """Read the runs anew; one reading at a time, and none that takes away a name that is being typed."""
        if self.view.state() == QAbstractItemView.State.EditingState:
            self._timer.start()
        elif self._job is not None:
            self._again = True
        elif self._project.is_open:
            folder, known = self._project.folder, dict(self._known)
            self._job = job = self._project.run(lambda progress: run_table.read(folder, known), self._show, owner=self)
            job.ended.connect(self._read_on)
        else:
            self._show({})

    def select(self, folder: Path) -> None:
        """Choose a run, now or as soon as it is there."""
        self._wanted = folder
        index = self.sorted.place(folder)
        if index.isValid():
            self._wanted = None
            self._choose(index)
            self.view.scrollTo(index)

    def give_up(self) -> None:
        """The run that was waited for will not be there: choose another."""
        self._wanted = None
        self.read()

    def select_all(self, folders: Sequence[Path]) -> None:
        """Choose several runs."""
        rows = QItemSelection()
        for folder in folders:
            index = self.sorted.place(folder)
            if index.isValid():
                rows.select(index, index)
        how = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.view.selectionModel().select(rows, how)

    def _choose(self, index: QModelIndex) -> None:
        """Choose this run alone. Not by `selectRow`: with Ctrl held down it would add to what is chosen, or take away."""
        how = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.view.selectionModel().setCurrentIndex(index, how)

    def selected(self) -> list[Summary]:
        """The chosen runs, in the order of the table."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self.sorted.run(self.sorted.index(row, 0)) for row in rows]

    def all(self) -> list[Summary]:
        """All runs, oldest first."""
        return list(self.table.rows)

    def begin_rename(self) -> None:
        """Edit the name of the chosen run."""
        rows = self.view.selectionModel().selectedRows()
        if len(rows) == 1:
            self.view.setCurrentIndex(rows[0])
            self.view.edit(self.sorted.index(rows[0].row(), NAME))

    def set_menu(self, actions: Sequence[QAction | None]) -> None:
        """What the context menu offers; None is a separator."""
        self._actions = list(actions)

    def _lay_out(self) -> None:
        self._actions: list[QAction | None] = []
        view = self.view
        view.setModel(self.sorted)
        view.setAccessibleName("Runs")
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setAlternatingRowColors(True)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setSortingEnabled(True)
        view.sortByColumn(CREATED, Qt.SortOrder.DescendingOrder)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 8)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        letter = view.fontMetrics().averageCharWidth()
        for column, letters in enumerate((18, 26, 28, 10, 10, 21, 18, 14)):
            header.resizeSection(column, letters * letter)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu)
        view.selectionModel().selectionChanged.connect(self._tell)
        self.sorted.dataChanged.connect(self._tell)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(view)

    def _restore(self) -> None:
        header = self.view.horizontalHeader()
        state = self._project.settings.state("training/runs")
        if not state.isEmpty():
            header.restoreState(state)
        for changed in (header.sectionResized, header.sortIndicatorChanged):
            changed.connect(self._save)

    def _save(self) -> None:
        self._project.settings.set_state("training/runs", self.view.horizontalHeader().saveState())

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _forget(self) -> None:
        """Another project, or none."""
        self._known, self._wanted = {}, None
        self.table.show([])
        self._soon()

    def _read_on(self) -> None:
        self._job = None
        if self._again:
            self._again = False
            self._soon()

    def _show(self, known: Known) -> None:
        folders = [one.folder for one in self.selected()]
        self._known = known
        self.table.show([one for _, one in known.values()])
        if not self.selected() and folders:
            self.select_all(folders)
        self.listed.emit(len(known))
        if self._wanted:
            self.select(self._wanted)
        elif known and not self.selected():
            self._choose(self.sorted.index(0, 0))
        if not known:
            self.chosen.emit([])

    def _tell(self) -> None:
        self.chosen.emit(self.selected())

    def _rename(self, one: Summary, name: str) -> bool:
        """Rename at once: moving a folder within its disk takes no time."""
        try:
            moved = runs.rename(Run(one.folder), name)
        except TrainerError as error:
            self._project.tell(error)
            return False
        self._wanted = moved.folder
        self._project.runs_changed.emit()
        return True

    def context_menu(self) -> QMenu:
        """The actions, for the runs that are chosen."""
        menu = QMenu(self)
        for action in self._actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _menu(self, place: QPoint) -> None:
        if self.view.indexAt(place).isValid() and self._actions:
            self.context_menu().popup(self.view.viewport().mapToGlobal(place))
