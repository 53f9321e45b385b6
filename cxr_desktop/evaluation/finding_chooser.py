"""Which finding is looked at: a list and two buttons; moved thresholds are marked."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from cxr_desktop.widgets.name_box import NameBox

MARK = " •  not saved"


class FindingChooser(QWidget):
    """A list of findings. `chosen` is sent when the user chooses another one."""

    chosen = Signal(str)

    def __init__(self, first: str = "", parent: QWidget | None = None) -> None:
        """`first` is an entry before all findings, that stands for none of them: "All findings"."""
        super().__init__(parent)
        self._first = first
        self._names: list[str] = []
        self._marked: tuple[str, ...] = ()
        self.list = NameBox(16)
        self.list.setAccessibleName("Finding")
        self.list.currentIndexChanged.connect(self._changed)
        self.before, self.after = QToolButton(), QToolButton()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.list, 1)
        for button, arrow, name, step in (
            (self.before, Qt.ArrowType.LeftArrow, "Previous finding", -1),
            (self.after, Qt.ArrowType.RightArrow, "Next finding", 1),
        ):
            button.setArrowType(arrow)
            button.setToolTip(name)
            button.setAccessibleName(name)
            button.clicked.connect(lambda _=False, step=step: self.step(step))
            row.addWidget(button)

    def finding(self) -> str:
        """The finding; "" for none or for the entry before all."""
        place = self.list.currentIndex() - bool(self._first)
        return self._names[place] if 0 <= place < len(self._names) else ""

    def set_findings(self, names: Sequence[str]) -> None:
        """Offer these; the chosen one stays if it is among them. Sends nothing."""
        if list(names) == self._names:
            return
        before = self.finding()
        with QSignalBlocker(self.list):
            self._names = list(names)
            self.list.clear()
            self.list.addItems([*([self._first] if self._first else []), *self._names])
            if before in self._names:
                self.list.setCurrentIndex(self._names.index(before) + bool(self._first))
        self._marked = ()
        self._enable()

    def show_finding(self, finding: str) -> None:
        """Choose one without sending anything."""
        if finding in self._names:
            with QSignalBlocker(self.list):
                self.list.setCurrentIndex(self._names.index(finding) + bool(self._first))
        self._enable()

    def go(self, finding: str) -> None:
        """Choose one as if the user had, if it is not chosen yet."""
        if finding in self._names and finding != self.finding():
            self.list.setCurrentIndex(self._names.index(finding) + bool(self._first))

    def set_marked(self, names: Sequence[str]) -> None:
        """Mark those whose threshold is not saved."""
        if tuple(names) == self._marked:
            return
        self._marked = tuple(names)
        for place, name in enumerate(self._names, bool(self._first)):
            self.list.setItemText(place, name + (MARK if name in names else ""))

    def step(self, step: int) -> None:
        """The next (1) or previous (-1) finding, if there is one."""
        place = self.list.currentIndex() + step
        if 0 <= place < self.list.count():
            self.list.setCurrentIndex(place)

    def _changed(self) -> None:
        self._enable()
        self.chosen.emit(self.finding())

    def _enable(self) -> None:
        self.before.setEnabled(self.list.currentIndex() > 0)
        self.after.setEnabled(self.list.currentIndex() + 1 < self.list.count())
