"""The mistakes, finding by finding: false positives and false negatives, the surest ones or some at random."""

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSpinBox, QTabBar, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import why_not
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from cxr_desktop.evaluation.gallery import MOST, Gallery
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.project import Project
from trainer import mistakes

KINDS = {
    mistakes.FALSE_NEGATIVE: ("Missed (false negatives)", "{finding} is there, and was not called."),
    mistakes.FALSE_POSITIVE: ("False alarms (false positives)", "{finding} is not there, and was called."),
}
HOWS = {mistakes.CONFIDENT: "Most confident", mistakes.RANDOM: "At random"}
_WHY = {
    mistakes.CONFIDENT: "The mistakes that the network was surest of teach most: a wrong label, a hidden sign, a shortcut.",
    mistakes.RANDOM: "Drawn at random, so that they are typical; the number of the draw is its seed.",
}


class ErrorPanel(QWidget):
    """A gallery of mistakes."""

    def __init__(self, project: Project, network: LoadedNetwork, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._judged: Judged | None = None
        self._draft = ThresholdDraft({})
        self.seed = 0
        self.chooser = FindingChooser()
        self.kinds = QTabBar()
        self.kinds.setAccessibleName("Kind of mistake")
        self.kinds.setExpanding(False)
        self.how = QComboBox()
        self.how.setAccessibleName("Which mistakes are shown")
        for key, words in HOWS.items():
            self.how.addItem(words, key)
        self.most = QSpinBox(minimum=1, maximum=MOST, value=12)
        self.most.setAccessibleName("How many images are shown")
        self.another = QPushButton("Another draw")
        self.note = theme.muted()
        self.gallery = Gallery(project, network, "errors")
        for words, _ in KINDS.values():
            self.kinds.addTab(words)
        self._restore()
        self._lay_out()
        self.chooser.chosen.connect(lambda _: self._show())
        self.kinds.currentChanged.connect(lambda _: self._show())
        self.how.currentIndexChanged.connect(self._remember)
        self.most.valueChanged.connect(self._remember)
        self.another.clicked.connect(self.draw)

    @property
    def kind(self) -> str:
        """False positives or false negatives."""
        return list(KINDS)[max(0, self.kinds.currentIndex())]

    def show_judged(self, judged: Judged, draft: ThresholdDraft) -> None:
        """Show another part or run, or the same with other thresholds."""
        self._judged, self._draft = judged, draft
        self.chooser.set_findings(list(judged.scores))
        self.gallery.show_maps(judged.networks, why_not.heat_maps(judged))
        self._show()

    def draw(self) -> None:
        """Draw others at random."""
        self.seed += 1
        self.how.setCurrentIndex(self.how.findData(mistakes.RANDOM))
        self._show()

    def _show(self) -> None:
        judged, finding = self._judged, self.chooser.finding()
        how = str(self.how.currentData())
        self.another.setEnabled(how == mistakes.RANDOM)
        if judged is None or judged.prediction is None or not finding:
            self.gallery.clear("There are no predictions to choose from: evaluate again." if judged else "")
            return
        thresholds = judged.deciding(self._draft.values())
        for place, (kind, (words, _)) in enumerate(KINDS.items()):
            count = len(mistakes.rows(judged.prediction, thresholds, finding, kind))
            self.kinds.setTabText(place, f"{words}: {count:,}")
        wrong = mistakes.rows(judged.prediction, thresholds, finding, self.kind)
        rows = mistakes.shown(wrong, how, self.most.value(), self.seed)
        draw = f" (draw {self.seed + 1})" if how == mistakes.RANDOM else ""
        self.note.setText(f"{KINDS[self.kind][1].format(finding=finding)} {_WHY[how]}")
        words = f"{finding}, {self.kind}s, {HOWS[how].lower()}{draw}, {judged.where}"
        self.gallery.show_rows(judged.prediction, rows, thresholds=thresholds, finding=finding, words=words, total=len(wrong))

    def _restore(self) -> None:
        stored = self._project.settings
        self.how.setCurrentIndex(max(0, self.how.findData(stored.text("evaluation/mistakes", mistakes.CONFIDENT))))
        self.most.setValue(round(stored.number("evaluation/mistakes-shown", 12)))

    def _remember(self) -> None:
        self._project.settings.set_text("evaluation/mistakes", str(self.how.currentData()))
        self._project.settings.set_number("evaluation/mistakes-shown", float(self.most.value()))
        self._show()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.chooser, 1)
        top.addStretch()
        label = QLabel("Show")
        label.setBuddy(self.most)
        for part in (label, self.most, self.how, self.another):
            top.addWidget(part)
        self.another.setToolTip("Draw other mistakes at random; the same number of the draw gives the same images.")
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addLayout(top)
        column.addWidget(self.kinds)
        column.addWidget(self.note)
        column.addWidget(self.gallery, 1)
