"""Train a bag: its members one after another, or several at once on several devices; resumable as a whole.

Members that are finished stay as they are, one that was under way goes on exactly, those that are missing are trained.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from trainer import bag_members, bags, config, dataset, split
from trainer.bag_members import Ears
from trainer.bags import FOLDS, SEEDS, Bag, Plan
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError, RunError, command_line

MEMBERS = 10
_ALONE = Ears()


@dataclass(frozen=True)
class BagOutcome:
    """How it ended: `status` is finished or stopped; `trained` of `members` are finished; the others wait for a resume."""

    bag: Path
    kind: str
    status: str
    members: int
    trained: int
    runs: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Values for json; the bag as text."""
        return {**asdict(self), "bag": str(self.bag), "runs": list(self.runs)}


def run(
    project: Path,
    settings: config.TrainConfig,
    *,
    members: int = 0,
    folds: int = 0,
    name: str = "",
    recipe: str = "",
    split_name: str = "",
    devices: Sequence[str] = (),
    command: Sequence[str] = (),
    opened: Callable[[Bag], None] = lambda bag: None,
    ears: Ears = _ALONE,
) -> BagOutcome:
    """Train `members` runs (default 10) with seeds from that of the settings on, all on one split; or one run for each of
    `folds` parts of a cross-validation, with one seed.

    Folds are those of the split that is named (or active) if it has as many; otherwise new ones are made, patient by patient.
    `devices` are shared out among the members; with none or one they are trained one after another in this process. Raises as
    `train.run`, `ConfigError` for numbers that cannot be, and `RunError` for a name that is taken.
    """
    if members and folds:
        raise ConfigError("Folds say themselves how many members there are", where="--members", remedy="Leave one of them out.")
    count = folds or members or MEMBERS
    if not bags.FEWEST <= count <= bags.MOST:
        remedy = f"Choose from {bags.FEWEST} to {bags.MOST}."
        raise ConfigError(f"A bag cannot have {count} members", where="--folds" if folds else "--members", remedy=remedy)
    title = name or bags.unused_name(project, recipe)
    with Catalog.open(project) as catalog:
        dataset.findings(catalog, settings.task)
        splits = _folds(catalog, folds, settings, split_name, title) if folds else [_one(catalog, split_name)] * count
    seeds = [settings.seed + (0 if folds else number) for number in range(count)]
    planned = bags.planned(title, seeds, splits)
    kept = {key: value for key, value in config.to_dict(settings).items() if key != "seed"}
    plan = Plan(FOLDS if folds else SEEDS, recipe, kept, planned, bags.now(), tuple(command))
    bag = bags.create(project, title, plan)
    return _work(bag, plan, devices, opened, ears)


def resume(
    folder: Path,
    *,
    devices: Sequence[str] = (),
    opened: Callable[[Bag], None] = lambda bag: None,
    ears: Ears = _ALONE,
) -> BagOutcome:
    """Go on with a bag that was stopped or killed. Raises as `run`, and `RunError` where nothing is left to do."""
    bag = bags.find(folder)
    plan = bag.plan()
    if len(bag.trained()) == len(plan.members):
        remedy = f"Judge it: {command_line('evaluate', bag.folder)}"
        raise RunError("All members of this bag are trained", where=bag.folder, remedy=remedy)
    return _work(bag, plan, devices, opened, ears)


def _one(catalog: Catalog, name: str) -> str:
    """The split that all members learn from. Raises `DataError`."""
    if not name and not catalog.active_split():
        remedy = f"Make one: {command_line('split', catalog.project)}"
        raise DataError("The project has no split yet", where=catalog.project, remedy=remedy)
    return catalog.split(name or None).name


def _folds(catalog: Catalog, folds: int, settings: config.TrainConfig, name: str, bag: str) -> list[str]:
    """Names of the splits of a cross-validation: those that are there, or new ones beside the active split."""
    if name or catalog.active_split():
        chosen = catalog.split(name or None)
        if chosen.folds == folds and chosen.fold is not None:
            stem = chosen.name.removesuffix(f"-fold{chosen.fold + 1}")
            names = [f"{stem}-fold{number + 1}" for number in range(folds)]
            if set(names) <= set(catalog.splits()):
                return names
        if name:
            remedy = "Leave --split out, and folds are made beside the split that there is."
            raise ConfigError(f"'{name}' is no division into {folds} folds", where="--split", remedy=remedy)
    made = split.planned(catalog, folds=folds, seed=settings.seed, name=bag)
    active = catalog.active_split()
    for one in made:
        catalog.save_split(one)
    if active:  # what other runs learn from stays what it was
        catalog.activate_split(active)
    return [one.name for one in made]


def _work(bag: Bag, plan: Plan, devices: Sequence[str], opened: Callable[[Bag], None], ears: Ears) -> BagOutcome:
    start = time.monotonic()
    with bag.locked():
        bag.clear_stop()
        opened(bag)
        before = bag.trained()
        todo = [member for member in plan.members if member.number not in before]
        asked = replace(ears, stop=lambda: ears.stop() or bag.stop_requested())
        if len(devices) > 1:
            bag_members.side_by_side(bag, plan, todo, devices, asked)
        else:
            device = devices[0] if devices else ""
            for member in todo:
                if asked.stop() or not bag_members.trained(bag, plan, member, asked, device):
                    break
        bag.clear_stop()
    done = bag.trained()
    status = "finished" if len(done) == len(plan.members) else "stopped"
    names = tuple(one.name for one in bag.begun().values())
    return BagOutcome(bag.folder, plan.kind, status, len(plan.members), len(done), names, round(time.monotonic() - start, 2))
