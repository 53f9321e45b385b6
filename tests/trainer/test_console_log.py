"""A training that another program started: it says which run it is, and its words, a crash's too, stand in the run's folder."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import config, runs, train
from trainer.course import Course
from trainer.errors import Stopped

_CRASH = """
import os, sys
from trainer import cli, runs
append = runs.Run.append
def append_and_die(run, kind, **fields):
    append(run, kind, **fields)
    if kind == "checkpoint":
        os.abort()
runs.Run.append = append_and_die
cli.main(sys.argv[1:])
"""


def test_words_and_a_native_crash_stand_in_the_run(project: Path, tiny: config.TrainConfig) -> None:
    values = config.to_dict(tiny, only_changed=True)
    options = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    words = ["train", project, "--run", "first", "--json", "--progress", "--console-log", *options]
    done = subprocess.run(
        [sys.executable, "-c", _CRASH, *map(str, words)], capture_output=True, text=True, timeout=120, check=False
    )
    run = runs.find(project / "runs" / "first")
    assert done.returncode == -signal.SIGABRT, done.stderr
    assert json.loads(done.stdout) == {"run": str(run.folder)}
    assert all(line.startswith('{"progress"') for line in done.stderr.splitlines())
    log = run.console.read_text()
    assert "All weights start at random." in log
    assert "Epoch 1 of 2: loss" in log
    assert "Fatal Python error: Aborted" in log
    assert "progress" not in log
    assert run.status().state == "crashed"


def test_a_run_is_told_while_it_is_held(project: Path, tiny: config.TrainConfig) -> None:
    told: list[tuple[str, bool]] = []

    def opened(run: runs.Run) -> None:
        told.append((run.name, run.busy()))

    with pytest.raises(Stopped):
        train.run(project, tiny, name="first", opened=opened, stop=lambda: True)
    with pytest.raises(Stopped):
        train.resume(project / "runs" / "first", opened=opened, stop=lambda: True)
    assert told == [("first", True), ("first", True)]


def test_images_being_read_stand_in_the_history(
    project: Path, tiny: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "EVENT_SECONDS", 0.0)
    shutil.rmtree(project / "cache", ignore_errors=True)
    run = runs.find(train.run(project, config.changed(tiny, {"schedule.epochs": 1}), name="first").run)
    counts = [(event["done"], event["total"]) for event in run.events() if event["kind"] == "reading"]
    assert counts
    assert all(0 < done < total for done, total in counts)
    course = Course()
    course.add(run.events())
    assert course.reading is None
    assert len(course.epochs) == 1
