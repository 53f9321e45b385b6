"""A bag: several runs of one plan that belong together, as PROJECT.cxr/bags/NAME/bag.json says it.

Its members are ordinary runs of the project that name their bag; with other seeds on one split they are averaged, with the
folds of a cross-validation each predicts the images that it has not learned from.
"""

import itertools
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from trainer import files, runs
from trainer.errors import DataError, RunError, TrainerError, command_line, counted, did_you_mean

BAGS_FOLDER = "bags"
FILE = "bag.json"
SEEDS, FOLDS = "seeds", "folds"
FEWEST, MOST = 2, 100
_LISTS = ("command", "findings", "over")
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Member:
    """A run as it is planned: its number from 1, the name of its run, its seed, and the split that it learns from.

    `digest` is that of the split as it was then; "" in bags from before it was kept.
    """

    number: int
    run: str
    seed: int
    split: str
    digest: str = ""


@dataclass(frozen=True)
class Plan:
    """What a bag is made of. `kind` is `SEEDS` or `FOLDS`; `config` the configuration of all (dotted keys) but the seed.

    `findings` are those that all learn, whatever the project states when a member begins; `over` the devices that share the
    members out. Both are empty in bags from before they were kept.
    """

    kind: str
    recipe: str
    config: Mapping[str, Any]
    members: tuple[Member, ...]
    created: float
    command: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bag:
    """The folder of a bag. Paths may not exist yet."""

    folder: Path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def project(self) -> Path:
        """The project folder that the bag lies in."""
        return self.folder.parent.parent

    @property
    def _as_run(self) -> runs.Run:
        """Lock, stop request and names of files are those of a run folder."""
        return runs.Run(self.folder)

    def plan(self) -> Plan:
        """What was settled when the bag was made. Raises `DataError`, `StorageError`."""
        path = self.folder / FILE
        stored = files.read_json(path)
        try:
            members = tuple(Member(**one) for one in stored["members"])
            if (
                not members
                or stored["kind"] not in (SEEDS, FOLDS)
                or [one.number for one in members] != [*range(1, len(members) + 1)]
            ):
                raise ValueError("no such kind, or members left out")
            lists = {name: tuple(stored.get(name, ())) for name in _LISTS}
            return Plan(**{**stored, **lists, "members": members})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError("The bag's plan is damaged", where=path, remedy="Restore it from a copy.") from error

    def begun(self) -> dict[int, runs.Run]:
        """Number of a member -> its run, for those that have been begun; a renamed run is still a member.

        Of two that say they are one member, as a copied folder does, it is the one with the planned name, or the older one.
        Raises `DataError`, `StorageError`.
        """
        planned = {member.number: member.run for member in self.plan().members}
        found: dict[int, runs.Run] = {}
        for number, run in self._claims(planned.values()):
            if number in planned and (number not in found or run.name == planned[number]):
                found[number] = run
        return dict(sorted(found.items()))

    def _claims(self, names: Collection[str] = ()) -> Iterator[tuple[int, runs.Run]]:
        """Runs that say they are of this bag, with their numbers; those of `names` also where they know it by an old name."""
        for run in runs.every(self.project):
            try:
                about = run.about()
            except TrainerError:  # a damaged run belongs to nothing
                continue
            name = runs.bag_of(about)
            moved = run.name in names and name and not is_bag(self.folder.with_name(name))
            number = about["bag"].get("member") if name == self.name or moved else None
            if isinstance(number, int):
                yield number, run

    def trained(self) -> dict[int, runs.Run]:
        """Number of a member -> its run, for those that are finished."""
        return {number: run for number, run in self.begun().items() if _is_trained(run, run.status())}

    def status(self) -> runs.Status:
        """How the bag stands: running, finished, or resumable: failed or crashed as a member of it, else stopped.

        Raises `DataError`, `StorageError`.
        """
        busy, planned = self.busy(), len(self.plan().members)
        members = [(run, run.status()) for run in self.begun().values()]
        done = sum(_is_trained(run, status) for run, status in members)
        words = f"{done} of {counted(planned, 'member')} trained"
        if busy:
            return runs.Status("running", f"running: {words}")
        if done == planned:
            return runs.Status("finished", words)
        for run, status in members:
            if status.state in ("failed", "crashed"):
                return runs.Status(status.state, f"{words}; {run.name} {status.words}".rstrip("."))
        return runs.Status("stopped", words)

    def evaluation(self, part: str) -> Path:
        """File of the evaluation on a part."""
        return self._as_run.evaluation(part)

    def predictions(self, part: str) -> Path:
        """File of the averaged or pooled predictions on a part."""
        return self._as_run.predictions(part)

    @property
    def thresholds(self) -> Path:
        """File of the thresholds of the averaged prediction."""
        return self.folder / "thresholds.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the bag while working on it. Raises `RunError` if another process does."""
        if self.busy():
            remedy = "Wait for it, or stop it."
            raise RunError("Another process is working on this bag", where=self.folder, remedy=remedy)
        with self._as_run.locked():
            yield

    def busy(self) -> bool:
        """Whether a process holds the bag."""
        return self._as_run.busy()

    def request_stop(self) -> None:
        """Ask the process that trains the bag to stop and keep. Raises `RunError` if none does."""
        if not self.busy():
            raise RunError(f"Nothing to stop: {self.status().words}", where=self.folder)
        files.write_text(self.folder / "stop", "")

    def stop_requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self._as_run.stop_requested()

    def clear_stop(self) -> None:
        """Forget an earlier request."""
        self._as_run.clear_stop()


def is_bag(path: Path) -> bool:
    """Whether a bag lies at `path`."""
    return files.is_file(path / FILE)


def find(path: Path) -> Bag:
    """The bag at `path`. Raises `RunError`."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "." and "..", keeps links
    if is_bag(path):
        return Bag(path)
    known = [bag.name for bag in every(path.parent.parent)] if path.parent.name == BAGS_FOLDER else []
    remedy = did_you_mean(path.name, known) or "Bags lie in PROJECT.cxr/bags/."
    raise RunError("There is no such bag", where=path, remedy=remedy)


def every(project: Path) -> list[Bag]:
    """All bags of a project, oldest first."""
    folder = project / BAGS_FOLDER
    with files.storage_in_words(folder):
        found = [Bag(path) for path in folder.iterdir() if is_bag(path)] if folder.is_dir() else []
        return sorted(found, key=lambda bag: ((bag.folder / FILE).stat().st_mtime_ns, bag.name))


def _is_trained(run: runs.Run, status: runs.Status) -> bool:
    """Whether a member needs no more work."""
    return status.state == "finished" and run.best.exists()


def planned(name: str, seeds: Sequence[int], splits: Sequence[str], digests: Mapping[str, str] = _NONE) -> tuple[Member, ...]:
    """Members NAME-01, NAME-02, ... with their seeds and splits; `digests` of these by name."""
    digits = max(2, len(str(len(seeds))))
    pairs = enumerate(zip(seeds, splits, strict=True), 1)
    return tuple(
        Member(number, f"{name}-{number:0{digits}}", seed, split, digests.get(split, "")) for number, (seed, split) in pairs
    )


def unused_name(project: Path, recipe: str) -> str:
    """Date, time and recipe, with a number where a bag of the same second has that name."""
    first = runs.unused_name(project, f"{Path(recipe).stem or 'run'}-bag")
    names = itertools.chain([first], (f"{first}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not (project / BAGS_FOLDER / name).exists())


def check_new(project: Path, name: str, members: Collection[Member]) -> None:
    """Refuse a name that cannot be or is taken, by a bag or by a run that a member would be. Raises `RunError`.

    Runs that name a bag which is gone would become members of a new one of that name.
    """
    runs.check_name(name)
    bag = Bag(project / BAGS_FOLDER / name)
    if is_bag(bag.folder):
        raise RunError(f"There is a bag named {name} already", where=bag.folder, remedy="Choose another name, or resume it.")
    for member in members:
        runs.new(project, member.run)
    for _, left in bag._claims():
        what = f"{left.name} belongs to an earlier bag named {name}"
        raise RunError(what, where=left.folder, remedy="Choose another name.")


def create(project: Path, name: str, plan: Plan) -> Bag:
    """Write the plan of a new bag; of two processes that want the name one gets it. Raises `RunError`, `StorageError`."""
    check_new(project, name, plan.members)
    bag = Bag(project / BAGS_FOLDER / name)
    with files.storage_in_words(bag.folder):
        bag.folder.mkdir(parents=True, exist_ok=True)
    with bag.locked():
        check_new(project, name, plan.members)
        files.write_json(bag.folder / FILE, {**asdict(plan), "config": dict(plan.config)})
    return bag


def now() -> float:
    """Seconds since the epoch, as plans note them."""
    return round(time.time(), 3)


def meant(path: Path) -> bool:
    """Whether a path means a bag rather than a run. Raises `RunError` where it means one that is not there."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "." and "..", keeps links
    if not is_bag(whole) and whole.parent.name != BAGS_FOLDER:
        return False
    find(whole)
    return True


def either(path: Path) -> runs.Run | Bag:
    """The bag or the run at a path; of a project its newest run. Raises `RunError`."""
    return find(path) if meant(path) else runs.find(path)


def networks(path: Path) -> list[Path]:
    """The networks that a path stands for: the trained members of a bag, or the one itself. Raises `RunError`, `DataError`."""
    if not meant(path):
        return [path]
    bag = find(path)
    bag.plan()  # a damaged one is told, whatever its runs say
    if trained := [run.folder for run in bag.trained().values()]:
        return trained
    remedy = f"Go on with it: {command_line('resume', bag.folder)}"
    raise RunError("No member of this bag is trained yet", where=bag.folder, remedy=remedy)
