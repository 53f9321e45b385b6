"""Text files as the world writes them, plain or packed with gzip: which encoding each has, and its lines."""

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trainer.errors import DataError

_REMEDY = "Save it as CSV (UTF-8) with a header line, then try again."
_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Text:
    """A file that holds text in `encoding` from its first to its last byte; `notes` say in words what was odd about it."""

    path: Path
    packed: bool
    encoding: str
    notes: tuple[str, ...]


def examined(path: Path, most: int) -> Text:
    """Find the encoding of a whole file, a part of it in memory at a time. `most`: bytes, those of a packed file unpacked.

    Raises `DataError` (no text, too large, a damaged gzip) and `OSError`.
    """
    packed = _is_packed(path)
    first, *others = _candidates(path, packed)
    if _holds(path, packed, first, most):
        return Text(path, packed, first, ())
    encoding = next(name for name in others if _holds(path, packed, name, most))
    name = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}[encoding]
    return Text(path, packed, encoding, (f"{path.name} is not UTF-8; it was read as {name}",))


def start(path: Path, characters: int) -> str:
    """First characters of a text file, whatever comes after them. Raises `DataError` and `OSError`."""
    packed = _is_packed(path)
    with _bytes(path, packed) as file:
        content = file.read(characters * 4)
    for encoding in _candidates(path, packed):
        if b"\0" in content and encoding != "utf-16":
            break
        try:
            return codecs.getincrementaldecoder(encoding)().decode(content)[:characters]
        except UnicodeDecodeError:
            continue
    raise DataError("This is no text table", where=path, remedy=_REMEDY)


@contextmanager
def opened(text: Text) -> Iterator[io.TextIOWrapper]:
    """Open a text for reading, its line ends as they are. Raises `DataError` (it changed meanwhile) and `OSError`."""
    with _bytes(text.path, text.packed) as file, io.TextIOWrapper(file, text.encoding, newline="") as lines:
        try:
            yield lines
        except UnicodeDecodeError as error:
            raise DataError("The file was changed while it was read", where=text.path, remedy="Try again.") from error


def _is_packed(path: Path) -> bool:
    # A pipe would never end; a folder or a missing file is told by `open`.
    if path.exists() and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        raise DataError("This is no text table", where=path, remedy=_REMEDY)
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _candidates(path: Path, packed: bool) -> tuple[str, ...]:
    """Encodings to try in this order. cp1252 leaves five bytes undefined; Latin-1 never fails."""
    with _bytes(path, packed) as file:
        return ("utf-16" if file.read(2) in _BOMS else "utf-8-sig"), "cp1252", "latin-1"


@contextmanager
def _bytes(path: Path, packed: bool) -> Iterator[IO[bytes]]:
    with path.open("rb") as plain:
        if not packed:
            yield plain
            return
        try:
            with gzip.GzipFile(fileobj=plain) as file:
                yield file  # type: ignore[misc]  # a GzipFile reads as any binary file does
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError("The packed file is damaged or not whole", where=path, remedy="Download it again.") from error


def _holds(path: Path, packed: bool, encoding: str, most: int) -> bool:
    """Tell whether a whole file is text of this encoding. Raises `DataError` if it is none at all, or too large."""
    decoder = codecs.getincrementaldecoder(encoding)()
    if not packed and os.path.getsize(path) > most:  # noqa: PTH202 - a folder has a size too, and opening it tells
        raise _too_large(path)
    size = 0
    with _bytes(path, packed) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise _too_large(path)
            if b"\0" in chunk and encoding != "utf-16":
                raise DataError("This is no text table", where=path, remedy=_REMEDY)
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _too_large(path: Path) -> DataError:
    return DataError("The file is too large to be a table of images", where=path, remedy=_REMEDY)
