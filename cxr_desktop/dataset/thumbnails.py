"""Small pictures of radiographs on the screen: what is looked at now is made first, what was scrolled past is not made."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from cxr_desktop.dataset.thumbnail_files import Pixels, small
from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from trainer.errors import Progress
from trainer.records import Record

MEMORY = 128 * 2**20
"""Bytes of the pictures that are kept."""
AT_ONCE = 2
"""Jobs under way; one thread of the pool stays free for what is asked of the catalog."""
BATCH, BUDGET = 16, 0.03
"""Pictures handed to a job at once, and the seconds after which it hands over what it has: a cached picture takes 1 ms,
one that must be decoded up to some hundred."""

Source = tuple[Path, str]
Made = dict[str, Pixels | str]


def make(sources: Sequence[Source], side: int, cache: Path, progress: Progress) -> Made:
    """In a job: pictures by digest, as many as the budget allows and at least one."""
    until, made = time.monotonic() + BUDGET, Made()
    for path, digest in sources:
        progress(0, 0)
        made[digest] = small(path, digest, side, cache)
        if time.monotonic() > until:
            break
    return made


class Thumbnails(QObject):
    """Pictures of the open project, `side` device pixels along the longer edge."""

    ready = Signal(object)
    """Digests (a set) whose picture, or the reason why there is none, is known now."""

    def __init__(self, project: Project, parent: QObject | None = None, *, memory: int = MEMORY) -> None:
        super().__init__(parent)
        self._project = project
        self._memory = memory
        self._side = 128
        self._kept: OrderedDict[tuple[int, str], QPixmap] = OrderedDict()
        self._bytes = 0
        # By path too: what is asked for while its folder is being found elsewhere is not refused for ever.
        self._refused: dict[tuple[str, Path], str] = {}
        self._asked: frozenset[str] = frozenset()
        self._wanted: dict[str, Path] = {}
        self._under_way: set[tuple[int, str]] = set()
        self._jobs: set[Job] = set()
        project.closed.connect(self._forget)
        project.images_changed.connect(self._refused.clear)

    @property
    def side(self) -> int:
        """Device pixels along the longer edge."""
        return self._side

    @property
    def waiting(self) -> int:
        """How many pictures are still to be made, without those that are being made."""
        return len(self._wanted)

    def set_side(self, side: int) -> None:
        """Make pictures of another size from now on."""
        if side != self._side:
            self._side = side
            self._wanted.clear()

    def picture(self, record: Record) -> QPixmap | str | None:
        """What can be shown at once: the picture, in words why there is none, or None as long as it is not known."""
        key = (self._side, record.digest)
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found
        return self._refused.get((record.digest, record.path))

    def want(self, records: Sequence[Record]) -> None:
        """Make these pictures, the first ones first, and nothing else: what was wanted before was scrolled past."""
        self._asked = frozenset(record.digest for record in records)
        self._wanted = {
            record.digest: record.path
            for record in records
            if (self._side, record.digest) not in self._kept
            and (self._side, record.digest) not in self._under_way
            and (record.digest, record.path) not in self._refused
        }
        self._start()

    def _start(self) -> None:
        while self._wanted and len(self._jobs) < AT_ONCE and self._project.is_open:
            # Shared between the jobs, so that a screen of slow files is not left to one of them.
            share = min(BATCH, -(-len(self._wanted) // (AT_ONCE - len(self._jobs))))
            sources = [(self._wanted.pop(digest), digest) for digest in list(self._wanted)[:share]]
            self._run(sources, self._side, self._project.folder / "cache" / "thumbnails")

    def _run(self, sources: list[Source], side: int, cache: Path) -> None:
        self._under_way.update((side, digest) for _, digest in sources)
        job = self._project.run(
            lambda progress: make(sources, side, cache, progress), lambda made: self._made(sources, side, made), owner=self
        )
        self._jobs.add(job)
        job.ended.connect(lambda: self._ended(job, sources, side))

    def _made(self, sources: list[Source], side: int, made: Made) -> None:
        for path, digest in sources:
            found = made.get(digest)
            if isinstance(found, str):
                self._refused[digest, path] = found
            elif found is not None:
                self._keep((side, digest), found)
        if side == self._side:
            left = {digest: path for path, digest in sources if digest not in made and digest in self._asked}
            self._wanted = {**left, **self._wanted}
        self.ready.emit(frozenset(made))

    def _ended(self, job: Job, sources: list[Source], side: int) -> None:
        if job in self._jobs and not job.cancelled:  # otherwise its project is closed or being closed
            self._jobs.remove(job)
            self._under_way.difference_update((side, digest) for _, digest in sources)
            self._start()

    def _keep(self, key: tuple[int, str], pixels: Pixels) -> None:
        height, width = pixels.shape
        picture = QPixmap.fromImage(QImage(pixels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8))
        self._kept[key] = picture
        self._bytes += width * height * 4
        while self._bytes > self._memory and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.width() * old.height() * 4

    def _forget(self) -> None:
        self._jobs.clear()
        self._under_way.clear()
        self._wanted.clear()
        self._kept.clear()
        self._refused.clear()
        self._bytes = 0
