"""The training worker: in its own thread it finds the devices, starts trainer processes and follows runs as they are made."""

import time
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from cxr_desktop.launches import Launch
from cxr_desktop.tails import Tail
from trainer import bag_course, bags, files, runs
from trainer.bags import Bag
from trainer.errors import DataError, StorageError, TrainerError
from trainer.runs import Run

LIVE, IDLE, MORE = 250, 1_000, 2
"""Milliseconds between two looks: while something runs, while nothing does, and while a long history is being read."""
GLANCE_SECONDS = 2.0
"""Time between two looks whether a run that nobody follows is being worked on (from a terminal, say)."""


class TrainingWorker(QObject):
    """Lives in its thread; everything is asked of it by signals, and runs are named by their folder (str).

    It waits for nothing and keeps no file of a run open. A training that it started goes on when it ends.
    """

    devices_found = Signal(object)
    """The list of `cxr-trainer devices`: dicts with name, label, memory and free (bytes)."""
    listed = Signal()
    """The open project has got or lost a run."""
    preparing = Signal(str, int, int)
    """A training has no run yet; done and total of what it loads first."""
    opened = Signal(str)
    """A training that was started here has its run folder."""
    begun = Signal(str)
    """From here on `events` tell the run from its first event on."""
    events = Signal(str, object)
    """Some events of the history, in order, each once."""
    status_changed = Signal(str, object)
    """A `Status`."""
    refused = Signal(str, object)
    """A training ended before there was a run: a `TrainerError`, or None where it was stopped."""
    ended = Signal(str, str)
    """Nothing works on the run any more; how its process ended, in words, if that is known."""
    released = Signal(str)
    """A run that was cancelled is not being worked on any more."""
    bag_told = Signal(str, object)
    """How far a bag is that is being trained: a `BagCourse`."""
    failed = Signal(object)
    """What was asked cannot be done: a `TrainerError`."""

    def __init__(self) -> None:
        super().__init__()
        self._timer: QTimer | None = None
        self._devices: Launch | None = None
        self._launches: dict[str, Launch] = {}
        self._tails: dict[str, Tail] = {}
        self._cancelled: set[str] = set()
        self._project: Path | None = None
        self._known: set[str] = set()
        self._next_glance = self._next_bags = 0.0
        self._of_bags: bag_course.Known = {}

    @Slot()
    def begin(self) -> None:
        """In the thread: the timer must be made where it ticks."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)

    @Slot()
    def finish(self) -> None:
        """In the thread: leave trainings to themselves and end the thread."""
        if self._devices:
            self._devices.kill()
            self._devices.wait(5)
            self._devices.forget()
        for launch in self._launches.values():
            launch.forget()
        if self._timer:
            self._timer.stop()
            self._timer.deleteLater()
        self._timer = self._devices = None
        QThread.currentThread().quit()

    @Slot()
    def find_devices(self) -> None:
        """Ask what can be computed on; loading the libraries for that takes seconds."""
        if self._devices is None:
            self._devices = self._started(["devices", "--json"])

    @Slot(str, object)
    def start(self, folder: str, words: list[str]) -> None:
        """Start `cxr-trainer WORDS` for the run in `folder`, which need not be there yet."""
        if launch := self._started([*words, "--json", "--progress", "--console-log"], folder):
            self._launches[folder] = launch

    @Slot(str)
    def watch(self, project: str) -> None:
        """Look after the runs of this project; "" for none. Runs that go on are followed whatever is open."""
        self._project = Path(project) if project else None
        self._known, self._next_glance = set(), 0.0
        for folder, tail in list(self._tails.items()):
            tail.followed = False
            if not tail.running:
                del self._tails[folder]
        self._list_runs(tell=False)
        self._soon()

    @Slot(str)
    def follow(self, folder: str) -> None:
        """Tell a run from its beginning, and go on as long as it is not unfollowed."""
        if folder not in self._tails:
            self._tail(folder)
        self._tails[folder].followed = True
        self._soon()

    @Slot(str)
    def unfollow(self, folder: str) -> None:
        """Nobody looks at it any more; while it runs it is followed all the same."""
        if tail := self._tails.get(folder):
            tail.followed = False
            if not tail.running:
                del self._tails[folder]

    @Slot(str)
    def stop(self, folder: str) -> None:
        """Stop and keep; before there is a run nothing is to be kept."""
        launch = self._launches.get(folder)
        if launch and not launch.folder:
            launch.stop()
            return
        try:
            Run(Path(folder)).request_stop()
        except TrainerError as error:
            self.failed.emit(error)

    @Slot(str)
    def cancel(self, folder: str) -> None:
        """End it as soon as can be; a process that was not started here is asked to stop."""
        self._cancelled.add(folder)
        if launch := self._launches.get(folder):
            launch.kill()
        elif Run(Path(folder)).busy():
            self.stop(folder)
        self._soon()

    def _started(self, words: list[str], folder: str = "") -> Launch | None:
        try:
            launch = Launch(words)
        except TrainerError as error:
            if folder:
                self.refused.emit(folder, error)
            else:
                self.failed.emit(error)
            return None
        self._soon()
        return launch

    # What happens again and again

    def _soon(self) -> None:
        if self._timer:
            self._timer.start(0)

    def _tick(self) -> None:
        self._look_for_devices()
        for folder, launch in list(self._launches.items()):
            self._look_at_launch(folder, launch)
        self._list_runs(tell=True)
        for folder, tail in list(self._tails.items()):
            self._look_at_tail(folder, tail)
        self._look_at_bags()
        for folder in [folder for folder in self._cancelled if self._is_over(folder)]:
            self._cancelled.discard(folder)
            self.released.emit(folder)
        self._set_pace()

    def _set_pace(self) -> None:
        if self._timer is None:
            return
        live = self._launches or self._devices or self._cancelled or any(tail.running for tail in self._tails.values())
        if any(not tail.caught_up for tail in self._tails.values()):
            self._timer.start(MORE)
        elif live:
            self._timer.start(LIVE)
        elif self._project or self._tails:
            self._timer.start(IDLE)
        else:
            self._timer.stop()

    def _look_for_devices(self) -> None:
        launch = self._devices
        if launch is None or not launch.look():
            return
        self._devices = None
        found = launch.said().get("devices")
        if isinstance(found, list):
            self.devices_found.emit(found)
        else:
            self.failed.emit(launch.refusal())
        launch.forget()

    def _look_at_launch(self, folder: str, launch: Launch) -> None:
        opened = bool(launch.folder)
        ended = launch.look()
        if launch.folder and not opened:
            self.opened.emit(folder)
            self._tail(folder).running = True
        elif not launch.folder and not ended:
            self.preparing.emit(folder, *launch.progress)
        if ended and not launch.folder:
            del self._launches[folder]
            launch.forget()
            self.refused.emit(folder, None if folder in self._cancelled else launch.refusal())

    def _list_runs(self, *, tell: bool) -> None:
        """See which runs there are, and now and then which of them are being worked on."""
        if self._project is None:
            return
        try:
            present = {str(run.folder) for run in runs.every(self._project)}
        except StorageError:  # a disk that is away for a moment
            return
        changed, self._known = present != self._known, present
        if changed and tell:
            self.listed.emit()
        if changed or time.monotonic() >= self._next_glance:
            self._next_glance = time.monotonic() + GLANCE_SECONDS
            for folder in (*self._bags(), *present):  # a bag before its members, for which it speaks
                if folder not in self._tails and Run(Path(folder)).busy():
                    self._tail(folder).running = True

    def _bags(self) -> list[str]:
        """The bags of the project: their lock is that of a run."""
        try:
            return [str(bag.folder) for bag in bags.every(self._project)] if self._project else []
        except StorageError:
            return []

    def _look_at_bags(self) -> None:
        """Tell how far the bags under way are, now and then: all of their members are looked at."""
        if time.monotonic() < self._next_bags:
            return
        self._next_bags = time.monotonic() + GLANCE_SECONDS
        running = [folder for folder, tail in self._tails.items() if tail.running and bags.is_bag(Path(folder))]
        if not running:
            self._of_bags.clear()
        for folder in running:
            with suppress(DataError, StorageError):  # damaged, or away for a moment
                self.bag_told.emit(folder, bag_course.look(Bag(Path(folder)), self._of_bags))

    def _tail(self, folder: str) -> Tail:
        """Follow a run from its first event on."""
        followed = folder in self._tails and self._tails[folder].followed
        self._tails[folder] = Tail(Run(Path(folder)), followed=followed)
        self.begun.emit(folder)
        return self._tails[folder]

    def _look_at_tail(self, folder: str, tail: Tail) -> None:
        try:
            events = tail.look()
        except StorageError:  # deleted in between, or away for a moment
            events = []
        if events:
            self.events.emit(folder, events)
        if tail.status is not None and tail.caught_up and tail.status != tail.told:
            tail.told = tail.status
            self.status_changed.emit(folder, tail.status)
        tail.running = tail.running or tail.busy
        if tail.running and tail.caught_up and not tail.busy and not self._alive(folder):
            tail.running = False
            launch = self._launches.pop(folder, None)
            self.ended.emit(folder, launch.ending() if launch else "")
            if launch:
                launch.forget()
        gone = not files.is_file(tail.run.folder / "config.json")
        if not tail.running and (gone or not tail.followed):
            self._tails.pop(folder, None)

    def _is_over(self, folder: str) -> bool:
        """Whether nothing works on the run, and that has been told."""
        tail = self._tails.get(folder)
        return not (tail and tail.running) and not self._alive(folder)

    def _alive(self, folder: str) -> bool:
        """Whether a process works on the run, or is about to."""
        launch = self._launches.get(folder)
        return not launch.look() if launch else Run(Path(folder)).busy()
