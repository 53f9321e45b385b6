"""Small pictures with their heat maps for a gallery, made a few at a time in jobs, all on one scale to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from cxr_desktop import inference
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from trainer import colours, files, images
from trainer.errors import ImageError, Progress, StorageError, TrainerError
from trainer.geometry import Part, seen

AT_ONCE = 3
"""Images in one job: some hundred milliseconds each."""
OPACITY = 0.6
BRIGHTEST = 0.75
"""Share of the maps whose strongest evidence is not beyond the brightest colour, as in the report."""


@dataclass(frozen=True)
class Wanted:
    """A heat map that is to be seen: of which finding, over which file."""

    path: Path
    digest: str
    finding: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by."""
        return self.digest, self.finding


@dataclass(frozen=True, eq=False)
class Small:
    """A radiograph float32 [h, w] in 0..1, its heat map float32 [h, w] in the network's own unit, and what the network saw."""

    grey: NDArray[np.float32]
    heat: NDArray[np.float32]
    seen: Part


Made = dict[tuple[str, str], Small | str]


class HeatPictures(QObject):
    """Heat maps of one run at a time, or of the members of a bag together, `side` pixels along the longer edge."""

    changed = Signal()
    """More pictures, or another scale."""

    def __init__(self, project: Project, network: LoadedNetwork, parent: QObject, *, side: int = 256) -> None:
        super().__init__(parent)
        self._network = network
        self._jobs = Latest(project, self)
        self._side = side
        self._networks: tuple[Path, ...] = ()
        self._made: Made = {}
        self._pictures: dict[tuple[str, str], QPixmap] = {}
        self._wanted: list[Wanted] = []
        self.problem = ""
        """Why there are none, in words."""
        project.closed.connect(self.forget)

    @property
    def busy(self) -> bool:
        """Whether some are still to come."""
        return self._jobs.busy

    @property
    def top(self) -> float:
        """The value of the brightest colour, in the network's own unit; 0 without any evidence."""
        shown = [float(one.heat.max(initial=0)) for key in self._keys() if isinstance(one := self._made.get(key), Small)]
        return float(np.quantile(shown, BRIGHTEST)) if shown else 0.0

    def want(self, networks: tuple[Path, ...], wanted: Sequence[Wanted]) -> None:
        """Make these, by the networks of these run folders together; what is made already is not made again."""
        if networks != self._networks:
            self.forget()
            self._networks = networks
        self.problem = ""
        self._wanted = list(wanted)
        self._coloured()
        self._go_on()

    def forget(self) -> None:
        """The network may be another one now."""
        self._networks = ()
        self._wanted, self._made, self._pictures = [], {}, {}

    def picture(self, digest: str, finding: str) -> QPixmap | str | None:
        """The picture, in words why there is none, or None as long as it is not made."""
        made = self._made.get((digest, finding))
        return made if isinstance(made, str) else self._pictures.get((digest, finding))

    def _keys(self) -> list[tuple[str, str]]:
        return [one.key for one in self._wanted]

    def _go_on(self) -> None:
        missing = [one for one in self._wanted if one.key not in self._made][:AT_ONCE]
        if not missing or not self._networks:
            return
        runs, network, side = self._networks, self._network, self._side
        self._jobs.ask(lambda progress: (runs, make(network.of(*runs), missing, side, progress)), self._arrived, self._failed)

    def _arrived(self, found: tuple[tuple[Path, ...], Made]) -> None:
        runs, made = found
        if runs != self._networks:
            return
        self._made |= made
        self._coloured()
        self._go_on()

    def _failed(self, error: TrainerError) -> None:
        self.problem = f"{error.what}."
        self.changed.emit()

    def _coloured(self) -> None:
        """All on one scale: another picture may move it."""
        top = self.top
        self._pictures = {key: _pixmap(made, top) for key in self._keys() if isinstance(made := self._made.get(key), Small)}
        self.changed.emit()


def make(network: inference.Ensemble, wanted: Sequence[Wanted], side: int, progress: Progress) -> Made:
    """In a job: the heat maps; an image that cannot be read becomes a sentence."""
    made: Made = {}
    for one in wanted:
        progress(0, 0)
        try:
            made[one.key] = _small(network, one, side)
        except (ImageError, StorageError) as error:
            made[one.key] = error.what
    return made


def _small(network: inference.Ensemble, wanted: Wanted, side: int) -> Small | str:
    with files.storage_in_words(wanted.path):
        content = wanted.path.read_bytes()
    if files.digest(content) != wanted.digest:
        return "The file has changed since it was imported"
    if wanted.finding not in network.findings:
        return "The network does not know this finding"
    image = images.decode(content, name=wanted.path.name)
    maps = inference.heatmaps(network, image)
    grey, heat = _reduced(image.pixels, side), _reduced(maps.over_image(wanted.finding), side)
    return Small(grey, heat, seen((grey.shape[0], grey.shape[1]), *maps.fits))


def _reduced(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    height, width = values.shape
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = PIL.Image.fromarray(values).resize(size, PIL.Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32)


def _pixmap(made: Small, top: float) -> QPixmap:
    drawn = colours.blended(made.grey, made.heat, top=top, opacity=OPACITY)
    picture = np.ascontiguousarray(colours.framed(drawn, made.seen))
    height, width = picture.shape[:2]
    return QPixmap.fromImage(QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888))
