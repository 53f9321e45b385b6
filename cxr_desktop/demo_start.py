"""The demo in the window: the trainer makes it in a process of its own; the run is shown as soon as it is there."""

from pathlib import Path

import platformdirs
from PySide6.QtCore import QObject

from cxr_desktop.project import Project
from cxr_desktop.tasks import Task

FOLDER = "CXR Desktop demo"


class DemoStart(QObject):
    """Makes one demo at a time, in the user's documents; an earlier one that is whole is opened instead."""

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._task: Task | None = None
        self._out = Path()
        self._offered = False
        self.options: tuple[str, ...] = ()
        """More words for `cxr-trainer demo`: fewer images make it quicker."""

    def start(self) -> None:
        """Make the demo, or open the one that is there."""
        if self._task is not None:
            self._project.tell("The demo is being made: the line at the bottom shows how far it is.")
            return
        place = platformdirs.user_documents_path()
        ready = place / FOLDER / "demo.cxr"
        if (ready / "runs" / "demo" / "report.html").exists():
            self._open(ready, "training")
            return
        self._out, self._offered = _free(place), False
        words: list[str | Path] = ["demo", self._out, *self.options]
        self._task = self._project.command(words, self._done, label="Making the demo")
        self._task.noted.connect(self._look)
        self._task.ended.connect(self._ended)

    def _look(self) -> None:
        """Show the run live as soon as it is there, once: whoever leaves it, or will not leave another project, is let be."""
        made = self._out / "demo.cxr"
        if not self._offered and (made / "runs" / "demo" / "config.json").exists():
            self._offered = True
            self._open(made, "training")

    def _done(self, made: dict[str, str]) -> None:
        self._open(Path(made["project"]), "evaluation")
        self._project.tell("The demo is ready: radiographs, a trained network, its judgement and its report.")

    def _ended(self) -> None:
        self._task = None

    def _open(self, folder: Path, page: str) -> None:
        opened = self._project.is_open and self._project.folder == folder
        if opened or self._project.open(folder):
            self._project.runs_changed.emit()
            self._project.run_wanted.emit(page, str(folder / "runs" / "demo"))


def _free(place: Path) -> Path:
    """A folder that is not there yet: an interrupted demo is left for the user to look at or delete."""
    path, number = place / FOLDER, 1
    while path.exists():
        number += 1
        path = place / f"{FOLDER} {number}"
    return path
