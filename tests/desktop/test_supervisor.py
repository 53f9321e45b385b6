"""Trainings under supervision: real ones that are started, killed, resumed, stopped, left alone; and others' runs."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop import launches, worker
from cxr_desktop.notices import ERROR, INFORMATION, Notice
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from cxr_desktop.supervisor import TrainingTask
from cxr_desktop.tails import Tail
from cxr_desktop.worker import TrainingWorker
from tests.lungs import TINY
from trainer.runs import Run

from .scenes import batch, make_run, terminal

PATIENCE = 60_000
"""Milliseconds: loading the network's libraries takes seconds, and more beside other programs."""


def _words(project: Project, name: str, epochs: int) -> list[str]:
    values = {**TINY, "schedule.epochs": epochs}
    said = ["train", str(project.folder), "--recipe", "scratch", "--run", name]
    return said + [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def _pid(project: Project, run: Run) -> int:
    return project.training._worker._launches[str(run.folder)].pid


@pytest.fixture
def tasks(project: Project) -> list[TrainingTask]:
    """The trainings that the status bar is told of."""
    found: list[TrainingTask] = []
    project.task_started.connect(lambda task: found.append(task) if isinstance(task, TrainingTask) else None)
    return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often: tests wait for what is seen."""
    monkeypatch.setattr(worker, "LIVE", 20)
    monkeypatch.setattr(worker, "IDLE", 30)
    monkeypatch.setattr(worker, "GLANCE_SECONDS", 0.05)


def test_a_training_is_killed_told_resumed_and_finished(
    qtbot: QtBot, opened: Project, told: list[Notice], tasks: list[TrainingTask]
) -> None:
    training = opened.training
    states: list[str] = []
    training.status_changed.connect(lambda folder, status: states.append(status.state))
    run = training.start(_words(opened, "first", 8))
    assert run is not None
    assert training.active() == [run]
    assert tasks[0].label == "Starting first"
    course = training.follow(run)
    qtbot.waitUntil(lambda: len(training.course(run).epochs) >= 2, timeout=PATIENCE)
    assert run.folder.is_dir()
    assert tasks[0].label == "Training first"
    assert tasks[0].total == 8 * training.course(run).steps_per_epoch
    assert tasks[0].remaining() is not None
    os.kill(_pid(opened, run), signal.SIGKILL)
    qtbot.waitUntil(lambda: not training.active(), timeout=PATIENCE)
    assert not tasks[0].running
    assert states[-1] == "crashed"
    crash = told[-1]
    assert crash.kind == ERROR
    assert crash.what.startswith("first has crashed in epoch ")
    assert "ended by signal 9, SIGKILL" in crash.what
    assert crash.remedy == "Resume it: what was learned up to the last checkpoint is kept."
    training.resume(run)
    qtbot.waitUntil(lambda: states[-1] == "finished" and not training.active(), timeout=PATIENCE)
    assert told[-1] == Notice(INFORMATION, "first finished after 8 epochs.")
    assert [event["epoch"] for event in training.course(run).epochs] == list(range(1, 9))
    assert training.course(run) is not course  # told anew from its beginning, with what was done again once
    log = run.console.read_text()
    assert "Epoch 8 of 8" in log
    assert '"status": "finished"' in log
    assert not run.stop_requested()


def test_a_training_outlives_its_window_and_is_found_again(qtbot: QtBot, opened: Project, tmp_path: Path, lungs: Path) -> None:
    run = opened.training.start(_words(opened, "long", 5_000))
    assert run is not None
    qtbot.waitUntil(lambda: opened.training.course(run).batches() > 0, timeout=PATIENCE)
    pid = _pid(opened, run)
    opened.finish()
    assert run.busy()
    before = len(run.events())
    again = Project(Settings(tmp_path / "again.ini"))
    said: list[Notice] = []
    again.noticed.connect(said.append)
    found: list[TrainingTask] = []
    again.task_started.connect(lambda task: found.append(task) if isinstance(task, TrainingTask) else None)
    try:
        assert again.open(lungs)
        qtbot.waitUntil(lambda: again.training.active() == [run], timeout=PATIENCE)
        qtbot.waitUntil(lambda: again.training.course(run).changes > before, timeout=PATIENCE)
        assert found[0].label == "Training long"
        found[0].cancel()  # the status bar's button: stop and keep
        assert found[0].label == "Stopping long"
        qtbot.waitUntil(lambda: not again.training.active(), timeout=PATIENCE)
        assert run.status().state == "stopped"
        assert run.state.exists()
        assert said[-1].what.startswith("long stopped by you in epoch ")
    finally:
        again.finish()
        again.deleteLater()
        os.kill(pid, signal.SIGKILL)  # should it have failed to stop; it is our child until we have waited for it
        os.waitpid(pid, 0)


def test_devices_are_found_without_waiting_for_them(qtbot: QtBot, project: Project) -> None:
    with qtbot.waitSignal(project.training.devices_found, timeout=PATIENCE) as found:
        project.training.find_devices()
        project.training.find_devices()  # is being done already
    assert found.args is not None
    assert found.args[0][-1]["name"] == "cpu"
    assert {"label", "memory", "free"} <= found.args[0][-1].keys()
    assert project.training.devices == found.args[0]
    with qtbot.waitSignal(project.training.devices_found, timeout=1_000):
        project.training.find_devices()  # known by now


def test_devices_that_cannot_be_found_are_told(
    qtbot: QtBot, project: Project, told: list[Notice], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(launches, "program", lambda: [str(tmp_path / "no-trainer")])
    project.training.find_devices()
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].what == "The trainer cannot be started."


def test_what_is_refused_before_there_is_a_run_is_told(
    qtbot: QtBot, opened: Project, told: list[Notice], tasks: list[TrainingTask]
) -> None:
    with qtbot.waitSignal(opened.training.refused, timeout=PATIENCE):
        run = opened.training.start(["train", opened.folder, "--recipe", "sratch"])
    assert run is not None
    assert run.name.endswith("-sratch")
    assert told[-1].what == "There is no recipe 'sratch'."
    assert told[-1].remedy == "Did you mean scratch?"
    assert opened.training.active() == []
    assert not tasks[0].running
    assert not run.folder.exists()


@pytest.mark.parametrize(("name", "words"), [("first", "already"), ("a/b", "cannot be the name")])
def test_a_name_that_cannot_be_is_refused_at_once(opened_run: Project, told: list[Notice], name: str, words: str) -> None:
    assert opened_run.training.start(["train", opened_run.folder, "--run", name]) is None
    assert words in told[-1].what
    assert opened_run.training.active() == []


def test_a_run_that_a_terminal_trains_is_shown_live(
    qtbot: QtBot, opened: Project, told: list[Notice], tasks: list[TrainingTask]
) -> None:
    training = opened.training
    with qtbot.waitSignal(opened.runs_changed):
        run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        qtbot.waitUntil(lambda: training.active() == [run])
        qtbot.waitUntil(lambda: training.course(run).batches() == 4)
        other.write("batch", 5)
        qtbot.waitUntil(lambda: tasks[0].count == 5)
        assert (tasks[0].label, tasks[0].total) == ("Training theirs", 8)
        other.write("finished")
        qtbot.waitUntil(lambda: bool(training.course(run).ended))
    qtbot.waitUntil(lambda: not training.active())
    assert told[-1].what == "theirs finished after 2 epochs."
    assert not tasks[0].running


def test_a_crash_in_a_terminal_is_told_too(qtbot: QtBot, opened: Project, told: list[Notice]) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        qtbot.waitUntil(lambda: opened.training.active() == [run])
        other.kill()
        qtbot.waitUntil(lambda: bool(told))
    assert told[-1].what == "theirs has crashed in epoch 3 of 4."
    assert told[-1].remedy == "Resume it: it begins anew."


def test_a_failure_is_told_with_its_remedy(qtbot: QtBot, opened: Project, told: list[Notice]) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run):
        qtbot.waitUntil(lambda: opened.training.active() == [run])
        run.append("failed", what="The disk is full", where="here", remedy="Free some space.")
    qtbot.waitUntil(lambda: bool(told))
    assert told[-1].kind == ERROR
    assert told[-1].what == "theirs failed: The disk is full. Free some space."


def test_cancelling_a_terminals_run_stops_it_first(qtbot: QtBot, opened: Project, told: list[Notice]) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        other.write("obey")
        qtbot.waitUntil(lambda: opened.training.is_active(run))
        with qtbot.waitSignal(opened.training.released):
            opened.training.cancel(run)
            task = opened.training.task(run)
            assert task is not None
            assert task.label == "Cancelling theirs"
    assert not run.busy()
    assert not opened.training.is_active(run)
    assert told == []  # that it has ended is no news


def test_a_cancelled_run_that_dies_between_two_looks_has_ended_before_it_is_released(
    qtbot: QtBot, lungs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, order, looked = make_run(lungs, "theirs", end=""), list[str](), Tail.look
    made = TrainingWorker()
    made.ended.connect(lambda folder, how: order.append("ended"))
    made.released.connect(lambda folder: order.append("released"))
    made.begin()
    with terminal(run) as other:

        def look(tail: Tail) -> list[dict[str, Any]]:
            events = looked(tail)
            other.kill()
            return events

        made.watch(str(lungs))
        qtbot.waitUntil(lambda: str(run.folder) in made._tails and made._tails[str(run.folder)].busy)
        monkeypatch.setattr(Tail, "look", look)
        made.cancel(str(run.folder))
        qtbot.waitUntil(lambda: "released" in order)
    made._timer.stop()
    assert order == ["ended", "released"]  # otherwise the window would tell of a crash that it has caused itself


def test_stopping_what_does_not_run_is_told(qtbot: QtBot, opened_run: Project, told: list[Notice]) -> None:
    opened_run.training.stop_and_keep(opened_run.runs()[0])
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].what == "Nothing to stop: finished after 2 epochs."


def test_following_tells_a_finished_run_from_its_beginning(qtbot: QtBot, opened_run: Project) -> None:
    run, training = opened_run.runs()[0], opened_run.training
    begun: list[str] = []
    training.begun.connect(begun.append)
    training.follow(run)
    training.follow(run)  # two look at it
    qtbot.waitUntil(lambda: training.course(run).ended == "finished")
    qtbot.waitUntil(lambda: training.status(run) == run.status())
    assert begun == [str(run.folder)]
    training.unfollow(run)
    assert training.course(run).batches() > 0
    training.unfollow(run)
    assert training.course(run).batches() == 0
    training.follow(run)
    qtbot.waitUntil(lambda: training.course(run).ended == "finished")


def test_a_followed_run_goes_on_being_told(qtbot: QtBot, opened: Project) -> None:
    run = make_run(opened.folder, "one", end="")
    opened.training.follow(run)
    qtbot.waitUntil(lambda: opened.training.course(run).batches() == 4)
    with qtbot.waitSignal(opened.training.events) as signal_:
        batch(run, 5)
    assert signal_.args is not None
    assert [event["step"] for event in signal_.args[1]] == [5]


def test_closing_the_project_forgets_its_runs_but_not_those_that_go_on(qtbot: QtBot, opened: Project) -> None:
    run = make_run(opened.folder, "theirs", end="")
    training = opened.training
    with terminal(run) as other:
        qtbot.waitUntil(lambda: training.is_active(run))
        opened.close()
        other.write("batch", 5)
        qtbot.waitUntil(lambda: training.course(run).batches() == 5)
        other.write("finished")
    qtbot.waitUntil(lambda: not training.active())
    assert training.course(run).batches() == 0


def test_a_run_that_vanishes_is_noticed(qtbot: QtBot, opened: Project) -> None:
    run = make_run(opened.folder, "one")
    opened.training.follow(run)
    qtbot.waitUntil(lambda: opened.training.course(run).ended == "finished")
    with qtbot.waitSignal(opened.runs_changed):
        run.folder.rename(opened.folder / "elsewhere")


def test_the_worker_lives_in_its_own_thread_and_ends_with_the_project(qtbot: QtBot, project: Project) -> None:
    made: TrainingWorker = project.training._worker
    thread: Any = project.training._thread
    assert made.thread() is thread
    assert thread.isRunning()
    assert thread is not project.thread()
    project.finish()
    assert thread.isFinished()
    project.finish()  # once more does no harm


def test_a_name_that_looks_like_an_option_is_a_name(qtbot: QtBot, opened: Project, told: list[Notice]) -> None:
    run = opened.training.start(_words(opened, "-x", 0))
    assert run is not None
    assert run.name == "-x"
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE)
    assert told[0].where == "Epochs"  # and not the name


def test_two_starts_within_a_second_get_two_names_and_one_name_is_taken_once(
    qtbot: QtBot, opened: Project, told: list[Notice]
) -> None:
    """The folder of a run is made seconds after its start."""
    words = ["train", str(opened.folder), "--recipe", "scratch"]
    made = [opened.training.start(words) for _ in range(2)]
    names = {run.name for run in made if run}
    assert len(names) == 2
    assert opened.training.start([*words, "--run", names.pop()]) is None
    assert told[0].what.endswith("is being started already.")
    for run in opened.training.active():
        opened.training.cancel(run)
    qtbot.waitUntil(lambda: not opened.training.active(), timeout=PATIENCE)
