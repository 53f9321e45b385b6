"""Every setting of training, declared once: name, default, label, help, unit, limits, choices.

The form in the window, `--set key=value`, the recipes, the checks and the documentation are all made from these fields.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer.declared import (
    ALL_VIEWS,
    FRONTAL_VIEWS,
    LEVELS,
    OF_ONE_FINDING,
    Augment,
    Choice,
    Compute,
    Imbalance,
    Loss,
    Model,
    Optimiser,
    Schedule,
    Task,
    setting,
)
from trainer.errors import ConfigError, did_you_mean

__all__ = [
    "ALL_VIEWS",
    "FRONTAL_VIEWS",
    "LEVEL",
    "LEVELS",
    "OF_ONE_FINDING",
    "Augment",
    "Choice",
    "Compute",
    "Imbalance",
    "Loss",
    "Model",
    "Optimiser",
    "Schedule",
    "Setting",
    "Task",
    "TrainConfig",
    "assignments",
    "changed",
    "completed",
    "differences",
    "from_tables",
    "get",
    "level",
    "level_of",
    "of_run",
    "parsed",
    "settings",
    "to_dict",
]

LEVEL = "augment.level"
"""Shorthand for the numbers of a level of augmentation; it is written nowhere, the numbers are."""
_FEW = 4
"""Settings that a sentence suggests at most."""
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
    seed: int = setting(1, "Seed", "Start of all random numbers; the same seed gives the same weights.", low=0, high=2**31 - 1)


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
    return [
        f"{key}={','.join(map(str, value)) if isinstance(value, (tuple, list)) else value}" for key, value in values.items()
    ]


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
    """Return `config` with dotted keys changed; a value may be text. Raises `ConfigError` (did you mean, limits).

    `LEVEL` is not a setting but stands for several: "augment.level=medium" sets the numbers of `LEVELS`.
    """
    known = {s.key: s for s in settings()}
    for key, value in values.items():
        if key == LEVEL:
            config = changed(config, level(value))
            continue
        if key not in known:
            raise ConfigError("There is no such setting", where=key, remedy=_meant(key, known))
        config = _replaced(config, key.split("."), _checked(known[key], value))
    return config


def _meant(key: str, known: Mapping[str, Setting]) -> str:
    """What somebody meant with a key that there is not: by writing, by its last name, by its label, by what it is about."""
    word = key.rpartition(".")[2]
    last = _plain(word)
    names = {one: _plain(one.rpartition(".")[2]) for one in (*known, LEVEL)}
    labels = {one: _plain(setting.label) for one, setting in known.items()}
    alike = difflib.get_close_matches(key, names, n=1, cutoff=0.85)
    alike = alike or [one for one in names if last and last in (names[one], labels.get(one))]
    alike = alike or [one for one in labels if difflib.get_close_matches(last, [labels[one], names[one]], cutoff=0.8)]
    near = did_you_mean(key, names)
    if not alike and not near.startswith("Did"):
        about = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
        alike = [one for one, setting in known.items() if word and about.search(f"{setting.label} {setting.help}")]
    if 0 < len(alike) <= _FEW:
        return f"Did you mean {'one of ' * (len(alike) > 1)}{', '.join(alike)}?"
    return near if near.startswith("Did") else "All are listed by: cxr-trainer recipes --settings"


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def level(name: object) -> dict[str, float]:
    """Dotted key -> number of a level of augmentation. Raises `ConfigError`."""
    if not isinstance(name, str) or name not in LEVELS:
        remedy = did_you_mean(str(name), LEVELS)
        raise ConfigError(f"'{name}' is no level of augmentation", where=LEVEL, remedy=remedy)
    return {f"augment.{key}": number for key, number in LEVELS[str(name)].items()}


def level_of(augment: Augment) -> str:
    """The name of the level whose numbers these are, "" where they are one's own; mixing stands beside the levels."""
    return next((name for name in LEVELS if all(getattr(augment, key) == n for key, n in LEVELS[name].items())), "")


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
    for number in value if isinstance(value, tuple) else (value,):
        _check_limits(item, number)
    return value


def _check_limits(item: Setting, value: Any) -> None:  # noqa: ANN401
    if not isinstance(value, (int, float)) or item.low is None or item.high is None or item.low <= value <= item.high:
        return
    unit = f" {item.unit}" if item.unit else ""
    low, high = (str(end) if isinstance(end, int) else f"{end:g}" for end in (item.low, item.high))
    raise ConfigError(
        f"{item.key} = {value} is outside its limits",
        where=item.label,
        remedy=f"Choose between {low} and {high}{unit}.",
    )


def _converted(item: Setting, value: Any) -> Any:  # noqa: ANN401
    if isinstance(item.kind, types.GenericAlias):
        return _listed(item, value)
    example = value.replace(",", ".") if item.kind is float and _is_with_comma(value) else item.default
    wrong = ConfigError(
        f"{item.key} takes {_NAMES[item.kind]}, not '{value}'", where=item.label, remedy=f"For example: {item.key}={example}"
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


def _is_with_comma(value: object) -> bool:
    """Whether it is a decimal number as much of the world writes it: 0,001."""
    return isinstance(value, str) and re.fullmatch(r"[0-9]+,[0-9]+", value) is not None


def _listed(item: Setting, value: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Words or numbers, from "a,b", from a list, or from one number alone; nothing is the default of a list of numbers."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    stripped = [part.strip() if isinstance(part, str) else part for part in parts]
    kind = typing.get_args(item.kind)[0]
    if kind is str and all(isinstance(part, str) for part in stripped):
        return tuple(part for part in stripped if part)
    one = dataclasses.replace(item, kind=kind, default="0.25,0.5" if kind is float else "A,B")
    return tuple(_converted(one, part) for part in stripped if part != "") or item.default


_NAMES = {int: "a whole number", float: "a number", str: "a word"}
