"""Questions of which only the newest counts: one is asked at a time, and those that were overtaken are never asked."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from cxr_desktop.jobs import Job, Work
from cxr_desktop.project import Project
from trainer.errors import TrainerError


class Latest(QObject):
    """Runs one job at a time. What is asked meanwhile waits; of several only the last one is run, and only it is answered."""

    def __init__(self, project: Project, parent: QObject) -> None:
        super().__init__(parent)
        self._project = project
        self._job: Job | None = None
        self._next: Callable[[], Job] | None = None
        self._asked = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._job is not None

    def ask(
        self, work: Work, done: Callable[[Any], object], failed: Callable[[TrainerError], object] | None = None, label: str = ""
    ) -> None:
        """Answer this instead of whatever was asked before."""
        self._asked += 1
        number, refused = self._asked, failed or self._project.tell

        def newest(slot: Callable[[Any], object], answer: object) -> None:
            if number == self._asked:
                slot(answer)

        told, refusal = partial(newest, done), partial(newest, refused)
        self._next = lambda: self._project.run(work, told, refusal, label=label, owner=self)
        if self._job is None or self._job.cancelled:  # cancelled: the project it was about is closed
            self._start()

    def _start(self) -> None:
        if self._next is not None:
            run, self._next = self._next, None
            self._job = job = run()
            job.ended.connect(partial(self._ended, job))

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            if job.cancelled:
                self._next = None
            self._start()
