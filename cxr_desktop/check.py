"""Does this installation work? `cxr-desktop --check OUT PROJECT` goes through the main job in the window by itself.

It opens a copy of a project, trains one epoch, judges the run, reviews a PNG and a DICOM file, and ends. OUT then holds a
picture of each page and check.json: what was done and how long it took, or what went wrong. A bundle is proved with it, and a
user can send the folder to somebody who can help.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from cxr_desktop.main_window import MainWindow
from trainer import files, runs
from trainer.catalog import Filter

LOOK = 50
"""Milliseconds between two looks at whether a step is done."""
RUN = "check"


@dataclass(frozen=True)
class Step:
    """What is done, how one sees that it is done, and the seconds after which it has failed."""

    name: str
    do: Callable[[], object]
    until: Callable[[], bool]
    seconds: float


class Check(QObject):
    """Goes through the steps; the application ends with `code` 0 if all of them succeeded, else 1."""

    def __init__(self, window: MainWindow, out: Path, project: Path) -> None:
        super().__init__(window)
        self.window, self.out, self.code = window, out, 1
        self.copy = out / project.name
        self._project = project
        self._done: list[dict[str, Any]] = []
        self._problems: list[str] = []
        self._steps = self._all_steps()
        self._step: Step | None = None
        self._since = time.monotonic()
        window.project.noticed.connect(lambda notice: notice.kind == "error" and self._problems.append(notice.text()))
        self._timer = QTimer(self, interval=LOOK)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _all_steps(self) -> Iterator[Step]:
        project = self.window.project
        yield Step("open", self._open, lambda: project.is_open and self._page("dataset").shown.total > 0, 60)
        yield Step("train", self._train, self._trained, 600)
        yield Step("evaluate", self._evaluate, self._evaluated, 300)
        yield Step("review", self._review, self._reviewed, 120)

    # What a user would do

    def _open(self) -> None:
        shutil.copytree(self._project, self.copy)
        self.window.open_paths([self.copy])
        self.window.show_page("dataset")

    def _train(self) -> None:
        page = self.window.show_page("training")
        page.setup.chooser.options.buttons["scratch"].click()
        page.setup.form.set_value("schedule.epochs", 1)
        page.setup.bar.name.setText(RUN)
        self._when(lambda: page.setup.bar.button.isEnabled(), page.setup.bar.button.click)

    def _trained(self) -> bool:
        return self._run.folder.exists() and not self.window.project.training.active() and self._run.best.exists()

    def _evaluate(self) -> None:
        self.window.project.run_wanted.emit("evaluation", str(self._run.folder))
        page = self._page("evaluation")
        self._when(lambda: page.empty.button.isVisible() and page.empty.button.isEnabled(), page.empty.button.click)

    def _evaluated(self) -> bool:
        page = self._page("evaluation")
        return bool(page.judged and page.judged.evaluation and not page.busy)

    def _review(self) -> None:
        catalog = self.window.project.catalog
        picture = catalog.records(catalog.ids(Filter(part="test"))[:1])[0].path
        self._files = [picture, _as_dicom(picture, self.out / "review.dcm")]
        self.window.project.run_wanted.emit("review", str(self._run.folder))
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in self._files])
        none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
        self.window.dropEvent(QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, data, left, none))

    def _reviewed(self) -> bool:
        said = [self._page("review").files.said(path) for path in self._files]
        return all(one is not None and not one.error for one in said)

    # Going on

    @property
    def _run(self) -> runs.Run:
        return runs.Run(self.copy / runs.RUNS_FOLDER / RUN)

    def _page(self, name: str) -> Any:  # noqa: ANN401 - a page is made when it is first shown
        return self.window.pages[name]

    def _when(self, ready: Callable[[], bool], do: Callable[[], object]) -> None:
        """Do it as soon as it can be done: buttons wait for what is read in the background."""
        self._waiting = (ready, do)

    def _look(self) -> None:
        waiting = getattr(self, "_waiting", None)
        if waiting and waiting[0]():
            self._waiting = None
            waiting[1]()
        step = self._step
        if self._problems:
            self._end("; ".join(self._problems))
        elif step is None or (not getattr(self, "_waiting", None) and step.until()):
            self._next()
        elif time.monotonic() - self._since > step.seconds:
            self._end(f"'{step.name}' was not done after {step.seconds:.0f} s")

    def _next(self) -> None:
        if self._step is not None:
            seconds = round(time.monotonic() - self._since, 2)
            self._done.append({"step": self._step.name, "seconds": seconds})
            self.window.grab().save(str(self.out / f"{len(self._done)}-{self._step.name}.png"))
        self._step, self._since = next(self._steps, None), time.monotonic()
        if self._step is None:
            self._end("")
        else:
            self._step.do()

    def _end(self, problem: str) -> None:
        self._timer.stop()
        self.code = int(bool(problem))
        if problem:
            self.window.grab().save(str(self.out / "problem.png"))
        files.write_text(self.out / "check.json", json.dumps({"steps": self._done, "problem": problem}, indent=2) + "\n")
        QApplication.exit(self.code)


def _as_dicom(picture: Path, path: Path) -> Path:
    """The same radiograph as an uncompressed DICOM file of 8 bits."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    from trainer import images

    pixels = np.rint(images.read(picture).pixels * 255).astype(np.uint8)
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    header.Modality, header.PhotometricInterpretation = "DX", "MONOCHROME2"
    header.Rows, header.Columns = pixels.shape
    header.SamplesPerPixel, header.PixelRepresentation = 1, 0
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit = 7
    header.WindowCenter, header.WindowWidth = 128, 256  # all values as they are (PS3.3 C.11.2.1.2.1)
    header.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    header.save_as(path, enforce_file_format=True)
    return path
