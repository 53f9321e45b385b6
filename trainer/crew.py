"""Processes that share out work among them: in order, never ahead of who asked for it, and gone when that one is gone.

A process gets its work through a pipe of its own and ends when that closes, in the middle of what it does, even where its
parent was killed. Where one breaks down over a piece of work, the others go on.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_AHEAD = 2
"""Tasks that a process is given before it has answered, so that it never waits for the next."""

_HELD = 8
"""Answers for each process that may wait for their turn; more would only hold memory."""

_PATIENCE = 5.0
"""Seconds in which a process has to end when it is told to."""


class Crew(Generic[Task, Answer]):
    """As many processes as asked for, all doing `work`, a function at the top of a module; close it when all is done.

    Task and answer are pickled. A process imports that module and what started the program, so let the latter be little.
    Raises `OSError` or `RuntimeError` where no process can be started.
    """

    def __init__(self, work: Callable[[Task], Answer], count: int) -> None:
        self._work = work
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_Worker(work))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all processes, whatever they do."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def answers(self, tasks: Iterator[Task]) -> Iterator[Answer | None]:
        """The answers in the order of the tasks, which are taken as they are needed; None where a process broke down."""
        numbered = enumerate(tasks)
        known: dict[int, Answer | None] = {}
        turn = 0
        while True:
            for worker in self._workers:
                self._fill(worker, numbered, len(known))
            by_pipe: dict[Any, _Worker] = {worker.pipe: worker for worker in self._workers if worker.given}
            if not by_pipe:
                return
            for pipe in connection.wait(list(by_pipe)):
                known.update(self._taken(by_pipe[pipe]))
                self._fill(by_pipe[pipe], numbered, len(known))
            while turn in known:
                yield known.pop(turn)
                turn += 1

    def one_by_one(self, tasks: Sequence[Task]) -> list[Answer | None]:
        """Answers from a process that nobody else uses; None for a task over which it breaks down, and another goes on."""
        worker = _Worker(self._work)
        found: list[Answer | None] = []
        try:
            for task in tasks:
                worker.give(0, task)
                try:
                    found.append(worker.take()[1])
                except (EOFError, OSError):
                    found.append(None)
                    worker.end()
                    worker = _Worker(self._work)
        finally:
            worker.end()
        return found

    def _fill(self, worker: "_Worker", numbered: Iterator[tuple[int, Task]], held: int) -> None:
        if held < _HELD * len(self._workers) and worker in self._workers:
            for number, task in islice(numbered, _AHEAD - len(worker.given)):
                worker.give(number, task)

    def _taken(self, worker: "_Worker") -> dict[int, Answer | None]:
        """The next answer of a process, by number. If it has died: None for all that it was given; another takes its place."""
        try:
            return dict([worker.take()])
        except (EOFError, OSError):
            worker.end()
            self._workers[self._workers.index(worker)] = _Worker(self._work)
            return dict.fromkeys(worker.given)


class _Worker:
    """One process, its pipe, and the numbers of the tasks that it has been given, the oldest first."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        if sys.platform == "linux":  # its children share the memory of what it has imported
            context: Any = get_context("forkserver")
            context.set_forkserver_preload([work.__module__])
        else:
            context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.given: deque[int] = deque()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with _undisturbed():
            self.process.start()
        theirs.close()

    def give(self, number: int, task: object) -> None:
        """Hand it another task. That it has died is found out when it should answer."""
        self.given.append(number)
        with suppress(OSError):
            self.pipe.send(task)

    def take(self) -> tuple[int, Any]:
        """Number and answer of the oldest task. Raises `EOFError` or `OSError` where it has died."""
        answer = self.pipe.recv()
        return self.given.popleft(), answer

    def end(self) -> None:
        """End it, but do not wait for one that a dead disk holds."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(_PATIENCE)
        if self.process.exitcode is not None:
            self.process.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep Ctrl+C from a process that is being started: at a terminal it reaches all, and the parent alone deals with it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Do tasks in a process of its own until the parent closes the pipe or is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, tasks), daemon=True).start()
    while True:
        answer = work(tasks.get())
        try:
            pipe.send(answer)
        except OSError:
            os._exit(0)


def _listen(pipe: Connection, tasks: "SimpleQueue[Any]") -> None:
    """Take tasks at once, so that the parent never waits; a closed pipe ends the process in the middle of its work."""
    while True:
        try:
            tasks.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)
