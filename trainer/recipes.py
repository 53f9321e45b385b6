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
    if path.suffix == ".toml":
        with files.storage_in_words(path):
            content = path.read_bytes()
        try:
            return _parsed(path.stem, content.decode("utf-8"), where=path)
        except UnicodeDecodeError as error:
            raise ConfigError("The recipe is not a text file", where=path, remedy="Save it as UTF-8.") from error
    known = {recipe.name: recipe for recipe in every()}
    if name not in known:
        raise ConfigError(f"There is no recipe '{name}'", remedy=did_you_mean(name, known))
    return known[name]


def _parsed(name: str, text: str, where: Path | None = None) -> Recipe:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"Not a TOML file: {error}", where=where or name, remedy="Correct the line that is named.") from error
    title, about = table.pop("title", name), " ".join(str(table.pop("about", "")).split())
    return Recipe(name, str(title), about, config.from_tables(table))
