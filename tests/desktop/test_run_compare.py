"""Runs over one another: curves, best values, what differs, and a warning where they must not be compared."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.training.run_compare import MOST, RunCompare
from cxr_desktop.training.run_details import Differences

from .scenes import epoch, make_run


@pytest.fixture
def compare(qtbot: QtBot, opened: Project) -> Iterator[RunCompare]:
    made = RunCompare(opened)
    qtbot.addWidget(made)
    made.resize(600, 500)
    made.show()
    yield made
    made.close()


def _rows(part: Differences) -> list[list[str]]:
    table = part.table
    return [[table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())]


def test_two_runs(qtbot: QtBot, compare: RunCompare, opened: Project) -> None:
    one = make_run(opened.folder, "one", {"optimiser.lr": 1e-3})
    other = make_run(opened.folder, "other", {"optimiser.lr": 1e-2}, epochs=3)
    compare.show_runs([one.folder, other.folder])
    qtbot.waitUntil(lambda: compare.chart.series() == ("one", "other"))
    assert compare.title.text() == "2 runs"
    assert compare.figure.currentText() == "Macro F1"
    assert "other" in compare.chart.description()
    assert compare.warning.isHidden()
    assert _rows(compare.settings) == [["Learning rate", "0.001", "0.01"]]
    best = {row[0]: row[1:] for row in _rows(compare.best)}
    assert best["Epoch that is kept"] == ["2", "3"]
    assert best["Macro F1"] == ["0.400", "0.600 ◂"]
    assert best["Loss on validation"] == ["0.550", "0.367 ◂"]
    assert best["Accuracy"] == ["0.500 ◂", "0.500 ◂"]


def test_another_curve_can_be_chosen(qtbot: QtBot, compare: RunCompare, opened: Project) -> None:
    runs = [make_run(opened.folder, name) for name in ("one", "other")]
    compare.show_runs([run.folder for run in runs])
    qtbot.waitUntil(lambda: len(compare.chart.series()) == 2)
    compare.figure.setCurrentIndex(compare.figure.findData("train_loss"))
    assert compare.figure.currentText() == "Loss on training"
    before = compare.chart.description()
    epoch(runs[0], 3, 0.9)
    compare.refresh()
    qtbot.waitUntil(lambda: compare.chart.description() != before)
    assert compare.figure.currentText() == "Loss on training"  # the choice stays


def test_other_splits_are_warned_of(qtbot: QtBot, compare: RunCompare, opened: Project) -> None:
    runs = [make_run(opened.folder, "one", digest="a"), make_run(opened.folder, "other", digest="b")]
    compare.show_runs([run.folder for run in runs])
    qtbot.waitUntil(lambda: compare.warning.isVisible())
    assert compare.warning.text().startswith("Not comparable: their splits differ (one and other).")


def test_the_same_settings_are_said_to_be_the_same(qtbot: QtBot, compare: RunCompare, opened: Project) -> None:
    compare.show_runs([make_run(opened.folder, name).folder for name in ("one", "other")])
    qtbot.waitUntil(lambda: compare.settings.words.text() == "They have the same settings.")
    assert compare.settings.table.isHidden()


def test_more_runs_than_colours_are_said_to_be_left_out(qtbot: QtBot, compare: RunCompare, opened: Project) -> None:
    compare.show_runs([make_run(opened.folder, f"run {number}").folder for number in range(MOST + 2)])
    qtbot.waitUntil(lambda: len(compare.chart.series()) == MOST)
    assert compare.title.text() == f"{MOST} runs (the first of {MOST + 2})"


def test_only_the_last_question_is_answered(qtbot: QtBot, compare: RunCompare, opened: Project) -> None:
    folders = [make_run(opened.folder, name).folder for name in ("one", "two", "three")]
    compare.show_runs(folders[:2])
    compare.show_runs(folders[1:])
    qtbot.waitUntil(lambda: compare.chart.series() == ("two", "three"))


def test_a_run_that_cannot_be_read_is_told(qtbot: QtBot, compare: RunCompare, opened: Project, told: list[Notice]) -> None:
    one, other = make_run(opened.folder, "one"), make_run(opened.folder, "other")
    (other.folder / "config.json").write_text("[]")
    compare.show_runs([one.folder, other.folder])
    qtbot.waitUntil(lambda: bool(told))
    assert "damaged" in told[-1].what
