"""A bag: how far its members are while they train; then each beside the whole, on the part that was judged."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.commands import Command
from cxr_desktop.evaluation import bag_state, bag_words, seal
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.training import run_table, spans
from cxr_desktop.widgets.choice_box import ChoiceBox
from cxr_desktop.widgets.text_table import TextTable
from cxr_desktop.wording import in_window
from trainer import bag_course, bags, runs
from trainer.bag_course import FINISHED, BagCourse
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS, Bag, Plan
from trainer.errors import TrainerError

PARTS = {"validation": "Validation part", "test": "Test part"}
STATES = ("Member", "Learned with", "State", "Epochs", "Best")
JUDGE = "Judges each member and the whole on the chosen part"
NOT_JUDGED = "Not judged on this part yet."
UNDER_WAY = "Members and the whole are judged side by side once the training has ended."


@dataclass(frozen=True, eq=False)
class _Seen:
    """What was read of a bag: its plan, how far it is, and its figures on a part (None: not judged on it)."""

    plan: Plan
    course: BagCourse
    found: BagEvaluation | None


class BagDialog(QDialog):
    """Reads the bag's files, in jobs, whenever a part is chosen or judged, or its training stands otherwise."""

    def __init__(self, project: Project, bag: Bag, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project, self._bag = project, bag
        self._task: Command | None = None
        self._seen: _Seen | None = None
        self._problem = ""
        self._latest = Latest(project, self)
        self.setWindowTitle(f"Bag {bag.name}")
        self.resize(self.fontMetrics().averageCharWidth() * 166, self.fontMetrics().height() * 34)
        self.state = QLabel("Reading the bag …")
        self.state.setWordWrap(True)
        self.bar = QProgressBar(textVisible=False, maximumHeight=self.fontMetrics().height())
        self.bar.setAccessibleName("Progress of the bag")
        self.times = theme.muted()
        self.part = ChoiceBox(list(PARTS), PARTS)
        self.part.setAccessibleName("Part")
        self.part.edited.connect(self.refresh)
        self.evaluate_button = _button("&Evaluate", JUDGE, self.evaluate)
        self.page_button = _button("Show on Evaluate &page", "Curves, thresholds and mistakes of the whole", self.show_on_page)
        self.go_on_button = _button("", "", self.go_on)
        self.table = TextTable(STATES, "Members of the bag", stretch=1)
        self.words = theme.muted()
        self._lay_out()
        for part in (self.bar, self.times, self.go_on_button, self.part, self.evaluate_button, self.page_button):
            part.hide()
        project.training.changed.connect(self.refresh)
        project.training.bag_told.connect(self._told)
        project.closed.connect(self.reject)
        self.refresh()

    def refresh(self) -> None:
        """Show how the bag stands and what was found on the chosen part."""
        bag, part = self._bag, self.part.given()
        self._latest.ask(lambda progress: _read(bag, part), self._show, self._refuse)

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
        try:
            plan, trained = self._bag.plan(), list(self._bag.trained().values())
            openings = bag_state.openings(self._bag.project, trained)
        except TrainerError as error:
            self._refuse(error)
            return
        then = bag_words.opening(self._bag.name, plan.kind, len(trained), len(plan.members))
        seal.ask(self, self._bag.name, openings, self._evaluate, then=then)

    def show_on_page(self) -> None:
        """Go to the Evaluate page with this bag."""
        self.accept()
        self._project.run_wanted.emit("evaluation", str(self._bag.folder))

    def _evaluate(self) -> None:
        self._task = self._project.command(
            ["evaluate", self._bag.folder, "--on", runs.short(self.part.given())],
            failed=self._not_judged,
            label=f"Evaluating {self._bag.name}",
        )
        self._problem = ""
        self._task.ended.connect(self._evaluated)
        self.evaluate_button.setEnabled(False)
        self.words.setText("Judging the members and the whole …")

    def _not_judged(self, error: TrainerError) -> None:
        """Told here too: the window's notices lie behind this dialog."""
        self._problem = in_window(f"{error.what}. {error.remedy}".strip())
        self._project.tell(error)

    def _evaluated(self) -> None:
        self._task = None
        self.refresh()
        self._project.runs_changed.emit()

    def _refuse(self, error: TrainerError) -> None:
        self.state.setText(str(error))
        theme.restyled(self.state, "error")

    def _told(self, folder: str, course: BagCourse) -> None:
        """The training is so far."""
        if folder == str(self._bag.folder) and self._seen:
            self._show(_Seen(self._seen.plan, course, self._seen.found))

    def _show(self, seen: _Seen) -> None:
        first, self._seen = self._seen is None, seen
        if first and seen.plan.kind == FOLDS:  # each image is judged by the network that has not learned from it
            self.part.removeItem(self.part.findData("validation"))
            self.refresh()
            return
        course = seen.course
        self._show_state(seen.plan, course)
        if seen.found and not course.busy:
            self.table.set_rows(bag_words.rows(seen.found), bag_words.header(seen.found))
        else:
            self.table.set_rows(states(seen.plan, course), STATES)
        if self._task is None:
            told = UNDER_WAY if course.busy else bag_words.words(seen.found) if seen.found else NOT_JUDGED
            self.words.setText(self._problem or told)
            theme.restyled(self.words, "error" if self._problem else "muted")

    def _show_state(self, plan: Plan, course: BagCourse) -> None:
        """How far it is, and what can be done."""
        kind = "Cross-validation" if plan.kind == FOLDS else "Bag of other seeds"
        done = sum(one.state == FINISHED for one in course.members)
        broken = [one.run for one in course.members if one.run and one.state in ("failed", "crashed", "damaged")]
        theme.restyled(self.state, "error" if broken else "good" if done == len(course.members) else "")
        self.state.setText(" ".join([f"{kind}: {course.sentence()}.", *(f"{one.name} {one.status.words}." for one in broken)]))
        stop = ("&Stop and keep", "Stops after the current step; what was learned is kept, and the bag can be resumed")
        resume = ("&Resume", "Goes on exactly where it was stopped, then trains the members that are missing")
        text, tip = stop if course.busy else resume
        self.go_on_button.setText(text)
        self.go_on_button.setToolTip(tip)
        self.go_on_button.setVisible(course.busy or done < len(course.members))
        for part in (self.part, self.evaluate_button):
            part.setVisible(not course.busy)
        self.page_button.setVisible(not course.busy and self._seen is not None and self._seen.found is not None)
        enough = done >= bags.FEWEST
        self.evaluate_button.setEnabled(enough and self._task is None)
        self.evaluate_button.setToolTip(JUDGE if enough else "At least two members must be trained for that")
        for part in (self.bar, self.times):
            part.setVisible(course.busy)
        count, total = course.progress()
        self.bar.setRange(0, total)
        self.bar.setValue(count)
        left = course.remaining(time.time())
        self.times.setText("" if left is None else f"about {spans.duration(left)} left")

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.state, 1)
        for part in (self.go_on_button, self.part, self.evaluate_button, self.page_button):
            head.addWidget(part)
        progress = QHBoxLayout()
        progress.addWidget(self.bar, 2)
        progress.addWidget(self.times, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addLayout(head)
        column.addLayout(progress)
        column.addWidget(self.table, 3)
        area = QScrollArea()
        area.setWidget(self.words)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        column.addWidget(area, 2)
        column.addWidget(buttons)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        self.table.setFocus()


def _button(text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
    """Enter must press none of these by chance."""
    button = QPushButton(text, toolTip=tip, autoDefault=False)
    button.clicked.connect(slot)
    return button


def _read(bag: Bag, part: str) -> _Seen:
    path = bag.evaluation(part)
    return _Seen(bag.plan(), bag_course.look(bag), BagEvaluation.load(path) if path.exists() else None)


def states(plan: Plan, course: BagCourse) -> list[tuple[str, ...]]:
    """The members as they stand: state, epochs and the best value so far."""
    made = []
    for one in course.members:
        learned = one.member.split if plan.kind == FOLDS else f"seed {one.member.seed}"
        told = (run_table.EPOCHS.text(one.run), run_table.BEST.text(one.run)) if one.run else ("", "")
        made.append((one.run.name if one.run else one.member.run, learned, one.words, *told))
    return made
