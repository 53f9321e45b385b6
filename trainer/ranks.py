"""Several processes that train one network together: what each may ask of all. One process alone needs nobody, and asks itself.

Each process (rank) computes with one device. Numbers and decisions travel between the processors (gloo), gradients between
the devices (NCCL where these are GPUs). Every rank asks the same things in the same order, and gets the same answers.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch import distributed as dist

from trainer.errors import RunError, TrainerError

TEAM_FILE = "CXR_TRAINER_TEAM"
"""Environment variable: the file over which the processes of one computer find each other, where `gathering` started them."""
BUCKET = 2**23
"""Numbers of gradients that travel at once (32 MiB): many small messages are slow, and one for all costs their memory again."""
_FAILURE = "failure"


class LostError(RunError):
    """Another process of this training has ended, so this one ends too."""


class Store(Protocol):
    """Where processes leave word for each other; torch's stores are such, and not every torch has them."""

    def set(self, key: str, value: str, /) -> None:
        """Leave a word."""

    def get(self, key: str, /) -> bytes:
        """Take one that is there."""

    def check(self, keys: list[str], /) -> bool:
        """Whether all of them are there."""


@dataclass(frozen=True)
class Team:
    """The processes of one training as one of them sees it.

    `rank` (0 .. `count` - 1) of all, of which only the first writes and speaks; `local` (0 .. `together` - 1) among those of
    this computer, each of which has its own device.
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    together: int = 1
    store: Store | None = None

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and speaks to people."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other."""
        return self.count == 1

    def sums(self, values: Sequence[float]) -> list[float]:
        """Each number added up over all processes (float64). Raises `LostError`, as all below."""
        if self.alone:
            return list(values)
        found = torch.tensor(values, dtype=torch.float64)
        self.add_up(found)
        return [float(value) for value in found]

    def any(self, here: bool) -> bool:
        """Whether it is so for any of them."""
        return here if self.alone else self.sums([float(here)])[0] > 0

    def most(self, value: int) -> int:
        """The largest of all their values."""
        if self.alone:
            return value
        found = torch.tensor([value])
        with self._together():
            dist.all_reduce(found, dist.ReduceOp.MAX)
        return int(found)

    def add_up(self, values: Tensor) -> None:
        """Replace the values of a tensor by their sum over all processes."""
        if not self.alone:
            with self._together():
                dist.all_reduce(values)

    def add_up_all(self, tensors: Iterable[Tensor]) -> None:
        """The same for many tensors of one type and device, some at a time."""
        if self.alone:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.flatten() for tensor in bucket])
            self.add_up(flat)
            sizes = [tensor.numel() for tensor in bucket]
            for tensor, summed in zip(bucket, torch.split(flat, sizes), strict=True):
                tensor.copy_(summed.view_as(tensor))

    def gathered(self, values: Tensor) -> Tensor:
        """The tensors of all, of one shape: [count, ...]."""
        if self.alone:
            return values[None]
        found = [torch.empty_like(values) for _ in range(self.count)]
        with self._together():
            dist.all_gather(found, values.contiguous())
        return torch.stack(found)

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Give all the values that the first has."""
        if not self.alone:
            with self._together(), torch.no_grad():
                for tensor in tensors:
                    whole = tensor.contiguous()
                    dist.broadcast(whole, 0)
                    tensor.copy_(whole)

    def told(self, value: Any = None) -> Any:  # noqa: ANN401 - whatever json takes
        """What the first says, on all of them; the others' `value` is not looked at."""
        if self.alone:
            return value
        text = json.dumps(value if self.first else None).encode()
        size = self.most(len(text))  # of the others it is the shortest possible, 4
        found = torch.zeros(size, dtype=torch.uint8)
        if self.first:
            found[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        self.spread([found])
        return json.loads(bytes(found.tolist()).rstrip(b"\0"))

    def report(self, error: BaseException) -> None:
        """Leave word of why this process ends, for the first to tell; of one that only follows another no word is needed."""
        if self.store is None or isinstance(error, LostError):
            return
        known = isinstance(error, TrainerError)
        words = (error.what, error.where, error.remedy) if isinstance(error, TrainerError) else (repr(error), "", "")
        with suppress(RuntimeError):  # the store has gone with the process that kept it
            self.store.set(_FAILURE, json.dumps([self.rank, known, *words]))

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # gloo and NCCL have no better name for a connection that broke
            raise self._lost() from error

    def _lost(self) -> LostError:
        with suppress(RuntimeError):
            if self.store is not None and self.store.check([_FAILURE]):
                rank, known, what, where, remedy = json.loads(self.store.get(_FAILURE))
                fault = "" if known else "a fault of the program: "
                return LostError(f"Process {rank + 1} of {self.count} has ended: {fault}{what}", where=where, remedy=remedy)
        return LostError(
            "Another process of this training has ended, killed or crashed",
            where=f"{self.count} processes",
            remedy="See what it printed; then go on: cxr-trainer resume RUN",
        )


ALONE = Team()
"""One process, one device."""


def placed() -> Team:
    """The place that torchrun or `gathering` gave this process by its environment; `ALONE` where nobody did."""
    count = _number("WORLD_SIZE", 1)
    if count == 1 or not (TEAM_FILE in os.environ or "MASTER_ADDR" in os.environ):
        return ALONE
    return Team(_number("RANK", 0), count, _number("LOCAL_RANK", 0), _number("LOCAL_WORLD_SIZE", count))


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else otherwise


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(one.numel() for one in bucket) + tensor.numel() > BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket
