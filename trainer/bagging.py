"""Train a bag: its members one after another, or several at once on several devices; resumable as a whole.

Members that are finished stay as they are, one that was under way goes on exactly, those that are missing are trained.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from trainer import bag_members, bags, config, devices, once, ranks, split, train
from trainer.bag_members import Ears
from trainer.bags import FOLDS, SEEDS, Bag, Plan
from trainer.catalog import Catalog, Split
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
    over: Sequence[str] = (),
    command: Sequence[str] = (),
    opened: Callable[[Bag], None] = lambda bag: None,
    ears: Ears = _ALONE,
) -> BagOutcome:
    """Train `members` runs (default 10) with seeds from that of the settings on, all on one split; or one run for each of
    `folds` parts of a cross-validation, with one seed.

    Folds are those of the split that is named (or active) if it has as many; otherwise new ones are made, patient by patient.
    The devices `over` share the members out; with none or one they are trained one after another in this process. Raises as
    `train.run`, `ConfigError` for what cannot be, and `RunError` for a name that is taken; what refuses all members refuses
    the bag before anything is made.
    """
    _by_one_process()
    count = _count(members, folds)
    if not folds:
        once.check_seeds(settings)
    settings = _settled(settings, over)
    seeds = [settings.seed + (0 if folds else number) for number in range(count)]
    config.changed(settings, {"seed": seeds[-1]})
    title = name or bags.unused_name(project, recipe)
    bags.check_new(project, title, bags.planned(title, seeds, [""] * count))
    with Catalog.open(project) as catalog:
        splits = _folds(catalog, folds, settings, split_name, title) if folds else [_one(catalog, split_name)] * count
        there = config.changed(settings, {"compute.device": over[0]}) if over else settings
        names = train.checked(catalog, there, splits if folds else splits[:1], ears.progress)
        _save(catalog, splits)
    kept = {key: value for key, value in config.to_dict(settings).items() if key != "seed"}
    planned = bags.planned(title, seeds, [one.name for one in splits], {one.name: one.digest for one in splits})
    plan = Plan(FOLDS if folds else SEEDS, recipe, kept, planned, bags.now(), tuple(command), names, tuple(over))
    bag = bags.create(project, title, plan)
    return _work(bag, plan, over, opened, ears)


def resume(folder: Path, *, opened: Callable[[Bag], None] = lambda bag: None, ears: Ears = _ALONE) -> BagOutcome:
    """Go on with a bag that was stopped or killed, over those of its devices that are here.

    Raises as `run`, and `RunError` where nothing is left to do.
    """
    _by_one_process()
    bag = bags.find(folder)
    plan = bag.plan()
    if len(bag.trained()) == len(plan.members):
        remedy = f"Judge it: {command_line('evaluate', bag.folder)}"
        raise RunError("All members of this bag are trained", where=bag.folder, remedy=remedy)
    here = {device.name for device in devices.available()} if plan.over else set()
    return _work(bag, plan, [name for name in plan.over if name in here], opened, ears)


def _by_one_process() -> None:
    """Refuse torchrun: each of its processes would make a bag. Raises `ConfigError`."""
    if not ranks.placed().alone:
        raise ConfigError(
            "A bag is trained by one process, which starts the others itself",
            where="torchrun",
            remedy="Leave torchrun out; --over shares the members out among devices, --set compute.devices=N each step.",
        )


def _count(members: int, folds: int) -> int:
    """How many members there will be. Raises `ConfigError`."""
    if members and folds:
        raise ConfigError("Folds say themselves how many members there are", where="--members", remedy="Leave one of them out.")
    count = folds or members or MEMBERS
    if not bags.FEWEST <= count <= bags.MOST:
        remedy = f"Choose from {bags.FEWEST} to {bags.MOST}."
        raise ConfigError(f"A bag cannot have {count} members", where="--folds" if folds else "--members", remedy=remedy)
    return count


def _settled(settings: config.TrainConfig, over: Sequence[str]) -> config.TrainConfig:
    """With the number of devices that share each step, the same for all members wherever they go on. Raises `ConfigError`."""
    places = [devices.places(name, settings.compute.devices) for name in over or [settings.compute.device]]
    return config.changed(settings, {"compute.devices": min(len(found) for found in places)})


def _one(catalog: Catalog, name: str) -> Split:
    """The split that all members learn from. Raises `DataError`."""
    if not name and not catalog.active_split():
        remedy = f"Make one: {command_line('split', catalog.project)}"
        raise DataError("The project has no split yet", where=catalog.project, remedy=remedy)
    return catalog.split(name or None)


def _folds(catalog: Catalog, folds: int, settings: config.TrainConfig, name: str, bag: str) -> list[Split]:
    """The splits of a cross-validation: those that are there, or new ones, not saved yet. Raises `ConfigError`, `DataError`."""
    if (name or catalog.active_split()) and (found := _same_division(catalog, catalog.split(name or None), folds)):
        return found
    if name:
        remedy = "Leave --split out, and folds are made beside the split that there is."
        raise ConfigError(f"'{name}' is no division into {folds} folds", where="--split", remedy=remedy)
    return split.planned(catalog, folds=folds, seed=settings.seed, name=_stem(catalog, folds, bag))


def _save(catalog: Catalog, splits: Sequence[Split]) -> None:
    """Store those that are new beside the active split, on which other runs go on; the first becomes it where there is none."""
    known = catalog.splits()
    catalog.add_splits(one for one in splits if one.name not in known)
    if not catalog.active_split():
        catalog.activate_split(splits[0].name)


def _same_division(catalog: Catalog, chosen: Split, folds: int) -> list[Split]:
    """The folds of which `chosen` is one; empty where they are not as many, or do not test each image once."""
    if chosen.folds != folds or chosen.fold is None:
        return []
    stem = chosen.name.removesuffix(f"-fold{chosen.fold + 1}")
    names = [f"{stem}-fold{number + 1}" for number in range(folds)]
    if not set(names) <= set(catalog.splits()):
        return []
    found = [catalog.split(name) for name in names]
    tested = np.sort(np.concatenate([one.parts.get("test", np.zeros(0, np.int64)) for one in found]))
    inside = [np.sort(np.concatenate([ids for part, ids in one.parts.items() if part != "external"])) for one in found]
    return found if all(np.array_equal(ids, tested) for ids in inside) else []


def _stem(catalog: Catalog, folds: int, wanted: str) -> str:
    """What the names of new folds begin with: no split that is there is replaced."""
    taken = {name.casefold() for name in catalog.splits()}
    stems = itertools.chain([wanted], (f"{wanted}-{number}" for number in itertools.count(2)))
    return next(stem for stem in stems if not any(f"{stem}-fold{n + 1}".casefold() in taken for n in range(folds)))


def _work(bag: Bag, plan: Plan, over: Sequence[str], opened: Callable[[Bag], None], ears: Ears) -> BagOutcome:
    start = time.monotonic()
    with bag.locked():
        bag.clear_stop()
        opened(bag)
        before = bag.trained()
        todo = [member for member in plan.members if member.number not in before]
        asked = replace(ears, stop=lambda: ears.stop() or bag.stop_requested())
        if len(over) > 1:
            bag_members.side_by_side(bag, plan, todo, over, asked)
        else:
            device = over[0] if over else ""
            for member in todo:
                if asked.stop() or not bag_members.trained(bag, plan, member, asked, device):
                    break
        bag.clear_stop()
    done = bag.trained()
    status = "finished" if len(done) == len(plan.members) else "stopped"
    names = tuple(one.name for one in bag.begun().values())
    return BagOutcome(bag.folder, plan.kind, status, len(plan.members), len(done), names, round(time.monotonic() - start, 2))
