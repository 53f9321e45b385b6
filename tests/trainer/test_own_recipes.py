"""Recipes of one's own: saved from runs, exported, imported, deleted; the program's own are never touched."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import cli, config, own_recipes, recipes
from trainer.errors import ConfigError, StorageError

MINE = config.changed(
    config.TrainConfig(), {"optimiser.lr": 0.5, "task.findings": 'A "b",C\\d', "model.weights": "none", "seed": 7}
)


def test_a_saved_recipe_is_offered_after_those_of_the_program() -> None:
    assert recipes.own_files() == []
    path = own_recipes.save("mine", MINE, title="Mine", about="My own.")
    assert path.parent == recipes.own_folder()
    found = recipes.every()
    assert [recipe.own for recipe in found] == [False] * (len(found) - 1) + [True]
    assert found[-1] == recipes.load("mine")
    assert (found[-1].name, found[-1].title, found[-1].about, found[-1].settings) == ("mine", "Mine", "My own.", MINE)
    assert "mine" not in [recipe.name for recipe in recipes.shipped()]


@given(
    title=st.text(max_size=30), finding=st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_is_read_back(title: str, finding: str) -> None:
    chosen = config.changed(MINE, {"task.findings": (finding,), "loss.smoothing": 1e-05})
    found = recipes._parsed("x", own_recipes.written(title, "", chosen))
    assert (found.title, found.settings) == (recipes.plain(title) or "x", chosen)


def test_names_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="is a recipe of the program"):
        own_recipes.save("quick", MINE, replace=True)
    for name in ("", "Mine", "a/b", "../x", ".hidden", "x" * 61, "end."):
        with pytest.raises(ConfigError, match="cannot be the name"):
            own_recipes.save(name, MINE)
    for name in ("con", "nul", "com1", "aux.x"):
        with pytest.raises(ConfigError, match="Windows keeps it"):
            own_recipes.save(name, MINE)
        assert own_recipes.check_name(own_recipes.usable_name(name))
    assert own_recipes.check_name("console") == "console"
    own_recipes.save("mine", MINE)
    with pytest.raises(ConfigError, match="already"):
        own_recipes.save("mine", config.TrainConfig())
    assert recipes.load("mine").settings == MINE
    own_recipes.save("mine", config.TrainConfig(), replace=True)
    assert recipes.load("mine").settings == config.TrainConfig()


def test_export_and_import_are_each_others_way_back(tmp_path: Path) -> None:
    own_recipes.save("mine", MINE, title="Mine", about="My own.")
    own_recipes.export("mine", tmp_path / "shared.toml")
    taken = own_recipes.take_in(tmp_path / "shared.toml")
    assert (taken.name, taken.settings, taken.own) == ("shared", MINE, True)
    assert own_recipes.take_in(tmp_path / "shared.toml", name="third").name == "third"
    with pytest.raises(ConfigError, match="already"):
        own_recipes.take_in(tmp_path / "shared.toml")
    own_recipes.export("quick", tmp_path / "quick.toml")
    with pytest.raises(ConfigError, match="recipe of the program"):
        own_recipes.take_in(tmp_path / "quick.toml")
    assert own_recipes.take_in(tmp_path / "quick.toml", name="quick-2").settings == recipes.load("quick").settings
    with pytest.raises(ConfigError, match=r"a \.toml file"):
        own_recipes.export("mine", tmp_path / "mine.txt")
    with pytest.raises(StorageError):
        own_recipes.take_in(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[optimizer]\nlr = 1", "Did you mean optimiser"),
        ("[optimiser]\nlr = 100", "outside its limits"),
        ("lr =", "Not a TOML file"),
    ],
)
def test_a_file_that_is_no_recipe_is_not_taken_in(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "bad.toml").write_text(content)
    with pytest.raises(ConfigError, match=words):
        own_recipes.take_in(tmp_path / "bad.toml")
    assert recipes.own_files() == []
    with pytest.raises(ConfigError, match=r"a \.toml file"):
        own_recipes.take_in(tmp_path / "bad.txt")


def test_a_recipe_that_was_damaged_is_told_and_the_others_stay() -> None:
    own_recipes.save("mine", MINE)
    (recipes.own_folder() / "bad.toml").write_text("title =")
    (recipes.own_folder() / "quick.toml").write_text("")
    assert [recipe.name for recipe in recipes.every() if recipe.own] == ["mine"]
    bad, shadow = recipes.damaged()
    assert "bad cannot be used: Not a TOML file" in bad
    assert "has the name of one of the program" in shadow
    assert recipes.load("quick").about


def test_deleting() -> None:
    own_recipes.save("mine", MINE)
    with pytest.raises(ConfigError, match="Did you mean mine"):
        own_recipes.delete("mime")
    with pytest.raises(ConfigError, match="of the program and stays"):
        own_recipes.delete("quick")
    own_recipes.delete("mine")
    assert recipes.own_files() == []


def test_the_settings_of_a_run_without_its_computer() -> None:
    stored = config.to_dict(config.changed(MINE, {"compute.device": "cuda:1", "compute.threads": 3, "compute.batch": 8}))
    own_recipes.save("mine", own_recipes.of_run({"config": stored}))
    assert recipes.load("mine").settings == config.changed(MINE, {"compute.batch": 8})


def test_a_recipe_of_several_devices_has_as_many_images_a_step_on_one() -> None:
    """Its learning rate was right for that many; how many devices there are is another computer's affair."""
    several = config.changed(MINE, {"compute.devices": 4, "compute.batch": 8, "compute.accumulate": 2})
    own_recipes.save("mine", several)
    found = recipes.load("mine").settings
    assert (found.compute.devices, found.compute.batch, found.compute.accumulate) == (1, 8, 8)
    assert found.compute.images_per_step == several.compute.images_per_step == 64
    own_recipes.save("many", config.changed(MINE, {"compute.devices": 1000, "compute.accumulate": 1000}))
    assert recipes.load("many").settings.compute.accumulate == 1024


def test_the_weights_file_of_another_computer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.safetensors").write_bytes(b"x")
    here = config.changed(MINE, {"model.weights": "w.safetensors"})
    assert own_recipes.missing(here) == own_recipes.missing(MINE) == own_recipes.missing(config.TrainConfig()) == ""
    own_recipes.save("mine", here)
    assert recipes.load("mine").settings.model.weights == str(tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").unlink()
    assert "which is not here: set model.weights" in own_recipes.missing(recipes.load("mine").settings)


def test_the_terminal(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", "--save", "mine"]) == 2
    assert "--from" in capsys.readouterr().err
    assert cli.main(["recipes", "--save", "mine", "--from", str(trained), "--title", "Mine"]) == 0
    assert "--recipe mine" in capsys.readouterr().out
    assert recipes.load("mine").settings.model.backbone == "cxr_small"
    assert cli.main(["recipes", "--export", "mine", str(tmp_path / "out.toml")]) == 0
    assert cli.main(["recipes", "--import", str(tmp_path / "out.toml"), "--name", "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"done": "Imported: train with --recipe other"}
    assert cli.main(["recipes", "--delete", "other"]) == 0
    (recipes.own_folder() / "bad.toml").write_text("title =")
    assert cli.main(["recipes"]) == 0
    shown = capsys.readouterr().out
    assert "mine (your own): Mine" in shown
    assert "Note: Your recipe bad cannot be used" in shown


def test_what_the_terminal_shows_of_recipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = config.changed(MINE, {"model.weights": "C:/anna/w.safetensors"})
    (tmp_path / "Meine Größe.toml").write_text(own_recipes.written("Mine", "", foreign), encoding="utf-8")
    assert cli.main(["recipes", "--import", str(tmp_path / "Meine Größe.toml")]) == 0
    said = capsys.readouterr().out
    assert "train with --recipe meine-gr-e\n" in said
    assert "Note: It starts from the weights file C:/anna/w.safetensors, which is not here" in said
    assert cli.main(["recipes", "meine-gr-e", "quick"]) == 0
    said = capsys.readouterr().out
    assert "meine-gr-e (your own): Mine" in said
    assert "scratch" not in said
    assert cli.main(["recipes", "--json", "meine-gr-e"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["own"]) for one in found["recipes"]] == [("meine-gr-e", True)]
    assert cli.main(["recipes", "--export", "meine-gr-e", str(tmp_path / "out.toml")]) == 0
    assert "send that file along" in capsys.readouterr().out
    assert cli.main(["recipes", "quik"]) == 2
    assert "Did you mean quick" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--from", "x"], "--from belongs to --save"),
        (["--delete", "x", "--title", "y"], "--title belongs to --save"),
        (["--replace"], "--replace belongs to --save or --import"),
        (["--save", "x", "--from", "y", "--name", "z"], "--name belongs to --import"),
        (["quick", "--delete", "x"], "'quick' has no meaning here"),
        (["--save", "Mine", "--from", "nowhere"], "cannot be the name of a recipe"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", *words]) == 2
    assert told in capsys.readouterr().err


def test_settings_are_listed_with_the_levels_of_augmentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", "--settings"]) == 0
    said = capsys.readouterr().out
    assert all(one.key in said for one in config.settings())
    assert "medium: flip 0.5, rotation 7" in said
    assert cli.main(["recipes", "--settings", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shorthands"][0]["key"] == "augment.level"
