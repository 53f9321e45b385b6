"""Catalogued images as batches: every image is decoded and resized once, by all cores, into a cache; then no decoder runs.

The cache is a folder of shards for each size and fit (see `shards`), in the project; it may be deleted at any time.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer import appearance, files, images, shards
from trainer.errors import ImageError, Progress

Pixels = NDArray[np.uint8]


class Source(Protocol):
    """A list of images as a network is shown them."""

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Which of the list are there, bool [N]."""

    @property
    def failures(self) -> tuple[tuple[Path, str], ...]:
        """Files that are not, and why."""

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some of them: squares uint8 [n, 1, S, S], or what a frozen network says of them, float32 [n, 1 or 2, F]."""


@dataclass(frozen=True, eq=False)
class Cache:
    """Decoded squares uint8 [S, S] of a list of images; `readable` says which of the list are there.

    `failures` are files and why they are not there; `damaged` are the digests of contents that cannot be decoded, wherever they
    lie, and `odd` of those decoded for the first time that do not look like frontal chest radiographs.
    """

    rows: shards.Rows
    failures: tuple[tuple[Path, str], ...] = ()
    decoded: int = 0
    damaged: frozenset[str] = frozenset()
    odd: frozenset[str] = frozenset()

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Which of the list are there, bool [N]."""
        return self.rows.there

    def take(self, rows: NDArray[np.int64]) -> Pixels:
        """Squares of some images as uint8 [n, 1, S, S]."""
        return self.rows.take(rows)[:, None]

    def only(self, kept: NDArray[np.bool_]) -> "Cache":
        """The same squares for some of the images, in their order."""
        return replace(self, rows=self.rows.only(kept))


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
    digests = [digest for _, digest in sources]
    known = shards.known(folder)
    if not decode:
        return Cache(shards.assembled(digests, known, (size, size), np.uint8, memory))
    shards.make_room(folder.parent, keep=[folder])
    wanted = dict.fromkeys(digests)
    copies: dict[str, list[Path]] = {}
    for path, digest in sources:
        if digest not in known:
            copies.setdefault(digest, []).append(path)
    missing = list(copies.items())
    failures: dict[str, _Failure] = {}
    odd: set[str] = set()
    done = len(wanted) - len(missing)
    for start in range(0, len(missing), shards.SHARD):
        part = missing[start : start + shards.SHARD]
        pixels, made, failed = _decode(part, size, fit, done + start, len(wanted), progress, odd)
        failures |= failed
        if made:
            known.update(shards.write(folder, pixels, made))
    return Cache(
        shards.assembled(digests, known, (size, size), np.uint8, memory),
        failures=tuple((failure.path, failure.why) for failure in failures.values()),
        decoded=len(missing),
        damaged=frozenset(digest for digest, failure in failures.items() if failure.damaged),
        odd=frozenset(odd - _in_other_sizes(folder)) if odd else frozenset(),
    )


def _in_other_sizes(folder: Path) -> set[str]:
    """Digests of what was decoded before, for a square of another size."""
    others = (other for other in folder.parent.iterdir() if other != folder and other.name.endswith(f"-v{images.PIPELINE}"))
    return {digest for other in others for digest in shards.known(other)}


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


def chunks(rows: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
    """Consecutive batches of `rows`; the last may be smaller."""
    for start in range(0, len(rows), batch):
        yield rows[start : start + batch]
