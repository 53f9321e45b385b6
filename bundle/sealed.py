"""A copy of a bundle that nothing may change: read-only, with a digest of each file, and its own processes known."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

PLACE = "CXR Desktop für alle"
"""Where a copy lies: a folder with spaces and a letter that is not ASCII, as on many a school's computer."""
PATIENCE = 10.0
"""Seconds in which a process that was ended may still be there."""


class Sealed:
    """The copy. Leaving the `with` ends what still runs in it and deletes it."""

    def __init__(self, bundle: Path, parent: Path) -> None:
        self.folder = parent / PLACE
        shutil.copytree(bundle, self.folder, symlinks=True)
        self._set_writable(writable=False)
        self._before = self._state()

    def __enter__(self) -> "Sealed":
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGTERM)
        self._set_writable(writable=True)
        shutil.rmtree(self.folder)

    def program(self, name: str) -> str:
        """Path of one of the two programs."""
        return str(self.folder / (name + (".exe" if sys.platform == "win32" else "")))

    def changes(self) -> list[str]:
        """What is no longer as it was copied."""
        after = self._state()
        return sorted(path for path in self._before.keys() | after.keys() if self._before.get(path) != after.get(path))

    def processes(self) -> dict[int, str]:
        """Number and program of each process that runs from the copy."""
        return {pid: path for pid, path in _running() if Path(path).is_relative_to(self.folder)}

    def left_behind(self) -> dict[int, str]:
        """The processes that are still there after a moment."""
        until = time.monotonic() + PATIENCE
        while (found := self.processes()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def outside(self) -> set[str]:
        """Libraries from elsewhere that the copy's processes have loaded now (Linux; empty elsewhere)."""
        return {path for pid in self.processes() for path in _loaded(pid) if not Path(path).is_relative_to(self.folder)}

    def dead_links(self) -> list[str]:
        """Links that lead nowhere."""
        return [path.name for path in self.folder.rglob("*") if path.is_symlink() and not path.exists()]

    def handed_on(self, name: str) -> set[str]:
        """Names in the environment of the processes of one program, as they were started (Linux; empty elsewhere)."""
        pids = [pid for pid, path in self.processes().items() if Path(path).stem == name]
        return {entry.partition("=")[0] for pid in pids for entry in _said(Path(f"/proc/{pid}/environ")).split("\0")} - {""}

    def _state(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_symlink():
                found[name] = str(path.readlink())
            elif path.is_dir():
                found[name] = "folder"
            else:
                with path.open("rb") as file:
                    found[name] = (path.stat().st_mtime_ns, hashlib.file_digest(file, "blake2b").hexdigest())
        return found

    def _set_writable(self, *, writable: bool) -> None:
        bits = stat.S_IWUSR | (0 if writable else stat.S_IWGRP | stat.S_IWOTH)
        for path in (self.folder, *self.folder.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | bits if writable else mode & ~bits)


def _running() -> list[tuple[int, str]]:
    """All processes whose program this user may know."""
    if sys.platform.startswith("linux"):
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    found.append((int(entry.name), str((entry / "exe").readlink())))
                except OSError:  # gone, or somebody else's
                    continue
        return found
    if sys.platform == "win32":
        ask = "ConvertTo-Json -Compress @(Get-Process | Where-Object Path | Select-Object Id, Path)"
        said = subprocess.run(["powershell", "-NoProfile", "-Command", ask], capture_output=True, text=True, check=True).stdout
        return [(one["Id"], one["Path"]) for one in json.loads(said)]
    said = subprocess.run(["ps", "-axo", "pid=,comm="], capture_output=True, text=True, check=True).stdout
    return [(int(pid), path) for pid, _, path in (line.strip().partition(" ") for line in said.splitlines())]


def _loaded(pid: int) -> set[str]:
    """Libraries in the memory of a process."""
    lines = _said(Path(f"/proc/{pid}/maps")).splitlines()
    return {path for path in (line.split(maxsplit=5)[-1] for line in lines) if path.startswith("/") and ".so" in path}


def _said(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the process has ended
        return ""
