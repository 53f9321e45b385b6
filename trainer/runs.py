"""The run folder: one training from its configuration to its last event. All displays only read it."""

import itertools
import json
import os
import random
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock

from trainer import files
from trainer.errors import DataError, RunError, command_line, counted, did_you_mean

FINAL = ("finished", "stopped", "failed")
RUNS_FOLDER = "runs"
OPENINGS = "test-openings.jsonl"
_BATCH = b'"kind": "batch"'
_GLANCES = 5
_LONGEST = 240  # bytes: no disk takes more than 255 for a name, and files beside it have an ending
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
_ALLOWED = re.compile(r'[^<>:"|?*\\/\x00-\x1f]{1,120}')


@dataclass(frozen=True)
class Status:
    """How a run stands, in a word for programs (`state`) and a sentence for people (`words`).

    `state` is one of new, running, finished, stopped, failed, crashed.
    """

    state: str
    words: str

    @property
    def resumable(self) -> bool:
        """Whether `resume` would go on with it."""
        return self.state in ("new", "stopped", "failed", "crashed")


class Standing:
    """How a run stands, told event by event: who follows a run need not read its whole history again."""

    def __init__(self) -> None:
        self._last: Mapping[str, Any] | None = None
        self._under_way = self._total = 0

    def add(self, event: Mapping[str, Any]) -> None:
        """Take the next event."""
        kind = event["kind"]
        if kind in (*FINAL, "started"):
            self._last = event
        if kind == "started":
            self._total = event.get("epochs", 0)
        elif kind in ("epoch", "batch") and "epoch" in event:
            self._under_way = event["epoch"] + (kind == "epoch")

    def status(self, *, busy: bool) -> Status:
        """Last event + lock; `busy` must have been asked for before the last events were read."""
        epoch = self._epoch()
        if busy:
            return Status("running", f"running{epoch}")
        if self._last is None:
            return Status("new", "not started yet")
        words = {
            "finished": f"finished after {counted(self._last.get('epochs', 0), 'epoch')}",
            "stopped": f"stopped by you{epoch or ' before it began to learn'}; it can be resumed",
            "failed": f"failed: {self._last.get('what', 'unknown')}. {self._last.get('remedy', '')}".strip(),
            "started": f"crashed{epoch}; it can be resumed",
        }
        kind = self._last["kind"]
        return Status("crashed" if kind == "started" else kind, words[kind])

    def _epoch(self) -> str:
        """ " in epoch 3 of 10", the one under way; empty before the first step."""
        if not self._under_way:
            return ""
        total = self._total
        return f" in epoch {min(self._under_way, total or self._under_way)}" + (f" of {total}" if total else "")


@dataclass(frozen=True)
class Run:
    """A run folder. Paths may not exist yet."""

    folder: Path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def project(self) -> Path:
        """The project folder that the run lies in."""
        return self.folder.parent.parent

    @property
    def best(self) -> Path:
        """Weights of the epoch that validation chose."""
        return self.folder / "best.safetensors"

    @property
    def last(self) -> Path:
        """Weights after the last epoch."""
        return self.folder / "last.safetensors"

    @property
    def state(self) -> Path:
        """All that `resume` needs."""
        return self.folder / "state.pt"

    @property
    def console(self) -> Path:
        """What the processes that worked on it printed, if they were told to write it down."""
        return self.folder / "console.log"

    def predictions(self, part: str) -> Path:
        """File of the predictions on a part."""
        return self.folder / f"predictions-{short(part)}.npz"

    def evaluation(self, part: str) -> Path:
        """File of the evaluation on a part."""
        return self.folder / f"evaluation-{short(part)}.json"

    def about(self) -> dict[str, Any]:
        """Everything that was settled when the run was created: the content of config.json."""
        about = files.read_json(self.folder / "config.json")
        if not isinstance(about, dict):
            raise DataError("The run's configuration is damaged", where=self.folder / "config.json")
        return about

    def split(self) -> dict[str, Any]:
        """The frozen split: parts (name -> list of ids), rule, seed, digest, warnings."""
        split = files.read_json(self.folder / "split.json")
        if not isinstance(split, dict) or not isinstance(split.get("parts"), dict):
            raise DataError("The run's split is damaged", where=self.folder / "split.json")
        return split

    def append(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - whatever json takes
        """Add one event to the history; one write, so that a line is whole or torn, never mixed."""
        line = json.dumps({"time": round(time.time(), 3), "kind": kind, **fields}, ensure_ascii=False, allow_nan=False)
        path = self.folder / "events.jsonl"
        with files.storage_in_words(path), path.open("ab") as file:
            torn = file.tell() > 0 and not _ends_with_newline(path)
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            if kind not in ("batch", "reading"):  # these are many, and none of them would be missed
                file.flush()
                os.fsync(file.fileno())

    def events(self) -> list[dict[str, Any]]:
        """All events so far; a torn last line is left out."""
        return list(self.tail(0))

    def milestones(self) -> list[dict[str, Any]]:
        """All events but those of single batches, of which only the last is there: quick also for a history of 100,000."""
        path = self.folder / "events.jsonl"
        if not files.is_file(path):
            return []
        with files.storage_in_words(path):
            lines = path.read_bytes().splitlines(keepends=True)
        batches = [place for place, line in enumerate(lines) if _BATCH in line and line.endswith(b"\n")]
        left_out = set(batches[:-1])
        parsed = (_parsed(line) for place, line in enumerate(lines) if place not in left_out)
        return [event for event in parsed if event is not None]

    def tail(self, offset: int) -> Iterator[dict[str, Any]]:
        """Events from a byte offset on; each has its end offset under "offset", to go on from."""
        path = self.folder / "events.jsonl"
        if not files.is_file(path):
            return
        with files.storage_in_words(path), path.open("rb") as file:
            file.seek(offset)
            for line in file:
                offset += len(line)
                event = _parsed(line)
                if event is not None:
                    yield {**event, "offset": offset}

    def history(self) -> list[dict[str, Any]]:
        """Events as if the run had never been interrupted: what a resumed run did again replaces what was lost."""
        return uninterrupted(self.events())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run while working on it. Raises `RunError` if another process does."""
        lock = filelock.FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=2)  # a glance by `busy` holds it for an instant
        except filelock.Timeout as error:  # a kind of OSError, so first
            raise RunError(
                "Another process is working on this run",
                where=self.folder,
                remedy="Follow it with 'watch' or end it with 'stop'.",
            ) from error
        except OSError as error:
            raise files.storage_error(error, self.folder) from error
        try:
            yield
        finally:
            lock.release()

    def busy(self) -> bool:
        """Whether a process holds the run."""
        path = self.folder / "lock"
        for _ in range(_GLANCES):
            if not files.is_file(path):
                return False
            try:
                with filelock.FileLock(path, timeout=0):
                    return False
            except filelock.Timeout:  # held by whoever works on it, or for an instant by another who looks, as we do
                time.sleep(random.uniform(0.002, 0.008))  # noqa: S311 - so that two who look do not meet again
            except OSError:  # a read-only copy: nobody can work on it
                return False
        return True

    def stamp(self) -> tuple[int, int, bool]:
        """What differs as soon as there is news of the run: time (ns) and bytes of its history, and whether it is worked on."""
        busy = self.busy()
        try:
            history = (self.folder / "events.jsonl").stat()
        except OSError:  # it has none yet
            return 0, 0, busy
        return history.st_mtime_ns, history.st_size, busy

    def request_stop(self) -> None:
        """Ask the process that works on the run to stop and keep. Raises `RunError` if none does."""
        if not self.busy():
            raise RunError(f"Nothing to stop: {self.status().words}", where=self.folder)
        files.write_text(self.folder / "stop", "")

    def stop_requested(self) -> bool:
        """Whether somebody asked to stop."""
        return (self.folder / "stop").exists()

    def clear_stop(self) -> None:
        """Forget an earlier request."""
        with files.storage_in_words(self.folder):
            (self.folder / "stop").unlink(missing_ok=True)

    def status(self) -> Status:
        """Last event + lock = how the run stands."""
        busy = self.busy()  # asked first: a run that ends in between is then seen as finished, not as crashed
        standing = Standing()
        for event in self.milestones():
            standing.add(event)
        return standing.status(busy=busy)


def uninterrupted(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events without those that a resumed run did again."""
    kept: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] == "started":
            step, epoch = event.get("step", 0), event.get("epoch", 0)
            kept = [e for e in kept if e.get("step", 0) <= step and (e["kind"] != "epoch" or e["epoch"] <= epoch)]
        kept.append(event)
    return kept


def short(part: str) -> str:
    """Name of a part in file names: "val" for validation."""
    return "val" if part == "validation" else part


def create(project: Path, name: str, about: Mapping[str, Any], split: Mapping[str, Any]) -> Run:
    """Make a run folder with its configuration and frozen split. An empty `name` becomes date, time and backbone.

    Raises `RunError` if there is one of that name, `StorageError`.
    """
    name = name or unused_name(project, str(about.get("recipe") or ""))
    run = new(project, name)
    files.write_json(run.folder / "split.json", dict(split))
    files.write_json(run.folder / "config.json", dict(about))  # last: a folder with a configuration is a whole run
    return run


def new(project: Path, name: str) -> Run:
    """A run that is not there yet. Raises `RunError` for a name that cannot be or is taken."""
    check_name(name)
    run = Run(project / RUNS_FOLDER / name)
    if files.is_file(run.folder / "config.json"):
        raise RunError(f"There is a run named {name} already", where=run.folder, remedy="Choose another name or resume it.")
    return run


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a run on some computer. Raises `RunError`."""
    too_long = len(name.encode()) > _LONGEST
    if (
        too_long
        or not _ALLOWED.fullmatch(name)
        or name[0] in ". "
        or name[-1] in ". "
        or name.partition(".")[0].upper() in _RESERVED
    ):
        raise RunError(f"'{name}' cannot be the name of a run", remedy="Use letters, digits, '-' and '_'.")


def bag_of(about: Mapping[str, Any]) -> str:
    """Name of the bag that a run (its `about`) belongs to; "" for none."""
    found = about.get("bag")
    return str(found.get("name", "")) if isinstance(found, dict) else ""


def rename(run: Run, name: str) -> Run:
    """Give a run another name: its folder is moved, and the record of test openings says so.

    Raises `RunError` for a name that cannot be or is taken, and while a process works on the run; `StorageError`.
    """
    check_name(name)
    moved = Run(run.folder.with_name(name))
    if name == run.name:
        return run
    if os.path.lexists(moved.folder) and not _same_folder(moved.folder, run.folder):
        raise RunError(f"There is a run named {name} already", where=moved.folder, remedy="Choose another name.")
    if run.busy():
        raise RunError(f"{run.name} cannot be renamed while a process works on it", remedy="Stop it first, or wait.")
    with files.storage_in_words(run.folder):
        run.folder.rename(moved.folder)
    if (run.project / OPENINGS).exists():
        _note_opening(run.project, {"run": name, "renamed_from": run.name})
    return moved


def _same_folder(one: Path, other: Path) -> bool:
    """Whether two names mean one folder, as "First" and "first" do where capitals do not count."""
    return other.exists() and one.samefile(other)


def unused_name(project: Path, recipe: str, taken: Collection[str] = ()) -> str:
    """Date, time and recipe, with a number where another run of the same second has that name, or it is `taken`."""
    name = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{Path(recipe).stem or 'run'}"
    numbered = (f"{name}-{number}" if number > 1 else name for number in itertools.count(1))
    return next(one for one in numbered if one not in taken and not (project / RUNS_FOLDER / one).exists())


def every(project: Path) -> list[Run]:
    """All runs of a project, oldest first."""
    folder = project / RUNS_FOLDER
    with files.storage_in_words(folder):
        found = [Run(path) for path in folder.iterdir() if (path / "config.json").is_file()] if folder.is_dir() else []
        return sorted(found, key=lambda run: ((run.folder / "config.json").stat().st_mtime_ns, run.name))


def find(path: Path) -> Run:
    """The run at `path`: a run folder, or a project, whose newest run it then is. Raises `RunError`."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "." and "..", keeps links
    if (path / "config.json").is_file():
        return Run(path)
    if (path / "catalog.sqlite").is_file():
        runs = every(path)
        if runs:
            return runs[-1]
        raise RunError("This project has no runs yet", where=path, remedy=f"Train one: {command_line('train', path)}")
    names = [run.name for run in every(path.parent.parent)] if path.parent.name == RUNS_FOLDER else []
    remedy = did_you_mean(path.name, names) or "Runs lie in PROJECT.cxr/runs/."
    raise RunError("There is no such run", where=path, remedy=remedy)


def record_opening(project: Path, run: str, split_digest: str) -> int:
    """Note that a run was judged on the sealed test part; returns how often that part has been opened, this time included.

    Counted over all runs of a project: choosing the best of many runs by their test figures is what the seal is against.
    """
    _note_opening(project, {"run": run, "split": split_digest})
    return openings(project, split_digest)


def _note_opening(project: Path, fields: Mapping[str, str]) -> None:
    line = json.dumps({"time": round(time.time(), 3), **fields}) + "\n"
    path = project / OPENINGS
    with files.storage_in_words(path), path.open("a", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def openings(project: Path, split_digest: str) -> int:
    """How often the test part of a split has been opened."""
    path = project / OPENINGS
    if not path.exists():
        return 0
    with files.storage_in_words(path):
        lines = path.read_bytes().splitlines()
    return sum(f'"split": "{split_digest}"'.encode() in line for line in lines)


def event_words(event: Mapping[str, Any]) -> str:
    """An event as a line for a person; empty for those that only move the bar."""
    if event["kind"] == "epoch":
        figures = ", ".join(f"{name} {_three(value)}" for name, value in event["metrics"].items())
        losses = f"loss {_three(event['train_loss'])}, on validation {_three(event['validation_loss'])}"
        total = f" of {event['epochs']}" if "epochs" in event else ""
        return f"Epoch {event['epoch']}{total}: {losses}; {figures}{' (best so far)' if event['best'] else ''}"
    if event["kind"] == "started":
        several = f"{event['devices']} x " if event.get("devices", 1) > 1 else ""
        step = event.get("images_per_step", event["batch"])
        added = f", {step} images a step" if step != event["batch"] else ""
        return (
            f"On {several}{event['device_name']} in {event['precision']}, batches of {event['batch']}{added}; "
            f"{event['images']['train']} training and {event['images']['validation']} validation images."
        )
    return {"note": str(event.get("text", "")), "failed": f"Failed: {event.get('what')}. {event.get('remedy', '')}"}.get(
        event["kind"], ""
    )


def _three(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        event = json.loads(line)
    except ValueError:  # torn by a kill, then gone on after a resume
        return None
    return event if isinstance(event, dict) and isinstance(event.get("kind"), str) else None
