"""Which trained networks there are to review images with: what each is, how good it was, and what it tells apart.

Read from the files' own headers, without torch and without opening the weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import runs
from trainer.errors import RunError, TrainerError
from trainer.meanings import METRIC_NAMES
from trainer.model_card import Header, read_header
from trainer.results import Evaluation


@dataclass(frozen=True)
class Offer:
    """A trained network at `path` (a run folder or a checkpoint) with its header; `figure` says in words how good it was."""

    path: Path
    name: str
    header: Header
    figure: str

    def words(self) -> str:
        """One line on what it is and what it tells apart."""
        header = self.header
        made = [header.backbone, f"{header.size} px", f"recipe {header.recipe}" if header.recipe else "", header.task]
        return f"{', '.join(part for part in made if part)}: {', '.join(header.findings)}"


def of_runs(found: Sequence[runs.Run]) -> list[Offer]:
    """The runs that have a trained network, in the order given; those whose files are damaged are left out."""
    offers = []
    for run in found:
        if run.best.exists():
            try:
                offers.append(of_path(run.folder))
            except TrainerError:
                continue
    return offers


def of_path(path: Path) -> Offer:
    """A run folder or a checkpoint, wherever it lies; a project stands for its newest run.

    Raises `RunError`, `WeightsError`, `StorageError`, or `DataError` where the files of the run are damaged.
    """
    if path.is_file():
        header, run = read_header(path), runs.Run(path.parent)
        own = path == run.best
        return Offer(path, (own and header.run) or path.stem, header, figure(run, header) if own else _stated(header))
    run = runs.find(path)
    if not run.best.exists():
        raise RunError("This run has no trained network yet", where=run.folder, remedy="Train it for at least one epoch.")
    header = read_header(run.best)
    return Offer(run.folder, run.name, header, figure(run, header))


def figure(run: runs.Run, header: Header) -> str:
    """How good a run was on validation by the metric that chose its epoch: with its interval once it has been evaluated."""
    if run.evaluation("validation").exists():
        found = Evaluation.load(run.evaluation("validation")).metrics.get(header.metric)
        if found is not None and not math.isnan(found.value + found.low + found.high):
            return f"{_name(header.metric)} {found.value:.3f} ({found.low:.3f} to {found.high:.3f}) on validation"
    return _stated(header)


def clash(offers: Sequence[Offer]) -> str:
    """Why these cannot be averaged, in words; "" if they can."""
    for other in offers[1:]:
        if (other.header.findings, other.header.task) != (offers[0].header.findings, offers[0].header.task):
            return f"{offers[0].name} and {other.name} tell different findings apart and cannot be averaged."
    return ""


def _stated(header: Header) -> str:
    return f"{_name(header.metric)} {header.value:.3f} on validation" if header.metric and header.value is not None else ""


def _name(metric: str) -> str:
    return METRIC_NAMES.get(metric, metric.replace("_", " ").capitalize())
