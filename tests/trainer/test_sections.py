"""What a run's files tell, in tables and sentences: settings, origin, the course of the training."""

import math
from typing import Any

import pytest

from trainer import config, sections


def about(**values: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = config.to_dict(config.changed(config.TrainConfig(), values.pop("changed", {})))
    return {
        "config": settings,
        "versions": {"trainer": "1.2", "torch": "9", "other": "3"},
        "command": ["train", "a b.cxr"],
    } | values


def epoch(number: int, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "kind": "epoch",
        "epoch": number,
        "step": number * 10,
        "train_loss": 1 / number,
        "validation_loss": 1.5 / number,
        "metrics": {"macro_f1": 1 - 1 / number, "accuracy": 0.5},
        "best": True,
        "lr": 1e-3,
        "seconds": 40.0 * number,
        **values,
    }


STARTED = {"kind": "started", "device_name": "Some CPU", "precision": "fp32", "threads": 2, "steps_per_epoch": 10, "step": 0}


def test_what_differs_from_the_defaults_comes_with_both_values_unit_and_meaning() -> None:
    found = sections.settings(about(changed={"model.size": 128, "optimiser.lr": 1e-3}), [])
    assert {row[:3] for row in found.changed.rows} == {("Image size", "128 px", "256 px"), ("Learning rate", "0.001", "0.0003")}
    assert all(row[3] for row in found.changed.rows)
    assert [row[2] for row in found.every.rows] == [item.key for item in config.settings()]


def test_all_defaults_leave_the_list_of_changes_empty() -> None:
    assert sections.settings(about(), []).changed.rows == ()


def test_a_configuration_of_another_version_is_shown_as_far_as_it_goes() -> None:
    found = sections.settings({"config": {"model.size": 64, "gone.setting": 3}}, [])
    assert ("Image size", "64 px", "model.size") in found.every.rows
    assert dict(found.origin) == {"Versions": "unknown"}


def test_a_weights_file_is_named_without_its_folder() -> None:
    found = sections.settings(about(changed={"model.weights": "/home/jane/secret/w.safetensors"}), [])
    assert found.changed.rows[0][:3] == ("Weights", "w.safetensors", "imagenet")
    assert "jane" not in str(found)


def test_origin_names_every_device_that_the_run_used() -> None:
    second = {**STARTED, "device_name": "Some GPU"}
    origin = dict(sections.settings(about(), [STARTED, second, STARTED]).origin)
    assert origin["Device"] == "Some CPU, then Some GPU"
    assert origin["Precision"] == "fp32"
    assert origin["Versions"] == "CXR Desktop 1.2, PyTorch 9, other 3"
    assert origin["Command"] == "cxr-trainer train 'a b.cxr'"


def test_training_tells_the_epoch_that_is_kept_the_time_and_resumptions() -> None:
    history = [STARTED, epoch(1), epoch(2), STARTED, epoch(3, best=False), {"kind": "batch", "images_per_second": 41.7}]
    found = sections.training(about(), history, "stopped by you in epoch 4; it can be resumed")
    assert dict(found.facts) == {
        "How it ended": "Stopped by you in epoch 4; it can be resumed.",
        "Epoch that is kept": "2, chosen by Macro F1 on validation: 0.500",
        "Time": "2 min 0 s",
        "Speed": "42 images per second",
        "Resumed": "once",
    }
    assert found.drawing.startswith("<svg")
    assert found.metric == "Macro F1"


def test_a_metric_that_is_not_defined_is_said_so() -> None:
    found = sections.training(about(), [epoch(1, metrics={"macro_f1": None}, train_loss=None)], "finished")
    assert dict(found.facts)["Epoch that is kept"].endswith("not defined")


def test_a_run_chosen_by_loss_names_its_loss_and_still_draws_a_metric() -> None:
    found = sections.training(about(changed={"choice.metric": "loss"}), [epoch(1), epoch(2)], "finished")
    assert dict(found.facts)["Epoch that is kept"] == "2, chosen by Loss on validation: 0.750"
    assert "Macro F1" in found.drawing


def test_without_an_epoch_nothing_is_drawn() -> None:
    found = sections.training(about(), [STARTED], "crashed; it can be resumed")
    assert found.drawing == ""
    assert [label for label, _ in found.facts] == ["How it ended"]


@pytest.mark.parametrize(("seconds", "words"), [(7.4, "7 s"), (61, "1 min 1 s"), (3 * 3600 + 240, "3 h 4 min")])
def test_times_are_readable(seconds: float, words: str) -> None:
    assert dict(sections.training(about(), [epoch(1, seconds=seconds)], "finished").facts)["Time"] == words


def test_notes_stand_once_and_without_file_names() -> None:
    note = "3 train images were left out, the first: /data/DOE^JANE.dcm (The file is empty (/data/DOE^JANE.dcm))."
    events = [{"kind": "note", "text": text} for text in (note, "Batch 64 -> 32.", note)]
    found = sections.training(about(), events, "finished")
    assert found.notes == ("3 train images were left out (the run's events.jsonl says which and why).", "Batch 64 -> 32.")


def test_the_learning_rate_is_drawn_by_step_where_steps_are_known() -> None:
    batches = [{"kind": "batch", "step": step, "lr": 1e-3 / step} for step in range(1, 21)]
    drawn = sections._history([epoch(1), epoch(2)], [STARTED, *batches], 2, "macro_f1")
    assert drawn.rate_epochs[-1] == 2.0
    assert len(drawn.rates) == 20
    assert len(sections._history([epoch(1)], [epoch(1)], 1, "macro_f1").rates) == 1
    assert math.isnan(sections._history([epoch(1)], [], 1, "macro_auroc").metric[0])


def test_names_of_figures_and_moments() -> None:
    assert sections.metric_name("macro_auroc") == "Macro AUROC"
    assert sections.metric_name("some_new_figure") == "Some new figure"
    assert sections.moment(0) == "1970-01-01 00:00 UTC"
