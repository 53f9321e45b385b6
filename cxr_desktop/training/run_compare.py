"""Several runs side by side: curves over one another, best values, and the settings that differ."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSplitter, QTabWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from cxr_desktop.training.run_details import Differences
from cxr_desktop.training.spans import three
from cxr_desktop.widgets.curves import CurveChart
from trainer import comparison
from trainer.comparison import Comparison
from trainer.meanings import METRIC_NAMES
from trainer.runs import Run

MOST = 8
"""Runs that are told apart by colour."""
LOSSES = {"validation_loss": "Loss on validation", "train_loss": "Loss on training"}


class RunCompare(QWidget):
    """Shows two to eight runs; `refresh` reads them again."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._question: Job | None = None
        self._folders: list[Path] = []
        self._found: Comparison | None = None
        self._metric = ""
        self.title = theme.heading("", level=2)
        self.warning = QLabel()
        self.warning.setWordWrap(True)
        theme.restyled(self.warning, "warning")
        self.warning.hide()
        self.figure = QComboBox()
        self.figure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.figure.setToolTip("What the curves show, epoch by epoch, on validation images where nothing else is said")
        self.figure.currentIndexChanged.connect(lambda: self._draw())
        self.chart = CurveChart("", "epoch", "")
        self.chart.set_empty_text("Drawn from the end of the first epoch on.")
        self.best = Differences()
        self.best.table.setAccessibleName("Best values")
        self.settings = Differences()
        self._lay_out()

    def show_runs(self, folders: Sequence[Path]) -> None:
        """Compare these."""
        if list(folders) != self._folders:
            self._folders = list(folders)
            self.chart.clear()
        self.refresh()

    def refresh(self) -> None:
        """Read the runs, in a job."""
        compared = [Run(folder) for folder in self._folders[:MOST]]
        if self._question:
            self._question.cancel()
        if compared:
            self._question = self._project.run(lambda progress: comparison.run(compared), self._show, owner=self)

    def _lay_out(self) -> None:
        label = QLabel("Cur&ve")
        label.setBuddy(self.figure)
        row = QHBoxLayout()
        row.addWidget(self.title, 1)
        row.addWidget(label)
        row.addWidget(self.figure)
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        tabs.addTab(self.best, "Best values")
        tabs.addTab(self.settings, "Settings that differ")
        self.tabs = tabs
        parts = QSplitter()
        parts.setOrientation(parts.orientation().Vertical)
        parts.addWidget(self.chart)
        parts.addWidget(tabs)
        parts.setSizes([300, 200])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.warning)
        column.addWidget(parts, 1)

    def _show(self, found: Comparison) -> None:
        self._found = found
        left_out = len(self._folders) - len(found.names)
        self.title.setText(f"{len(found.names)} runs" + (f" (the first of {len(self._folders)})" if left_out else ""))
        self.warning.setText("\n".join(found.warnings))
        self.warning.setVisible(bool(found.warnings))
        self._metric = found.metric
        self._offer(found.curves())
        head = ("Figure", *found.names)
        rows = [("Epoch that is kept", *(str(epoch or "none yet") for epoch in found.best_epochs))]
        rows += [(name, *map(_best(values, name), values)) for name, values in found.figures]
        self.best.show_rows(head, rows, "", "On validation images, at the epoch that each run keeps. ◂ marks the best.")
        rows = [(one.label, *one.values) for one in found.settings]
        self.settings.show_rows(
            ("Setting", *found.names), rows, "They have the same settings.", "All other settings are the same."
        )
        self._draw()

    def _offer(self, names: Sequence[str]) -> None:
        """What can be drawn; the choice stays."""
        if [self.figure.itemData(place) for place in range(self.figure.count())] == list(names):
            return
        chosen = self.figure.currentData() or {"loss": "validation_loss"}.get(self._metric, self._metric)
        self.figure.blockSignals(True)
        self.figure.clear()
        for name in names:
            self.figure.addItem(LOSSES.get(name) or METRIC_NAMES.get(name, name), name)
        self.figure.setCurrentIndex(max(0, self.figure.findData(chosen)))
        self.figure.blockSignals(False)

    def _draw(self) -> None:
        name = self.figure.currentData()
        if self._found is None or name is None:
            return
        self.chart.clear()
        self.chart.set_range(y=None if name in LOSSES else (0, 1))
        for place, (run, course) in enumerate(zip(self._found.names, self._found.courses, strict=True)):
            x, y = course.by_epoch(name)
            self.chart.set_series(run, x, y, colour_index=place, style=("solid", "dash", "dot")[place % 3], points=True)


def _best(values: Sequence[float], name: str) -> object:
    """Texts of a row, with a mark at the best of several values."""
    defined = [value for value in values if value == value]
    best = (min if "loss" in name.lower() else max)(defined) if len(defined) > 1 else None

    def text(value: float) -> str:
        return f"{three(value)} ◂" if value == best else three(value)

    return text
