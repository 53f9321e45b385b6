"""A process that trains along with others: the verbs train and resume for all ranks but the first, which is cli_learning's.

It loads no more than training needs, since there may be many of it; it speaks of its own trouble only, and never on stdout.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from trainer import console, ranks, train
from trainer.errors import TrainerError


@contextmanager
def gentle_interrupt(*, quiet: bool = False) -> Iterator[Callable[[], bool]]:
    """The first Ctrl+C (or a polite kill) asks to stop and keep; the second Ctrl+C ends at once."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)
        if not quiet:
            console.note("Stopping as soon as this step is done; what was learned is kept. Ctrl+C again ends at once.")

    old = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def run() -> int | None:
    """Learn along to the end; the exit status. None where this process is the first, or alone."""
    place = ranks.placed()
    if place.first:
        return None
    try:
        with gentle_interrupt(quiet=True) as stop:
            train.assist(stop=stop)
    except TrainerError as error:
        console.note(f"cxr-trainer, process {place.rank + 1}: {error}")
        return 2
    return 0  # also where it was stopped: that is for the first to say
