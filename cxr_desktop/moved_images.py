"""Images that are not where they were: told when a project is opened, and found again by one question."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from cxr_desktop.notices import ERROR, WARNING, Notice
from cxr_desktop.project import Project
from cxr_desktop.wording import in_window
from trainer.errors import TrainerError
from trainer.roots import Place

NONE_MISSING = "All folders of this project are where they were."
REMEDY = (
    "Labels and results are kept. Say where the folder is now, or connect its drive and look again; "
    "until then you can go on with what is there."
)


class MovedImages(QObject):
    """Looks for the folders of the open project, asks where they are now, and has the answer checked."""

    def __init__(self, project: Project, parent: QWidget) -> None:
        super().__init__(parent)
        self._project, self._window = project, parent
        self._questions: list[Notice] = []
        self._answers: list[Notice] = []
        project.opened.connect(self.look)
        project.closed.connect(self._settle_all)
        project.missing_wanted.connect(self._find)

    def look(self) -> None:
        """Look for all folders, and ask where those are that are missing."""
        self._look(self._tell)

    def _find(self) -> None:
        self._look(self._ask)

    def _look(self, found: Callable[[Sequence[Place]], object]) -> None:
        """In a job, since a drive may be slow."""
        if self._project.is_open:
            catalog = self._project.background
            self._project.run(lambda _: [place for place in catalog.whereabouts() if not place.there], found, owner=self)

    def _tell(self, places: Sequence[Place], *, again: bool = False) -> None:
        """Show the question, or take it away."""
        self._settle(self._questions)
        if places:
            choices = (("Find it…", lambda: self._ask(places)), ("Look again", self._look_again))
            self._show(Notice(WARNING, _what(places), "\n".join(_named(places)), REMEDY, choices=choices), self._questions)
        elif again:
            self._project.images_changed.emit()  # a drive is back: what could not be shown can be now
            self._project.tell(NONE_MISSING)

    def _look_again(self) -> None:
        self._look(partial(self._tell, again=True))

    def _ask(self, places: Sequence[Place]) -> None:
        """Where is it now? The answer is checked by the trainer before anything is believed."""
        if not places:
            self._tell(places, again=True)
            return
        first, settings = places[0], self._project.settings
        title = f"Where are the images of {first.root} now?"
        chosen = QFileDialog.getExistingDirectory(self._window, title, settings.text("folder"))
        if chosen:
            settings.set_text("folder", chosen)
            self._check(Path(chosen), ())

    def _check(self, folder: Path, more: Sequence[str]) -> None:
        if not self._project.is_open:
            return
        project = self._project.folder
        self._project.command(
            ["relocate", project, folder, *more],
            partial(self._checked, project),
            partial(self._refused, project, folder),
            label=f"Comparing the images in {folder.name}",
        )

    def _checked(self, project: Path, said: Mapping[str, Any]) -> None:
        if not self._project.is_open or self._project.folder != project:
            return
        self._settle_all()
        words = [sentence for one in said["sources"] for sentence in one["words"]]
        if any(one["different"] or one["missing"] for one in said["sources"]):
            self._show(Notice(WARNING, words[0], "", " ".join(words[1:])), self._answers)
        else:
            self._project.tell(" ".join(words))
        self._project.images_changed.emit()
        self._look(self._still)

    def _still(self, places: Sequence[Place]) -> None:
        if places:
            self._tell(places)

    def _refused(self, project: Path, folder: Path, error: TrainerError) -> None:
        """The wrong folder; where some of the images are in it, it can be taken all the same."""
        some = "--partial" in error.remedy and not error.what.startswith("Only 0 ")
        if not self._project.is_open or self._project.folder != project:
            return
        choices = (("Go on with these alone", lambda: self._check(folder, ["--partial"])),) if some else ()
        self._settle(self._answers)
        self._show(Notice(ERROR, f"{error.what}.", error.where, in_window(error.remedy), choices=choices), self._answers)

    def _show(self, notice: Notice, kept: list[Notice]) -> None:
        kept.append(notice)
        self._project.noticed.emit(notice)

    def _settle(self, kept: list[Notice]) -> None:
        while kept:
            self._project.settled.emit(kept.pop())

    def _settle_all(self) -> None:
        self._settle(self._questions)
        self._settle(self._answers)


def _what(places: Sequence[Place]) -> str:
    images = sum(place.images for place in places)
    if len(places) == 1:
        return f"The folder {places[0].root} with {images:,} image{'' if images == 1 else 's'} is not there."
    return f"{len(places)} folders with {images:,} images are not there."


def _named(places: Sequence[Place]) -> list[str]:
    return [place.root for place in places] if len(places) > 1 else []
