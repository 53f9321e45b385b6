"""How the processes of one training come together: those that torchrun started, or those that the first one starts itself.

The first process (rank 0) is the training that a person sees: it holds the run, writes and speaks. The others are
`cxr-trainer resume RUN` with a place in the team, found over a file in a folder that only this user can read, and connected
over this computer's own interface. None of them outlives the first: their standard input closes with it.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist

from trainer.errors import ConfigError, RunError, Stopped
from trainer.ranks import ALONE, TEAM_FILE, Team, placed

PATIENCE = timedelta(days=1)
"""Longest wait for each other: the first process may have hours of images to read."""
GRACE = 60.0
"""Seconds that a process has to notice by itself that another has died; GPUs that wait for each other never do."""
GLANCE = 1.0
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}
_READY = "ready"


@contextmanager
def joined() -> Iterator[Team]:
    """The team that this process was started into, connected; `ranks.ALONE` where it was started by itself.

    Raises `ConfigError` where this torch cannot, `RunError` where the others cannot be reached.
    """
    place = placed()
    if place.alone:
        yield place
        return
    _check()
    if path := os.environ.get(TEAM_FILE):
        threading.Thread(target=_end_with_parent, daemon=True).start()
        store: Any = dist.FileStore(path, place.count)  # type: ignore[attr-defined]
        store.set(f"{_READY}{place.rank}", "")
    else:
        try:
            store = next(dist.rendezvous("env://", timeout=PATIENCE))[0]  # type: ignore[attr-defined]
        except (RuntimeError, ValueError) as error:
            raise RunError(
                f"The other processes cannot be reached: {error}", remedy="Start all of them with torchrun."
            ) from error
    with _connected(place, store) as team:
        yield team


@contextmanager
def complete(team: Team, count: int, run: Path, *, stop: Callable[[], bool] = lambda: False) -> Iterator[Team]:
    """The team for work on a run by `count` processes: `team` itself if it is one already, or with others started now.

    All of them are ended when the block is left. Raises `RunError` where one cannot be started or ends before it is ready,
    and `Stopped` where it is asked to stop before they are.
    """
    if not team.alone or count == 1:
        yield team
        return
    _check()
    with tempfile.TemporaryDirectory(prefix="cxr-trainer-") as folder:
        path = Path(folder) / "team"
        store = dist.FileStore(str(path), count)  # type: ignore[attr-defined]
        others: list[subprocess.Popen[bytes]] = []
        try:
            with _at_home():
                for rank in range(1, count):
                    others.append(_started(run, replace(ALONE, rank=rank, count=count, local=rank, together=count), path))
            _await(others, store, stop)
            with (
                watched(others) if torch.cuda.is_available() else nullcontext(),
                _at_home(),
                _connected(Team(0, count, 0, count), store) as whole,
            ):
                yield whole
            for other in others:
                with suppress(subprocess.TimeoutExpired):
                    other.wait(GRACE)
        finally:
            _end(others)


def _check() -> None:
    if not (dist.is_available() and dist.is_gloo_available()):
        raise ConfigError(
            "This torch cannot train with several devices", where="compute.devices", remedy="Set compute.devices=1."
        )


@contextmanager
def _connected(place: Team, store: Any) -> Iterator[Team]:  # noqa: ANN401 - a torch store
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local % torch.cuda.device_count())
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, store=store, rank=place.rank, world_size=place.count, timeout=PATIENCE)
    except RuntimeError as error:
        raise RunError(f"The processes cannot be connected: {error}", remedy="Set compute.devices=1.") from error
    try:
        yield replace(place, store=store)
    finally:
        dist.destroy_process_group()


@contextmanager
def _at_home() -> Iterator[None]:
    """Let the libraries that connect processes talk over this computer's own interface: nothing is open to the network."""
    names = [f"{library}_SOCKET_IFNAME" for library in ("GLOO", "NCCL")] if sys.platform in _LOOPBACK else []
    new = [name for name in names if name not in os.environ]
    os.environ.update(dict.fromkeys(new, _LOOPBACK.get(sys.platform, "")))
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


def _started(run: Path, place: Team, path: Path) -> "subprocess.Popen[bytes]":
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "trainer"]
    environment = {
        **os.environ,
        TEAM_FILE: str(path),
        "RANK": str(place.rank),
        "WORLD_SIZE": str(place.count),
        "LOCAL_RANK": str(place.local),
        "LOCAL_WORLD_SIZE": str(place.together),
    }
    words: Sequence[str] = (*program, "resume", str(run))
    # Of a session of its own: Ctrl+C at the terminal is for the first process, which tells the others when to stop.
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        return subprocess.Popen(  # noqa: S603 - our own program
            words,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
            creationflags=flags,
        )
    except OSError as error:
        raise RunError("Another process cannot be started", where=program[0], remedy="Set compute.devices=1.") from error


def _await(others: "Sequence[subprocess.Popen[bytes]]", store: Any, stop: Callable[[], bool]) -> None:  # noqa: ANN401
    """Wait until all have loaded what they need; one that fails here would be waited for for a day."""
    ready = [f"{_READY}{rank}" for rank in range(1, len(others) + 1)]
    while not store.check(ready):
        if stop():
            raise Stopped
        for rank, other in enumerate(others, 1):
            if other.poll() is not None:
                raise RunError(
                    f"Process {rank + 1} of {len(others) + 1} has ended before it was ready (exit status {other.returncode})",
                    remedy="See what it printed, or set compute.devices=1.",
                )
        time.sleep(0.02)


@contextmanager
def watched(others: "Sequence[subprocess.Popen[bytes]]") -> Iterator[None]:
    """End this process where another died and nothing else shows it: GPUs wait for it for ever, processors are told."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(GLANCE):
            if any(other.poll() not in (None, 0) for other in others) and not over.wait(GRACE):
                os.write(2, b"cxr-trainer: Another process of this training has ended; go on: cxr-trainer resume RUN\n")
                os._exit(1)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _end(others: "Sequence[subprocess.Popen[bytes]]") -> None:
    """End what is still there: these processes write nothing, so that nothing can be torn."""
    for other in others:
        other.kill()
        other.wait()
        if other.stdin:
            other.stdin.close()


def _end_with_parent() -> None:
    """Wait for standard input to close, as it does when the first process is gone; then end, by force if need be."""
    while True:
        try:
            if not os.read(0, 1):
                break
        except OSError:
            break
    time.sleep(GRACE)
    os._exit(1)
