"""ROC and precision-recall curve of one finding, with the operating point that moves and the one that is saved."""

import math

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import figure_words
from cxr_desktop.evaluation.finding_scores import Readout, Scores
from cxr_desktop.widgets.curves import CurveChart

NOW, SAVED = "now", "saved"
UNIT = (0.0, 1.0)


class Low(QWidget):
    """Charts side by side that are content with little height and take what there is (a scroll area goes by the wish)."""

    def __init__(self, *charts: QWidget, lines: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = lines
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        for chart in charts:
            row.addWidget(chart, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So many lines of text."""
        return QSize(super().sizeHint().width(), self.fontMetrics().height() * self._lines)


class FindingCurves(Low):
    """Two charts side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.roc, self.pr = roc_chart(titled=False), pr_chart(titled=False)
        super().__init__(self.roc, self.pr, parent=parent)

    def show_scores(self, scores: Scores, saved: Readout, *, fixed: bool = False) -> None:
        """Show the curves of a finding and where the saved threshold stands; where it is `fixed`, that is all there is."""
        for chart in (self.roc, self.pr):
            chart.clear()
        add_roc(self.roc, scores, 0)
        add_pr(self.pr, scores, 0)
        self.pr.set_line("prevalence", scores.prevalence)
        if not fixed:
            self._mark(SAVED, saved, 6)
        self.show_readout(saved)

    def show_readout(self, now: Readout) -> None:
        """Move the point."""
        self._mark(NOW, now, 1)

    def _mark(self, name: str, at: Readout, colour: int) -> None:
        figures = at.figures
        self.roc.set_marker(name, 1 - figures["specificity"].value, figures["sensitivity"].value, colour_index=colour)
        self.pr.set_marker(name, figures["sensitivity"].value, figures["precision"].value, colour_index=colour)


def roc_chart(*, titled: bool = True) -> CurveChart:
    """An empty ROC chart."""
    chart = CurveChart("ROC" if titled else "", "1 - specificity (false alarms)", "sensitivity")
    chart.setAccessibleName("ROC")
    chart.set_diagonal(True)
    return _square(chart, "ROC: every threshold is a point; the nearer to the upper left corner, the better.")


def pr_chart(*, titled: bool = True) -> CurveChart:
    """An empty precision-recall chart."""
    chart = CurveChart("Precision and recall" if titled else "", "recall = sensitivity", "precision")
    chart.setAccessibleName("Precision and recall")
    return _square(
        chart, "Precision and recall: guessing lies on the line of the prevalence (share of images with the finding)."
    )


def add_roc(chart: CurveChart, scores: Scores, colour: int, *, name: str = "", faint: bool = False) -> None:
    """Add the curve of a finding, named with its area."""
    area = scores.result.auroc.value if scores.result else math.nan
    rate, found = scores.roc
    chart.set_series(_named(name, "AUROC", area), rate, found, colour_index=colour, faint=faint)


def add_pr(chart: CurveChart, scores: Scores, colour: int, *, name: str = "", faint: bool = False) -> None:
    """Add the curve of a finding, named with its area."""
    area = scores.result.auprc.value if scores.result else math.nan
    recall, precision = scores.precision_recall
    chart.set_series(_named(name, "AUPRC", area), recall, precision, colour_index=colour, faint=faint)


def _named(name: str, area: str, value: float) -> str:
    return f"{name} {figure_words.number(value)}" if name else f"{area} {figure_words.number(value)}"


def _square(chart: CurveChart, tip: str) -> CurveChart:
    chart.set_range(UNIT, UNIT)
    chart.set_empty_text("Not defined: it needs images with and without the finding")
    chart.setToolTip(tip)
    return chart
