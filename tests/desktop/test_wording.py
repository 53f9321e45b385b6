"""What the trainer says to people at a terminal, as it stands in the window."""

import pytest

from cxr_desktop.wording import in_window
from trainer import config, recipes
from trainer.config import TrainConfig
from trainer.errors import ConfigError


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("optimiser.lr takes a number. For example: optimiser.lr=0.1", "Learning rate takes a number. For example: 0.1"),
        ("seed = -1 is outside its limits.", "Seed = -1 is outside its limits."),
        ("For example: --set 'task.implies=COVID-19 > Pneumonia'", "For example: COVID-19 > Pneumonia"),
        ("Make it multi-label (--set task.kind=multi-label), or", "Make it multi-label (Task: multi-label), or"),
        ("left out (--set task.views=all takes them in).", "left out (Views: all takes them in)."),
        ("is no choice for task.kind. There is", "is no choice for 'Task'. There is"),
        ("set choice.metric to f_beta", "set 'Choose by' to 'F-beta of one finding'"),
        ("The same seed gives the same weights.", "The same seed gives the same weights."),
        ("A run that began with optimiser.lrx", "A run that began with optimiser.lrx"),
    ],
)
def test_settings_are_called_what_their_rows_are_called(said: str, shown: str) -> None:
    assert in_window(said) == shown


def test_no_refusal_of_a_setting_names_its_key() -> None:
    for item in config.settings():
        for value in ("?", "1e99", -1e9):
            try:
                config.changed(TrainConfig(), {item.key: value})
            except ConfigError as error:
                shown = in_window(f"{error.what}. {error.remedy}")
                assert "." not in item.key or item.key not in shown, shown


def test_no_recipe_speaks_of_keys() -> None:
    keys = [item.key for item in config.settings() if "." in item.key]
    for recipe in recipes.shipped():
        assert not [key for key in keys if key in in_window(recipe.about)], recipe.name
