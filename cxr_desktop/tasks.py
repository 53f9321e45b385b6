"""A piece of work under way, in a thread or in a process: what it is, how far it is, how it ends, how it is stopped."""

import time

from PySide6.QtCore import QObject, Signal


class Task(QObject):
    """One piece of work. Lives in the UI thread; exactly one of `done` and `failed` is sent, or neither if it was cancelled.

    `label` says what it does ("Importing images"). With an empty label it is not shown in the status bar.
    """

    progressed = Signal(int, int)
    """Done and total; a total of 0 means that it is not known."""
    noted = Signal(str)
    """What it is doing now, in words."""
    done = Signal(object)
    failed = Signal(object)
    """A `TrainerError`."""
    ended = Signal()
    """Always the last signal."""

    def __init__(self, label: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.label = label
        self.note = ""
        self.count = self.total = 0
        self.cancelled = False
        self.running = True
        self._since = time.monotonic()
        self.noted.connect(self._keep)

    def cancel(self) -> None:
        """Stop it: nothing half-made stays, and its result is dropped."""
        self.cancelled = True

    def advance(self, count: int, total: int) -> None:
        """Say how far it is."""
        if self.running:
            self.count, self.total = count, total
            self.progressed.emit(count, total)

    def _keep(self, note: str) -> None:
        if note != self.note:
            self.note = note
            self._since = time.monotonic()  # another step has another speed

    def remaining(self) -> float | None:
        """Seconds still needed at the speed so far; None as long as that cannot be said."""
        elapsed = time.monotonic() - self._since
        if not self.running or self.count < 1 or self.total <= self.count or elapsed < 1:
            return None
        return elapsed * (self.total - self.count) / self.count

    def end(self) -> None:
        """It is over; called once by whoever runs it, after the outcome was told."""
        if self.running:
            self.running = False
            self.ended.emit()
            self.deleteLater()
