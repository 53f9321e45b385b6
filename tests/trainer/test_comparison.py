"""Runs side by side: what differs is shown, what is the same is not, and what cannot be compared is said."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from trainer import comparison, config, recipes, runs
from trainer.errors import DataError


def _run(project: Path, name: str, values: dict[str, Any], f1: float | None = 0.5, **more: Any) -> runs.Run:  # noqa: ANN401
    settings = config.to_dict(config.changed(recipes.load("scratch").settings, values))
    about = {"recipe": "scratch", "config": settings, "findings": ["A", "B"], "split": {"digest": "d1"}, **more}
    run = runs.create(project, name, about, {"parts": {}})
    metrics = {"accuracy": 0.7, "macro_f1": f1}
    for number in (1, 2):
        run.append("epoch", epoch=number, step=number, train_loss=1.0, validation_loss=0.9, metrics=metrics, best=number == 1)
    return run


def test_only_what_differs_is_shown(tmp_path: Path) -> None:
    one = _run(tmp_path, "one", {"optimiser.lr": 1e-3, "model.size": 64})
    other = _run(tmp_path, "other", {"optimiser.lr": 1e-4, "model.size": 64, "task.findings": "A,B"})
    found = comparison.run([one, other])
    assert found.names == ("one", "other")
    assert [(row.key, row.values) for row in found.settings] == [
        ("task.findings", ("all", "A, B")),
        ("optimiser.lr", ("0.001", "0.0001")),
    ]
    assert found.settings[1].label == "Learning rate"
    assert found.warnings == ()


def test_best_values_are_those_of_the_epoch_that_is_kept(tmp_path: Path) -> None:
    one, other = _run(tmp_path, "one", {}, 0.25), _run(tmp_path, "other", {}, None)
    found = comparison.run([one, other])
    assert found.best_epochs == (1, 1)
    figures = dict(found.figures)
    assert figures["Accuracy"] == (0.7, 0.7)
    assert figures["Macro F1"][0] == 0.25
    assert math.isnan(figures["Macro F1"][1])
    assert figures["Loss on validation"] == (0.9, 0.9)
    assert found.metric == "macro_f1"
    assert found.curves() == ("accuracy", "macro_f1", "validation_loss", "train_loss")
    assert found.courses[0].by_epoch("accuracy")[0].tolist() == [1, 2]


def test_a_run_without_an_epoch_has_no_figures(tmp_path: Path) -> None:
    one = _run(tmp_path, "one", {})
    fresh = runs.create(tmp_path, "fresh", one.about(), {"parts": {}})
    found = comparison.run([one, fresh])
    assert found.best_epochs == (1, None)
    assert all(math.isnan(values[1]) for _, values in found.figures)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"split": {"digest": "d2"}}, r"Not comparable: their splits differ \(one and other\)"),
        ({"findings": ["A", "C"]}, "different findings"),
    ],
)
def test_what_cannot_be_compared_is_said(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    found = comparison.run([_run(tmp_path, "one", {}), _run(tmp_path, "other", {}, **more)])
    assert len(found.warnings) == 1
    assert re.search(words, found.warnings[0])


def test_runs_that_chose_differently_are_told(tmp_path: Path) -> None:
    found = comparison.run([_run(tmp_path, "one", {}), _run(tmp_path, "other", {"choice.metric": "accuracy"})])
    assert found.warnings == ("The epoch that is kept was chosen by different metrics (Accuracy, Macro F1).",)


def test_settings_that_differ_from_the_recipe(tmp_path: Path) -> None:
    about = _run(tmp_path, "one", {"schedule.epochs": 3}).about()
    assert [(row.label, row.values) for row in comparison.from_recipe(about)] == [("Epochs", ("25", "3"))]


def test_without_its_recipe_a_run_is_compared_with_the_defaults(tmp_path: Path) -> None:
    about = {"recipe": "mine.toml", "config": {"model.size": 128}}
    found = comparison.from_recipe(about)
    assert [(row.key, row.values) for row in found] == [("model.size", ("256 px", "128 px"))]


def test_settings_of_another_version_are_shown_as_they_are(tmp_path: Path) -> None:
    about = {"recipe": "quick", "config": {"model.size": 128, "model.unheard": 1}}
    assert ("model.size", ("224 px", "128 px")) in [(row.key, row.values) for row in comparison.from_recipe(about)]


def test_a_damaged_run_is_refused(tmp_path: Path) -> None:
    one = _run(tmp_path, "one", {})
    (one.folder / "config.json").write_text(json.dumps([]))
    with pytest.raises(DataError, match="damaged"):
        comparison.run([one])
