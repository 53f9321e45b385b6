"""Short work off the UI thread: one small pool, results delivered to the UI thread, late results dropped.

The work gets a progress callback and no widget: Python may free what a thread holds in that thread, and Qt objects must not
be freed there.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from cxr_desktop.tasks import Task
from trainer.errors import Progress, Stopped, TrainerError

Work = Callable[[Progress], Any]
"""Called in a thread of the pool with a progress callback (done, total), which raises `Stopped` once the job is cancelled."""


PATIENCE = 10.0
"""Seconds that the end of the program waits for jobs; a thread that a dead network drive holds may never come back."""


class _Threads:
    """Like `ThreadPoolExecutor`, but a thread that never comes back does not keep the program alive."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads: list[threading.Thread] = []
        self._waiting: SimpleQueue[tuple[Future[None], Callable[[], None]] | None] = SimpleQueue()

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Do it as soon as a thread is free."""
        future: Future[None] = Future()
        self._waiting.put((future, work))
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._serve, name=f"job_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def finish(self, seconds: float) -> None:
        """End the threads, and wait for them so long at most."""
        until = time.monotonic() + seconds
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _serve(self) -> None:
        while (asked := self._waiting.get()) is not None:
            future, work = asked
            if future.set_running_or_notify_cancel():
                try:
                    work()
                finally:
                    future.set_result(None)
            del asked, future, work  # whatever it holds is not kept until the next one comes


class Job(Task):
    """A task in a thread of the pool."""

    def __init__(self, label: str, parent: QObject) -> None:
        super().__init__(label, parent)
        self.stop = threading.Event()
        self.future: Future[None] | None = None

    def cancel(self) -> None:
        """Drop its result, and end it at its next word of progress."""
        super().cancel()
        self.stop.set()
        if self.future is not None and self.future.cancel():  # it had not begun
            self.end()


class Jobs(QObject):
    """The pool. `threads` = 0 does everything at once, in the caller's thread."""

    started = Signal(object)
    _said = Signal(int, int, int)
    _over = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 3) -> None:
        super().__init__(parent)
        self._threads = _Threads(threads) if threads else None
        self._jobs: dict[int, Job] = {}
        self._number = 0
        self._closed = False
        self._said.connect(self._progress, Qt.ConnectionType.AutoConnection)
        self._over.connect(self._deliver, Qt.ConnectionType.AutoConnection)

    def run(
        self,
        work: Work,
        done: Callable[[Any], object] | None = None,
        failed: Callable[[TrainerError], object] | None = None,
        *,
        label: str = "",
        owner: QObject | None = None,
    ) -> Job:
        """Do `work` in the background; then `done(result)` or `failed(error)` is called in the UI thread.

        Neither is called after `cancel`, nor after `owner` was deleted. A fault of ours is raised in the UI thread. After
        `finish` nothing is done any more.
        """
        self._number += 1
        number, job = self._number, Job(label, self)
        if done:
            job.done.connect(done)
        if failed:
            job.failed.connect(failed)
        if owner:
            owner.destroyed.connect(job.cancel)
        self._jobs = {one: other for one, other in self._jobs.items() if other.running} | {number: job}
        if self._closed:
            job.cancel()
            job.end()
            return job
        self.started.emit(job)
        if self._threads is None:
            self._work(number, work, job.stop)
        else:
            job.future = self._threads.submit(partial(self._work, number, work, job.stop))
        return job

    def busy(self) -> bool:
        """Whether anything is under way."""
        return any(job.running for job in self._jobs.values())

    def finish(self) -> None:
        """Cancel everything and wait until the threads have ended, but not for ever; nothing can be run after that."""
        self._closed = True
        for job in list(self._jobs.values()):
            job.cancel()
        if self._threads is not None:
            self._threads.finish(PATIENCE)
        for job in list(self._jobs.values()):
            job.end()
        self._jobs.clear()

    def _work(self, number: int, work: Work, stop: threading.Event) -> None:
        """In the thread. Whatever ends the work becomes its outcome."""

        def progress(count: int, total: int) -> None:
            if stop.is_set():
                raise Stopped
            self._said.emit(number, count, total)

        result, error = None, None
        try:
            result = None if stop.is_set() else work(progress)
        except Exception as problem:  # noqa: BLE001 - the border of a job: told or raised again in the UI thread
            error = problem
        if not self._closed:  # late, after a disk that was away: nobody listens any more
            self._over.emit(number, result, error)

    def _progress(self, number: int, count: int, total: int) -> None:
        if job := self._jobs.get(number):
            job.advance(count, total)

    def _deliver(self, number: int, result: object, error: BaseException | None) -> None:
        job = self._jobs.pop(number, None)
        if job is None:
            return
        dropped = job.cancelled or isinstance(error, Stopped)
        try:
            if dropped:
                return
            if isinstance(error, TrainerError):
                job.failed.emit(error)
            elif error is not None:
                raise error
            else:
                job.done.emit(result)
        finally:
            job.end()
