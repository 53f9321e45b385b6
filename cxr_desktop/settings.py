"""What the window remembers between sessions: its state and the recent projects, and nothing else."""

from pathlib import Path

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

from trainer import files

RECENT = 10


class Settings:
    """One INI file in the user's configuration folder; a damaged or missing file means the defaults."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = path or platformdirs.user_config_path("cxr-desktop", appauthor=False) / "window.ini"
        self._stored = QSettings(str(self._file), QSettings.Format.IniFormat)

    def text(self, key: str, default: str = "") -> str:
        """A remembered word."""
        value = self._stored.value(key, default)
        return value if isinstance(value, str) else default

    def set_text(self, key: str, value: str) -> None:
        """Remember a word."""
        self._stored.setValue(key, value)

    def number(self, key: str, default: float) -> float:
        """A remembered number."""
        try:
            return float(self.text(key, str(default)))
        except ValueError:
            return default

    def set_number(self, key: str, value: float) -> None:
        """Remember a number."""
        self.set_text(key, repr(value))

    def state(self, key: str) -> QByteArray:
        """The remembered state of a window, splitter or table header; empty if there is none."""
        value = self._stored.value(f"state/{key}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_state(self, key: str, value: QByteArray) -> None:
        """Remember the state of a window, splitter or table header."""
        self._stored.setValue(f"state/{key}", value)

    def recent(self) -> list[Path]:
        """Projects that were open, the newest first; those that are not there now are left out, but not forgotten."""
        return [path for path in self._kept() if files.is_file(path / "catalog.sqlite")]

    def missing_recent(self) -> list[Path]:
        """Projects that were open and are not where they were, the newest first."""
        return [path for path in self._kept() if not files.is_file(path / "catalog.sqlite")]

    def add_recent(self, project: Path) -> None:
        """Put a project at the top of the list."""
        known = [path for path in self._kept() if path != project]
        self.set_text("recent", "\n".join(str(path) for path in [project, *known][:RECENT]))

    def _kept(self) -> list[Path]:
        return [Path(text) for text in self.text("recent").split("\n") if text]

    def forget_recent(self, project: Path | None = None) -> None:
        """Take a project off the list; without one, empty it."""
        self.set_text("recent", "\n".join(str(path) for path in self._kept() if project and path != project))

    def save(self) -> None:
        """Write now; otherwise Qt writes when it likes."""
        self._stored.sync()
