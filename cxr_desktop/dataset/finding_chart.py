"""Images by finding and part, as bars that filter when they are clicked."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset import filter_words
from cxr_desktop.dataset.shown_images import Overview
from cxr_desktop.widgets.bar_chart import BarChart
from trainer.records import YES, Filter

WHOLE = "images"
"""Name of the only segment where the images are not split."""


class FindingChart(QWidget):
    """Counts of the whole project; the bar that stands for the filter is outlined."""

    filter_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._where = Filter()
        self._parts: tuple[str, ...] = ()
        self.chart = BarChart()
        self.chart.clicked.connect(self._clicked)
        self._told = theme.muted()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(theme.heading("Images by finding", level=2))
        column.addWidget(self._told)
        column.addWidget(self.chart, 1)

    def show_overview(self, overview: Overview | None) -> None:
        """Show other counts."""
        tally = overview.tally if overview else None
        self._parts = tally.parts if tally else ()
        self.chart.set_data(tally.findings if tally else (), self._segments(), tally.yes if tally else [])
        self._told.setText(self._words(overview))
        self.show_filter(self._where)

    def show_filter(self, where: Filter) -> None:
        """Outline the bar that the filter stands for."""
        self._where = where
        there = [name for name, answer in where.findings.items() if answer == YES]
        segment = filter_words.part_words(where.part) if where.part else ""
        if len(there) == 1 and (not segment or segment in self._segments()):
            self.chart.set_selected(there[0], segment)
        else:
            self.chart.set_selected(None)

    def _segments(self) -> Sequence[str]:
        return [WHOLE] if self._parts == ("none",) else [filter_words.part_words(part) for part in self._parts]

    def _words(self, overview: Overview | None) -> str:
        if overview is None:
            return "Counting…"
        if not overview.tally.findings:
            return "No finding is stated yet."
        name = overview.counts.split_name
        return f"By part of split {name}. A click filters." if name else "Not split yet. A click filters."

    def _clicked(self, row: str, segment: str) -> None:
        part = next((part for part in self._parts if filter_words.part_words(part) == segment), "")
        again = self.chart.selected() == (row, "" if segment == WHOLE else segment)
        others = {name: answer for name, answer in self._where.findings.items() if answer != YES}
        if again:
            self.filter_wanted.emit(replace(self._where, findings=others, part=""))
        else:
            self.filter_wanted.emit(replace(self._where, findings={**others, row: YES}, part=part))
