"""The headline: each figure with its 95 % interval on a scale from 0 to 1, and beside it what costs no thought."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import figure_words
from trainer.meanings import REPEATED
from trainer.results import Baseline, Evaluation, Figure

FIRST: Mapping[str, tuple[str, ...]] = {
    "multi-class": ("macro_f1", "balanced_accuracy", "accuracy", "macro_auroc"),
    "multi-label": ("macro_auroc", "macro_f1", "hamming", "exact_match"),
}
"""What is shown at once; the others are folded."""


class IntervalBar(QWidget):
    """A figure as a point, its interval as a thick line, and baselines as ticks, on a line from 0 to 1."""

    def __init__(self, figure: Figure, baselines: Mapping[str, float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figure, self._baselines = figure, baselines
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as a line of small text."""
        return QSize(120, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw it in the colours of the theme."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen, middle, radius = theme.colours(), self.height() / 2, self.fontMetrics().height() * 0.24
        left, wide = radius, self.width() - 2 * radius
        painter.setPen(QPen(QColor(chosen.line), 1.5))
        painter.drawLine(QPointF(left, middle), QPointF(left + wide, middle))
        for place in (0.0, 0.5, 1.0):
            painter.drawLine(QPointF(left + wide * place, middle - 3), QPointF(left + wide * place, middle + 3))
        painter.setPen(QPen(QColor(chosen.series[1]), 2, Qt.PenStyle.DotLine))
        for value in self._baselines.values():
            if value == value:  # not nan
                painter.drawLine(QPointF(left + wide * value, 0), QPointF(left + wide * value, self.height()))
        one = self._figure
        if one.value != one.value:
            return
        accent = QColor(chosen.accent)
        if one.low == one.low:
            bar = QRectF(left + wide * one.low, middle - 2, max(1.0, wide * (one.high - one.low)), 4)
            painter.fillRect(bar, accent)
        painter.setPen(QPen(QColor(chosen.window), 1))
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(left + wide * one.value, middle), radius, radius)


class HeadlineTable(QWidget):
    """The headline figures of an evaluation. `more` unfolds `others`; whoever owns the table places both."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first, self._rest, self.others = QWidget(), QWidget(), QWidget()
        self.legend = theme.muted()
        self.more = QToolButton(text="More figures", checkable=True, autoRaise=True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(self._fold)
        self._beside: Callable[[str], str] | None = None
        self.values: dict[str, str] = {}
        """What stands beside each figure's name, for tests and screen readers."""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        for part in (self._first, self.legend):
            column.addWidget(part)
        QVBoxLayout(self.others).setContentsMargins(0, 0, 0, 0)
        self.others.hide()

    def show_evaluation(self, evaluation: Evaluation, beside: Callable[[str], str] | None = None) -> None:
        """Show the figures and the baselines of an evaluation; `beside` says what else there is of a figure."""
        self._beside = beside
        first = FIRST[evaluation.task]
        hidden = {*first, *REPEATED[evaluation.task]}
        self.values = {}
        made = self._filled(evaluation, first)
        self._put(self, self._first, made)
        self._first = made
        rest = self._filled(evaluation, [name for name in evaluation.metrics if name not in hidden])
        self._put(self.others, self._rest, rest)
        self._rest = rest
        named = ", ".join(f"“{name}”" for name in _of_task(evaluation))
        self.legend.setText(
            f"Thick line: 95 % interval. Dotted: the baseline {named}." if named else "Thick line: 95 % interval."
        )
        self.legend.setToolTip(figure_words.glossary_of("baseline"))

    def _fold(self, opened: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.others.setVisible(opened)

    def _put(self, holder: QWidget, old: QWidget, made: QWidget) -> None:
        layout = holder.layout()
        assert layout is not None
        if layout.indexOf(old) >= 0:
            layout.replaceWidget(old, made)
        else:
            layout.addWidget(made)
        old.hide()
        old.deleteLater()

    def _filled(self, evaluation: Evaluation, names: Sequence[str]) -> QWidget:
        made = QWidget()
        grid = QGridLayout(made)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.SPACE)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(0, 1)
        for place, name in enumerate(names):
            self._add(grid, 4 * place, name, evaluation)
        return made

    def _add(self, grid: QGridLayout, row: int, key: str, evaluation: Evaluation) -> None:
        figure = evaluation.metrics[key]
        baselines = {name: one.metrics[key] for name, one in _of_task(evaluation).items()}
        title, value = QLabel(figure_words.name(key)), QLabel(figure_words.number(figure.value))
        font = value.font()
        font.setBold(True)
        value.setFont(font)
        against = "; ".join(f"{name}: {figure_words.number(number)}" for name, number in baselines.items())
        of = ", ".join(figure_words.number(number) for number in baselines.values())
        parts = (figure_words.interval(figure), f"{'baselines' if len(baselines) > 1 else 'baseline'} {of}" if of else "")
        lines = [" · ".join(part for part in parts if part), *([self._beside(key)] if self._beside else [])]
        words = theme.muted("\n".join(line for line in lines if line))
        bar = IntervalBar(figure, baselines)
        tip = f"{figure_words.meaning(key)} Thick line: 95 % interval. Dotted: baselines ({against or 'none'})."
        for part in (title, value, bar, words):
            part.setToolTip(tip)
        title.setAccessibleName(f"{title.text()}: {figure_words.both(figure)}")
        grid.addWidget(title, row, 0)
        grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(bar, row + 1, 0, 1, 2)
        grid.addWidget(words, row + 2, 0, 1, 2)
        grid.setRowMinimumHeight(row + 3, theme.SPACE // 2)
        self.values[key] = figure_words.both(figure)


def _of_task(evaluation: Evaluation) -> dict[str, Baseline]:
    """The baselines that answer for all findings, and so have every headline figure."""
    return {name: one for name, one in evaluation.baselines.items() if all(key in one.metrics for key in evaluation.metrics)}
