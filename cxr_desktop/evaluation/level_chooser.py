"""At which level of the tree of findings a run is judged: as it has learned them, or as the coarser findings above."""

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QWidget

from cxr_desktop.evaluation.evaluation_state import AS_LEARNED
from cxr_desktop.widgets.name_box import NameBox

LEARNED = "as learned"
MEANING = (
    "Fine findings (Pneumonia/Viral) can be judged as the coarser ones above them (Pneumonia). Where an image has one finding, "
    "the probabilities of what lies below are summed; where it may have several, the largest counts."
)


class LevelChooser(NameBox):
    """A list of levels. `chosen` is sent when the user chooses another one."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._shown: dict[int, tuple[str, ...]] = {}
        self.setAccessibleName("Level of the findings")
        self.setAccessibleDescription(MEANING)
        self.currentIndexChanged.connect(self._changed)
        self.show_levels({}, AS_LEARNED)

    def level(self) -> int:
        """The chosen level, 0 as learned."""
        return int(self.currentData() or AS_LEARNED)

    def show_levels(self, levels: Mapping[int, tuple[str, ...]], level: int) -> None:
        """Offer these coarser levels (level -> its findings) beside the learned one, and choose one. Sends nothing."""
        with QSignalBlocker(self):
            if dict(levels) != self._shown or not self.count():
                self._shown = dict(levels)
                self.clear()
                self.addItem(LEARNED, AS_LEARNED)
                for number, names in levels.items():
                    self.addItem(f"{number}: {', '.join(names)}", number)
                    self.setItemData(self.count() - 1, ", ".join(names), Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(max(0, self.findData(level)))
        self.setToolTip(self.currentText())  # its own signal is blocked here

    def _changed(self) -> None:
        self.chosen.emit(self.level())
