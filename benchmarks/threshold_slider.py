"""How long does the Evaluate page take to follow the threshold slider? 100,000 predictions of 14 findings, each repaint real.

    python benchmarks/threshold_slider.py [moves]

The slider is dragged by mouse events over its whole range on the Findings tab (two charts, 2x2 matrix, table of figures,
histogram); measured is from the event until all of it is painted: time on the clock, and time that this process was computing,
which other programs on the same cores do not lengthen. Then the same by keys, and the time to change the finding.
Needs a display: on a server run it under Xvfb, with QT_QPA_PLATFORM=xcb.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSlider, QWidget

from cxr_desktop import theme
from cxr_desktop.evaluation import evaluation_state
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.pages.evaluation import EvaluationPage
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from trainer import judgement, runs
from trainer.model_card import Header
from trainer.results import Prediction

IMAGES, FINDINGS = 100_000, 14
SIZE = (1024, 650)


class Paints(QObject):
    """Counts what is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Paint:
            self.counts[watched.objectName()] += 1
        return False


class Clock:
    """Milliseconds of single steps, on the clock and of computing."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        start = time.perf_counter(), time.process_time()
        yield
        self.steps.append((1000 * (time.perf_counter() - start[0]), 1000 * (time.process_time() - start[1])))

    def tell(self, name: str) -> None:
        for what, times in zip(("on the clock", "computing"), np.array(self.steps).T, strict=True):
            p50, p99 = np.percentile(times, (50, 99))
            print(f"{name}, {what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {times.max():.1f} ms")


def predictions() -> Prediction:
    """Like a large public dataset: rare findings, overlapping scores, two images a patient, some labels not stated."""
    random = np.random.default_rng(1)
    share = np.geomspace(0.002, 0.4, FINDINGS)
    targets = (random.random((IMAGES, FINDINGS)) < share).astype(np.int8)
    scores = random.normal(targets * 1.6 - 2.0, 1.0)
    targets[random.random(targets.shape) < 0.05] = -1
    return Prediction(
        np.arange(IMAGES),
        tuple(f"Finding {k + 1}" for k in range(FINDINGS)),
        (1 / (1 + np.exp(-scores))).astype(np.float32),
        targets,
        tuple(f"P{n // 2}" for n in range(IMAGES)),
        "multi-label",
    )


def judged() -> tuple[Judged, float]:
    """A part as the page has it, and the seconds that sorting took."""
    made = predictions()
    thresholds = judgement.choose_thresholds(made)
    evaluation = judgement.evaluate(made, thresholds, run="large", part="validation", draws=2)
    start = time.perf_counter()
    scores = evaluation_state.scores(made, evaluation)
    seconds = time.perf_counter() - start
    header = Header("cxr_small", made.findings, made.task, 64, "pad", 0.0, 1, thresholds=thresholds)
    sweeps = {name: one.sweep for name, one in scores.items()}
    return Judged(runs.Run(Path("large")), "validation", header, evaluation, made, scores, sweeps), seconds


def settle(application: QApplication) -> None:
    """Until nothing is left to be done, painting included."""
    for _ in range(3):
        application.sendPostedEvents()
        application.processEvents()


def dragged(application: QApplication, track: QWidget, moves: int) -> Clock:
    """Drag the slider."""

    def send(kind: QEvent.Type, x: float, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        at = QPointF(x, track.height() / 3)
        event = QMouseEvent(kind, at, track.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        application.sendEvent(track, event)

    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    places = 12 + (track.width() - 24) * (0.5 + 0.5 * np.sin(np.linspace(0, 6 * np.pi, moves)))
    send(QEvent.Type.MouseButtonPress, places[0], left, left)
    settle(application)
    clock = Clock()
    for x in places:
        with clock.step():
            send(QEvent.Type.MouseMove, x, none, left)
            settle(application)
    send(QEvent.Type.MouseButtonRelease, places[-1], left, none)
    settle(application)
    return clock


def keyed(application: QApplication, track: QWidget, moves: int) -> Clock:
    """Press arrow keys; each move is kept as one that can be undone."""
    clock = Clock()
    for place in range(moves):
        key = Qt.Key.Key_Right if place // 50 % 2 else Qt.Key.Key_Left
        with clock.step():
            QTest.keyClick(track, key)
            settle(application)
    return clock


def main() -> None:
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    application = QApplication([])
    theme.apply(application, "light")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Settings(Path(folder) / "window.ini"))
        page = EvaluationPage(project)
        page.resize(*SIZE)
        found, seconds = judged()
        print(f"{IMAGES:,} images, {FINDINGS} findings; sorted in {seconds:.2f} s (in a job); {application.platformName()}")
        page.show_judged(found)
        page.tabs.setCurrentWidget(page.tabs.findings)
        page.show()
        QTest.qWaitForWindowExposed(page)
        settle(application)
        findings, paints = page.tabs.findings, Paints()
        track = findings.bar.findChild(QSlider)
        watched = {"slider": track, "matrix": findings.matrix, "table": findings.table.viewport()}
        watched |= {"ROC": findings.curves.roc, "precision and recall": findings.curves.pr}
        for name, widget in watched.items():
            inner = next((view.viewport() for view in widget.findChildren(QWidget) if hasattr(view, "viewport")), widget)
            inner.setObjectName(name)
            inner.installEventFilter(paints)
        dragged(application, track, moves).tell("dragged")
        print("  painted:", ", ".join(f"{name} {count}" for name, count in paints.counts.items()))
        keyed(application, track, moves).tell("by key")
        clock = Clock()
        for _ in range(FINDINGS - 1):
            with clock.step():
                findings.chooser.step(1)
                settle(application)
        clock.tell("another finding")
        page.close()
        project.finish()


if __name__ == "__main__":
    main()
