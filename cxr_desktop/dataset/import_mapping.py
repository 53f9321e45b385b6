"""What says what about the images: a table and its columns, or the folders. Shown as it was recognised, and open to change."""

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset.import_policies import ImportPolicies
from cxr_desktop.widgets.choice_box import ChoiceBox
from trainer.columns import NONE, Columns
from trainer.labelling import FIRST, Asked
from trainer.layouts import LAYOUTS

PLAIN = (
    ("Found by itself", "auto"),
    ("A table", "table"),
    ("A folder for each finding", "folders"),
    ("Images without labels", "flat"),
)
AS_BEFORE = ("As in its last import", "")
"""In place of the first, while nothing is chosen for a source that was imported otherwise than it would be by itself."""

FIELDS = (
    ("path", "&Image file", "Column with the path or name of the image file"),
    ("patient", "&Patient", "Images of one patient never stand on both sides of a split"),
    ("study", "Stu&dy", "Images that were taken together"),
    ("view", "&View", "PA, AP or lateral"),
    ("sex", "Se&x", "M, F or O"),
    ("age", "&Age", "Age in years, or as in DICOM (058Y, 011M)"),
    ("source", "S&ource", "Hospital or dataset that the image comes from"),
    ("part", "Par&t", "Train, validation or test, as the dataset itself divides its images"),
    ("reader", "R&eader", "Who stated the findings, where several people looked at the same image"),
)
NO_COLUMN = "(none)"
OTHER = "Another file…"
LINES = 5
"""Columns that are seen at once in the list of findings."""


@dataclass(frozen=True)
class Recognised:
    """What was understood of the sources: the table in use (or None), its header, what its columns were taken for.

    `tables` can be chosen instead; `alone` is whether table and layout hold for all sources, so that they can be asked for by
    name. `key` and `name` are those of the known dataset ("" is none); `asked` is what holds, chosen now or at the last import;
    `matters` names the policies that change something.
    """

    table: Path | None
    header: tuple[str, ...]
    columns: Columns
    tables: tuple[Path, ...]
    alone: bool
    key: str = ""
    name: str = ""
    asked: Asked = FIRST
    matters: tuple[str, ...] = ()


class ImportMapping(QWidget):
    """Controls that show what was recognised. What the user chooses is `asked`, all else stays open to recognition."""

    changed = Signal()

    def __init__(self, table: Path | None, parent: QWidget | None = None) -> None:
        """`table`: one that the user chose before."""
        super().__init__(parent)
        self.asked = Asked(table=table)
        self._recognised = Recognised(None, (), Columns(), (), True)
        self._showing = False
        self.layout_ = ChoiceBox([])
        self.table = ChoiceBox([])
        self.policies = ImportPolicies()
        self.columns = {name: ChoiceBox([]) for name, _, _ in FIELDS}
        self.findings = QListWidget()
        self.about = QLabel("&Findings")
        self.head = theme.strong("Columns")
        self._lay_out()
        self.layout_.activated.connect(self._choose_layout)
        self.table.activated.connect(self._choose_table)
        for name, box in self.columns.items():
            box.activated.connect(lambda _, name=name: self._choose_column(name))
        self.findings.itemChanged.connect(self._choose_findings)
        self.show_recognised(self._recognised)
        self.policies.chosen.connect(lambda policies: self._ask(replace(self._in_force(), policies=policies)))

    def show_recognised(self, found: Recognised) -> None:
        """Show how the sources were read."""
        self._recognised = found
        self._showing = True
        open_ = self.asked.layout in ("", "auto")
        by_itself, key = PLAIN[0] if self.asked != Asked() or found.asked == FIRST else AS_BEFORE
        self.layout_.setItemText(0, f"{by_itself}: {found.name}" if found.name and open_ else by_itself)
        self.layout_.setItemData(0, key)
        self.layout_.setCurrentIndex(0 if open_ else self.layout_.findData(self.asked.layout))
        self.layout_.setToolTip(self.layout_.currentText())
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
        for name, box in self.columns.items():
            _fill(box, found, name)
        self.head.setToolTip(f"Columns of {found.table}" if found.table else "")
        self._fill_findings(found)
        self.policies.show_policies(found.asked.policies, found.matters)
        for widget in (*self.columns.values(), self.findings, self.about, self.head, *self._labels):
            widget.setVisible(found.table is not None)
        self._showing = False

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for words, key in PLAIN:
            self.layout_.addItem(words, key)
        self.layout_.insertSeparator(len(PLAIN))
        for known in LAYOUTS:
            self.layout_.addItem(known.name, known.key)
        form.addRow("&Read as", self.layout_)
        form.addRow("Ta&ble", self.table)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(form)
        column.addWidget(self.policies)
        column.addWidget(self.head)
        column.addLayout(self._columns())
        column.addStretch()

    def _columns(self) -> QFormLayout:
        """A row for each meaning that a column can have."""
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._labels = []
        for name, words, tip in FIELDS:
            box = self.columns[name]
            box.setAccessibleDescription(tip)
            form.addRow(words, box)
            label = form.labelForField(box)
            label.setToolTip(tip)
            self._labels.append(label)
            if name == "path":
                self.about.setBuddy(self.findings)
                form.addRow(self.about, self.findings)
        self.findings.setToolTip("One column that names findings, or several that say yes or no, one for each finding")
        self.findings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # a long name ends in dots
        self.findings.setAccessibleName("Columns that state findings")
        self.findings.setFixedHeight(self.fontMetrics().height() * LINES + theme.SPACE)
        return form

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

    def _in_force(self) -> Asked:
        """What holds now: chosen here, or remembered from the last import."""
        return self._recognised.asked if self.asked == Asked() else self.asked

    def _choose_layout(self) -> None:
        layout = str(self.layout_.currentData())
        table = self.asked.table if layout in ("auto", "table") else None
        self._ask(Asked(layout, table, policies=self._in_force().policies) if layout else Asked())

    def _choose_table(self) -> None:
        chosen = self.table.currentData()
        if chosen == OTHER:
            self._ask_file()
            self.table.setCurrentIndex(max(0, self.table.findData(str(self._recognised.table))))
        elif chosen is not None:
            self._ask(Asked(table=Path(chosen), policies=self._in_force().policies))

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Table with labels")
        dialog.setNameFilters(["Tables (*.csv *.tsv *.txt *.tab *.xlsx *.csv.gz)", "All files (*)"])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._ask(Asked(table=Path(name), policies=self._in_force().policies)))
        dialog.open()

    def _choose_column(self, name: str) -> None:
        self._ask_columns(replace(self._in_force().columns, **{name: self.columns[name].currentData()}))

    def _choose_findings(self) -> None:
        if self._showing:
            return
        rows = [self.findings.item(row) for row in range(self.findings.count())]
        labels = tuple(item.text() for item in rows if _checked(item))
        self._ask_columns(replace(self._in_force().columns, labels=labels or (NONE,)))

    def _ask_columns(self, columns: Columns) -> None:
        """Other columns of the table in use, which a known layout goes on reading in its own way."""
        found, now = self._recognised, self._in_force()
        if found.key and found.alone:
            self._ask(Asked(found.key, now.table, columns, now.policies))
            return
        table = now.table or (found.table if found.alone else None)
        self._ask(Asked("table" if table is None else "auto", table, columns, now.policies))

    def _ask(self, asked: Asked) -> None:
        if asked != self.asked:
            self.asked = asked
            self.changed.emit()


def _checked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked


def _fill(box: QComboBox, found: Recognised, name: str) -> None:
    """Offer all columns; beside them that there is none, and for a known dataset its own way, which may need no column."""
    box.clear()
    chosen = getattr(found.columns, name)
    if found.key:
        box.addItem(f"(as {found.name} has it)", "")
    if name != "path" or not (chosen or found.key):
        box.addItem(NO_COLUMN, NONE)
    for column in found.header:
        box.addItem(column, column)
    none = NONE if not found.key or getattr(found.asked.columns, name) == NONE else ""
    box.setCurrentIndex(max(0, box.findData(chosen or none)))
