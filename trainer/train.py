"""Start a training, or go on with one. The window, the terminal and the tests all come in here.

Where a training takes several processes, the first one is here; the others are in `assist`.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import trainer
from trainer import config, criteria, dataset, devices, gathering, images, imbalance, models, once, runs, truths
from trainer.catalog import Catalog, Split
from trainer.errors import ConfigError, DataError, Progress, RunError, Stopped, TrainerError, command_line
from trainer.loop import EVENT_SECONDS, Listener, StopAsked, Training
from trainer.outcome import Outcome
from trainer.ranks import Team


def run(
    project: Path,
    settings: config.TrainConfig,
    *,
    name: str = "",
    recipe: str = "",
    split: str = "",
    bag: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
    stop: StopAsked = lambda: False,
    opened: Callable[[runs.Run], None] = lambda run: None,
    listener: Listener = lambda event: None,
) -> Outcome:
    """Train a new run of a project. `opened` is told the run as soon as its folder exists and is held.

    Started by torchrun, all its processes train this one run; otherwise as many are started as `compute.devices` says.
    `bag` says to which bag the run belongs, {"name", "member"}.

    Raises `DataError`, `ConfigError`, `WeightsError`, `RunError`, `StorageError`; a failure after the run exists is also its
    last event. `stop` is asked before each step, as is the run's stop file: what was learned is kept then.
    """
    with gathering.joined() as team, Catalog.open(project) as catalog:
        if not team.first:
            return _along(team, stop)
        count = _count(settings.compute, team, settings.compute.devices)
        settings = config.changed(settings, {"compute.devices": count})
        if not split and not catalog.active_split():
            raise DataError("The project has no split yet", where=project, remedy=f"Make one: {command_line('split', project)}")
        chosen = catalog.split(split or None)
        names = checked(catalog, settings, [chosen], progress)
        about = {**_about(settings, names, chosen, recipe, command), **({"bag": dict(bag)} if bag else {})}
        made = runs.create(project, name, about, _frozen(chosen))
        return _held(made, catalog, (team, count), progress, stop, opened, listener)


def checked(
    catalog: Catalog, settings: config.TrainConfig, splits: Iterable[Split], progress: Progress | None = None
) -> tuple[str, ...]:
    """The findings to learn. Refuses what cannot work on one of the splits, and downloads what is missing, before anything
    is made. Raises `DataError`, `ConfigError`, `WeightsError`.
    """
    splits = list(splits)
    for one in splits:
        for part in ("train", "validation"):
            dataset.check_views(catalog, one.parts.get(part, np.empty(0, np.int64)), settings.task, part)
    names = dataset.findings(catalog, settings.task)
    imbalance.check(settings, names)
    criteria.check(settings.choice, names)
    models.check(settings.model.backbone, settings.model.size, settings.model.features, settings.model.head)
    once.check(settings, max((_learned_from(catalog, one, settings, names) for one in splits), default=0))
    devices.check_precision(settings.compute.precision, devices.choose(settings.compute.device))
    if settings.model.weights != "none":
        models.initialise(models.build(settings.model.backbone, 1), settings.model.weights, progress=progress)
    return names


def _learned_from(catalog: Catalog, split: Split, settings: config.TrainConfig, names: Sequence[str]) -> int:
    """How many training images of a split the task can use."""
    question = dataset.of_task(settings.task, names)
    return len(truths.asked(catalog, split.parts.get("train", np.empty(0, np.int64)), question)[0])


def resume(
    folder: Path,
    *,
    devices_wanted: int | None = None,
    progress: Progress | None = None,
    stop: StopAsked = lambda: False,
    opened: Callable[[runs.Run], None] = lambda run: None,
    listener: Listener = lambda event: None,
) -> Outcome:
    """Go on with a run that was stopped, failed or crashed, to the same weights as if it had not been.

    On other devices than it was begun on (`devices_wanted`; 0: all; None: as many as then, or as there are) each step learns
    from the same images. Raises as `run`, and `RunError` where there is nothing to resume.
    """
    found = runs.find(folder)
    if found.status().state == "finished":
        raise RunError("This run is finished", where=found.folder, remedy="Start a new one with more epochs.")
    compute = config.of_run(found.about()["config"]).compute
    with gathering.joined() as team, Catalog.open(found.project) as catalog:
        if not team.first:
            return _along(team, stop)
        count = _count(compute, team, devices_wanted)
        return _held(found, catalog, (team, count), progress, stop, opened, listener)


def assist(*, stop: StopAsked = lambda: False) -> Outcome:
    """Learn along as one of several processes, all but the first; writes nothing and says nothing. Raises as `run`."""
    with gathering.joined() as team:
        return _along(team, stop)


def _along(team: Team, stop: StopAsked) -> Outcome:
    run = runs.Run(Path(team.told()))
    try:
        with Catalog.open(run.project) as catalog:
            return Training(run, catalog, team=team).work(stop)
    except Exception as error:  # the border of a job: told to the first process, which tells it in the history
        team.report(error)
        raise


def _count(compute: config.Compute, team: Team, wanted: int | None) -> int:
    """How many processes there will be; with `wanted` None as many as the settings say, or as there are devices."""
    if not team.alone:
        devices.places(compute.device, team.together)
        return team.count
    if wanted is not None:
        return len(devices.places(compute.device, wanted))
    try:
        return len(devices.places(compute.device, compute.devices))
    except ConfigError:
        return len(devices.places(compute.device, 0))


def _about(
    settings: config.TrainConfig, names: tuple[str, ...], split: Split, recipe: str, command: Sequence[str]
) -> dict[str, Any]:
    return {
        "recipe": recipe,
        "findings": list(names),
        "config": config.to_dict(settings),
        "split": {"name": split.name, "digest": split.digest, "rule": split.rule},
        "versions": {"trainer": trainer.__version__, "torch": torch.__version__, "pipeline": str(images.PIPELINE)},
        "seed": settings.seed,
        "command": list(command),
        "created": round(time.time(), 3),
    }


def _frozen(split: Split) -> dict[str, Any]:
    parts = {name: [int(i) for i in ids] for name, ids in split.parts.items()}
    return {**asdict(split), "parts": parts, "warnings": list(split.warnings)}


def _held(
    run: runs.Run,
    catalog: Catalog,
    processes: tuple[Team, int],
    progress: Progress | None,
    stop: StopAsked,
    opened: Callable[[runs.Run], None],
    listener: Listener,
) -> Outcome:
    """Work on the run under its lock, with so many processes; whatever ends it becomes its last event."""
    told = time.monotonic()

    def reading(done: int, total: int) -> None:
        nonlocal told
        if stop() or run.stop_requested():
            raise Stopped
        now = time.monotonic()
        if now - told >= EVENT_SECONDS and done < total:
            told = now
            run.append("reading", done=done, total=total)
        if progress:
            progress(done, total)

    with run.locked():
        run.clear_stop()
        opened(run)
        try:
            with gathering.complete(*processes, run.folder, stop=lambda: stop() or run.stop_requested()) as team:
                team.told(str(run.folder))
                return Training(run, catalog, team=team, progress=reading, listener=listener).work(stop)
        except Stopped:
            run.clear_stop()
            run.append("stopped", what="Stopped before it began to learn")
            raise
        except KeyboardInterrupt:
            run.append("stopped", what="Ended at once; what was learned since the last checkpoint is lost")
            raise
        except TrainerError as error:
            run.append("failed", what=error.what, where=error.where, remedy=error.remedy)
            raise
        except Exception as error:  # the border of a job: told in the history, then passed on as our fault
            run.append("failed", what=f"A fault of the program: {error!r}", where="", remedy="Please report it; then resume.")
            raise
