"""The window's event loop while a training is shown live: the largest time between two turns within a minute.

    python benchmarks/event_loop_gap.py [--seconds 60]

The trainer is a process of its own on the same cores; the Train page shows its curves. A timer ticks every 5 ms in the window;
what lies between two ticks is a gap. The same is measured before the training begins, with the page open and nothing to do.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

from cxr_desktop import app
from cxr_desktop.main_window import MainWindow

TICK = 5
LIMIT = 0.2
IDLE = 10


class Gaps(QObject):
    """Times between two ticks of the event loop, in seconds."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.seconds: list[float] = []
        self._last = time.perf_counter()
        timer = QTimer(self, interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._tick)
        timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self._last)
        self._last = now

    def words(self, name: str) -> str:
        """What was measured since the last call, which begins anew."""
        gaps, self.seconds = np.array(self.seconds), []
        return f"{name}: largest {gaps.max() * 1000:.0f} ms, p99 {np.quantile(gaps, 0.99) * 1000:.0f} ms, {len(gaps)} turns"


class Measurement(QObject):
    """Opens the Train page, waits, trains, measures, ends."""

    def __init__(self, window: MainWindow, project: Path, seconds: int) -> None:
        super().__init__(window)
        self.window, self.seconds, self.largest, self.batches = window, seconds, float("nan"), 0
        window.show_page("training")
        self.gaps = Gaps(self)
        self.words = ["train", project, "--recipe", "scratch", "--run", "gap", "--set", "schedule.epochs=500"]
        window.project.training.events.connect(self._count)
        QTimer.singleShot(2_000, self, lambda: self.gaps.seconds.clear())
        QTimer.singleShot((2 + IDLE) * 1_000, self, self._train)

    def _train(self) -> None:
        print(self.gaps.words("page open, nothing to do "), flush=True)
        self.run = self.window.project.training.start(self.words)

    def _count(self, folder: str, events: list[dict[str, object]]) -> None:
        batches = sum(event["kind"] == "batch" for event in events)
        if batches and not self.batches:
            print(self.gaps.words("from Start to first batch"), flush=True)
            QTimer.singleShot(self.seconds * 1_000, self, self._end)
        self.batches += batches

    def _end(self) -> None:
        self.largest = max(self.gaps.seconds)
        print(self.gaps.words(f"training, {self.seconds} s, {self.batches} batches"), flush=True)
        self.window.project.training.ended.connect(lambda _: self.window.close())
        self.window.project.training.stop_and_keep(self.run)


def main() -> int:
    """Measure; exit 1 where the limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "lungs.cxr"
        trainer = [sys.executable, "-m", "trainer"]
        for words in (["phantom", f"{folder}/drawn"], ["import", project, f"{folder}/drawn"], ["split", project]):
            subprocess.run([*trainer, *map(str, words)], check=True, capture_output=True)
        found: list[Measurement] = []
        app.main([str(project)], opened=lambda window: found.append(Measurement(window, project, seconds)))
        return int(not found[0].largest < LIMIT)


if __name__ == "__main__":
    sys.exit(main())
