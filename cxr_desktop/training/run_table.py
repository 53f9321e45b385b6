"""The project's runs as a Qt table: one row a run, in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from cxr_desktop.training import spans
from trainer import runs
from trainer.course import Summary, summary
from trainer.meanings import METRIC_NAMES

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
Stamp = tuple[int, int, bool]
Known = dict[str, tuple[Stamp, Summary]]
"""Folder -> how its history looked when its summary was made."""

ORDER = Role.UserRole + 1
"""Role of the value that a column is sorted by."""


@dataclass(frozen=True)
class Column:
    """What stands in a column, as text and as a value to sort by."""

    title: str
    help: str
    text: Callable[[Summary], str]
    order: Callable[[Summary], Any]


def _best(one: Summary) -> str:
    if one.best is None or one.best_epoch is None:
        return ""
    return f"{spans.three(one.best)} {METRIC_NAMES.get(one.metric, one.metric)} (epoch {one.best_epoch})"


COLUMNS = (
    Column(
        "Name", "The name of the run and of its folder; F2 changes it", lambda one: one.name, lambda one: one.name.casefold()
    ),
    Column("State", "How the run stands", lambda one: one.status.words, lambda one: one.status.words),
    Column("Best", "The figure that chose the epoch that is kept, on validation images", _best, lambda one: one.best or -1.0),
    Column(
        "Epochs",
        "Epochs done, of those that were planned",
        lambda one: f"{one.epochs} of {one.planned}" if one.planned else "",
        lambda one: one.epochs,
    ),
    Column("Recipe", "Where its settings started", lambda one: one.recipe, lambda one: one.recipe),
    Column(
        "Created",
        "When training began",
        lambda one: spans.moment(one.created) if one.created else "",
        lambda one: one.created or 0.0,
    ),
    Column("Device", "What it was trained on last", lambda one: one.device, lambda one: one.device),
    Column("Bag", "The bag or cross-validation that it belongs to", lambda one: one.bag, lambda one: (one.bag, one.name)),
)
NAME, CREATED = 0, 5
BEST, EPOCHS = COLUMNS[2:4]


class RunTable(QAbstractTableModel):
    """Rows are `Summary`; a name can be edited where `may_rename` allows, which is told by `wanted_name`."""

    def __init__(self, rename: Callable[[Summary, str], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rename = rename
        self.rows: list[Summary] = []

    def show(self, rows: Sequence[Summary]) -> None:
        """Replace the rows; where only their content is another, selection and scroll position stay."""
        if [row.folder for row in rows] == [row.folder for row in self.rows]:
            changed = [place for place, (old, new) in enumerate(zip(self.rows, rows, strict=True)) if old != new]
            self.rows = list(rows)
            for place in changed:
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's name and default
        """How many runs."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's name and default
        """How many columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401, N802
        """Titles, and what they mean."""
        if orientation == Qt.Orientation.Horizontal and role in (Role.DisplayRole, Role.ToolTipRole):
            column = COLUMNS[section]
            return column.title if role == Role.DisplayRole else column.help
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        """A cell."""
        if not index.isValid():
            return None
        one, column = self.rows[index.row()], COLUMNS[index.column()]
        if role in (Role.DisplayRole, Role.EditRole, Role.ToolTipRole):
            return column.text(one)
        return column.order(one) if role == ORDER else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The name can be edited."""
        found = super().flags(index)
        return found | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else found

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:  # noqa: ANN401, N802 - Qt's name
        """Rename."""
        name = str(value).strip()
        if role != Role.EditRole or not index.isValid() or name == self.rows[index.row()].name:
            return False
        return self._rename(self.rows[index.row()], name)


class SortedRuns(QSortFilterProxyModel):
    """The table in the order of a column."""

    def __init__(self, table: RunTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table = table
        self.setSourceModel(table)
        self.setSortRole(ORDER)

    def run(self, index: Index) -> Summary:
        """What stands in a row."""
        return self.table.rows[self.mapToSource(index).row()]

    def place(self, folder: Path) -> QModelIndex:
        """The row of a run; invalid if it is not there."""
        row = next((place for place, one in enumerate(self.table.rows) if one.folder == folder), -1)
        return self.mapFromSource(self.table.index(row, 0)) if row >= 0 else QModelIndex()


def read(project: Path, known: Known) -> Known:
    """Summaries of all runs of a project, oldest first; those whose history has not changed are taken from `known`."""
    found: Known = {}
    for run in runs.every(project):
        stamp = run.stamp()
        old = known.get(str(run.folder))
        found[str(run.folder)] = old if old and old[0] == stamp else (stamp, summary(run))
    return found
