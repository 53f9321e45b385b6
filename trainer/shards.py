"""Rows of figures kept on disk by the content that they were made of: squares of images, vectors of networks.

A folder of shards, each a pair of files: NAME.json (digests of contents, in order) and NAME.npy (a row for each). The .npy is
renamed into place last and makes the pair valid. A killed process leaves whole shards and nothing else; two processes may
write at once; the folder may be deleted at any time.
"""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from trainer import files
from trainer.errors import DataError, StorageError

SHARD = 512
"""Rows that are written at once: all of them, or none, survive a power cut."""
LIMIT = 40 * 2**30
"""Bytes of all folders together, above which the longest unused ones are deleted."""
HEADROOM = 2**30
"""Bytes that stay free on the disk."""
MEMORY_SHARE = 0.25

Places = dict[str, tuple[Path, int]]
"""Digest -> shard and row in it."""


@dataclass(frozen=True, eq=False)
class Rows:
    """One row for each of a list of contents, in its order; `there` bool [N] says which have one.

    `whole` holds them [N, ...] in memory (what is not there: zeros), or is None where that is too much and they are read from
    the shards on disk, `where` int64 [N, 2] being shard and row of each.
    """

    whole: NDArray[Any] | None
    shards: tuple[NDArray[Any], ...]
    where: NDArray[np.int64]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def there(self) -> NDArray[np.bool_]:
        """Which of the list have a row."""
        return np.asarray(self.where[:, 0] >= 0)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some of them as one array [n, ...]; all must be there."""
        if self.whole is not None:
            return np.asarray(self.whole[rows])
        out = np.empty((len(rows), *self.shape), self.dtype)
        for place, row in enumerate(rows):
            shard, index = self.where[row]
            out[place] = self.shards[shard][index]
        return out

    def only(self, kept: NDArray[np.bool_]) -> "Rows":
        """The same for some of the list, in their order."""
        whole = None if self.whole is None else self.whole if kept.all() else self.whole[kept]
        return replace(self, whole=whole, where=self.where[kept])


def known(folder: Path) -> Places:
    """Where each content's row lies, of every whole shard. A damaged one counts as absent: its rows are made again."""
    found: Places = {}
    for shard in sorted(folder.glob("*.npy")):
        try:
            digests = files.read_json(shard.with_suffix(".json"))
            rows = len(np.load(shard, mmap_mode="r", allow_pickle=False))
        except (ValueError, EOFError, OSError, DataError, StorageError):
            continue
        if isinstance(digests, list) and len(digests) == rows:
            found.update({digest: (shard, row) for row, digest in enumerate(digests)})
    return found


def write(folder: Path, rows: NDArray[Any], digests: list[str]) -> Places:
    """Add a shard; returns where its rows lie. Raises `StorageError`."""
    shard = folder / f"{secrets.token_hex(8)}.npy"
    files.write_json(shard.with_suffix(".json"), digests)
    with files.atomic(shard) as file:
        np.save(file, rows, allow_pickle=False)
    return {digest: (shard, row) for row, digest in enumerate(digests)}


def assembled(
    digests: Sequence[str],
    places: Mapping[str, tuple[Path, int]],
    shape: tuple[int, ...],
    dtype: DTypeLike,
    memory: int | None = None,
) -> Rows:
    """The rows of `digests`, each of `shape` and `dtype`, in memory where they take no more bytes than `memory`.

    None: than a quarter of what is free. Raises `StorageError`.
    """
    paths = sorted({places[digest][0] for digest in digests if digest in places})
    number = {path: i for i, path in enumerate(paths)}
    with files.storage_in_words(paths[0] if paths else None):
        shards = tuple(np.load(path, mmap_mode="r", allow_pickle=False) for path in paths)
    where = np.full((len(digests), 2), -1, np.int64)
    for place, digest in enumerate(digests):
        if digest in places:
            path, index = places[digest]
            where[place] = number[path], index
    kind = np.dtype(dtype)
    rows = Rows(None, shards, where, shape, kind)
    if len(digests) * int(np.prod(shape)) * kind.itemsize > _allowance(memory):
        return rows
    whole = np.zeros((len(digests), *shape), kind)
    for row in np.flatnonzero(rows.there):
        whole[row] = shards[where[row, 0]][where[row, 1]]
    return replace(rows, whole=whole, shards=())


def make_room(cache: Path, *, keep: Sequence[Path]) -> None:
    """Delete the longest unused folders in `cache` while they are over the limit or the disk is nearly full; none of `keep`."""
    if not cache.is_dir():
        return
    others = sorted((p for p in cache.iterdir() if p.is_dir() and p not in keep), key=lambda p: p.stat().st_mtime)
    used = {p: sum(f.stat().st_size for f in p.iterdir() if f.is_file()) for p in [*others, *filter(Path.is_dir, keep)]}
    for folder in others:
        if sum(used.values()) <= LIMIT and shutil.disk_usage(cache).free > HEADROOM:
            return
        shutil.rmtree(folder, ignore_errors=True)
        used.pop(folder)


def _allowance(memory: int | None) -> int:
    if memory is not None:
        return memory
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * MEMORY_SHARE)
    return 2**30
