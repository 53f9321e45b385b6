"""Recipes of one's own: files in the user's configuration folder, saved from a run, imported, exported, deleted."""

import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer import config, files, recipes
from trainer.config import TrainConfig
from trainer.errors import ConfigError, did_you_mean
from trainer.recipes import Recipe

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])([.].*)?")
"""Names that Windows keeps for devices: a recipe must be able to go there."""
_PLACE = ("compute.device", "compute.devices", "compute.threads")
"""Settings that say where it was computed, not how; they stay behind when a recipe is made."""


def check_name(name: str) -> str:
    """A name that a recipe of one's own can have, as it came. Raises `ConfigError`."""
    if name in {recipe.name for recipe in recipes.shipped()}:
        remedy = "Choose another name."
        raise ConfigError(f"'{name}' is a recipe of the program and is not replaced", where="recipe", remedy=remedy)
    if not _NAME.fullmatch(name) or name.endswith("."):
        remedy = "Use small letters, digits, '-', '_' and '.', and begin with a letter or digit."
        raise ConfigError(f"'{name}' cannot be the name of a recipe", where="recipe", remedy=remedy)
    if _RESERVED.fullmatch(name):
        what = f"'{name}' cannot be the name of a recipe: Windows keeps it for a device"
        raise ConfigError(what, where="recipe", remedy="Choose another name.")
    return name


def usable_name(name: str) -> str:
    """The nearest name that a recipe of one's own can have: "My recipe" is my-recipe, one of the program gets a number."""
    near = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.")[:50] or "recipe"
    near = f"recipe-{near}" if _RESERVED.fullmatch(near) else near
    shipped = {recipe.name for recipe in recipes.shipped()}
    return next(one for number in itertools.count(1) if (one := near if number == 1 else f"{near}-{number}") not in shipped)


def text_of(name: str) -> str:
    """The file of a recipe of one's own as it stands, "" where it cannot be read."""
    try:
        return (recipes.own_folder() / f"{name}.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def restore(name: str, text: str) -> None:
    """Write a file back that `text_of` read. Raises `ConfigError` where there is another of that name now, `StorageError`."""
    path = recipes.own_folder() / f"{check_name(name)}.toml"
    if path.exists():
        raise ConfigError(f"There is a recipe of your own named '{name}' already", where=path, remedy="Delete it first.")
    files.write_text(path, text)


def save(name: str, settings: TrainConfig, *, title: str = "", about: str = "", replace: bool = False) -> Path:
    """Keep settings as a recipe, without the computer that they were for: as many images a step on one device.

    Raises `ConfigError` for a name that cannot be or is taken, `StorageError`.
    """
    path = recipes.own_folder() / f"{check_name(name)}.toml"
    if path.exists() and not replace:
        remedy = "Choose another name, or replace it (--replace)."
        raise ConfigError(f"There is a recipe of your own named '{name}' already", where=path, remedy=remedy)
    files.write_text(path, written(recipes.plain(title) or name, recipes.plain(about), _anywhere(settings)))
    return path


def _anywhere(settings: TrainConfig) -> TrainConfig:
    """The same training on one device of any computer; a weights file that is here is named by its whole path."""
    compute, weights = settings.compute, Path(settings.model.weights)
    most = next(item.high or 1 for item in config.settings() if item.key == "compute.accumulate")
    passes = min(int(most), compute.accumulate * max(1, compute.devices))
    values: dict[str, Any] = {key: config.get(TrainConfig(), key) for key in _PLACE} | {"compute.accumulate": passes}
    if not weights.is_absolute() and needs_file(settings) and files.is_file(weights):
        values["model.weights"] = str(weights.absolute())
    return config.changed(settings, values)


def needs_file(settings: TrainConfig) -> bool:
    """Whether the network starts from a weights file of the user's own."""
    return settings.model.weights not in ("none", "imagenet")


def missing(settings: TrainConfig) -> str:
    """A sentence where the weights file that a recipe starts from is not on this computer; else ""."""
    if not needs_file(settings) or files.is_file(Path(settings.model.weights).expanduser()):
        return ""
    file = settings.model.weights
    return (
        f"It starts from the weights file {file}, which is not here: set model.weights to where it is, to imagenet or to none."
    )


def export(name: str, path: Path) -> None:
    """Write any recipe as a file that `take_in` reads. Raises `ConfigError`, `StorageError`."""
    recipe = recipes.load(name)
    if path.suffix.casefold() != ".toml":
        raise ConfigError("A recipe is a .toml file", where=path, remedy=f"For example: {path.stem or recipe.name}.toml")
    files.write_text(path, written(recipe.title, recipe.about, recipe.settings))


def take_in(path: Path, *, name: str = "", replace: bool = False) -> Recipe:
    """Import a recipe file under its own name, or another. It is read and checked first.

    Raises `ConfigError` for a file that is no recipe, a setting that is not known or has a value that cannot be, and as `save`.
    """
    if path.suffix.casefold() != ".toml":
        raise ConfigError("A recipe is a .toml file", where=path, remedy="Choose a file that was exported as a recipe.")
    read = recipes.load(str(path))
    save(name or path.stem, read.settings, title=read.title, about=read.about, replace=replace)
    return recipes.load(name or path.stem)


def delete(name: str) -> None:
    """Delete a recipe of one's own. Raises `ConfigError` where there is none of that name, `StorageError`."""
    path = recipes.own_folder() / f"{name}.toml"
    own = [one.stem for one in recipes.own_files()]
    if name not in own:
        shipped = name in {recipe.name for recipe in recipes.shipped()}
        what = f"'{name}' is a recipe of the program and stays" if shipped else f"There is no recipe of your own named '{name}'"
        raise ConfigError(what, remedy="" if shipped else did_you_mean(name, own))
    with files.storage_in_words(path):
        path.unlink()


def of_run(about: Mapping[str, Any]) -> TrainConfig:
    """The settings of a run (its `about`). Raises `ConfigError`."""
    return config.of_run(about.get("config", {}))


def written(title: str, about: str, settings: TrainConfig) -> str:
    """TOML text of a recipe: title, paragraph, and what differs from the defaults, by part."""
    lines = [f"title = {_value(title)}", f"about = {_value(about)}"]
    parts: dict[str, list[str]] = {}
    for key, value in config.to_dict(settings, only_changed=True).items():
        part, _, name = key.rpartition(".")
        parts.setdefault(part, []).append(f"{name} = {_value(value)}")
    lines += parts.pop("", [])
    for part, values in parts.items():
        lines += ["", f"[{part}]", *values]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    """A TOML value. Basic strings and arrays are written as JSON writes them, but for one control character that it leaves."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F") if isinstance(value, str) else repr(value)
