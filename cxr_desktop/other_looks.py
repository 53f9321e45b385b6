"""The image on screen through another of the windows that its file offers: read again in a job, remembered for each image."""

from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from cxr_desktop.widgets.viewer import Viewer
from trainer import images
from trainer.errors import ImageError, TrainerError
from trainer.images import Image


class OtherLooks(QObject):
    """Answers what its viewer asks for. What was chosen for one image is nothing to the next, and comes back with the first."""

    def __init__(self, project: Project, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._project, self._viewer = project, viewer
        self._reading: Job | None = None
        self._path: Path | None = None
        self._chosen: dict[Path, int] = {}
        viewer.look_wanted.connect(self._wanted)

    def of(self, path: Path) -> None:
        """The viewer shows the image of this file now, as a network sees it."""
        self._path = path
        if path in self._chosen and self._chosen[path] != self._viewer.looks.current:
            self._viewer.choose_look(self._chosen[path])

    def _wanted(self, look: int) -> None:
        path = self._path
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if path is None:
            return
        if look == 0:  # the viewer has it
            self._chosen.pop(path, None)
            return
        self._chosen[path] = look
        shown = self._viewer.lightbox.image
        self._reading = self._project.run(
            lambda _: _same(path, look, shown),
            partial(self._read, path, look),
            partial(self._refused, path, look),
            owner=self,
            survives=True,
        )

    def _read(self, path: Path, look: int, image: Image) -> None:
        if self._path == path and self._chosen.get(path) == look:
            self._viewer.show_look(look, image)

    def _refused(self, path: Path, look: int, error: TrainerError) -> None:
        if self._chosen.get(path) == look:
            del self._chosen[path]
        if self._path == path:
            self._viewer.choose_look(0)
        self._project.tell(error)


def _same(path: Path, look: int, shown: Image | None) -> Image:
    """The image that is shown, through another look. Raises `ImageError`, also where another image is in its place by now."""
    content = images.content_of(path)
    if shown is None or not np.array_equal(images.decode(content, name=str(path)).pixels, shown.pixels):
        raise ImageError("The file has changed since it was shown", where=path, remedy="Show it again.")
    return images.decode(content, name=str(path), look=look)
