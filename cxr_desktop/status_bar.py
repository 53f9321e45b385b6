"""The line at the bottom: the last notice, the work under way with its progress, the device, the program's purpose."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from cxr_desktop import theme
from cxr_desktop.notices import Notice
from cxr_desktop.tasks import Task

PURPOSE = "For teaching and research, not for diagnosis"
WIDEST = 330
"""Pixels (device independent) for what is being done."""


class Elided(QLabel):
    """A line of text that gives way: what does not fit is left out in the middle, and stands in the tooltip."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.whole = ""
        self.say(text)

    def say(self, text: str) -> None:
        """Show a sentence."""
        self.whole = " ".join(text.split())
        self.setToolTip(self.whole)
        self.setAccessibleName(self.whole)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit it again."""
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        self.setText(
            QFontMetrics(self.font()).elidedText(self.whole, Qt.TextElideMode.ElideRight, max(self.contentsRect().width(), 40))
        )


class Work(QWidget):
    """The newest of the tasks under way: what, how far, how long still, and a button that stops it."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[Task] = []
        self.label = QLabel()
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(120)
        self.bar.setMaximumHeight(QFontMetrics(self.font()).height())
        self.remaining = QLabel()
        self.stop = QToolButton()
        self.stop.setText("Stop")
        self.stop.setToolTip("Stop this work")
        self.stop.clicked.connect(self._stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for part in (self.label, self.bar, self.remaining, self.stop):
            row.addWidget(part)
        self.hide()

    def add(self, task: Task) -> None:
        """Show a task until it has ended. One without a label stays hidden."""
        if not task.label or not task.running:
            return
        self._tasks.append(task)
        task.progressed.connect(self._show)
        task.noted.connect(self._show)
        task.ended.connect(self._forget)
        self._show()

    def tasks(self) -> list[Task]:
        """Those under way, the oldest first."""
        return list(self._tasks)

    def _forget(self) -> None:
        self._tasks = [task for task in self._tasks if task.running]
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._tasks))
        if not self._tasks:
            return
        task = self._tasks[-1]
        more = f" (+{len(self._tasks) - 1})" if len(self._tasks) > 1 else ""
        said = f"{task.label}: {task.note}" if task.note and task.note != task.label else task.label
        self.label.setText(QFontMetrics(self.font()).elidedText(said, Qt.TextElideMode.ElideRight, WIDEST) + more)
        self.label.setToolTip("\n".join(f"{one.label}: {one.note}".rstrip(": ") for one in self._tasks))
        self.bar.setRange(0, task.total)
        self.bar.setValue(task.count)
        seconds = task.remaining()
        self.remaining.setText("" if seconds is None else f"{duration(seconds)} left")
        self.stop.setAccessibleName(f"Stop: {task.label}")

    def _stop(self) -> None:
        if self._tasks:
            self._tasks[-1].cancel()


class StatusBar(QStatusBar):
    """All of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.notice = Elided()
        self.notice.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        self.work = Work()
        self.device = QLabel()
        self.device.setAccessibleName("Device")
        self.addWidget(self.notice, 1)
        self.addPermanentWidget(self.work)
        self.addPermanentWidget(self.device)
        purpose = QLabel(PURPOSE)
        purpose.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        self.addPermanentWidget(purpose)

    def show_devices(self, devices: Sequence[Mapping[str, Any]]) -> None:
        """Name the device that "auto" takes: the first GPU, or the CPU."""
        chosen = next((one for one in devices if one["name"] != "cpu"), devices[0] if devices else None)
        self.device.setText(str(chosen["label"]) if chosen else "")
        self.device.setToolTip("What 'auto' computes on. Train lists all devices.")

    def tell(self, notice: Notice) -> None:
        """Keep the last notice in sight."""
        self.notice.say(f"{notice.what} {notice.remedy}")


def duration(seconds: float) -> str:
    """ "12 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
