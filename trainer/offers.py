"""Which trained networks there are to review images with: what each is, how good it was, and what it tells apart.

Read from the files' own headers, without torch and without opening the weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import bags, runs
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS, Bag
from trainer.errors import RunError, TrainerError, command_line
from trainer.meanings import METRIC_NAMES
from trainer.model_card import Header, read_header
from trainer.results import Evaluation


@dataclass(frozen=True)
class Offer:
    """A trained network at `path` (a run folder or a checkpoint) with its header; `figure` says in words how good it was.

    Of a bag, whose `networks` are averaged, the header is that of its first member.
    """

    path: Path
    name: str
    header: Header
    figure: str
    networks: int = 1

    def words(self) -> str:
        """One line on what it is and what it tells apart."""
        header = self.header
        several = f"mean of {self.networks} networks" if self.networks > 1 else ""
        made = [several, header.backbone, f"{header.size} px", f"recipe {header.recipe}" if header.recipe else "", header.task]
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


def of_bags(found: Sequence[Bag]) -> list[Offer]:
    """The bags that have a trained member, in the order given; those whose files are damaged are left out."""
    offers = []
    for bag in found:
        try:
            offers.append(of_bag(bag))
        except TrainerError:
            continue
    return offers


def of_bag(bag: Bag) -> Offer:
    """All trained members of a bag as one. Raises as `of_path`."""
    plan, trained = bag.plan(), list(bag.trained().values())
    if not trained:
        remedy = f"Go on with it: {command_line('resume', bag.folder)}"
        raise RunError("No member of this bag is trained yet", where=bag.folder, remedy=remedy)
    missing = f" of {len(plan.members)}" if len(trained) < len(plan.members) else ""
    kind = "folds" if plan.kind == FOLDS else "seeds"
    header = read_header(trained[0].best)
    return Offer(
        bag.folder, f"{bag.name} (bag of {len(trained)}{missing} {kind})", header, _of_whole(bag, header), len(trained)
    )


def _of_whole(bag: Bag, header: Header) -> str:
    """How good a bag was, averaged on validation or pooled over its folds, by the metric that chose the epochs; "" before."""
    part = "test" if bag.plan().kind == FOLDS else "validation"
    if not bag.evaluation(part).exists():
        return ""
    found = BagEvaluation.load(bag.evaluation(part))
    figure = found.evaluation.metrics.get(header.metric)
    if figure is None or math.isnan(figure.value + figure.low + figure.high):
        return ""
    how = "averaged, on validation" if found.averaged else "pooled over its folds"
    return f"{_name(header.metric)} {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}), {how}"


def of_path(path: Path) -> Offer:
    """A run folder, a bag or a checkpoint, wherever it lies; a project stands for its newest run.

    Raises `RunError`, `WeightsError`, `StorageError`, or `DataError` where the files of the run are damaged.
    """
    if path.is_file():
        header, run = read_header(path), runs.Run(path.parent)
        own = path == run.best
        return Offer(path, (own and header.run) or path.stem, header, figure(run, header) if own else _stated(header))
    if bags.meant(path):
        return of_bag(bags.find(path))
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
