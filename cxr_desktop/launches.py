"""A process of the trainer that may outlive the window: how it is started, what it says before its run exists, how it ended."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cxr_desktop.commands import KEPT, REFUSED, STOPPED, program
from trainer.errors import RunError, TrainerError


class Launch:
    """One process. Raises `RunError` where it cannot be started; nothing here waits for it.

    What it prints goes to a file: a pipe would break, and the process with it, when the window ends. `progress` is (done,
    total), `folder` that of its run once there is one; both are found by `look`.
    """

    def __init__(self, words: Sequence[str], *, cwd: Path | None = None) -> None:
        self.words = tuple(words)
        self.progress = (0, 0)
        self.folder = ""
        self.text = ""
        self._read = 0
        self._stopped = False
        handle, name = tempfile.mkstemp(prefix="cxr-trainer-", suffix=".log")
        self._output = Path(name)
        try:
            self._process = _started([*program(), *words], handle, cwd)
        except OSError as error:
            self.forget()
            remedy = "Install CXR Desktop again."
            raise RunError("The trainer cannot be started", where=error.filename or program()[0], remedy=remedy) from error
        finally:
            os.close(handle)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def look(self) -> bool:
        """Read what is new; whether the process has ended, so that nothing more will come."""
        ended = self._process.poll() is not None  # asked first: then all that it said is there to be read
        with suppress(OSError), self._output.open("rb") as file:
            file.seek(self._read)
            content = file.read()
            whole = len(content) if ended else content.rfind(b"\n") + 1
            self._read += whole
            for line in content[:whole].decode("utf-8", "replace").splitlines():
                self._take(line)
        return ended

    def said(self) -> dict[str, Any]:
        """The last JSON object that it printed."""
        for line in reversed(self.text.splitlines()):
            if found := _object(line):
                return found
        return {}

    def refusal(self) -> TrainerError | None:
        """Why it ended before there was a run; None if it was stopped, or did end well."""
        told, status = self.said().get("error"), self._process.returncode
        if self._stopped or status in (0, STOPPED, -signal.SIGTERM):
            return None
        if status == REFUSED and isinstance(told, dict):
            return TrainerError(told["what"], where=told["where"], remedy=told["remedy"])
        last = next((line for line in reversed(self.text.splitlines()) if line.strip()), "")
        error = RunError(
            f"The trainer ended unexpectedly ({self.ending()}) while doing '{self.words[0]}'",
            where=last,
            remedy="Try again; if it happens once more, copy the details and report them.",
        )
        error.details = self.text  # type: ignore[attr-defined]
        return error

    def ending(self) -> str:
        """How the process ended, in words; "" while it runs."""
        status = self._process.returncode
        if status is None:
            return ""
        told = self.said().get("error")
        if status == REFUSED and isinstance(told, dict):  # it could not write that into the run: its disk is full, say
            return f"said: {told['what']}"
        if status < 0:
            return f"ended by signal {-status}, {_signal_name(-status)}"
        return f"exit status {status}" if status < 256 else f"exit status 0x{status:08X}"

    def stop(self) -> None:
        """Ask it to end. Before its run exists there is nothing to keep."""
        if self._process.poll() is None:
            self._stopped = True  # on Windows its exit status does not tell
            self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        if self._process.poll() is None:
            self._process.kill()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but no longer."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def forget(self) -> None:
        """Delete the file of its output, and leave the process to itself if it still runs."""
        with suppress(OSError):  # Windows keeps a file that the process still has open; the system clears its folder
            self._output.unlink()
        process = getattr(self, "_process", None)
        if process is not None and process.poll() is None:
            process.returncode = 0  # it goes on without us: Popen must neither wait for it nor complain of it

    def _take(self, line: str) -> None:
        found = _object(line)
        if "progress" in found:
            self.progress = (int(found["progress"][0]), int(found["progress"][1]))
            return
        if isinstance(found.get("run"), str) and not self.folder:
            self.folder = found["run"]
        self.text = f"{self.text}{line}\n"[-KEPT:]


def _started(words: Sequence[str], output: int, cwd: Path | None) -> "subprocess.Popen[bytes]":
    """A process of its own session: neither the window's end nor Ctrl+C in the window's terminal reaches it.

    On Windows it gets a console of its own without a window, not none at all: what it starts would otherwise open one each.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(  # noqa: S603 - our own program, and no shell
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1"},  # paths in its JSON are UTF-8 on every system
        start_new_session=sys.platform != "win32",
        creationflags=flags,
    )


def _object(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except ValueError:  # a line that only looks like it
        return {}
    return found if isinstance(found, dict) else {}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
