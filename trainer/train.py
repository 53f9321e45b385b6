"""Start a training, or go on with one. The window, the terminal and the tests all come in here."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import trainer
from trainer import config, dataset, devices, images, models, runs
from trainer.catalog import Catalog, Split
from trainer.errors import DataError, Progress, RunError, Stopped, TrainerError, command_line
from trainer.loop import EVENT_SECONDS, Listener, Outcome, StopAsked, Training


def run(
    project: Path,
    settings: config.TrainConfig,
    *,
    name: str = "",
    recipe: str = "",
    split: str = "",
    command: Sequence[str] = (),
    progress: Progress | None = None,
    stop: StopAsked = lambda: False,
    opened: Callable[[runs.Run], None] = lambda run: None,
    listener: Listener = lambda event: None,
) -> Outcome:
    """Train a new run of a project. `opened` is told the run as soon as its folder exists and is held.

    Raises `DataError`, `ConfigError`, `WeightsError`, `RunError`, `StorageError`; a failure after the run exists is also its
    last event. `stop` is asked before each step, as is the run's stop file: what was learned is kept then.
    """
    with Catalog.open(project) as catalog:
        if not split and not catalog.active_split():
            raise DataError("The project has no split yet", where=project, remedy=f"Make one: {command_line('split', project)}")
        chosen = catalog.split(split or None)
        for part in ("train", "validation"):
            dataset.check_views(catalog, chosen.parts.get(part, np.empty(0, np.int64)), settings.task, part)
        names = dataset.findings(catalog, settings.task)
        _check(settings, progress)
        about = _about(settings, names, chosen, recipe, command)
        made = runs.create(project, name, about, _frozen(chosen))
        return _held(made, catalog, progress, stop, opened, listener)


def resume(
    folder: Path,
    *,
    progress: Progress | None = None,
    stop: StopAsked = lambda: False,
    opened: Callable[[runs.Run], None] = lambda run: None,
    listener: Listener = lambda event: None,
) -> Outcome:
    """Go on with a run that was stopped, failed or crashed, to the same weights as if it had not been.

    Raises as `run`, and `RunError` where there is nothing to resume.
    """
    found = runs.find(folder)
    if found.status().state == "finished":
        raise RunError("This run is finished", where=found.folder, remedy="Start a new one with more epochs.")
    with Catalog.open(found.project) as catalog:
        return _held(found, catalog, progress, stop, opened, listener)


def _check(settings: config.TrainConfig, progress: Progress | None) -> None:
    """Refuse what cannot work, and download what is missing, before anything is made. Raises `ConfigError`, `WeightsError`."""
    models.check(settings.model.backbone, settings.model.size)
    devices.check_precision(settings.compute.precision, devices.choose(settings.compute.device))
    if settings.model.weights != "none":
        models.initialise(models.build(settings.model.backbone, 1), settings.model.weights, progress=progress)


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
    progress: Progress | None,
    stop: StopAsked,
    opened: Callable[[runs.Run], None],
    listener: Listener,
) -> Outcome:
    """Work on the run under its lock; whatever ends it becomes its last event."""
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
            return Training(run, catalog, progress=reading, listener=listener).work(stop)
        except Stopped:
            run.clear_stop()
            run.append("stopped", what="Stopped while the images were read")
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
