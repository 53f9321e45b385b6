"""The overview: the confusion matrix, and below it the images of the cell that was chosen."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import figure_words, why_not
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from cxr_desktop.evaluation.gallery import Gallery
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.project import Project
from cxr_desktop.widgets.confusion_matrix import ConfusionMatrix
from trainer import mistakes
from trainer.results import Prediction

MODES = {"counts": "Images", "rows": "Share of the truth (by row)", "columns": "Share of the prediction (by column)"}
EXCLUSIVE = (
    "Truth down, prediction across; the finding with the largest probability is the prediction. Click a cell to see its images."
)
BY_ITSELF = "Truth down, prediction across, from the finding's own threshold on. Click a cell to see its images."


class MatrixPanel(QSplitter):
    """The confusion matrix of a multi-class task, or of one finding of a multi-label task, over a gallery."""

    def __init__(self, project: Project, network: LoadedNetwork, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._project = project
        self._judged: Judged | None = None
        self._draft = ThresholdDraft({})
        self.matrix = ConfusionMatrix()
        self.matrix.setAccessibleName("Confusion matrix")
        self.mode = QComboBox()
        self.mode.setAccessibleName("What stands in the cells")
        for key, words in MODES.items():
            self.mode.addItem(words, key)
        self.chooser = FindingChooser()
        self.note = theme.muted()
        self.note.setToolTip(figure_words.glossary_of("confusion matrix"))
        self.gallery = Gallery(project, network, "cell")
        self.mode.currentIndexChanged.connect(self._set_mode)
        self.chooser.chosen.connect(lambda _: self._show_matrix())
        self.matrix.cell_chosen.connect(self._cell)
        self._lay_out()
        self.restoreState(project.settings.state("evaluation/overview"))
        self.splitterMoved.connect(lambda: project.settings.set_state("evaluation/overview", self.saveState()))
        stored = project.settings.text("evaluation/cells", "counts")
        self.mode.setCurrentIndex(max(0, self.mode.findData(stored)))

    def show_judged(self, judged: Judged, draft: ThresholdDraft) -> None:
        """Show another part or run, or the same with other thresholds."""
        same = self._judged is judged
        self._judged, self._draft = judged, draft
        self.chooser.set_findings(list(judged.scores))
        self.chooser.setVisible(not self.exclusive)
        self.note.setText(EXCLUSIVE if self.exclusive else BY_ITSELF)
        self.gallery.show_maps(judged.networks, why_not.heat_maps(judged))
        if not same:
            self.gallery.clear("Click a cell of the matrix to see its images here." if judged.prediction else "")
        self._show_matrix()

    @property
    def exclusive(self) -> bool:
        """Whether each image is given exactly one finding."""
        return (
            self._judged is not None and self._judged.evaluation is not None and self._judged.evaluation.task == "multi-class"
        )

    def show_cell(self, finding: str, *, present: bool, positive: bool) -> None:
        """Show the images of a cell of a finding's own 2x2 matrix, at the threshold as it is moved."""
        judged = self._judged
        if judged is None or judged.prediction is None:
            return
        shown, decides = self._draft.value(finding), judged.deciding(self._draft.values())[finding]
        rows = mistakes.cell_of_finding(judged.prediction, finding, decides, present=present, positive=positive)
        truth, said = "yes" if present else "no", "yes" if positive else "no"
        at = f"at threshold {shown:.3f}" if isinstance(decides, float) else "at the threshold of its fold"
        words = f"{finding}: truth {truth}, called {said} {at}"
        self.matrix.set_selected(None)
        self._show_rows(judged.prediction, rows, finding, words)

    def _show_matrix(self) -> None:
        judged = self._judged
        if judged is None or judged.evaluation is None:
            return
        if self.exclusive and judged.evaluation.confusion is not None:
            confusion = judged.evaluation.confusion
            self.matrix.set_counts(confusion.findings, confusion.counts)
        elif finding := self.chooser.finding():
            counts = judged.scores[finding].at(self._draft.value(finding)).matrix
            self.matrix.set_counts((f"without {finding}", f"with {finding}"), counts)
        self.matrix.set_selected(None)

    def _set_mode(self) -> None:
        mode = str(self.mode.currentData())
        self.matrix.set_mode(mode)
        self._project.settings.set_text("evaluation/cells", mode)

    def _cell(self, truth: int, predicted: int) -> None:
        judged = self._judged
        if judged is None or judged.prediction is None:
            self.gallery.clear("There are no predictions to choose from: evaluate again.")
        elif not self.exclusive:
            self.show_cell(self.chooser.finding(), present=bool(truth), positive=bool(predicted))
            self.matrix.set_selected((truth, predicted))
        elif judged.evaluation is not None and judged.evaluation.confusion is not None:
            names = judged.evaluation.confusion.findings
            places = [judged.prediction.findings.index(names[place]) for place in (truth, predicted)]
            rows = mistakes.cell(judged.prediction, *places)
            self.matrix.set_selected((truth, predicted))
            self._show_rows(judged.prediction, rows, "", f"truth {names[truth]}, predicted {names[predicted]}")

    def _show_rows(self, prediction: Prediction, rows: np.ndarray, finding: str, words: str) -> None:
        assert self._judged is not None
        where, decides = f"{words}, {self._judged.where}", self._judged.deciding(self._draft.values())
        self.gallery.show_rows(prediction, rows, thresholds=decides, finding=finding, words=where)

    def _lay_out(self) -> None:
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        row = QHBoxLayout()
        label = QLabel("Show")
        label.setBuddy(self.mode)
        row.addWidget(self.chooser, 1)
        row.addStretch()
        row.addWidget(label)
        row.addWidget(self.mode)
        column.addLayout(row)
        column.addWidget(self.matrix, 1)
        column.addWidget(self.note)
        lower = QWidget()
        inside = QVBoxLayout(lower)
        inside.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        inside.addWidget(self.gallery)
        for part in (upper, lower):
            self.addWidget(part)
        self.setChildrenCollapsible(False)
        self.setStretchFactor(0, 3)
        self.setStretchFactor(1, 2)
