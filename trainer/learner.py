"""The network while it learns: one optimiser step at a time, the same on every device.

Randomness depends on run seed, epoch and step only, so the state to keep is: weights, their average, the optimiser, the
gradient scaler. The learning rate and the frozen stages follow from the position.
"""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from trainer import augment, config, devices, losses, models, schedules

_PRECISION = {"bf16": torch.bfloat16, "fp16": torch.float16}
_DROPOUT = 0xD0  # keeps the random numbers of dropout apart from others that are made from the same seed


class Learner:
    """Holds classifier, optimiser and average. `parts` is the number of pieces that a batch is computed in (see `split`)."""

    def __init__(
        self,
        classifier: models.Classifier,
        settings: config.TrainConfig,
        *,
        weights: Tensor | None,
        steps_per_epoch: int,
        device: torch.device,
        precision: str,
    ) -> None:
        self.settings = settings
        self.device = device
        self.precision = precision
        self.steps_per_epoch = steps_per_epoch
        self.parts = 1
        self.classifier: models.Classifier = classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.classifier) if settings.optimiser.average else None
        self._weights = None if weights is None else weights.to(device)
        self._optimiser = _optimiser(self.classifier, settings)
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self._frozen: int | None = -1

    @property
    def kept(self) -> models.Classifier:
        """The network that is validated and saved: the average where there is one."""
        return self.classifier if self.average is None else self.average

    def learning_rate(self, step: int) -> float:
        """Learning rate of the head at a step counted over the whole training."""
        return self.settings.optimiser.lr * schedules.factor(self.settings.schedule, step, self.steps_per_epoch)

    def step(self, pixels: Tensor, targets: Tensor, stated: Tensor, *, epoch: int, step: int) -> tuple[float, float]:
        """Learn from one batch; returns the sum of the loss and the weight to divide it by.

        pixels uint8 [N, 1, S, S]; targets float32 [N, K]; stated bool [N, K], all on the CPU. `epoch` and `step` count from 0,
        `step` over the whole training. Raises torch's OutOfMemoryError before any weight has changed.
        """
        self._thaw(epoch)
        settings = self.settings
        devices.reseed(settings.seed, epoch, step, _DROPOUT)
        shown = augment.augmented(
            pixels.to(self.device, non_blocking=True), settings.augment, augment.generator(settings.seed, epoch, step)
        )
        shown = shown.contiguous(memory_format=torch.channels_last)
        self.classifier.train()
        total, weight = self._gradients(shown, targets.to(self.device), stated.to(self.device))
        if weight > 0:
            self._descend(step)
        return total, weight

    def _gradients(self, shown: Tensor, targets: Tensor, stated: Tensor) -> tuple[float, float]:
        """Gradients of the batch's mean loss, added up over pieces."""
        self._optimiser.zero_grad(set_to_none=True)
        sums: list[Tensor] = []
        weights: list[Tensor] = []
        whole = None
        for piece in torch.arange(len(shown)).chunk(self.parts):
            rows = slice(int(piece[0]), int(piece[-1]) + 1)
            with autocast(self.device, self.precision):
                logits = self.classifier(shown[rows])
            loss, weight = self._loss(logits, targets[rows], stated[rows])
            if whole is None:  # the weight of the whole batch does not depend on the logits
                whole = weight if self.parts == 1 else self._loss(torch.zeros_like(targets), targets, stated)[1]
            torch.autograd.backward(self._scaler.scale(loss / whole.clamp_min(1e-12)))
            sums.append(loss.detach())
            weights.append(weight.detach())
        return float(torch.stack(sums).sum()), float(torch.stack(weights).sum())

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

    def _thaw(self, epoch: int) -> None:
        """Let those stages learn that the schedule names for this epoch."""
        schedule = self.settings.schedule
        stages = 0 if epoch < schedule.head_only else (schedule.stages or None)
        if stages != self._frozen:
            self.classifier.unfreeze(stages)
            self._frozen = stages

    def split(self) -> None:
        """Compute each batch in twice as many pieces: less memory, the same gradient (but for batch statistics)."""
        self.parts *= 2
        self._optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

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


def fastest_precision(
    classifier: models.Classifier, settings: config.TrainConfig, device: torch.device
) -> tuple[str, dict[str, float]]:
    """Settle the precision of a training, measured on a copy of the network where the setting is "auto"."""
    batch, size = settings.compute.batch, settings.model.size
    pixels = torch.zeros(batch, 1, size, size, dtype=torch.uint8)
    targets = nn.functional.one_hot(torch.arange(batch) % classifier.findings, classifier.findings).float()

    learners: dict[str, Learner] = {}

    def step(precision: str) -> None:
        if precision not in learners:
            learners.clear()
            learners[precision] = Learner(
                copy.deepcopy(classifier), settings, weights=None, steps_per_epoch=1, device=device, precision=precision
            )
        # An epoch past the head-only ones, so that what takes most of the time is measured.
        learners[precision].step(pixels, targets, targets >= 0, epoch=settings.schedule.epochs, step=0)

    return devices.precision(settings.compute.precision, device, f"{settings.model.backbone} {size} px {batch}", step)


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
    """Move each averaged weight towards the current one; what is no weight (batch statistics, counters) is copied."""
    for old, new in zip(average.parameters(), current.parameters(), strict=True):
        old.lerp_(new, 1 - decay)
    for kept, now in zip(average.buffers(), current.buffers(), strict=True):
        kept.copy_(now)
