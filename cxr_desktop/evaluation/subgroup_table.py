"""How the network does on the images of one view, sex, age band or source: the places where an average hides a failure."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import figure_words
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from trainer.judgement import SMALLEST_GROUP
from trainer.results import Evaluation, Figure

ALL = "All findings"
OF_TASK = ("macro_f1", "balanced_accuracy", "macro_auroc")
OF_FINDING = ("sensitivity", "specificity", "auroc")
TITLES = {"view": "View", "sex": "Sex", "age": "Age in years", "source": "Source"}
BELOW, ABOVE = "▼", "▲"
NOTE = (
    f"{BELOW} {ABOVE} The 95 % interval lies below or above the figure of all images; with many groups, some do by chance. "
    f"Groups of fewer than {SMALLEST_GROUP} images, and columns with one group only, are left out."
)


class SubgroupTable(QWidget):
    """One row for each group, under the heading of its column; figures of the task or of one finding."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluation: Evaluation | None = None
        self.chooser = FindingChooser(ALL)
        self.chooser.chosen.connect(lambda _: self._show())
        self.table = QTableWidget()
        self.table.setAccessibleName("Figures by subgroup")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.note = theme.muted(NOTE)
        top = QHBoxLayout()
        top.addWidget(self.chooser, 1)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addWidget(self.note)

    def show_judged(self, judged: Judged) -> None:
        """Show the groups of an evaluation."""
        self._evaluation = judged.evaluation
        self.chooser.set_findings(list(judged.findings))
        self._show()

    def _show(self) -> None:
        evaluation, finding = self._evaluation, self.chooser.finding()
        if evaluation is None:
            return
        names = OF_FINDING if finding else OF_TASK
        whole = {name: getattr(evaluation.findings[finding], name) for name in names} if finding else evaluation.metrics
        self.table.clear()
        self.table.setRowCount(0)
        self.table.setColumnCount(3 + len(names))
        self.table.setHorizontalHeaderLabels(["Group", "Images", "Patients", *map(figure_words.name, names)])
        for place, name in enumerate(names, 3):
            self.table.horizontalHeaderItem(place).setToolTip(figure_words.meaning(name))
        self._add(["All images", f"{evaluation.images:,}", _patients(evaluation.patients)], names, whole, whole, bold=True)
        column = ""
        for group in evaluation.subgroups:
            if group.column != column:
                column = group.column
                self._heading(TITLES.get(column, column))
            figures = group.findings[finding] if finding else group.metrics
            self._add([group.group, f"{group.images:,}", _patients(group.patients)], names, figures, whole)
        if not evaluation.subgroups:
            self._heading("No column of the catalog divides these images into groups that are large enough.")
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(self.fontMetrics().height() * 4)

    def _heading(self, text: str) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        item = QTableWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setFont(self._bold())
        self.table.setItem(row, 0, item)
        self.table.setSpan(row, 0, 1, self.table.columnCount())

    def _add(
        self,
        texts: list[str],
        names: tuple[str, ...],
        figures: Mapping[str, Figure],
        whole: Mapping[str, Figure],
        *,
        bold: bool = False,
    ) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        cells = [*texts, *(_cell(figures[name], whole[name]) for name in names)]
        for place, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text.replace("\n", ", "))
            if place:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if bold:
                item.setFont(self._bold())
            self.table.setItem(row, place, item)

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font


def _patients(count: int | None) -> str:
    return "not known" if count is None else f"{count:,}"


def _cell(figure: Figure, whole: Figure) -> str:
    """The figure, and below it its interval."""
    return f"{_mark(figure, whole)}{figure_words.number(figure.value)}\n{figure_words.interval(figure)}".rstrip()


def _mark(figure: Figure, whole: Figure) -> str:
    if figure.high < whole.value:
        return f"{BELOW} "
    return f"{ABOVE} " if figure.low > whole.value else ""
