"""Catalogued images as batches: every image is decoded and resized once, by all cores, into a cache; then no decoder runs.

On disk the cache is a folder of shards, each a pair of files: NAME.json (content digests, in order) and NAME.npy (uint8
[n, S, S]). The .npy is renamed into place last and makes the pair valid. A killed process leaves whole shards and nothing else;
two processes may write at once; the folder may be deleted at any time.
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer import appearance, files, images
from trainer.errors import DataError, ImageError, Progress, StorageError

SHARD = 512
MEMORY_SHARE = 0.25
CACHE_LIMIT = 40 * 2**30
HEADROOM = 2**30

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Cache:
    """Decoded squares of a list of images; `readable` says which of the list are there.

    `whole` is uint8 [N, S, S] in memory, or None where that is too much and rows are read from the shards on disk. `failures`
    are files and why they are not there; `damaged` are the digests of contents that cannot be decoded, wherever they lie, and
    `odd` of those decoded for the first time that do not look like frontal chest radiographs.
    """

    size: int
    readable: NDArray[np.bool_]
    failures: tuple[tuple[Path, str], ...]
    decoded: int
    whole: Pixels | None
    shards: tuple[Pixels, ...]
    where: NDArray[np.int64]  # [N, 2]: shard and row of each image
    damaged: frozenset[str] = frozenset()
    odd: frozenset[str] = frozenset()

    def take(self, rows: NDArray[np.int64]) -> Pixels:
        """Squares of some images as uint8 [n, 1, S, S]."""
        if self.whole is not None:
            return self.whole[rows][:, None]
        out = np.empty((len(rows), 1, self.size, self.size), np.uint8)
        for place, row in enumerate(rows):
            shard, index = self.where[row]
            out[place, 0] = self.shards[shard][index]
        return out

    def only(self, kept: NDArray[np.bool_]) -> "Cache":
        """The same squares for some of the images, in their order."""
        whole = None if self.whole is None else self.whole if kept.all() else self.whole[kept]
        return replace(self, readable=self.readable[kept], whole=whole, where=self.where[kept])


def cached(
    sources: Sequence[tuple[Path, str]],
    *,
    size: int,
    fit: images.Fit,
    folder: Path,
    decode: bool = True,
    progress: Progress | None = None,
    memory: int | None = None,
) -> Cache:
    """Squares of `sources` (path, content digest), from the cache in `folder` or decoded into it.

    A file that cannot be read any more, or whose content is no longer what was catalogued, is not readable: it must not stand
    behind a label that was given to another image. Of exact copies the first that can be read is enough. `memory` is the number
    of bytes that may be held (default: a quarter of what is free). Without `decode` only what lies there is read: another
    process has just decoded all it could. Raises `StorageError`; `Stopped` from `progress`.
    """
    folder = folder / f"{size}-{fit}-v{images.PIPELINE}"
    known = _index(folder)
    if not decode:
        return _assembled(sources, known, {}, 0, size, _allowance(memory))
    _evict(folder.parent, keep=folder)
    wanted = dict.fromkeys(digest for _, digest in sources)
    copies: dict[str, list[Path]] = {}
    for path, digest in sources:
        if digest not in known:
            copies.setdefault(digest, []).append(path)
    missing = list(copies.items())
    failures: dict[str, _Failure] = {}
    odd: set[str] = set()
    done = len(wanted) - len(missing)
    for start in range(0, len(missing), SHARD):
        part = missing[start : start + SHARD]
        pixels, digests, failed = _decode(part, size, fit, done + start, len(wanted), progress, odd)
        failures |= failed
        if digests:
            known.update(_write(folder, pixels, digests))
    cache = _assembled(sources, known, failures, len(missing), size, _allowance(memory))
    return replace(cache, odd=frozenset(odd - _in_other_sizes(folder))) if odd else cache


def _in_other_sizes(folder: Path) -> set[str]:
    """Digests of what was decoded before, for a square of another size."""
    others = (other for other in folder.parent.iterdir() if other != folder and other.name.endswith(f"-v{images.PIPELINE}"))
    return {digest for other in others for digest in _index(other)}


@dataclass(frozen=True)
class _Failure:
    """A file of which there is no square, why, and whether that lies in its content."""

    path: Path
    why: str
    damaged: bool = False


def _decode(
    part: Sequence[tuple[str, list[Path]]],
    size: int,
    fit: images.Fit,
    done: int,
    total: int,
    progress: Progress | None,
    odd: set[str],
) -> tuple[Pixels, list[str], dict[str, _Failure]]:
    """Squares of what can be decoded, their digests, and what cannot; those that look odd are added to `odd`."""
    squares: list[Pixels] = []
    digests: list[str] = []
    failed: dict[str, _Failure] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders and Pillow's resize let go of the interpreter lock
        try:
            found = pool.map(lambda item: _square(item[1], item[0], size, fit, odd), part)
            for (digest, _), square in zip(part, found, strict=True):
                if isinstance(square, _Failure):
                    failed[digest] = square
                else:
                    squares.append(square)
                    digests.append(digest)
                done += 1
                if progress:
                    progress(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return (np.stack(squares) if squares else np.empty((0, size, size), np.uint8)), digests, failed


def _square(paths: Sequence[Path], digest: str, size: int, fit: images.Fit, odd: set[str]) -> Pixels | _Failure:
    """The square of the first of several copies that is there, or why there is none."""
    failure: _Failure | None = None
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            failure = failure or _Failure(path, files.storage_error(error, path).what)
            continue
        if files.digest(content) != digest:
            failure = failure or _Failure(path, "the file has changed since it was imported")
            continue
        try:
            pixels = images.decode(content, name=path.name).pixels
            if appearance.is_odd(pixels):
                odd.add(digest)
            return images.to_square(pixels, size, fit)
        except ImageError as error:
            return _Failure(path, error.what, damaged=True)
    assert failure is not None, "a digest without a path"
    return failure


def _index(folder: Path) -> dict[str, tuple[Path, int]]:
    """Digest -> shard and row, of every whole shard. A damaged one counts as absent: its images are decoded again."""
    known: dict[str, tuple[Path, int]] = {}
    for shard in sorted(folder.glob("*.npy")):
        try:
            digests = files.read_json(shard.with_suffix(".json"))
            rows = len(np.load(shard, mmap_mode="r", allow_pickle=False))
        except (ValueError, EOFError, OSError, DataError, StorageError):
            continue
        if isinstance(digests, list) and len(digests) == rows:
            known.update({digest: (shard, row) for row, digest in enumerate(digests)})
    return known


def _write(folder: Path, pixels: Pixels, digests: list[str]) -> dict[str, tuple[Path, int]]:
    shard = folder / f"{secrets.token_hex(8)}.npy"
    files.write_json(shard.with_suffix(".json"), digests)
    with files.atomic(shard) as file:
        np.save(file, pixels, allow_pickle=False)
    return {digest: (shard, row) for row, digest in enumerate(digests)}


def _assembled(
    sources: Sequence[tuple[Path, str]],
    known: dict[str, tuple[Path, int]],
    failures: Mapping[str, _Failure],
    decoded: int,
    size: int,
    memory: int,
) -> Cache:
    paths = sorted({known[digest][0] for _, digest in sources if digest in known})
    number = {path: i for i, path in enumerate(paths)}
    with files.storage_in_words(paths[0] if paths else None):
        shards = tuple(np.load(path, mmap_mode="r", allow_pickle=False) for path in paths)
    where = np.full((len(sources), 2), -1, np.int64)
    for place, (_, digest) in enumerate(sources):
        if digest in known:
            path, index = known[digest]
            where[place] = number[path], index
    readable = where[:, 0] >= 0
    whole = None
    if len(sources) * size * size <= memory:
        whole = np.zeros((len(sources), size, size), np.uint8)
        for row in np.flatnonzero(readable):
            whole[row] = shards[where[row, 0]][where[row, 1]]
        shards = ()
    told = tuple((failure.path, failure.why) for failure in failures.values())
    damaged = frozenset(digest for digest, failure in failures.items() if failure.damaged)
    return Cache(size, readable, told, decoded, whole, shards, where, damaged)


def _allowance(memory: int | None) -> int:
    if memory is not None:
        return memory
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * MEMORY_SHARE)
    return 2**30


def _evict(cache: Path, *, keep: Path) -> None:
    """Delete the longest unused sizes while the cache is over its limit or the disk nearly full."""
    if not cache.is_dir():
        return
    others = sorted((p for p in cache.iterdir() if p.is_dir() and p != keep), key=lambda p: p.stat().st_mtime)
    used = {p: sum(f.stat().st_size for f in p.iterdir() if f.is_file()) for p in [*others, *([keep] if keep.is_dir() else [])]}
    for folder in others:
        if sum(used.values()) <= CACHE_LIMIT and shutil.disk_usage(cache).free > HEADROOM:
            return
        shutil.rmtree(folder, ignore_errors=True)
        used.pop(folder)


def chunks(rows: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
    """Consecutive batches of `rows`; the last may be smaller."""
    for start in range(0, len(rows), batch):
        yield rows[start : start + batch]
