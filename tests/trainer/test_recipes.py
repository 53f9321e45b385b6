"""Recipes: each reads, differs from the defaults, and says honestly what it is."""

from pathlib import Path

import pytest

from trainer import config, models, recipes
from trainer.errors import ConfigError, StorageError


def test_the_default_comes_first() -> None:
    assert recipes.every()[0].name == recipes.DEFAULT == "quick"


@pytest.mark.parametrize("recipe", recipes.every(), ids=lambda recipe: recipe.name)
def test_every_recipe_explains_itself_and_can_be_built(recipe: recipes.Recipe) -> None:
    assert recipe.title
    assert recipe.about.endswith(".")
    assert len(recipe.about.split()) > 15
    models.check(recipe.settings.model.backbone, recipe.settings.model.size)
    assert recipes.load(recipe.name) == recipe


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean quick"):
        recipes.load("quik")


def test_a_recipe_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\nabout = "Two\\nlines"\n[optimiser]\nlr = 0.5\n')
    found = recipes.load(str(path))
    assert (found.name, found.title, found.about) == ("mine", "Mine", "Two lines")
    assert found.settings == config.changed(config.TrainConfig(), {"optimiser.lr": 0.5})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[optimiser", "Not a TOML file"),
        (b"[optimizer]\nlr = 1", "Did you mean optimiser"),
        (b"\xff\xfe", "not a text file"),
        (b" \n", "The recipe is empty"),
        (b"seed = " + b"9" * 5000, "Not a TOML file"),
        (b"a = " + b"[" * 100_000, "nested too deeply|Not a TOML file"),
        (b".".join([b"a"] * 5000) + b" = 1", "nested too deeply|no such setting"),
        (b"# " + b"x" * (1 << 20), "far too large"),
        (b"[augment]\nlevel = ['medium']", "no level of augmentation"),
        (b"[augment]\nlevel = 3", "no level of augmentation"),
        (b"[optimiser]\nlr = 100", r"Learning rate in .*mine\.toml"),
        (b"[optimiser]\nlr = 'x'", "takes a number"),
    ],
)
def test_a_broken_recipe_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        recipes.load(str(path))


def test_a_missing_recipe_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        recipes.load(str(tmp_path / "mine.toml"))


def test_a_mark_before_the_text_is_no_fault(tmp_path: Path) -> None:
    """As some editors on Windows write it."""
    (tmp_path / "mine.toml").write_bytes("\ufefftitle = 'Größe'\r\nseed = 7\r\n".encode())
    found = recipes.load(str(tmp_path / "mine.toml"))
    assert (found.title, found.settings.seed) == ("Größe", 7)
    (tmp_path / "LOUD.TOML").write_text("seed = 7")
    assert recipes.load(str(tmp_path / "LOUD.TOML")).settings.seed == 7


def test_a_title_does_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('title = "a\\nb\\u001b[31m' + "x" * 500 + '"\nabout = "c\\u0007d"')
    found = recipes.load(str(tmp_path / "mine.toml"))
    assert found.title.startswith("a b [31mxxx")
    assert (len(found.title), found.about) == (120, "c d")
