"""What was dropped on the window or named on the command line: a project, a run, sources to import, images to review."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData

from trainer import files

PROJECT, RUN, IMPORT, REVIEW, NOTHING = "project", "run", "import", "review", "nothing"
TABLES = (".csv", ".tsv", ".txt", ".tab", ".xlsx", ".csv.gz", ".tsv.gz")
"""As in `trainer.tables`, which would have to be loaded before the window is there."""


@dataclass(frozen=True)
class Dropped:
    """`kind` says what to do with `paths`; `left_out` are those that this cannot be done with at the same time."""

    kind: str
    paths: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()


def paths(data: QMimeData) -> list[Path]:
    """The files and folders of this computer that a drag carries."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def understood(dropped: Sequence[Path]) -> Dropped:
    """Sort out: one project or run opens; folders and tables are imported; everything else is reviewed."""
    kinds = [(_kind(path), path) for path in dropped]
    for kind in (PROJECT, RUN, IMPORT, REVIEW):
        chosen = [path for found, path in kinds if found == kind]
        if kind in (PROJECT, RUN):
            chosen = chosen[:1]
        if chosen:
            return Dropped(kind, tuple(chosen), tuple(path for _, path in kinds if path not in chosen))
    return Dropped(NOTHING, ())


def _kind(path: Path) -> str:
    if path.is_dir():
        if files.is_file(path / "catalog.sqlite") or path.suffix == ".cxr":
            return PROJECT
        run = files.is_file(path / "config.json") and files.is_file(path / "split.json")
        return RUN if run or files.is_file(path / "bag.json") else IMPORT  # a bag is shown where a run is
    if path.name == "catalog.sqlite":
        return PROJECT
    return IMPORT if path.name.lower().endswith(TABLES) else REVIEW
