"""Recipes of one's own: files in the user's configuration folder, saved from a run, imported, exported, deleted."""

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
    return name


def save(name: str, settings: TrainConfig, *, title: str = "", about: str = "", replace: bool = False) -> Path:
    """Keep settings as a recipe, without the computer that they were for.

    Raises `ConfigError` for a name that cannot be or is taken, `StorageError`.
    """
    path = recipes.own_folder() / f"{check_name(name)}.toml"
    if path.exists() and not replace:
        remedy = "Choose another name, or replace it (--replace)."
        raise ConfigError(f"There is a recipe of your own named '{name}' already", where=path, remedy=remedy)
    here = {key: config.get(TrainConfig(), key) for key in _PLACE}
    files.write_text(path, written(title or name, about, config.changed(settings, here)))
    return path


def export(name: str, path: Path) -> None:
    """Write any recipe as a file that `take_in` reads. Raises `ConfigError`, `StorageError`."""
    recipe = recipes.load(name)
    if path.suffix != ".toml":
        raise ConfigError("A recipe is a .toml file", where=path, remedy=f"For example: {path.stem or recipe.name}.toml")
    files.write_text(path, written(recipe.title, recipe.about, recipe.settings))


def take_in(path: Path, *, name: str = "", replace: bool = False) -> Recipe:
    """Import a recipe file under its own name, or another. It is read and checked first.

    Raises `ConfigError` for a file that is no recipe, a setting that is not known or has a value that cannot be, and as `save`.
    """
    if path.suffix != ".toml":
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
