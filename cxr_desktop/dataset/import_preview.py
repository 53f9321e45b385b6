"""The second step of an import: what will be taken, and what everything means, before any image is opened."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset import import_recognised
from cxr_desktop.dataset.import_mapping import ImportMapping, Recognised
from cxr_desktop.dataset.import_recognised import ImportRecognised
from cxr_desktop.widgets.text_table import TextTable
from cxr_desktop.wording import in_window
from trainer.errors import TrainerError, counted
from trainer.labelling import FIRST, Asked
from trainer.policies import Policies
from trainer.preview import Preview
from trainer.records import NO, YES, Entry

FACTS = ("File", "Patient", "View", "Sex", "Age", "Source", "Given part")
MOST_FINDINGS = 40
"""Columns of findings in the table of examples."""
MOST_REASONS = 2
"""Reasons for leaving files out that stand in the summary."""
RESAVED = "The files that changed are the same radiographs, &saved anew"
COMPARED = "In brackets: what your choice changes in the counts."
Findings = Mapping[str, tuple[int, int, int]]


class ImportPreview(QWidget):
    """A summary in words, the mapping, and beside it: findings, the first images, what was recognised, what is left out."""

    def __init__(self, mapping: ImportMapping, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mapping = mapping
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.reason = theme.muted()
        self.resaved = QCheckBox(RESAVED)
        self._plain: tuple[Asked, Findings] = (FIRST, {})
        self.findings = TextTable(("Finding", "Yes", "No", "Not stated"), "Images with each finding")
        self.examples = TextTable(FACTS, "The first images as they will be stored", stretch=-1)
        self.left_out = TextTable(("File or row", "Why it is left out"), "Files and rows that are left out", stretch=1)
        self.unmatched = TextTable(("Row without a file",), "Rows of the table without a file")
        self.recognised = ImportRecognised()
        self.compared = theme.muted(COMPARED)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("What the import would do")
        counts = QWidget()
        column = QVBoxLayout(counts)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.findings, 1)
        column.addWidget(self.compared)
        self._pages = {self.findings: counts}
        self._titles = {
            self.findings: "Findings",
            self.examples: "First images",
            self.left_out: "Left out",
            self.unmatched: "Rows without file",
        }
        for table, title in self._titles.items():
            self.tabs.addTab(self._pages.setdefault(table, table), title)
        self.tabs.insertTab(1, self.recognised, "About")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(mapping)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its controls have it
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
        column.addWidget(self.resaved)
        column.addWidget(self._body, 1)
        column.addStretch()
        self._body.hide()
        self.forget()

    def forget(self) -> None:
        """Other sources: what was asked about those before is no question any more."""
        self.resaved.setChecked(False)
        self.resaved.hide()

    def wait(self) -> None:
        """Something else was chosen: what is shown holds no more."""
        self._say("Looking at the files", "")
        self.tabs.setEnabled(False)

    def refuse(self, error: TrainerError) -> None:
        """It cannot be imported like this."""
        where = f" ({error.where})" if error.where else ""
        self._say(in_window(f"{error.what}{where}. {error.remedy}"), "error")
        self.resaved.setVisible("--resaved" in error.remedy or self.resaved.isChecked())
        if "--" in error.remedy:  # an option of the command line, which is one of the controls here
            self._body.show()
        self.reason.clear()
        self.tabs.setEnabled(False)
        for table in self._titles:
            table.set_rows([])
        self.recognised.clear()
        self.compared.hide()
        self.tabs.setTabText(self.tabs.indexOf(self.recognised), "About")
        self._count()

    def show_preview(self, found: Preview) -> None:
        """Show what would be taken, or why nothing can be."""
        self.mapping.show_recognised(_recognised(found))
        self._body.show()
        if found.problem is not None:
            self.refuse(found.problem)
            return
        self.tabs.setEnabled(True)
        self._say(in_words(found), "warning" if found.questions else "")
        self.reason.setText(_reason(found))
        self.recognised.show_preview(found)
        self._show_findings(found)
        names = [name for name, _ in found.findings][:MOST_FINDINGS]
        self.examples.set_rows([_example(entry, names) for entry in found.examples], (*FACTS, *names))
        self.left_out.set_rows([(one.path, one.why) for one in found.refused])
        self.unmatched.set_rows([(path,) for path in found.unmatched])
        notes = import_recognised.known(found)
        self.tabs.setTabText(self.tabs.indexOf(self.recognised), f"About: {counted(notes, 'note')}" if notes else "About")
        self._count()

    def _show_findings(self, found: Preview) -> None:
        """Counts, and where a policy was chosen, how it changes them."""
        now, plain = dict(found.findings), replace(found.asked, policies=Policies())
        if found.asked == plain:
            self._plain = (plain, now)
        before = self._plain[1] if self._plain[0] == plain else now
        names = dict.fromkeys([*before, *now])
        none = (0, 0, 0)
        rows = [(name, *map(_compared, now.get(name, none), before.get(name, none))) for name in names]
        self.findings.set_rows(rows)
        self.compared.setVisible(now != before)

    def _say(self, text: str, role: str) -> None:
        self.summary.setText(text)
        theme.restyled(self.summary, role)

    def _count(self) -> None:
        """Say on each tab how much is in it, and leave out those that are always there for nothing."""
        for table, title in self._titles.items():
            number, place = len(table.rows()), self.tabs.indexOf(self._pages[table])
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
        parts.append(f"{counted(len(found.refused), 'file or row', 'files or rows')} left out{_reasons(found)}")
    sentences = [", ".join(parts)]
    if found.patients:
        sentences.append(counted(found.patients, "patient"))
    if found.patient_unknown:
        read = "DICOM" in found.patient_from
        state = "read from their headers while they are imported" if read else "unknown"
        sentences.append(f"The patient of {counted(found.patient_unknown, 'image')} is {state}")
    sentences += [text for one in found.sources if (text := import_recognised.masks_in_words(one))]
    questions = "".join(f"\n⚠ {in_window(question)}." for question in found.questions)
    return f"{'. '.join(sentences)}. They go to {found.project.name}.{questions}"


def _reasons(found: Preview) -> str:
    """The most frequent reasons for leaving something out, where there is more to leave out than to list."""
    # Without what differs from file to file: "several files have its name: a.png, b.png", "it is the same image as b.png".
    reasons = Counter(re.sub(r" as \S*[/.].*$", " as another", one.why.split(": ")[0]) for one in found.refused).most_common()
    if len(found.refused) < 2:
        return ""
    told = "; ".join(f"{count:,}: {why[:1].lower()}{why[1:]}" for why, count in reasons[:MOST_REASONS])
    return f" ({told}{'; ...' if len(reasons) > MOST_REASONS else ''})"


def _reason(found: Preview) -> str:
    """What was recognised and by what, and where the patient comes from."""
    many = len(found.sources) > 1
    told = []
    for one in found.sources:
        name = f"{one.recognised}, as {one.why[0]}" if one.recognised and one.why else one.recognised or one.layout
        told.append(f"{one.root.name}: {name}" if many else name)
    return f"Recognised: {'; '.join(told)}. Patient: {found.patient_from}."


def _compared(now: int, before: int) -> str:
    return f"{now:,}" if now == before else f"{now:,} ({now - before:+,})"


def _recognised(found: Preview) -> Recognised:
    used = next((one for one in found.sources if one.table is not None), None)
    tables = tuple(dict.fromkeys(path for one in found.sources for path in one.tables))
    alone = len({(one.table, one.key) for one in found.sources}) == 1
    if used is None:
        used = found.sources[0]
    matters = tuple(dict.fromkeys(name for one in found.sources for name in one.matters))
    return Recognised(used.table, used.header, used.columns, tables, alone, used.key, used.recognised, found.asked, matters)


def _example(entry: Entry, names: Sequence[str]) -> tuple[str, ...]:
    words = {YES: "yes", NO: "no"}
    age = "" if entry.age is None else f"{entry.age:g}"
    labels = (words.get(entry.labels.get(name, -1), "") for name in names)
    return (entry.path, entry.patient, entry.view, entry.sex, age, entry.source, entry.part_given, *labels)
