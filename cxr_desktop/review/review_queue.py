"""What is read, predicted and explained next: the image on screen first, then those in sight, then the rest in the background.

All of it are jobs; nothing here knows a widget. A result that nobody waits for any more is dropped.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from cxr_desktop import inference
from cxr_desktop.inference import Ensemble, Maps
from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from cxr_desktop.review.review_list import Answers, ReviewList
from trainer import bearings, images, picks, verdicts
from trainer.bearings import Bearings
from trainer.errors import ImageError, Progress, TrainerError
from trainer.geometry import Part
from trainer.images import Image
from trainer.verdicts import FilePrediction

AT_ONCE = 2
"""Background jobs: one reads its file while the other has the network. The pool has a third thread for the image on screen."""
KEPT = 4
"""Images that stay in memory, so that going back and forth is quick."""
SIDE = 96
"""Pixels of a thumbnail."""


@dataclass(frozen=True, eq=False)
class Glance:
    """What a background job brings: a thumbnail uint8 [SIDE, SIDE] (None: not readable) and what was said (None: no model)."""

    path: Path
    thumbnail: NDArray[np.uint8] | None
    said: FilePrediction | None


@dataclass(frozen=True, eq=False)
class Look:
    """An image that is or was on screen, and its heat maps once there are any."""

    image: Image
    bearings: Bearings
    maps: Maps | None = None


@dataclass(frozen=True)
class Taken:
    """The image files found among what was dropped, and what was wrong with the rest."""

    files: tuple[Path, ...]
    problems: tuple[TrainerError, ...]


class ReviewQueue(QObject):
    """Feeds `files` with answers. `ensemble` is None as long as no model is open."""

    taken = Signal(object)
    """A `Taken`: the files stand in the list now."""
    image_read = Signal(object, object)
    """Path and `Look` of the file to show."""
    not_readable = Signal(object, object)
    """Path of the file to show, and a `TrainerError`."""
    judged = Signal(object)
    """The `FilePrediction` of the file that is shown."""
    explained = Signal(object, str, int, object)
    """Path, finding, the member (`inference.MEAN`: all) and its heat map float32 [H, W]."""
    model_opened = Signal()
    model_refused = Signal(object)
    """A `TrainerError`; the model that was open stays."""
    opening_changed = Signal()
    """A model has begun or ended being opened."""

    def __init__(self, project: Project, files: ReviewList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.files = files
        self.ensemble: Ensemble | None = None
        self.paused = False
        self.in_sight: Callable[[], Iterable[Path]] = tuple
        """The files whose rows are visible now."""
        self._project = project
        self._path: Path | None = None
        self._finding, self._member = "", inference.MEAN
        self._looks: OrderedDict[Path, Look] = OrderedDict()
        self._reading: Job | None = None
        self._judging: Job | None = None
        self._explaining: Job | None = None
        self._opening: Job | None = None
        self._background: dict[Path, Job] = {}

    # What the page asks for

    @property
    def opening(self) -> bool:
        """Whether a model is being opened."""
        return self._opening is not None

    def warm(self) -> None:
        """Load torch before it is needed."""
        self._project.run(_warmed, owner=self, survives=True)

    def take(self, paths: Sequence[Path]) -> None:
        """Put files, and the images of folders, into the list."""
        chosen = tuple(paths)
        self._project.run(
            lambda progress: found_among(chosen, progress),
            self._taken,
            label="Looking for images",
            owner=self,
            survives=True,
        )

    def use(self, paths: Sequence[Path]) -> None:
        """Open runs or checkpoints as the model; none: images are only shown."""
        if self._opening:
            self._opening.cancel()
        chosen = tuple(paths)
        if not chosen:
            self._opening = None
            self._opened(None)
            self.opening_changed.emit()
            return
        self._opening = self._project.run(
            lambda progress: inference.open_models(chosen),
            self._opened,
            self.model_refused.emit,
            label="Opening the model",
            owner=self,
            survives=True,
        )
        self._opening.ended.connect(self._opening_ended)
        self.opening_changed.emit()

    def reread_thresholds(self) -> None:
        """Take over thresholds that were moved while the model is open; its answers stay."""
        ensemble = self.ensemble
        if ensemble is not None:
            self._project.run(
                lambda progress: inference.rethresholded(ensemble),
                lambda found: self._rethresholded(ensemble, found),
                lambda error: None,  # its files are gone, but the network is here
                owner=self,
                survives=True,
            )

    def show(self, path: Path | None) -> None:
        """Bring an image on screen: read it, then predict it, then explain it."""
        self._path = path
        self._cancel(self._reading, self._judging, self._explaining)
        self._reading = self._judging = self._explaining = None
        if path is None:
            return
        if look := self._looks.get(path):
            self._read(path, look)
        else:
            self._reading = self._project.run(
                lambda progress: Look(images.read(path), bearings.read(path)),
                lambda look: self._read(path, look),
                lambda error: self._unreadable(path, error),
                owner=self,
                survives=True,
            )

    def explain(self, finding: str, member: int = inference.MEAN) -> None:
        """Ask for the heat map of a finding for the image on screen, now and when its maps are there; "" for none.

        Of several networks it is that of one, by its place, or the mean.
        """
        self._finding, self._member = finding, member
        self._cancel(self._explaining)
        path = self._path
        look = self._looks.get(path) if path else None
        if path and finding and look and look.maps and finding in look.maps.findings:
            maps = look.maps
            self._explaining = self._project.run(
                lambda progress: maps.over_image(finding, member),
                lambda values: self.explained.emit(path, finding, member, values),
                owner=self,
                survives=True,
            )

    def seen(self) -> Part | None:
        """What the network whose map is on screen was shown of the image; None where that is not known."""
        look = self._looks.get(self._path) if self._path else None
        return look.maps.seen(self._member) if look and look.maps else None

    def pause(self, paused: bool) -> None:
        """Predict nothing in the background, or go on."""
        self.paused = paused
        if paused:
            self._cancel(*self._background.values())
            self._background.clear()
        self.feed()

    def feed(self) -> None:
        """Start background work if there is any; call it when rows have come into sight."""
        while len(self._background) < AT_ONCE and not self._waits_for_screen():
            path = self._next()
            if path is None:
                return
            self._glance(path)

    def forget(self) -> None:
        """Stop all work and drop what is kept; the model stays open."""
        self._path = None
        self._cancel(self._reading, self._judging, self._explaining, *self._background.values())
        self._background.clear()
        self._looks.clear()

    # What becomes of it

    def _taken(self, taken: Taken) -> None:
        self.files.add(taken.files)
        self.taken.emit(taken)
        self.feed()

    def _opening_ended(self) -> None:
        if self.sender() is self._opening:
            self._opening = None
            self.opening_changed.emit()

    def _opened(self, ensemble: Ensemble | None) -> None:
        self._cancel(self._judging, self._explaining, *self._background.values())
        self._background.clear()
        self._judging = self._explaining = None
        self._looks = OrderedDict((path, replace(look, maps=None)) for path, look in self._looks.items())
        self.ensemble, self._member = ensemble, inference.MEAN
        if ensemble is None:
            self.files.ask_for(Answers())
        else:
            several = len(ensemble.members) > 1
            self.files.ask_for(Answers(ensemble.findings, dict(ensemble.thresholds), several, ensemble.task))
        self.model_opened.emit()
        look = self._looks.get(self._path) if self._path else None
        if self._path and look:
            self._judge(self._path, look)
        self.feed()

    def _rethresholded(self, before: Ensemble, now: Ensemble) -> None:
        if self.ensemble is not before or before.thresholds == now.thresholds:
            return
        self.ensemble = now
        self.files.judge_by(dict(now.thresholds))
        said = self.files.said(self._path) if self._path else None
        if said and not said.error:
            self.judged.emit(said)

    def _read(self, path: Path, look: Look) -> None:
        self._reading = None
        self._looks.pop(path, None)
        self._looks[path] = look
        while len(self._looks) > KEPT:
            self._looks.popitem(last=False)
        self.image_read.emit(path, look)
        self._judge(path, look)
        self.feed()

    def _judge(self, path: Path, look: Look) -> None:
        """Predict and explain, as far as that has not been done with this model."""
        ensemble, image, said = self.ensemble, look.image, self.files.said(path)
        if ensemble is None:
            return
        if said and look.maps:
            self._judged(path, said, look.maps)
            return
        self._judging = self._project.run(
            lambda progress: (said or inference.answer(ensemble, image, path), inference.heatmaps(ensemble, image)),
            lambda found: self._judged(path, *found),
            owner=self,
            survives=True,
        )

    def _judged(self, path: Path, said: FilePrediction, maps: Maps) -> None:
        self._judging = None
        if look := self._looks.get(path):
            self._looks[path] = replace(look, maps=maps)
        self.files.answer(said)
        self.judged.emit(said)
        self.explain(self._finding, self._member)
        self.feed()

    def _unreadable(self, path: Path, error: TrainerError) -> None:
        self._reading = None
        self.files.answer(verdicts.refused(path, f"{error.what}. {error.remedy}".strip()))
        self.not_readable.emit(path, error)
        self.feed()

    # The background

    def _waits_for_screen(self) -> bool:
        return self.paused or self._reading is not None or self._judging is not None

    def _next(self) -> Path | None:
        for path in self.in_sight():
            if path not in self._background and self._is_wanted(path):
                return path
        if self.ensemble is None:
            return None
        return next((path for path in self.files.waiting if path not in self._background), None)

    def _is_wanted(self, path: Path) -> bool:
        said = self.files.said(path)
        if said and said.error:
            return False
        return self.files.thumbnail(path) is None or (said is None and self.ensemble is not None)

    def _glance(self, path: Path) -> None:
        ensemble, said = self.ensemble, self.files.said(path)
        job = self._project.run(
            lambda progress: glanced(path, ensemble, said), self._glanced, self._stuck, owner=self, survives=True
        )
        self._background[path] = job
        job.ended.connect(self._glance_ended)

    def _glanced(self, glance: Glance) -> None:
        if glance.thumbnail is not None:
            self.files.keep_thumbnail(glance.path, _picture(glance.thumbnail))
        if glance.said is not None and self.files.said(glance.path) is not glance.said:
            self.files.answer(glance.said)

    def _glance_ended(self) -> None:
        ended = self.sender()
        for path, job in list(self._background.items()):
            if job is ended:
                del self._background[path]
                if not job.cancelled:  # who cancelled it knows what is next: nothing, when the window closes
                    self.feed()

    def _stuck(self, error: TrainerError) -> None:
        self._project.tell(error)
        self.pause(True)
        self.files.counted.emit()

    def _cancel(self, *jobs: Job | None) -> None:
        for job in jobs:
            if job is not None and job.running:
                job.cancel()


def found_among(paths: Iterable[Path], progress: Progress | None = None) -> Taken:
    """The image files among files and folders; what is wrong with one path does not stop the others."""
    files: list[Path] = []
    problems: list[TrainerError] = []
    for path in paths:
        try:
            files += picks.expanded([path], progress)
        except TrainerError as error:
            problems.append(error)
    return Taken(tuple(dict.fromkeys(files)), tuple(problems))


def glanced(path: Path, ensemble: Ensemble | None, said: FilePrediction | None) -> Glance:
    """Read a file for its thumbnail, and predict it unless that was done before or no model is open."""
    try:
        image = images.read(path)
    except ImageError as error:
        return Glance(path, None, verdicts.refused(path, f"{error.what}. {error.remedy}".strip()))
    if ensemble is not None and said is None:
        said = inference.answer(ensemble, image, path)
    return Glance(path, images.to_square(image.pixels, SIDE, "pad"), said)


def _warmed(progress: Progress) -> None:
    inference.warm()


def _picture(thumbnail: NDArray[np.uint8]) -> QImage:
    height, width = thumbnail.shape
    return QImage(thumbnail.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
