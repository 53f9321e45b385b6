"""The members of a bag trained: one here, or several at once on several devices, each in a process of its own.

Such a process stops and keeps as soon as it is asked to, or as the process that started it is no more.
"""

import math
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, cast

from trainer import bag_course, config, dataset, runs, train
from trainer.bags import Bag, Member, Plan
from trainer.catalog import Catalog
from trainer.errors import Progress, RunError, Stopped, TrainerError
from trainer.loop import Listener, StopAsked

GLANCE = 0.2
"""Seconds between two looks at the processes."""
PATIENCE = 30.0
"""Seconds that a process gets to stop and keep before it is ended."""

FAR = 1.0
"""Seconds between two looks at how far the bag is."""

Told = Callable[[Member, int, runs.Run], None]
"""Is told each member that begins, of how many, and its run."""


@dataclass(frozen=True, eq=False)
class Ears:
    """Who listens to a training of several: as `train.run` has it, and `told` each member that begins."""

    progress: Progress | None = None
    stop: StopAsked = lambda: False
    told: Told = lambda member, of, run: None
    listener: Listener = lambda event: None


def trained(bag: Bag, plan: Plan, member: Member, ears: Ears, device: str = "") -> bool:
    """Train one member in this process, or go on with it; False where it was stopped.

    Raises as `train.run`, and `RunError` where its split is not any more what it was, or its weights are gone.
    """

    def opened(run: runs.Run) -> None:
        ears.told(member, len(plan.members), run)

    begun = bag.begun().get(member.number)
    if begun is not None and begun.status().state == "finished":
        remedy = "Delete the run, then resume the bag: this member is trained anew."
        raise RunError(f"{begun.name} is finished, but its weights are gone", where=begun.best, remedy=remedy)
    try:
        if begun is not None:
            outcome = train.resume(begun.folder, progress=ears.progress, stop=ears.stop, opened=opened, listener=ears.listener)
        else:
            outcome = train.run(
                bag.project,
                _settings(bag, plan, member, device),
                name=member.run,
                recipe=plan.recipe,
                split=member.split,
                bag={"name": bag.name, "member": member.number},
                command=plan.command,
                progress=ears.progress,
                stop=ears.stop,
                opened=opened,
                listener=ears.listener,
            )
    except Stopped:
        return False
    return outcome.status == "finished"


def _settings(bag: Bag, plan: Plan, member: Member, device: str) -> config.TrainConfig:
    """What a member that begins is trained with: the findings of all, also if the project has come to state others since."""
    settings = config.changed(config.of_run(plan.config), {"seed": member.seed})
    with Catalog.open(bag.project) as catalog:
        if member.digest and catalog.split_digests().get(member.split) != member.digest:
            raise RunError(
                f"The split '{member.split}' is not what it was when the bag was begun",
                where=bag.folder,
                remedy="Train a new bag; the members that are trained stay and can be judged.",
            )
        others = plan.findings and dataset.findings(catalog, settings.task) != plan.findings
    changes = {**({"task.findings": plan.findings} if others else {}), **({"compute.device": device} if device else {})}
    return config.changed(settings, changes)


@dataclass(frozen=True, eq=False)
class _Process:
    """A process that trains one member on a device, the run it works on, and the pipe on which it says how it ended."""

    member: Member
    run: runs.Run
    device: str
    process: BaseProcess
    pipe: Connection


def side_by_side(bag: Bag, plan: Plan, todo: Sequence[Member], devices: Sequence[str], ears: Ears) -> None:
    """Keep each device busy with a member until all are trained, one fails, or it is stopped. Raises what the first raised."""
    context = _context()
    asked, waiting, free = context.Event(), list(todo), list(devices)
    working: list[_Process] = []
    failed: TrainerError | None = None
    begun, followed = bag.begun(), _Followed(bag, ears)
    try:
        while working or (waiting and not asked.is_set()):
            while waiting and free and not asked.is_set():
                member = waiting.pop(0)
                run = begun.get(member.number) or runs.Run(bag.project / runs.RUNS_FOLDER / member.run)
                followed.begins(run)
                working.append(_started(context, bag, member, run, free.pop(0), asked))
                ears.told(member, len(plan.members), run)
            wait([one.process.sentinel for one in working], GLANCE)
            if ears.stop():
                asked.set()
            ended = [one for one in working if not one.process.is_alive()]
            followed.look(working)
            for one in ended:
                working.remove(one)
                free.append(one.device)
                failed = failed or _how_it_ended(one)
                if failed:
                    asked.set()
    finally:
        asked.set()
        _end(working)
    if failed:
        raise failed


class _Followed:
    """What members in processes of their own write into their histories, told as it comes; and how far the whole bag is."""

    def __init__(self, bag: Bag, ears: Ears) -> None:
        self._bag, self._ears = bag, ears
        self._read: dict[runs.Run, int] = {}
        self._known: bag_course.Known = {}
        self._looked = -math.inf

    def begins(self, run: runs.Run) -> None:
        """What stands in the history of a run before it goes on is told no more."""
        self._read[run] = max((event["offset"] for event in run.tail(0)), default=0)

    def look(self, working: Sequence["_Process"]) -> None:
        """Tell what is new."""
        for run in (one.run for one in working):
            for event in run.tail(self._read[run]):
                self._read[run] = event["offset"]
                if words := runs.event_words(event):
                    self._ears.listener({"kind": "note", "text": f"{run.name}: {words}"})
        if self._ears.progress and time.monotonic() - self._looked >= FAR:
            self._ears.progress(*bag_course.look(self._bag, self._known).progress())
            self._looked = time.monotonic()


def _context() -> SpawnContext:
    """How processes are started: on Linux they share the memory of what a first one has imported."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context: Any = multiprocessing.get_context("forkserver")  # of the same methods; Windows does not know its type
    context.set_forkserver_preload([__name__])
    return cast("SpawnContext", context)


def _started(context: SpawnContext, bag: Bag, member: Member, run: runs.Run, device: str, asked: Event) -> _Process:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_alone, args=(bag.folder, member, device, asked, theirs), name=member.run)
    process.start()
    theirs.close()
    return _Process(member, run, device, process, ours)


def _how_it_ended(one: _Process) -> TrainerError | None:
    """What the process had to say; None where it has ended well or was stopped."""
    one.process.join()
    status = one.process.exitcode
    try:
        error = one.pipe.recv() if one.pipe.poll() else None
    except EOFError:
        error = None
    one.pipe.close()
    one.process.close()
    if error is not None:
        return RunError(f"{one.run.name}: {error[0]}", where=error[1], remedy=error[2])
    if status:
        remedy = "Look at its console, then resume the bag."
        return RunError(f"The process of {one.run.name} ended unexpectedly (exit status {status})", remedy=remedy)
    return None


def _end(working: Sequence[_Process]) -> None:
    """Wait until all have stopped and kept; end at last those that do not."""
    until = time.monotonic() + PATIENCE
    for one in working:
        one.process.join(max(0.0, until - time.monotonic()))
        if one.process.exitcode is None:
            one.process.terminate()
            one.process.join()
        one.pipe.close()
        one.process.close()


def _alone(folder: Path, member: Member, device: str, asked: Event, pipe: Connection) -> None:
    """Train one member in a process of its own; a refusal goes to the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal Ctrl+C reaches all, and the parent alone deals with it
    parent = multiprocessing.parent_process()
    bag = Bag(folder)

    def stop() -> bool:
        return asked.is_set() or (parent is not None and not parent.is_alive())

    try:
        trained(bag, bag.plan(), member, Ears(stop=stop), device)
    except TrainerError as error:
        pipe.send((error.what, error.where, error.remedy))
