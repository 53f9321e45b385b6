"""The curves of one run: loss, metrics of validation, learning rate and speed, all over epochs."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QHBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.training.spans import three
from cxr_desktop.widgets.curves import CurveChart
from trainer.course import Course, value_of
from trainer.meanings import METRIC_NAMES

RAW, SMOOTHED, TRAIN, VALIDATION = "Batches", "Batches, smoothed", "Train", "Validation"


class RunCharts(QObject):
    """Four charts in two widgets for the tabs of a page; `show_course` draws them as the course is now.

    Drawing costs the same for 100 batches and for 100,000.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.loss = CurveChart("Loss", "epoch", "")
        self.metrics = CurveChart("On validation images", "epoch", "")
        self.rate = CurveChart("Learning rate", "epoch", "")
        self.speed = CurveChart("Speed", "epoch", "images/s")
        self._all = (self.loss, self.metrics, self.rate, self.speed)
        for chart in self._all:
            chart.set_empty_text("Drawn from the first batch on.")
        self.metrics.set_empty_text("Drawn from the end of the first epoch on.")
        self.metrics.set_range(y=(0, 1))
        self.curves = _beside(self.loss, self.metrics)
        self.pace = _beside(self.rate, self.speed)
        self._shown = (-1, 0.0)

    def clear(self) -> None:
        """Another run, from its beginning."""
        self._shown = (-1, 0.0)
        for chart in self._all:
            chart.clear()

    def show_course(self, course: Course, metric: str) -> None:
        """Draw; `metric` is the one that chooses the epoch that is kept."""
        now = (course.changes, course.epochs[-1]["time"] if course.epochs else 0.0)
        if now == self._shown:
            return
        epochs_changed, self._shown = now[1] != self._shown[1], now
        self._show_batches(course)
        if epochs_changed:
            self._show_epochs(course, metric)

    def _show_batches(self, course: Course) -> None:
        if not course.batches():
            return
        self.loss.set_series(RAW, *course.curve("loss"), colour_index=6, width=1.0, faint=True)
        self.loss.set_series(SMOOTHED, *course.curve("smoothed"), colour_index=6)
        self.rate.set_series("Learning rate", *course.curve("lr"), colour_index=3)
        self.speed.set_series("Images per second", *course.curve("images_per_second"), colour_index=2, width=1.0)

    def _show_epochs(self, course: Course, metric: str) -> None:
        self.loss.set_series(TRAIN, *course.by_epoch("train_loss"), colour_index=0, points=True)
        self.loss.set_series(VALIDATION, *course.by_epoch("validation_loss"), colour_index=1, points=True)
        for place, name in enumerate(course.metrics()):
            chosen = name == metric
            label = METRIC_NAMES.get(name, name)
            width = 2.5 if chosen else 1.2
            self.metrics.set_series(label, *course.by_epoch(name), colour_index=place, width=width, points=chosen)
        if (best := course.best) and metric in ("loss", *course.metrics()):
            chart = self.loss if metric == "loss" else self.metrics
            value = value_of(best, metric)
            for marked in tuple(chart.markers()):
                chart.remove_marker(marked)
            name = METRIC_NAMES.get(metric, metric)
            colour = 1 if metric == "loss" else course.metrics().index(metric)
            chart.set_marker(f"Kept: epoch {best['epoch']}, {name} {three(value)}", best["epoch"], value, colour_index=colour)


def _beside(*charts: CurveChart) -> QWidget:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, theme.SPACE, 0, 0)
    row.setSpacing(theme.SPACE)
    for chart in charts:
        row.addWidget(chart, 1)
    return whole
