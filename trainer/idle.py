"""Settings that change nothing as the others stand: whoever set them is told, instead of believing that they do something.

Those of rare findings and of the loss stand in `pitfalls`, beside the corrections that they belong to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trainer import config, once
from trainer.architectures import BACKBONES
from trainer.errors import counted

F_BETA, AT_SENSITIVITY = config.OF_ONE_FINDING


@dataclass(frozen=True)
class _Condition:
    """When a setting does something, as a test and in words that follow "unless"."""

    key: str
    acts: Callable[[config.TrainConfig], bool]
    words: str


_THAWS = "the backbone learns at all: Head only must be shorter than Epochs"
_CONDITIONS = (
    _Condition("optimiser.momentum", lambda one: one.optimiser.name == "sgd", "the optimiser is sgd"),
    _Condition("schedule.stages", lambda one: one.schedule.head_only < one.schedule.epochs, _THAWS),
    _Condition("schedule.backbone_lr", lambda one: one.schedule.head_only < one.schedule.epochs, _THAWS),
    _Condition("schedule.batch_norm", lambda one: one.model.weights != "none", "the weights are pretrained (Weights)"),
    _Condition("choice.beta", lambda one: one.choice.metric == F_BETA, f"Choose by is {F_BETA}"),
    _Condition("choice.sensitivity", lambda one: one.choice.metric == AT_SENSITIVITY, f"Choose by is {AT_SENSITIVITY}"),
    _Condition("choice.patience", lambda one: one.choice.patience < one.schedule.epochs, "it is shorter than Epochs"),
)


def told(settings: config.TrainConfig) -> tuple[str, ...]:
    """A sentence for each setting that is not at its default and does nothing, or not what its name says."""
    if once.solved(settings):
        return tuple(_unsolved(settings))
    return (*_without_effect(settings), *_frozen(settings), *_others(settings))


_OF_STEPS = ("optimiser.", "schedule.", "loss.", "augment.", "model.dropout", "model.hidden", "choice.patience")
_OF_SOLVING = ("schedule.epochs", "schedule.head_only", "augment.flip")


def _unsolved(settings: config.TrainConfig) -> Iterator[str]:
    """What only a training in steps looks at."""
    keys = [item for item in config.settings() if item.key.startswith(_OF_STEPS) and item.key not in _OF_SOLVING]
    plain = {item.key: 0 if item.key.startswith("augment.") else item.default for item in keys}  # 0: no such change
    changed = [item.label for item in keys if config.get(settings, item.key) != plain[item.key]]
    if changed:
        yield f"A support vector machine is solved, not trained in steps, so that nothing comes of: {', '.join(changed)}."
    if settings.model.weights == "none":
        yield "The backbone starts at random and stays so, as nothing of it learns."
    if settings.model.mirror != "off" and not settings.augment.flip:
        yield "Predictions are averaged with those of mirror images, which it never learns from: Horizontal flip is 0."


def _without_effect(settings: config.TrainConfig) -> Iterator[str]:
    items = {item.key: item for item in config.settings()}
    for condition in _CONDITIONS:
        item, value = items[condition.key], config.get(settings, condition.key)
        if value != item.default and not condition.acts(settings):
            said = value if isinstance(value, str) else f"{value:g}"
            yield f"{item.label} ({said}) changes nothing unless {condition.words}."


def _frozen(settings: config.TrainConfig) -> Iterator[str]:
    """Stages that are more than there are, or that stay as chance made them."""
    schedule, model = settings.schedule, settings.model
    there = len(BACKBONES[model.backbone].stages) if model.backbone in BACKBONES else 0
    if there and schedule.stages > there:
        yield f"Stages to unfreeze ({schedule.stages}) is more than {model.backbone} has ({there}): all of them learn."
    if model.weights != "none":
        return
    if schedule.head_only:
        until = f"for {counted(schedule.head_only, 'epoch')}" if schedule.head_only < schedule.epochs else "to the end"
        yield f"The backbone starts at random and stays so {until}, as only the head learns (Head only)."
    if 0 < schedule.stages < there:
        never = counted(there - schedule.stages, "stage")
        yield f"The backbone starts at random, and {never} of it never learn (Stages to unfreeze): set it to 0 for all."


def _others(settings: config.TrainConfig) -> Iterator[str]:
    schedule, augment = settings.schedule, settings.augment
    if (augment.mixup or augment.cutmix) and settings.compute.images_per_step == 1:
        yield "Mixup and CutMix change nothing with one image a step: there is no other to mix it with."
    if settings.model.mirror != "off" and not augment.flip:
        yield "Predictions are averaged with those of mirror images, which it never learns from: Horizontal flip is 0."
    if schedule.warmup >= schedule.epochs > 1:
        yield (
            f"Warm-up ({schedule.warmup:g} epochs) is as long as the training ({schedule.epochs}): the learning rate rises to "
            f"the end, and the schedule {schedule.name} never begins to fall."
        )
