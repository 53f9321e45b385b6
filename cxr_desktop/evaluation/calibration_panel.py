"""Curves of all findings beside each other, and whether a probability means what it says."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import figure_words
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from cxr_desktop.evaluation.finding_curves import UNIT, Low, add_pr, add_roc, pr_chart, roc_chart
from cxr_desktop.evaluation.finding_scores import Scores
from cxr_desktop.widgets.curves import CurveChart
from trainer.metrics import Calibration

TOGETHER = 7
"""Other findings that are drawn behind the chosen one."""


class CountBars(QWidget):
    """How many images have a probability in each tenth, below the calibration."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: list[int] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Images by probability")

    def show_counts(self, counts: list[int]) -> None:
        """Show one bar for each tenth of the probability."""
        self.counts = counts
        self.setAccessibleDescription("; ".join(self._words(place) for place in range(len(counts))))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A few lines of text high."""
        return QSize(160, self.fontMetrics().height() * 4)

    def event(self, event: QEvent) -> bool:
        """The count under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self.counts:
            place = min(len(self.counts) - 1, max(0, int(event.pos().x() / max(1, self.width()) * len(self.counts))))
            QToolTip.showText(event.globalPos(), self._words(place), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw them; each count is written over its bar."""
        painter, chosen = QPainter(self), theme.colours()
        if not self.counts or not max(self.counts):
            return
        line = self.fontMetrics().height()
        wide, high = self.width() / len(self.counts), self.height() - line - 2
        for place, count in enumerate(self.counts):
            bar = high * count / max(self.counts)
            area = QRectF(place * wide + 1, self.height() - bar, wide - 2, bar)
            painter.fillRect(area, QColor(chosen.series[6]))
            painter.setPen(QPen(QColor(chosen.muted)))
            text = self.fontMetrics().elidedText(_short(count), Qt.TextElideMode.ElideRight, int(wide))
            painter.drawText(QRectF(place * wide, area.top() - line, wide, line), Qt.AlignmentFlag.AlignCenter, text)

    def _words(self, place: int) -> str:
        share = 1 / len(self.counts)
        return f"Probability {place * share:.1f} to {(place + 1) * share:.1f}: {self.counts[place]:,} images"


class CalibrationPanel(QScrollArea):
    """ROC, precision and recall, and calibration of one finding, the others faint behind it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Curves of one finding")
        self._judged: Judged | None = None
        self.chooser = FindingChooser()
        self.others = QCheckBox("Other findings behind it")
        self.others.setToolTip(f"Draw up to {TOGETHER} other findings faintly, to compare.")
        self.roc, self.pr = roc_chart(), pr_chart()
        self.calibration = CurveChart("Calibration", "predicted probability", "share with the finding")
        self.calibration.set_range(UNIT, UNIT)
        self.calibration.set_diagonal(True, "perfect")
        self.calibration.setToolTip(figure_words.glossary_of("calibration"))
        self.bars = CountBars()
        self.areas, self.error = QLabel(), QLabel()
        for text in (self.areas, self.error):
            text.setWordWrap(True)
        self.chooser.chosen.connect(lambda _: self._show())
        self.others.toggled.connect(lambda _: self._show())
        self._lay_out()

    def show_judged(self, judged: Judged) -> None:
        """Show another part or run."""
        self._judged = judged
        self.chooser.set_findings(list(judged.scores))
        self.others.setVisible(len(judged.scores) > 1)
        self._show()

    def _show(self) -> None:
        finding = self.chooser.finding()
        if self._judged is None or finding not in self._judged.scores:
            return
        scores = self._judged.scores[finding]
        for chart in (self.roc, self.pr, self.calibration):
            chart.clear()
        if self.others.isChecked():
            self._draw_others(finding)
        add_roc(self.roc, scores, 0, name=finding)
        add_pr(self.pr, scores, 0, name=finding)
        self.pr.set_line("prevalence", scores.prevalence)
        self._show_calibration(scores, scores.calibration)
        self._say(scores)

    def _draw_others(self, finding: str) -> None:
        assert self._judged is not None
        others = [one for name, one in self._judged.scores.items() if name != finding][:TOGETHER]
        for place, one in enumerate(others, 1):
            add_roc(self.roc, one, place, name=one.finding, faint=True)
            add_pr(self.pr, one, place, name=one.finding, faint=True)

    def _show_calibration(self, scores: Scores, measured: Calibration) -> None:
        used = measured.count > 0
        self.calibration.set_series(
            scores.finding, measured.probability[used], measured.share[used], colour_index=0, points=True
        )
        self.bars.show_counts([int(count) for count in measured.count])

    def _say(self, scores: Scores) -> None:
        result = scores.result
        if result is None:
            return
        prevalence = figure_words.number(scores.prevalence)
        self.areas.setText(
            f"<b>AUROC</b> {figure_words.both(result.auroc)}, guessing gives 0.5. &nbsp; "
            f"<b>AUPRC</b> {figure_words.both(result.auprc)}, guessing gives {prevalence} (prevalence)."
        )
        self.areas.setToolTip(f"{figure_words.glossary_of('AUROC')}\n{figure_words.glossary_of('AUPRC')}")
        self.error.setText(
            f"<b>Expected calibration error</b> {figure_words.number(scores.calibration.error)}: the mean distance of the line "
            f"from the diagonal, weighted by the images in each tenth. <b>Brier score</b> {figure_words.both(result.brier)}."
        )
        self.error.setToolTip(figure_words.meaning("brier"))

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(theme.SPACE)
        top = QHBoxLayout()
        top.addWidget(self.chooser, 1)
        top.addWidget(self.others)
        top.addStretch(1)
        column.addLayout(top)
        column.addWidget(Low(self.roc, self.pr), 3)
        column.addWidget(self.areas)
        lower = QHBoxLayout()
        lower.setSpacing(2 * theme.SPACE)
        lower.addWidget(Low(self.calibration), 1)
        beside = QVBoxLayout()
        beside.addWidget(QLabel("Images in each tenth of the predicted probability"))
        beside.addWidget(self.bars)
        beside.addWidget(self.error)
        beside.addStretch()
        lower.addLayout(beside, 1)
        column.addLayout(lower, 3)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)


def _short(count: int) -> str:
    return f"{count / 1000:.0f}k" if count >= 10_000 else str(count)
