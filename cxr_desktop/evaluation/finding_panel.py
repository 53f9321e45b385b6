"""The work on one finding's threshold: move it and see what it costs, choose an operating point, save it with the model."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.evaluation import figure_words, why_not
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.figures_at import FiguresTable
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from cxr_desktop.evaluation.finding_curves import FindingCurves
from cxr_desktop.evaluation.finding_scores import Readout, Scores
from cxr_desktop.evaluation.operating_points import OperatingPoints
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft, chosen
from cxr_desktop.widgets.confusion_matrix import ConfusionMatrix
from cxr_desktop.widgets.threshold_bar import ThresholdBar
from trainer import criteria
from trainer.model_card import BY_HAND

SAVED = "saved"
_BY_PART = {
    "validation": "Thresholds are chosen on this part, so its figures flatter.",
    "test": "Rules choose on validation; a threshold chosen by these test figures makes them too good.",
}
_ELSEWHERE = "Rules choose on validation, not on these images."
_EXCLUSIVE = "Among the findings the largest probability decides; this threshold calls this one present by itself."


class FindingPanel(QScrollArea):
    """One finding at a threshold that moves, or (`fixed` says why) does not. `draft` holds the moves; nothing is written."""

    draft_changed = Signal()
    cell_chosen = Signal(str, bool, bool)
    """Images of a cell of the 2x2 matrix are wanted: finding, whether it is there, whether it was called."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.judged: Judged | None = None
        self.draft = ThresholdDraft({})
        self.fixed = ""
        self._points: dict[str, float] = {}
        self.chooser = FindingChooser()
        self.state, self.note = QLabel(), theme.muted()
        self.bar, self.points = ThresholdBar(), OperatingPoints()
        self.table, self.matrix, self.curves = FiguresTable(), ConfusionMatrix(), FindingCurves()
        self.save, self.undo = QPushButton("Save with the model"), QPushButton("Undo")
        self.discard, self.reset = QPushButton("Discard"), QPushButton("Reset all")
        self._dress()
        self._lay_out()
        self.chooser.chosen.connect(lambda _: self._show_finding())
        self.bar.moved.connect(self._moving)
        self.bar.settled.connect(self._settled)
        self.points.chosen.connect(self._by_rule)
        self.matrix.cell_chosen.connect(lambda truth, said: self.cell_chosen.emit(self.finding, bool(truth), bool(said)))

    # What is shown

    @property
    def finding(self) -> str:
        """The finding that is worked on; "" without one."""
        return self.chooser.finding()

    def show_judged(self, judged: Judged, draft: ThresholdDraft) -> None:
        """Work on another part or run; the finding stays if there is one of its name."""
        self.judged, self.draft = judged, draft
        self.chooser.set_findings(list(judged.scores))
        self.points.set_rules(_rules(judged).values())
        self._fix(why_not.thresholds(judged))
        self._show_finding()

    def show_finding(self, finding: str) -> None:
        """Work on another finding."""
        self.chooser.show_finding(finding)
        self._show_finding()

    def refresh(self) -> None:
        """The draft was changed elsewhere."""
        self._show_points()
        self._show_threshold()

    def threshold(self) -> float:
        """Where the threshold stands on the screen."""
        return self.bar.threshold()

    # Changing it

    def take_back(self) -> None:
        """Undo the last move, of whichever finding."""
        self._changed(self.draft.undo)

    def discard_moves(self) -> None:
        """All thresholds as they are saved."""
        self._changed(self.draft.discard)

    def reset_all(self) -> None:
        """All thresholds as they were chosen at first."""
        if self.judged and self.judged.validation and self.judged.header:
            validation, rules = self.judged.validation, _rules(self.judged)
            self._changed(lambda: self.draft.reset(validation, rules))

    def _by_rule(self, rule: str) -> None:
        if self.judged and self.finding in self.judged.validation:
            validation = self.judged.validation
            self._changed(lambda: self.draft.choose(self.finding, rule, validation))

    def _changed(self, change: object) -> None:
        change()  # type: ignore[operator]
        self._show_threshold()
        self.draft_changed.emit()

    def _moving(self, value: float) -> None:
        """While it is dragged: the numbers and the points move, nothing else."""
        self._show_readout(self._scores().at(value))

    def _settled(self, value: float) -> None:
        rule = next((rule for rule, point in self._points.items() if point == value), BY_HAND)
        if self.finding and value == self.draft.saved.get(self.finding):
            rule = BY_HAND
        self._changed(lambda: self.draft.move(self.finding, value, rule))

    # Showing it

    def _scores(self) -> Scores:
        assert self.judged is not None
        return self.judged.scores[self.finding]

    def _show_finding(self) -> None:
        usable = self.judged is not None and self.finding in self.judged.scores
        self.widget().setEnabled(usable)
        if not usable:
            return
        scores = self._scores()
        saved = scores.at(self.draft.saved[self.finding])
        self.bar.set_scores(scores.y, scores.p)
        self.table.show_saved(saved.figures)
        self.curves.show_scores(scores, saved, fixed=bool(self.fixed))
        self._show_points()
        self._show_threshold()
        self._say()

    def _show_points(self) -> None:
        assert self.judged is not None
        sweep = self.judged.validation.get(self.finding)
        movable = bool(sweep) and not self.fixed
        self._points = {rule: chosen(sweep, rule) for rule in self.points.names} if sweep and movable else {}
        named = {self.points.names[rule]: at for rule, at in self._points.items()}
        self.bar.set_points({} if self.fixed else {**named, SAVED: self.draft.saved[self.finding]})
        self.points.setEnabled(movable)
        self.reset.setEnabled(movable)

    def _show_threshold(self) -> None:
        if not self.finding or self.judged is None:
            return
        value = self.draft.value(self.finding)
        self.bar.set_threshold(value)
        self._show_readout(self._scores().at(value))
        moved = self.draft.moved
        self.chooser.set_marked(moved)
        self.save.setEnabled(bool(moved))
        self.discard.setEnabled(bool(moved))
        self.undo.setEnabled(self.draft.can_undo)
        self.state.setText("" if self.fixed else f"● {len(moved)} not saved" if moved else "saved")
        self.state.setToolTip(
            f"Moved and not saved: {', '.join(moved)}" if moved else "All thresholds are as the model carries them."
        )
        role = "warning" if moved else "muted"
        if self.state.property("role") != role:  # a new style is costly, and this is called at each press of a key
            theme.restyled(self.state, role)

    def _fix(self, why: str) -> None:
        """Let thresholds be moved, or say on everything that would move them why they cannot be."""
        self.fixed = why
        self.bar.set_fixed(why)
        self.table.set_fixed(bool(why))
        of = "bag" if self.judged is not None and self.judged.whole is not None else "model"
        self.save.setText(f"Save with the {of}")
        self.points.explain(why)
        for part, tip in self._tips(of).items():
            part.setToolTip(why or tip)

    def _tips(self, of: str) -> dict[QWidget, str]:
        rules = "by the run's own rules on validation"
        return {
            self.save: f"Write the thresholds into the {of}; what was judged is judged again with them.",
            self.undo: "Take the last move back.",
            self.discard: f"Put all thresholds back to what the {of} carries.",
            self.reset: f"All thresholds as they were chosen at first: {rules}. Not saved by itself.",
        }

    def _show_readout(self, now: Readout) -> None:
        self.table.show_readout(now)
        self.matrix.set_counts(("without", "with"), now.matrix)
        self.curves.show_readout(now)

    def _say(self) -> None:
        assert self.judged is not None
        scores = self._scores()
        yes, no, missing = int(scores.sweep.positives), int(scores.sweep.negatives), int((scores.y < 0).sum())
        counts = f"{yes:,} with it, {no:,} without" + (f", {missing:,} not stated." if missing else ".")
        exclusive = self.judged.evaluation is not None and self.judged.evaluation.task == "multi-class"
        part = self.fixed or _BY_PART.get(self.judged.part, _ELSEWHERE)
        self.note.setText(" ".join((counts, part, _EXCLUSIVE if exclusive else "")).strip())

    # Making it

    def _dress(self) -> None:
        theme.restyled(self.save, "primary")
        self.note.setToolTip(figure_words.glossary_of("operating point"))
        self._fix("")
        self.setAccessibleName("One finding at a threshold")
        self.bar.setAccessibleName("Threshold")
        self.matrix.setAccessibleName("Truth down, prediction across, at this threshold")
        self.undo.clicked.connect(self.take_back)
        self.discard.clicked.connect(self.discard_moves)
        self.reset.clicked.connect(self.reset_all)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(theme.SPACE)
        top = QHBoxLayout()
        top.addWidget(self.chooser, 1)
        top.addStretch()
        for button in (self.undo, self.discard, self.save):
            top.addWidget(button)
        rules = QHBoxLayout()
        rules.addWidget(self.points, 1)
        rules.addWidget(self.state)
        rules.addWidget(self.reset)
        lower = QHBoxLayout()
        lower.setSpacing(theme.SPACE)
        lower.addWidget(self.matrix, 2)
        lower.addWidget(self.curves, 5)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addLayout(rules)
        column.addWidget(self.table)
        column.addLayout(lower, 1)
        column.addWidget(self.note)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)


def _rules(judged: Judged) -> dict[str, str]:
    """The rule by which each finding got its first threshold."""
    header = judged.header
    return criteria.rules(criteria.of_settings(header.settings), header.findings) if header is not None else {}
