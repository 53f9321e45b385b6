"""What a terminal shows: results on stdout, notes on stderr, figures that are not defined as null."""

import errno
import io
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from trainer import console
from trainer.errors import StorageError


@dataclass(frozen=True)
class _Thing:
    path: Path
    value: float


def test_one_object_a_line_with_null_for_what_is_not_defined(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"thing": _Thing(Path("a/b"), math.nan), "map": MappingProxyType({1: (math.inf, 2.5)}), "word": "ü\n"}
    console.emit(value)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"thing": {"path": "a/b", "value": None}, "map": {"1": [None, 2.5]}, "word": "ü\n"}


def test_notes_go_to_stderr_and_stay_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a [bold]path[/bold] " + "x" * 300
    console.note(text)
    console.say("result")
    said = capsys.readouterr()
    assert said.err == text + "\n"
    assert said.out == "result\n"


def test_a_table_shows_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("Title", ("Name", "Count"), [("[red]", 3), ("long " * 30, 12)])
    out = capsys.readouterr().out
    assert "[red]" in out
    assert out.count("long") == 30
    assert "Title" in out


def test_no_bar_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with console.bar("Working") as progress:
        progress(1, 2)
        progress(2, 2)
    said = capsys.readouterr()
    assert said.out == said.err == ""


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ((0.5, 0.25, 0.75), "0.500 (0.250 to 0.750)"),
        ((0.5, math.nan, math.nan), "0.500"),
        ((math.nan, math.nan, math.nan), "not defined"),
    ],
)
def test_a_figure_with_its_interval(figure: tuple[float, float, float], text: str) -> None:
    assert console.figure(*figure) == text


PRINTING: tuple[Callable[[], None], ...] = (
    lambda: console.say("x"),
    lambda: console.emit({}),
    lambda: console.table("", ("A",), [(1,)]),
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Broken(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error
        self.tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        raise self.error


@pytest.fixture(autouse=True)
def _a_console_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The console for notes keeps what it has learned of its terminal, which each test replaces."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    console._stderr.cache_clear()
    yield
    console._stderr.cache_clear()


def test_a_note_stands_above_the_bar_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with console.bar("Working") as bar:
        bar(1, 2)
        console.note("first note")
        bar.label("Training")
        bar(2, 2)
        console.note("second note")
    assert re.search(r"(\x1b\[2K|\n)first note *\r?\n", screen.getvalue())
    assert re.search(r"(\x1b\[2K|\n)second note *\r?\n", screen.getvalue())
    assert "Training" in screen.getvalue()


def test_a_terminal_breaks_sentences_between_words_and_never_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    console.say("sentence " * 20)
    assert max(map(len, screen.getvalue().splitlines())) <= 40
    assert screen.getvalue().split() == ["sentence"] * 20
    console.next_step("train", "x" * 50 + ".cxr", "--set", "schedule.epochs=2")
    assert screen.getvalue().endswith(f"Next: cxr-trainer train {'x' * 50}.cxr --set schedule.epochs=2\n")


def test_a_row_stays_on_one_line_where_no_terminal_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", ("Path", "Why"), [("p" * 100, "w" * 100), ("short", "x")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "p" * 100 in lines[1]
    assert all(line == line.rstrip() for line in lines)


def test_a_reader_of_notes_that_goes_away_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = _Broken(BrokenPipeError())
    monkeypatch.setattr(sys, "stderr", broken)
    console.note("nobody reads this")
    console.note("nor this")
    assert broken.tried


def test_a_reader_of_results_that_goes_away_is_told_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Broken(BrokenPipeError()))
    for act in PRINTING:
        with pytest.raises(BrokenPipeError):
            act()


def test_a_result_that_finds_no_room_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Broken(OSError(errno.ENOSPC, "No space left on device")))
    for act in PRINTING:
        with pytest.raises(StorageError, match="cannot be written: No space left"):
            act()


def test_nothing_is_printed_where_stdout_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    console.emit({"a": 1})
    assert sys.stdout is None


def test_a_path_is_shown_as_short_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert console.near(tmp_path / "a" / "b") == str(Path("a/b"))
    assert console.near(tmp_path.parent / "c") == str(tmp_path.parent / "c")


def test_a_name_from_a_file_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("a\x1b[31mred\nb\rc\x9b")
    console.note("bell\x07")
    console.table("", ("File",), [("x\x1b]0;title\x07",)])
    said = capsys.readouterr()
    assert said.out == "a\\x1b[31mred\nb\\x0dc\\x9b\nFile\nx\\x1b]0;title\\x07\n"
    assert said.err == "bell\\x07\n"


def test_a_name_that_is_not_utf8_is_written_out_and_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    name = b"gr\xf6\xdfe.png".decode("utf-8", "surrogateescape")
    console.say(name)
    assert capsys.readouterr().out == "gr\\udcf6\\udcdfe.png\n"
    console.emit({"path": Path(name)})
    out = capsys.readouterr().out
    out.encode("utf-8")
    assert json.loads(out) == {"path": name}
