"""Named starting points for training: what differs from the defaults, and an honest paragraph on each."""

import tomllib
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import platformdirs

from trainer import config, files
from trainer.errors import ConfigError, StorageError, did_you_mean

DEFAULT = "quick"
LARGEST = 1 << 20
"""Bytes of a recipe file; ours have two thousand."""
LONGEST_TITLE = 120


@dataclass(frozen=True)
class Recipe:
    """A named configuration; `title` is a line, `about` a paragraph for people; `own` where the user has made it."""

    name: str
    title: str
    about: str
    settings: config.TrainConfig
    own: bool = False


def shipped() -> list[Recipe]:
    """The recipes that come with the program, the default first."""
    folder = resources.files("trainer") / "resources" / "recipes"
    found = [_parsed(Path(str(f)).stem, f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".toml")]
    return sorted(found, key=lambda recipe: (recipe.name != DEFAULT, recipe.name))


def every() -> list[Recipe]:
    """The recipes that come with the program, the default first, then those of the user that can be read, by name."""
    known = shipped()
    taken = {recipe.name for recipe in known}
    for path in own_files():
        if path.stem not in taken:
            with suppress(ConfigError, StorageError):  # told by `damaged`
                known.append(replace(load(str(path)), own=True))
    return known


def own_folder() -> Path:
    """Where recipes of the user's own lie; it need not be there."""
    return platformdirs.user_config_path("cxr-desktop", appauthor=False) / "recipes"


def own_files() -> list[Path]:
    """The files of the user's own recipes, by name."""
    folder = own_folder()
    return sorted(path for path in folder.glob("*.toml") if not path.name.startswith(".")) if folder.is_dir() else []


def damaged() -> list[str]:
    """Sentences on recipes of the user's own that cannot be used."""
    told, taken = [], {recipe.name for recipe in shipped()}
    for path in own_files():
        if path.stem in taken:
            told.append(f"Your recipe {path.stem} has the name of one of the program and is not used ({path}).")
            continue
        try:
            load(str(path))
        except (ConfigError, StorageError) as error:
            told.append(f"Your recipe {path.stem} cannot be used: {error}")
    return told


def load(name: str) -> Recipe:
    """A recipe by its name, or from a .toml file wherever it lies. Raises `ConfigError`, `StorageError`."""
    path = Path(name)
    if path.suffix.casefold() == ".toml":
        return _parsed(path.stem, _text(path), where=path)
    known = {recipe.name: recipe for recipe in every()}
    if name not in known:
        raise ConfigError(f"There is no recipe '{name}'", remedy=did_you_mean(name, known))
    return known[name]


def _text(path: Path) -> str:
    with files.storage_in_words(path), path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ConfigError(
            "The file is far too large for a recipe", where=path, remedy="Choose a file that was exported as one."
        )
    try:
        return content.decode("utf-8-sig")  # some editors put a mark before the text
    except UnicodeDecodeError as error:
        raise ConfigError("The recipe is not a text file", where=path, remedy="Save it as UTF-8.") from error


def _parsed(name: str, text: str, where: Path | None = None) -> Recipe:
    if not text.strip():
        raise ConfigError("The recipe is empty", where=where or name, remedy="Export it again.")
    try:
        table = tomllib.loads(text)
        title, about = plain(table.pop("title", "")), plain(table.pop("about", ""))
        return Recipe(name, title[:LONGEST_TITLE] or name, about, config.from_tables(table))
    except ConfigError as error:
        place = f"{error.where} in {where}" if where else error.where
        raise ConfigError(error.what, where=place, remedy=error.remedy) from error
    except RecursionError as error:
        raise ConfigError("The recipe is nested too deeply", where=where or name, remedy="Export it again.") from error
    except ValueError as error:  # no TOML, or a number with thousands of digits
        raise ConfigError(f"Not a TOML file: {error}", where=where or name, remedy="Correct the line that is named.") from error


def plain(text: object) -> str:
    """Words on one line: control signs, which could steer a terminal, count as blanks."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())
