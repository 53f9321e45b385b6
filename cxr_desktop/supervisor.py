"""Trainings as the window sees them: what runs, how far it is, what can be done with it. All work is in the worker's thread."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from cxr_desktop.notices import ERROR, INFORMATION, Notice
from cxr_desktop.tasks import Task
from cxr_desktop.worker import TrainingWorker
from trainer import bags, files, runs
from trainer.bag_course import BagCourse
from trainer.catalog import project_folder
from trainer.course import Course
from trainer.errors import RunError, TrainerError
from trainer.runs import Run, Status

_NAMES = ("--run", "--name", "--split", "--recipe", "--device")
"""Options whose value is a name that somebody chose."""


class TrainingTask(Task):
    """A training as a piece of work: its progress counts steps. To cancel it is to stop and keep."""

    def __init__(self, folder: str, label: str, stop: Callable[[str], object], parent: QObject) -> None:
        super().__init__(label, parent)
        self.folder = folder
        self.course: Course | BagCourse | None = None
        self.stopping = False
        self._stop = stop

    def cancel(self) -> None:
        """Ask it to stop and keep what it has learned."""
        self._stop(self.folder)

    def remaining(self) -> float | None:
        """What the trainer itself expects."""
        return self.course.remaining(time.time()) if self.course and not self.stopping else None

    def say(self, label: str) -> None:
        """Change what it is called."""
        if label != self.label:
            self.label = label
            self.noted.emit(label)


class Supervisor(QObject):
    """Lives in the UI thread. Runs are named by their folder (str) in signals, and are `Run` in methods.

    `devices` is what `find_devices` found: dicts with name, label, memory and free (bytes); empty before.
    """

    devices_found = Signal(object)
    opened = Signal(str)
    """A training that was started here has its run folder."""
    begun = Signal(str)
    """The course of a run begins anew: all its events follow."""
    events = Signal(str, object)
    """New events of a run that runs or is followed; its course has them already."""
    status_changed = Signal(str, object)
    refused = Signal(object)
    """A training ended before there was a run: a `TrainerError`."""
    ended = Signal(str)
    """Nothing works on the run any more."""
    released = Signal(str)
    """A run that was cancelled can be deleted now."""
    bag_told = Signal(str, object)
    """A bag that is being trained is so far: its folder, a `BagCourse`."""
    changed = Signal()
    """The project's runs are others than before, or stand otherwise."""
    noticed = Signal(object)
    """A `Notice`."""
    task_started = Signal(object)

    _find_devices = Signal()
    _start = Signal(str, object)
    _watch = Signal(str)
    _follow = Signal(str)
    _unfollow = Signal(str)
    _stop = Signal(str)
    _cancel = Signal(str)
    _finish = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.devices: list[dict[str, Any]] = []
        self._looking = False
        self._tasks: dict[str, TrainingTask] = {}
        self._courses: dict[str, Course] = {}
        self._status: dict[str, Status] = {}
        self._followed: dict[str, int] = {}
        self._cancelled: set[str] = set()
        self._members: dict[str, str] = {}
        self._worker = TrainingWorker()
        self._thread = QThread(self)
        self._thread.setObjectName("training worker")
        self._worker.moveToThread(self._thread)
        self._thread.started.connect(self._worker.begin)
        self._connect()
        self._thread.start()

    # What can be asked

    def find_devices(self, *, again: bool = False) -> None:
        """Find what can be computed on; `devices_found` tells. Seconds pass, but not in the UI thread."""
        if self.devices and not again:
            self.devices_found.emit(self.devices)
        elif not self._looking:
            self._looking = True
            self._find_devices.emit()

    def start(self, words: Sequence[str | Path]) -> Run | None:
        """Start `cxr-trainer train PROJECT ...`; without --run among the words the run gets a name. Returns the run to be.

        None if it is refused at once, because of its name; whatever else refuses it is told later.
        """
        said = [str(word) for word in words]
        project = project_folder(Path(said[1]))
        if "--run" not in said:
            recipe = said[said.index("--recipe") + 1] if "--recipe" in said else ""
            said += ["--run", runs.unused_name(project, recipe, {run.name for run in self.active()})]
        try:
            run = runs.new(project, said[said.index("--run") + 1])
            if self.is_active(run):  # its folder is made only when the trainer has loaded its libraries
                raise RunError(f"A run named {run.name} is being started already", remedy="Choose another name.")
        except TrainerError as error:
            self._refused("", error)
            return None
        self._launch(run, _joined(said), f"Starting {run.name}")
        return run

    def start_bag(self, words: Sequence[str | Path]) -> Run | None:
        """Start `cxr-trainer bag PROJECT ...`; without --name among the words the bag gets a name. Returns its folder as a run.

        A bag is looked after as a run is; its members are runs of their own beside it. None if it is refused at once.
        """
        said = [str(word) for word in words]
        project = project_folder(Path(said[1]))
        if "--name" not in said:
            recipe = said[said.index("--recipe") + 1] if "--recipe" in said else ""
            said += ["--name", bags.unused_name(project, recipe)]
        name = said[said.index("--name") + 1]
        try:
            bags.check_new(project, name, ())
        except TrainerError as error:
            self._refused("", error)
            return None
        run = Run(project / bags.BAGS_FOLDER / name)
        self._launch(run, _joined(said), f"Starting {name}")
        return run

    def resume(self, run: Run) -> None:
        """Go on with a run, or a bag, that was stopped, failed or crashed."""
        self._launch(run, ["resume", str(run.folder)], f"Resuming {run.name}")

    def stop_and_keep(self, run: Run) -> None:
        """Ask the process that works on the run to stop; what was learned is kept."""
        self._stop_task(str(run.folder))

    def cancel(self, run: Run) -> None:
        """End it now, without keeping what was learned since the last checkpoint; `released` tells when it is over."""
        folder = str(run.folder)
        self._cancelled.add(folder)
        if task := self._tasks.get(folder):
            task.stopping = True
            task.say(f"Cancelling {run.name}")
        self._cancel.emit(folder)

    def active(self) -> list[Run]:
        """Runs that are being trained now, as far as is known."""
        return [Run(Path(folder)) for folder in self._tasks]

    def trainings(self) -> list[Run]:
        """What is being trained as a user started it: runs, and bags without their members."""
        return [run for run in self.active() if self._members.get(str(run.folder)) not in self._tasks]

    def is_active(self, run: Run) -> bool:
        """Whether a training of it is going on or starting."""
        return str(run.folder) in self._tasks

    def task(self, run: Run) -> TrainingTask | None:
        """The piece of work, if the run is active."""
        return self._tasks.get(str(run.folder))

    def follow(self, run: Run) -> Course:
        """Read the run's history and go on reading; `begun` and `events` tell. Once for each `unfollow`."""
        folder = str(run.folder)
        self._followed[folder] = self._followed.get(folder, 0) + 1
        if self._followed[folder] == 1:
            self._follow.emit(folder)
        return self._courses.setdefault(folder, Course())

    def unfollow(self, run: Run) -> None:
        """Nobody looks at it any more."""
        folder = str(run.folder)
        left = self._followed.get(folder, 0) - 1
        if left > 0:
            self._followed[folder] = left
            return
        self._followed.pop(folder, None)
        self._unfollow.emit(folder)
        if folder not in self._tasks:
            self._courses.pop(folder, None)
            self._status.pop(folder, None)

    def course(self, run: Run) -> Course:
        """What is known of a run that is followed or active; empty otherwise."""
        return self._courses.get(str(run.folder)) or Course()

    def status(self, run: Run) -> Status | None:
        """How a run that is followed or active stands, as far as is known."""
        return self._status.get(str(run.folder))

    def watch(self, project: Path | None) -> None:
        """Look after the runs of this project, those that are started in a terminal too; None: of none."""
        self._followed.clear()
        kept = self._tasks.keys()
        self._courses = {folder: course for folder, course in self._courses.items() if folder in kept}
        self._status = {folder: status for folder, status in self._status.items() if folder in kept}
        self._watch.emit(str(project) if project else "")

    def finish(self) -> None:
        """End the thread; trainings go on by themselves."""
        if self._thread.isRunning():
            self._finish.emit()
            self._thread.wait()
        for task in list(self._tasks.values()):
            task.end()
        self._tasks.clear()

    # What the worker tells

    def _connect(self) -> None:
        worker = self._worker
        for asked, slot in (
            (self._find_devices, worker.find_devices),
            (self._start, worker.start),
            (self._watch, worker.watch),
            (self._follow, worker.follow),
            (self._unfollow, worker.unfollow),
            (self._stop, worker.stop),
            (self._cancel, worker.cancel),
            (self._finish, worker.finish),
        ):
            asked.connect(slot)
        for told, slot in (
            (worker.devices_found, self._devices_found),
            (worker.listed, self.changed),
            (worker.preparing, self._preparing),
            (worker.opened, self._opened),
            (worker.begun, self._begun),
            (worker.events, self._take),
            (worker.status_changed, self._take_status),
            (worker.refused, self._refused),
            (worker.ended, self._ended),
            (worker.released, self._released),
            (worker.bag_told, self._take_bag),
            (worker.failed, self._failed),
        ):
            told.connect(slot)

    def _launch(self, run: Run, words: list[str], label: str) -> None:
        folder = str(run.folder)
        if folder not in self._tasks:
            self._add_task(folder, label)
            self._start.emit(folder, words)

    def _add_task(self, folder: str, label: str) -> TrainingTask:
        task = TrainingTask(folder, label, self._stop_task, self)
        self._tasks[folder] = task
        self._members[folder] = bag = _bag_of(Path(folder))
        if bag not in self._tasks:  # a bag speaks for its members
            self.task_started.emit(task)
        self.changed.emit()
        return task

    def _stop_task(self, folder: str) -> None:
        if task := self._tasks.get(folder):
            task.stopping = True
            task.say(f"Stopping {Path(folder).name}")
        self._stop.emit(folder)

    def _devices_found(self, found: list[dict[str, Any]]) -> None:
        self._looking = False
        self.devices = found
        self.devices_found.emit(found)

    def _failed(self, error: TrainerError) -> None:
        self._looking = False
        self.noticed.emit(Notice.of(error))

    def _preparing(self, folder: str, done: int, total: int) -> None:
        if (task := self._tasks.get(folder)) and total:
            task.advance(done, total)

    def _opened(self, folder: str) -> None:
        self.opened.emit(folder)
        self.changed.emit()

    def _begun(self, folder: str) -> None:
        self._courses[folder] = Course()
        self.begun.emit(folder)

    def _take(self, folder: str, events: list[dict[str, Any]]) -> None:
        course = self._courses.setdefault(folder, Course())
        course.add(events)
        if task := self._tasks.get(folder):
            task.course = course
            if words := course.sentence():
                task.noted.emit(words)
            task.advance(*course.progress())
        self.events.emit(folder, events)

    def _take_bag(self, folder: str, course: BagCourse) -> None:
        if task := self._tasks.get(folder):
            task.course = course
            task.noted.emit(course.sentence())
            task.advance(*course.progress())
        self.bag_told.emit(folder, course)

    def _take_status(self, folder: str, status: Status) -> None:
        self._status[folder] = status
        if status.state == "running":
            is_bag = bags.is_bag(Path(folder))
            label = f"Training {'the bag ' if is_bag else ''}{Path(folder).name}"
            task = self._tasks.get(folder) or self._add_task(folder, label)
            if not is_bag:
                task.course = self._courses.get(folder)
            if not task.stopping:
                task.say(label)
        self.status_changed.emit(folder, status)
        self.changed.emit()

    def _refused(self, folder: str, error: TrainerError | None) -> None:
        self._end_task(folder)
        if error is not None:
            self.refused.emit(error)
            self.noticed.emit(Notice.of(error))
        self.changed.emit()

    def _ended(self, folder: str, how: str) -> None:
        status = self._status.get(folder)
        self._end_task(folder)
        if status is not None and folder not in self._cancelled:
            self._tell_end(Run(Path(folder)), status, how)
        if folder not in self._followed:
            self._courses.pop(folder, None)
            self._status.pop(folder, None)
        self.ended.emit(folder)
        self.changed.emit()

    def _tell_end(self, run: Run, status: Status, how: str) -> None:
        if bags.is_bag(run.folder):
            self.noticed.emit(_end_of(bags.Bag(run.folder)))
            return
        if status.state == "crashed":
            ending = f" (the process {how})" if how else ""
            kept = "what was learned up to the last checkpoint is kept" if run.state.exists() else "it begins anew"
            remedy = f"Resume it: {kept}."
            self.noticed.emit(
                Notice(ERROR, f"{run.name} has {status.words.partition(';')[0]}{ending}.", str(run.folder), remedy)
            )
        elif status.state == "failed":
            self.noticed.emit(Notice(ERROR, f"{run.name} {status.words}", str(run.folder), "Mend it, then resume the run."))
        else:
            self.noticed.emit(Notice(INFORMATION, f"{run.name} {status.words}."))

    def _released(self, folder: str) -> None:
        self._end_task(folder)
        self._cancelled.discard(folder)
        self.released.emit(folder)
        self.changed.emit()

    def _end_task(self, folder: str) -> None:
        self._members.pop(folder, None)
        if task := self._tasks.pop(folder, None):
            task.end()


def _end_of(bag: bags.Bag) -> Notice:
    """How a bag stands when its process has ended: that a member has failed must not look like an end as any other."""
    status = bag.status()
    if status.state not in ("failed", "crashed"):
        return Notice(INFORMATION, f"{bag.name}: {status.words}.")
    remedy = "Mend what is wrong, then resume the bag: members that are trained stay as they are."
    return Notice(ERROR, f"{bag.name}: {status.words}.", str(bag.folder), remedy)


def _bag_of(folder: Path) -> str:
    """The folder of the bag that a run belongs to; "" for none."""
    try:
        name = runs.bag_of(Run(folder).about()) if files.is_file(folder / "config.json") else ""
    except TrainerError:  # damaged: it belongs to nothing
        return ""
    return str(folder.parent.parent / bags.BAGS_FOLDER / name) if name else ""


def _joined(words: Sequence[str]) -> list[str]:
    """Names as "--run=NAME": by itself a name that begins with "-" would be taken for an option."""
    left, made = iter(words), list[str]()
    for word in left:
        made.append(f"{word}={next(left)}" if word in _NAMES else word)
    return made
