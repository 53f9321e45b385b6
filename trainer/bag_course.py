"""How far a bag is: each member as it stands, and how long the whole still takes. From their files, without torch."""

import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass

from trainer import runs
from trainer.bags import Bag, Member
from trainer.course import Course, Summary, summary
from trainer.errors import StorageError

FINISHED, RUNNING, WAITING = "finished", "running", "waiting"
PARTS = 1000
"""A member's part of the bag's progress."""
Stamp = tuple[int, int, bool]
Known = MutableMapping[str, tuple[Stamp, Summary, Course]]
"""Folder of a run -> how its history looked when it was read, and what was read."""


@dataclass(frozen=True)
class MemberCourse:
    """One member: as planned, and what its run says (None: it has not begun). `share` 0..1 of its steps are done.

    `worked` are seconds of training so far; `ends`, in seconds since the epoch, is when it should have ended (None: not known).
    """

    member: Member
    run: Summary | None
    share: float = 0.0
    worked: float = 0.0
    ends: float | None = None

    @property
    def state(self) -> str:
        """As in `runs.Status`, or `WAITING` where it has not begun."""
        return self.run.status.state if self.run else WAITING

    @property
    def words(self) -> str:
        """How it stands."""
        return self.run.status.words if self.run else "waits for its turn"


@dataclass(frozen=True)
class BagCourse:
    """A bag under way, or as it was left; `busy`: a process works on it."""

    members: tuple[MemberCourse, ...]
    busy: bool

    def progress(self) -> tuple[int, int]:
        """Done and total, in `PARTS` of a member."""
        return round(PARTS * sum(one.share for one in self.members)), PARTS * len(self.members)

    def remaining(self, now: float) -> float | None:
        """Seconds still needed at the pace of the members so far; None where that cannot be said, or nothing works on it.

        `now` in seconds since the epoch. Members that train side by side share out what waits.
        """
        working = [one for one in self.members if one.state == RUNNING]
        left = [max(0.0, one.ends - now) for one in working if one.ends is not None]
        whole = list(self._times(now))
        if not self.busy or not whole or len(left) < len(working):
            return None
        each = sum(whole) / len(whole)
        waiting = sum(1 - one.share for one in self.members if one.state not in (FINISHED, RUNNING))
        return (sum(left) + each * waiting) / max(1, len(working))

    def sentence(self) -> str:
        """ "member 2 of 10 in epoch 3 of 15, 1 trained"."""
        done, of = sum(one.state == FINISHED for one in self.members), len(self.members)
        working = [one for one in self.members if one.state == RUNNING and one.run]
        if len(working) == 1 and working[0].run:
            where = working[0].run.status.words.removeprefix("running").strip()
            said = [f"member {working[0].member.number} of {of}{f' {where}' if where else ''}"]
        else:
            numbers = ", ".join(str(one.member.number) for one in working)
            said = [f"members {numbers} of {of}"] if working else []
        return ", ".join([*said, f"{done} trained" if said else f"{done} of {of} members trained"])

    def _times(self, now: float) -> Iterator[float]:
        """Seconds that a member took, or will have taken."""
        for one in self.members:
            if one.state == FINISHED:
                yield one.worked
            elif one.state == RUNNING and one.ends is not None:
                yield one.worked + max(0.0, one.ends - now)


def look(bag: Bag, known: Known | None = None) -> BagCourse:
    """Read how a bag stands; runs whose history has not changed are taken from `known`. Raises `DataError`, `StorageError`."""
    known = {} if known is None else known
    begun = bag.begun()
    members = tuple(_member(one, begun.get(one.number), known) for one in bag.plan().members)
    return BagCourse(members, bag.busy())


def _member(member: Member, run: runs.Run | None, known: Known) -> MemberCourse:
    if run is None:
        return MemberCourse(member, None)
    stamp, folder = run.stamp(), str(run.folder)
    kept = known.get(folder)
    if kept is None or kept[0] != stamp:
        known[folder] = kept = (stamp, summary(run), _course(run))
    _, about, course = kept
    done, total = (0, 0) if course.reading else course.progress()
    share = 1.0 if about.status.state == FINISHED else min(1.0, done / total) if total else 0.0
    now = time.time()
    left = course.remaining(now) if about.status.state == RUNNING else None
    return MemberCourse(member, about, share, course.elapsed(), None if left is None else now + left)


def _course(run: runs.Run) -> Course:
    course = Course()
    try:
        course.add(run.milestones())
    except StorageError:  # away for a moment: its summary says so
        return Course()
    return course
