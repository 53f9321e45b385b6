"""What a frozen network says of each image, computed once: the same training as with images, less to compute, nothing lost."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from trainer import checkpoints, config, dataset, models, predict, results, runs, shards, train, vectors
from trainer.catalog import Catalog
from trainer.errors import Stopped
from trainer.learner import Learner

CPU = torch.device("cpu")
UNMOVED = {"augment.brightness": 0, "augment.contrast": 0}
FROZEN = {**UNMOVED, "schedule.epochs": 4, "schedule.head_only": 4, "model.dropout": 0.3}
CASES: dict[str, dict[str, object]] = {
    "last activation": {"model.backbone": "squeezenet1_1"},
    "all stages, mirror images": {
        "model.backbone": "squeezenet1_1", "model.features": "stages", "model.hidden": 8, "model.mirror": "averaged",
    },
    "batch norm, an average": {"model.backbone": "resnet18", "optimiser.average": 0.9},
    "dense layers with dropout": {"model.backbone": "alexnet", "model.hidden": 8},
    "our own": {"model.backbone": "cxr_small"},
}  # fmt: skip


def learner(settings: config.TrainConfig) -> Learner:
    torch.manual_seed(7)
    model = settings.model
    network = models.build(
        model.backbone,
        3,
        dropout=model.dropout,
        hidden=model.hidden,
        mirrored=model.mirror == "averaged",
        features=model.features,
    )
    made = Learner(network, settings, weights=None, steps_per_epoch=2, device=CPU, precision="fp32")
    made.thaw(0)
    return made


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    pixels = torch.randint(0, 256, (6, 1, 64, 64), dtype=torch.uint8, generator=generator)
    return pixels, torch.eye(3)[torch.randint(0, 3, (6,), generator=generator)], torch.ones(6, 3, dtype=torch.bool)


def both(network: models.Classifier, pixels: torch.Tensor) -> torch.Tensor:
    """Vectors of images and of their mirror images, [N, 2, F]."""
    training = network.training
    network.eval()
    with torch.no_grad():
        found = torch.stack([network.vectors(pixels), network.vectors(pixels.flip(3))], dim=1)
    network.train(training)
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_head_learns_from_vectors_what_it_learns_from_images(case: str) -> None:
    settings = config.changed(config.TrainConfig(), {**FROZEN, **CASES[case], "model.weights": "none"})
    one, other = learner(settings), learner(settings)
    assert vectors.worth(other.classifier, settings, {"train": 6, "validation": 2}, 6)
    for step in range(3):
        pixels, targets, stated = batch(step)
        loss = one.step(pixels, targets, stated, epoch=0, step=step)
        seen = other.step(both(other.classifier, pixels), targets, stated, epoch=0, step=step)
        assert seen == pytest.approx(loss, rel=1e-4)
    for name, value in one.kept.state_dict().items():
        torch.testing.assert_close(other.kept.state_dict()[name], value, rtol=1e-3, atol=1e-4, msg=name)
    pixels = batch(9)[0]
    with torch.no_grad():
        torch.testing.assert_close(other.kept.eval()(both(one.kept, pixels)), one.kept.eval()(pixels), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "values",
    [
        {"augment.rotation": 1},
        {"augment.brightness": 0.1},
        {"augment.mixup": 0.2},
        {"schedule.head_only": 0},
        {"schedule.head_only": 1},
        {"model.backbone": "darkcovidnet"},
        {"model.backbone": "resnet50v2_xception"},
    ],
)
def test_what_changes_or_is_shown_too_seldom_is_computed_anew(values: dict[str, object]) -> None:
    wanted = {**FROZEN, "model.backbone": "cxr_small", "model.weights": "none"}
    settings = config.changed(config.TrainConfig(), {**wanted, **values})
    counts = {"train": 6, "validation": 2}
    assert not vectors.worth(learner(settings).classifier, settings, counts, 6)
    settings = config.changed(config.TrainConfig(), wanted)
    assert vectors.worth(learner(settings).classifier, settings, counts, 6)
    assert not vectors.worth(learner(settings).classifier, settings, {**counts, "train": 600}, 6)


@pytest.mark.parametrize("name", [name for name, row in models.BACKBONES.items() if not row.new and name != "darkcovidnet"])
def test_below_a_head_that_learns_alone_nothing_moves(name: str) -> None:
    """Without numbers, to spare time: what `worth` looks at, of every backbone."""
    settings = config.changed(config.TrainConfig(), {**FROZEN, "model.backbone": name, "model.weights": "none"})
    with torch.device("meta"):
        network = models.build(name, 3, dropout=0.3)
        network.unfreeze(0)
        network.train()
        assert vectors.worth(network, settings, {"train": 6, "validation": 2}, 6)
        assert network.vectors(torch.zeros(2, 1, 96, 96)).ndim == 2
        network.unfreeze(None)
        assert not vectors.worth(network, settings, {"train": 6, "validation": 2}, 6)


@pytest.fixture
def frozen(tiny: config.TrainConfig) -> config.TrainConfig:
    """An epoch past the frozen ones, and mirror images averaged."""
    return config.changed(tiny, {**FROZEN, "schedule.epochs": 5, "model.mirror": "averaged"})


def weights(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / "last.safetensors")


def folders(project: Path) -> list[Path]:
    return sorted((project / "cache").glob("vectors-*"))


def stopped_after(steps: int) -> Any:  # noqa: ANN401
    left = iter([False] * steps)
    return lambda: next(left, True)


def test_a_run_uses_them_while_only_the_head_learns_and_says_so(project: Path, frozen: config.TrainConfig) -> None:
    made = train.run(project, frozen, name="once")
    events = runs.find(made.run).events()
    assert [event for event in events if "computed once" in event.get("text", "")]
    assert next(event for event in events if event["kind"] == "started")["prepared"] > 0
    plain, mirrored = folders(project)
    assert mirrored.name == f"{plain.name}-mirrored"
    ids = runs.find(made.run).split()["parts"]
    assert len(shards.known(plain)) == len(shards.known(mirrored)) == len(ids["train"]) + len(ids["validation"])
    kept = results.Prediction.load(made.run / "predictions-val.npz")
    classifier, header = checkpoints.load(made.run / "best.safetensors")
    with Catalog.open(project) as catalog:
        again = predict.on_catalog(classifier, header, catalog, kept.ids)
    np.testing.assert_allclose(again.probabilities, kept.probabilities, atol=1e-5)


def test_the_best_of_the_frozen_epochs_says_what_its_file_says(project: Path, frozen: config.TrainConfig) -> None:
    made = train.run(project, config.changed(frozen, {"schedule.epochs": 4}), name="once")
    kept = results.Prediction.load(made.run / "predictions-val.npz")
    classifier, header = checkpoints.load(made.run / "best.safetensors")
    with Catalog.open(project) as catalog:
        again = predict.on_catalog(classifier, header, catalog, kept.ids)
    np.testing.assert_allclose(again.probabilities, kept.probabilities, atol=1e-5)


@pytest.mark.parametrize("steps", [3, 14])
def test_a_run_stopped_and_resumed_ends_with_the_same_weights(project: Path, frozen: config.TrainConfig, steps: int) -> None:
    whole = train.run(project, frozen, name="whole")
    part = train.run(project, frozen, name="part", stop=stopped_after(steps))
    assert part.status == "stopped"
    train.resume(part.run)
    expected = weights(whole.run)
    assert all(torch.equal(value, expected[name]) for name, value in weights(part.run).items())


def test_another_head_or_fold_finds_what_is_computed_and_another_network_does_not(
    project: Path, frozen: config.TrainConfig
) -> None:
    seen: list[int] = []
    train.run(project, frozen, name="one", progress=lambda done, total: seen.append(total))
    first, seen[:] = len(seen), []
    other = config.changed(frozen, {"model.hidden": 8, "optimiser.lr": 1e-4})
    train.run(project, other, name="two", progress=lambda done, total: seen.append(total))
    assert (len(folders(project)), len(seen)) == (2, 0)
    assert first > 0
    train.run(project, config.changed(frozen, {"seed": 4}), name="three")  # other random weights
    assert len(folders(project)) == 4


def test_stopping_while_they_are_computed_keeps_what_there_is(
    project: Path, frozen: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalog.open(project) as catalog:
        dataset.squares(catalog, catalog.ids(), 64, "stretch")
    monkeypatch.setattr(vectors, "SHARD", 8)
    monkeypatch.setattr(vectors, "BATCH", 4)

    def stop(done: int, total: int) -> None:
        if done >= 20:
            raise Stopped

    with pytest.raises(Stopped):
        train.run(project, frozen, name="early", progress=stop)
    run = runs.find(project / "runs" / "early")
    assert run.status().state == "stopped"
    assert len(shards.known(folders(project)[0])) == 16
    assert train.resume(run.folder).status == "finished"
    fresh = train.run(project, frozen, name="whole")
    expected = weights(fresh.run)
    assert all(torch.equal(value, expected[name]) for name, value in weights(run.folder).items())


def test_they_may_be_deleted_at_any_time(project: Path, frozen: config.TrainConfig) -> None:
    whole = train.run(project, frozen, name="whole")
    part = train.run(project, frozen, name="part", stop=stopped_after(5))
    shutil.rmtree(project / "cache")
    train.resume(part.run)
    for name, value in weights(part.run).items():
        torch.testing.assert_close(weights(whole.run)[name], value, rtol=1e-4, atol=1e-5)


def test_two_processes_share_the_work_and_learn_what_one_learns(project: Path, frozen: config.TrainConfig) -> None:
    calm = config.changed(frozen, {"model.dropout": 0, "optimiser.lr": 3e-4})
    one = train.run(project, calm, name="one")
    for folder in folders(project):
        shutil.rmtree(folder)
    two = train.run(project, config.changed(calm, {"compute.batch": 4, "compute.devices": 2}), name="two")
    assert len(folders(project)) == 2
    for name, value in weights(two.run).items():
        torch.testing.assert_close(weights(one.run)[name], value, rtol=0, atol=1e-4)
