"""Which of the windows and lookup tables that a file offers is looked at, and which of them a network sees."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from cxr_desktop import theme
from trainer.looks import PERCENTILES

BY_PERCENTILES = "percentiles (1 to 99 %)"
TIP = (
    "The windows and lookup tables that the file itself offers, and one by the percentiles of its values (D: the next one). "
    "A network always sees the first. R goes back to it."
)
SEEN = "This is the one that a network sees."
CHARACTERS = 12


class LookChooser(QWidget):
    """Hidden for a file that offers no choice. What is chosen is asked for; it is `current` once it is shown."""

    chosen = Signal(int)
    """Place in `Facts.looks`, or `PERCENTILES`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.current = self._asked = 0
        self.box = QComboBox()
        self.box.setAccessibleName("Window of the file")
        self.box.setToolTip(TIP)
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt's own would take the focus for a turn of the wheel
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(CHARACTERS)
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.note = theme.muted()
        label = QLabel("File's windo&w")
        label.setBuddy(self.box)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(label)
        row.addWidget(self.box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 4)
        column.addLayout(row)
        column.addWidget(self.note)
        self.box.activated.connect(self._activated)
        self.offer(())

    @property
    def several(self) -> bool:
        """Whether there is anything to choose."""
        return self.box.count() > 0

    def offer(self, names: Sequence[str]) -> None:
        """Another file, of which the first is shown; `names` as in `Facts.looks`."""
        self.box.clear()
        if len(names) > 1:
            for place, name in enumerate(names):
                self.box.addItem(name, place)
            self.box.addItem(BY_PERCENTILES, PERCENTILES)
        self.setVisible(self.several)
        self.show_current(0)

    def show_current(self, look: int) -> None:
        """This one is on the screen now."""
        self.current = look
        self.show_asked(look)

    def show_asked(self, look: int) -> None:
        """This one was asked for; until it is shown, its name stands there with a word that it is being read."""
        self._asked = look
        self.box.setCurrentIndex(self.box.findData(look))
        self._say()

    def next(self) -> None:
        """Choose the next one; after the last the first."""
        if self.several:
            self.box.setCurrentIndex((self.box.currentIndex() + 1) % self.box.count())
            self._activated()

    def name(self, look: int) -> str:
        """What one is called; "" where there is no choice."""
        place = self.box.findData(look)
        return self.box.itemText(place) if place >= 0 else ""

    def _activated(self) -> None:
        self.chosen.emit(int(self.box.currentData()))

    def _say(self) -> None:
        if self._asked != self.current:
            words = f"Being read: {self.name(self._asked)}"
        elif self.current != 0:
            words = f"A network sees: {self.name(0)}."
        else:
            words = SEEN
        self.note.setText(words)
