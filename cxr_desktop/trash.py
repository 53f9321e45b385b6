"""Deleting that can be undone: folders go to the trash of the system."""

import shutil
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QFile, QStandardPaths

from trainer import files
from trainer.errors import StorageError


class NoTrashError(StorageError):
    """The place has no trash, or it does not take the folder."""


def move(folder: Path) -> Path:
    """Move a folder to the trash; returns where it lies now. Raises `NoTrashError`. For a job: another disk takes its time."""
    with suppress(OSError):  # on Linux the trash lies in a folder that a new account does not have yet
        Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)).mkdir(
            parents=True, exist_ok=True
        )
    file = QFile(str(folder))
    if not file.moveToTrash():
        raise NoTrashError(
            f"{folder.name} cannot be moved to the trash: {file.errorString()}",
            where=folder,
            remedy="Keep it, or delete it for good.",
        )
    return Path(file.fileName() or folder.name)


def remove(folder: Path) -> None:
    """Delete a folder for good. Raises `StorageError`."""
    with files.storage_in_words(folder):
        shutil.rmtree(folder)
