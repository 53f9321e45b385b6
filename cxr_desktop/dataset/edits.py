"""Changes that can be undone: labels, flags, excluded images.

A change of a few images is stored at once, in milliseconds; one of many goes to a job, as does any as long as another
program is writing, and whatever follows waits in line behind it, so that changes are always stored in the order in which they
were made. The undo stack is ahead of the catalog
meanwhile: each change knows what is wanted of it and what is stored, and nothing is done where the two agree.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QUndoCommand

from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from trainer.catalog import Catalog
from trainer.errors import BusyError, Progress, StorageError, TrainerError, counted
from trainer.records import Answers, Ids

FEW = 500
"""Images that are changed at once, in at most about 30 ms; 100,000 take half a second."""
AT_ONCE, IN_A_JOB, AT_THE_END = 0.03, 120.0, 5.0
"""Seconds of patience while another program is writing: in the UI thread, in a job, and before the project is closed."""


def set_label(project: Project, ids: Sequence[int] | Ids, finding: str, value: int) -> None:
    """Answer a finding for images: 1 yes, 0 no, -1 not stated; a new finding is added. `images_changed` follows."""
    name = " ".join(finding.split())
    if not name:
        return

    def forward(catalog: Catalog, images: Ids) -> Answers | None:
        before = catalog.set_labels(images, name, value)
        same = len(before.images) == len(images) and bool((before.by_hand & (before.values == value)).all())
        return None if same else before

    _change(project, ids, f"label {name} of", forward, lambda catalog, before: catalog.restore_labels(before))


def set_excluded(project: Project, ids: Sequence[int] | Ids, excluded: bool) -> None:
    """Leave images out of everything, or take them in again. `images_changed` follows."""

    def forward(catalog: Catalog, images: Ids) -> Ids | None:
        return _or_none(catalog.set_excluded(images, excluded))

    word = "exclude" if excluded else "include"
    _change(project, ids, word, forward, lambda catalog, changed: catalog.set_excluded(changed, not excluded))


def add_flag(project: Project, ids: Sequence[int] | Ids, flag: str) -> None:
    """Put a flag on images. `images_changed` follows."""
    name = " ".join(flag.split())
    if not name:
        return

    def forward(catalog: Catalog, images: Ids) -> Ids | None:
        return _or_none(catalog.add_flag(images, name))

    _change(project, ids, f"flag {name} on", forward, lambda catalog, changed: catalog.remove_flag(changed, name))


def remove_flag(project: Project, ids: Sequence[int] | Ids, flag: str) -> None:
    """Take a flag off images. `images_changed` follows."""

    def forward(catalog: Catalog, images: Ids) -> Ids | None:
        return _or_none(catalog.remove_flag(images, flag))

    _change(project, ids, f"take flag {flag} off", forward, lambda catalog, changed: catalog.add_flag(changed, flag))


def _or_none(changed: Ids) -> Ids | None:
    return changed if len(changed) else None


def _change(
    project: Project,
    ids: Sequence[int] | Ids,
    what: str,
    forward: Callable[[Catalog, Ids], Any],
    backward: Callable[[Catalog, Any], object],
) -> None:
    images = np.asarray(ids, dtype=np.int64)
    if len(images) <= FEW:  # sorting a million would be felt; whoever selects so many has each of them once
        images = np.unique(images)
    if len(images):
        text = f"{what} {len(images):,} image{'' if len(images) == 1 else 's'}"
        _edits(project).make(Change(text, images, forward, backward))


def _edits(project: Project) -> "Edits":
    return project.findChild(Edits, options=Qt.FindChildOption.FindDirectChildrenOnly) or Edits(project)


class Change:
    """One change and its way back. Plain Python: a job's thread may hold it.

    `forward` gives what `backward` needs to put everything back as it was, or None where nothing had to be changed.
    """

    def __init__(
        self, text: str, images: Ids, forward: Callable[[Catalog, Ids], Any], backward: Callable[[Catalog, Any], object]
    ) -> None:
        self.text, self.images = text, images
        self.wanted = self.stored = self.was_stored = False
        self.before: Any = None
        self._forward, self._backward = forward, backward

    def carry_out(self, catalog: Catalog, wanted: bool) -> None:
        """Store it, or take it back. Raises `TrainerError`, and then nothing is changed."""
        if wanted and not self.stored:
            self.before = self._forward(catalog, self.images)
            self.was_stored = True
        elif self.stored and not wanted and self.before is not None:
            self._backward(catalog, self.before)
        self.stored = wanted


class Step(QUndoCommand):
    """A change on the undo stack."""

    def __init__(self, edits: "Edits", change: Change) -> None:
        super().__init__(change.text)
        self.change = change
        self._edits = edits

    def redo(self) -> None:
        """Want it."""
        self.change.wanted = True
        self._edits.settle(self.change)

    def undo(self) -> None:
        """Want it no more."""
        self.change.wanted = False
        self._edits.settle(self.change)


class Edits(QObject):
    """Stores the changes of one project, one after the other."""

    _to_mend = Signal(object)
    _to_pick_up = Signal(object, bool)

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._project = project
        self._catalog: Catalog | None = None
        self._waiting: deque[Change] = deque()
        self._running: Change | None = None
        self._dropped: list[Change] = []
        self._job: Job | None = None
        # Queued: the stack cannot be changed from inside its own undo and redo; a closing project stores what is left first.
        self._to_mend.connect(self._mend, Qt.ConnectionType.QueuedConnection)
        self._to_pick_up.connect(self._pick_up, Qt.ConnectionType.QueuedConnection)
        project.closed.connect(self._finish)

    def make(self, change: Change) -> None:
        """Store a new change and put it on the undo stack; nothing comes on the stack if it cannot be, or changes nothing."""
        change.wanted = True
        if self._at_once(change):
            try:
                if not self._store(change) or change.before is None:
                    return
            except BusyError:
                self._waiting.append(change)
        self._project.undo.push(Step(self, change))

    def settle(self, change: Change) -> None:
        """Let the catalog follow what is wanted of a change."""
        if change is not self._running and change.wanted == change.stored:
            return
        if self._at_once(change):
            try:
                self._store(change)
            except BusyError:
                self._waiting.append(change)
        elif change not in self._waiting:
            self._waiting.append(change)
        self._next()

    def _at_once(self, change: Change) -> bool:
        return self._running is None and not self._waiting and len(change.images) <= FEW

    def _store(self, change: Change) -> bool:
        """Whether it could be stored; if not, that is told. Raises `BusyError`."""
        catalog = self._project.catalog
        try:
            with catalog.impatient(AT_ONCE):
                change.carry_out(catalog, change.wanted)
        except BusyError:
            raise
        except TrainerError as error:
            self._project.tell(error)
            self._to_mend.emit(change)
            return False
        self._project.images_changed.emit()
        return True

    def _next(self) -> None:
        while self._running is None and self._waiting:
            change = self._waiting.popleft()
            if change.wanted != change.stored:
                self._start(change)

    def _start(self, change: Change) -> None:
        self._running, self._catalog = change, self._project.background
        verb = "Storing" if change.wanted else "Taking back"
        job = self._project.run(partial(_carried_out, change, self._catalog, change.wanted), label=f"{verb}: {change.text}")
        self._job = job
        if job.running:
            job.ended.connect(partial(self._over, change, job, change.wanted))
        else:
            self._over(change, job, change.wanted)

    def _over(self, change: Change, job: Job, asked: bool) -> None:
        if self._running is not change:
            return
        self._running = self._job = None
        if not job.cancelled:
            self._settled(change, asked)
            return
        # Cancelled by the user or because all ends; if the project is closed before the next event, `_finish` stores it.
        self._dropped.append(change)
        self._to_pick_up.emit(change, asked)

    def _pick_up(self, change: Change, asked: bool) -> None:
        if change in self._dropped:
            self._dropped.remove(change)
            self._settled(change, asked)

    def _settled(self, change: Change, asked: bool) -> None:
        if change.stored == asked:
            self._project.images_changed.emit()
            if change.wanted != asked:
                self._waiting.append(change)
        else:
            change.wanted = change.stored
            self._mend(change)
        self._next()

    def _mend(self, change: Change) -> None:
        """Let the undo stack say again what is stored."""
        stack = self._project.undo
        steps = [stack.command(place) for place in range(stack.count())]
        place = next((n for n, step in enumerate(steps) if isinstance(step, Step) and step.change is change), None)
        if place is None:
            return
        if change.stored and stack.index() <= place:
            stack.setIndex(place + 1)
        elif not change.stored and stack.index() > place:
            last = place == stack.count() - 1
            if not change.was_stored:  # it never happened: there is nothing to do again
                steps[place].setObsolete(True)
            if change.was_stored or last:
                stack.setIndex(place)

    def _finish(self) -> None:
        """The project is about to be closed: store what is still under way."""
        job, running = self._job, self._running
        self._running = self._job = None
        if job is not None:
            job.cancel()  # where it has not begun, because all threads wait for a disk, it never may
            if job.future is not None and not job.future.cancelled():
                wait([job.future])
        left = [change for change in (*self._dropped, running, *self._waiting) if change is not None]
        self._dropped.clear()
        self._waiting.clear()
        if self._catalog is not None:
            self._store_last(self._catalog, left)
        self._catalog = None

    def _store_last(self, catalog: Catalog, changes: Sequence[Change]) -> None:
        until, failed = time.monotonic() + AT_THE_END, list[TrainerError]()
        for change in changes:
            try:
                with catalog.impatient(max(AT_ONCE, until - time.monotonic())):
                    change.carry_out(catalog, change.wanted)
            except TrainerError as error:
                failed.append(error)
        if failed:
            what = f"{counted(len(failed), 'change')} could not be stored: {failed[0].what}"
            self._project.tell(StorageError(what, where=failed[0].where, remedy=failed[0].remedy))


def _carried_out(change: Change, catalog: Catalog, wanted: bool, progress: Progress) -> None:
    """In a job; in turns, so that others get at the catalog meanwhile."""
    until = time.monotonic() + IN_A_JOB
    while True:
        progress(0, 0)
        try:
            with catalog.impatient(AT_ONCE):
                change.carry_out(catalog, wanted)
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(AT_ONCE)
        else:
            return
