"""The last step of an import: how far it is, and then what was taken, what was not, and why."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QProgressBar, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.tasks import Task
from cxr_desktop.training.spans import duration
from cxr_desktop.widgets.text_table import TextTable
from cxr_desktop.wording import in_window
from trainer import files
from trainer.errors import StorageError, counted
from trainer.importer import Imported


class ImportReport(QWidget):
    """First a progress bar, then a summary and a table of all that was left out or is worth knowing."""

    told = Signal(object)
    """A `StorageError` while the table was saved."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the import")
        self.status = theme.muted()
        self.title = theme.heading("", level=2)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.table = TextTable(("Kind", "File or row", "Why"), "What was left out, and notes", stretch=2)
        self.copy = QPushButton("Copy")
        self.save = QPushButton("Save as CSV…")
        self._stack = QStackedWidget()
        self._task: Task | None = None
        self._lay_out()
        self.copy.clicked.connect(self._copy)
        self.save.clicked.connect(self._ask_where)

    def follow(self, task: Task) -> None:
        """Show how far a task is."""
        self._stack.setCurrentIndex(0)
        self.bar.setRange(0, 0)
        self.status.setText("Reading the files")
        self._task = task
        task.progressed.connect(self._progress)  # itself and no lambda: it must not be called once the page is gone

    def show_result(self, made: Imported) -> None:
        """Show how it went."""
        self._stack.setCurrentIndex(1)
        accepted = made.taken + made.changed + made.unchanged
        self.title.setText(f"{counted(accepted, 'image')} in {made.project.name}")
        self.summary.setText(in_words(made))
        rows = [("left out", one.path, one.why) for one in made.refused]
        rows += [("row without a file", path, "") for path in made.unmatched]
        rows += [("note", "", in_window(text)) for text in made.warnings]
        self.table.set_rows(rows)
        for widget in (self.table, self.copy, self.save):
            widget.setVisible(bool(rows))

    def _lay_out(self) -> None:
        under_way = QWidget()
        column = QVBoxLayout(under_way)
        column.addStretch()
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addStretch()
        over = QWidget()
        column = QVBoxLayout(over)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.title)
        column.addWidget(self.summary)
        column.addWidget(self.table, 1)
        row = QHBoxLayout()
        for button in (self.copy, self.save):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch()
        column.addLayout(row)
        column.addStretch()
        self._stack.addWidget(under_way)
        self._stack.addWidget(over)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)

    def _progress(self, count: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(count)
        left = self._task.remaining() if self._task else None
        remaining = f", about {duration(left)} left" if left is not None else ""
        storing = "; storing" if total and count == total else ""
        self.status.setText(f"{count:,} of {total:,} files{remaining}{storing}")

    def _copy(self) -> None:
        self.table.clearSelection()
        self.table.copy()

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, "Save the report", "import-report.csv", "Table (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.open()

    def write(self, path: Path) -> None:
        """Save the table; `told` says where that cannot be."""
        try:
            files.write_text(path, self.table.as_csv())
        except StorageError as error:
            self.told.emit(error)


def in_words(made: Imported) -> str:
    """How an import went, in sentences."""
    told = {"new": made.taken, "changed": made.changed, "as before": made.unchanged, "not there any more": made.gone}
    counts = ", ".join(f"{count:,} {word}" for word, count in told.items() if count or word == "new")
    lines = [f"{counts}. {counted(made.patients, 'known patient')} in the project."]
    if made.masks:
        kept = "1 mask is kept beside its image" if made.masks == 1 else f"{made.masks:,} masks are kept beside their images"
        lines.append(f"{kept}.")
    if made.refused:
        lines.append(f"{counted(len(made.refused), 'file or row', 'files or rows')} left out.")
    if made.unmatched:
        lines.append(f"{counted(len(made.unmatched), 'row')} of the table without a file.")
    if made.findings:
        lines.append("Images with a finding: " + ", ".join(f"{name} {count:,}" for name, count in made.findings.items()) + ".")
    else:
        lines.append("No image has a label yet: import again with a table, from a folder for each finding, or label by hand.")
    lines += [f"Read as {in_window(layout)}." for layout in made.layouts if layout]
    return "\n".join(lines)
