"""Runs without a network, processes that work on one as a terminal's would, and answers to questions."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QPushButton

from trainer import config, recipes, runs

STARTED: dict[str, Any] = {
    "epoch": 0, "step": 0, "epochs": 4, "steps_per_epoch": 2, "device": "cpu", "device_name": "Test CPU", "precision": "fp32",
    "batch": 8, "threads": 1, "images": {"train": 16, "validation": 4},
}  # fmt: skip


def batch(run: runs.Run, step: int, loss: float = 1.0) -> None:
    """Write that a batch was learned."""
    run.append(
        "batch", epoch=(step + 1) // 2, step=step, images=8, loss=loss, lr=1e-3, images_per_second=40.0, eta=float(8 - step)
    )


def epoch(run: runs.Run, number: int, f1: float, *, best: bool = True) -> None:
    """Write that an epoch is over."""
    run.append(
        "epoch", epoch=number, epochs=4, step=2 * number, train_loss=1.0 / number, validation_loss=1.1 / number,
        metrics={"accuracy": 0.5, "macro_f1": f1}, best=best, lr=1e-3, seconds=1.0, eta=2.0,
    )  # fmt: skip


def make_run(
    project: Path, name: str, values: dict[str, Any] | None = None, *, epochs: int = 2, end: str = "finished", digest: str = "d"
) -> runs.Run:
    """A run with a history, as fast as its files are written. `end` is its last event, "" for none."""
    chosen = config.changed(recipes.load("scratch").settings, {"schedule.epochs": 4, **(values or {})})
    about = {
        "recipe": "scratch", "findings": ["Normal", "Lobar pneumonia"], "config": config.to_dict(chosen), "created": 1.7e9,
        "split": {"name": "s", "digest": digest}, "seed": 1, "versions": {}, "command": [],
    }  # fmt: skip
    run = runs.create(project, name, about, {"parts": {"train": [1], "validation": [2]}})
    if epochs:
        run.append("started", **STARTED)
    for number in range(1, epochs + 1):
        for step in (2 * number - 1, 2 * number):
            batch(run, step, 1.0 / step)
        epoch(run, number, 0.2 * number)
    if end:
        run.append(end, epochs=epochs, epoch=epochs, step=2 * epochs, what="It broke", where="here", remedy="Mend it.")
    return run


_WORK = """
import sys, time
from pathlib import Path
from trainer import runs
run = runs.Run(Path(sys.argv[1]))
with run.locked():
    print("held", flush=True)
    for line in sys.stdin:
        kind, *values = line.split()
        if kind == "batch":
            step = int(values[0])
            run.append("batch", epoch=(step + 1) // 2, step=step, images=8, loss=1.0, lr=1e-3, images_per_second=1.0, eta=5.0)
        elif kind == "obey":
            while not run.stop_requested():
                time.sleep(0.02)
            run.clear_stop()
            run.append("stopped", epoch=0, step=0)
            break
        else:
            run.append(kind, epochs=2)
"""


class Terminal:
    """A process that works on a run: it holds the lock, and writes the events that it is told to."""

    def __init__(self, run: runs.Run) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WORK, run.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def write(self, *words: object) -> None:
        """One event: its kind and its step; "obey" waits for a stop and ends."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Let it end by itself."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait()


@contextmanager
def terminal(run: runs.Run) -> Iterator[Terminal]:
    """A terminal works on the run."""
    made = Terminal(run)
    try:
        yield made
    finally:
        made.end()


def answer(button: str, seen: Callable[[QDialog], object] = lambda dialog: None) -> None:
    """Press a button of the modal dialog that is about to be opened; `seen` may look at it first."""

    end = time.monotonic() + 5

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QDialog) or not dialog.isVisible():
            assert time.monotonic() < end, f"no dialog with a button '{button}'"
            QTimer.singleShot(10, press)
            return
        seen(dialog)
        found = [one for one in dialog.findChildren(QPushButton) if one.text().replace("&", "") == button]
        assert found, f"no button '{button}' among {[one.text() for one in dialog.findChildren(QPushButton)]}"
        found[0].click()

    QTimer.singleShot(0, press)
