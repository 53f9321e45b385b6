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
from typing import Any

from trainer import files, runs
from trainer.errors import DataError, RunError, TrainerError, counted, did_you_mean

BAGS_FOLDER = "bags"
FILE = "bag.json"
SEEDS, FOLDS = "seeds", "folds"
FEWEST, MOST = 2, 100


@dataclass(frozen=True)
class Member:
    """A run as it is planned: its number from 1, the name of its run, its seed, and the split that it learns from."""

    number: int
    run: str
    seed: int
    split: str


@dataclass(frozen=True)
class Plan:
    """What a bag is made of. `kind` is `SEEDS` or `FOLDS`; `config` the configuration of all (dotted keys) but the seed."""

    kind: str
    recipe: str
    config: Mapping[str, Any]
    members: tuple[Member, ...]
    created: float
    command: tuple[str, ...] = ()


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
            return Plan(**{**stored, "members": members, "command": tuple(stored["command"])})
        except (KeyError, TypeError) as error:
            raise DataError("The bag's plan is damaged", where=path, remedy="Restore it from a copy.") from error

    def begun(self) -> dict[int, runs.Run]:
        """Number of a member -> its run, for those that have been begun; a renamed run is still a member."""
        found = {}
        for run in runs.every(self.project):
            try:
                about = run.about().get("bag")
            except TrainerError:  # a damaged run belongs to nothing
                continue
            if isinstance(about, dict) and about.get("name") == self.name:
                found[int(about.get("member", 0))] = run
        return dict(sorted(found.items()))

    def trained(self) -> dict[int, runs.Run]:
        """Number of a member -> its run, for those that are finished."""
        return {number: run for number, run in self.begun().items() if run.status().state == "finished" and run.best.exists()}

    def status(self) -> runs.Status:
        """How the bag stands: running, finished, or stopped so that it can be resumed."""
        busy = self.busy()
        done, planned = len(self.trained()), len(self.plan().members)
        words = f"{done} of {counted(planned, 'member')} trained"
        if busy:
            return runs.Status("running", f"running: {words}")
        return runs.Status("finished" if done == planned else "stopped", words)

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


def planned(name: str, seeds: Sequence[int], splits: Sequence[str]) -> tuple[Member, ...]:
    """Members NAME-01, NAME-02, ... with their seeds and splits."""
    digits = len(str(len(seeds)))
    pairs = enumerate(zip(seeds, splits, strict=True), 1)
    return tuple(Member(number, f"{name}-{number:0{max(2, digits)}}", seed, split) for number, (seed, split) in pairs)


def unused_name(project: Path, recipe: str) -> str:
    """Date, time and recipe, with a number where a bag of the same second has that name."""
    first = runs.unused_name(project, f"{Path(recipe).stem or 'run'}-bag")
    names = itertools.chain([first], (f"{first}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not (project / BAGS_FOLDER / name).exists())


def check_new(project: Path, name: str, members: Collection[Member]) -> None:
    """Refuse a name that cannot be or is taken, by a bag or by a run that a member would be. Raises `RunError`."""
    runs.check_name(name)
    bag = Bag(project / BAGS_FOLDER / name)
    if is_bag(bag.folder):
        raise RunError(f"There is a bag named {name} already", where=bag.folder, remedy="Choose another name, or resume it.")
    for member in members:
        runs.new(project, member.run)


def create(project: Path, name: str, plan: Plan) -> Bag:
    """Write the plan of a new bag. Raises `RunError`, `StorageError`."""
    check_new(project, name, plan.members)
    bag = Bag(project / BAGS_FOLDER / name)
    files.write_json(bag.folder / FILE, {**asdict(plan), "config": dict(plan.config), "command": list(plan.command)})
    return bag


def now() -> float:
    """Seconds since the epoch, as plans note them."""
    return round(time.time(), 3)
