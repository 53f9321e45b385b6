"""The left column of the Evaluate page: which run, part and level, a few figures, and what to know before believing them."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.evaluation import bag_state, bag_words, evaluation_state, figure_words, level_chooser
from cxr_desktop.evaluation.evaluation_state import AS_LEARNED, Judged
from cxr_desktop.evaluation.headline_table import HeadlineTable
from cxr_desktop.evaluation.level_chooser import LevelChooser
from cxr_desktop.evaluation.run_chooser import Entry, RunChooser
from cxr_desktop.evaluation.seal import openings_words
from cxr_desktop.tasks import Task
from cxr_desktop.widgets.name_box import NameBox
from trainer import runs
from trainer.bag_results import BagEvaluation
from trainer.errors import counted
from trainer.results import Evaluation

SEALED = "Test (sealed)"
NOT_FOR_DIAGNOSIS = "For teaching and research, not for diagnosis."


class EvaluationSide(QScrollArea):
    """Shows what it is given; what the user wants is sent."""

    run_chosen = Signal(str)
    """The folder of a run, or of a bag."""
    part_chosen = Signal(str)
    level_chosen = Signal(int)
    evaluate_wanted = Signal()
    cancel_wanted = Signal()
    export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs, self.parts, self.levels = RunChooser(), NameBox(), LevelChooser()
        self.level_label = QLabel("&Level")
        self.openings, self.facts, self.outdated = theme.muted(), QLabel(), QLabel()
        self.evaluate, self.cancel, self.export = QPushButton(), QPushButton("Cancel"), QPushButton("Export…")
        self.working, self.bar = theme.muted(), QProgressBar()
        self.headline, self.warnings = HeadlineTable(), QVBoxLayout()
        self.told: list[str] = []
        """The warnings that are shown."""
        self._task: Task | None = None
        self._dress()
        self._lay_out()
        self.runs.currentIndexChanged.connect(lambda _: self.run_chosen.emit(self.run()))
        self.parts.currentIndexChanged.connect(lambda _: self.part_chosen.emit(self.part()))
        self.levels.chosen.connect(self.level_chosen)
        self.evaluate.clicked.connect(self.evaluate_wanted)
        self.cancel.clicked.connect(self.cancel_wanted)
        self.export.clicked.connect(self.export_wanted)

    def run(self) -> str:
        """Folder of the chosen run or bag; "" without one."""
        return self.runs.folder()

    def part(self) -> str:
        """The chosen part."""
        return str(self.parts.currentData() or "validation")

    def set_parts(self, folder: Path, chosen: str) -> None:
        """Offer the parts of a run or bag; sends nothing."""
        run = runs.Run(folder)
        with QSignalBlocker(self.parts):
            self.parts.clear()
            for part in bag_state.parts(folder):
                sealed = part == "test" and not evaluation_state.levels_of(run, part)
                self.parts.addItem(SEALED if sealed else evaluation_state.part_words(part), part)
            self.parts.setCurrentIndex(max(0, self.parts.findData(chosen)))

    def set_runs(self, found: Sequence[Entry], chosen: str) -> None:
        """Offer these runs and bags; sends nothing."""
        self.runs.set_entries(found, chosen)

    def show_judged(self, judged: Judged | None) -> None:
        """Show an evaluation, or that there is none."""
        evaluation = judged.evaluation if judged else None
        for part in (self.headline, self.headline.more, self.facts, self.export):
            part.setVisible(evaluation is not None)
        self.headline.others.setVisible(evaluation is not None and self.headline.more.isChecked())
        self._show_levels(judged)
        self.openings.setVisible(judged is not None)
        if judged is not None:
            words = openings_words(judged.openings)
            self.openings.setText(words[:1].upper() + words[1:])
            theme.restyled(self.openings, "warning" if judged.part == "test" and judged.openings > 1 else "muted")
        self._show_outdated(judged)
        self._show_warnings(evaluation.warnings if evaluation else ())
        if judged is not None and evaluation is not None:
            self._show_figures(evaluation, judged.whole.found if judged.whole else None)

    def show_button(self, words: str, *, primary: bool) -> None:
        """What the button under the part does now; "" hides it."""
        self.evaluate.setText(words)
        self.evaluate.setVisible(bool(words) and self._task is None)
        theme.restyled(self.evaluate, "primary" if primary else "")

    def show_task(self, task: Task | None, words: str = "") -> None:
        """Show work under way, or (None) that it is over."""
        self._task = task
        for part in (self.cancel, self.bar, self.working):
            part.setVisible(task is not None)
        self.evaluate.setVisible(bool(self.evaluate.text()) and task is None)
        if task is not None:
            self.bar.setRange(0, 0)
            self.working.setText(words)
            task.progressed.connect(self._progress)

    def _show_levels(self, judged: Judged | None) -> None:
        levels = judged.levels if judged else {}
        self.levels.show_levels(levels, judged.level if judged else AS_LEARNED)
        for part in (self.levels, self.level_label):
            part.setVisible(bool(levels))

    def _show_figures(self, evaluation: Evaluation, found: BagEvaluation | None) -> None:
        people = "unknown patients" if evaluation.patients is None else counted(evaluation.patients, "patient")
        together = f", {bag_words.put_together(found)}" if found else ""
        self.facts.setText(f"{counted(evaluation.images, 'image')} of {people}{together}")
        self.headline.show_evaluation(evaluation, (lambda name: bag_words.over_members(found, name)) if found else None)

    def _progress(self, count: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(count)

    def _show_outdated(self, judged: Judged | None) -> None:
        reasons = judged.outdated if judged else ()
        self.outdated.setVisible(bool(reasons))
        self.outdated.setText("\n".join(("⚠ These figures are out of date.", *reasons)))

    def _show_warnings(self, texts: Sequence[str]) -> None:
        while (item := self.warnings.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        self.told = list(texts)
        if texts:
            self.warnings.addWidget(theme.heading("Before you believe it", level=2))
        for text in texts:
            label = QLabel(f"⚠ {text}", wordWrap=True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.warnings.addWidget(label)

    def _dress(self) -> None:
        self.setAccessibleName("Run, part and figures")
        self.parts.setAccessibleName("Part")
        self.openings.setToolTip(figure_words.glossary_of("test"))
        self.facts.setToolTip(figure_words.glossary_of("interval"))
        self.export.setToolTip("Figures (PNG, SVG), tables (CSV) and the report (HTML) as files.")
        self.outdated.setWordWrap(True)
        self.facts.setWordWrap(True)
        theme.restyled(self.outdated, "warning")

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(theme.SPACE)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for row, (label, box) in enumerate(
            ((QLabel("&Run"), self.runs), (QLabel("&Part"), self.parts), (self.level_label, self.levels))
        ):
            label.setBuddy(box)
            label.setToolTip(figure_words.glossary_of(label.text()[1:].lower()))
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
        self.level_label.setToolTip(level_chooser.MEANING)
        column.addLayout(grid)
        for part in (self.openings, self.working, self.bar, self.cancel, self.outdated, self.evaluate, self.facts):
            column.addWidget(part)
        column.addWidget(self.headline)
        column.addLayout(self.warnings)
        column.addWidget(self.headline.more)
        column.addWidget(self.headline.others)
        column.addWidget(self.export)
        column.addStretch()
        column.addWidget(theme.muted(NOT_FOR_DIAGNOSIS))
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 31)
        self.show_judged(None)
        self.show_task(None)
        self.show_button("", primary=False)
