"""The foot of the settings: what there is to learn from, what prevents a start, the run's name, and Start."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QElapsedTimer, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.rule import Rule

LONGEST = 200
"""Letters of an obstacle: the tooltip has the rest of one that names many findings."""


@dataclass(frozen=True)
class Obstacle:
    """What prevents a start, in words, and the button that leads to where it can be mended ("": none)."""

    words: str
    button: str = ""
    slot: Callable[[], object] | None = None


class StartBar(QWidget):
    """Start can be pressed as long as there is no obstacle."""

    start_wanted = Signal()
    several_wanted = Signal()
    """Several networks with these settings are wanted."""
    name_edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.obstacles: tuple[Obstacle, ...] = ()
        self.facts = theme.muted()
        self.why = QLabel(wordWrap=True)
        theme.restyled(self.why, "warning")
        self.mend = QPushButton()
        self.mend.clicked.connect(self._mend)
        self.name = QLineEdit(placeholderText="date, time and recipe")
        self.name.setAccessibleName("Name of the run")
        self.name.setToolTip("How the run and its folder are called; letters, digits, '-' and '_'")
        self.name.textEdited.connect(lambda: self.name_edited.emit())
        self.action = QAction("&Start training", self)
        self.action.setShortcuts([QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")])
        self.action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.action.setAutoRepeat(False)
        self._since = QElapsedTimer()
        self.action.triggered.connect(self._start)
        self.button = QPushButton("Start training")
        self.button.setToolTip("Train a new run with these settings (Ctrl+Return)")
        theme.restyled(self.button, "primary")
        self.button.clicked.connect(self.action.trigger)
        self.several_action = QAction("Train se&veral…", self)
        self.several_action.setShortcuts([QKeySequence("Ctrl+Shift+Return"), QKeySequence("Ctrl+Shift+Enter")])
        self.several_action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.several_action.setAutoRepeat(False)
        self.several_action.triggered.connect(self.several_wanted)
        self.several = QPushButton("Train several…")
        self.several.setToolTip("A bag of other seeds, or a cross-validation, with these settings (Ctrl+Shift+Return)")
        self.several.clicked.connect(self.several_action.trigger)
        self._lay_out()
        self.say("", ())

    def say(self, facts: str, obstacles: Sequence[Obstacle]) -> None:
        """Show what there is, and the first thing that stands in the way."""
        self.obstacles = tuple(obstacles)
        self.facts.setText(facts)
        self.facts.setVisible(bool(facts))
        first = self.obstacles[0] if obstacles else Obstacle("")
        more = f" ({len(obstacles) - 1} more)" if len(obstacles) > 1 else ""
        self.why.setText(f"{textwrap.shorten(first.words, LONGEST, placeholder=' …')}{more}")
        self.why.setToolTip("\n".join(one.words for one in obstacles))
        self.why.setVisible(bool(obstacles))
        self.mend.setText(first.button)
        self.mend.setVisible(bool(first.button))
        for part in (self.action, self.button, self.several_action, self.several):
            part.setEnabled(not obstacles)

    def _start(self) -> None:
        """Once for a double click too: it would start two trainings, each half as fast."""
        if not self._since.isValid() or self._since.hasExpired(QApplication.doubleClickInterval()):
            self._since.start()
            self.start_wanted.emit()

    def _mend(self) -> None:
        if self.obstacles and (slot := self.obstacles[0].slot):
            slot()

    def _lay_out(self) -> None:
        label = QLabel("&Name of the run")
        label.setBuddy(self.name)
        wrong = QHBoxLayout()
        wrong.addWidget(self.why, 1)
        wrong.addWidget(self.mend, 0, Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.setColumnStretch(1, 1)
        start = QHBoxLayout()
        start.addStretch()
        start.addWidget(self.several)
        start.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(Rule())
        column.addWidget(self.facts)
        column.addLayout(wrong)
        column.addLayout(grid)
        column.addLayout(start)
