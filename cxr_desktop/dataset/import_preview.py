"""The second step of an import: what will be taken, and what everything means, before any image is opened."""

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset.import_mapping import ImportMapping, Recognised
from cxr_desktop.widgets.text_table import TextTable
from cxr_desktop.wording import in_window
from trainer.errors import TrainerError, counted
from trainer.preview import Preview
from trainer.records import NO, YES, Entry

FACTS = ("File", "Patient", "View", "Sex", "Age", "Source", "Given part")
MOST_FINDINGS = 40
"""Columns of findings in the table of examples."""


class ImportPreview(QWidget):
    """A summary in words, the mapping, and tables: findings, the first images, what is left out, notes."""

    def __init__(self, mapping: ImportMapping, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mapping = mapping
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.reason = theme.muted()
        self.findings = TextTable(("Finding", "Yes", "No", "Not stated"), "Images with each finding")
        self.examples = TextTable(FACTS, "The first images as they will be stored", stretch=-1)
        self.left_out = TextTable(("File or row", "Why it is left out"), "Files and rows that are left out", stretch=1)
        self.unmatched = TextTable(("Row without a file",), "Rows of the table without a file")
        self.notes = TextTable(("Note",), "Notes")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._titles = {
            self.findings: "Findings",
            self.examples: "First images",
            self.left_out: "Left out",
            self.unmatched: "Rows without file",
            self.notes: "Notes",
        }
        for table, title in self._titles.items():
            self.tabs.addTab(table, title)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(mapping)
        self._body = QWidget()
        row = QHBoxLayout(self._body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.SPACE)
        row.addWidget(area, 2)
        row.addWidget(self.tabs, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.summary)
        column.addWidget(self.reason)
        column.addWidget(self._body, 1)
        column.addStretch()
        self._body.hide()

    def wait(self) -> None:
        """Something else was chosen: what is shown holds no more."""
        self._say("Looking at the files", "")
        self.tabs.setEnabled(False)

    def refuse(self, error: TrainerError) -> None:
        """It cannot be imported like this."""
        where = f" ({error.where})" if error.where else ""
        self._say(in_window(f"{error.what}{where}. {error.remedy}"), "error")
        self.reason.clear()
        self.tabs.setEnabled(False)
        for table in self._titles:
            table.set_rows([])
        self._count()

    def show_preview(self, found: Preview) -> None:
        """Show what would be taken, or why nothing can be."""
        self.mapping.show_recognised(_recognised(found))
        self._body.show()
        if found.problem is not None:
            self.refuse(found.problem)
            return
        self.tabs.setEnabled(True)
        self._say(in_words(found), "")
        many = len(found.sources) > 1
        layouts = [f"{one.root.name}: {one.layout}" if many else one.layout for one in found.sources]
        self.reason.setText(f"Recognised: {'; '.join(layouts)}. Patient: {found.patient_from}.")
        self.findings.set_rows([(name, *(f"{count:,}" for count in counts)) for name, counts in found.findings])
        names = [name for name, _ in found.findings][:MOST_FINDINGS]
        self.examples.set_rows([_example(entry, names) for entry in found.examples], (*FACTS, *names))
        self.left_out.set_rows([(one.path, one.why) for one in found.refused])
        self.unmatched.set_rows([(path,) for path in found.unmatched])
        self.notes.set_rows([(in_window(text),) for text in found.warnings])
        self._count()

    def _say(self, text: str, role: str) -> None:
        self.summary.setText(text)
        theme.restyled(self.summary, role)

    def _count(self) -> None:
        """Say on each tab how much is in it, and leave out those that are always there for nothing."""
        for table, title in self._titles.items():
            number, place = len(table.rows()), self.tabs.indexOf(table)
            self.tabs.setTabText(place, title if table is self.examples else f"{title} {number:,}")
            self.tabs.setTabVisible(place, number > 0 or table in (self.findings, self.examples))


def in_words(found: Preview) -> str:
    """What the import would do, in sentences."""
    parts = [f"{counted(found.files, 'image file')}: {found.new:,} new"]
    if found.known:
        relabelled = f" (of which {found.relabelled:,} will be described otherwise)" if found.relabelled else ""
        parts.append(f"{found.known:,} in the project already{relabelled}")
    if found.gone:
        parts.append(f"{found.gone:,} of the project not there any more")
    if found.refused:
        parts.append(f"{counted(len(found.refused), 'file or row', 'files or rows')} left out")
    sentences = [", ".join(parts)]
    if found.patients:
        sentences.append(counted(found.patients, "patient"))
    if found.patient_unknown:
        read = "DICOM" in found.patient_from
        state = "read from their headers while they are imported" if read else "unknown"
        sentences.append(f"The patient of {counted(found.patient_unknown, 'image')} is {state}")
    return f"{'. '.join(sentences)}. They go to {found.project.name}."


def _recognised(found: Preview) -> Recognised:
    used = next((one for one in found.sources if one.table is not None), None)
    tables = tuple(dict.fromkeys(path for one in found.sources for path in one.tables))
    alone = len({one.table for one in found.sources}) == 1
    if used is None:
        used = found.sources[0]
    return Recognised(used.table, used.header, used.columns, tables, alone)


def _example(entry: Entry, names: Sequence[str]) -> tuple[str, ...]:
    words = {YES: "yes", NO: "no"}
    age = "" if entry.age is None else f"{entry.age:g}"
    labels = (words.get(entry.labels.get(name, -1), "") for name in names)
    return (entry.path, entry.patient, entry.view, entry.sex, age, entry.source, entry.part_given, *labels)
