"""The run folder: one training from its configuration to its last event. All displays only read it."""

import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
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
            if kind != "batch":
                file.flush()
                os.fsync(file.fileno())

    def events(self) -> list[dict[str, Any]]:
        """All events so far; a torn last line is left out."""
        return list(self.tail(0))

    def tail(self, offset: int) -> Iterator[dict[str, Any]]:
        """Events from a byte offset on; each has its end offset under "offset", to go on from."""
        path = self.folder / "events.jsonl"
        if not path.exists():
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
        kept: list[dict[str, Any]] = []
        for event in self.events():
            if event["kind"] == "started":
                step, epoch = event.get("step", 0), event.get("epoch", 0)
                kept = [e for e in kept if e.get("step", 0) <= step and (e["kind"] != "epoch" or e["epoch"] <= epoch)]
            kept.append(event)
        return kept

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
        if not path.exists():
            return False
        try:
            with filelock.FileLock(path, timeout=0):
                return False
        except filelock.Timeout:
            return True
        except OSError:  # a read-only copy: nobody can work on it
            return False

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
        events = self.events()
        if busy:
            return Status("running", "running" + _progress(events))
        last = next((e for e in reversed(events) if e["kind"] in (*FINAL, "started")), None)
        if last is None:
            return Status("new", "not started yet")
        words = {
            "finished": f"finished after {counted(last.get('epochs', 0), 'epoch')}",
            "stopped": f"stopped by you{_progress(events) or ' before it began to learn'}; it can be resumed",
            "failed": f"failed: {last.get('what', 'unknown')}. {last.get('remedy', '')}".strip(),
            "started": f"crashed{_progress(events)}; it can be resumed",
        }
        return Status("crashed" if last["kind"] == "started" else last["kind"], words[last["kind"]])


def short(part: str) -> str:
    """Name of a part in file names: "val" for validation."""
    return "val" if part == "validation" else part


def create(project: Path, name: str, about: Mapping[str, Any], split: Mapping[str, Any]) -> Run:
    """Make a run folder with its configuration and frozen split. An empty `name` becomes date, time and backbone.

    Raises `RunError` if there is one of that name, `StorageError`.
    """
    name = name or _unused(project, f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{about.get('recipe') or 'run'}")
    if Path(name).name != name or name.startswith(".") or any(c in '<>:"|?*\\' for c in name):
        raise RunError(f"'{name}' cannot be the name of a run", remedy="Use letters, digits, '-' and '_'.")
    run = Run(project / RUNS_FOLDER / name)
    if (run.folder / "config.json").exists():
        raise RunError(f"There is a run named {name} already", where=run.folder, remedy="Choose another --run or resume it.")
    files.write_json(run.folder / "split.json", dict(split))
    files.write_json(run.folder / "config.json", dict(about))  # last: a folder with a configuration is a whole run
    return run


def _unused(project: Path, name: str) -> str:
    """The name, with a number where another run of the same second has it."""
    numbered = (f"{name}-{number}" if number > 1 else name for number in itertools.count(1))
    return next(one for one in numbered if not (project / RUNS_FOLDER / one).exists())


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
    line = json.dumps({"time": round(time.time(), 3), "run": run, "split": split_digest}) + "\n"
    path = project / OPENINGS
    with files.storage_in_words(path), path.open("a", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return openings(project, split_digest)


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
        return (
            f"On {event['device_name']} in {event['precision']}, batches of {event['batch']}; "
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


def _progress(events: Sequence[Mapping[str, Any]]) -> str:
    """ " in epoch 3 of 10", the one under way; empty before the first step."""
    last = next((e for e in reversed(events) if e["kind"] in ("epoch", "batch") and "epoch" in e), None)
    if last is None:
        return ""
    total = next((e.get("epochs", 0) for e in reversed(events) if e["kind"] == "started"), 0)
    under_way = last["epoch"] + (last["kind"] == "epoch")
    return f" in epoch {min(under_way, total or under_way)}" + (f" of {total}" if total else "")
