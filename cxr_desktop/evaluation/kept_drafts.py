"""Moved thresholds that are not saved yet, kept run by run: leaving the page, or the window, loses none of them."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.project import Project
from trainer import files

DELAY = 1000
"""Milliseconds after the last move: settings are written to the disk, which must not be waited for at each press of a key."""


class KeptDrafts(QObject):
    """One draft for each run, remembered in the settings."""

    def __init__(self, project: Project, parent: QObject) -> None:
        super().__init__(parent)
        self._project = project
        self._drafts: dict[Path, ThresholdDraft] = {}
        self._timer = QTimer(self, singleShot=True, interval=DELAY)
        self._timer.timeout.connect(self.write)
        project.closed.connect(self._forget)

    def of(self, run: Path, saved: Mapping[str, float]) -> ThresholdDraft:
        """The draft of a run whose model carries these thresholds now."""
        if run not in self._drafts:
            self._drafts[run] = ThresholdDraft(saved)
            self._drafts[run].restore(self._project.settings.text(_key(run)))
        elif dict(self._drafts[run].saved) != dict(saved):
            self._drafts[run].rebased(saved)
        self.write()
        return self._drafts[run]

    def keep(self) -> None:
        """Something was moved: remember it soon."""
        self._timer.start()

    def write(self) -> None:
        """Remember it now."""
        self._timer.stop()
        for run, draft in self._drafts.items():
            text = draft.to_text()
            if text != self._project.settings.text(_key(run)):
                self._project.settings.set_text(_key(run), text)

    def _forget(self) -> None:
        self.write()
        self._drafts.clear()


def _key(run: Path) -> str:
    return f"evaluation/moved-{files.digest(str(run).encode())[:12]}"
