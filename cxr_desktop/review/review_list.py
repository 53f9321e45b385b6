"""The files under review and what the model said of each, as a Qt table: one order and one selection for list and table.

Columns: file, state, top finding, probability, then one per finding and, for an ensemble, the spread of each.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QImage

from trainer import verdicts
from trainer.verdicts import FilePrediction

FILE, STATE, TOP, PROBABILITY, FIRST_FINDING = range(5)
WAITING, SEEN, DONE, REFUSED = "waiting", "no model", "done", "not readable"
THUMBNAILS = 2_000
"""How many small pictures are kept; each is about 9 kB."""
SCATTERED = 20
"""More gaps than this in what is removed, and views read everything again rather than gap by gap."""
ABOVE = "▲"
_HEADS = ("File", "State", "Top finding", "Probability")
_HINTS = (
    "The file's name; the whole path stands in its tooltip.",
    "Whether the file has been predicted, or why it cannot be read.",
    "The finding with the highest probability.",
    "The probability of the top finding.",
)
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


@dataclass(frozen=True)
class Answers:
    """What answers are given in: the findings of the model, its thresholds (0..1), its task, and whether a spread is known."""

    findings: tuple[str, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
    spread: bool = False
    task: str = "multi-class"


@dataclass(eq=False)
class Entry:
    """One file. `said` is None as long as it waits."""

    path: Path
    said: FilePrediction | None = None

    def top(self) -> int:
        """Number of the most probable finding; -1 where there is none."""
        return int(self.said.probabilities.argmax()) if self.said and self.said.probabilities.size else -1


class ReviewList(QAbstractTableModel):
    """Files in the order in which they are shown; a file stands in it once."""

    counted = Signal()
    """How many files there are, or how many of them are done, has changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kind = Answers()
        self._entries: list[Entry] = []
        self._rows: dict[Path, int] = {}
        self._waiting: dict[Path, None] = {}
        self._refused = 0
        self._thumbnails: OrderedDict[Path, QImage] = OrderedDict()

    # Reading

    @property
    def paths(self) -> list[Path]:
        """The files in their order."""
        return [entry.path for entry in self._entries]

    @property
    def waiting(self) -> dict[Path, None]:
        """The files that no answer is known for, in the order in which they came (the keys)."""
        return self._waiting

    def row(self, path: Path) -> int:
        """Where a file stands; -1 if it does not."""
        return self._rows.get(path, -1)

    def path(self, row: int) -> Path:
        """The file of a row."""
        return self._entries[row].path

    def said(self, path: Path) -> FilePrediction | None:
        """What was said of a file; None as long as nothing was."""
        row = self.row(path)
        return self._entries[row].said if row >= 0 else None

    def answered(self) -> list[FilePrediction]:
        """All answers so far, in the order of the files; refusals too."""
        return [entry.said for entry in self._entries if entry.said is not None]

    def thumbnail(self, path: Path) -> QImage | None:
        """A small picture of a file, if it has been made and is still kept."""
        return self._thumbnails.get(path)

    def tally(self) -> tuple[int, int, int]:
        """Files that need no more work, those among them that cannot be read, and all."""
        return len(self._entries) - len(self._waiting), self._refused, len(self._entries)

    def state(self, row: int) -> str:
        """`WAITING`, `SEEN`, `DONE` or `REFUSED`."""
        said = self._entries[row].said
        if said is None:
            return WAITING if self.kind.findings else SEEN
        return REFUSED if said.error else DONE

    # Changing

    def add(self, paths: Iterable[Path]) -> int:
        """Put new files at the end; returns how many were new."""
        new = [path for path in dict.fromkeys(paths) if path not in self._rows]
        if new:
            start = len(self._entries)
            self.beginInsertRows(_NOWHERE, start, start + len(new) - 1)
            self._entries += [Entry(path) for path in new]
            self._rows.update({path: start + n for n, path in enumerate(new)})
            self._waiting.update(dict.fromkeys(new))
            self.endInsertRows()
            self.counted.emit()
        return len(new)

    def remove(self, rows: Iterable[int]) -> None:
        """Take files out of the list; the files themselves stay where they are."""
        runs = list(_runs(sorted(set(rows), reverse=True)))
        if len(runs) > SCATTERED:
            self.beginResetModel()
            for first, last in runs:
                self._forget(first, last)
            self._number()
            self.endResetModel()
        else:
            for first, last in runs:
                self.beginRemoveRows(_NOWHERE, first, last)
                self._forget(first, last)
                self._number()
                self.endRemoveRows()
        self.counted.emit()

    def clear(self) -> None:
        """Take all out."""
        self.beginResetModel()
        self._entries, self._rows, self._waiting, self._refused = [], {}, {}, 0
        self._thumbnails.clear()
        self.endResetModel()
        self.counted.emit()

    def ask_for(self, kind: Answers) -> None:
        """Another model: all answers are forgotten, but not which files cannot be read."""
        self.beginResetModel()
        self.kind = kind
        for entry in self._entries:
            if entry.said is None or not entry.said.error:
                entry.said = None
                self._waiting[entry.path] = None
        self.endResetModel()
        self.counted.emit()

    def judge_by(self, thresholds: dict[str, float]) -> None:
        """Other thresholds for the same answers."""
        self.kind = replace(self.kind, thresholds=thresholds)
        if self._entries:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._entries) - 1, self.columnCount() - 1))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.columnCount() - 1)

    def answer(self, said: FilePrediction) -> None:
        """Note what was said of a file; of one that is not in the list any more nothing is noted."""
        row = self.row(said.path)
        if row >= 0:
            before, self._entries[row].said = self._entries[row].said, said
            self._refused += bool(said.error) - bool(before and before.error)
            self._waiting.pop(said.path, None)
            self._changed(row)
            self.counted.emit()

    def keep_thumbnail(self, path: Path, picture: QImage) -> None:
        """Note the small picture of a file."""
        row = self.row(path)
        if row >= 0:
            self._thumbnails[path] = picture
            self._thumbnails.move_to_end(path)
            while len(self._thumbnails) > THUMBNAILS:
                self._thumbnails.popitem(last=False)
            self._changed(row)

    # As a Qt model

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Files."""
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Columns."""
        findings = len(self.kind.findings)
        return 0 if parent.isValid() else FIRST_FINDING + findings * (2 if self.kind.spread else 1)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401, N802
        """Names of the columns, and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section] if section < FIRST_FINDING else self._finding_head(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _HINTS[section] if section < FIRST_FINDING else self._finding_hint(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        """What a cell shows."""
        if not index.isValid():
            return None
        entry, column = self._entries[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index.row(), column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._hint(entry, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column >= PROBABILITY:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole and column >= FIRST_FINDING and self._is_above(entry, column):
            return _bold()
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the files by a column; what is not known stands last in either direction."""
        keys = [self._key(row, column) for row in range(len(self._entries))]
        known = [row for row, key in enumerate(keys) if key is not None]
        known.sort(key=keys.__getitem__, reverse=order == Qt.SortOrder.DescendingOrder)
        places = known + [row for row, key in enumerate(keys) if key is None]
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        self._entries = [self._entries[row] for row in places]
        self._number()
        to = {row: place for place, row in enumerate(places)}
        self.changePersistentIndexList(before, [self.index(to[one.row()], one.column()) for one in before])
        self.layoutChanged.emit()

    # Inside

    def _forget(self, first: int, last: int) -> None:
        for entry in self._entries[first : last + 1]:
            self._waiting.pop(entry.path, None)
            self._refused -= bool(entry.said and entry.said.error)
            self._thumbnails.pop(entry.path, None)
        del self._entries[first : last + 1]

    def _number(self) -> None:
        self._rows = {entry.path: row for row, entry in enumerate(self._entries)}

    def _changed(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, self.columnCount() - 1))

    def _place(self, column: int) -> tuple[int, bool]:
        """Number of a column's finding, and whether it shows the spread."""
        place = column - FIRST_FINDING
        findings = len(self.kind.findings)
        return place % findings, place >= findings

    def _finding_head(self, column: int) -> str:
        place, spread = self._place(column)
        return f"{self.kind.findings[place]}{' (SD)' if spread else ''}"

    def _finding_hint(self, column: int) -> str:
        place, spread = self._place(column)
        name = self.kind.findings[place]
        if spread:
            return f"Standard deviation of the probability of {name} over the models."
        if name not in self.kind.thresholds:
            return f"Probability of {name}; no threshold has been chosen yet."
        return f"Probability of {name}; {ABOVE} is at least its threshold of {self.kind.thresholds[name]:.3f}."

    def _figure(self, entry: Entry, column: int) -> float | None:
        if entry.top() < 0 or entry.said is None:
            return None
        if column == PROBABILITY:
            return float(entry.said.probabilities[entry.top()])
        place, spread = self._place(column)
        return float((entry.said.spread if spread else entry.said.probabilities)[place])

    def _is_above(self, entry: Entry, column: int) -> bool:
        place, spread = self._place(column)
        figure = None if spread else self._figure(entry, column)
        name = self.kind.findings[place]
        return figure is not None and bool(verdicts.reaches(figure, self.kind.thresholds.get(name)))

    def _text(self, row: int, column: int) -> str:
        entry = self._entries[row]
        if column == FILE:
            return entry.path.name
        if column == STATE:
            return self.state(row)
        if column == TOP:
            return self.kind.findings[entry.top()] if entry.top() >= 0 else ""
        figure = self._figure(entry, column)
        if figure is None:
            return ""
        marked = column >= FIRST_FINDING and self._is_above(entry, column)
        return f"{ABOVE} {figure:.3f}" if marked else f"{figure:.3f}"

    def _hint(self, entry: Entry, column: int) -> str:
        error = entry.said.error if entry.said else ""
        if column == FILE:
            return f"{entry.path}\n{error}".strip()
        return error if column == STATE else ""

    def _key(self, row: int, column: int) -> Any:  # noqa: ANN401 - whatever this column is ordered by
        if column >= PROBABILITY:
            return self._figure(self._entries[row], column)
        return self._text(row, column).casefold() or None


def _runs(descending: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rows in falling order -> (first, last) of each unbroken run, the last run first."""
    start = 0
    for place in range(1, len(descending) + 1):
        if place == len(descending) or descending[place] != descending[place - 1] - 1:
            yield descending[place - 1], descending[start]
            start = place


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font
