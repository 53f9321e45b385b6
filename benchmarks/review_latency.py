"""How long the Review page waits for a network: heat map of a new finding, and the longest stall of the event loop.

    QT_QPA_PLATFORM=offscreen python benchmarks/review_latency.py [SIDE]

Networks of 224 px with random weights (time does not depend on them), radiographs of SIDE x SIDE pixels (1024). The event loop
ticks every 5 ms while jobs load torch, predict and explain; a gap is the time between two ticks. At last the page itself
reviews a folder of 10,000 files while it is scrolled and leafed through. Wanted: a heat map within 200 ms on two cores,
and gaps under 200 ms.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from cxr_desktop import inference, theme
from cxr_desktop.collector import Collector
from cxr_desktop.jobs import Jobs
from cxr_desktop.pages.review import ReviewPage
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from trainer import images

FINDINGS = tuple(f"Finding {n}" for n in range(14))
BACKBONES = ("squeezenet1_1", "resnet18")
FILES, ROUNDS, MANY = 24, 10, 10_000


class Loop:
    """An event loop that measures its own gaps."""

    def __init__(self) -> None:
        self.application = QApplication([])
        theme.apply(self.application, "light")
        self.jobs = Jobs()
        self.collector = Collector()
        self.gaps: list[float] = []
        self._last = 0.0
        self._timer = QTimer(interval=5)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    def until(self, done: Callable[[], bool]) -> tuple[float, float]:
        """Let the loop run; seconds it took, and the longest gap meanwhile."""
        start = time.perf_counter()
        self.gaps, self._last = [], start
        self._timer.start()
        while not done():
            self.application.processEvents()
            time.sleep(0.0005)
        self._timer.stop()
        return time.perf_counter() - start, max(self.gaps, default=0.0)

    def gap(self, work: Callable[[], Any]) -> tuple[Any, float, float]:
        """Do work in a job; its result, seconds until the event loop has it, and the longest gap."""
        found: list[Any] = []
        self.jobs.run(lambda progress: work(), found.append)
        seconds, gap = self.until(lambda: bool(found))
        return found[0], seconds, gap


def _network(folder: Path, backbone: str) -> Path:
    from trainer import checkpoints, models

    header = checkpoints.Header(backbone, FINDINGS, "multi-label", 224, "pad", 0.0, images.PIPELINE)
    path = folder / f"{backbone}.safetensors"
    checkpoints.save(path, models.build(backbone, len(FINDINGS)), header)
    return path


def _radiographs(folder: Path, side: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    random, paths = np.random.default_rng(0), [folder / f"{n}.png" for n in range(FILES)]
    for path in paths:
        rough = Pillow.fromarray(random.integers(0, 256, (16, 16), np.uint8))
        rough.resize((side, side), Pillow.Resampling.BICUBIC).save(path)
    return paths


def _explained(ensemble: inference.Ensemble, image: images.Image, finding: str) -> np.ndarray:
    return inference.heatmaps(ensemble, image).over_image(finding)


def measure(side: int) -> None:
    """Print everything."""
    loop = Loop()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _radiographs(folder, side)
        _, seconds, gap = loop.gap(inference.warm)
        print(f"torch loaded in a job: {seconds:.2f} s, longest gap of the event loop {gap * 1000:.0f} ms")
        for backbone in BACKBONES:
            path = _network(folder, backbone)
            ensemble, seconds, gap = loop.gap(lambda path=path: inference.open_models([path]))
            print(f"{backbone}, 224 px, {len(FINDINGS)} findings, image {side} x {side}, {ensemble.device}")
            print(f"  opened in {seconds * 1000:.0f} ms, gap {gap * 1000:.0f} ms")
            found, seconds, gap = loop.gap(lambda e=ensemble: [inference.predict(e, path) for path in paths])
            print(f"  {len(found) / seconds:.1f} files/s read and predicted, gap {gap * 1000:.0f} ms")
            image = found[0].image
            first = [loop.gap(lambda e=ensemble, i=image: _explained(e, i, FINDINGS[3]))[1:] for _ in range(ROUNDS)]
            maps = inference.heatmaps(ensemble, image)
            other = [loop.gap(lambda m=maps: m.over_image(FINDINGS[5]))[1:] for _ in range(ROUNDS)]
            for words, times in (("first heat map of an image", first), ("another finding's", other)):
                spent = [seconds * 1000 for seconds, _ in times]
                gaps = max(gap for _, gap in times) * 1000
                print(f"  {words}: median {statistics.median(spent):.0f} ms, slowest {max(spent):.0f} ms, gap {gaps:.0f} ms")
        _measure_page(loop, folder, path)
    loop.collector.stop()
    loop.jobs.finish()


def _measure_page(loop: Loop, folder: Path, model: Path) -> None:
    """The page with many small files: predicted in the background while the user scrolls and goes through them."""
    small, many = _radiographs(folder / "small", 128), folder / "many"
    many.mkdir()
    for number in range(MANY):
        (many / f"{number:05d}.png").hardlink_to(small[number % len(small)])
    project = Project(Settings(folder / "window.ini"))
    page = ReviewPage(project)
    page.resize(1140, 660)
    page.show()
    page.models.use([model])
    page.review([many])
    seconds, gap = loop.until(lambda: page.desk.viewer.lightbox.heat_pyramid is not None)
    print(f"page, {MANY:,} files of 128 px: first heat map {seconds:.2f} s after the drop, gap {gap * 1000:.0f} ms")
    bar, leaf = page.desk.files.verticalScrollBar(), page.actions_.next
    for words, pause, deed in (
        ("predicting", 1000, lambda: None),
        ("scrolling meanwhile", 30, lambda: bar.setValue((bar.value() + 977) % bar.maximum())),
        ("going through meanwhile", 250, leaf.trigger),
    ):
        timer = QTimer(interval=pause)
        timer.timeout.connect(deed)
        timer.start()
        before, end = len(page.files.answered()), time.perf_counter() + 6
        seconds, gap = loop.until(lambda end=end: time.perf_counter() > end)
        timer.stop()
        print(f"  {words}: {(len(page.files.answered()) - before) / seconds:.1f} files/s, gap {gap * 1000:.0f} ms")
    page.hide()
    project.finish()


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
