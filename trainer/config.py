"""Every setting of training, declared once: name, default, label, help, unit, limits, choices.

The form in the window, `--set key=value`, the recipes, the checks and the documentation are all made from these fields.
"""

import dataclasses
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer.errors import ConfigError, did_you_mean

FRONTAL_VIEWS, ALL_VIEWS = "frontal", "all"
_BEFORE: Mapping[str, Any] = {"task.views": ALL_VIEWS}
"""What runs did before a setting existed, where that is not its default."""


@dataclass(frozen=True)
class Setting:
    """What a person needs to know about one setting; `key` is its dotted path, for example "optimiser.lr".

    `step` is a sensible change of a number (0: none is known), `term` its entry in the glossary, `section` the part of the
    configuration that it stands in, in words.
    """

    key: str
    kind: type
    default: Any
    label: str
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float = 0.0
    choices: tuple[str, ...] = ()
    essential: bool = False
    term: str = ""
    section: str = ""


def _setting(default: Any, label: str, help: str, **more: Any) -> Any:  # noqa: A002, ANN401 - becomes a dataclass field
    return field(default=default, metadata={"label": label, "help": help, **more})


@dataclass(frozen=True)
class Task:
    """What is to be told apart."""

    kind: str = _setting(
        "multi-class",
        "Task",
        "multi-class: each image has exactly one finding; multi-label: each finding is present or absent on its own.",
        choices=("multi-class", "multi-label"),
        essential=True,
        term="multi-class, multi-label",
    )
    findings: tuple[str, ...] = _setting(
        (), "Findings", "The findings to learn, in this order; empty: all of the project.", term="finding"
    )
    views: str = _setting(
        FRONTAL_VIEWS,
        "Views",
        "frontal leaves out images whose view is known to be lateral, oblique or otherwise not frontal; those of unknown view "
        "stay. all takes every image. The network is judged on the same views as it learns from.",
        choices=(FRONTAL_VIEWS, ALL_VIEWS),
        term="view",
    )
    level: int = _setting(
        0,
        "Level of findings",
        "Where findings form a tree (Pneumonia/Viral/COVID-19): 1 learns the first step (Pneumonia), 2 the first two, and so "
        "on; 0 learns all names as they are labelled. A shorter path with nothing below it (No Finding) stays; an image whose "
        "label ends above the level (Pneumonia at level 2) is not stated there.",
        low=0,
        high=9,
        term="finding",
    )


@dataclass(frozen=True)
class Model:
    """The network and what it sees."""

    backbone: str = _setting(
        "squeezenet1_1",
        "Backbone",
        "The network that turns a radiograph into features.",
        essential=True,
    )
    weights: str = _setting(
        "imagenet",
        "Weights",
        "Where the backbone starts: imagenet (downloaded once), none (random), or the path of a .safetensors or .pth file.",
        essential=True,
    )
    size: int = _setting(
        256,
        "Image size",
        "Side of the square that the network sees; twice the side costs four times the time.",
        unit="px",
        low=32,
        high=1024,
        step=32,
        essential=True,
    )
    fit: str = _setting(
        "stretch",
        "Fit",
        "How a radiograph becomes a square: stretch changes its shape, pad adds black borders, crop cuts the longer side.",
        choices=("stretch", "pad", "crop"),
    )
    dropout: float = _setting(
        0.2,
        "Dropout",
        "Share of features left out at random before the head while training; more works against overfitting.",
        low=0.0,
        high=0.9,
    )


@dataclass(frozen=True)
class Optimiser:
    """How weights are changed after each batch."""

    name: str = _setting(
        "adamw",
        "Optimiser",
        "The rule that turns gradients into changes of the weights.",
        choices=("adamw", "adam", "nadam", "sgd"),
    )
    lr: float = _setting(
        3e-4,
        "Learning rate",
        "Size of the largest step; too large and the loss jumps, too small and nothing is learned.",
        low=1e-7,
        high=10.0,
        essential=True,
    )
    weight_decay: float = _setting(
        1e-2, "Weight decay", "Pull of all weights towards zero, against overfitting.", low=0.0, high=1.0, step=0.005
    )
    momentum: float = _setting(
        0.9, "Momentum", "Share of the last step that goes into the next one (SGD only).", low=0.0, high=0.999, step=0.01
    )
    clip: float = _setting(
        1.0, "Gradient clipping", "Longest gradient (L2 norm) that is let through; 0 lets all through.", low=0.0, high=1000.0
    )
    average: float = _setting(
        0.0,
        "Weight averaging",
        "Decay of the running average of the weights (EMA) that is validated and kept; 0 keeps the last weights themselves.",
        low=0.0,
        high=0.9999,
        step=0.01,
    )


@dataclass(frozen=True)
class Schedule:
    """How long, and how the learning rate moves."""

    epochs: int = _setting(
        15, "Epochs", "How often the network sees the training images.", low=1, high=10_000, essential=True, term="epoch"
    )
    name: str = _setting(
        "cosine",
        "Schedule",
        "cosine: warm-up, then falling to zero along a cosine; one-cycle: rising, then falling; constant: warm-up, then level.",
        choices=("cosine", "one-cycle", "constant"),
    )
    warmup: float = _setting(
        1.0,
        "Warm-up",
        "Time in which the learning rate rises from zero (one-cycle: its rising part).",
        unit="epochs",
        low=0.0,
        high=1000.0,
    )
    head_only: int = _setting(
        0,
        "Head only",
        "Epochs at the start in which only the head learns and the backbone stays as it came.",
        unit="epochs",
        low=0,
        high=10_000,
        term="freezing",
    )
    stages: int = _setting(
        0,
        "Stages to unfreeze",
        "How many stages of the backbone, counted from the head, learn after that; 0: all.",
        low=0,
        high=100,
        term="freezing",
    )
    backbone_lr: float = _setting(
        1.0,
        "Backbone learning rate",
        "Learning rate of the backbone as a share of the head's.",
        low=0.0,
        high=1.0,
        term="learning rate",
    )


@dataclass(frozen=True)
class Loss:
    """What is made small: cross entropy for multi-class tasks, binary cross entropy for multi-label ones, or focal loss."""

    name: str = _setting(
        "cross-entropy",
        "Loss",
        "cross-entropy: each image counts alike; focal: images that are already right count less (Lin et al. 2017).",
        choices=("cross-entropy", "focal"),
    )
    gamma: float = _setting(
        2.0,
        "Focal gamma",
        "How strongly focal loss leaves out what is already right; 0 is cross entropy, 2 is usual.",
        low=0.0,
        high=10.0,
        term="focal loss",
    )
    alpha: float = _setting(
        0.0,
        "Focal alpha",
        "Weight of yes in focal loss, no gets the rest (multi-label only); 0 weights neither, the paper has 0.25.",
        low=0.0,
        high=0.99,
        term="focal loss",
    )
    smoothing: float = _setting(
        0.0,
        "Label smoothing",
        "How far the targets move from 0 and 1 towards even; keeps the network from being too sure.",
        low=0.0,
        high=0.5,
    )


@dataclass(frozen=True)
class Imbalance:
    """What is done about rare findings."""

    method: str = _setting(
        "none",
        "Imbalance",
        "class-weights: mistakes on rare findings cost more; weighted-sampler: rare findings are drawn more often; "
        "oversampling repeats images of rare findings; undersampling leaves out images of frequent ones, others each epoch.",
        choices=("none", "class-weights", "weighted-sampler", "oversampling", "undersampling"),
        essential=True,
    )


@dataclass(frozen=True)
class Augment:
    """Random changes to training images, anew each time an image is shown."""

    flip: float = _setting(
        0.5, "Horizontal flip", "Chance that left and right are exchanged (the heart changes side too).", low=0.0, high=1.0
    )
    rotation: float = _setting(
        0.0,
        "Rotation",
        "Largest turn to either side. Turning resamples, which softens the image.",
        unit="degrees",
        low=0.0,
        high=180.0,
    )
    zoom: float = _setting(0.0, "Zoom", "Largest change of scale, in or out, as a share. Zooming resamples.", low=0.0, high=0.5)
    shift: float = _setting(
        0.0, "Shift", "Largest shift along each axis, as a share of the side; by whole pixels.", low=0.0, high=0.5
    )
    brightness: float = _setting(
        0.1, "Brightness", "Largest change of brightness, as a share of the grey scale.", low=0.0, high=0.9
    )
    contrast: float = _setting(0.1, "Contrast", "Largest change of contrast, as a share.", low=0.0, high=0.9)


@dataclass(frozen=True)
class Choice:
    """Which epoch is kept, and when to end early; both look at validation data only."""

    metric: str = _setting(
        "macro_f1",
        "Choose by",
        "The validation metric that decides which epoch is kept.",
        choices=("macro_f1", "macro_auroc", "balanced_accuracy", "accuracy", "loss"),
        essential=True,
        term="metric",
    )
    patience: int = _setting(
        0,
        "Patience",
        "Epochs without a better value after which training ends; 0 never ends early.",
        unit="epochs",
        low=0,
        high=10_000,
    )


@dataclass(frozen=True)
class Compute:
    """Where and how it is computed."""

    device: str = _setting(
        "auto", "Device", "Where it is computed: auto takes the GPU if there is one; or cpu, cuda, cuda:1, mps.", essential=True
    )
    precision: str = _setting(
        "auto",
        "Precision",
        "auto measures on this network and device what is fastest; fp32 is exact, bf16 and fp16 are mixed precision.",
        choices=("auto", "fp32", "bf16", "fp16"),
        term="mixed precision",
    )
    batch: int = _setting(32, "Batch", "Images per step.", unit="images", low=1, high=4096, step=8, essential=True)
    threads: int = _setting(0, "Threads", "Processor threads; 0 takes all cores.", low=0, high=1024)


@dataclass(frozen=True)
class TrainConfig:
    """The whole of training. Nested parts are addressed with a dot: optimiser.lr."""

    task: Task = field(default_factory=Task, metadata={"title": "Task"})
    model: Model = field(default_factory=Model, metadata={"title": "Model"})
    optimiser: Optimiser = field(default_factory=Optimiser, metadata={"title": "Optimiser"})
    schedule: Schedule = field(default_factory=Schedule, metadata={"title": "Schedule"})
    loss: Loss = field(default_factory=Loss, metadata={"title": "Loss"})
    imbalance: Imbalance = field(default_factory=Imbalance, metadata={"title": "Imbalance"})
    augment: Augment = field(default_factory=Augment, metadata={"title": "Augmentation", "term": "augmentation"})
    choice: Choice = field(default_factory=Choice, metadata={"title": "Choice of the epoch"})
    compute: Compute = field(default_factory=Compute, metadata={"title": "Computer"})
    seed: int = _setting(1, "Seed", "Start of all random numbers; the same seed gives the same weights.", low=0, high=2**31 - 1)


def settings(part: type = TrainConfig, prefix: str = "", section: str = "General", term: str = "") -> Iterator[Setting]:
    """Every setting, in the order of declaration."""
    hints: dict[str, Any] = typing.get_type_hints(part)
    for item in dataclasses.fields(part):
        known, kind = dict(item.metadata), hints[item.name]
        if dataclasses.is_dataclass(kind):
            yield from settings(hints[item.name], f"{prefix}{item.name}.", known["title"], known.get("term", ""))
        else:
            known = {"term": term or known["label"].lower(), **known}
            yield Setting(key=prefix + item.name, kind=kind, default=item.default, section=section, **known)


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Each value as "key=value", which `parsed` and `changed` turn back into the same value."""
    return [f"{key}={','.join(value) if isinstance(value, (tuple, list)) else value}" for key, value in values.items()]


def differences(config: TrainConfig, start: TrainConfig) -> dict[str, Any]:
    """Dotted key -> value of what stands otherwise in `config` than in `start`."""
    return {item.key: get(config, item.key) for item in settings() if get(config, item.key) != get(start, item.key)}


def get(config: TrainConfig, key: str) -> Any:  # noqa: ANN401 - a setting's own type
    """Return the value of a dotted key."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def changed(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """Return `config` with dotted keys changed; a value may be text. Raises `ConfigError` (did you mean, limits)."""
    known = {s.key: s for s in settings()}
    for key, value in values.items():
        if key not in known:
            raise ConfigError("There is no such setting", where=key, remedy=did_you_mean(key, known))
        config = _replaced(config, key.split("."), _checked(known[key], value))
    return config


def of_run(stored: Mapping[str, Any]) -> TrainConfig:
    """The configuration that a run stored; settings that it did not know yet are as they worked then. Raises `ConfigError`."""
    return changed(TrainConfig(), completed(stored))


def completed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a run stored, with what it did before a setting existed, where that is not the setting's default."""
    return {**_BEFORE, **stored}


def parsed(assignments: Iterable[str]) -> dict[str, str]:
    """Split "key=value" texts. Raises `ConfigError`."""
    pairs = {}
    for text in assignments:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise ConfigError("A setting is written key=value", where=text, remedy="For example: --set optimiser.lr=1e-3")
        pairs[key.strip()] = value.strip()
    return pairs


def to_dict(config: TrainConfig, *, only_changed: bool = False) -> dict[str, Any]:
    """Dotted key -> JSON value; with `only_changed` only what differs from the defaults."""
    found = {}
    for item in settings():
        value = get(config, item.key)
        if not only_changed or value != item.default:
            found[item.key] = list(value) if isinstance(value, tuple) else value
    return found


def from_tables(tables: Mapping[str, Any]) -> TrainConfig:
    """Configuration from nested tables of differences from the defaults, as TOML gives them. Raises `ConfigError`."""
    return changed(TrainConfig(), _flat(tables))


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _replaced(part: Any, names: list[str], value: Any) -> Any:  # noqa: ANN401 - any dataclass of this module
    if len(names) > 1:
        value = _replaced(getattr(part, names[0]), names[1:], value)
    return dataclasses.replace(part, **{names[0]: value})


def _checked(item: Setting, value: Any) -> Any:  # noqa: ANN401
    value = _converted(item, value)
    if item.choices and value not in item.choices:
        raise ConfigError(f"'{value}' is no choice for {item.key}", where=item.label, remedy=did_you_mean(value, item.choices))
    if (
        isinstance(value, (int, float))
        and item.low is not None
        and item.high is not None
        and not item.low <= value <= item.high
    ):
        unit = f" {item.unit}" if item.unit else ""
        raise ConfigError(
            f"{item.key} = {value} is outside its limits",
            where=item.label,
            remedy=f"Choose between {item.low:g} and {item.high:g}{unit}.",
        )
    return value


def _converted(item: Setting, value: Any) -> Any:  # noqa: ANN401
    if isinstance(item.kind, types.GenericAlias):
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(p.strip() for p in parts if p.strip())
    wrong = ConfigError(
        f"{item.key} takes {_NAMES[item.kind]}, not '{value}'",
        where=item.label,
        remedy=f"For example: {item.key}={item.default}",
    )
    if item.kind is str:
        if not isinstance(value, str):
            raise wrong
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong
    try:
        number = float(value)
        if item.kind is float:
            return number
        if number != int(number):
            raise wrong
        return int(value) if isinstance(value, (int, str)) and "e" not in str(value).lower() else int(number)
    except (ValueError, OverflowError) as error:
        raise wrong from error


_NAMES = {int: "a whole number", float: "a number", str: "a word"}
