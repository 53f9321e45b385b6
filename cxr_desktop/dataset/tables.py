"""Qt models over arrays of ids: the images that are shown, of which only those on the screen are read."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from cxr_desktop.dataset import captions
from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from trainer.errors import TrainerError
from trainer.records import Ids, Record

PAGE = 200
"""Images that are read at once; it takes 5 ms."""
KEPT = 40
"""Pages that are kept."""
AT_ONCE, WAITING = 2, 4
"""Pages that are being read, and pages that may wait for it; those that wait longest were scrolled past."""
RUNS = 2_000
"""A selection of more separate stretches than that is given up when the order changes."""

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


@dataclass(frozen=True)
class Column:
    """A column of the table: what stands in it, and by which order of `Catalog.ids` it can be sorted ("": by none)."""

    name: str
    text: Callable[[Record, str], str]
    order: str = ""
    hidden: bool = False


COLUMNS = (
    Column("File", lambda record, _: record.path.name, "path"),
    Column("Findings", lambda record, _: captions.findings(record.labels)),
    Column("Patient", lambda record, _: record.patient, "patient"),
    Column("Part", lambda _, part: part),
    Column("View", lambda record, _: record.view, "view"),
    Column("Sex", lambda record, _: record.sex, "sex"),
    Column("Age", lambda record, _: captions.age(record), "age"),
    Column("Marks", lambda record, _: ", ".join(captions.marks(record))),
    Column("Source", lambda record, _: record.source, "source"),
    Column("Size", lambda record, _: captions.pixels(record), hidden=True),
    Column("Study", lambda record, _: record.study, hidden=True),
    Column("Folder", lambda record, _: str(record.path.parent), hidden=True),
)
_RIGHT = {"Age", "Size"}


class ImagesModel(QAbstractTableModel):
    """Rows are images, in the order of `ids`. What is not read yet is empty and follows by `dataChanged`."""

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.ids: Ids = np.empty(0, dtype=np.int64)
        self._pages: OrderedDict[int, list[tuple[Record, str]]] = OrderedDict()
        self._stale: set[int] = set()
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._jobs: dict[int, Job] = {}
        self.pages_read = 0

    # The images

    def show_ids(self, ids: Ids) -> None:
        """Show other images, or the same in another order."""
        self.beginResetModel()
        self.ids = ids
        self._drop()
        self.endResetModel()

    def read_again(self) -> None:
        """Something about the images changed: what is shown stays until it is read anew."""
        self._cancel()
        self._stale = set(self._pages)
        if len(self.ids):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.ids) - 1, len(COLUMNS) - 1))

    def record(self, row: int) -> Record | None:
        """The image of a row, or None as long as it is being read."""
        found = self._row(row)
        return found[0] if found else None

    def rows_of(self, ids: Ids) -> Ids:
        """Rows of those of `ids` that are shown, ascending."""
        return np.flatnonzero(np.isin(self.ids, ids, kind="table"))

    def ids_in(self, selection: QItemSelection) -> Ids:
        """Images of a selection, int64 [n], in the order of the rows; its ranges are read, never its single indexes."""
        chosen = np.zeros(len(self.ids), dtype=np.bool_)
        for part in selection:
            chosen[part.top() : part.bottom() + 1] = True
        return self.ids[chosen]

    def selection_of(self, rows: Ids) -> QItemSelection:
        """A selection of some rows (ascending); empty if they stand too scattered to be kept."""
        selection = QItemSelection()
        ends = np.flatnonzero(np.diff(rows) != 1)
        if len(rows) and len(ends) < RUNS:
            firsts, lasts = rows[np.concatenate([[0], ends + 1])], rows[np.concatenate([ends, [len(rows) - 1]])]
            for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
                selection.append(QItemSelectionRange(self.index(first, 0), self.index(last, len(COLUMNS) - 1)))
        return selection

    # What Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name; an invalid index
        """How many images."""
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name; an invalid index
        """How many columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: N802, ANN401
        """Name of a column; number of a row from 1."""
        if orientation == Qt.Orientation.Vertical:
            return section + 1 if role == Role.DisplayRole else None
        if role == Role.DisplayRole:
            return COLUMNS[section].name
        if role == Role.ToolTipRole:
            return f"Click to sort by {COLUMNS[section].name.lower()}" if COLUMNS[section].order else None
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401 - whatever a role stands for
        """Text of a cell, all about the image as a tooltip, and for screen readers what is in the row."""
        if role == Role.TextAlignmentRole and COLUMNS[index.column()].name in _RIGHT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role not in (Role.DisplayRole, Role.ToolTipRole, Role.AccessibleTextRole) or not index.isValid():
            return None
        found = self._row(index.row())
        if found is None:
            return "…" if role == Role.DisplayRole and index.column() == 0 else None
        if role == Role.DisplayRole:
            return COLUMNS[index.column()].text(*found)
        return captions.everything(*found)

    # Reading

    def _row(self, row: int) -> tuple[Record, str] | None:
        if not 0 <= row < len(self.ids):
            return None
        number, place = divmod(row, PAGE)
        page = self._pages.get(number)
        if page is None or number in self._stale:
            self._want(number)
        if page is None or place >= len(page):
            return None
        if number != next(reversed(self._pages)):
            self._pages.move_to_end(number)
        return page[place]

    def _want(self, number: int) -> None:
        if number in self._jobs or not self._project.is_open:
            return
        self._waiting[number] = None
        self._waiting.move_to_end(number)
        while len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        self._start()

    def _start(self) -> None:
        while self._waiting and len(self._jobs) < AT_ONCE and self._project.is_open:
            self._read(self._waiting.popitem()[0])

    def _read(self, number: int) -> None:
        # Not the background's connection: a page must not wait for a question about all images.
        catalog, ids = self._project.catalog, self.ids[number * PAGE : (number + 1) * PAGE]
        self._stale.discard(number)
        job = self._project.run(
            lambda _: list(zip(catalog.records(ids), catalog.parts(ids), strict=True)),
            lambda rows: self._arrived(number, rows),
            lambda error: self._refused(number, error),
            owner=self,
        )
        self._jobs[number] = job
        job.ended.connect(lambda: self._ended(number, job))

    def _arrived(self, number: int, rows: list[tuple[Record, str]]) -> None:
        self._pages[number] = rows
        self._pages.move_to_end(number)
        self.pages_read += 1
        while len(self._pages) > KEPT:
            self._stale.discard(self._pages.popitem(last=False)[0])
        first = number * PAGE
        self.dataChanged.emit(self.index(first, 0), self.index(first + len(rows) - 1, len(COLUMNS) - 1))

    def _refused(self, number: int, error: TrainerError) -> None:
        self._pages[number] = []  # said once, not at every repaint
        self._project.tell(error)

    def _ended(self, number: int, job: Job) -> None:
        if self._jobs.get(number) is job:
            del self._jobs[number]
            if not job.cancelled:
                self._start()

    def _cancel(self) -> None:
        jobs, self._jobs = list(self._jobs.values()), {}
        self._waiting.clear()
        for job in jobs:
            job.cancel()

    def _drop(self) -> None:
        self._cancel()
        self._pages.clear()
        self._stale.clear()
