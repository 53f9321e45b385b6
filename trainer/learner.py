"""The network while it learns: one optimiser step at a time, the same on every device.

Randomness depends on run seed, epoch and step only, so the state to keep is: weights, their average, the optimiser, the
gradient scaler. The learning rate and the frozen stages follow from the position.

The images of a step go through the network in one or more passes, and each pass may be shared by several processes. The
gradient is that of all of them at once; batch norm alone sees the images of one pass, those of all processes.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from trainer import config, devices, losses, mixing, models, schedules, synchrony
from trainer.errors import RunError
from trainer.ranks import ALONE, Team

Found = TypeVar("Found")

_PRECISION = {"bf16": torch.bfloat16, "fp16": torch.float16}
_DROPOUT = 0xD0  # keeps the random numbers of dropout apart from others that are made from the same seed


class Learner:
    """Holds classifier, optimiser and average. `parts` is the number of pieces that each pass is cut into (see `split`)."""

    def __init__(
        self,
        classifier: models.Classifier,
        settings: config.TrainConfig,
        *,
        weights: Tensor | None,
        steps_per_epoch: int,
        device: torch.device,
        precision: str,
        team: Team = ALONE,
    ) -> None:
        self.settings = settings
        self.team = team
        self.device = device
        self.precision = precision
        self.steps_per_epoch = steps_per_epoch
        self.parts = 1
        self.classifier: models.Classifier = classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if settings.schedule.batch_norm == "kept" and settings.model.weights != "none":
            self.classifier.keep_statistics()
        self.average = copy.deepcopy(self.classifier) if settings.optimiser.average else None
        self._weights = None if weights is None else weights.to(device)
        self._optimiser = _optimiser(self.classifier, settings)
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self._frozen: int | None = -1

    @property
    def passes(self) -> int:
        """In how many passes the images of a step go through the network.

        A run that was begun on more devices than there are now takes as many more, so that its steps stay as they were.
        """
        compute = self.settings.compute
        return compute.accumulate * -(-max(1, compute.devices) // self.team.count) * self.parts

    @property
    def kept(self) -> models.Classifier:
        """The network that is validated and saved: the average where there is one."""
        return self.classifier if self.average is None else self.average

    def learning_rate(self, step: int) -> float:
        """Learning rate of the head at a step counted over the whole training."""
        return self.settings.optimiser.lr * schedules.factor(self.settings.schedule, step, self.steps_per_epoch)

    def step(self, pixels: Tensor, targets: Tensor, stated: Tensor, *, epoch: int, step: int) -> tuple[float, float]:
        """Learn from the images of one step; returns the sum of their loss and the weight to divide it by.

        pixels uint8 [N, 1, S, S], or `vectors` of them float32 [N, 2, F]; targets float32 [N, K]; stated bool [N, K], all on
        the CPU, the same on all processes, of which each takes its part. `epoch` and `step` count from 0, `step` over the whole
        training. Raises torch's OutOfMemoryError before any weight has changed.
        """
        self.thaw(epoch)
        settings = self.settings
        own = self._own(len(pixels))
        # Dropout of each process by itself; the first draws what one process alone would.
        devices.reseed(settings.seed, epoch, step, _DROPOUT, *[self.team.rank] * (not self.team.first))
        shown, targets, stated = mixing.prepared(
            pixels.to(self.device, non_blocking=True),
            targets.to(self.device),
            stated.to(self.device),
            settings=settings.augment,
            task=settings.task.kind,
            seed=settings.seed,
            epoch=epoch,
            step=step,
            rows=torch.cat(own),
        )
        if shown.ndim == 4:
            shown = shown.contiguous(memory_format=torch.channels_last)
        self.classifier.train()
        total, weight = self._gradients(shown, targets, stated, [len(rows) for rows in own])
        total, weight = self.team.sums([total, weight])
        self.team.add_up_all(p.grad for p in self.classifier.parameters() if p.grad is not None)
        if weight > 0:
            self._descend(step)
        return total, weight

    def _own(self, count: int) -> list[Tensor]:
        """Of `count` images of a step, those that this process takes in each pass; a part may be empty."""
        passes = np.array_split(np.arange(count), min(self.passes, count))
        return [torch.from_numpy(np.array_split(rows, self.team.count)[self.team.rank]) for rows in passes]

    def _gradients(self, shown: Tensor, targets: Tensor, stated: Tensor, sizes: list[int]) -> tuple[float, float]:
        """Gradients of the loss of these images, added up over passes of `sizes`, as their part of the whole step's mean."""
        self._optimiser.zero_grad(set_to_none=True)
        sums: list[Tensor] = []
        weights: list[Tensor] = []
        whole = self._whole(targets, stated) if len(sizes) > 1 or not self.team.alone else None
        for piece in zip(*(torch.split(values, sizes) for values in (shown, targets, stated)), strict=True):
            loss, weight = self._loss(self._logits(piece[0]), *piece[1:])
            torch.autograd.backward(self._scaler.scale(loss / (weight if whole is None else whole).clamp_min(1e-12)))
            sums.append(loss.detach())
            weights.append(weight.detach())
        return float(torch.stack(sums).sum()), float(torch.stack(weights).sum())

    def _logits(self, shown: Tensor) -> Tensor:
        """What the network says of one pass. Raises `RunError` where batch norm has a single value to take a variance of."""
        try:
            with autocast(self.device, self.precision), synchrony.over(self.team):
                logits: Tensor = self.classifier(shown)
                return logits
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise RunError(
                f"The batch norm of this network cannot learn from one image of {self.settings.model.size} px at a time",
                where="compute.batch",
                remedy="Choose a compute.batch of at least 3, or a larger model.size.",
            ) from error

    def _whole(self, targets: Tensor, stated: Tensor) -> Tensor:
        """Weight of the whole step on all processes; it does not depend on the logits."""
        weight = self._loss(torch.zeros_like(targets), targets, stated)[1]
        return weight if self.team.alone else weight.new_tensor(self.team.sums([float(weight)])[0])

    def _loss(self, logits: Tensor, targets: Tensor, stated: Tensor) -> tuple[Tensor, Tensor]:
        task, settings = self.settings.task.kind, self.settings.loss
        return losses.parts(logits, targets, stated, task=task, settings=settings, weights=self._weights)

    def _descend(self, step: int) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate(step) * group["share"]
        self._scaler.unscale_(self._optimiser)
        if self.settings.optimiser.clip:
            nn.utils.clip_grad_norm_(self.classifier.parameters(), self.settings.optimiser.clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if self.average is not None:
            _move_average(self.average, self.classifier, min(self.settings.optimiser.average, (1 + step) / (10 + step)))

    def thaw(self, epoch: int) -> None:
        """Let those stages learn that the schedule names for this epoch."""
        schedule = self.settings.schedule
        stages = 0 if epoch < schedule.head_only else (schedule.stages or None)
        if stages != self._frozen:
            self.classifier.unfreeze(stages)
            self._frozen = stages

    def split(self) -> None:
        """Let half as many images through the network at once: less memory, the same gradient (but for batch norm)."""
        self.parts *= 2
        self._optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def tensors(self) -> Iterator[Tensor]:
        """All weights and statistics: what several processes must have alike before they begin."""
        for network in (self.classifier, self.average):
            if network is not None:
                yield from network.state_dict().values()

    def state(self) -> dict[str, Any]:
        """What `restore` needs: tensors, numbers and words only."""
        return {
            "classifier": self.classifier.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "parts": self.parts,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.classifier.load_state_dict(state["classifier"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        self.parts = state["parts"]


@contextlib.contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Mixed precision, or nothing for fp32."""
    if precision == "fp32":
        yield
        return
    with torch.autocast(device.type, _PRECISION[precision]):
        yield


def unless_full(work: Callable[[], Found]) -> Found | None:
    """What `work` returns, or None where the device's memory is too small for it.

    Whoever calls goes on after the exception is gone: it keeps tensors alive.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        return None
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        return None


def too_small(device: torch.device, where: object) -> RunError:
    """What is told where not even one image fits."""
    return RunError(
        f"Memory of {device} is too small even for one image at a time",
        where=where,
        remedy="Choose a smaller model.size or backbone, or close other programs.",
    )


def pieces(classifier: models.Classifier, settings: config.TrainConfig, device: torch.device, precision: str) -> int:
    """In how many pieces a batch must be computed here, found out on a copy of the network.

    Several processes ask this before they begin: one whose memory ran out later would leave the others waiting. Raises
    `RunError` where not even one image fits.
    """
    return _tried(_trial(classifier, settings, device, precision)).parts


def fastest_precision(
    classifier: models.Classifier, settings: config.TrainConfig, device: torch.device
) -> tuple[str, dict[str, float]]:
    """Settle the precision of a training, measured on a copy of the network where the setting is "auto". Raises `RunError`."""
    batch, size = settings.compute.batch, settings.model.size
    learners: dict[str, Learner] = {}

    def step(precision: str) -> None:
        if precision not in learners:
            learners.clear()
            learners[precision] = _trial(classifier, settings, device, precision)
        _tried(learners[precision])

    alone = ", the head alone" if settings.schedule.head_only >= settings.schedule.epochs else ""
    return devices.precision(settings.compute.precision, device, f"{settings.model.backbone} {size} px {batch}{alone}", step)


def _trial(classifier: models.Classifier, settings: config.TrainConfig, device: torch.device, precision: str) -> Learner:
    """A learner of its own for one batch of one device."""
    one = config.changed(settings, {"compute.accumulate": 1, "compute.devices": 1})
    return Learner(copy.deepcopy(classifier), one, weights=None, steps_per_epoch=1, device=device, precision=precision)


def _tried(trial: Learner) -> Learner:
    """The same after a step on empty images, cut into as many pieces as that takes."""
    batch, size, findings = trial.settings.compute.batch, trial.settings.model.size, trial.classifier.findings
    pixels = torch.zeros(batch, 1, size, size, dtype=torch.uint8)
    targets = nn.functional.one_hot(torch.arange(batch) % findings, findings).float()
    # The last epoch: by then all that will ever learn does, which takes most of the time and memory.
    epoch = trial.settings.schedule.epochs - 1
    while unless_full(lambda: trial.step(pixels, targets, targets >= 0, epoch=epoch, step=0)) is None:
        if trial.passes >= batch:
            raise too_small(trial.device, trial.settings.model.backbone)
        trial.split()
    return trial


def _optimiser(classifier: models.Classifier, settings: config.TrainConfig) -> torch.optim.Optimizer:
    """Head and backbone with their own learning rates; weights decay, biases and norms (one-dimensional) do not."""
    head = {id(p) for p in classifier.head_parameters()}
    chosen = settings.optimiser
    groups = []
    for is_head, share in ((True, 1.0), (False, settings.schedule.backbone_lr)):
        for decays in (True, False):
            found = [p for p in classifier.parameters() if (id(p) in head) is is_head and (p.ndim > 1) is decays]
            if found:
                groups.append(
                    {"params": found, "lr": chosen.lr, "share": share, "weight_decay": chosen.weight_decay if decays else 0.0}
                )
    if chosen.name == "sgd":
        return torch.optim.SGD(groups, momentum=chosen.momentum)
    if chosen.name == "nadam":
        return torch.optim.NAdam(groups)
    return torch.optim.AdamW(groups) if chosen.name == "adamw" else torch.optim.Adam(groups)


@torch.no_grad()
def _move_average(average: nn.Module, current: nn.Module, decay: float) -> None:
    """Move each averaged weight, and what batch norm knows of the images, towards the current one; counters are copied.

    Batch statistics are averaged too, as in timm and in torch's `AveragedModel(use_buffers=True)`: averaged weights see
    other values than the weights of the last step, so that its statistics would not be theirs.
    """
    for old, new in zip(average.parameters(), current.parameters(), strict=True):
        old.lerp_(new, 1 - decay)
    for kept, now in zip(average.buffers(), current.buffers(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(now, 1 - decay)
        else:
            kept.copy_(now)
