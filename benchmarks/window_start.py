"""From the start of the process to the window on screen, beside the smallest window that Qt can show.

    python benchmarks/window_start.py [--times 9]

Each start is a process of its own on the display at hand (without one: Xvfb, if it is installed). The time runs from before the
process is made until the first paint of the window has been handed over. Says also whether torch was imported.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OURS = """
import sys
from PySide6.QtCore import QTimer
from cxr_desktop import app
from benchmarks.window_start import told
app.main([], opened=lambda window: told(window))
"""
EMPTY = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
from benchmarks.window_start import told
application = QApplication([])
window = QMainWindow()
window.resize(1280, 800)
window.show()
told(window)
application.exec()
"""
LIMIT = 0.6


def told(window: object) -> None:
    """In the child: print the time of the first paint, then end."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            if event.type() == QEvent.Type.Paint:
                watched.removeEventFilter(self)
                QTimer.singleShot(0, self.tell)  # the paint is behind us then
            return False

        def tell(self) -> None:
            print(time.time(), int("torch" in sys.modules), flush=True)
            window.close()

    window.watch = Watch()
    window.installEventFilter(window.watch)


def started(code: str, environment: dict[str, str]) -> tuple[float, bool]:
    """Seconds until the first paint, and whether torch was imported."""
    before = time.time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    painted, torch = done.stdout.split()
    return float(painted) - before, torch == "1"


def main() -> int:
    """Measure in turns, print medians; exit 1 where the limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=9)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "PYTHONPATH": str(Path.cwd())}
        if "DISPLAY" not in os.environ and shutil.which("Xvfb"):
            with subprocess.Popen(["Xvfb", ":97", "-screen", "0", "1280x800x24"], stderr=subprocess.DEVNULL) as screen:
                time.sleep(1)
                try:
                    return measured(times, {**environment, "DISPLAY": ":97", "QT_QPA_PLATFORM": "xcb"})
                finally:
                    screen.terminate()
        return measured(times, environment)


def measured(times: int, environment: dict[str, str]) -> int:
    """Start both in turns."""
    rounds = [(started(OURS, environment), started(EMPTY, environment)) for _ in range(times + 1)][1:]
    ours, empty = ([one[0] for one in column] for column in zip(*rounds, strict=True))
    torch = any(one[0][1] for one in rounds)
    print(f"CXR Desktop  {statistics.median(ours):.3f} s ({min(ours):.3f} to {max(ours):.3f})")
    print(f"empty window {statistics.median(empty):.3f} s ({min(empty):.3f} to {max(empty):.3f})")
    print(f"ratio        {statistics.median(ours) / statistics.median(empty):.2f}; torch imported: {'yes' if torch else 'no'}")
    return int(statistics.median(ours) > LIMIT or torch)


if __name__ == "__main__":
    sys.exit(main())
