"""What says what about the images: a table and its columns, or the folders. Shown as it was recognised, and open to change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cxr_desktop import theme
from trainer.columns import NONE, Columns
from trainer.labelling import Asked

LAYOUTS = (("Found automatically", "auto"), ("A table", "table"), ("The folders", "folders"), ("Nothing", "flat"))
FIELDS = (
    ("path", "&Image file", "Column with the path or name of the image file"),
    ("patient", "&Patient", "Images of one patient never stand on both sides of a split"),
    ("view", "&View", "PA, AP or lateral"),
    ("sex", "Se&x", "M, F or O"),
    ("age", "&Age", "Age in years, or as in DICOM (058Y, 011M)"),
    ("source", "S&ource", "Hospital or dataset that the image comes from"),
)
NO_COLUMN = "(none)"
OTHER = "Another file…"
LINES = 5
"""Columns that are seen at once in the list of findings."""


@dataclass(frozen=True)
class Recognised:
    """What was understood of the sources: the table in use (or None), its header, what its columns were taken for.

    `tables` can be chosen instead; `alone` is whether the table holds for all sources, so that it can be asked for by name.
    """

    table: Path | None
    header: tuple[str, ...]
    columns: Columns
    tables: tuple[Path, ...]
    alone: bool


class ImportMapping(QWidget):
    """Controls that show what was recognised. What the user chooses is `asked`, all else stays open to recognition."""

    changed = Signal()

    def __init__(self, table: Path | None, parent: QWidget | None = None) -> None:
        """`table`: one that the user chose before."""
        super().__init__(parent)
        self.asked = Asked(table=table)
        self._recognised = Recognised(None, (), Columns(), (), True)
        self._showing = False
        self.layout_ = QComboBox()
        self.table = QComboBox()
        for field in (self.layout_, self.table):
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.columns = {name: QComboBox() for name, _, _ in FIELDS}
        self.findings = QListWidget()
        self.about = QLabel("&Findings")
        self._lay_out()
        self.layout_.activated.connect(self._choose_layout)
        self.table.activated.connect(self._choose_table)
        for name, field in self.columns.items():
            field.activated.connect(lambda _, name=name: self._choose_column(name))
        self.findings.itemChanged.connect(self._choose_findings)

    def show_recognised(self, found: Recognised) -> None:
        """Show how the sources were read."""
        self._recognised = found
        self._showing = True
        self.layout_.setCurrentIndex(next(place for place, (_, key) in enumerate(LAYOUTS) if key == self.asked.layout))
        tables = list(
            dict.fromkeys([*found.tables, *([found.table] if found.table else []), *filter(None, [self.asked.table])])
        )
        self.table.clear()
        self.table.addItem(NO_COLUMN if found.table is None else "", None)
        for path in tables:
            self.table.addItem(path.name, str(path))
            self.table.setItemData(self.table.count() - 1, str(path), Qt.ItemDataRole.ToolTipRole)
        self.table.addItem(OTHER, OTHER)
        if found.table is not None:
            self.table.removeItem(0)
        self.table.setCurrentIndex(max(0, self.table.findData(str(found.table))))
        for name, field in self.columns.items():
            _fill(field, found.header, getattr(found.columns, name), needed=name == "path")
        self._fill_findings(found)
        for widget in (*self.columns.values(), self.findings, self.about, *self._labels):
            widget.setVisible(found.table is not None)
        self._showing = False

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for words, key in LAYOUTS:
            self.layout_.addItem(words, key)
        form.addRow("&Labels from", self.layout_)
        form.addRow("Ta&ble", self.table)
        self._labels = []
        for name, words, tip in FIELDS:
            field = self.columns[name]
            field.setToolTip(tip)
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            field.setMinimumContentsLength(8)
            form.addRow(words, field)
            self._labels.append(form.labelForField(field))
            if name == "path":
                self.about.setBuddy(self.findings)
                form.addRow(self.about, self.findings)
        self.findings.setToolTip("One column that names findings, or several that say yes or no, one for each finding")
        self.findings.setAccessibleName("Columns that state findings")
        self.findings.setFixedHeight(self.fontMetrics().height() * LINES + theme.SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addStretch()

    def _fill_findings(self, found: Recognised) -> None:
        self.findings.clear()
        used = {getattr(found.columns, name) for name, _, _ in FIELDS} - set(found.columns.labels)
        for name in found.header:
            if name in used:
                continue
            item = QListWidgetItem(name, self.findings)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name in found.columns.labels else Qt.CheckState.Unchecked)
            item.setToolTip(name)
        first = next((row for row in range(self.findings.count()) if _checked(self.findings.item(row))), -1)
        if first >= 0:
            self.findings.scrollToItem(self.findings.item(first))

    def _choose_layout(self) -> None:
        layout = str(self.layout_.currentData())
        table = self.asked.table if layout in ("auto", "table") else None
        self._ask(Asked(layout, table))

    def _choose_table(self) -> None:
        chosen = self.table.currentData()
        if chosen == OTHER:
            self._ask_file()
            self.table.setCurrentIndex(max(0, self.table.findData(str(self._recognised.table))))
        elif chosen is not None:
            self._ask(Asked(table=Path(chosen)))

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Table with labels")
        dialog.setNameFilters(["Tables (*.csv *.tsv *.txt *.tab)", "All files (*)"])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._ask(Asked(table=Path(name))))
        dialog.open()

    def _choose_column(self, name: str) -> None:
        chosen = self.columns[name].currentData()
        self._ask_columns(replace(self.asked.columns, **{name: chosen or NONE}))

    def _choose_findings(self) -> None:
        if self._showing:
            return
        rows = [self.findings.item(row) for row in range(self.findings.count())]
        labels = tuple(item.text() for item in rows if _checked(item))
        self._ask_columns(replace(self.asked.columns, labels=labels or (NONE,)))

    def _ask_columns(self, columns: Columns) -> None:
        table = self.asked.table or (self._recognised.table if self._recognised.alone else None)
        self._ask(Asked("table" if table is None else "auto", table, columns))

    def _ask(self, asked: Asked) -> None:
        if asked != self.asked:
            self.asked = asked
            self.changed.emit()


def _checked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked


def _fill(field: QComboBox, header: Sequence[str], chosen: str, *, needed: bool) -> None:
    field.clear()
    if not needed or not chosen:
        field.addItem(NO_COLUMN, "")
    for name in header:
        field.addItem(name, name)
    field.setCurrentIndex(max(0, field.findData(chosen)))
