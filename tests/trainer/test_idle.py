"""Settings that do nothing as the others stand are told, and those that do something are not."""

from pathlib import Path

import pytest

from trainer import config, idle, recipes, runs, train


def _told(**values: object) -> str:
    return " ".join(idle.told(config.changed(config.TrainConfig(), {k.replace("__", "."): v for k, v in values.items()})))


def test_the_defaults_and_recipes_have_nothing_idle_but_what_waits_for_a_finding() -> None:
    assert idle.told(config.TrainConfig()) == ()
    told = {recipe.name: idle.told(recipe.settings) for recipe in recipes.shipped()}
    waiting = told.pop("alexnet-mixup")
    assert waiting == ("Beta of F-beta (1) changes nothing unless Choose by is f_beta.",)
    assert set(told.values()) == {()}


@pytest.mark.parametrize(
    ("values", "words", "mended"),
    [
        ({"optimiser__momentum": 0.5}, "Momentum (0.5) changes nothing", {"optimiser__name": "sgd"}),
        ({"choice__beta": 1.0}, "Beta of F-beta (1) changes", {"choice__metric": "f_beta", "choice__finding": "A"}),
        ({"choice__sensitivity": 0.9}, "Least sensitivity (0.9)", {"choice__metric": "specificity_at_sensitivity"}),
        ({"choice__patience": 15}, "Patience (15) changes nothing", {"schedule__epochs": 16}),
        ({"schedule__stages": 2, "schedule__head_only": 15}, "Stages to unfreeze (2) changes", {"schedule__epochs": 20}),
        ({"schedule__backbone_lr": 0.1, "schedule__head_only": 15}, "Backbone learning rate (0.1)", {"schedule__epochs": 20}),
        (
            {"schedule__batch_norm": "kept", "model__weights": "none"},
            "Batch norm (kept) changes",
            {"model__weights": "imagenet"},
        ),
        ({"model__mirror": "averaged", "augment__flip": 0}, "which it never learns from", {"augment__flip": 0.5}),
        ({"schedule__stages": 5}, "more than squeezenet1_1 has (4)", {"schedule__stages": 4}),
        ({"schedule__warmup": 15}, "rises to the end", {"schedule__warmup": 14}),
        ({"augment__mixup": 0.4, "compute__batch": 1}, "one image a step", {"compute__accumulate": 2}),
        ({"schedule__head_only": 2, "model__weights": "none"}, "stays so for 2 epochs", {"model__weights": "imagenet"}),
        ({"schedule__head_only": 15, "model__weights": "none"}, "stays so to the end", {"model__weights": "imagenet"}),
        ({"schedule__stages": 1, "model__weights": "none"}, "3 stages of it never learn", {"schedule__stages": 4}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_nothing_is_told_until_it_does(values: dict[str, object], words: str, mended: dict[str, object]) -> None:
    assert words in _told(**values)
    assert words not in _told(**{**values, **mended})


def test_a_run_notes_what_does_nothing_and_what_decides_instead(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(tiny, {"schedule.epochs": 1, "optimiser.momentum": 0.5})
    run = runs.find(train.run(project, settings, name="idle").run)
    notes = [event["text"] for event in run.events() if event["kind"] == "note"]
    assert sum("Momentum (0.5) changes nothing" in note for note in notes) == 1
    assert not any("chosen by the validation loss instead" in note for note in notes)
