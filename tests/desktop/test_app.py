"""The start of the program: its words, a screen that is not there, and the hook for our own faults."""

import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop import app
from cxr_desktop.main_window import MainWindow
from cxr_desktop.notices import ERROR
from cxr_desktop.project import Project


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.usefixtures("no_display")
def test_without_a_display_the_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    (tmp_path / "runs" / "demo" / "report.html").touch()
    assert app.main(["--if-display", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "no display" in said
    assert "report.html" in said


@pytest.mark.usefixtures("no_display")
def test_a_windowed_program_without_a_terminal_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert app.main(["--if-display", str(tmp_path)]) == 0


@pytest.mark.parametrize("words", [["--check", "out"], ["--check", "out", "a.cxr", "b.cxr"], ["--nonsense"]])
def test_wrong_words_end_with_a_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app.main(words)
    assert ended.value.code == 2
    assert "cxr-desktop" in capsys.readouterr().err


def test_help_has_examples_and_says_what_it_is_not_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "cxr-desktop --demo" in said
    assert "not for diagnosis" in said


def test_a_fault_of_ours_is_told_with_details_and_written_down(qtbot: QtBot, project: Project, tmp_path: Path) -> None:
    window = MainWindow(project)
    qtbot.addWidget(window)
    log = app._logging()
    hook = app._fault_hook(window, log)
    try:
        {}["no such key"]
    except KeyError as error:
        hook(type(error), error, error.__traceback__)
    (card,) = window.notices.cards()
    assert card.notice.kind == ERROR
    assert "KeyError" in card.notice.what
    assert "test_app.py" in card.notice.details
    assert sys.version.split()[0] in card.notice.details
    assert "KeyError" in log.read_text(encoding="utf-8")


def test_a_very_long_fault_stays_readable(qtbot: QtBot, project: Project) -> None:
    window = MainWindow(project)
    qtbot.addWidget(window)
    error = ValueError("x" * 10_000)
    app._fault_hook(window, app._logging())(ValueError, error, None)
    (card,) = window.notices.cards()
    assert len(card.notice.what) < 300
    assert "x" * 10_000 in card.notice.details
