"""Long work: one verb of the trainer as a process of its own, with its progress, its result and its refusal in words."""

import codecs
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from cxr_desktop.tasks import Task
from trainer.errors import RunError, TrainerError

REFUSED, STOPPED = 2, 130
PATIENCE = 5_000
"""Milliseconds in which a cancelled process may end by itself."""
KEPT = 20_000
"""Characters of a process's own words that are kept for a report."""


def program() -> list[str]:
    """How the trainer is started: `python -m trainer`, or the second program of a bundle."""
    if getattr(sys, "frozen", False):
        suffix = ".exe" if sys.platform == "win32" else ""
        return [str(Path(sys.executable).with_name(f"cxr-trainer{suffix}"))]
    return [sys.executable, "-m", "trainer"]


class Command(Task):
    """One process. `done` carries the JSON object that the verb printed."""

    def __init__(self, label: str, words: Sequence[str], parent: QObject) -> None:
        super().__init__(label, parent)
        self._verb = words[0]
        self._out = self._log = ""
        decoder = codecs.getincrementaldecoder("utf-8")  # a letter may come in two pieces
        self._read_out_text, self._read_log_text = decoder("replace"), decoder("replace")
        self._seen = 0  # lines of the log that were told
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read_out)
        self._process.readyReadStandardError.connect(self._read_log)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._not_started)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUTF8", "1")  # names in its JSON are UTF-8 on every system
        self._process.setProcessEnvironment(environment)
        first, *rest = program()
        self._process.start(first, [*rest, *words, "--json", "--progress"])

    def cancel(self) -> None:
        """Ask it to end; if it does not, end it."""
        super().cancel()
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.terminate()
            QTimer.singleShot(PATIENCE, self._process, self._process.kill)

    def finish(self) -> None:
        """End it and wait until it is gone."""
        super().cancel()
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.terminate()
            if not self._process.waitForFinished(PATIENCE):
                self._process.kill()
                self._process.waitForFinished(PATIENCE)

    def _read_out(self) -> None:
        self._out += self._read_out_text.decode(bytes(self._process.readAllStandardOutput().data()))

    def _read_log(self) -> None:
        self._log += self._read_log_text.decode(bytes(self._process.readAllStandardError().data()))
        *lines, rest = self._log.split("\n")
        kept = [line for line in lines[self._seen :] if not self._is_progress(line)]
        self._log = "\n".join([*lines[: self._seen], *kept, rest])[-KEPT:]
        self._seen = self._log.count("\n")

    def _is_progress(self, line: str) -> bool:
        """Tell what a line says; True if it only says how far the work is."""
        if not line.startswith('{"progress"'):
            self.noted.emit(line.strip())
            return False
        told = json.loads(line)
        self.noted.emit(told.get("label", ""))
        self.advance(*told["progress"])
        return True

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._outcome(RunError("The trainer cannot be started", where=program()[0], remedy="Install CXR Desktop again."))

    def _finished(self, status: int, how: QProcess.ExitStatus) -> None:
        self._read_out()
        self._read_log()
        said = self._said()
        if self.cancelled or status == STOPPED:
            self._outcome(None)
        elif how == QProcess.ExitStatus.NormalExit and status == 0:
            self.done.emit(said)
            self._outcome(None)
        else:
            self._outcome(self._refusal(said, status))

    def _said(self) -> dict[str, Any]:
        lines = [line for line in self._out.splitlines() if line.startswith("{")]
        try:
            return dict(json.loads(lines[-1])) if lines else {}
        except ValueError:  # it died in the middle of the line
            return {}

    def _refusal(self, said: dict[str, Any], status: int) -> TrainerError:
        told = said.get("error")
        if status == REFUSED and isinstance(told, dict):
            return TrainerError(told["what"], where=told["where"], remedy=told["remedy"])
        last = next((line for line in reversed(self._log.splitlines()) if line.strip()), "")
        error = RunError(
            f"The trainer ended unexpectedly while doing '{self._verb}'",
            where=last or f"exit status {status}",
            remedy="Try again; if it happens once more, copy the details and report them.",
        )
        error.details = self._log  # type: ignore[attr-defined]
        return error

    def _outcome(self, error: TrainerError | None) -> None:
        if error and not self.cancelled:
            self.failed.emit(error)
        self.end()


class Commands(QObject):
    """Starts processes and knows those that are under way."""

    started = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: list[Command] = []

    def run(
        self,
        words: Sequence[str | Path],
        done: Callable[[Any], object] | None = None,
        failed: Callable[[TrainerError], object] | None = None,
        *,
        label: str,
    ) -> Command:
        """Start `cxr-trainer WORDS --json`; `done` gets the object that it prints, `failed` the refusal as an error."""
        command = Command(label, [str(word) for word in words], self)
        if done:
            command.done.connect(done)
        if failed:
            command.failed.connect(failed)
        self._running.append(command)
        command.ended.connect(self._forget)
        self.started.emit(command)
        return command

    def _forget(self) -> None:
        self._running = [command for command in self._running if command.running]

    def finish(self) -> None:
        """End all processes and wait for them."""
        for command in list(self._running):
            command.finish()
