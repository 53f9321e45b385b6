"""What a split comes to: images and patients of each part, findings by part, and what one has to know."""

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.bar_chart import BarChart
from cxr_desktop.widgets.text_table import TextTable
from trainer.divisions import Content

COLUMNS = ("Part", "Images", "Share", "Patients")


class SplitOutcome(QWidget):
    """One table, one chart, and sentences; with folds, a chooser of the fold that is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._contents: Sequence[Mapping[str, Content]] = ()
        self.title = theme.heading("What comes of it", level=2)
        self.fold = QComboBox()
        self.fold.setAccessibleName("Fold that is shown")
        self.fold.currentIndexChanged.connect(self._show_fold)
        self.table = TextTable(COLUMNS, "Images and patients of each part")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.chart = BarChart()
        self.chart.setAccessibleName("Images with each finding, by part")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._sentences = QScrollArea()
        self._sentences.setWidgetResizable(True)
        self._sentences.setFrameShape(QFrame.Shape.NoFrame)
        self._sentences.setWidget(self.words)
        self._sentences.setMaximumHeight(self.fontMetrics().height() * 12)
        line = QHBoxLayout()
        line.addWidget(self.title, 1)
        line.addWidget(self.fold)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        column.addWidget(self.table)
        column.addWidget(self.chart, 1)
        column.addWidget(self._sentences, 1)
        column.addStretch()
        self.say("Counting images and patients")

    def say(self, text: str, role: str = "muted") -> None:
        """Show a sentence in place of numbers."""
        self._contents = ()
        for widget in (self.table, self.chart, self.fold):
            widget.hide()
        self._tell(text, role)

    def wait(self) -> None:
        """What is shown holds no more, and another is being computed."""
        for widget in (self.table, self.chart, self.fold):
            widget.setEnabled(False)
        self._tell("Counting images and patients", "muted")

    def show_split(self, contents: Sequence[Mapping[str, Content]], rule: str, warnings: Sequence[str]) -> None:
        """Show a split, or one for each fold: its parts, how it was made, and its warnings."""
        self._contents = contents
        shown = max(0, self.fold.currentIndex())
        self.fold.blockSignals(True)
        self.fold.clear()
        self.fold.addItems([f"Fold {number} of {len(contents)}" for number in range(1, len(contents) + 1)])
        self.fold.setCurrentIndex(min(shown, len(contents) - 1))
        self.fold.blockSignals(False)
        self.fold.setVisible(len(contents) > 1)
        for widget in (self.table, self.chart, self.fold):
            widget.setEnabled(True)
        self.table.show()
        self.chart.show()
        self._show_fold(self.fold.currentIndex())
        lines = [f"How: {rule}.", *(f"⚠ {warning}" for warning in dict.fromkeys(warnings))]
        self._tell("\n".join(lines), "warning" if len(lines) > 1 else "muted")

    def _tell(self, text: str, role: str) -> None:
        self.words.setText(text)
        theme.restyled(self.words, role)

    def _show_fold(self, place: int) -> None:
        if not 0 <= place < len(self._contents):
            return
        contents = self._contents[place]
        total = sum(content.images for content in contents.values())
        self.table.set_rows(
            [
                (
                    part.capitalize(),
                    f"{content.images:,}",
                    f"{content.images / total:.1%}",
                    _people(content),
                )
                for part, content in contents.items()
            ]
        )
        self.table.shrink()
        findings = list(dict.fromkeys(name for content in contents.values() for name in content.findings))
        values = np.array([[content.findings.get(name, 0) for content in contents.values()] for name in findings], dtype=float)
        self.chart.set_data(findings, list(contents), values.reshape(len(findings), len(contents)), stacked=True, unit="images")


def _people(content: Content) -> str:
    """How many patients; that there are more where some are not known."""
    if not content.patients:
        return "unknown"
    return f"{content.patients:,} known" if content.unknown else f"{content.patients:,}"
