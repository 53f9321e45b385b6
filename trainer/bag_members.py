"""The members of a bag trained: one here, or several at once on several devices, each in a process of its own.

Such a process stops and keeps as soon as it is asked to, or as the process that started it is no more.
"""

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

from trainer import config, runs, train
from trainer.bags import Bag, Member, Plan
from trainer.errors import Progress, RunError, Stopped, TrainerError
from trainer.loop import Listener, StopAsked

GLANCE = 0.2
"""Seconds between two looks at the processes."""
PATIENCE = 30.0
"""Seconds that a process gets to stop and keep before it is ended."""

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
    """Train one member in this process, or go on with it; False where it was stopped. Raises as `train.run`."""

    def opened(run: runs.Run) -> None:
        ears.told(member, len(plan.members), run)

    begun = bag.begun().get(member.number)
    try:
        if begun is not None:
            outcome = train.resume(begun.folder, progress=ears.progress, stop=ears.stop, opened=opened, listener=ears.listener)
        else:
            changes = {"seed": member.seed, **({"compute.device": device} if device else {})}
            outcome = train.run(
                bag.project,
                config.changed(config.of_run(plan.config), changes),
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


@dataclass(frozen=True, eq=False)
class _Process:
    """A process that trains one member on a device, and the pipe on which it says how it ended."""

    member: Member
    device: str
    process: BaseProcess
    pipe: Connection


def side_by_side(bag: Bag, plan: Plan, todo: Sequence[Member], devices: Sequence[str], ears: Ears) -> None:
    """Keep each device busy with a member until all are trained, one fails, or it is stopped. Raises what the first raised."""
    context = _context()
    asked, waiting, free = context.Event(), list(todo), list(devices)
    working: list[_Process] = []
    failed: TrainerError | None = None
    try:
        while working or (waiting and not asked.is_set()):
            while waiting and free and not asked.is_set():
                member = waiting.pop(0)
                working.append(_started(context, bag, member, free.pop(0), asked))
                ears.told(member, len(plan.members), runs.Run(bag.project / runs.RUNS_FOLDER / member.run))
            wait([one.process.sentinel for one in working], GLANCE)
            if ears.stop():
                asked.set()
            for one in [one for one in working if not one.process.is_alive()]:
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


def _context() -> SpawnContext:
    """How processes are started: on Linux they share the memory of what a first one has imported."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context: Any = multiprocessing.get_context("forkserver")  # of the same methods; Windows does not know its type
    context.set_forkserver_preload([__name__])
    return cast("SpawnContext", context)


def _started(context: SpawnContext, bag: Bag, member: Member, device: str, asked: Event) -> _Process:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_alone, args=(bag.folder, member, device, asked, theirs), name=member.run)
    process.start()
    theirs.close()
    return _Process(member, device, process, ours)


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
        return RunError(f"{one.member.run}: {error[0]}", where=error[1], remedy=error[2])
    if status:
        remedy = "Look at its console, then resume the bag."
        return RunError(f"The process of {one.member.run} ended unexpectedly (exit status {status})", remedy=remedy)
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
