"""Training with mixed batches and a finding that matters: resumed exactly, and the choice and the thresholds follow."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from trainer import checkpoints, config, criteria, evaluate, imbalance, pitfalls, results, runs, sections, thresholds, train
from trainer.catalog import Catalog
from trainer.errors import ConfigError
from trainer.model_card import Origin


def _after(steps: int) -> Callable[[], bool]:
    """Asked before each step, yes after so many."""
    asked = itertools.count()
    return lambda: next(asked) >= steps


def _weights(run: Path) -> dict[str, np.ndarray]:
    return load_file(run / "last.safetensors")


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_a_run_with_mixed_batches_is_resumed_to_the_same_weights(project: Path, tiny: config.TrainConfig, task: str) -> None:
    settings = config.changed(
        tiny,
        {
            "task.kind": task, "augment.level": "medium", "augment.mixup": 0.4, "augment.cutmix": 1.0,
            "imbalance.method": "weighted-sampler", "imbalance.ratio": 3, "loss.name": "focal", "loss.alpha": "0.25",
        },
    )  # fmt: skip
    whole = train.run(project, settings, name="whole")
    stopped = train.run(project, settings, name="parts", stop=_after(5))
    assert stopped.status == "stopped"
    resumed = train.resume(stopped.run)
    one, other = _weights(whole.run), _weights(resumed.run)
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("metric", config.OF_ONE_FINDING)
def test_epoch_and_thresholds_follow_the_finding_that_matters(project: Path, tiny: config.TrainConfig, metric: str) -> None:
    with Catalog.open(project) as catalog:
        finding = catalog.findings()[1]
    settings = config.changed(
        tiny,
        {"choice.metric": metric, "choice.finding": finding, "choice.sensitivity": 0.9, "choice.criterion": "f1"},
    )
    outcome = train.run(project, settings, name="matters")
    run = runs.find(outcome.run)
    epochs = [event for event in run.history() if event["kind"] == "epoch"]
    figures = [epoch["metrics"][metric] for epoch in epochs]
    assert outcome.best_metric == pytest.approx(max(figures)) == pytest.approx(figures[outcome.best_epoch - 1])
    validation = results.Prediction.load(run.predictions("validation"))
    assert criteria.figure(validation, settings.choice) == {metric: pytest.approx(max(figures))}
    made = evaluate.run(outcome.run, draws=200)
    rule = {"f_beta": "fbeta=2.0", "specificity_at_sensitivity": "sensitivity=0.9"}[metric]
    header = checkpoints.read_header(run.best)
    assert header.origins == {name: Origin(rule if name == finding else "f1") for name in header.findings}
    assert made.findings[finding].threshold == evaluate.choose_thresholds(validation, rule)[finding]
    thresholds.run(outcome.run, changes=[f"{finding}=0.9"])
    assert thresholds.run(outcome.run, reset=True).origins == header.origins


def test_settings_that_do_not_fit_are_refused_before_a_run_is_made(project: Path, tiny: config.TrainConfig) -> None:
    for values, message in (
        ({"choice.metric": "f_beta"}, "none is named"),
        ({"choice.finding": "Covid-20"}, "not one that is learned"),
        ({"loss.name": "focal", "loss.alpha": "0.1,0.2"}, "2 numbers of focal alpha"),
        ({"imbalance.method": "class-weights", "imbalance.weighting": "own"}, "0 own weights"),
    ):
        with pytest.raises(ConfigError, match=message):
            train.run(project, config.changed(tiny, values))
    assert not list((project / "runs").glob("*"))


def test_what_one_epoch_shows_is_told_when_it_starts(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(tiny, {"imbalance.method": "weighted-sampler", "schedule.epochs": 1})
    told: list[str] = []
    outcome = train.run(project, settings, name="told", listener=lambda event: told.append(str(event.get("text", ""))))
    with Catalog.open(project) as catalog:
        ids = np.array(runs.find(outcome.run).split()["parts"]["train"])
        names = catalog.findings()
        answers = catalog.labels(ids, names)
    seen = imbalance.shown(answers, "multi-class", settings.imbalance, settings.loss)
    words = pitfalls.in_words(seen, names, "multi-class")
    assert words in told
    run = runs.find(outcome.run)
    assert words in sections.training(run.about(), run.history(), "finished").notes
