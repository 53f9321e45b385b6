"""The recipes of published systems: their settings are the published ones, their networks fit, and they train."""

from pathlib import Path
from typing import Any

import pytest
import torch

from trainer import checkpoints, config, models, recipes, runs, train

SYSTEMS = ("focal-multilabel", "coarse-fine", "alexnet-mixup", "resnet50v2-xception", "darkcovidnet")
PUBLISHED: dict[str, dict[str, Any]] = {
    "focal-multilabel": {
        "task.kind": "multi-label",
        "model.backbone": "resnet18",
        "model.weights": "imagenet",
        "model.size": 224,
        "optimiser.name": "sgd",
        "optimiser.lr": 1e-3,
        "optimiser.momentum": 0.9,
        "loss.name": "focal",
        "loss.alpha": (0.3,),
        "loss.gamma": 2.0,
        "augment.rotation": 30.0,
    },
    "coarse-fine": {
        "task.kind": "multi-class",
        "task.level": 3,
        "task.views": "frontal",
        "model.weights": "none",
        "imbalance.method": "class-weights",
        "imbalance.weighting": "balanced",
        "seed": 42,
    },
    "alexnet-mixup": {
        "model.backbone": "alexnet",
        "model.weights": "imagenet",
        "schedule.head_only": 6,
        "imbalance.method": "weighted-sampler",
        "imbalance.ratio": 8.0,
        "augment.flip": 0.5,
        "choice.beta": 1.0,
        "compute.batch": 32,
    },
    "resnet50v2-xception": {
        "model.backbone": "resnet50v2_xception",
        "model.weights": "imagenet",
        "model.size": 300,
        "model.dropout": 0.5,
        "optimiser.name": "nadam",
        "optimiser.lr": 1e-4,
        "schedule.epochs": 150,
        "augment.zoom": 0.05,
        "augment.shift": 0.05,
        "compute.batch": 20,
    },
    "darkcovidnet": {
        "model.backbone": "darkcovidnet",
        "model.weights": "none",
        "model.size": 256,
        "optimiser.name": "adamw",
        "optimiser.weight_decay": 0.01,
        "optimiser.lr": 3e-3,
        "schedule.name": "one-cycle",
        "schedule.epochs": 100,
        "compute.batch": 32,
    },
}
TINY = {
    "model.weights": "none",
    "model.size": 32,
    "schedule.epochs": 2,
    "schedule.warmup": 1,
    "schedule.head_only": 1,
    "compute.batch": 8,
    "compute.precision": "fp32",
    "compute.device": "cpu",
    "compute.threads": 1,
}
SMALL = {"coarse-fine", "darkcovidnet"}
"""Their own networks can be trained in a test; the others train our small one with all their other settings."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_settings_are_as_published(name: str) -> None:
    settings = recipes.load(name).settings
    assert {key: config.get(settings, key) for key in PUBLISHED[name]} == PUBLISHED[name]
    assert settings.augment.mixup > 0 or name != "alexnet-mixup"
    assert settings.model.hidden > 0 or name != "focal-multilabel"


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_recipe_fits_every_project(name: str) -> None:
    """No finding of somebody's data stands in it, and nothing that must be named is asked for."""
    settings = recipes.load(name).settings
    assert settings.task.findings == settings.task.implies == ()
    assert settings.choice.finding == ""
    assert settings.choice.metric not in config.OF_ONE_FINDING


@pytest.mark.parametrize("name", SYSTEMS)
def test_title_and_paragraph_fit_the_window(name: str) -> None:
    recipe = recipes.load(name)
    assert 20 < len(recipe.title) < 60
    assert 60 < len(recipe.about.split()) < 135
    assert recipe.settings.model.weights == "none" or "ImageNet weights" in recipe.about
    assert "no download" in recipe.about or recipe.settings.model.weights == "imagenet"


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_network_takes_the_images_of_the_recipe(name: str) -> None:
    """On the meta device: all shapes, no numbers."""
    chosen = recipes.load(name).settings.model
    with torch.device("meta"):
        network = models.build(chosen.backbone, 3, dropout=chosen.dropout, hidden=chosen.hidden)
        assert network(torch.zeros(2, 1, chosen.size, chosen.size)).shape == (2, 3)


def test_darkcovidnet_has_as_many_weights_as_published() -> None:
    with torch.device("meta"):
        network = models.build(recipes.load("darkcovidnet").settings.model.backbone, 3)
    assert round(sum(one.numel() for one in network.parameters()) / 1e6, 2) == 1.17


@pytest.mark.parametrize("name", SYSTEMS)
def test_two_tiny_epochs(lungs: Path, name: str) -> None:
    recipe = recipes.load(name)
    small = {} if name in SMALL else {"model.backbone": "cxr_small", "model.hidden": min(recipe.settings.model.hidden, 8)}
    outcome = train.run(lungs, config.changed(recipe.settings, {**TINY, **small}), name="tiny", recipe=name)
    assert outcome.status == "finished"
    losses = [event["train_loss"] for event in runs.find(outcome.run).events() if event["kind"] == "epoch"]
    assert len(losses) == 2
    assert all(0 < loss < 10 for loss in losses)
    header = checkpoints.read_header(runs.find(outcome.run).best)
    assert header.task == recipe.settings.task.kind
    assert len(header.findings) == 3


def test_each_differs_from_the_defaults_in_what_it_says_only() -> None:
    """A recipe is a file of differences: the defaults stand in one place."""
    for name in SYSTEMS:
        assert 5 < len(config.to_dict(recipes.load(name).settings, only_changed=True)) < 25
