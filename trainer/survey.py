"""Many files read once: the digest of each, and what it says about itself, by as many processes as there are cores.

Python runs one thread at a time, and part of what an import does to a small file is Python: threads would leave cores idle. No
process is started for a few files, nor where none can be: then threads do it.
"""

import json
import math
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import fields
from functools import lru_cache
from itertools import islice, tee

from trainer import files, glimpse, images
from trainer.crew import Crew
from trainer.errors import ImageError
from trainer.headers import Facts

FEW = 500
"""Files for which no process is started: it takes longer to start than they take."""

MOST = 16
"""Processes at most; more only wait for the disk."""

CHUNK = 64
"""Files that a process is given at once."""

_AHEAD = 2
"""Chunks in work for each thread."""

_BROKEN = "The program breaks down over this file"

Wanted = tuple[str, int, str]
"""A file: its path, its bytes, and the digest that it had ("": it is new)."""

Seen = tuple[str, int, int, str]
"""A file: its digest, width and height as displayed, and its facts as JSON. Facts are "" where its digest is what it was."""


def cores() -> int:
    """How many processes find work at once: one a core that this one may use."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def run(wanted: Sequence[Wanted], *, processes: int = 1) -> Generator[Seen | str, None, None]:
    """What is seen of files, in their order, or in words why one cannot be taken.

    With `processes` below 2 the work is done by threads. Some hundred files are read ahead of what was asked for. Closing the
    iterator ends all work at once.
    """
    crew: Crew[tuple[Wanted, ...], list[Seen | str]] | None = None
    if processes > 1 and len(wanted) > FEW:
        with suppress(OSError, RuntimeError):  # the system has no more processes, or forbids them
            crew = Crew(seen, min(processes, MOST))
    if crew is None:
        yield from _by_threads(_chunks(wanted))
        return
    with closing(crew):
        given, asked = tee(_chunks(wanted))
        for chunk, answer in zip(given, crew.answers(asked), strict=True):
            yield from _one_by_one(crew, chunk) if answer is None else answer


def _one_by_one(crew: Crew[tuple[Wanted, ...], list[Seen | str]], chunk: Sequence[Wanted]) -> Iterator[Seen | str]:
    """Look at each file of a chunk alone, to find the one that a decoder breaks down over."""
    for answer in crew.one_by_one([(one,) for one in chunk]):
        yield _BROKEN if answer is None else answer[0]


def seen(chunk: Sequence[Wanted]) -> list[Seen | str]:
    """What is seen of some files, one after another."""
    return [see(*one) for one in chunk]


def see(path: str, size: int, digest: str) -> Seen | str:
    """Read one file of `size` bytes; where its digest is `digest`, nothing else is looked at."""
    if size > images.MAX_BYTES:
        return "The file is too large to be a radiograph"
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path takes as long as the reading
            content = file.read()
        found = files.digest(content)
        if found == digest:
            return found, 0, 0, ""
        facts = glimpse.of(content, name=path)
    except ImageError as error:
        return error.what
    except OSError as error:
        return str(files.storage_error(error).what)
    return found, facts.width, facts.height, said(facts)


@lru_cache(maxsize=64)
def said(facts: Facts) -> str:
    """Facts as JSON, without those that say nothing, and without the size, which the catalog has anyway."""
    found = {one.name: getattr(facts, one.name) for one in fields(Facts) if one.name not in ("width", "height")}
    kept = {name: value for name, value in found.items() if value not in ("", None, (), 0.0) and _finite(value)}
    return json.dumps(kept, ensure_ascii=False)


def _finite(value: object) -> bool:
    return all(math.isfinite(one) for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, float))


def _chunks(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, ...]]:
    rest = iter(wanted)
    while chunk := tuple(islice(rest, CHUNK)):
        yield chunk


def _by_threads(chunks: Iterator[tuple[Wanted, ...]]) -> Generator[Seen | str, None, None]:
    waiting: deque[Future[list[Seen | str]]] = deque()
    count = cores()
    with ThreadPoolExecutor(count) as pool:
        try:
            for chunk in chunks:
                waiting.append(pool.submit(seen, chunk))
                if len(waiting) > count * _AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
