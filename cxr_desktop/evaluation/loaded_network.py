"""The network of the run that is looked at, opened once for all heat maps of the Evaluate page."""

import threading
from pathlib import Path

from cxr_desktop import inference
from trainer import files, runs


class LoadedNetwork:
    """Keeps one network. For jobs: the first call for a run takes seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[Path, int] | None = None
        self._ensemble: inference.Ensemble | None = None

    def of(self, run: Path) -> inference.Ensemble:
        """The network of a run folder, opened anew when its file has changed. Raises `TrainerError`s."""
        with self._lock:
            best = runs.find(run).best
            with files.storage_in_words(best):
                key = (run, best.stat().st_mtime_ns)
            if key != self._key or self._ensemble is None:
                self._ensemble, self._key = inference.open_models([run]), key
            return self._ensemble

    def forget(self) -> None:
        """Free it."""
        self._key = self._ensemble = None
