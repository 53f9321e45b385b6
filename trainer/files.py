"""Files that are either whole or not there: temporary + rename, and the operating system's refusals in words."""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from trainer.errors import DataError, StorageError

_REMEDIES = {
    errno.ENOSPC: ("The disk is full", "Free some space or choose another place, then try again."),
    errno.EDQUOT: ("Your share of the disk is used up", "Free some space or choose another place, then try again."),
    errno.EACCES: ("No permission", "Choose a folder that you may write to, or change its permissions."),
    errno.EPERM: ("No permission", "Choose a folder that you may write to, or change its permissions."),
    errno.EROFS: ("The disk is read-only", "Choose a place that can be written to."),
    errno.ENOENT: ("There is no such file or folder", "Check the path for a typing error."),
    errno.ENOTDIR: ("A file stands where a folder was expected", "Check the path."),
    errno.EISDIR: ("A folder stands where a file was expected", "Check the path."),
    errno.EEXIST: ("Something of that name is there already", "Choose another name."),
    errno.EIO: ("The disk reports a fault", "Copy the data to another disk, then try again."),
    errno.ENAMETOOLONG: ("The name is too long", "Choose a shorter name or a place nearer to the root."),
}


def storage_error(error: OSError, path: Path | None = None) -> StorageError:
    """Put an `OSError` into words; `path` is named where the error itself carries none."""
    what, remedy = _REMEDIES.get(error.errno or 0, (error.strerror or str(error) or "The disk refused", "Try again."))
    return StorageError(what, where=error.filename or path or "", remedy=remedy)


@contextmanager
def storage_in_words(path: Path | None = None) -> Iterator[None]:
    """Turn any `OSError` of the block into a `StorageError`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` for writing; it takes the place of `path` when the block ends well.

    The content is on the disk before the rename (fsync), so that a power cut leaves the old file or the new one.
    Raises `StorageError`, also for a device or a pipe (/dev/stdout), which a rename would replace for everybody; whatever is
    raised, no temporary file stays behind.
    """
    with storage_in_words(path):
        if _is_stream(path):
            remedy = "Choose the name of a file."
            raise StorageError("This is a device or a pipe, which a file would take the place of", where=path, remedy=remedy)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """Whether a path is no place of a file: a device, a pipe, or a link to what a process has open (/dev/fd/1)."""
    if os.path.realpath(path.parent).startswith("/proc/") or (path.is_symlink() and path.readlink().is_relative_to("/proc")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def _sync_folder(folder: Path) -> None:
    """Put the rename itself on the disk; Windows has no such call and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically. Raises `StorageError`."""
    with atomic(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 file atomically, with newlines as they are. Raises `StorageError`."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever json takes
    """Write strict JSON (NaN and infinity refused) atomically. Raises `StorageError`."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever json gives
    """Read a JSON file. Raises `StorageError` if it cannot be read and `DataError` if it is not JSON."""
    with storage_in_words(path):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except ValueError as error:
        raise DataError("The file is damaged: it is not JSON", where=path, remedy="Restore it from a copy.") from error


def is_file(path: Path) -> bool:
    """Whether a file is there and can be reached."""
    return os.path.isfile(path)  # noqa: PTH113 - `Path.is_file` raises where a share is away or forbidden, or a name too long


def digest(content: bytes | memoryview) -> str:
    """BLAKE2b-160 of some bytes as 40 hexadecimal digits: the identity of an image file."""
    return hashlib.blake2b(content, digest_size=20).hexdigest()
