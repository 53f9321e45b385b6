"""Training end to end on drawn radiographs: repeatable to the bit, stopped and resumed to the same weights, told in events."""

import json
import math
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from trainer import checkpoints, config, dataset, importer, models, results, runs, schedules, train
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError, RunError, Stopped, TrainerError
from trainer.learner import Learner


def _weights(run: Path, name: str = "last.safetensors") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / name)


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _kinds(run: Path) -> list[str]:
    return [event["kind"] for event in runs.Run(run).events()]


def test_a_run_leaves_all_its_files_and_says_how_it_went(trained: Path) -> None:
    run = runs.find(trained)
    assert run.status().state == "finished"
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        "config.json", "split.json", "events.jsonl", "best.safetensors", "last.safetensors", "state.pt", "predictions-val.npz",
    }  # fmt: skip
    kinds = _kinds(trained)
    assert kinds[-1] == "finished"
    assert kinds.count("epoch") == 2
    epoch = next(event for event in run.events() if event["kind"] == "epoch")
    assert set(epoch["metrics"]) == {"accuracy", "balanced_accuracy", "macro_f1", "macro_auroc"}
    assert {"train_loss", "validation_loss", "seconds", "eta", "lr"} <= epoch.keys()
    batch = next(event for event in run.events() if event["kind"] == "batch")
    assert {"step", "images", "loss", "lr", "images_per_second"} <= batch.keys()


def test_the_checkpoint_carries_all_that_a_prediction_needs(trained: Path) -> None:
    header = checkpoints.read_header(trained / "best.safetensors")
    assert set(header.findings) == {"Lobar pneumonia", "Normal", "Pleural effusion"}
    assert (header.size, header.fit, header.task, header.run) == (64, "stretch", "multi-class", "first")
    assert sum(header.frequencies.values()) == pytest.approx(1)
    assert header.settings["model.backbone"] == "cxr_small"


def test_validation_predictions_belong_to_the_best_checkpoint(trained: Path) -> None:
    prediction = results.Prediction.load(trained / "predictions-val.npz")
    ids = runs.find(trained).split()["parts"]["validation"]
    assert sorted(prediction.ids.tolist()) == sorted(ids)
    np.testing.assert_allclose(prediction.probabilities.sum(1), 1, atol=1e-5)


def test_the_same_command_twice_gives_the_same_weights_to_the_bit(project: Path, tiny: config.TrainConfig) -> None:
    hard = config.changed(
        tiny,
        {"augment.rotation": 5, "augment.zoom": 0.1, "augment.shift": 0.05, "optimiser.average": 0.9, "model.dropout": 0.3},
    )
    for name in ("a", "b"):
        train.run(project, hard, name=name)
    assert _same(_weights(project / "runs" / "a"), _weights(project / "runs" / "b"))
    other = train.run(project, config.changed(hard, {"seed": 2}), name="c")
    assert not _same(_weights(project / "runs" / "a"), _weights(other.run))


METHODS = ("none", "class-weights", "weighted-sampler", "oversampling", "undersampling")


def _uneven(project: Path) -> list[int]:
    """Leave one finding few training images, and return how many each finding then has in the train part, ascending."""
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts["train"]
        labels = catalog.labels(ids, catalog.findings())
        rare = ids[labels[:, 0] == 1]
        catalog.set_excluded(rare[3:], True)
        kept = catalog.labels(np.setdiff1d(ids, rare[3:]), catalog.findings())
    return sorted(int(count) for count in (kept == 1).sum(0))


@pytest.mark.parametrize("number", range(5))
def test_a_run_stopped_at_random_steps_ends_with_the_weights_of_an_uninterrupted_one(
    project: Path, tiny: config.TrainConfig, number: int
) -> None:
    _uneven(project)
    settings = config.changed(tiny, {"optimiser.average": 0.9, "imbalance.method": METHODS[number], "compute.batch": 4})
    optimiser = ("adamw", "sgd", "nadam", "adam", "adamw")[number]
    loss = ("cross-entropy", "focal")[number % 2]
    settings = config.changed(settings, {"optimiser.name": optimiser, "schedule.head_only": number % 2, "loss.name": loss})
    whole = train.run(project, settings, name="whole")
    total = runs.find(whole.run).events()[-1]
    steps = 2 * next(e["steps_per_epoch"] for e in runs.find(whole.run).events() if e["kind"] == "started")
    stops = sorted(random.Random(number).sample(range(1, steps), 2))
    outcome = train.run(project, settings, name="parts", stop=_after(stops[0]))
    assert outcome.status == "stopped"
    assert runs.find(outcome.run).status().state == "stopped"
    outcome = train.resume(outcome.run, stop=_after(stops[1] - stops[0]))
    assert outcome.status == "stopped"
    outcome = train.resume(outcome.run)
    assert (outcome.status, outcome.best_epoch) == ("finished", total["best_epoch"])
    for name in ("last.safetensors", "best.safetensors"):
        assert _same(_weights(whole.run, name), _weights(outcome.run, name))
    epochs = [[e for e in runs.find(run).history() if e["kind"] == "epoch"] for run in (whole.run, outcome.run)]
    for one, other in zip(*epochs, strict=True):
        assert one["train_loss"] == other["train_loss"]
        assert one["metrics"] == other["metrics"]


@pytest.mark.parametrize("method", METHODS)
def test_an_epoch_is_as_long_as_the_method_makes_it(project: Path, tiny: config.TrainConfig, method: str) -> None:
    counts = _uneven(project)
    length = {"oversampling": 3 * max(counts), "undersampling": 3 * min(counts)}.get(method, sum(counts))
    assert min(counts) < max(counts)
    settings = config.changed(tiny, {"imbalance.method": method, "compute.batch": 4, "schedule.name": "one-cycle"})
    outcome = train.run(project, settings, name="long")
    events = runs.find(outcome.run).events()
    started = next(event for event in events if event["kind"] == "started")
    assert started["images"]["train"] == sum(counts)
    assert started["images_per_epoch"] == length
    assert started["steps_per_epoch"] == math.ceil(length / 4)
    assert sum(event["images"] for event in events if event["kind"] == "batch") == 2 * length
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert [event["step"] for event in epochs] == [math.ceil(length / 4), 2 * math.ceil(length / 4)]
    last = [event for event in events if event["kind"] == "batch"][-1]
    assert last["eta"] == 0
    steps = started["steps_per_epoch"]
    factor = schedules.factor(settings.schedule, 2 * steps - 1, steps)
    assert last["lr"] == pytest.approx(settings.optimiser.lr * factor)  # the schedule ends with the last step


def test_traps_of_imbalance_are_told_as_notes(project: Path, tiny: config.TrainConfig) -> None:
    counts = _uneven(project)
    settings = config.changed(tiny, {"imbalance.method": "oversampling", "loss.name": "focal", "schedule.epochs": 1})
    outcome = train.run(project, settings, name="told")
    notes = " ".join(str(event["text"]) for event in runs.find(outcome.run).events() if event["kind"] == "note")
    assert "add up" in notes
    assert f"{3 * max(counts)} images instead of {sum(counts)}" in notes


def _after(steps: int) -> Any:  # noqa: ANN401
    """Say stop when asked for the (steps + 1)th time, that is after so many steps."""
    count = 0

    def stop() -> bool:
        nonlocal count
        count += 1
        return count > steps

    return stop


def test_a_killed_run_is_seen_as_crashed_and_resumes_to_the_same_weights(
    project: Path, tiny: config.TrainConfig, tmp_path: Path
) -> None:
    whole = train.run(project, tiny, name="whole")
    script = """
import os, signal, sys
from pathlib import Path
from trainer import config, train
def kill(event):
    if event["kind"] == "checkpoint":
        os.kill(os.getpid(), signal.SIGKILL)
settings = config.changed(config.TrainConfig(), __import__("json").loads(sys.argv[2]))
train.run(Path(sys.argv[1]), settings, name="killed", listener=kill)
"""
    values = json.dumps(config.to_dict(tiny))
    done = subprocess.run([sys.executable, "-c", script, project, values], capture_output=True, timeout=120, check=False)
    assert done.returncode == -9, done.stderr
    killed = runs.find(project / "runs" / "killed")
    assert killed.status().state == "crashed"
    assert "can be resumed" in killed.status().words
    outcome = train.resume(killed.folder)
    assert _same(_weights(whole.run), _weights(outcome.run))
    assert not list(killed.folder.glob("*.tmp"))


def test_a_finished_run_is_not_resumed(trained: Path) -> None:
    with pytest.raises(RunError, match="finished"):
        train.resume(trained)


def test_the_stop_file_stops_and_keeps(project: Path, tiny: config.TrainConfig) -> None:
    def ask(event: Any) -> None:  # noqa: ANN401
        if event["kind"] == "started":
            runs.find(project).request_stop()

    outcome = train.run(project, tiny, name="asked", listener=ask)
    assert outcome.status == "stopped"
    assert not (outcome.run / "stop").exists()
    assert (outcome.run / "state.pt").exists()
    assert train.resume(outcome.run).status == "finished"


def test_stopping_while_images_are_read_can_be_resumed(project: Path, tiny: config.TrainConfig) -> None:
    shutil.rmtree(project / "cache", ignore_errors=True)

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train.run(project, tiny, name="early", progress=stop)
    assert runs.find(project / "runs" / "early").status().state == "stopped"
    assert train.resume(project / "runs" / "early").status == "finished"


def test_head_only_leaves_the_backbone_as_it_came(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(tiny, {"schedule.head_only": 2})
    made = train.run(project, settings, name="head")
    first = train.run(project, settings, name="none", stop=lambda: True)
    before = checkpoints.load_state(first.run / "state.pt")["learner"]["classifier"]
    after = _weights(made.run)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("head") for name in changed), changed


def test_early_stopping_ends_without_improvement(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(
        tiny,
        {"schedule.epochs": 30, "choice.patience": 2, "optimiser.lr": 1e-7, "choice.metric": "macro_f1", "augment.flip": 0},
    )
    outcome = train.run(project, settings, name="patient")
    assert outcome.status == "finished"
    assert outcome.epochs < 30


def test_a_run_killed_after_its_patience_ended_does_not_train_on(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(tiny, {"schedule.epochs": 30, "choice.patience": 1, "optimiser.lr": 1e-7, "augment.flip": 0})
    whole = train.run(project, settings, name="whole")
    events = whole.run / "events.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)
    assert b'"finished"' in lines[-1]
    events.write_bytes(b"".join(lines[:-1]))  # as a kill between the last state and the last event leaves it
    before = _weights(whole.run)
    assert runs.find(whole.run).status().state == "crashed"
    assert train.resume(whole.run).epochs == whole.epochs < 30
    assert _same(before, _weights(whole.run))


@pytest.mark.parametrize("metric", ["macro_auroc", "accuracy", "loss"])
def test_the_best_epoch_is_that_of_the_chosen_metric(project: Path, tiny: config.TrainConfig, metric: str) -> None:
    outcome = train.run(project, config.changed(tiny, {"choice.metric": metric, "schedule.epochs": 3}), name=metric)
    epochs = [event for event in runs.find(outcome.run).events() if event["kind"] == "epoch"]
    values = [-e["validation_loss"] if metric == "loss" else e["metrics"][metric] for e in epochs]
    best = max(range(3), key=lambda i: (values[i], -epochs[i]["validation_loss"]))
    assert outcome.best_epoch == best + 1
    assert checkpoints.read_header(outcome.run / "best.safetensors").epoch == best + 1


@pytest.mark.parametrize(
    ("optimiser", "schedule"), [("adamw", "cosine"), ("adam", "one-cycle"), ("nadam", "constant"), ("sgd", "cosine")]
)
def test_every_optimiser_and_schedule_learns(project: Path, tiny: config.TrainConfig, optimiser: str, schedule: str) -> None:
    rate = 0.02 if optimiser == "sgd" else 1e-3
    values = {"optimiser.name": optimiser, "schedule.name": schedule, "optimiser.lr": rate, "schedule.epochs": 6}
    outcome = train.run(project, config.changed(tiny, values), name="one")
    losses = [event["train_loss"] for event in runs.find(outcome.run).events() if event["kind"] == "epoch"]
    assert losses[-1] < losses[0]


def test_multi_label_training_leaves_out_what_is_not_stated(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        some = catalog.ids()[::3]
        catalog.set_labels(some, "Normal", -1)
    settings = config.changed(tiny, {"task.kind": "multi-label", "imbalance.method": "class-weights", "loss.smoothing": 0.1})
    outcome = train.run(project, settings, name="labels")
    prediction = results.Prediction.load(outcome.run / "predictions-val.npz")
    assert prediction.task == "multi-label"
    assert (prediction.targets == -1).any()


def test_diverged_training_says_so(project: Path, tiny: config.TrainConfig, tmp_path: Path) -> None:
    huge = {name: tensor * 1e36 for name, tensor in models.build("cxr_small", 2).body.state_dict().items() if tensor.ndim == 4}
    safetensors.torch.save_file(huge, tmp_path / "huge.safetensors")
    with pytest.raises(RunError, match="not a number"):
        train.run(project, config.changed(tiny, {"model.weights": str(tmp_path / "huge.safetensors")}), name="wild")
    run = runs.find(project / "runs" / "wild")
    assert run.status().state == "failed"
    assert "lower optimiser.lr" in run.status().words


def test_an_unknown_finding_is_refused_before_a_run_is_made(project: Path, tiny: config.TrainConfig) -> None:
    with pytest.raises(ConfigError, match="Did you mean Normal"):
        train.run(project, config.changed(tiny, {"task.findings": "Normall,Lobar pneumonia"}))
    assert runs.every(project) == []


def test_an_unknown_backbone_is_refused_before_a_run_is_made(project: Path, tiny: config.TrainConfig) -> None:
    with pytest.raises(ConfigError, match="Did you mean resnet18"):
        train.run(project, config.changed(tiny, {"model.backbone": "resnet81"}))
    assert runs.every(project) == []


def test_weights_that_are_missing_or_of_another_network_are_refused_before_a_run_is_made(
    project: Path, tiny: config.TrainConfig, tmp_path: Path
) -> None:
    safetensors.torch.save_file(models.build("resnet18", 2).body.state_dict(), tmp_path / "resnet.safetensors")
    for name, words in (("nowhere.pth", "no such file"), ("resnet.safetensors", "resnet18")):
        with pytest.raises(TrainerError, match=words):
            train.run(project, config.changed(tiny, {"model.weights": str(tmp_path / name)}))
    assert runs.every(project) == []


def test_one_finding_only_is_nothing_to_tell_apart(project: Path, tiny: config.TrainConfig) -> None:
    with pytest.raises(DataError, match="nothing to tell apart"):
        train.run(project, config.changed(tiny, {"task.findings": "Normal"}))


def test_a_project_without_a_split_says_how_to_get_one(drawn: Path, tiny: config.TrainConfig, tmp_path: Path) -> None:
    importer.run(tmp_path / "new.cxr", [drawn])
    with pytest.raises(DataError, match="split"):
        train.run(tmp_path / "new.cxr", tiny)


def test_excluded_and_lost_images_are_left_out_and_told(project: Path, tiny: config.TrainConfig, drawn: Path) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts["train"]
        catalog.set_excluded(ids[:4], True)
        part = dataset.part(catalog, ids, dataset.findings(catalog, tiny.task), tiny)
    assert set(ids.tolist()) - set(part.ids.tolist()) == set(ids[:4].tolist())


def test_out_of_memory_goes_on_in_smaller_pieces(
    project: Path, tiny: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands in for a GPU that is too small, which the machine that runs the tests need not have."""
    real = Learner._gradients

    def small(self: Learner, shown: torch.Tensor, *rest: torch.Tensor) -> tuple[float, float]:
        if self.parts < 4:
            raise torch.OutOfMemoryError
        return real(self, shown, *rest)

    monkeypatch.setattr(Learner, "_gradients", small)
    outcome = train.run(project, tiny, name="small")
    notes = [event["text"] for event in runs.find(outcome.run).events() if event["kind"] == "note"]
    assert any("computed in 4 pieces" in note for note in notes)
    assert outcome.status == "finished"


def test_memory_too_small_for_one_image_is_told(
    project: Path, tiny: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Learner, *rest: torch.Tensor) -> tuple[float, float]:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Learner, "_gradients", full)
    with pytest.raises(RunError, match="too small even for one image"):
        train.run(project, tiny, name="none")


def test_a_fault_of_ours_is_told_in_the_history_and_passed_on(
    project: Path, tiny: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Learner, *rest: torch.Tensor) -> tuple[float, float]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Learner, "_gradients", broken)
    with pytest.raises(ZeroDivisionError):
        train.run(project, tiny, name="bug")
    run = runs.find(project / "runs" / "bug")
    assert run.status().state == "failed"
    assert "a bug" in run.status().words


def test_the_outcome_is_ready_for_json(trained: Path) -> None:
    outcome = train.Outcome(trained, "stopped", 0, 0, math.nan, "macro_f1", 1.0, 2.0, "cpu", "fp32")
    assert json.loads(json.dumps(outcome.to_json(), allow_nan=False))["best_metric"] is None


def test_a_run_with_all_stages_mirror_images_and_kept_norms_says_what_its_checkpoint_says(
    project: Path, tiny: config.TrainConfig, shared_data: Path
) -> None:
    weights = shared_data / "weights" / "mobilenet_v2_imagenet_dequantised.safetensors"
    wanted = {"model.backbone": "mobilenet_v2", "model.weights": str(weights), "model.features": "stages"}
    wanted |= {"model.mirror": "averaged", "model.hidden": 8, "schedule.batch_norm": "kept", "schedule.stages": 1}
    made = train.run(project, config.changed(tiny, wanted), name="stages")
    first = train.run(project, config.changed(tiny, wanted), name="first-of-stages", stop=lambda: True)
    before, after = checkpoints.load_state(first.run / "state.pt")["learner"]["classifier"], _weights(made.run)
    learned = {name for name in after if not torch.equal(before[name], after[name])}
    assert not [name for name in learned if name.startswith("body") and "running" in name]
    assert [name for name in learned if name.startswith("body.features.17")]
    assert {"head.0.running_mean", "head.0.running_var"} < learned
    kept = results.Prediction.load(made.run / "predictions-val.npz")
    with Catalog.open(project) as catalog:
        shown = dataset.squares(catalog, kept.ids, 64, "stretch").take(np.arange(len(kept.ids)))
    classifier, _ = checkpoints.load(made.run / "best.safetensors")
    for pixels in (shown, shown[..., ::-1].copy()):
        with torch.no_grad():
            said = classifier(torch.from_numpy(pixels)).softmax(1).numpy()
        np.testing.assert_allclose(said, kept.probabilities, atol=1e-5)
    with torch.no_grad():
        alone = models.Classifier.classify(classifier, classifier.features(torch.from_numpy(shown))).softmax(1).numpy()
    assert np.abs(alone - kept.probabilities).max() > 1e-4
