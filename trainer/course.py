"""The course of a run: its history as curves, remaining time and sentences, taken in event by event while it is written."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import runs
from trainer.errors import TrainerError, counted

Event = Mapping[str, Any]
Floats = NDArray[np.float64]

SMOOTHING = 0.9
"""Share of the past in the smoothed batch loss: an exponential average, its start corrected as in Adam (Kingma and Ba 2015)."""
BATCH_CURVES = ("loss", "smoothed", "lr", "images_per_second")
READING = "Reading images"
MOST_POINTS = 2_000
"""Points of a curve that is drawn: more than a chart has columns of pixels, so that nothing that could be seen is lost."""


class Course:
    """What has happened so far. What a resumed run did again replaces what was lost, as in `Run.history`.

    `epochs` are the epoch events, `log` the sentences with their times (seconds since the epoch), `started` the last start,
    `reading` how many images of how many were read before it, `ended` the kind of the last final event ("" while none came),
    `changes` the number of events.
    """

    def __init__(self) -> None:
        self.started: Event | None = None
        self.epochs: list[Event] = []
        self.log: list[tuple[float, str]] = []
        self.reading: tuple[int, int] | None = None
        self._doing = READING
        self.ended = ""
        self.changes = 0
        self._steps: array[float] = array("d")
        self._values = {name: array("d") for name in BATCH_CURVES}
        self._smooth = (0.0, 0.0)  # the average before its correction, and the weight that it has so far
        self._last: Event = {}
        self._worked = self._since = self._prepared = 0.0

    def add(self, events: Iterable[Event]) -> None:
        """Take the next events."""
        takers = {"batch": self._batch, "epoch": self._epoch, "started": self._start, "reading": self._read}
        for event in events:
            kind = event["kind"]
            self.changes += 1
            self._count_time(event)
            if taker := takers.get(kind):
                self.ended = ""
                taker(event)
            elif kind in runs.FINAL:
                self.ended, self.reading = kind, None
            if kind in ("batch", "epoch"):
                self._last = event
            self._doing = event.get("doing", self._doing)
            if words := _words(event):
                self.log.append((event.get("time", 0.0), words))

    # Curves; x is in epochs: 1.5 is the middle of the second

    def batches(self) -> int:
        """How many batch events there are."""
        return len(self._steps)

    def curve(self, name: str, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
        """One of `BATCH_CURVES`: x in epochs and y, float64 [n]; n is at most about `most`, peaks are kept."""
        return thinned(np.array(self._steps) / max(1, self.steps_per_epoch), np.array(self._values[name]), most)

    def by_epoch(self, name: str) -> tuple[Floats, Floats]:
        """train_loss, validation_loss, or a metric of validation: epochs and values, float64 [n]; nan where not defined."""
        x = [event["epoch"] for event in self.epochs]
        y = [value_of(event, name) for event in self.epochs]
        return np.array(x, np.float64), np.array(y, np.float64)

    def metrics(self) -> list[str]:
        """Names of the metrics that epochs have."""
        return list(self.epochs[-1]["metrics"]) if self.epochs else []

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch; 0 before it started."""
        return int(self.started.get("steps_per_epoch", 0)) if self.started else 0

    @property
    def best(self) -> Event | None:
        """The epoch that is kept."""
        return next((event for event in reversed(self.epochs) if event.get("best")), None)

    # How far it is

    def progress(self) -> tuple[int, int]:
        """Steps done and in total; images read and in total before the first step. A total of 0 is not known."""
        if self.started is None or self.reading:
            return self.reading or (0, 0)
        return self.step, self.started.get("epochs", 0) * self.steps_per_epoch

    @property
    def step(self) -> int:
        """Steps done."""
        done = self._last.get("step") or (self.started or {}).get("step", 0)
        return int(done)

    def remaining(self, now: float) -> float | None:
        """Seconds still needed; None where that cannot be said. `now` in seconds since the epoch."""
        if self.ended or "eta" not in self._last:
            return None
        left = float(self._last["eta"]) - max(0.0, now - float(self._last.get("time", now)))
        return max(0.0, left)

    def elapsed(self, now: float | None = None) -> float:
        """Seconds of training, without pauses between a stop and a resume; `now` while it is running."""
        return self._worked + (max(0.0, now - self._since) if now and self._since else 0.0)

    def sentence(self) -> str:
        """What it does before it learns, if it does: "Reading images: 120 of 400"; "" else."""
        if not self.reading:
            return ""
        done, total = self.reading
        return f"{self._doing}: {done} of {total}"

    def _count_time(self, event: Event) -> None:
        kind, time = event["kind"], float(event.get("time", 0.0))
        if kind in ("batch", "epoch", "checkpoint", *runs.FINAL) and self._since:
            self._worked += max(0.0, time - self._since)
            self._since = time if kind not in runs.FINAL else 0.0
        elif kind == "started":
            self._worked += max(0.0, event.get("prepared", 0.0) - self._prepared)
            self._prepared = event.get("prepared", 0.0)
            self._since = time

    def _epoch(self, event: Event) -> None:
        self.epochs.append(event)

    def _read(self, event: Event) -> None:
        self.reading = (event["done"], event["total"])

    def _start(self, event: Event) -> None:
        step, epoch = event.get("step", 0), event.get("epoch", 0)
        self.started, self.reading, self._doing = event, None, READING
        self.epochs = [e for e in self.epochs if e.get("step", 0) <= step and e["epoch"] <= epoch]
        kept = int(np.searchsorted(np.array(self._steps), step, "right"))
        del self._steps[kept:]
        for values in self._values.values():
            del values[kept:]
        weight = 1 - SMOOTHING**kept
        self._smooth = (self._values["smoothed"][-1] * weight, weight) if kept else (0.0, 0.0)
        self._last = {"step": step}

    def _batch(self, event: Event) -> None:
        loss = event.get("loss")
        if loss is not None:
            average, weight = self._smooth
            self._smooth = (SMOOTHING * average + (1 - SMOOTHING) * loss, SMOOTHING * weight + 1 - SMOOTHING)
        self._steps.append(event["step"])
        average, weight = self._smooth
        values = (loss, average / weight if weight else None, event.get("lr"), event.get("images_per_second"))
        for name, value in zip(BATCH_CURVES, values, strict=True):
            self._values[name].append(np.nan if value is None else value)


def value_of(epoch: Event, name: str) -> float:
    """A figure of an epoch event: a metric, "train_loss", "validation_loss" or "loss" (on validation); nan if not defined."""
    found = epoch.get({"loss": "validation_loss"}.get(name, name)) if "loss" in name else epoch["metrics"].get(name)
    return float("nan") if found is None else float(found)


def thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """At most about `most` points of x, y [N]: of each stretch the lowest and the highest, in order; nan is passed over."""
    if len(x) <= most:
        return x, y
    size = -(-2 * len(x) // most)
    whole = len(x) // size * size
    stretches = y[:whole].reshape(-1, size)
    offsets = np.arange(0, whole, size)
    low = np.where(np.isnan(stretches), np.inf, stretches).argmin(axis=1) + offsets
    high = np.where(np.isnan(stretches), -np.inf, stretches).argmax(axis=1) + offsets
    chosen = np.unique(np.concatenate([low, high, np.arange(whole, len(x)), [0, len(x) - 1]]))
    return x[chosen], y[chosen]


@dataclass(frozen=True)
class Summary:
    """A run in one row of a table. Texts are "" and numbers None where nothing is known; `created` is seconds since the epoch.

    `best` is the value of `metric` in epoch `best_epoch`, both of the epoch that is kept; `epochs` of `planned` are done; `bag`
    is the name of that which it belongs to.
    """

    folder: Path
    status: runs.Status
    recipe: str = ""
    metric: str = ""
    best: float | None = None
    best_epoch: int | None = None
    epochs: int = 0
    planned: int = 0
    created: float | None = None
    device: str = ""
    bag: str = ""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name


def summary(run: runs.Run) -> Summary:
    """Read what a table of runs shows; a run whose files are damaged says so in its status."""
    try:
        about, status = run.about(), run.status()
        events = runs.uninterrupted(run.milestones())
    except TrainerError as error:
        return Summary(run.folder, runs.Status("damaged", f"damaged: {error}"))
    epochs = [event for event in events if event["kind"] == "epoch"]
    started: Event = next((event for event in reversed(events) if event["kind"] == "started"), {})
    best = next((event for event in reversed(epochs) if event.get("best")), None)
    settings = about.get("config", {})
    metric = str(settings.get("choice.metric", ""))
    return Summary(
        run.folder,
        status,
        recipe=str(about.get("recipe", "")),
        metric=metric,
        best=value_of(best, metric) if best and metric else None,
        best_epoch=best["epoch"] if best else None,
        epochs=epochs[-1]["epoch"] if epochs else 0,
        planned=int(settings.get("schedule.epochs", 0)),
        created=about.get("created"),
        device=str(started.get("device_name", "")),
        bag=runs.bag_of(about),
    )


def _words(event: Event) -> str:
    kind = event["kind"]
    if kind == "finished":
        return f"Finished after {counted(event.get('epochs', 0), 'epoch')}."
    if kind == "stopped":
        return "Stopped; what was learned is kept."
    resumed = f"Resumed in epoch {event.get('epoch', 0) + 1}. " if kind == "started" and event.get("step") else ""
    return resumed + runs.event_words(event)
