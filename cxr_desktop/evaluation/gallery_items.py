"""The images of a gallery: what is written under each, and a list model over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from trainer.catalog import Catalog, Filter
from trainer.mistakes import Level
from trainer.records import Record
from trainer.results import Prediction

_EVERYTHING = Filter(excluded=None, gone=None)
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Item:
    """One image: its row of the prediction, its number in the catalog, its truth, what was said with which probability.

    `finding` is the one of its heat map, `own` what else there is to say; `record` is None for an image that is not in the
    project any more.
    """

    row: int
    image: int
    truth: str
    said: str
    probability: float
    finding: str
    own: str = ""
    record: Record | None = None

    @property
    def words(self) -> str:
        """Everything about it, for a tooltip and for screen readers."""
        gone = "" if self.record else " It is not in the project any more."
        return f"Image {self.image}: {self.truth}; {self.said} {self.probability:.3f}{self.own}.{gone}"


def items(prediction: Prediction, rows: Sequence[int], thresholds: Mapping[str, Level], finding: str) -> list[Item]:
    """Items for rows of a prediction, seen under one finding ("": under the one that was decided for)."""
    return [_item(prediction, int(row), thresholds, finding) for row in rows]


def _item(prediction: Prediction, row: int, thresholds: Mapping[str, Level], finding: str) -> Item:
    image, p = int(prediction.ids[row]), prediction.probabilities[row]
    best = prediction.findings[int(p.argmax())]
    if prediction.task == "multi-class":
        truth = _truth(prediction, row)
        own = f"; {finding} {p[prediction.findings.index(finding)]:.3f}" if finding not in ("", best) else ""
        return Item(row, image, f"truth {truth}", f"said {best}", float(p.max()), best, own)
    shown = finding or best
    k = prediction.findings.index(shown)
    answer = {1: "yes", 0: "no", -1: "not stated"}[int(prediction.targets[row, k])]
    said = "yes" if float(p[k]) >= of_row(thresholds[shown], row) else "no"
    return Item(row, image, f"{shown}: {answer}", f"said {said}", float(p[k]), shown)


def of_row(level: Level, row: int) -> float:
    """The threshold that decides on one row of a prediction."""
    return level if isinstance(level, float) else float(level[row])


def _truth(prediction: Prediction, row: int) -> str:
    yes = [name for name, value in zip(prediction.findings, prediction.targets[row], strict=True) if value == 1]
    return ", ".join(yes) or "none"


def with_records(catalog: Catalog, found: Sequence[Item]) -> list[Item]:
    """In a job: the items with what the catalog knows of their images. Raises `DataError`, `StorageError`."""
    known = set(catalog.ids(_EVERYTHING).tolist())
    there = [item.image for item in found if item.image in known]
    records = dict(zip(there, catalog.records(there), strict=True))
    return [replace(item, record=records.get(item.image)) for item in found]


class ItemModel(QAbstractListModel):
    """A list of items; what is painted comes from the gallery."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: list[Item] = []

    def set_items(self, items: Sequence[Item]) -> None:
        """Show these."""
        self.beginResetModel()
        self.items = list(items)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name and default
        """How many."""
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Text for screen readers and tooltips."""
        if not index.isValid():
            return None
        item = self.items[index.row()]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole):
            return item.words
        return None
