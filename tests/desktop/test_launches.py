"""Processes of the trainer: what they say is read while they run, and how they end is told in words."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cxr_desktop import launches
from cxr_desktop.launches import Launch
from trainer.errors import RunError, TrainerError


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Launch]]:
    """Start something; it is ended after the test."""
    started: list[Launch] = []

    def start(*words: str, script: str = "") -> Launch:
        if script:  # stands in for a trainer that does what real ones do rarely
            monkeypatch.setattr(launches, "program", lambda: [sys.executable, "-c", script])
        started.append(Launch(words))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait(10)
        one.forget()


def _until(launch: Launch, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, launch.text
        launch.wait(0.02)
        launch.look()


def _ended(launch: Launch) -> Launch:
    _until(launch, launch.look)
    return launch


def test_what_a_verb_prints_is_there_when_it_has_ended(launch: Callable[..., Launch]) -> None:
    one = _ended(launch("recipes", "--json"))
    assert {recipe["name"] for recipe in one.said()["recipes"]} >= {"quick", "scratch"}
    assert one.refusal() is None
    assert one.ending() == "exit status 0"


def test_a_refusal_comes_with_what_where_and_remedy(launch: Callable[..., Launch], tmp_path: Path) -> None:
    error = _ended(launch("resume", str(tmp_path / "nothing"), "--json")).refusal()
    assert isinstance(error, TrainerError)
    assert error.what == "There is no such run"
    assert error.where.endswith("nothing")
    assert error.remedy


def test_progress_and_the_run_are_read_while_it_goes_on(launch: Callable[..., Launch]) -> None:
    script = """
import sys, time
print('{"progress": [3, 9], "label": "Reading"}', file=sys.stderr, flush=True)
print('some words', flush=True)
print('{"run": "/p.cxr/runs/ä"}', flush=True)
sys.stdout.write('{"run": "/an')
sys.stdout.flush()
time.sleep(60)
"""
    one = launch("train", script=script)
    _until(one, lambda: bool(one.folder))
    assert one.folder == "/p.cxr/runs/ä"
    assert one.progress == (3, 9)
    assert not one.look()
    assert one.ending() == ""
    assert "some words" in one.text
    assert "progress" not in one.text


def test_a_killed_process_says_by_which_signal(launch: Callable[..., Launch]) -> None:
    one = launch("train", script="import time; print('begun', flush=True); time.sleep(60)")
    _until(one, lambda: "begun" in one.text)
    os.kill(one.pid, signal.SIGKILL)
    error = _ended(one).refusal()
    assert one.ending() == "ended by signal 9, SIGKILL"
    assert isinstance(error, RunError)
    assert "ended unexpectedly (ended by signal 9, SIGKILL) while doing 'train'" in error.what
    assert error.where == "begun"


def test_a_fault_comes_with_its_last_words_and_all_of_them_as_details(launch: Callable[..., Launch]) -> None:
    error = _ended(launch("train", script="print('one'); raise SystemExit('the end')")).refusal()
    assert error is not None
    assert error.where == "the end"
    assert error.details == "one\nthe end\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [0, 130])
def test_an_end_by_wish_is_no_refusal(launch: Callable[..., Launch], status: int) -> None:
    assert _ended(launch("train", script=f"raise SystemExit({status})")).refusal() is None


def test_stopping_before_there_is_a_run_is_no_refusal(launch: Callable[..., Launch]) -> None:
    one = launch("train", script="import time; print('begun', flush=True); time.sleep(60)")
    _until(one, lambda: "begun" in one.text)
    one.stop()
    assert _ended(one).refusal() is None


def test_it_has_a_session_of_its_own_and_no_input(launch: Callable[..., Launch]) -> None:
    script = "import os, sys, json; print(json.dumps({'session': os.getsid(0), 'input': sys.stdin.read()}))"
    one = _ended(launch("train", script=script))
    assert one.said() == {"session": one.pid, "input": ""}
    assert one.pid != os.getsid(0)


def test_a_program_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launches, "program", lambda: [str(tmp_path / "no-trainer")])
    with pytest.raises(RunError, match="cannot be started"):
        Launch(["devices"])


def test_one_that_is_left_to_itself_goes_on(launch: Callable[..., Launch], tmp_path: Path) -> None:
    """No complaint by Python (warnings are errors here), no file left, and the process lives."""
    one = launch("train", script="import sys; open(sys.argv[1], 'w'); import time; time.sleep(60)")
    output = one._output
    process = one._process
    one.forget()
    assert not output.exists()
    os.kill(one.pid, 0)
    os.kill(one.pid, signal.SIGKILL)
    os.waitpid(process.pid, 0)


def test_a_run_that_ends_by_a_refusal_says_why(launch: Callable[..., Launch]) -> None:
    """Its disk is full: it cannot write that into its history."""
    said = '{"error": {"what": "The disk is full", "where": "", "remedy": ""}}'
    one = _ended(launch("train", script=f"print('{said}'); raise SystemExit(2)"))
    assert one.ending() == "said: The disk is full"


def test_who_asked_it_to_end_is_not_told_that_it_did(launch: Callable[..., Launch]) -> None:
    """On Windows a process that was ended has exit status 1."""
    script = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(1)); print('begun', flush=True); time.sleep(60)"
    one = launch("train", script=script)
    _until(one, lambda: "begun" in one.text)
    one.stop()
    assert _ended(one).refusal() is None
