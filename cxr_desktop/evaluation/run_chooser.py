"""Which run or bag is judged: the newest first, and under each bag its members."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QWidget

from cxr_desktop.evaluation import bag_words
from cxr_desktop.widgets.name_box import NameBox
from trainer import bags, runs
from trainer.bags import Bag
from trainer.errors import TrainerError

INDENT = "\u2003"
UNTRAINED = " (not trained yet)"


@dataclass(frozen=True)
class Entry:
    """A run or a bag as the list shows it."""

    folder: Path
    text: str
    name: str


@dataclass
class Shelf:
    """What there is to judge in a project; which bag a run belongs to is read once, as it never changes."""

    _bag_of: dict[tuple[Path, int], str] = field(default_factory=dict)

    def entries(self, project: Path, found: Sequence[runs.Run]) -> list[Entry]:
        """Bags, each followed by its members, and single runs; the newest first. Raises `StorageError`."""
        there = {bag.name: bag for bag in bags.every(project)}
        groups: dict[str, list[runs.Run]] = {name: [] for name in there}
        moments = {name: (bag.folder / bags.FILE).stat().st_mtime_ns for name, bag in there.items()}
        alone: list[tuple[int, list[Entry]]] = []
        for run in found:
            moment = (run.folder / "config.json").stat().st_mtime_ns
            name = self._of(run, moment)
            if name in there:
                groups[name].append(run)
                moments[name] = max(moments[name], moment)
            else:
                alone.append((moment, [_entry(run)]))
        grouped = [
            (moments[name], [_of_bag(bag), *(_entry(run, INDENT) for run in groups[name])]) for name, bag in there.items()
        ]
        # Of the same moment the one that was listed last is the newest.
        newest = [*alone, *grouped]
        newest.reverse()
        newest.sort(key=lambda one: one[0], reverse=True)
        return [entry for _, entries in newest for entry in entries]

    def _of(self, run: runs.Run, moment: int) -> str:
        key = (run.folder, moment)
        if key not in self._bag_of:
            try:
                self._bag_of[key] = runs.bag_of(run.about())
            except TrainerError:  # a damaged run belongs to nothing
                self._bag_of[key] = ""
        return self._bag_of[key]


class RunChooser(NameBox):
    """A list of runs and bags."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setAccessibleName("Run")

    def folder(self) -> str:
        """The folder of what is chosen; "" without one."""
        return str(self.currentData() or "")

    def set_entries(self, found: Sequence[Entry], chosen: str) -> None:
        """Offer these; sends nothing."""
        with QSignalBlocker(self):
            self.clear()
            for one in found:
                self.addItem(one.text, str(one.folder))
                self.setItemData(self.count() - 1, one.name, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(max(0, self.findData(chosen)) if found else -1)
        self.setToolTip(self.currentText().strip())  # its own signal is blocked here


def _entry(run: runs.Run, indent: str = "") -> Entry:
    return Entry(run.folder, f"{indent}{run.name}{'' if run.best.exists() else UNTRAINED}", run.name)


def _of_bag(bag: Bag) -> Entry:
    try:
        plan = bag.plan()
        words = f"bag {bag.name}, {bag_words.kind_words(plan.kind, len(plan.members))}"
    except TrainerError:  # whoever chooses it is told
        words = f"bag {bag.name}"
    return Entry(bag.folder, words, words)
