"""Verbs of the trainer as processes: result, refusal, crash, cancel."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QProcess
from pytestqt.qtbot import QtBot

from cxr_desktop import commands
from cxr_desktop.commands import Command, Commands
from trainer.errors import TrainerError


@pytest.fixture
def running(qtbot: QtBot) -> Iterator[Commands]:
    made = Commands()
    yield made
    made.finish()
    assert not made.findChildren(QProcess) or all(
        process.state() == QProcess.ProcessState.NotRunning for process in made.findChildren(QProcess)
    )


def _ended(qtbot: QtBot, command: Command) -> None:
    with qtbot.waitSignal(command.ended, timeout=20_000):
        pass


def test_the_result_is_the_object_that_the_verb_prints(qtbot: QtBot, running: Commands) -> None:
    seen: list[dict[str, object]] = []
    _ended(qtbot, running.run(["recipes"], seen.append, label="Listing"))
    assert {"quick", "scratch"} <= {recipe["name"] for recipe in seen[0]["recipes"]}


def test_a_refusal_keeps_what_where_and_remedy(qtbot: QtBot, running: Commands, tmp_path: Path) -> None:
    told: list[TrainerError] = []
    _ended(qtbot, running.run(["show", tmp_path / "lung.cxr"], None, told.append, label="Counting"))
    assert told[0].what == "There is no such project"
    assert told[0].where == str(tmp_path / "lung.cxr")
    assert told[0].remedy


def test_progress_and_notes_come_while_it_works(qtbot: QtBot, running: Commands, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    notes: list[str] = []
    command = running.run(["phantom", tmp_path / "drawn", "--images", "24", "--size", "64"], label="Drawing")
    command.progressed.connect(lambda done, total: told.append((done, total)))
    command.noted.connect(notes.append)
    _ended(qtbot, command)
    assert told[-1] == (24, 24)
    assert told == sorted(told)
    assert "Drawing" in notes
    assert len(list((tmp_path / "drawn").rglob("*.png"))) >= 24


def test_a_cancelled_command_says_nothing_and_is_gone(qtbot: QtBot, running: Commands, tmp_path: Path) -> None:
    seen: list[object] = []
    command = running.run(["phantom", tmp_path / "drawn", "--images", "5000"], seen.append, seen.append, label="Drawing")
    with qtbot.waitSignal(command.progressed, timeout=20_000):
        pass
    with qtbot.waitSignal(command.ended, timeout=20_000):
        command.cancel()
    assert seen == []
    assert not command.running


def test_a_process_that_dies_is_told_in_words_with_its_last_line(qtbot: QtBot, running: Commands, tmp_path: Path) -> None:
    told: list[TrainerError] = []
    command = running.run(["phantom", tmp_path / "drawn", "--images", "5000"], None, told.append, label="Drawing")
    with qtbot.waitSignal(command.progressed, timeout=20_000):
        pass
    process = command.findChild(QProcess)
    assert process is not None
    with qtbot.waitSignal(command.ended, timeout=20_000):
        os.kill(process.processId(), signal.SIGKILL)
    assert "ended unexpectedly" in told[0].what
    assert "phantom" in told[0].what


def test_a_wrong_word_is_told_as_the_terminal_tells_it(qtbot: QtBot, running: Commands) -> None:
    told: list[TrainerError] = []
    _ended(qtbot, running.run(["shwo", "x"], None, told.append, label="Counting"))
    assert "show" in str(told[0])


def test_a_trainer_that_is_not_there_is_told(qtbot: QtBot, running: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    told: list[TrainerError] = []
    command = running.run(["recipes"], None, told.append, label="Listing")
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].what == "The trainer cannot be started"
    assert not command.running


def test_finish_ends_what_is_under_way(qtbot: QtBot, tmp_path: Path) -> None:
    made = Commands()
    command = made.run(["phantom", tmp_path / "drawn", "--images", "5000"], label="Drawing")
    with qtbot.waitSignal(command.progressed, timeout=20_000):
        pass
    process = command.findChild(QProcess)
    assert process is not None
    made.finish()
    assert process.state() == QProcess.ProcessState.NotRunning


def test_the_program_of_a_bundle_lies_beside_the_window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "cxr-desktop"))
    monkeypatch.setattr("sys.platform", "win32")
    assert commands.program() == [str(tmp_path / "cxr-trainer.exe")]
    monkeypatch.setattr("sys.platform", "linux")
    assert commands.program() == [str(tmp_path / "cxr-trainer")]


def test_letters_that_come_in_two_pieces_stay_whole(qtbot: QtBot, running: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a folder in a result that is longer than a pipe takes at once."""
    script = (
        "import sys, time\n"
        "for piece in (b'{\"report\": \"L', b'\\xc3', b'\\xa4', b'nge\"}\\n'):\n"
        "    sys.stdout.buffer.write(piece); sys.stdout.buffer.flush(); time.sleep(0.05)\n"
    )
    monkeypatch.setattr(commands, "program", lambda: [sys.executable, "-c", script])
    seen: list[dict[str, object]] = []
    _ended(qtbot, running.run(["report"], seen.append, label="Writing"))
    assert seen == [{"report": "Länge"}]
