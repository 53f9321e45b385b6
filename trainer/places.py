"""A source folder: which files in it are images, and what its sub-folders say about them."""

import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from trainer import dicomdir, files, images, tables
from trainer.catalog import FILE as CATALOG_FILE
from trainer.catalog import SUFFIX as PROJECT_SUFFIX
from trainer.errors import DataError, StorageError, counted
from trainer.joins import composed
from trainer.records import PART_WORDS, UNSTATED

MOST_FINDINGS = 100
"""More folders than this are patients or studies, not findings."""

_PLAIN_FOLDERS = frozenset(
    {"images", "image", "img", "imgs", "pictures", "cxr", "png", "jpg", "jpeg", "dicom", "data", "files"}
)
_EXPORTED = re.compile(
    r"(p|pa|pat|patient|s|st|std|stu|study|se|ser|series|ex|exam|visit|im|img|image|scan)[\W_]?\d+|[012](\.\d+){4,}"
)
"""Folders of DICOM exports: patients, studies and series by number or UID."""

_MASK_FOLDER = re.compile(
    r"(.*[\W_])?masks?|(left|right|manual|lungs?|infection|lesion)masks?|ground[\W_]?truths?|segmentations|segmentation[\W_]maps?",
    re.IGNORECASE,
)
_MASK_FILE = re.compile(
    r".*[_\- ](lungs?|left|right|infection|lesion)?(masks?|seg|segmentation)([_\- ]?(left|right|lungs?|l|r|\d{1,2}))?"
    r"|masks?([_\-].+)?",
    re.IGNORECASE,
)
_MASK_HINT = re.compile("mask|seg")
_SYSTEM = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})


@dataclass(frozen=True, slots=True)
class Found:
    """An image file: its path from the source with forward slashes, bytes, and nanoseconds since the epoch."""

    path: str
    bytes: int
    modified: int


@dataclass(frozen=True)
class Listing:
    """What lies in a source: image files and masks by path, tables, and what was passed over or could not be read.

    `masks` are images that are drawn over radiographs by their names or folders; they are never among `files`. `tables` may lie
    at any depth and were only seen, not opened.
    """

    files: tuple[Found, ...]
    tables: tuple[Path, ...]
    notes: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    masks: tuple[Found, ...] = ()

    def tables_at_top(self, root: Path) -> tuple[Path, ...]:
        """The tables that lie in the source folder itself, which alone are guessed to speak of its images."""
        return tuple(path for path in self.tables if path.parent == root)


@dataclass(frozen=True)
class Folders:
    """What folders say: finding and part of each image in the order asked ("" is none), all findings, in words how."""

    findings_of: tuple[str, ...]
    parts_of: tuple[str, ...]
    findings: tuple[str, ...]
    how: str


def check_project(project: Path) -> None:
    """Refuse a place that cannot be written to before all files are read, not after. Raises `DataError`, `StorageError`."""
    with files.storage_in_words(project):
        at_it = project.is_file()
        nearest = next(folder for folder in (project, *project.parents) if folder.exists())
    if at_it:
        raise DataError("A file stands where the project should be", where=project, remedy="Choose another name.")
    if not os.access(nearest, os.W_OK):
        raise StorageError("The project cannot be written to", where=nearest, remedy="Choose a place that you may write to.")


def roots(project: Path, chosen: Sequence[Path]) -> dict[Path, tuple[Path, ...]]:
    """Source folders, each with the single files that were chosen in it (none: all of them); a DICOMDIR means its folder.

    Raises `DataError`.
    """
    if not chosen:
        raise DataError("No source was named", remedy="Name a folder of images or single image files.")
    absolute = [Path(os.path.abspath(path)) for path in chosen]  # noqa: PTH100 - resolves "..", keeps links
    absolute = [path.parent if dicomdir.is_named(path.name) and path.is_file() else path for path in absolute]
    for path in absolute:
        if not path.exists():
            raise DataError("There is no such folder or file", where=path, remedy="Check the path for a typing error.")
        if path.resolve().is_relative_to(project.resolve()):
            raise DataError(
                "The source lies inside the project", where=path, remedy="Keep images outside of the project folder."
            )
        if path.is_file() and tables.is_table(path.name):
            raise DataError(
                "A table is no source of images", where=path, remedy="Name its folder, and the table with --labels."
            )
    found: dict[Path, tuple[Path, ...]] = {path: () for path in absolute if path.is_dir()}
    for path in absolute:
        if path.is_file() and (path.parent not in found or found[path.parent]):
            found[path.parent] = (*found.get(path.parent, ()), path)
    check_nesting(list(found), [])
    return found


def check_nesting(chosen: Sequence[Path], earlier: Sequence[Path]) -> None:
    """Refuse folders inside one another: their images would stand twice in the catalog. Raises `DataError`."""
    for root in chosen:
        for other in (*chosen, *earlier):
            if root != other and (root.is_relative_to(other) or other.is_relative_to(root)):
                raise DataError(
                    f"One source lies inside another ({min(root, other)})",
                    where=max(root, other),
                    remedy="Import the outer one alone; it takes all of its sub-folders.",
                )


def is_mask(path: Path) -> bool:
    """Whether a path's own words say that it is a mask drawn over a radiograph, or lies among such."""
    return bool(_MASK_FILE.fullmatch(path.stem)) or any(_MASK_FOLDER.fullmatch(name.casefold()) for name in path.parts[:-1])


class _Walk:
    """One walk through a source; links to folders are not followed, so it always ends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[Found] = []
        self.tables: list[Path] = []
        self.masks: list[Found] = []
        self.contents: list[str] = []  # DICOMDIR
        self.passed: Counter[str] = Counter()
        self.refused: list[tuple[str, str]] = []

    def folder(self, folder: Path, prefix: str, *, masks: bool = False) -> None:
        """Look through a folder; in one of `masks` every image is a mask."""
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=attrgetter("name"))
        except OSError as error:
            self.refused.append((prefix or ".", str(files.storage_error(error).what)))
            return
        for entry in listed:
            self._entry(entry, prefix + entry.name, masks=masks)

    def _entry(self, entry: os.DirEntry[str], path: str, *, masks: bool) -> None:
        name = entry.name.casefold()
        if name[0] == "." or name in _SYSTEM:
            self.passed["hidden or system file"] += 1
        elif not entry.is_dir():
            self._file(entry, name, path, masks=masks)
        elif entry.is_symlink():
            self.passed["link to a folder"] += 1
        elif not masks and _MASK_FOLDER.fullmatch(name):
            self.passed["folder of masks"] += 1
            self.folder(Path(entry), path + "/", masks=True)
        elif name.endswith(PROJECT_SUFFIX) and (Path(entry) / CATALOG_FILE).exists():
            self.passed["project"] += 1
        else:
            self.folder(Path(entry), path + "/", masks=masks)

    def _file(self, entry: os.DirEntry[str], name: str, path: str, *, masks: bool) -> None:
        if dicomdir.is_named(name):
            self.contents.append(path)
            return
        stem, _, suffix = name.rpartition(".")
        promises = f".{suffix}" in images.SUFFIXES
        if not promises and tables.is_table(name):
            self.tables.append(Path(entry))
            return
        try:
            about = entry.stat()
            # A pipe would never end, so nothing but a plain file is opened, and none whose name promises an image.
            if not stat.S_ISREG(about.st_mode) or not (promises or images.looks_like_image(Path(entry))):
                self.passed["other file"] += not masks
            elif masks or (_MASK_HINT.search(stem) and _MASK_FILE.fullmatch(stem)):
                self.masks.append(Found(path, about.st_size, about.st_mtime_ns))
                self.passed["mask"] += not masks
            else:
                self.files.append(Found(path, about.st_size, about.st_mtime_ns))
        except OSError as error:
            self.refused.append((path, str(files.storage_error(error).what)))

    def look_up(self) -> list[str]:
        """Take what tables of contents list beside what was found, whatever its name; returns notes on them."""
        notes: list[str] = []
        there = {one.path.casefold(): one.path for one in (*self.files, *self.masks)} if self.contents else {}
        for path in self.contents:
            found = dicomdir.read(self.root, path, there)
            if found.damage:
                notes.append(f"{path} cannot be read ({found.damage}); its folder was looked through all the same")
                continue
            notes.append(f"{path} lists {counted(len(found.images) + len(found.refused), 'image')}")
            self.refused += found.refused
            for missed in found.images:
                if missed.casefold() not in there:
                    there[missed.casefold()] = missed
                    about = (self.root / missed).stat()
                    self.files.append(Found(missed, about.st_size, about.st_mtime_ns))
        return notes


def _counted(count: int, what: str) -> str:
    """ "2 folders of masks": the first noun takes the s."""
    noun = re.split(r" of | to ", what)[0]
    return f"{count} {noun}{'' if count == 1 else 's'}{what[len(noun) :]}"


def listing(root: Path, only: Sequence[Path] = ()) -> Listing:
    """List a source folder, or only some files of it. Raises `StorageError` for a file of `only` that cannot be read."""
    walk = _Walk(root)
    for file in only:
        with files.storage_in_words(file):
            about = file.stat()
        into = walk.masks if len(only) > 1 and _MASK_FILE.fullmatch(file.stem) else walk.files
        into.append(Found(file.relative_to(root).as_posix(), about.st_size, about.st_mtime_ns))
    walk.passed["mask"] += len(walk.masks)
    if not only:
        walk.folder(root, "")
    notes = walk.look_up()
    notes += [f"passed over: {_counted(count, what)}" for what, count in sorted(walk.passed.items()) if count]
    return Listing(tuple(walk.files), tuple(walk.tables), tuple(notes), tuple(walk.refused), tuple(walk.masks))


def folders(paths: Sequence[str]) -> Folders:
    """Read findings and parts off the folders of images.

    Folders named train, val or test are parts if there are at least two; folders named "images" and the like say nothing,
    nor do folders that all images share, nor inner ones that are only numbered ("p01", "p02") or too many to be findings
    (patients, studies). What is left is the finding, a tree of folders a tree of findings.
    """
    above = [path.rpartition("/")[0] for path in paths]
    known = {folder: _trail(folder) for folder in set(above)}  # a hundred thousand images lie in a few folders
    if len({part for part, _ in known.values() if part}) < 2:
        known = {folder: ("", tuple(n for n in _names(folder) if not _says_nothing(n.casefold()))) for folder in known}
    trails = [known[folder] for folder in above]
    parts = [part for part, _ in trails]
    names = _telling(_without_shared([folders for _, folders in trails]))
    found = ["" if name.rpartition("/")[2].casefold() in UNSTATED else name for name in map("/".join, names)]
    findings = tuple(sorted({name for name in found if name}, key=str.casefold))
    return Folders(tuple(found), tuple(parts), findings, _in_words(parts, findings))


def _names(folder: str) -> list[str]:
    return composed(folder).split("/") if folder else []


def _says_nothing(word: str) -> bool:
    """Whether a folder is one of "images", also of many such ("images_001", "png-512")."""
    return word in _PLAIN_FOLDERS or re.sub(r"[\W_]*\d+$", "", word) in _PLAIN_FOLDERS


def _trail(folder: str) -> tuple[str, tuple[str, ...]]:
    """Part and other telling folders of a path of folders."""
    part, names = "", []
    for name in _names(folder):
        word = name.casefold()
        if word in PART_WORDS:
            part = PART_WORDS[word]
        elif not _says_nothing(word):
            names.append(name)
    return part, tuple(names)


def _without_shared(names: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Leave out the outer folders that all images share, but never the last one above an image."""
    depth = min((len(folders) - 1 for folders in names), default=0)
    shared = next((place for place in range(max(0, depth)) if len({folders[place] for folders in names}) > 1), max(0, depth))
    return [folders[shared:] for folders in names]


def _telling(names: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Cut off inner folders that are numbered or too many; nothing is left if the outermost are so too."""
    deepest = max(map(len, names), default=0)
    depth = deepest
    while depth > 1 and (_numbered(names, depth) or _too_many(names, depth)):
        depth -= 1
    if _too_many(names, depth) or (depth == 1 < deepest and _numbered(names, depth)) or (depth == 1 and _exported(names)):
        depth = 0
    return [folders[:depth] for folders in names]


def _exported(names: Sequence[tuple[str, ...]], depth: int = 1) -> bool:
    """Tell whether the folders at a depth are those of a DICOM export."""
    return all(
        _EXPORTED.fullmatch(name.casefold()) for name in {folders[depth - 1] for folders in names if len(folders) >= depth}
    )


def _numbered(names: Sequence[tuple[str, ...]], depth: int) -> bool:
    """Tell whether the folders at a depth differ in their numbers only, or are those of a DICOM export."""
    if _exported(names, depth):
        return True
    forms = {re.sub(r"\d+", "#", folders[depth - 1].casefold()) for folders in names if len(folders) >= depth}
    return len(forms) == 1 and "#" in forms.pop()


def _too_many(names: Sequence[tuple[str, ...]], depth: int) -> bool:
    """Tell whether folders down to a depth are more than `MOST_FINDINGS`, or (beyond three) than half of the images."""
    inside = [folders[:depth] for folders in names if folders and folders[-1].casefold() not in UNSTATED]
    return len(set(inside)) > min(MOST_FINDINGS, max(3, len(inside) // 2))


def _in_words(parts: Sequence[str], findings: Sequence[str]) -> str:
    how = f"a folder for each finding ({', '.join(findings[:6])}{', ...' if len(findings) > 6 else ''})" if findings else ""
    given = ", ".join(dict.fromkeys(part for part in parts if part))
    split = f"split folders ({given}), kept as given" if given else ""
    return "; ".join(text for text in (split, how) if text) or "images without labels"
