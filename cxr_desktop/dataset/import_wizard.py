"""Bring images into a project: choose sources, look at what would be taken, import."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset import import_command
from cxr_desktop.dataset.import_mapping import ImportMapping
from cxr_desktop.dataset.import_preview import ImportPreview
from cxr_desktop.dataset.import_report import ImportReport
from cxr_desktop.dataset.import_sources import ImportSources
from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.tasks import Task
from trainer import files, preview
from trainer.catalog import FILE
from trainer.errors import TrainerError
from trainer.importer import Imported
from trainer.labelling import Asked
from trainer.preview import Preview

SOURCES, PREVIEW, REPORT = range(3)
TITLES = ("Sources", "What will be taken", "Import")
STATE = "import/window"
PAUSE = 300
"""Milliseconds without another choice before the preview is made again."""


class ImportWizard(QDialog):
    """Three steps. With no project open, or if a `new` one is asked for, it makes one."""

    def __init__(
        self, project: Project, sources: Sequence[Path] = (), parent: QWidget | None = None, *, new: bool = False
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._job: Task | None = None
        self._listed: Path | None = None
        self._found: Preview | None = None
        self._previews = Latest(project, self)
        self._asked_for: tuple[list[Path], Path | None, Path] | None = None
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self._look)
        self.sources = ImportSources(sources, project.folder if project.is_open and not new else None)
        self.preview = ImportPreview(ImportMapping(None))
        self.report = ImportReport()
        self.setWindowTitle("Import images")
        self.title, self.step = theme.heading("", level=2), theme.muted()
        self.step.setWordWrap(False)
        self.stack = QStackedWidget()
        for step in (self.sources, self.preview, self.report):
            self.stack.addWidget(step)
        self.back, self.next, self.cancel = QPushButton("Back"), QPushButton("Next"), QPushButton("Cancel")
        self.split, self.show_images = QPushButton("Split…"), QPushButton("Open dataset")
        self._lay_out()
        self._connect()
        self._go(SOURCES)
        if sources and not self.sources.problem() and self.sources.target() == self._open_folder():
            self._forward()  # nothing to decide in the first step

    def reject(self) -> None:
        """Escape and Cancel: an import that is under way is stopped first."""
        if self._job is not None:
            self._stop()
        else:
            super().reject()

    def done(self, result: int) -> None:
        """However it is left, the next one is as large."""
        self._project.settings.set_state(STATE, self.saveGeometry())
        super().done(result)

    # Building

    def _lay_out(self) -> None:
        theme.restyled(self.next, "primary")
        self.next.setDefault(True)
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addStretch()
        for button in (self.split, self.show_images, self.next, self.cancel):
            row.addWidget(button)
        for button in (self.back, self.cancel, self.split, self.show_images):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE)
        column.setSpacing(2 * theme.SPACE)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.step)
        column.addLayout(head)
        column.addWidget(self.stack, 1)
        column.addLayout(row)
        metrics = self.fontMetrics()
        self.resize(metrics.averageCharWidth() * 150, metrics.height() * 42)
        self.restoreGeometry(self._project.settings.state(STATE))

    def _connect(self) -> None:
        self.sources.changed.connect(self._enable)
        self.preview.mapping.changed.connect(self._look_again)
        self.preview.resaved.clicked.connect(self._look_again)
        self.report.told.connect(self._project.tell)
        self.back.clicked.connect(lambda: self._go(self.stack.currentIndex() - 1))
        self.next.clicked.connect(self._forward)
        self.cancel.clicked.connect(self.reject)
        self.show_images.clicked.connect(self._show_dataset)
        self.split.clicked.connect(self._open_split)

    # Steps

    def _go(self, step: int) -> None:
        self.stack.setCurrentIndex(step)
        self.title.setText(self._title(step))
        self.step.setText(f"Step {step + 1} of {len(TITLES)}")
        self._enable()

    def _title(self, step: int) -> str:
        """Names the known datasets as soon as they are recognised."""
        names = ", ".join(dict.fromkeys(one.recognised for one in self._found.sources if one.recognised)) if self._found else ""
        return f"{names}: {TITLES[step][:1].lower()}{TITLES[step][1:]}" if step == PREVIEW and names else TITLES[step]

    def _enable(self) -> None:
        step, over = self.stack.currentIndex(), self.stack.currentIndex() == REPORT and self._job is None
        self.back.setVisible(step == PREVIEW)
        self.next.setVisible(step != REPORT)
        self.next.setText("Import" if step == PREVIEW else "Next")
        self.next.setEnabled(not self.sources.problem() if step == SOURCES else self._ready())
        self.cancel.setText("Close" if over else "Stop" if step == REPORT else "Cancel")
        self.show_images.setVisible(over)
        self.split.setVisible(over and self._can_split())

    def _ready(self) -> bool:
        found = self._found
        return found is not None and found.problem is None and found.taken + found.gone > 0

    def _can_split(self) -> bool:
        if not self._project.is_open or self._project.folder != self.sources.target():
            return False
        return not self._project.catalog.active_split() and bool(self._project.catalog.findings())

    def _open_folder(self) -> Path | None:
        return self._project.folder if self._project.is_open else None

    def _forward(self) -> None:
        if self.stack.currentIndex() == SOURCES:
            asked_for = (self.sources.sources(), self.sources.table(), self.sources.target())
            if asked_for != self._asked_for:
                self._asked_for = asked_for
                self.preview.mapping.asked = Asked(table=asked_for[1])
                self.preview.forget()
                self._look()
            self._go(PREVIEW)
        elif self._ready():
            self._import()

    # Preview

    def _look_again(self) -> None:
        self._found = None
        self.preview.wait()
        self._enable()
        self._pause.start()

    def _look(self) -> None:
        self._found = None
        self.preview.wait()
        self._enable()
        assert self._asked_for is not None
        sources, _, target = self._asked_for
        asked = self.preview.mapping.asked
        self._previews.ask(lambda progress: preview.run(target, sources, asked, progress), self._show, self._refuse)

    def _show(self, found: Preview) -> None:
        if self._pause.isActive():  # something else was chosen meanwhile
            return
        self._found = found
        self.title.setText(self._title(self.stack.currentIndex()))
        self.preview.show_preview(found)
        self._enable()

    def _refuse(self, error: TrainerError) -> None:
        if not self._pause.isActive():
            self.preview.refuse(error)

    # Import

    def _import(self) -> None:
        assert self._asked_for is not None
        assert self._found is not None
        sources, _, target = self._asked_for
        # In full, so that what was looked at is what is done; but each of several sources may have a last import of its own.
        asked = self._found.asked if len(self._found.sources) == 1 else self.preview.mapping.asked
        self._listed = import_command.written(sources)
        words = import_command.words(target, sources, asked, self._listed, resaved=self.preview.resaved.isChecked())
        job = self._project.command(words, self._imported, self._not_imported, label="Importing images")
        self.destroyed.connect(job.cancel)
        self._job = job
        self.report.follow(job)
        job.ended.connect(self._ended)  # itself and no partial: it must not be called once the dialog is gone
        self._go(REPORT)

    def _imported(self, said: dict[str, Any]) -> None:
        self._job, made = None, Imported.from_json(said)
        self._take_over(made.project)
        if made.changed:  # what could be undone may be something else now
            self._project.undo.clear()
        self.report.show_result(made)
        self._go(REPORT)
        self.show_images.setFocus(Qt.FocusReason.OtherFocusReason)

    def _not_imported(self, error: TrainerError) -> None:
        self._job = None
        self._go(PREVIEW)
        self.preview.refuse(error)
        self._found = None
        self._enable()

    def _stop(self) -> None:
        if self._job is not None:
            self.cancel.setEnabled(False)
            self.report.status.setText("Stopping")
            self._job.cancel()

    def _ended(self) -> None:
        """Stopped: sources that were finished before are kept, the one under way is as it was."""
        self.cancel.setEnabled(True)
        if self._listed is not None:
            self._listed.unlink(missing_ok=True)
        if self._job is None or self._job.running:
            return
        self._job = None
        if files.is_file(self.sources.target() / FILE):
            self._take_over(self.sources.target())
        self._look()
        self._go(PREVIEW)

    def _take_over(self, folder: Path) -> None:
        """Show the images: open the project if it is new, or say that it has others."""
        if self._open_folder() == folder:
            self._project.images_changed.emit()
        else:
            self._project.open(folder)

    # Afterwards

    def _show_dataset(self) -> None:
        target = self.sources.target()
        if self._open_folder() != target and not self._project.open(target):  # a page kept the other one
            return
        self._project.page_wanted.emit("dataset")
        self.accept()

    def _open_split(self) -> None:
        dialog = SplitDialog(self._project, self.parentWidget())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._project.page_wanted.emit("dataset")
        self.accept()
        dialog.open()
