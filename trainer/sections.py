"""What a run's own files tell, as tables and sentences for a page: data, settings, training."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import config, plots, runs, truths
from trainer.catalog import PARTS, Catalog, Filter
from trainer.meanings import METRIC_NAMES
from trainer.records import GONE, NOT_STATED

Event = Mapping[str, Any]

_COLUMNS = {"view": "View", "sex": "Sex", "source": "Source"}


@dataclass(frozen=True)
class Table:
    """Texts in columns; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Data:
    """Which images: how many of what in each part, how they were divided, and which were left out and why."""

    findings: Table
    groups: Table
    split: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Settings:
    """The configuration: what differs from the defaults, everything, and where it ran."""

    changed: Table
    every: Table
    origin: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Training:
    """How the training went: its drawing ("" before the first epoch), facts and notes in words."""

    drawing: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    metric: str


@dataclass(frozen=True, eq=False)
class _Part:
    """Images of one part that the task can use, and how many it cannot use, are not there any more, or are of other views."""

    ids: NDArray[np.int64]
    targets: NDArray[np.int8]
    patients: tuple[str, ...]
    unusable: int
    absent: int
    views: int


def metric_name(name: str) -> str:
    """The name of a figure for people."""
    return METRIC_NAMES.get(name, name.replace("_", " ").capitalize())


def moment(seconds: float) -> str:
    """A time since the epoch as date and time; in UTC, so that every computer writes the same."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def data(run: runs.Run, catalog: Catalog | None, problem: str, question: truths.Question) -> Data:
    """Count the images of the run's split that the network was asked about; without a catalog only their numbers.

    `problem` says why there is no catalog.
    """
    split = run.split()
    rows = [("Rule", str(split.get("rule", "")) or "unknown"), ("Seed", str(split.get("seed", "unknown")))]
    if split.get("folds"):
        rows.append(("Fold", f"{int(split.get('fold') or 0) + 1} of {split['folds']}"))
    rows.append(("Digest", str(split.get("digest", "unknown"))))
    parts = {name: np.array(split["parts"][name], np.int64) for name in PARTS if split["parts"].get(name)}
    return _data(parts, rows, tuple(map(str, split.get("warnings", ()))), catalog, problem, question)


def data_of_folds(folds: Mapping[str, runs.Run], catalog: Catalog | None, problem: str, question: truths.Question) -> Data:
    """Count the images of a cross-validation, each in the test part of its fold; `folds`: name of a fold -> its run."""
    splits = {name: run.split() for name, run in folds.items()}
    first = next(iter(splits.values()))
    rows = [("Rule", str(first.get("rule", "")) or "unknown"), ("Seed", str(first.get("seed", "unknown")))]
    rows.append(("Folds", f"{len(folds)} of {first.get('folds', 'unknown')}"))
    rows += [(f"Digest of {name}", str(split.get("digest", "unknown"))) for name, split in splits.items()]
    parts = {name: np.array(split["parts"].get("test", []), np.int64) for name, split in splits.items()}
    warnings = dict.fromkeys(str(text) for split in splits.values() for text in split.get("warnings", ()))
    return _data(parts, rows, tuple(warnings), catalog, problem, question)


def _data(
    parts: Mapping[str, NDArray[np.int64]],
    rows: Sequence[tuple[str, str]],
    warnings: tuple[str, ...],
    catalog: Catalog | None,
    problem: str,
    question: truths.Question,
) -> Data:
    if catalog is None:
        sizes = Table(("", *parts), (("all images", *(str(len(ids)) for ids in parts.values())),))
        return Data(sizes, Table((), ()), tuple(rows), warnings, (), problem)
    used = {name: _part(catalog, ids, question) for name, ids in parts.items()}
    left_out = (*_outside(catalog, parts), *_inside(used, question.kind))
    return Data(_findings(used, question.findings), _groups(catalog, used), tuple(rows), warnings, left_out)


def _part(catalog: Catalog, ids: NDArray[np.int64], question: truths.Question) -> _Part:
    present = np.intersect1d(ids, catalog.ids())
    kept, targets = truths.asked(catalog, present, question)
    views = truths.views_left_out(catalog, present, question.views)
    unusable = len(present) - views - len(kept)
    return _Part(kept, targets, tuple(catalog.patients(kept)), unusable, len(ids) - len(present), views)


def _findings(parts: Mapping[str, _Part], names: Sequence[str]) -> Table:
    """Images and patients with each finding."""
    rows = []
    for k, name in enumerate(names):
        rows.append((name, *(_counted(part, part.targets[:, k] == 1) + _open(part.targets[:, k]) for part in parts.values())))
    everything = [_counted(part, np.ones(len(part.ids), dtype=np.bool_)) for part in parts.values()]
    return Table(("Images with", *parts), (*rows, ("all images", *everything)))


def _open(answers: NDArray[np.int8]) -> str:
    """How many images were never answered for, "" if none."""
    count = int((answers == NOT_STATED).sum())
    return f" · {count} not stated" if count else ""


def _counted(part: _Part, chosen: NDArray[np.bool_]) -> str:
    """The images that are chosen, as "12 (9 patients)"."""
    whose = [part.patients[row] for row in np.flatnonzero(chosen)]
    known, unknown = len({name for name in whose if name}), whose.count("")
    if not whose:
        return "0"
    if not known:
        return f"{len(whose)} (patients unknown)"
    patients = "1 patient" if known == 1 else f"{known} patients"
    return f"{len(whose)} ({patients}{f', {unknown} of unknown' if unknown else ''})"


def _groups(catalog: Catalog, parts: Mapping[str, _Part]) -> Table:
    """Images by view, sex and source."""
    rows = []
    for column, label in _COLUMNS.items():
        values = {name: [str(v) for v in catalog.column(part.ids, column)] for name, part in parts.items()}
        for group in sorted({value for part in values.values() for value in part}):
            counts = (str(part.count(group)) for part in values.values())
            rows.append((f"{label}: {group or 'unknown'}", *counts))
    return Table(("Images by", *parts), tuple(rows))


def _outside(catalog: Catalog, parts: Mapping[str, NDArray[np.int64]]) -> Iterator[str]:
    """Images of the project that stand in no part, in words."""
    divided: NDArray[np.int64] = np.concatenate([*parts.values(), np.empty(0, np.int64)])
    undivided = len(np.setdiff1d(catalog.ids(), divided))
    excluded = len(np.setdiff1d(catalog.ids(Filter(excluded=True, gone=None)), divided))
    gone = len(np.setdiff1d(catalog.ids(Filter(flag=GONE, excluded=False, gone=None)), divided))
    for count, why in ((excluded, "excluded by hand"), (gone, "their files are gone"), (undivided, "in no part of the split")):
        if count:
            yield f"{_images(count)}: {why}."


def _inside(parts: Mapping[str, _Part], task: str) -> Iterator[str]:
    needs = "without exactly one of the findings" if task == "multi-class" else "without an answer to any of the findings"
    for name, part in parts.items():
        if part.absent:
            yield f"{_images(part.absent)} of {name}: excluded or gone since the split was made."
        if part.views:
            yield f"{_images(part.views)} of {name}: lateral, or another view that is not frontal."
        if part.unusable:
            yield f"{_images(part.unusable)} of {name}: {needs}."


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def settings(about: Mapping[str, Any], history: Sequence[Event]) -> Settings:
    """Tabulate the configuration of a run, and where it ran."""
    values = config.completed(about.get("config", {}))
    changed, every = [], []
    for item in config.settings():
        empty = "all of the project" if item.key == "task.findings" else "none"
        value, default = (_text(one, item.unit, empty) for one in (values.get(item.key, item.default), item.default))
        if item.key == "model.weights":
            value = Path(value).name  # where it lies says nothing about the run, but perhaps who made it
        every.append((item.label, value, item.key))
        if value != default:
            changed.append((item.label, value, default, item.help))
    return Settings(
        Table(("Setting", "Here", "Default", "What it does"), tuple(changed)),
        Table(("Setting", "Value", "Key"), tuple(every)),
        tuple(_origin(about, history)),
    )


def _text(value: Any, unit: str, empty: str = "none") -> str:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, (list, tuple)):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value) or empty
    shown = f"{value:g}" if isinstance(value, float) else str(value) or empty
    return f"{shown} {unit}".strip()


def _origin(about: Mapping[str, Any], history: Sequence[Event]) -> Iterator[tuple[str, str]]:
    if name := runs.bag_of(about):
        yield "Bag", f"{name}, member {about['bag'].get('member', '')}"
    started = [event for event in history if event["kind"] == "started"]
    for label, key in (("Device", "device_name"), ("Precision", "precision"), ("Threads", "threads")):
        found = dict.fromkeys(str(event[key]) for event in started if key in event)
        if found:
            yield label, ", then ".join(found)
    versions = about.get("versions", {})
    names = {"trainer": "CXR Desktop", "torch": "PyTorch", "pipeline": "image pipeline"}
    yield "Versions", ", ".join(f"{names.get(name, name)} {version}" for name, version in versions.items()) or "unknown"
    if about.get("command"):
        yield "Command", "cxr-trainer " + shlex.join(map(str, about["command"]))


def training(about: Mapping[str, Any], history: Sequence[Event], status: str) -> Training:
    """Draw the training and say how it went; `status` is the run's own sentence."""
    chosen = str(about.get("config", {}).get("choice.metric", config.TrainConfig().choice.metric))
    epochs = [event for event in history if event["kind"] == "epoch"]
    best = next((int(event["epoch"]) for event in reversed(epochs) if event.get("best")), None)
    drawing = ""
    if epochs:
        drawn = _history(epochs, history, best, chosen)
        alt = f"Loss, {drawn.metric_label} and learning rate over {len(epochs)} epochs; the best is epoch {best}."
        drawing = plots.training(drawn, "training", alt)
    facts = [("How it ended", status[:1].upper() + status[1:] + ".")]
    facts += list(_facts(epochs, history, best, chosen))
    notes = tuple(_private(str(event.get("text", ""))) for event in history if event["kind"] == "note")
    return Training(drawing, tuple(facts), tuple(dict.fromkeys(notes)), metric_name(chosen))


def _history(epochs: Sequence[Event], history: Sequence[Event], best: int | None, chosen: str) -> plots.History:
    per_epoch = next((event.get("steps_per_epoch") for event in history if event["kind"] == "started"), None)
    steps = [event for event in history if event["kind"] == "batch" and event.get("lr") is not None]
    rates = [(event["step"] / per_epoch, event["lr"]) for event in steps] if per_epoch else []
    rates = rates or [(event["epoch"], event.get("lr")) for event in epochs]
    drawn = chosen if chosen != "loss" else "macro_f1"
    return plots.History(
        epochs=_numbers([event["epoch"] for event in epochs]),
        train_loss=_numbers([event.get("train_loss") for event in epochs]),
        validation_loss=_numbers([event.get("validation_loss") for event in epochs]),
        metric=_numbers([event.get("metrics", {}).get(drawn) for event in epochs]),
        rate_epochs=_numbers([epoch for epoch, _ in rates]),
        rates=_numbers([rate for _, rate in rates]),
        best=best,
        metric_label=metric_name(drawn),
    )


def _numbers(values: Sequence[Any]) -> plots.Floats:
    return np.array([math.nan if value is None else float(value) for value in values])


def _facts(epochs: Sequence[Event], history: Sequence[Event], best: int | None, chosen: str) -> Iterator[tuple[str, str]]:
    kept = next((event for event in epochs if event["epoch"] == best), None)
    if kept is not None:
        value = kept.get("validation_loss") if chosen == "loss" else kept.get("metrics", {}).get(chosen)
        shown = "not defined" if value is None else f"{value:.3f}"
        yield "Epoch that is kept", f"{best}, chosen by {metric_name(chosen)} on validation: {shown}"
    if epochs and epochs[-1].get("seconds") is not None:
        seconds = round(float(epochs[-1]["seconds"]))
        hours, minutes = divmod(seconds // 60, 60)
        yield "Time", f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
    speed = next((event["images_per_second"] for event in reversed(history) if event.get("images_per_second")), None)
    if speed:
        yield "Speed", f"{speed:.0f} images per second"
    resumed = sum(event["kind"] == "started" for event in history) - 1
    if resumed > 0:
        yield "Resumed", "once" if resumed == 1 else f"{resumed} times"


def _private(note: str) -> str:
    """A note without the file names in it, which may name a patient."""
    kept, sign, _ = note.partition(", the first: ")
    return f"{kept} (the run's events.jsonl says which and why)." if sign else note
