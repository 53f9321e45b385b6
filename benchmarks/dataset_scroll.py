"""How smooth the dataset page is with very many images: the longest time in which the window could not answer.

    python benchmarks/dataset_scroll.py [--images 1000000] [--keep FOLDER]

The first images (by path) are real files, so that scrolling there decodes; the others are not there, as on a disk that is not
plugged in. Each case tells the largest gap between two turns of the event loop, which should stay under 100 ms, and, for a
change of filter or order, the time until its first images were painted. Best with QT_QPA_PLATFORM=offscreen.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
from catalog_ids import entries
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication

from cxr_desktop import theme
from cxr_desktop.collector import Collector
from cxr_desktop.pages.dataset import DatasetPage
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from trainer import files
from trainer.catalog import FILE, YES, Catalog, Filter, Split

REAL = 600
"""Images that are really there: 1024 x 1024 pixels of a smooth pattern with noise."""


def make(folder: Path, count: int) -> Path:
    """A project of `count` images with a split; used again if it is there."""
    project = folder / "large.cxr"
    if (project / FILE).exists():
        return project
    real = (folder / "source").absolute()
    (real / "aaa").mkdir(parents=True)
    rows = list(entries(count))
    ramp = np.linspace(0, 200, 1024)[:, None] + np.linspace(0, 30, 1024)[None]
    for number in range(min(REAL, count)):
        file = real / "aaa" / f"{number:06d}.png"
        noise = np.random.default_rng(number).integers(0, 25, (1024, 1024))
        PIL.Image.fromarray((ramp + noise).astype(np.uint8)).save(file, compress_level=1)
        rows[number] = replace(rows[number], path=f"aaa/{file.name}", digest=files.digest(file.read_bytes()))
    with Catalog.create(project) as catalog:
        catalog.store(real, rows, findings=("COVID-19", "Normal", "Pneumonia"))
        ids = catalog.ids(order="id")
        parts = np.split(ids, [count * 7 // 10, count * 8 // 10])
        catalog.save_split(Split("s", dict(zip(("train", "validation", "test"), parts, strict=True)), 1, "", 0, None, ""))
    return project


class Pulse(QObject):
    """Beats as often as the event loop lets it, and keeps the longest pause.

    On a busy computer a pause also holds what other programs did, so the processor time in it is kept too: that of the window's
    own thread, and that of all threads of the program. Where the latter is less than the pause, others had the processor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begin()
        self._timer = QTimer(self, interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = np.array([time.perf_counter(), time.thread_time(), time.process_time()])
        if now[0] - self._last[0] > self._worst[0]:
            self._worst = now - self._last
        self._last = now

    def begin(self) -> None:
        """Forget what was."""
        self._worst = np.zeros(3)
        self._last = np.array([time.perf_counter(), time.thread_time(), time.process_time()])

    def worst(self) -> str:
        """The longest pause in words."""
        return "largest gap {:4.0f} ms (window {:3.0f}, all threads {:3.0f})".format(*1000 * self._worst)


class Paints(QObject):
    """Counts how often a view was painted with images on it."""

    def __init__(self, page: DatasetPage) -> None:
        super().__init__(page)
        self._page, self.count = page, 0
        for view in (page.views.grid, page.views.table):
            view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Look at every event and stop none."""
        if event.type() == QEvent.Type.Paint:
            model = self._page.views.model
            if not len(model.ids) or model.record(0) is not None:
                self.count += 1
        return False


class Bench:
    """The page on the screen, and what is done with it."""

    def __init__(self, application: QApplication, page: DatasetPage) -> None:
        self._application, self._page, self._pulse, self._paints = application, page, Pulse(), Paints(page)

    def paintings(self) -> int:
        """How often images were painted so far."""
        return self._paints.count

    def until(self, condition: Callable[[], bool], limit: float) -> float:
        """Let the window work until something holds; seconds that it took."""
        start = time.perf_counter()
        while not condition() and time.perf_counter() - start < limit:
            self._application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)
        return time.perf_counter() - start

    def case(self, name: str, step: Callable[[int], object], seconds: float) -> None:
        """Do a step about 60 times a second, and tell the largest gap."""
        ended, begun = time.perf_counter() + seconds, itertools.count()
        timer = QTimer(self._page, interval=16)
        timer.timeout.connect(lambda: step(next(begun)))
        self._pulse.begin()
        before = self._paints.count
        timer.start()
        self.until(lambda: time.perf_counter() > ended, seconds + 5)
        timer.stop()
        self.until(lambda: False, 0.5)
        shown = f"{next(begun)} steps, {self._paints.count - before} paintings"
        print(f"{name:34} {shown:40} {self._pulse.worst()}")

    def question(self, name: str, ask: Callable[[], object]) -> None:
        """Ask for other images: seconds until the first ones are painted, and the largest gap until all has settled."""
        views = self._page.views
        old = views.model.ids
        self._pulse.begin()
        start = time.perf_counter()
        ask()
        self.until(lambda: views.model.ids is not old, 20)
        before = self._paints.count
        self.until(lambda: self._paints.count > before or not len(views.model.ids), 20)
        took = time.perf_counter() - start
        self.until(lambda: False, 2.5)
        shown = f"{len(views.model.ids):,}"
        print(f"{name:34} {shown:>9} images  painted after {1000 * took:5.0f} ms, {self._pulse.worst()}")

    def act(self, name: str, do: Callable[[], object], settle: float = 2.5) -> None:
        """Do one thing, and tell the largest gap until all has settled."""
        self._pulse.begin()
        do()
        self.until(lambda: False, settle)
        print(f"{name:34} {'':41}{self._pulse.worst()}")

    def wheel(self, view: QAbstractItemView) -> Callable[[int], None]:
        """One notch of the wheel downwards."""

        def turn(_: int) -> None:
            place = QPointF(view.viewport().rect().center())
            event = QWheelEvent(
                place, view.viewport().mapToGlobal(place), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(view.viewport(), event)

        return turn

    def drag(self, view: QAbstractItemView) -> Callable[[int], None]:
        """The scroll bar moved back and forth over all images."""
        bar = view.verticalScrollBar()
        return lambda step: bar.setValue(round(bar.maximum() * abs((step % 200) / 100 - 1)))


def run(application: QApplication, page: DatasetPage) -> None:
    """All cases."""
    bench, views, shown = Bench(application, page), page.views, page.shown
    took = bench.until(lambda: bench.paintings() > 0 and views.model.record(0) is not None, 30)
    print(f"{'opened':34} {len(views.model.ids):9,} images  painted after {1000 * took:5.0f} ms")
    bench.until(lambda: shown.overview is not None and shown.patients is not None, 30)
    bench.case("grid, wheel, decoding", bench.wheel(views.grid), 5)
    bench.case("grid, scroll bar over everything", bench.drag(views.grid), 5)
    bench.question("finding yes", lambda: shown.filter(Filter({"COVID-19": YES})))
    bench.question("finding yes, part train, view PA", lambda: shown.filter(Filter({"COVID-19": YES}, part="train", view="PA")))
    bench.question("text in the path", lambda: shown.filter(Filter(text="s_004/")))
    bench.question("all again", shown.clear)
    bench.question("by patient, first time", lambda: shown.sort("patient"))
    bench.question("by age, descending, first time", lambda: shown.sort("-age"))
    bench.question("by path again", lambda: shown.sort("path"))
    bench.act("select all", views.select_all)
    bench.question("filter with all selected", lambda: shown.filter(Filter(view="PA")))
    bench.question("all, every third selected", shown.clear)
    views.selection.clearSelection()
    page.bar.table.trigger()
    bench.case("table, wheel", bench.wheel(views.table), 4)
    bench.case("table, scroll bar over everything", bench.drag(views.table), 4)
    bench.act("table, select all", views.select_all)
    bench.act("project counts again", lambda: page._project.images_changed.emit())


def main() -> None:
    """Make the project, show the page, do everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="folder in which the project is kept for the next time")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    kept = nullcontext(str(options.keep)) if options.keep else tempfile.TemporaryDirectory()
    with kept as folder, tempfile.TemporaryDirectory() as settings:
        path = make(Path(folder), options.images)
        application = QApplication([])
        theme.apply(application, "light")
        collector = Collector(application)
        project = Project(Settings(Path(settings) / "window.ini"))
        project.noticed.connect(lambda notice: print(notice.text()))
        page = DatasetPage(project)
        page.resize(1200, 760)
        page.show()
        project.open(path)
        run(application, page)
        page.close()
        page.deleteLater()
        project.finish()
        collector.stop()


if __name__ == "__main__":
    main()
