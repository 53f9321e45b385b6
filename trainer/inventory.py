"""What of a source lies in a folder: each file by path or name, size and time, and by content where that is no proof.

Names and sizes do not tell that an image is the one that was labelled, so contents are compared: of all files whose time or
path is another one, and of the others all or an honest sample.
"""

import os
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from trainer import files
from trainer.errors import Progress, StorageError, counted
from trainer.roots import File, Move, Place, Sample

ALL_BELOW = 1000
"""So many files with the size and time that they had at their import are all compared by content."""
SAMPLE = 500
"""Of more, so many: were 1 of 100 another image, one of these would be so with a probability of 99 %."""
SAME_TIME = 2_000_000_000
"""Nanoseconds by which times differ on a memory stick (FAT) without being other times."""
_AHEAD = 64
Lying = Mapping[str, tuple[int, int]]
"""Bytes and time of the files of a folder, by path from it with forward slashes."""
Pair = tuple[File, str]
"""A file as it was imported, and where it may lie now."""


@dataclass(frozen=True)
class Relocated:
    """One source at its new place. `images` should be there; paths are from the folder, with forward slashes.

    `found` are there with their own content, `elsewhere` of them under another path in the folder; of `compared` the content
    was read, and the others have the size and time that they had. `different` hold another image, `missing` are not there:
    both count as gone. `back` had been gone, and `extra` files look like images that the project does not know.
    """

    old: str
    folder: Path
    images: int
    found: int
    elsewhere: int
    compared: int
    back: int
    extra: int
    different: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """How it went, in sentences."""
        how = "all compared by content" if self.compared >= self.found else f"{self.compared:,} of them compared by content"
        said = [f"{self.found:,} of {self.images:,} images of {self.old} found in {self.folder}, {how}"]
        if self.elsewhere:
            said.append(f"{self.elsewhere:,} of them lie under another path in the folder now")
        if self.different:
            said.append(f"{_files(self.different)} hold another image than was imported, and are left out until imported again")
        if self.missing:
            said.append(f"{_files(self.missing)} are not there, and are left out")
        if self.back:
            said.append(f"{counted(self.back, 'image')} that had been gone came back")
        if self.extra:
            said.append(f"{counted(self.extra, 'file')} there are not in the project; import the folder to take them")
        return tuple(f"{sentence}." for sentence in said)


def taken(
    place: Place,
    known: Sequence[File],
    folder: Path,
    *,
    partial: bool = False,
    is_image: Callable[[str], bool] = lambda path: True,
    progress: Progress | None = None,
) -> tuple[Relocated, Move]:
    """Compare a folder with the files of a source as they were imported, and say what the catalog must then hold.

    Where less than half of them lie there with their size it is the wrong folder, most likely: unless `partial`, only some are
    read then, for the sentence that says so. `is_image` tells of a path whether an import would take it. `progress` counts
    files; nothing is raised for a file that cannot be read.
    """
    there = _walk(folder, progress)
    at = [(file, file.path) for file in known if file.path in there]
    right = [(file, path) for file, path in at if there[path][0] == file.bytes]
    strays, read = _strays(folder, known, there, progress)
    enough = 2 * sum(not file.gone for file, _ in (*right, *strays)) >= place.images
    if not enough and not partial:
        right = right[:SAMPLE]
        read |= _digests(folder, right, progress)
    else:
        read |= _compared(folder, right, there, progress)
    good = [*strays, *((file, path) for file, path in right if read.get(path, file.digest) == file.digest)]
    ours = {file.path for file in known} | {path for _, path in good}
    found, move = _summed(place, folder, known, there, good, read)
    return replace(found, extra=sum(path not in ours and is_image(path) for path in there)), move


def root_below(folder: Path, some: Sample, progress: Progress | None = None) -> Path:
    """The folder, at any depth in the one given, from which most of some files lie at their path with their size; or itself."""
    named: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, size in some:
        named[_name(path)].append((f"/{path}", size))
    votes: Counter[str] = Counter()
    for path, (size, _) in _walk(folder, progress).items():
        for tail, length in named.get(_name(path), ()):
            if size == length and _composed(f"/{path}").endswith(_composed(tail)):
                votes[f"/{path}".rsplit("/", tail.count("/"))[0]] += 1
    best = max(votes, key=lambda prefix: (votes[prefix], -len(prefix)), default="")
    return folder / best.removeprefix("/")


def _summed(
    place: Place, folder: Path, known: Sequence[File], there: Lying, good: Sequence[Pair], read: Mapping[str, str]
) -> tuple[Relocated, Move]:
    stays = {file.image for file, _ in good}
    lost = [file for file in known if not file.gone and file.image not in stays]
    other = {file.image for file in lost if file.path in there and read.get(file.path) != ""}
    present = [(file, path) for file, path in good if not file.gone]
    found = Relocated(
        old=place.root,
        folder=folder,
        images=place.images,
        found=len(present),
        elsewhere=sum(file.path != path for file, path in present),
        compared=sum(path in read for _, path in present),
        back=len(good) - len(present),
        extra=0,
        different=tuple(file.path for file in lost if file.image in other),
        missing=tuple(file.path for file in lost if file.image not in other),
    )
    move = Move(
        place.number,
        folder,
        gone=[file.image for file in lost],
        back=[file.image for file, _ in good if file.gone],
        paths=[(file.image, path) for file, path in good if file.path != path],
        times=[(file.image, there[path][1]) for file, path in good if path in read],
    )
    return found, move


def _walk(folder: Path, progress: Progress | None) -> dict[str, tuple[int, int]]:
    """Path -> bytes and time of every file; links to folders are not followed, so it always ends."""
    found: dict[str, tuple[int, int]] = {}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        if progress:
            progress(len(found), 0)
        try:
            with os.scandir(folder / prefix) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{prefix}{entry.name}/")
                    elif entry.is_file():
                        about = entry.stat()
                        found[prefix + entry.name] = about.st_size, about.st_mtime_ns
        except OSError:  # a folder that may not be read: what should lie in it is missing
            continue
    return found


def _strays(folder: Path, known: Sequence[File], there: Lying, progress: Progress | None) -> tuple[list[Pair], dict[str, str]]:
    """Files that are not at their path, but whose name, size and content another one has; and all digests that were read."""
    lost = {(_name(file.path), file.bytes) for file in known if file.path not in there}
    own = {file.path for file in known}
    paths = [path for path in sorted(there) if path not in own and (_name(path), there[path][0]) in lost]
    read = _digests(folder, [(known[0], path) for path in paths], progress)
    waiting = defaultdict(list)
    for path in paths:
        waiting[read[path]].append(path)
    pairs = [(file, waiting[file.digest].pop(0)) for file in known if file.path not in there and waiting.get(file.digest)]
    return pairs, read


def _name(path: str) -> str:
    return _composed(path.rpartition("/")[2])


def _composed(path: str) -> str:
    """A path without what copying changes: upper case, and whether an accent is a sign of its own (as on a Mac) or not."""
    return unicodedata.normalize("NFC", path).casefold()


def _compared(folder: Path, pairs: Sequence[Pair], there: Lying, progress: Progress | None) -> dict[str, str]:
    """Digests by path: of all files whose time is another one or that were gone, of the others all or a sample."""
    likely = [one for one in pairs if not one[0].gone and abs(there[one[1]][1] - one[0].modified) <= SAME_TIME]
    sure = {file.image for file, _ in likely}
    chance = random.Random(len(likely))  # noqa: S311 - no secret
    sample = likely if len(likely) <= ALL_BELOW else chance.sample(likely, SAMPLE)
    found = _digests(folder, [*(one for one in pairs if one[0].image not in sure), *sample], progress)
    if len(sample) < len(likely) and any(found[path] != file.digest for file, path in sample):
        found |= _digests(folder, [one for one in likely if one[1] not in found], progress)
    return found


def _digests(folder: Path, pairs: Sequence[Pair], progress: Progress | None) -> dict[str, str]:
    """Digest by path; "" for a file that cannot be read."""
    found: dict[str, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pairs), _AHEAD):
            part = [path for _, path in pairs[start : start + _AHEAD]]
            found |= dict(zip(part, pool.map(lambda path: _digest(folder / path), part), strict=True))
            if progress:
                progress(len(found), len(pairs))
    return found


def _digest(path: Path) -> str:
    try:
        with files.storage_in_words(path):
            return files.digest(path.read_bytes())
    except StorageError:
        return ""


def _files(paths: Sequence[str]) -> str:
    """ "2 files (a.png, b.png)": a few by name."""
    named = ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
    return f"{counted(len(paths), 'file')} ({named})"
