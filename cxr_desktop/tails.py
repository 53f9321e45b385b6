"""One run being followed: what is new in its history since the last look, and how it stands."""

from contextlib import closing
from itertools import islice
from typing import Any

from trainer.runs import Run, Standing, Status

MOST = 2_000
"""Events of one look: a history of 100,000 comes in pieces that the window takes without a halt."""


class Tail:
    """Opens the run's files only while it looks, so that a run can be deleted or renamed at any time.

    `followed`: somebody looks at it, running or not. `running`: it is to be followed until it has ended. `caught_up`: the
    last look saw the end of the history. `told` is the status that was told last.
    """

    def __init__(self, run: Run, *, followed: bool = False) -> None:
        self.run = run
        self.followed = followed
        self.caught_up = self.running = self.busy = False
        self.status: Status | None = None
        self.told: Status | None = None
        self._standing = Standing()
        self._offset = 0

    def look(self) -> list[dict[str, Any]]:
        """The next events, at most `MOST`; `busy` and `status` are as of now if it has `caught_up`. Raises `StorageError`."""
        busy = self.run.busy()  # asked first: a run that ends in between is then seen as finished, not as crashed
        with closing(self.run.tail(self._offset)) as source:
            events = list(islice(source, MOST))
        if events:
            self._offset = events[-1]["offset"]
        for event in events:
            self._standing.add(event)
        self.caught_up = len(events) < MOST
        if self.caught_up:
            self.busy, self.status = busy, self._standing.status(busy=busy)
        return events
