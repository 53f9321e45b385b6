"""The table of runs: what stands in its cells, how it is sorted, and what is read again."""

from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from cxr_desktop.training import run_table
from cxr_desktop.training.run_table import COLUMNS, RunTable, SortedRuns
from trainer.course import Summary, summary

from .scenes import batch, epoch, make_run


@pytest.fixture
def rows(tmp_path: Path) -> list[Summary]:
    return [summary(make_run(tmp_path, "beta")), summary(make_run(tmp_path, "Alpha", epochs=1, end=""))]


def _never(one: Summary, name: str) -> bool:
    raise AssertionError("nothing is renamed here")


@pytest.fixture
def table(rows: list[Summary]) -> RunTable:
    made = RunTable(_never)
    made.show(rows)
    return made


def _texts(table: RunTable, row: int) -> list[str]:
    return [table.data(table.index(row, column)) for column in range(len(COLUMNS))]


def test_it_keeps_to_the_rules_of_qt(qtmodeltester: ModelTester, table: RunTable) -> None:
    qtmodeltester.check(table)
    qtmodeltester.check(SortedRuns(table))


def test_a_run_in_words(table: RunTable) -> None:
    name, state, best, epochs, recipe, created, device, bag = _texts(table, 0)
    assert (name, state, recipe, device, bag) == ("beta", "finished after 2 epochs", "scratch", "Test CPU", "")
    assert best == "0.400 Macro F1 (epoch 2)"
    assert epochs == "2 of 4"
    assert created.startswith("2023-11-1")
    assert _texts(table, 1)[1] == "crashed in epoch 2 of 4; it can be resumed"


def test_what_is_not_known_stays_empty(tmp_path: Path) -> None:
    fresh = make_run(tmp_path, "fresh", epochs=0, end="")
    (fresh.folder / "config.json").write_text("{}")
    table = RunTable(_never)
    table.show([summary(fresh)])
    assert _texts(table, 0) == ["fresh", "not started yet", "", "", "", "", "", ""]


def test_titles_say_what_they_mean(table: RunTable) -> None:
    for column in range(len(COLUMNS)):
        assert table.headerData(column, Qt.Orientation.Horizontal)
        assert len(table.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)) > 10
    assert table.headerData(0, Qt.Orientation.Vertical) is None


@pytest.mark.parametrize(("column", "first"), [("Name", "Alpha"), ("Best", "Alpha"), ("Epochs", "Alpha"), ("State", "Alpha")])
def test_columns_are_sorted_by_what_they_mean(table: RunTable, column: str, first: str) -> None:
    titles = [one.title for one in COLUMNS]
    in_order = SortedRuns(table)
    in_order.sort(titles.index(column), Qt.SortOrder.AscendingOrder)
    assert in_order.run(in_order.index(0, 0)).name == first
    in_order.sort(titles.index(column), Qt.SortOrder.DescendingOrder)
    assert in_order.run(in_order.index(0, 0)).name != first


def test_a_run_is_found_wherever_it_stands(table: RunTable, rows: list[Summary]) -> None:
    in_order = SortedRuns(table)
    in_order.sort(0)
    assert in_order.run(in_order.place(rows[0].folder)) == rows[0]
    assert not in_order.place(Path("nowhere")).isValid()


def test_only_rows_that_changed_are_told(qtbot: QtBot, table: RunTable, rows: list[Summary], tmp_path: Path) -> None:
    told: list[int] = []
    table.dataChanged.connect(lambda first, last: told.append(first.row()))
    table.show(list(rows))
    assert told == []
    again = make_run(tmp_path / "again", "Alpha")
    other = Summary(rows[1].folder, summary(again).status)
    table.show([rows[0], other])
    assert told == [1]
    with qtbot.waitSignal(table.modelReset):
        table.show([rows[0]])


def test_a_new_name_is_asked_for_once_and_trimmed(rows: list[Summary]) -> None:
    asked: list[tuple[str, str]] = []
    table = RunTable(lambda one, name: not asked.append((one.name, name)))
    table.show(rows)
    name = table.index(0, 0)
    assert table.flags(name) & Qt.ItemFlag.ItemIsEditable
    assert not table.flags(table.index(0, 1)) & Qt.ItemFlag.ItemIsEditable
    assert table.setData(name, " gamma ")
    assert not table.setData(name, "beta")
    assert not table.setData(QModelIndex(), "x")
    assert asked == [("beta", "gamma")]


def test_only_histories_that_changed_are_read_again(tmp_path: Path) -> None:
    one, other = make_run(tmp_path, "one"), make_run(tmp_path, "other", epochs=0, end="")
    first = run_table.read(tmp_path, {})
    assert [found.name for _, found in first.values()] == ["one", "other"]
    batch(other, 1)
    epoch(other, 1, 0.3)
    second = run_table.read(tmp_path, first)
    assert second[str(one.folder)] is first[str(one.folder)]
    assert second[str(other.folder)][1].best == 0.3
    with one.locked():
        assert run_table.read(tmp_path, second)[str(one.folder)][1].status.state == "running"
