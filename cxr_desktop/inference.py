"""Trained networks at work inside the window's process, in jobs only: open them, predict an image, see where they looked.

Nothing here loads torch before `warm` or `open_models` runs. Work with torch is done by one thread at a time: two would only
take the cores from each other.
"""

import contextlib
import ctypes
import gc
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainer import bag_thresholds, bags, images, verdicts
from trainer.bag_thresholds import Deciding
from trainer.catalog import Catalog
from trainer.config import TrainConfig
from trainer.errors import RunError
from trainer.geometry import Grid, Part, seen
from trainer.model_card import read_header

SPINS = "10000"
"""How long torch's threads wait by spinning: by default they take the cores from the thread that draws the window."""
_LIBRARIES = ("c10", "torch_cpu", "torch", "torch_python")
_ONE_AT_A_TIME = threading.RLock()
T = TypeVar("T")
MEAN = -1
"""In place of a member: the mean of all."""


@dataclass(frozen=True)
class Origin:
    """Where one network of an ensemble comes from; `recipe` and `run` are "" where the file does not say."""

    path: Path
    run: str
    recipe: str
    backbone: str
    size: int
    epoch: int


@dataclass(frozen=True, eq=False)
class Ensemble:
    """One trained network or several whose probabilities are averaged, ready on a device.

    `deciding` holds the thresholds by which their mean is decided, and says where these come from.
    """

    findings: tuple[str, ...]
    task: str
    deciding: Deciding
    origins: tuple[Origin, ...]
    device: str
    members: tuple[Any, ...]
    """`predict.Member`s: opaque outside of this module."""
    views: str = ""
    """The views that all members learned from (`config.Task.views`), "" where they differ."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The thresholds (finding -> 0..1), for those findings that have one."""
        return self.deciding.thresholds

    @property
    def names(self) -> tuple[str, ...]:
        """What the members are called: their run, or their file."""
        return tuple(one.run or one.path.stem for one in self.origins)


@dataclass(frozen=True, eq=False)
class Maps:
    """Grad-CAM of every finding for one image, as coarse as the networks see: for each member float32 [K, h, w] >= 0.

    `fits` and `grids` say for each member how the image stands in its square and the cells over it.
    """

    findings: tuple[str, ...]
    shape: tuple[int, int]
    each: tuple[NDArray[np.float32], ...]
    fits: tuple[images.Fit, ...]
    grids: tuple[Grid, ...]

    def over_image(self, finding: str, member: int = MEAN) -> NDArray[np.float32]:
        """The heat map of one finding over the whole image, float32 [H, W] >= 0, in the activation's own unit.

        Of several members it is that of `member`, a place among them, or the mean: each map adds up to its member's logit (but
        for constants), so that their unit is the same, and the probability beside it is a mean as well. Needs no torch; takes
        some 10 ms, so it belongs into a job.
        """
        place = self.findings.index(finding)
        taken = _of(list(zip(self.each, self.fits, self.grids, strict=True)), member)
        total = sum(images.from_square(maps[place], self.shape, fit, grid) for maps, fit, grid in taken)
        return np.asarray(total / np.float32(len(taken)), np.float32)

    def seen(self, member: int = MEAN) -> Part:
        """What of the image one member was shown, or any of them."""
        return seen(self.shape, *_of(self.fits, member))


@dataclass(frozen=True, eq=False)
class Reviewed:
    """An image and what an ensemble says of it: float32 [K] probabilities and their standard deviation over the members."""

    image: images.Image
    probabilities: NDArray[np.float32]
    spread: NDArray[np.float32]
    warnings: tuple[str, ...]


def _of(each: Sequence[T], member: int) -> Sequence[T]:
    """Those of all members, or of one."""
    return each if member == MEAN else each[member : member + 1]


def warm() -> None:
    """Load torch and the modules that use it, without keeping the window waiting: some seconds the first time, then nothing.

    Its native libraries are loaded through ctypes first, because Python's own import holds the interpreter's lock while the
    system maps and links several hundred megabytes.
    """
    with _ONE_AT_A_TIME:
        if "trainer.explain" in sys.modules:
            return
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.001)
        try:
            for library in _native_libraries():
                with contextlib.suppress(OSError):  # the import itself will say what is wrong
                    ctypes.CDLL(str(library))
            from trainer import explain, predict  # noqa: F401
        finally:
            sys.setswitchinterval(interval)
        # 300,000 objects that stay for ever: to look through them for garbage would stop the window for 200 ms each time.
        gc.freeze()


def open_models(paths: Sequence[Path], *, device: str = "auto") -> Ensemble:
    """Open run folders, bags (all their trained members) or checkpoints as one ensemble on the best device.

    Raises `RunError`, `WeightsError`, `StorageError`, and `DataError` if they do not fit together.
    """
    warm()
    from trainer import predict

    with _computing():
        members = predict.opened([one for path in paths for one in bags.networks(path)], device=device)
    first = members[0].header
    return Ensemble(
        findings=first.findings,
        task=first.task,
        deciding=bag_thresholds.deciding([one.path for one in members], [one.header for one in members]),
        origins=tuple(
            Origin(one.path, one.header.run, one.header.recipe, one.header.backbone, one.header.size, one.header.epoch)
            for one in members
        ),
        device=predict.place(members[0]),
        views=predict.learned([one.header for one in members]),
        members=tuple(members),
    )


def rethresholded(ensemble: Ensemble) -> Ensemble:
    """The same networks with the thresholds that their files, or their bag, name now: they may have moved. Needs no torch.

    Files that have other weights by now are left as they were opened. Raises `WeightsError`, `DataError`, `StorageError`.
    """
    now = [read_header(one.path) for one in ensemble.origins]
    if any(header.epoch != one.epoch for header, one in zip(now, ensemble.origins, strict=True)):
        return ensemble
    return replace(ensemble, deciding=bag_thresholds.decided_again(ensemble.deciding, now))


def predict(ensemble: Ensemble, path: Path) -> Reviewed:
    """Read a file and predict it. Raises `ImageError`."""
    image = images.read(path)
    said = answer(ensemble, image, path)
    return Reviewed(image, said.probabilities, said.spread, said.warnings)


def answer(ensemble: Ensemble, image: images.Image, path: Path) -> verdicts.FilePrediction:
    """What an ensemble says of an image that has been read from `path`."""
    from trainer import predict

    with _computing():
        return predict.on_image(ensemble.members, image, path)


def rehearse(catalog: Catalog, settings: TrainConfig, *, split: str, number: int, pick: int) -> Any:  # noqa: ANN401 - a `Rehearsal`, whose module loads torch
    """Some training images as the network will see them (`trainer.rehearsal`). Raises `ConfigError`, `DataError`."""
    warm()
    from trainer import rehearsal

    with _computing():
        return rehearsal.rehearse(catalog, settings, split=split, number=number, pick=pick)


def heatmaps(ensemble: Ensemble, image: images.Image) -> Maps:
    """Where the members looked: the maps of all findings, in one pass through each network."""
    from trainer import explain

    with _computing():
        each = tuple(explain.of_image(member, image) for member in ensemble.members)
    fits = tuple(member.header.fit for member in ensemble.members)
    grids = tuple(explain.grid(member.classifier.backbone, member.header.size) for member in ensemble.members)
    return Maps(ensemble.findings, (image.pixels.shape[0], image.pixels.shape[1]), each, fits, grids)


def _native_libraries() -> Iterator[Path]:
    """The files of torch's own libraries, in the order in which they need each other."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return
    pattern = {"win32": "{}.dll", "darwin": "lib{}.dylib"}.get(sys.platform, "lib{}.so")
    for name in _LIBRARIES:
        path = Path(found.origin).parent / "lib" / pattern.format(name)
        if path.exists():
            yield path


@contextlib.contextmanager
def _computing() -> Iterator[None]:
    """One at a time; a device without enough memory is the user's world."""
    import torch

    with _ONE_AT_A_TIME:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise RunError(
                "The device has not enough memory for this model",
                remedy="Close other programs that use it, or wait until the training has ended.",
            ) from error
