"""Named starting points for training: what differs from the defaults, and an honest paragraph on each."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from trainer import config, files
from trainer.errors import ConfigError, did_you_mean

DEFAULT = "quick"


@dataclass(frozen=True)
class Recipe:
    """A named configuration; `title` is a line, `about` a paragraph for people."""

    name: str
    title: str
    about: str
    settings: config.TrainConfig


def every() -> list[Recipe]:
    """The recipes that come with the program, the default first."""
    folder = resources.files("trainer") / "resources" / "recipes"
    found = [_parsed(Path(str(f)).stem, f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".toml")]
    return sorted(found, key=lambda recipe: (recipe.name != DEFAULT, recipe.name))


def load(name: str) -> Recipe:
    """A recipe by its name, or from a .toml file of one's own. Raises `ConfigError`, `StorageError`."""
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
