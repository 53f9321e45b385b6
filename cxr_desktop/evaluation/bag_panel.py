"""The members of a bag beside the whole: a table to go to each of them from, and how much they differ on the same images."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import bag_words
from cxr_desktop.evaluation.evaluation_state import Judged, Whole
from cxr_desktop.evaluation.members_table import MembersTable
from cxr_desktop.widgets.text_table import TextTable
from trainer.bag_results import BagEvaluation

SPREAD = ("Finding", "SD between members")
_GO = "A click on a member's name, or Enter on its row, shows that run."
_SD = "SD: of a finding's probability between the members, on average over all images."


class BagPanel(QScrollArea):
    """Shows a bag's evaluation; `member_wanted` is sent with the folder of the run that the user wants to see."""

    member_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole: Whole | None = None
        self.title, self.words = theme.heading("", level=2), theme.muted()
        self.table = MembersTable()
        self.differing, self.sd = QLabel(wordWrap=True), theme.muted(_SD)
        self.spread = TextTable(SPREAD, "How much the members' probabilities differ")
        self.spread.setMaximumWidth(self.fontMetrics().averageCharWidth() * 70)
        self.table.chosen.connect(self._chosen)
        self._lay_out()

    def show_judged(self, judged: Judged) -> None:
        """Show another part, level or bag; of a run nothing."""
        self._whole = judged.whole
        if judged.whole is not None and judged.whole.found is not None:
            self._show(judged.whole.found)

    def _show(self, found: BagEvaluation) -> None:
        count = bag_words.kind_words(found.kind, len(found.members))
        self.title.setText(f"{count}, and what they are together")
        self.table.show_bag(found)
        self.words.setText(found.words())
        self.differing.setText(bag_words.differing(found))
        most = sorted(found.spread.items(), key=lambda one: -one[1])
        self.spread.set_rows([(name, bag_words.three(value)) for name, value in most])
        self.spread.shrink()
        for part in (self.spread, self.sd):
            part.setVisible(bool(most))

    def _chosen(self, number: int) -> None:
        run = self._whole.trained.get(number) if self._whole is not None else None
        if run is not None:
            self.member_wanted.emit(str(run.folder))

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(theme.SPACE)
        for part in (self.title, self.table, theme.muted(_GO), self.words):
            column.addWidget(part)
        column.addSpacing(theme.SPACE)
        for part in (theme.heading("Between the members", level=2), self.differing, self.spread, self.sd):
            column.addWidget(part)
        column.addStretch()
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("The bag and its members")
