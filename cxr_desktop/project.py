"""The open project: the only state that pages share. It says what changed; everything can be read again from its folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from cxr_desktop.commands import Command, Commands
from cxr_desktop.jobs import Job, Jobs, Work
from cxr_desktop.notices import INFORMATION, Notice
from cxr_desktop.settings import Settings
from cxr_desktop.supervisor import Supervisor
from cxr_desktop.wording import in_window
from trainer import runs
from trainer.catalog import Catalog, project_folder
from trainer.errors import TrainerError


class Project(QObject):
    """The open project, or none; the work under way; and what pages want of each other."""

    opened = Signal()
    closed = Signal()
    images_changed = Signal()
    """Images were imported, labelled, flagged, excluded."""
    splits_changed = Signal()
    runs_changed = Signal()
    """A run was made, renamed, deleted, or stands otherwise than before."""
    noticed = Signal(object)
    """A `Notice` to show."""
    settled = Signal(object)
    """A `Notice` that was shown is not so any more."""
    page_wanted = Signal(str)
    """Show a page: dataset, training, evaluation, review."""
    images_wanted = Signal(object, str)
    """Show these images (ids int64 [n]) in the dataset, and say in words what they are."""
    run_wanted = Signal(str, str)
    """Show a run (its folder) on a page."""
    review_wanted = Signal(list)
    """Review these files (paths)."""
    import_wanted = Signal(list)
    """Import these folders and tables (paths)."""
    missing_wanted = Signal()
    """Look for folders of images that are not there, and ask where they are now."""
    task_started = Signal(object)
    """A `Task` that the status bar should show."""

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.jobs = Jobs(self)
        self.commands = Commands(self)
        self.training = Supervisor(self)
        self.undo = QUndoStack(self)
        self.may_leave: Callable[[], bool] = lambda: True
        """Whether another project may take the place of the one that is open; the window asks its pages."""
        self._catalog: Catalog | None = None
        self._background: Catalog | None = None
        self.jobs.started.connect(self.task_started)
        self.commands.started.connect(self.task_started)
        self.training.task_started.connect(self.task_started)
        self.training.changed.connect(self.runs_changed)
        self.training.noticed.connect(self.noticed)
        self.opened.connect(self._watch_runs)
        self.closed.connect(self._watch_runs)

    # The project

    @property
    def is_open(self) -> bool:
        """Whether a project is open."""
        return self._catalog is not None

    @property
    def catalog(self) -> Catalog:
        """The catalog for short reads and for changes in the UI thread. Only while a project is open."""
        assert self._catalog is not None, "no project is open"
        return self._catalog

    @property
    def background(self) -> Catalog:
        """A second connection to the same catalog, for jobs: a long query there does not keep the UI thread waiting."""
        assert self._background is not None, "no project is open"
        return self._background

    @property
    def folder(self) -> Path:
        """The project's folder. Only while a project is open."""
        return self.catalog.project

    def open(self, path: Path, *, create: bool = False) -> bool:
        """Open a project in place of the one that is open; where it cannot be, or `may_leave` says no, keep the other."""
        folder = project_folder(path)
        try:
            catalog = Catalog.create(folder) if create else Catalog.open(folder)
            background = Catalog.open(folder)
        except TrainerError as error:
            self.tell(error)
            return False
        if self.is_open and not self.may_leave():  # asked only now: there is no question where nothing can be opened
            catalog.close()
            background.close()
            return False
        self.close()
        self._catalog, self._background = catalog, background
        self.settings.add_recent(folder)
        self.opened.emit()
        return True

    def close(self) -> None:
        """Close the project; runs that are under way go on."""
        if self._catalog is None or self._background is None:
            return
        self.undo.clear()
        catalog, background = self._catalog, self._background
        self._catalog = self._background = None
        self.closed.emit()
        catalog.close()
        background.close()

    def runs(self) -> list[runs.Run]:
        """The project's runs, oldest first; none if no project is open."""
        return runs.every(self.folder) if self.is_open else []

    # Work

    def run(
        self,
        work: Work,
        done: Callable[[Any], object] | None = None,
        failed: Callable[[TrainerError], object] | None = None,
        *,
        label: str = "",
        owner: QObject | None = None,
        survives: bool = False,
    ) -> Job:
        """Short work in a thread (see `Jobs.run`). An error that nobody takes is told.

        It is cancelled when the project is closed, unless it `survives` because it has nothing to do with the project.
        """
        job = self.jobs.run(work, done, failed or self.tell, label=label, owner=owner)
        if not survives:
            self.closed.connect(job.cancel)
        return job

    def command(
        self,
        words: list[str | Path],
        done: Callable[[Any], object] | None = None,
        failed: Callable[[TrainerError], object] | None = None,
        *,
        label: str,
    ) -> Command:
        """Long work: a verb of the trainer as a process (see `Commands.run`). An error that nobody takes is told."""
        return self.commands.run(words, done, failed or self.tell, label=label)

    def tell(self, told: TrainerError | str) -> None:
        """Show an error or a sentence."""
        if isinstance(told, str):
            self.noticed.emit(Notice(INFORMATION, told))
        else:
            notice = Notice.of(told)
            self.noticed.emit(replace(notice, what=in_window(notice.what), remedy=in_window(notice.remedy)))

    def finish(self) -> None:
        """End all work but trainings, and close; before the application ends."""
        self.commands.finish()
        self.close()  # stores what is still to be stored, and so before threads are waited for that may never end
        self.jobs.finish()
        self.settings.save()  # before the thread that follows runs is waited for: their disk may not answer
        self.training.finish()

    def _watch_runs(self) -> None:
        """Follow the runs of what is open now, those too that are trained from a terminal."""
        self.training.watch(self.folder if self.is_open else None)
