"""A source folder that lies elsewhere now: found, compared with what was imported, and only then believed.

One answer settles every missing source that moved in the same way. A file that holds another image than was imported is told,
and counts as gone until it is imported again.
"""

import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from trainer import inventory, places, roots
from trainer.catalog import SUFFIX, Catalog, project_folder
from trainer.errors import DataError, Progress, command_line, counted, did_you_mean
from trainer.images import SUFFIXES
from trainer.inventory import Relocated
from trainer.roots import Move, Place

MOST_FOLDERS = 200
"""Folders inside the one named that are looked into."""


@dataclass(frozen=True)
class Outcome:
    """What became of the sources that were asked for, and the roots of those that are still not found."""

    project: Path
    sources: tuple[Relocated, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        each = [asdict(one) | {"folder": str(one.folder), "words": one.words} for one in self.sources]
        return {"project": str(self.project), "sources": each, "missing": self.missing}


def run(project: Path, new: Path, *, source: str = "", partial: bool = False, progress: Progress | None = None) -> Outcome:
    """Say where a source is now: in `new`, above it or below it. Every other missing source that moved likewise comes along.

    `source` is the root that is meant (default: those that are missing). `partial` takes a folder that holds less than half of
    the images too. Nothing is changed unless the check passes, and all at once. `progress` counts files.
    Raises `DataError` (nothing is missing, no such source, the wrong folder) and `StorageError`.
    """
    new = Path(os.path.abspath(new))  # noqa: PTH100 - resolves "..", keeps links
    if not roots.is_there(str(new)):
        raise DataError("There is no such folder", where=new, remedy="Check the path for a typing error.")
    with Catalog.open(project_folder(project)) as catalog:
        if new.resolve().is_relative_to(catalog.project.resolve()):
            raise DataError("Images do not lie inside of the project", where=new, remedy="Choose the folder of the images.")
        known = catalog.whereabouts()
        wanted = _wanted(known, source)
        others = [place for place in known if place not in wanted]
        checks = _Checks(catalog, others, partial=partial, progress=progress)
        for place in wanted:
            checks.look(place, _nearby(place.root, new))
        first = checks.done[0] if checks.done else checks.insist(wanted, new)
        for place in (*wanted, *(one for one in others if not one.there)):
            if place.number not in checks.moves:
                checks.look(place, roots.parallel(roots.pure(first.old), first.folder, roots.pure(place.root)))
        catalog.move(list(checks.moves.values()))
        left = tuple(place.root for place in catalog.whereabouts() if not place.there)
        return Outcome(catalog.project, tuple(checks.done), left)


def missing(catalog: Catalog) -> list[Place]:
    """Sources whose images are not where they were."""
    return [place for place in catalog.whereabouts() if not place.there]


def recognised(catalog: Catalog, folder: Path) -> Place | None:
    """The missing source whose images lie in or around a folder, by some names and sizes; None if there is none."""
    for place in missing(catalog):
        some = _some(catalog, place)
        if any(2 * roots.holding(one, some) >= len(some) for one in _nearby(place.root, folder)):
            return place
    return None


def _is_image(path: str) -> bool:
    """Whether an import would take a file, as far as its path tells: nothing hidden, no mask, nothing of a project."""
    file = PurePosixPath(path)
    passed = any(part.startswith((".", "__MACOSX")) or part.casefold().endswith(SUFFIX) for part in file.parts)
    return file.suffix.lower() in SUFFIXES and not passed and not places.is_mask(Path(file))


def _wanted(places: Sequence[Place], source: str) -> list[Place]:
    if not source:
        gone = [place for place in places if not place.there]
        if not gone:
            raise DataError(
                "No folder of this project is missing",
                remedy="To read a source from another place all the same, name the source: --source FOLDER.",
            )
        return gone
    named = [place for place in places if source in (place.root, str(place.folder)) or _same(place, source)]
    if not named:
        raise DataError("The project has no such source", where=source, remedy=did_you_mean(source, [p.root for p in places]))
    return named


def _same(place: Place, source: str) -> bool:
    asked = roots.pure(source)
    return asked in (roots.pure(place.root), roots.pure(str(place.folder))) or place.folder == Path(os.path.abspath(source))  # noqa: PTH100


def _nearby(root: str, new: Path) -> list[Path]:
    r"""Folders that a person may have meant: `new`, one below it that is called as the root's end is, around it, inside it.

    For E:\data\a and F:\ these are F:\, F:\a, F:\data\a and the folders of F:\.
    """
    parts = roots.pure(root).parts[1:]
    named = [new.joinpath(*parts[start:]) for start in range(len(parts) - 1, -1, -1)]
    try:
        inside = sorted(entry.path for entry in os.scandir(new) if entry.is_dir())[:MOST_FOLDERS]
    except OSError:
        inside = []
    around = [parent for parent in list(new.parents)[:3] if parent.name]
    return list(dict.fromkeys([new, *named, *around, *map(Path, inside)]))


def _some(catalog: Catalog, place: Place) -> list[tuple[str, int]]:
    every = [file for file in catalog.source_files(place.number) if not file.gone]
    chosen = random.Random(place.number).sample(every, min(len(every), roots.SOME))  # noqa: S311 - no secret
    return [(file.path, file.bytes) for file in chosen]


class _Checks:
    """The sources that were looked for so far: those that were found are in `done` and `moves`."""

    def __init__(self, catalog: Catalog, others: Sequence[Place], *, partial: bool, progress: Progress | None) -> None:
        self.done: list[Relocated] = []
        self.moves: dict[int, Move] = {}
        self._catalog, self._partial, self._progress = catalog, partial, progress
        self._others = [place.folder for place in others if place.there]

    def look(self, place: Place, folders: Iterable[Path]) -> None:
        """Take a source from the first folder that holds half of it, or most, if the check passes there."""
        some = _some(self._catalog, place)
        counts = {folder: roots.holding(folder, some) for folder in folders if not self._owner(folder)}
        likely = [folder for folder, count in counts.items() if 2 * count >= len(some)]
        best = likely[0] if likely else max(counts, key=lambda folder: counts[folder], default=None)
        if best is not None and counts[best]:
            self._check(place, best)

    def insist(self, wanted: Sequence[Place], new: Path) -> Relocated:
        """Look for files in `new` whatever their folders, as after somebody has sorted them. Raises `DataError`: too few."""
        best: Relocated | None = None
        for place in wanted:
            folder = inventory.root_below(new, _some(self._catalog, place), self._progress)
            if (owner := self._owner(folder)) and folder.is_relative_to(owner):
                raise DataError(
                    "This folder is another source of the project already",
                    where=owner,
                    remedy=f"Nothing was changed. If it holds the images of {place.root} too, exclude those that are missing.",
                )
            found = self._check(place, folder)
            if self.done:
                return found
            best = found if best is None or found.found > best.found else best
        assert best is not None
        if self._enough(best):
            raise DataError(
                "Another source of the project lies inside of the folder of these images",
                where=self._owner(best.folder) or best.folder,
                remedy=f"Nothing was changed. Put the images of {best.old} into a folder of their own, and choose that.",
            )
        same = f"; {counted(len(best.different), 'file')} of the same name hold another image" if best.different else ""
        raise DataError(
            f"Only {best.found:,} of the {best.images:,} images of {best.old} were found in this folder{same}",
            where=new,
            remedy="Nothing was changed. Choose the folder that holds them now; "
            f"to go on with these alone: {command_line('relocate', self._catalog.project, new)} --partial",
        )

    def _check(self, place: Place, folder: Path) -> Relocated:
        known = self._catalog.source_files(place.number)
        found, move = inventory.taken(place, known, folder, partial=self._partial, is_image=_is_image, progress=self._progress)
        if self._enough(found) and not self._owner(folder):
            self.done.append(found)
            self.moves[place.number] = move
        return found

    def _enough(self, found: Relocated) -> bool:
        return found.found > 0 and (self._partial or 2 * found.found >= found.images)

    def _owner(self, folder: Path) -> Path | None:
        """Another source of the project that lies in a folder, or around it: no image may stand twice in the catalog."""
        others = (*self._others, *(one.folder for one in self.done))
        return next((one for one in others if folder.is_relative_to(one) or one.is_relative_to(folder)), None)
