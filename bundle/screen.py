"""A virtual screen, and how long a program takes until something of it can be seen on it."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence

SIZE = (1280, 800)
LOOK = (80, 50)
"""Pixels that are looked at; looking at all of them takes longer than what is measured."""
COLOURS = 16
"""An empty screen has one or two colours, an empty window a third; a painted window has many."""


class VirtualScreen:
    """Xvfb on a number that is free. `display` is what programs need to know."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"]
        self._process = subprocess.Popen(words, pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading, encoding="ascii") as said:
            self.display = f":{said.readline().strip()}"

    @staticmethod
    def is_possible() -> bool:
        """Whether one can be had here."""
        return shutil.which("Xvfb") is not None

    def end(self) -> None:
        """Take it away."""
        self._process.terminate()
        self._process.wait()


class Onlooker:
    """Looks at a virtual screen from outside, as a camera would."""

    def __init__(self, display: str) -> None:
        os.environ.update(DISPLAY=display, QT_QPA_PLATFORM="xcb")
        from PySide6.QtGui import QGuiApplication

        self._application = QGuiApplication([])
        self._screen = self._application.primaryScreen()

    def sees(self) -> bool:
        """Whether a painted window is on the screen now."""
        image = self._screen.grabWindow(0).toImage().scaled(*LOOK)
        return len({image.pixel(x, y) for x in range(LOOK[0]) for y in range(LOOK[1])}) >= COLOURS

    def seconds(self, words: Sequence[str], environment: Mapping[str, str], patience: float = 60.0) -> float:
        """Start a program, wait until it can be seen, and end it. Raises TimeoutError."""
        since = time.perf_counter()
        process = subprocess.Popen(words, env=dict(environment), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait(True, since + patience)
            return time.perf_counter() - since
        finally:
            process.terminate()
            process.wait()
            self._wait(False, time.perf_counter() + patience)

    def _wait(self, seen: bool, until: float) -> None:
        while self.sees() is not seen:
            if time.perf_counter() > until:
                raise TimeoutError("no window can be seen" if seen else "a window stays on the screen")
            time.sleep(0.005)
