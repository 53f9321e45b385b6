"""The catalog of a project: one SQLite file with images, patients, findings, labels, flags and splits.

A view on it is an array of ids. A label is yes, no or not stated; an answer that was never given has no row, and what the
user answered by hand outlives every later import.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trainer import files, intake, marks, queries, roots, schema, selections
from trainer.errors import DataError, Progress, StorageError, command_line, did_you_mean
from trainer.records import (
    NO,
    NOT_STATED,
    PARTS,
    YES,
    Answers,
    Counts,
    Entry,
    Filter,
    Ids,
    Record,
    Selection,
    SourceFolder,
    Split,
    Tally,
)

__all__ = [
    "NO",
    "NOT_STATED",
    "PARTS",
    "YES",
    "Answers",
    "Catalog",
    "Counts",
    "Entry",
    "Filter",
    "Ids",
    "Record",
    "Selection",
    "SourceFolder",
    "Split",
    "Tally",
    "project_folder",
]

FILE = "catalog.sqlite"
SUFFIX = ".cxr"
COLUMNS = ("path", "digest", "patient", "study", "view", "sex", "age", "source", "part_given", "width", "height", "excluded")
_PLAIN = ("patient", "study", "view", "sex", "age", "source", "digest", "width", "height", "part_given")
# json_each has columns named id and path itself, so the two that matter get names of their own.
_ASKED = "(SELECT key AS place, value AS image FROM json_each(?)) AS asked"
FEW = 5_000  # images; from here on reading all labels of a finding is faster than looking each image up
_NOTHING = Filter()
_EVERY = Filter(excluded=None, gone=None)


def project_folder(path: Path) -> Path:
    """Absolute folder of a project that the user named with or without its ".cxr"."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "." and "..", keeps links
    if path.suffix == SUFFIX or files.is_file(path / FILE) or not path.name:
        return path
    return path.with_name(path.name + SUFFIX)


class Catalog:
    """An open catalog. It may be used from several threads (one at a time gets in) and by several processes.

    Every method may raise `StorageError` (full, read-only, another program is writing) and `DataError` (damaged).
    """

    def __init__(self, project: Path, connection: sqlite3.Connection) -> None:
        self.project = project
        self._connection = connection
        self._lock = threading.RLock()
        # All ids by order, as long as nothing changes: sorting anew would be half the time of a filter.
        self._orders: dict[str, Ids] = {}
        self._patients: NDArray[np.int32] | None = None
        self._version = (-1, -1)
        self._place = self._found()
        self._placed: dict[tuple[str, str], Path] = {}  # sources that were looked for: that reads files

    @classmethod
    def create(cls, project: Path) -> Self:
        """Make a project folder (".cxr" is added) with an empty catalog, or open the one that is there."""
        project = project_folder(project)
        with files.storage_in_words(project):
            project.mkdir(parents=True, exist_ok=True)
        return cls(project, schema.connect(project / FILE))

    @classmethod
    def open(cls, project: Path) -> Self:
        """Open the catalog of a project. Raises `DataError` if it is none."""
        project = project_folder(project)
        if not files.is_file(project / FILE):
            folder = os.path.isdir(project)  # noqa: PTH112 - `Path.is_dir` raises where a share is away, or forbidden
            what = "This folder is no CXR project" if folder else "There is no such project"
            near = sorted(other.parent.name for other in project.parent.glob(f"*{SUFFIX}/{FILE}"))
            make = f"Make one with: {command_line('import', 'PROJECT.cxr', 'SOURCE')}"
            raise DataError(what, where=project, remedy=did_you_mean(project.name, near) or make)
        return cls(project, schema.connect(project / FILE))

    def close(self) -> None:
        """Close the file, after whatever another thread is reading; a second time does nothing."""
        with self._lock:  # SQLite ends the whole program where a connection is closed under a running query
            self._connection.close()

    def __enter__(self) -> Self:
        """Give the catalog itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        """One moment of the catalog for reading, or one change as a whole for writing."""
        with self._lock, schema.in_words(self.project / FILE):
            self._connection.execute(f"BEGIN {kind}")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _reading(self) -> Any:  # noqa: ANN401 - contextlib's own type
        return self._transaction("DEFERRED")

    def _writing(self) -> Any:  # noqa: ANN401 - contextlib's own type
        if self._found() != self._place:  # SQLite would go on, and say that all is stored
            raise StorageError(
                "The project is not at its place any more: it was moved, deleted or replaced",
                where=self.project,
                remedy="Nothing was changed. Open the project where it is now.",
            )
        return self._transaction("IMMEDIATE")

    def _found(self) -> tuple[int, int] | None:
        """Which file lies at the catalog's place; None if there is none."""
        try:
            found = (self.project / FILE).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def impatient(self, seconds: float) -> Iterator[None]:
        """Wait no longer than so many seconds for another program that is writing, and then raise `BusyError`.

        For this thread; others that use the catalog wait until it is over.
        """
        with self._lock:
            self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
            try:
                yield
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {round(schema.BUSY_SECONDS * 1000)}")

    # Reading

    def ids(self, where: Filter = _NOTHING, order: str = "path") -> Ids:
        """Ids of the images that a filter lets through, int64 [n].

        `order`: path, id, patient, view, sex, age, source; with "-" in front it is turned round. Raises `DataError` for an
        order, finding, split or part that does not exist.
        """
        with self._reading() as connection:
            return queries.selected(connection, where, self._ordered(connection, order))

    def _ordered(self, connection: sqlite3.Connection, order: str) -> Ids:
        """All ids in an order, kept until something changes."""
        version = queries.version(connection)
        if version != self._version:
            self._version, self._orders, self._patients = version, {}, None
        if order not in self._orders:
            self._orders[order] = queries.ordered(connection, order)
        return self._orders[order]

    def patient_count(self, ids: Ids) -> int:
        """How many different known patients some images, int64 [n], are of."""
        with self._reading() as connection:
            by_patient = self._ordered(connection, "patient")
            if self._patients is None:
                self._patients = queries.patient_numbers(connection, by_patient)
            numbers = self._patients[ids]
        return int(np.count_nonzero(np.bincount(numbers)[1:]))

    def _rows(self, ids: Sequence[int] | Ids, columns: str) -> list[tuple[Any, ...]]:
        """Columns of images, in the order of `ids`. Raises `DataError` for an id that does not exist."""
        sql = f"SELECT {columns} FROM {_ASKED} JOIN images ON images.id = asked.image ORDER BY asked.place"  # noqa: S608
        with self._reading() as connection:
            rows: list[tuple[Any, ...]] = connection.execute(sql, (queries.as_json(ids),)).fetchall()
        if len(rows) != len(ids):
            raise DataError(
                "The project does not hold all of the images asked for", where=self.project, remedy="Split it again."
            )
        return rows

    def column(self, ids: Sequence[int] | Ids, name: str) -> list[Any]:
        """One fact of each image, in the order of `ids`: one of `COLUMNS` (age: float or None; unknown texts: "")."""
        if name not in COLUMNS:
            raise ValueError(name)
        return [value for (value,) in self._rows(ids, f"images.{name}")]

    def patients(self, ids: Sequence[int] | Ids) -> list[str]:
        """Patient of each image, "" where unknown."""
        return self.column(ids, "patient")

    def shapes(self, ids: Sequence[int] | Ids) -> NDArray[np.int64]:
        """Height and width of each image in px as its file states them, int64 [N, 2]."""
        return np.array(self._rows(ids, "height, width"), np.int64).reshape(-1, 2)

    def files(self, ids: Sequence[int] | Ids) -> list[tuple[Path, str]]:
        """Absolute path and content digest of each image."""
        roots = self._roots()
        return [(roots[folder] / path, digest) for folder, path, digest in self._rows(ids, "folder, path, digest")]

    def records(self, ids: Sequence[int] | Ids) -> list[Record]:
        """Everything about each image, in the order of `ids`."""
        roots, labels, flags = self._roots(), self._stated(ids), self._flags(ids)
        return [
            Record(
                id=number,
                path=roots[folder] / path,
                labels=labels.get(number, {}),
                flags=flags.get(number, ()),
                excluded=bool(excluded),
                **dict(zip(_PLAIN, plain, strict=True)),
            )
            for number, folder, path, excluded, *plain in self._rows(ids, f"id, folder, path, excluded, {', '.join(_PLAIN)}")
        ]

    def parts(self, ids: Sequence[int] | Ids) -> list[str]:
        """Part of each image in the active split, "" where it is in none."""
        with self._reading() as connection:
            return queries.parts(connection, ids)

    def selection(self, ids: Sequence[int] | Ids, progress: Progress | None = None) -> Selection:
        """What some images have in common and where they differ, in numbers; ids that are not there are left out.

        Many are counted bit by bit, so that other threads get in meanwhile: 2 s for 100,000 images.
        """
        chosen = queries.distinct(ids)
        patients = self.patient_count(chosen[chosen <= self.ids(_EVERY, "id").max(initial=0)]) if len(chosen) > FEW else 0
        found: Selection | None = None
        for start in range(0, max(1, len(chosen)), FEW):
            if progress:
                progress(start, len(chosen))
            with self._reading() as connection:
                more = selections.described(connection, chosen[start : start + FEW])
            found = selections.added(found, more, patients) if found else more
        assert found is not None
        return found

    def facts(self, image: int) -> dict[str, Any]:
        """What the file of an image said about itself when it was imported."""
        text = self._rows([image], "facts")[0][0]
        return dict(json.loads(text)) if text else {}

    def masks(self, ids: Sequence[int] | Ids) -> dict[int, tuple[tuple[str, Path], ...]]:
        """Kind and absolute path of the masks that lie beside images; an image without any has no entry."""
        roots = self._roots()
        folders = {number: roots[folder] for number, folder in self._rows(ids, "id, folder")}
        with self._reading() as connection:
            found = intake.masks(connection, "SELECT value FROM json_each(?)", queries.as_json(ids))
        return {image: tuple((kind, folders[image] / path) for kind, path in masks) for image, masks in found.items()}

    def sources(self) -> list[SourceFolder]:
        """The source folders with what was recognised in them, how, and how many images and masks they hold."""
        roots = self._roots()
        with self._reading() as connection:
            rows = intake.sources(connection)
        return [
            SourceFolder(roots[folder], layout, json.loads(options), images, masks)
            for folder, layout, options, images, masks in rows
        ]

    def findings(self) -> list[str]:
        """Names of all findings, in stored order."""
        with self._reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM findings ORDER BY id")]

    def flag_names(self) -> list[str]:
        """Every flag that any image has, in the order of the alphabet."""
        with self._reading() as connection:
            return marks.flag_names(connection)

    def labels(self, ids: Sequence[int] | Ids, findings: Sequence[str]) -> NDArray[np.int8]:
        """Answers, int8 [N, K]: 1 yes, 0 no, -1 not stated. Raises `DataError` for an unknown finding."""
        with self._reading() as connection:
            numbers = [queries.finding_id(connection, name) for name in findings]
            read = queries.labels_of_few if len(ids) < FEW else queries.labels_of_many
            return read(connection, np.asarray(ids, dtype=np.int64), numbers)

    def _stated(self, ids: Sequence[int] | Ids) -> dict[int, dict[str, int]]:
        sql = (
            "SELECT image, name, labels.value FROM json_each(?) AS asked JOIN labels ON labels.image = asked.value "
            "JOIN findings ON findings.id = labels.finding WHERE labels.value >= 0 ORDER BY findings.id"
        )
        found: dict[int, dict[str, int]] = {}
        with self._reading() as connection:
            for image, name, value in connection.execute(sql, (queries.as_json(ids),)):
                found.setdefault(image, {})[name] = value
        return found

    def _flags(self, ids: Sequence[int] | Ids) -> dict[int, tuple[str, ...]]:
        sql = "SELECT DISTINCT image, flag FROM json_each(?) AS asked JOIN flags ON flags.image = asked.value ORDER BY flag"
        found: dict[int, tuple[str, ...]] = {}
        with self._reading() as connection:
            for image, flag in connection.execute(sql, (queries.as_json(ids),)):
                found[image] = (*found.get(image, ()), flag)
        return found

    def _roots(self) -> dict[int, Path]:
        """Source folders: at their old places, or beside the project as they lay then if they moved along with it."""
        found = {}
        with self._reading() as connection:
            for number, root, relative in roots.listed(connection):
                known = self._placed.get((root, relative))
                if known is None or not roots.is_there(str(known)):
                    some = partial(roots.sample, connection, number, roots.FEW)
                    self._placed[root, relative] = known = roots.placed(self.project, root, relative, some)
                found[number] = known
        return found

    def folders(self) -> list[Path]:
        """Source folders that were imported."""
        return list(self._roots().values())

    def whereabouts(self) -> list[roots.Place]:
        """Source folders, the oldest first, and whether they are where they are read; slow where a network drive is away."""
        placed = self._roots()
        with self._reading() as connection:
            return roots.whereabouts(connection, placed)

    def source_files(self, number: int) -> list[roots.File]:
        """Every file of a source as it was imported, those too that are gone; `number` is that of `whereabouts`."""
        with self._reading() as connection:
            return roots.files(connection, number)

    # Changing

    def set_labels(self, ids: Sequence[int] | Ids, finding: str, value: int) -> Answers:
        """Answer a finding by hand for many images: 1 yes, 0 no, -1 not stated. A new finding is added.

        Returns what was stored before, for `restore_labels`.
        """
        with self._writing() as connection:
            before = marks.answers(connection, finding, ids)
            marks.answer(connection, finding, before.asked, value)
            return before

    def restore_labels(self, before: Answers) -> None:
        """Put back what `set_labels` returned: answers, who gave them, and where there was none, none."""
        with self._writing() as connection:
            marks.restore(connection, before)

    def set_excluded(self, ids: Sequence[int] | Ids, excluded: bool) -> Ids:
        """Leave images out of everything, or take them in again; returns those that changed. Nothing is deleted."""
        with self._writing() as connection:
            return marks.exclude(connection, np.asarray(ids, dtype=np.int64), excluded)

    def add_flag(self, ids: Sequence[int] | Ids, flag: str) -> Ids:
        """Put a flag on images; returns those that did not have it."""
        with self._writing() as connection:
            return marks.flag(connection, np.asarray(ids, dtype=np.int64), flag)

    def remove_flag(self, ids: Sequence[int] | Ids, flag: str) -> Ids:
        """Take a flag off images; returns those that had it."""
        with self._writing() as connection:
            return marks.unflag(connection, np.asarray(ids, dtype=np.int64), flag)

    # Importing (used by `importer`)

    def _folder(self, root: Path) -> int:
        return next((number for number, found in self._roots().items() if found == root), 0)

    def known(self, root: Path) -> dict[str, Entry]:
        """What the last import of a source folder stored, by path; {} if it was never imported."""
        folder = self._folder(root)
        with self._reading() as connection:
            return intake.known(connection, folder)

    def options(self, root: Path) -> dict[str, Any]:
        """How a source folder was imported last; {} if it never was."""
        folder = self._folder(root)
        with self._reading() as connection:
            row = connection.execute("SELECT root, options FROM folders WHERE id = ?", (folder,)).fetchone()
        return roots.carried(json.loads(row[1]), row[0], root) if row else {}

    def store(
        self,
        root: Path,
        entries: Sequence[Entry],
        gone: Sequence[int] = (),
        *,
        findings: Sequence[str] = (),
        layout: str = "",
        options: Mapping[str, Any] | None = None,
        resaved: bool = False,
    ) -> None:
        """Store what is new or changed in a source folder and flag the ids that are gone, all in one transaction.

        `findings` are all names that stand in the labels of `entries`; new ones are added in this order. An entry with another
        digest than before becomes a new image, unless `resaved` says that it is the same radiograph saved anew.
        """
        words = json.dumps(options or {}, ensure_ascii=False)
        source = intake.Source(self._folder(root), str(root), self._relative(root), layout, words, tuple(findings))
        try:
            with self._writing() as connection:
                intake.store(connection, source, entries, gone, resaved=resaved)
        except sqlite3.IntegrityError as error:
            if self.known(root).keys().isdisjoint(entry.path for entry in entries if not entry.id):
                raise
            raise DataError(
                "Another import of this folder has ended meanwhile; nothing of this one was stored",
                where=root,
                remedy="Import it again.",
            ) from error

    def move(self, moves: Sequence[roots.Move]) -> None:
        """Say where sources are now, in one transaction (used by `relocate`, which has checked it)."""
        with self._writing() as connection:
            roots.move(connection, [(one, self._relative(one.root)) for one in moves])

    def _relative(self, root: Path) -> str:
        """Path of a source from the project: both may move together."""
        try:
            return Path(os.path.relpath(root, self.project)).as_posix()
        except ValueError:  # another drive on Windows
            return ""

    # Splits and counts

    def save_split(self, split: Split) -> None:
        """Store a split (one of the same name is replaced) and make it the active one."""
        with self._writing() as connection:
            queries.save_split(connection, split)

    def add_splits(self, splits: Iterable[Split]) -> None:
        """Store new splits, all or none, beside the active one. Raises `DataError` if one of their names is taken."""
        with self._writing() as connection:
            for split in splits:
                queries.add_split(connection, split)

    def split(self, name: str | None = None) -> Split:
        """Read a split, by default the active one. Raises `DataError` if there is none."""
        with self._reading() as connection:
            return queries.read_split(connection, queries.split_id(connection, name or ""))

    def splits(self) -> list[str]:
        """Names of all splits, the oldest first."""
        with self._reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM splits ORDER BY id")]

    def split_digests(self) -> dict[str, str]:
        """Name -> digest of all splits, the oldest first."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT name, digest FROM splits ORDER BY id").fetchall())

    def active_split(self) -> str:
        """Name of the active split, "" if there is none."""
        with self._reading() as connection:
            return queries.active_split(connection)

    def activate_split(self, name: str) -> None:
        """Make another split the active one. Raises `DataError` if there is none of that name."""
        with self._writing() as connection:
            queries.split_id(connection, name)
            queries.activate_split(connection, name)

    def tally(self) -> Tally:
        """Count images by part of the active split, and by finding and part."""
        with self._reading() as connection:
            return queries.tally(connection)

    def counts(self) -> Counts:
        """Count images by finding, view, source, part and flag."""
        with self._reading() as connection:
            return queries.counts(connection)
