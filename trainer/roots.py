"""Where the source folders of a project are now: at their old place, moved along with the project, or not to be found.

A root is kept as the text of the system that imported it, so that a project made on Windows opens elsewhere, and the other way
round. A folder is believed to be a source only where files of the source lie in it: names of folders are no proof.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from trainer.records import GONE

Sample = Sequence[tuple[str, int]]
"""Some files of a source: path from its folder, and bytes."""
FEW = 6
"""Files that decide between two folders; a person who scrolls through the images must not wait for it."""
SOME = 40
"""Files that tell whether a source is there at all."""


@dataclass(frozen=True)
class Place:
    """A source folder: its number, root as it is stored, where it is read now, images that should be there, whether they are.

    `there` is False where there is no such folder, and where none of the files looked for lies in it with its size.
    """

    number: int
    root: str
    folder: Path
    images: int
    there: bool


@dataclass(frozen=True)
class File:
    """One file of a source as it was imported: image id, path from the source, digest, bytes, time in nanoseconds."""

    image: int
    path: str
    digest: str
    bytes: int
    modified: int
    gone: bool


@dataclass(frozen=True)
class Move:
    """What a source has become: its root now, images that are gone or back, other paths and other times of images."""

    number: int
    root: Path
    gone: Sequence[int] = ()
    back: Sequence[int] = ()
    paths: Sequence[tuple[int, str]] = ()
    times: Sequence[tuple[int, int]] = field(default=())


def pure(root: str) -> PurePath:
    r"""A stored root as a path of its own system: C:\ and \\server\share are of Windows, all others are not."""
    windows = root[1:2] == ":" or root.startswith("\\\\")
    return PureWindowsPath(root) if windows else PurePosixPath(root)


def is_there(root: str) -> bool:
    """Whether a stored root is a folder of this computer; one of another system never is, whatever lies here by chance."""
    ours = isinstance(pure(root), PureWindowsPath) == (os.name == "nt")
    return ours and os.path.isdir(root)  # noqa: PTH112 - `Path.is_dir` raises where a share is away, or forbidden


def holding(folder: Path, some: Sample) -> int:
    """How many of some files lie in a folder with their size."""
    found = 0
    for path, size in some:
        try:
            found += (folder / path).stat().st_size == size
        except (OSError, ValueError):
            continue
    return found


def placed(project: Path, root: str, relative: str, some: Callable[[], Sample]) -> Path:
    """Where a source is read: at its root; or where it lay seen from the project, if more of its files are there.

    `some` gives files of it to look for, and is called only where both could be meant. A folder beside the project that holds
    none of them is another one of the same name.
    """
    beside = Path(os.path.normpath(project / relative)) if relative else None
    if beside is None or beside == Path(root) or not is_there(str(beside)):
        return Path(root)
    files = some()
    if is_there(root):
        return beside if holding(beside, files) > holding(Path(root), files) else Path(root)
    return beside if not files or holding(beside, files) else Path(root)


def parallel(old: PurePath, new: Path, other: PurePath) -> list[Path]:
    r"""Where another source is if it moved as `old` did, which is `new` now; the nearest guess first, and never `new` itself.

    E:\data\a -> F:\data\a makes of E:\data\b first F:\data\b.
    """
    found = []
    for before, after in zip((old, *old.parents), (new, *new.parents), strict=False):
        if type(before) is type(other) and other.is_relative_to(before):
            found.append(after.joinpath(*other.relative_to(before).parts))
    return [path for path in dict.fromkeys(found) if path != new and str(path) != str(other)]


def carried(options: Mapping[str, Any], old: str, new: Path) -> dict[str, Any]:
    """How a source was imported, with a table that lay in it at its new place."""
    table = options.get("table", "")
    if table and (place := pure(table)).is_relative_to(pure(old)) and pure(old) != new:
        table = str(new.joinpath(*place.relative_to(pure(old)).parts))
    return {**options, "table": table} if "table" in options else dict(options)


# In the catalog


def listed(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """Number, root and path from the project of each source, the oldest first."""
    return connection.execute("SELECT id, root, relative FROM folders ORDER BY id").fetchall()


def sample(connection: sqlite3.Connection, folder: int, most: int) -> list[tuple[str, int]]:
    """Path and bytes of the first and the last files of a source that are not known to be gone."""
    present = "folder = ? AND NOT EXISTS (SELECT 1 FROM flags WHERE flag = ? AND image = images.id)"
    found: dict[str, int] = {}
    for order in ("ASC", "DESC"):
        sql = f"SELECT path, bytes FROM images WHERE {present} ORDER BY path {order} LIMIT ?"  # noqa: S608 - our own words
        found |= dict(connection.execute(sql, (folder, GONE, most // 2)).fetchall())
    return list(found.items())


def whereabouts(connection: sqlite3.Connection, placed: Mapping[int, Path]) -> list[Place]:
    """Every source, the oldest first, and whether it is where it is read (`placed`: by number)."""
    sql = "SELECT folder, count(*) FROM images WHERE id NOT IN (SELECT image FROM flags WHERE flag = ?) GROUP BY folder"
    images = dict(connection.execute(sql, (GONE,)).fetchall())
    found = []
    for number, root, _ in listed(connection):
        folder, some = placed[number], sample(connection, number, SOME)
        there = not some or (is_there(str(folder)) and holding(folder, some) > 0)
        found.append(Place(number, root, folder, images.get(number, 0), there))
    return found


def files(connection: sqlite3.Connection, folder: int) -> list[File]:
    """Every file of a source."""
    gone = {image for (image,) in connection.execute("SELECT image FROM flags WHERE flag = ?", (GONE,))}
    sql = "SELECT id, path, digest, bytes, modified FROM images WHERE folder = ? ORDER BY path"
    rows: list[tuple[int, str, str, int, int]] = connection.execute(sql, (folder,)).fetchall()
    return [File(*row, row[0] in gone) for row in rows]


def move(connection: sqlite3.Connection, moves: Iterable[tuple[Move, str]]) -> None:
    """Write where sources are now, each with its path from the project."""
    moves = list(moves)
    before = {number: told for number, *told in connection.execute("SELECT id, root, options FROM folders")}
    for one, _ in moves:  # two of them may have changed places: a root stands once
        connection.execute("UPDATE folders SET root = ? WHERE id = ?", (f"\0{one.number}", one.number))
    for one, relative in moves:
        root, options = before[one.number]
        words = json.dumps(carried(json.loads(options), root, one.root), ensure_ascii=False)
        sql = "UPDATE folders SET root = ?, relative = ?, options = ? WHERE id = ?"
        connection.execute(sql, (str(one.root), relative, words, one.number))
        _move_masks(connection, one)
        connection.executemany("UPDATE images SET path = ? WHERE id = ?", ((f"\0{image}", image) for image, _ in one.paths))
        connection.executemany("UPDATE images SET path = ? WHERE id = ?", ((path, image) for image, path in one.paths))
        connection.executemany("UPDATE images SET modified = ? WHERE id = ?", ((time, image) for image, time in one.times))
        connection.executemany("DELETE FROM flags WHERE flag = ? AND image = ?", ((GONE, image) for image in one.back))
        connection.executemany("INSERT OR IGNORE INTO flags (flag, image) VALUES (?, ?)", ((GONE, image) for image in one.gone))


def _move_masks(connection: sqlite3.Connection, one: Move) -> None:
    """Let the masks of images with other paths come along, where they moved as these did; others stay where they were."""
    for image, path in one.paths:
        (old,) = connection.execute("SELECT path FROM images WHERE id = ?", (image,)).fetchone()
        before, after = _heads(old, path)
        for (mask,) in connection.execute("SELECT path FROM masks WHERE image = ?", (image,)).fetchall():
            moved = after + mask.removeprefix(before)
            if mask.startswith(before) and os.path.isfile(one.root / moved):  # noqa: PTH113 - `Path.is_file` raises where it may not look
                connection.execute("UPDATE OR IGNORE masks SET path = ? WHERE image = ? AND path = ?", (moved, image, mask))


def _heads(old: str, new: str) -> tuple[str, str]:
    """The folders in which two paths differ, without those at their ends that are the same: a/b/1.png, c/b/1.png -> a/, c/."""
    before, after = old.split("/")[:-1], new.split("/")[:-1]
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
    return "".join(f"{name}/" for name in before), "".join(f"{name}/" for name in after)
