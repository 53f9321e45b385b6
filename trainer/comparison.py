"""Several runs side by side: which settings differ, how good each was at its best, and whether they may be compared at all."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer import config, recipes, runs
from trainer.course import Course, value_of
from trainer.errors import ConfigError, TrainerError
from trainer.meanings import METRIC_NAMES


@dataclass(frozen=True)
class Difference:
    """One setting that differs: its key, its name for people, and its value in each run as text."""

    key: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """`names` of the runs; `settings` that differ; `figures`: (figure, value in each run at the epoch that it keeps, nan where
    not defined); `best_epochs`, None before the first; `warnings` in words; `courses` with all epochs, without batches;
    `metric` by which the first of them chose its epoch.
    """

    names: tuple[str, ...]
    settings: tuple[Difference, ...]
    figures: tuple[tuple[str, tuple[float, ...]], ...]
    best_epochs: tuple[int | None, ...]
    warnings: tuple[str, ...]
    courses: tuple[Course, ...]
    metric: str

    def curves(self) -> tuple[str, ...]:
        """What can be drawn by epoch: names for `Course.by_epoch`."""
        metrics = dict.fromkeys(name for course in self.courses for name in course.metrics())
        return (*metrics, "validation_loss", "train_loss")


def run(compared: Sequence[runs.Run]) -> Comparison:
    """Compare runs of one project. Raises `DataError`, `StorageError` where a run cannot be read."""
    abouts = [one.about() for one in compared]
    courses = [_course(one) for one in compared]
    kept = [course.best for course in courses]
    return Comparison(
        tuple(one.name for one in compared),
        differences([_settings(about) for about in abouts]),
        _figures(kept),
        tuple(epoch["epoch"] if epoch else None for epoch in kept),
        tuple(_warnings(compared, abouts)),
        tuple(courses),
        str(abouts[0].get("config", {}).get("choice.metric", "")),
    )


def from_recipe(about: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Settings of a run (its `about`) that differ from its recipe (where that is gone: the defaults): values (recipe, run)."""
    try:
        base = recipes.load(str(about.get("recipe") or recipes.DEFAULT)).settings
    except TrainerError:  # a recipe of one's own that is not there any more, or another version's
        base = config.TrainConfig()
    stored = about.get("config", {})
    unknown = {key: value for key, value in config.completed(stored).items() if key not in stored}  # nobody could choose them
    return differences([{**config.to_dict(base), **unknown}, _settings(about)])


def differences(configs: Sequence[Mapping[str, Any]]) -> tuple[Difference, ...]:
    """Settings (dotted key -> value, as `config.to_dict` gives them) whose values are not all the same."""
    found = []
    for item in config.settings():
        empty = "all" if item.key == "task.findings" else "none"
        values = [_text(one.get(item.key, item.default), item.unit, empty) for one in configs]
        if len(set(values)) > 1:
            found.append(Difference(item.key, item.label, tuple(values)))
    return tuple(found)


def _settings(about: Mapping[str, Any]) -> dict[str, Any]:
    """The whole configuration, with the defaults of settings that another version did not know."""
    stored = about.get("config", {})
    try:
        return config.to_dict(config.of_run(stored))
    except ConfigError:
        return dict(stored)


def _text(value: Any, unit: str, empty: str = "none") -> str:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, (list, tuple)):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value) or empty
    text = f"{value:g}" if isinstance(value, float) else str(value) or empty
    return f"{text} {unit}" if unit and not isinstance(value, str) else text


def _course(one: runs.Run) -> Course:
    course = Course()
    course.add(one.milestones())
    return course


def _figures(kept: Sequence[Mapping[str, Any] | None]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    names = dict.fromkeys(name for epoch in kept if epoch for name in epoch["metrics"])
    rows = [(metric_name(name), tuple(_value(epoch, name) for epoch in kept)) for name in names]
    losses = tuple(_value(epoch, "validation_loss") for epoch in kept)
    return (*rows, ("Loss on validation", losses))


def metric_name(name: str) -> str:
    """The name of a figure for people."""
    return METRIC_NAMES.get(name, name.replace("_", " ").capitalize())


def _value(epoch: Mapping[str, Any] | None, name: str) -> float:
    return value_of(epoch, name) if epoch else math.nan


def _warnings(compared: Sequence[runs.Run], abouts: Sequence[Mapping[str, Any]]) -> list[str]:
    """What forbids to compare them, or makes it doubtful."""
    found = []
    digests: dict[str, list[str]] = {}
    for one, about in zip(compared, abouts, strict=True):
        digests.setdefault(str(about.get("split", {}).get("digest")), []).append(one.name)
    if len(digests) > 1:
        groups = " and ".join(", ".join(names) for names in digests.values())
        found.append(f"Not comparable: their splits differ ({groups}). The figures are of different validation images.")
    if len({tuple(about.get("findings", ())) for about in abouts}) > 1:
        found.append("Not comparable: they learned different findings.")
    chosen = {about.get("config", {}).get("choice.metric") for about in abouts}
    if len(chosen) > 1:
        words = ", ".join(sorted(metric_name(str(name)) for name in chosen))
        found.append(f"The epoch that is kept was chosen by different metrics ({words}).")
    return found
