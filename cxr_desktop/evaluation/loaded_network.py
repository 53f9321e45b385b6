"""The networks of the run or bag that is looked at, opened once for all heat maps of the Evaluate page."""

import threading
from pathlib import Path

from cxr_desktop import inference
from trainer import files, runs


class LoadedNetwork:
    """Keeps the last one, or the last several that were used together. For jobs: the first call for a run takes seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[tuple[Path, int], ...] | None = None
        self._ensemble: inference.Ensemble | None = None

    def of(self, *folders: Path) -> inference.Ensemble:
        """The networks of these run folders, opened anew when one of their files has changed. Raises `TrainerError`s."""
        with self._lock:
            key = tuple((folder, _changed(folder)) for folder in folders)
            if key != self._key or self._ensemble is None:
                self._ensemble, self._key = inference.open_models(folders), key
            return self._ensemble

    def forget(self) -> None:
        """Free it."""
        self._key = self._ensemble = None


def _changed(folder: Path) -> int:
    best = runs.find(folder).best
    with files.storage_in_words(best):
        return best.stat().st_mtime_ns
