"""Where it is computed: device, precision, threads; and how a computation is made repeatable."""

import contextlib
import ctypes
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch

from trainer import files
from trainer.errors import ConfigError, DataError, StorageError, did_you_mean

GAIN = 1.15
"""Mixed precision must be at least this much faster than fp32 to be chosen: below, the rounding is not worth it."""
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's malloc.h


@dataclass(frozen=True)
class Device:
    """Something to compute on; memory in bytes (0: shares the computer's)."""

    name: str
    label: str
    memory: int
    free: int


def available() -> list[Device]:
    """Every device that torch can use here, the best first."""
    found = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        found.append(Device(f"cuda:{index}", torch.cuda.get_device_name(index), total, free))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", 0, 0))
    return [*found, Device("cpu", f"{processor()}, {cores()} cores", 0, 0)]


def choose(name: str) -> torch.device:
    """The device of that name; "auto" is the best there is. Raises `ConfigError` naming what there is."""
    names = [device.name for device in available()]
    if name == "auto":
        return torch.device(names[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in names:
        raise ConfigError(
            f"There is no device '{name}' here", where="compute.device", remedy=did_you_mean(name, [*names, "auto"])
        )
    return torch.device(wanted)


def places(name: str, count: int) -> tuple[str, ...]:
    """Devices of the `count` processes of one training, by name; 0: all GPUs of this computer, or the one device there is.

    "auto" and "cuda" are GPUs, one for each process; "cpu" is shared out among them. Raises `ConfigError`.
    """
    if count == 1:
        return (str(choose(name)),)
    gpus = [device.name for device in available() if device.name.startswith("cuda")]
    if name in ("auto", "cuda") and gpus:
        if count > len(gpus):
            found = "is 1 GPU" if len(gpus) == 1 else f"are {len(gpus)} GPUs"
            raise ConfigError(
                f"There {found} here, not {count}", where="compute.devices", remedy=f"Choose at most {len(gpus)}."
            )
        return tuple(gpus[: count or None])
    chosen = str(choose(name))
    if count == 0:
        return (chosen,)
    if chosen != "cpu":
        raise ConfigError(
            f"{count} devices are asked for, but '{name}' is one",
            where="compute.devices",
            remedy="Choose compute.device=auto for the GPUs, or cpu to share out the processor.",
        )
    return (chosen,) * count


def processor() -> str:
    """Name of the processor in the words of its maker, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(threads: int, *, together: int = 1, only: bool = False) -> int:
    """Make torch repeatable and set its threads (0: all cores); returns their number. Call before CUDA is touched.

    `together` is the number of processes that share the cores; `only` says that this one does nothing but compute, and may
    hold memory (see `hold_memory`).
    """
    if only:
        hold_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    threads = threads or max(1, cores() // together)
    torch.set_num_threads(threads)  # sums are grouped by thread: another number, other last bits
    return threads


def hold_memory() -> None:
    """Let the C library keep what torch frees, for its next step; for a process that only computes.

    Left alone, glibc gives blocks of more than 32 MiB back to the system at once, and to get them anew, every page cleared,
    takes a fifth of a training's time, of a prediction at 384 px more than half. Elsewhere nothing happens.
    """
    if sys.platform == "linux":
        # With musl there is no mallopt.
        mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda name, value: 0)
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, -1)


def reseed(*numbers: int) -> None:
    """Start all global random generators from some numbers: which run, epoch and step this is.

    Randomness that depends on the position only needs no generator state to be kept for an exact resume.
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    torch.manual_seed(seed)


def precisions(device: torch.device) -> tuple[str, ...]:
    """Precisions that this device can compute in."""
    if device.type == "cpu":
        return ("fp32", "bf16")
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)  # older ones emulate bf16 slowly
        return ("fp32", "bf16") if native else ("fp32", "fp16")
    return ("fp32",)


def check_precision(wanted: str, device: torch.device) -> None:
    """Raise `ConfigError` if the device cannot compute in this precision."""
    possible = precisions(device)
    if wanted not in (*possible, "auto"):
        raise ConfigError(
            f"{device} cannot compute in {wanted}", where="compute.precision", remedy=did_you_mean(wanted, [*possible, "auto"])
        )


def precision(wanted: str, device: torch.device, key: str, step: Callable[[str], None]) -> tuple[str, dict[str, float]]:
    """Settle the precision: the wanted one, or for "auto" the one in which `step` ran fastest.

    What was measured is remembered by `key` and machine, so that the same training takes the same path again. Returns it with
    the seconds per step that were measured (empty if none were). Raises `ConfigError`.
    """
    check_precision(wanted, device)
    if wanted != "auto":
        return wanted, {}
    possible = precisions(device)
    memory = Path(platformdirs.user_cache_dir("cxr-desktop", appauthor=False)) / "precision.json"
    known = _remembered(memory)
    label = device_label(device)
    entry = f"{label} | torch {torch.__version__} | {torch.get_num_threads()} threads | {key}"
    if known.get(entry) in possible:
        return str(known[entry]), {}
    seconds = {name: _seconds(step, name, device) for name in possible}
    fastest = min(seconds, key=lambda name: seconds[name])
    chosen = fastest if seconds["fp32"] > GAIN * seconds[fastest] else "fp32"
    _remember(memory, {**known, entry: chosen})
    return chosen, seconds


def device_label(device: torch.device) -> str:
    """The device in words."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor() if device.type == "cpu" else "Apple GPU"


def _seconds(step: Callable[[str], None], name: str, device: torch.device) -> float:
    """Shortest of three steps after one to warm up; the shortest is the least disturbed by other programs."""
    step(name)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        step(name)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return min(times)


def _remembered(path: Path) -> Mapping[str, Any]:
    try:
        found = files.read_json(path) if path.exists() else {}
    except DataError:
        return {}
    return found if isinstance(found, dict) else {}


def _remember(path: Path, known: Mapping[str, Any]) -> None:
    with contextlib.suppress(StorageError):  # a computer without a writable cache measures again each time
        files.write_json(path, dict(known))
