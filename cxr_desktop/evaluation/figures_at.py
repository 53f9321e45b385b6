"""The figures of one finding at a threshold in a row: now, with interval, and as saved."""

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from cxr_desktop.evaluation import figure_words
from cxr_desktop.evaluation.finding_scores import AT_THRESHOLD, Readout
from trainer.results import Figure

NO_INTERVAL = "when saved"
"""F1 has no interval that is made at once."""
ROWS = ("Now", "95 % interval", "Saved")


class FiguresTable(QTableWidget):
    """One column for each figure that a threshold moves; no cell changes its size when the numbers change."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(len(ROWS), len(AT_THRESHOLD), parent)
        self.setAccessibleName("Figures of the finding at this threshold")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalHeaderLabels([figure_words.name(name) for name in AT_THRESHOLD])
        self.setVerticalHeaderLabels(list(ROWS))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(round(self.fontMetrics().height() * 1.5))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        bold = self.font()
        bold.setBold(True)
        for column, name in enumerate(AT_THRESHOLD):
            self.horizontalHeaderItem(column).setToolTip(figure_words.meaning(name))
            for row in range(len(ROWS)):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                item.setToolTip(figure_words.meaning(name))
                self.setItem(row, column, item)
            self.item(0, column).setFont(bold)

    def show_readout(self, now: Readout) -> None:
        """Show the figures at the threshold that is looked at."""
        for column, name in enumerate(AT_THRESHOLD):
            figure = now.figures[name]
            self._put(0, column, figure_words.number(figure.value))
            self._put(1, column, _interval(figure))

    def set_fixed(self, fixed: bool) -> None:
        """Whether there is a saved threshold to compare with: none where thresholds cannot be saved."""
        self.setRowHidden(len(ROWS) - 1, fixed)
        self.updateGeometry()

    def show_saved(self, saved: Mapping[str, Figure]) -> None:
        """Show the figures at the threshold that the model carries."""
        for column, name in enumerate(AT_THRESHOLD):
            self._put(2, column, figure_words.number(saved[name].value))

    def texts(self, name: str) -> tuple[str, ...]:
        """What stands in the column of a figure: now, interval, saved."""
        return tuple(self.item(row, AT_THRESHOLD.index(name)).text() for row in range(len(ROWS)))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All rows, and room for every interval."""
        high = self.horizontalHeader().sizeHint().height() + self.verticalHeader().length() + 2 * self.frameWidth()
        cell = max(self.fontMetrics().horizontalAdvance(f"{text} ") for text in (NO_INTERVAL, "0.000 to 0.000"))
        return QSize(self.verticalHeader().sizeHint().width() + len(AT_THRESHOLD) * cell, high)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """No row is hidden."""
        return QSize(self.sizeHint().width() * 4 // 5, self.sizeHint().height())

    def _put(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item.text() != text:
            item.setText(text)


def _interval(figure: Figure) -> str:
    if figure.value != figure.value:
        return ""
    return figure_words.interval(figure) or NO_INTERVAL
