"""A bag: its members beside the whole, on the part that was judged; and what can be done with it."""

import math
from collections.abc import Mapping

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.commands import Command
from cxr_desktop.evaluation import seal
from cxr_desktop.project import Project
from cxr_desktop.widgets.choice_box import ChoiceBox
from cxr_desktop.widgets.text_table import TextTable
from trainer import runs
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS, Bag
from trainer.errors import TrainerError
from trainer.meanings import METRIC_NAMES
from trainer.results import Figure

SHOWN = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc")
PARTS = {"validation": "Validation part", "test": "Test part"}
HEADER = ("Member", "Learned with", "Images", *(METRIC_NAMES.get(name, name) for name in SHOWN))
NOT_JUDGED = "Not judged on this part yet."


class BagDialog(QDialog):
    """Reads the bag's files again whenever a part is chosen or judged."""

    def __init__(self, project: Project, bag: Bag, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project, self._bag = project, bag
        self._task: Command | None = None
        self.setWindowTitle(f"Bag {bag.name}")
        self.resize(self.fontMetrics().averageCharWidth() * 150, self.fontMetrics().height() * 34)
        self._folds = bag.plan().kind == FOLDS
        self.state = QLabel()
        self.part = ChoiceBox(["test"] if self._folds else list(PARTS), PARTS)
        self.part.setAccessibleName("Part")
        self.part.edited.connect(self.refresh)
        self.evaluate_button = QPushButton("&Evaluate")
        self.evaluate_button.clicked.connect(self.evaluate)
        self.go_on_button = QPushButton()
        self.go_on_button.clicked.connect(self.go_on)
        self.table = TextTable(HEADER, "Members of the bag", stretch=1)
        self.words = theme.muted()
        self.words.setWordWrap(True)
        self._lay_out()
        project.training.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show how the bag stands and what was found on the chosen part."""
        try:
            status, found = self._bag.status(), self._found()
        except TrainerError as error:
            self.state.setText(str(error))
            return
        kind = "Cross-validation" if self._folds else "Bag of other seeds"
        self.state.setText(f"{kind}: {status.words}.")
        self.go_on_button.setText("&Stop and keep" if status.state == "running" else "&Resume")
        self.go_on_button.setVisible(status.state != "finished")
        self.evaluate_button.setEnabled(status.state != "running" and self._task is None)
        self.table.set_rows(rows(found) if found else [])
        self.words.setText(words(found) if found else NOT_JUDGED)

    def go_on(self) -> None:
        """Stop the bag, or resume it."""
        run = runs.Run(self._bag.folder)
        if self._bag.busy():
            self._project.training.stop_and_keep(run)
        else:
            self._project.training.resume(run)

    def evaluate(self) -> None:
        """Judge the members and the whole; on the test part only after its seal was explained and confirmed."""
        if self.part.given() != "test":
            self._evaluate()
            return
        digest = str(next(iter(self._bag.trained().values())).about()["split"]["digest"]) if self._bag.trained() else ""
        seal.ask(self, self._bag.name, runs.openings(self._bag.project, digest), self._evaluate)

    def _evaluate(self) -> None:
        self._task = self._project.command(
            ["evaluate", self._bag.folder, "--on", runs.short(self.part.given())],
            lambda found: None,
            label=f"Evaluating {self._bag.name}",
        )
        self._task.ended.connect(self._evaluated)
        self.refresh()

    def _evaluated(self) -> None:
        self._task = None
        self.refresh()
        self._project.runs_changed.emit()

    def _found(self) -> BagEvaluation | None:
        path = self._bag.evaluation(self.part.given())
        return BagEvaluation.load(path) if path.exists() else None

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.state, 1)
        for part in (self.go_on_button, self.part, self.evaluate_button):
            head.addWidget(part)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addLayout(head)
        column.addWidget(self.table, 3)
        area = QScrollArea()
        area.setWidget(self.words)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        column.addWidget(area, 2)
        column.addWidget(buttons)


def rows(found: BagEvaluation) -> list[tuple[str, ...]]:
    """The members, their mean and SD, and the whole."""
    made = [
        (one.run, one.split if found.kind == FOLDS else f"seed {one.seed}", f"{one.images}", *_cells(one.metrics))
        for one in found.members
    ]
    whole = "All, averaged" if found.averaged else "All, pooled"
    return [
        *made,
        ("Mean over members", "", "", *(_three(found.mean[name]) for name in SHOWN)),
        ("SD over members", "", "", *(_three(found.sd[name]) for name in SHOWN)),
        (whole, "", f"{found.evaluation.images}", *_cells(found.evaluation.metrics)),
    ]


def words(found: BagEvaluation) -> str:
    """What the table says, and what it does not."""
    told = [found.words()]
    if found.averaged:
        most = max(found.spread, key=lambda name: found.spread[name])
        told.append(
            f"The members decide differently on {found.disagreement:.0%} of the images; their probabilities differ most for "
            f"{most} (SD {found.spread[most]:.3f} on average)."
        )
    told.append(f"{seal.openings_words(found.evaluation.test_openings).capitalize()}.")
    return "\n".join([*told, *found.evaluation.warnings])


def _cells(metrics: Mapping[str, Figure]) -> list[str]:
    return [f"{_three(one.value)} ({_three(one.low)} to {_three(one.high)})" for one in (metrics[name] for name in SHOWN)]


def _three(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.3f}"
