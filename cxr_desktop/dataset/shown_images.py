"""Which images of the project are looked at: a filter, an order, perhaps some images that another page sent; and how many."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from trainer.catalog import Catalog
from trainer.errors import DataError, Progress, TrainerError
from trainer.records import Counts, Filter, Ids, Tally

DEFAULT = Filter()
NOTHING = np.empty(0, dtype=np.int64)
EVERYTHING = Filter(excluded=None, gone=None)


@dataclass(frozen=True, eq=False)
class Choice:
    """What is asked for. `wanted` (int64 [n], None: all images) are images that another page sent, `words` what they are."""

    where: Filter = DEFAULT
    order: str = "path"
    wanted: Ids | None = None
    words: str = ""

    @property
    def narrows(self) -> bool:
        """Whether anything stands between the user and the images that are there and not excluded."""
        return self.wanted is not None or self.where != DEFAULT


@dataclass(frozen=True, eq=False)
class Overview:
    """Counts of the whole project, whatever is chosen."""

    tally: Tally
    counts: Counts
    splits: tuple[str, ...]


def find(catalog: Catalog, choice: Choice) -> tuple[Ids, int]:
    """In a job: ids of the images in their order, and how many there are in all."""
    total = len(catalog.ids(EVERYTHING, choice.order))
    ids = catalog.ids(choice.where, choice.order)
    if choice.wanted is not None:
        ids = ids[np.isin(ids, choice.wanted, kind="table")]
    return ids, total


def survey(folder: Path) -> Overview:
    """In a job: with a connection of its own, because it takes a second for a million images and filters must not wait."""
    with Catalog.open(folder) as catalog:
        return Overview(catalog.tally(), catalog.counts(), tuple(catalog.splits()))


class ShownImages(QObject):
    """The choice and what it gives; everything is asked in jobs, and an answer that was overtaken is dropped."""

    choice_changed = Signal()
    found = Signal()
    """`ids` and `total` are those of the choice now."""
    patients_counted = Signal()
    surveyed = Signal()
    """`overview` is new."""

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._finding, self._counting, self._surveying = (Latest(project, self) for _ in range(3))
        self._empty()
        project.opened.connect(self.restart)
        project.closed.connect(self.restart)
        project.images_changed.connect(self.refresh)
        project.splits_changed.connect(self.refresh)
        project.images_wanted.connect(self.want)

    def _empty(self) -> None:
        self.choice = Choice()
        self.ids: Ids = NOTHING
        self.total = 0
        self.known = False
        """Whether `ids` and `total` are an answer, and not only the beginning."""
        self.patients: int | None = None
        self.overview: Overview | None = None

    def restart(self) -> None:
        """Another project, or none."""
        order = self.choice.order
        self._empty()
        self.choice = Choice(order=order)
        self.choice_changed.emit()
        self.found.emit()
        self.refresh()

    def refresh(self) -> None:
        """Ask everything again."""
        if self._project.is_open:
            self._find()
            folder = self._project.folder
            self._surveying.ask(lambda _: survey(folder), self._surveyed)

    def filter(self, where: Filter) -> None:
        """Show the images that this filter lets through."""
        self._choose(replace(self.choice, where=where))

    def sort(self, order: str) -> None:
        """Show them in this order (see `Catalog.ids`)."""
        self._choose(replace(self.choice, order=order))

    def want(self, ids: Ids, words: str) -> None:
        """Show exactly these images, also those that are excluded or gone."""
        self._choose(replace(self.choice, where=EVERYTHING, wanted=np.asarray(ids, dtype=np.int64), words=words))

    def release(self) -> None:
        """Show all images again, not only those that were sent."""
        where = self.choice.where
        if (where.excluded, where.gone) == (None, None):
            where = replace(where, excluded=False, gone=False)
        self._choose(replace(self.choice, where=where, wanted=None, words=""))

    def clear(self) -> None:
        """Take every filter away."""
        self._choose(Choice(order=self.choice.order))

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self.choice_changed.emit()
        if self._project.is_open:
            self._find()

    def _find(self) -> None:
        catalog, choice = self._project.background, self.choice

        def work(_: Progress) -> tuple[Ids, int]:
            return find(catalog, choice)

        self._finding.ask(work, self._found, self._refused)

    def _found(self, answer: tuple[Ids, int]) -> None:
        self.ids, self.total = answer
        self.known, self.patients = True, None
        self.found.emit()
        catalog, ids = self._project.background, self.ids
        self._counting.ask(lambda _: catalog.patient_count(ids), self._counted)

    def _counted(self, patients: int) -> None:
        self.patients = patients
        self.patients_counted.emit()

    def _surveyed(self, overview: Overview) -> None:
        self.overview = overview
        self.surveyed.emit()

    def _refused(self, error: TrainerError) -> None:
        """A finding or a part of the filter is gone, so the filter has no meaning any more."""
        self._project.tell(error)
        if isinstance(error, DataError) and self.choice.where != DEFAULT:
            self.filter(DEFAULT)
