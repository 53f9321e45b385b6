"""The files under review as a table: one order, answers in their rows, nothing lost when rows come and go."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from cxr_desktop.review import review_list
from cxr_desktop.review.review_list import FILE, FIRST_FINDING, PROBABILITY, STATE, TOP, Answers, ReviewList
from trainer import verdicts
from trainer.verdicts import FilePrediction

KIND = Answers(("Normal", "Lobar pneumonia"), {"Lobar pneumonia": 0.4})
A, B, C = (Path(f"/images/{name}.png") for name in "abc")


@pytest.fixture
def files(qtbot: QtBot) -> Iterator[ReviewList]:
    made = ReviewList()
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield made
    tester.deleteLater()
    made.deleteLater()


def said(path: Path, *values: float, spread: float = 0.0) -> FilePrediction:
    return FilePrediction(path, np.array(values, np.float32), np.full(len(values), spread, np.float32))


def texts(files: ReviewList, column: int) -> list[str]:
    return [files.index(row, column).data() for row in range(files.rowCount())]


def test_a_file_stands_in_the_list_once(files: ReviewList) -> None:
    assert files.add([A, B, A]) == 2
    assert files.add([B, C]) == 1
    assert files.paths == [A, B, C]
    assert [files.row(path) for path in (A, B, C, Path("x"))] == [0, 1, 2, -1]
    assert list(files.waiting) == [A, B, C]


def test_states_in_words(files: ReviewList) -> None:
    files.add([A, B, C])
    assert texts(files, STATE) == ["no model"] * 3
    files.ask_for(KIND)
    files.answer(said(A, 0.2, 0.8))
    files.answer(verdicts.refused(B, "The file is empty. Copy it again."))
    assert texts(files, STATE) == ["done", "not readable", "waiting"]
    assert files.tally() == (2, 1, 3)
    assert "The file is empty" in files.index(1, STATE).data(Qt.ItemDataRole.ToolTipRole)
    assert files.index(0, FILE).data(Qt.ItemDataRole.ToolTipRole) == str(A)


def test_what_reaches_its_threshold_is_marked_and_bold(files: ReviewList) -> None:
    files.add([A, B])
    files.ask_for(KIND)
    files.answer(said(A, 0.6, 0.4))
    files.answer(said(B, 0.7, 0.3))
    threshold = float(np.float32(0.4))
    assert threshold >= 0.4  # 0.4 as float32 is a little more, so it is reached
    assert texts(files, FIRST_FINDING + 1) == ["▲ 0.400", "0.300"]
    assert texts(files, FIRST_FINDING) == ["0.600", "0.700"]  # no threshold was chosen for it
    assert files.index(0, FIRST_FINDING + 1).data(Qt.ItemDataRole.FontRole).bold()
    assert files.index(1, FIRST_FINDING + 1).data(Qt.ItemDataRole.FontRole) is None
    files.judge_by({"Lobar pneumonia": 0.2, "Normal": 0.65})
    assert texts(files, FIRST_FINDING + 1) == ["▲ 0.400", "▲ 0.300"]
    assert texts(files, FIRST_FINDING) == ["0.600", "▲ 0.700"]


def test_heads_say_what_a_column_means(files: ReviewList) -> None:
    files.ask_for(Answers(KIND.findings, KIND.thresholds, spread=True))
    heads = [files.headerData(column, Qt.Orientation.Horizontal) for column in range(files.columnCount())]
    assert heads == ["File", "State", "Top finding", "Probability", *KIND.findings, "Normal (SD)", "Lobar pneumonia (SD)"]
    role = Qt.ItemDataRole.ToolTipRole
    hints = [files.headerData(column, Qt.Orientation.Horizontal, role) for column in range(files.columnCount())]
    assert all(hints)
    assert "no threshold" in hints[FIRST_FINDING]
    assert "0.400" in hints[FIRST_FINDING + 1]
    assert "Standard deviation" in hints[-1]


def test_the_spread_has_columns_of_its_own(files: ReviewList) -> None:
    files.add([A])
    files.ask_for(Answers(KIND.findings, KIND.thresholds, spread=True))
    files.answer(said(A, 0.1, 0.9, spread=0.5))
    row = [files.index(0, column).data() for column in range(TOP, files.columnCount())]
    assert row == ["Lobar pneumonia", "0.900", "0.100", "▲ 0.900", "0.500", "0.500"]
    assert files.index(0, FIRST_FINDING + 3).data(Qt.ItemDataRole.FontRole) is None  # a spread reaches no threshold


def test_sorting_moves_rows_with_what_points_at_them(files: ReviewList) -> None:
    files.add([A, B, C])
    files.ask_for(KIND)
    files.answer(said(A, 0.9, 0.1))
    files.answer(said(B, 0.2, 0.8))
    kept = QPersistentModelIndex(files.index(1, FILE))
    files.sort(FIRST_FINDING + 1, Qt.SortOrder.DescendingOrder)
    assert files.paths == [B, A, C]
    assert kept.row() == 0
    assert files.row(B) == 0
    files.sort(FIRST_FINDING + 1, Qt.SortOrder.AscendingOrder)
    assert files.paths == [A, B, C], "what is not known stands last in either direction"
    files.sort(FILE, Qt.SortOrder.DescendingOrder)
    assert files.paths == [C, B, A]
    files.answer(said(C, 0.5, 0.5))
    assert texts(files, PROBABILITY) == ["0.500", "0.800", "0.900"]


def test_equal_rows_keep_their_order(files: ReviewList) -> None:
    paths = [Path(f"/{number}.png") for number in range(20)]
    files.add(paths)
    files.ask_for(KIND)
    for path in paths:
        files.answer(said(path, 0.5, 0.5))
    files.sort(PROBABILITY, Qt.SortOrder.DescendingOrder)
    assert files.paths == paths


@pytest.mark.parametrize("count", [10, 100])
def test_rows_are_removed_wherever_they_stand(files: ReviewList, count: int) -> None:
    paths = [Path(f"/{number:03d}.png") for number in range(count)]
    files.add(paths)
    files.remove(range(0, count, 2))  # scattered: with 100, everything is read again
    assert files.paths == paths[1::2]
    assert list(files.waiting) == paths[1::2]
    assert [files.row(path) for path in paths[1::2]] == list(range(count // 2))
    files.remove([0, 1, 2])
    assert files.paths == paths[1::2][3:]


def test_a_late_answer_for_a_removed_file_is_dropped(files: ReviewList) -> None:
    files.add([A, B])
    files.ask_for(KIND)
    files.remove([0])
    files.answer(said(A, 0.1, 0.9))
    files.keep_thumbnail(A, QImage(4, 4, QImage.Format.Format_Grayscale8))
    assert files.answered() == []
    assert files.thumbnail(A) is None
    assert files.tally() == (0, 0, 1)


def test_another_model_forgets_answers_but_not_what_cannot_be_read(files: ReviewList) -> None:
    files.add([A, B])
    files.ask_for(KIND)
    files.answer(said(A, 0.1, 0.9))
    files.answer(verdicts.refused(B, "no"))
    files.ask_for(Answers(("Cardiomegaly",)))
    assert texts(files, STATE) == ["waiting", "not readable"]
    assert files.tally() == (1, 1, 2)
    files.clear()
    assert (files.rowCount(), files.tally(), files.waiting) == (0, (0, 0, 0), {})


def test_only_so_many_thumbnails_are_kept(files: ReviewList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_list, "THUMBNAILS", 2)
    files.add([A, B, C])
    for path in (A, B, C):
        files.keep_thumbnail(path, QImage(4, 4, QImage.Format.Format_Grayscale8))
    assert [files.thumbnail(path) is None for path in (A, B, C)] == [True, False, False]


def test_changes_are_told_for_their_row_only(qtbot: QtBot, files: ReviewList) -> None:
    files.add([A, B])
    files.ask_for(KIND)
    with qtbot.waitSignal(files.dataChanged) as told, qtbot.waitSignal(files.counted):
        files.answer(said(B, 0.1, 0.9))
    first, last = told.args[:2]
    assert (first.row(), last.row()) == (1, 1)
    assert (first.column(), last.column()) == (0, files.columnCount() - 1)
