"""One network trained by two processes: as by one, each image once, one writer; killed, resumed, refused in words."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import safetensors.torch
import torch

from trainer import config, gathering, results, runs, train
from trainer.errors import RunError, Stopped
from trainer.ranks import ALONE

from .test_ranks import ROOT, free_port, places


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small(tiny: config.TrainConfig) -> config.TrainConfig:
    """One process, eight images a step in two passes: drawn by a sampler, mixed, and their weights averaged."""
    values = {
        "model.size": 32, "model.dropout": 0, "optimiser.lr": 3e-4, "optimiser.average": 0.9, "schedule.epochs": 2,
        "imbalance.method": "weighted-sampler", "augment.mixup": 0.4, "compute.batch": 4, "compute.accumulate": 2,
    }  # fmt: skip
    return config.changed(tiny, values)


@pytest.fixture(scope="module")
def halved(small: config.TrainConfig) -> config.TrainConfig:
    """Two processes, two images of each in a pass."""
    return config.changed(small, {"compute.batch": 2, "compute.devices": 2})


def _weights(run: Path, name: str = "last.safetensors") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / name)


def _events(run: Path, kind: str) -> list[dict[str, Any]]:
    return [event for event in runs.Run(run).events() if event["kind"] == kind]


@pytest.fixture(scope="module")
def pair(_project: Path, small: config.TrainConfig, halved: config.TrainConfig, tmp_path_factory: Any) -> tuple[Path, Path]:  # noqa: ANN401
    """Two finished runs of one project: by one process, and by two that were started as torchrun starts them."""
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("pair") / "lungs.cxr"))
    one = train.run(project, small, name="one")
    port = free_port()
    shutil.rmtree(project / "cache")
    command = [sys.executable, "-m", "trainer", "train", str(project), "--run", "two"]
    environment = {**os.environ, **places(1, port)}
    second = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in places(0, port).items():
            patch.setenv(name, value)
        two = train.run(project, config.changed(halved, {"compute.devices": 1}), name="two")
    said, _ = second.communicate(timeout=60)
    assert (second.returncode, said) == (0, b"")
    assert two.status == one.status == "finished"
    return one.run, two.run


def test_two_processes_end_with_the_weights_of_one(pair: tuple[Path, Path]) -> None:
    for name in ("last.safetensors", "best.safetensors"):
        one, two = (_weights(run, name) for run in pair)
        assert one.keys() == two.keys()
        for key, value in one.items():
            torch.testing.assert_close(two[key], value, rtol=0, atol=1e-5)


def test_each_image_is_learned_and_judged_once(pair: tuple[Path, Path]) -> None:
    one, two = (results.Prediction.load(run / "predictions-val.npz") for run in pair)
    assert two.ids.tolist() == one.ids.tolist() == sorted(set(two.ids.tolist()))
    np.testing.assert_allclose(two.probabilities, one.probabilities, atol=1e-5)
    shown = [sum(event["images"] for event in _events(run, "batch")) for run in pair]
    assert shown[0] == shown[1] == 2 * len(runs.Run(pair[1]).split()["parts"]["train"])
    for first, second in zip(_events(pair[0], "epoch"), _events(pair[1], "epoch"), strict=True):
        assert second["train_loss"] == pytest.approx(first["train_loss"], rel=1e-5)
        assert second["validation_loss"] == pytest.approx(first["validation_loss"], rel=1e-5)
        assert second["metrics"] == pytest.approx(first["metrics"])


def test_one_of_them_writes_and_says_so(pair: tuple[Path, Path]) -> None:
    assert {path.name for path in pair[0].iterdir()} == {path.name for path in pair[1].iterdir()}
    kinds = [[event["kind"] for event in runs.Run(run).events() if event["kind"] not in ("batch", "reading")] for run in pair]
    assert kinds[0] == kinds[1]
    (started,) = _events(pair[1], "started")
    assert (started["devices"], started["batch"], started["images_per_step"]) == (2, 2, 8)
    assert "2 x " in runs.event_words(started)
    assert "batches of 2, 8 images a step" in runs.event_words(started)
    assert runs.Run(pair[1]).about()["config"]["compute.devices"] == 2
    caches = list((runs.Run(pair[1]).project / "cache").rglob("*.npy"))
    assert len(caches) == 2  # train and validation, decoded by the first process only


class _Recorded(subprocess.Popen):  # type: ignore[type-arg]
    """The processes that were started, to be killed from outside."""

    started: ClassVar[list["_Recorded"]] = []

    def __init__(self, *words: Any, **more: Any) -> None:  # noqa: ANN401
        super().__init__(*words, **more)
        self.started.append(self)


def test_a_killed_process_ends_all_and_the_run_resumes_to_the_same_weights(
    pair: tuple[Path, Path], project: Path, halved: config.TrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_Recorded, "started", [])
    monkeypatch.setattr(subprocess, "Popen", _Recorded)

    def kill(event: Any) -> None:  # noqa: ANN401
        if event["kind"] == "checkpoint":
            if hasattr(os, "getsid"):
                assert os.getsid(_Recorded.started[-1].pid) != os.getsid(0), "Ctrl+C at the terminal is for the first alone"
            _Recorded.started[-1].kill()

    with pytest.raises(RunError, match="Another process of this training has ended"):
        train.run(project, halved, name="two", listener=kill)
    run = runs.Run(project / "runs" / "two")
    assert run.status().state == "failed"
    assert run.status().resumable
    assert all(process.poll() is not None for process in _Recorded.started)
    alone = Path(shutil.copytree(project, tmp_path / "alone.cxr")) / "runs" / "two"
    assert train.resume(run.folder).status == "finished"
    assert len(_Recorded.started) == 2
    assert _Recorded.started[-1].poll() == 0
    expected = _weights(pair[1])
    assert all(torch.equal(value, expected[key]) for key, value in _weights(run.folder).items())
    _resumed_alone(alone, pair[1])


def _resumed_alone(run: Path, whole: Path) -> None:
    """The same run goes on by one process: the same steps over the same images, each in two passes."""
    assert train.resume(run, devices_wanted=1).status == "finished"
    notes = [event["text"] for event in _events(run, "note")]
    assert "Begun on 2 devices, goes on with 1: each step still learns from the same 8 images, now in 4 passes." in notes
    steps = [
        [(event["epoch"], event["step"]) for event in runs.Run(one).history() if event["kind"] == "epoch"]
        for one in (run, whole)
    ]
    assert steps[0] == steps[1]
    losses = [[event["train_loss"] for event in _events(one, "epoch")] for one in (run, whole)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] == pytest.approx(losses[1][1], rel=0.05)  # batch norm sees four images at once instead of eight


def test_a_process_that_cannot_start_is_told(
    project: Path, halved: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = shutil.which("false")
    if ends is None:
        pytest.skip("no program at hand that ends at once")
    for program, words in (
        (ends, r"Process 2 of 2 has ended before it was ready \(exit status 1\)"),
        ("/none", "cannot be started"),
    ):
        monkeypatch.setattr(sys, "executable", program)
        with pytest.raises(RunError, match=words):
            train.run(project, halved, name=Path(program).name)
        assert runs.Run(project / "runs" / Path(program).name).status().state == "failed"


def test_who_stops_before_the_others_are_ready_has_stopped(
    project: Path, halved: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds pass until they are: this is no failure."""
    monkeypatch.setattr(_Recorded, "started", [])
    monkeypatch.setattr(subprocess, "Popen", _Recorded)
    with pytest.raises(Stopped):
        train.run(project, halved, name="two", stop=lambda: True)
    run = runs.Run(project / "runs" / "two")
    assert run.status().words == "stopped by you before it began to learn; it can be resumed"
    assert [process.poll() is not None for process in _Recorded.started] == [True]


def test_where_nothing_else_shows_that_another_died_the_first_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with GPUs, which wait for each other for ever."""
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda status: ended.set())
    monkeypatch.setattr(gathering, "GRACE", 0.0)
    monkeypatch.setattr(gathering, "GLANCE", 0.01)
    with subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.exit(3)"]) as dead:
        dead.wait()
        with gathering.watched([dead]):
            assert ended.wait(10)


def test_one_process_needs_no_team(tmp_path: Path) -> None:
    with gathering.joined() as team:
        assert team == ALONE
        with gathering.complete(team, 1, tmp_path) as whole:
            assert whole is team
