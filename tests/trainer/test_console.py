"""What a terminal shows: results on stdout, notes on stderr, figures that are not defined as null."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from trainer import console


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
