"""The model of the images: any number of rows, of which only those that are looked at are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import tables
from cxr_desktop.dataset.tables import COLUMNS, PAGE, ImagesModel
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from trainer.catalog import Catalog

from . import large

COUNT = 20_000
Role = Qt.ItemDataRole


@pytest.fixture(scope="module")
def _large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large.make(tmp_path_factory.mktemp("large"), COUNT)


@pytest.fixture
def many(project: Project, _large: Path) -> Iterator[ImagesModel]:
    """20,000 images; nothing in their project is changed."""
    assert project.open(_large)
    model = ImagesModel(project)
    model.show_ids(project.catalog.ids())
    yield model
    project.close()


@pytest.fixture
def few(opened: Project) -> ImagesModel:
    model = ImagesModel(opened, opened)
    model.show_ids(opened.catalog.ids())
    return model


def cell(model: ImagesModel, row: int, name: str, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401 - whatever a cell holds
    column = next(place for place, column in enumerate(COLUMNS) if column.name == name)
    return model.data(model.index(row, column), role)


def loaded(qtbot: QtBot, model: ImagesModel, *rows: int) -> None:
    for row in rows:
        qtbot.waitUntil(lambda row=row: model.record(row) is not None)


def test_it_is_a_model_as_qt_wants_it(qtbot: QtBot, few: ImagesModel) -> None:
    tester = QAbstractItemModelTester(few, QAbstractItemModelTester.FailureReportingMode.Warning)  # a warning fails the test
    loaded(qtbot, few, 0)
    few.show_ids(few.ids[:5])
    few.read_again()
    assert few.rowCount() == 5
    tester.deleteLater()


def test_a_row_is_empty_until_it_is_read(qtbot: QtBot, few: ImagesModel) -> None:
    assert few.record(3) is None
    assert cell(few, 3, "File") == "…"
    assert cell(few, 3, "Patient") is None
    with qtbot.waitSignal(few.dataChanged) as changed:
        pass
    assert (changed.args[0].row(), changed.args[1].row()) == (0, 29)
    assert cell(few, 3, "Patient").startswith("P")


def test_cells_say_what_the_catalog_says(qtbot: QtBot, opened: Project, few: ImagesModel) -> None:
    loaded(qtbot, few, 0)
    ids = opened.catalog.ids()
    for row, (record, part) in enumerate(zip(opened.catalog.records(ids), opened.catalog.parts(ids), strict=True)):
        assert few.record(row) == record
        assert cell(few, row, "File") == record.path.name
        assert cell(few, row, "Part") == part
        assert cell(few, row, "Size") == "64 × 64"
        assert cell(few, row, "Findings") == ", ".join(name for name, answer in record.labels.items() if answer == 1)
        assert record.path.name in cell(few, row, "View", Role.ToolTipRole)
    assert Qt.AlignmentFlag(cell(few, 0, "Age", Role.TextAlignmentRole)) & Qt.AlignmentFlag.AlignRight
    assert cell(few, 0, "File", Role.TextAlignmentRole) is None
    assert cell(few, 0, "File", Role.DecorationRole) is None


def test_rows_that_there_are_not_are_not_asked_for(few: ImagesModel, opened: Project) -> None:
    assert few.record(-1) is None
    assert few.record(30) is None
    few.show_ids(few.ids[:0])
    assert few.record(0) is None
    assert not opened.jobs.busy()


def test_headers(few: ImagesModel) -> None:
    across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    assert [few.headerData(place, across) for place in range(3)] == ["File", "Findings", "Patient"]
    assert few.headerData(0, across, Role.ToolTipRole) == "Click to sort by file"
    assert few.headerData(1, across, Role.ToolTipRole) is None
    assert (few.headerData(4, down), few.headerData(4, down, Role.ToolTipRole)) == (5, None)
    assert few.headerData(0, across, Role.DecorationRole) is None


def test_of_many_images_only_those_on_screen_are_read(qtbot: QtBot, many: ImagesModel) -> None:
    view = QTableView()
    qtbot.addWidget(view)
    view.setModel(many)
    view.resize(600, 400)
    view.show()
    assert many.rowCount() == COUNT
    loaded(qtbot, many, 0)
    assert many.pages_read == 1
    view.scrollToBottom()
    loaded(qtbot, many, COUNT - 1)
    assert many.pages_read == 2
    view.setModel(None)


def test_pages_that_were_scrolled_past_are_not_read(qtbot: QtBot, many: ImagesModel) -> None:
    for row in range(0, COUNT, PAGE):
        many.record(row)
    loaded(qtbot, many, COUNT - 1)
    qtbot.waitUntil(lambda: not many._jobs)
    assert many.pages_read <= tables.AT_ONCE + tables.WAITING
    assert many.record(COUNT // 2) is None


def test_few_pages_are_kept(qtbot: QtBot, many: ImagesModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "KEPT", 3)
    loaded(qtbot, many, 0, PAGE, 2 * PAGE)
    many.record(0)  # looked at again: it is not the oldest any more
    loaded(qtbot, many, 3 * PAGE)
    assert len(many._pages) == 3
    assert many.record(0) is not None
    assert many.record(PAGE) is None


def test_other_images_replace_what_is_still_being_read(qtbot: QtBot, many: ImagesModel) -> None:
    many.record(0)
    ids = many.ids
    many.show_ids(ids[::-1])
    loaded(qtbot, many, 0)
    record = many.record(0)
    assert record is not None
    assert record.id == ids[-1]


def test_what_is_shown_stays_until_it_is_read_again(qtbot: QtBot, opened: Project, few: ImagesModel) -> None:
    loaded(qtbot, few, 0)
    opened.catalog.set_labels(few.ids[:1], "Pleural effusion", -1)
    opened.catalog.set_excluded(few.ids[:1], True)
    few.read_again()
    record = few.record(0)
    assert record is not None
    assert not record.excluded
    qtbot.waitUntil(lambda: few.record(0).excluded)  # type: ignore[union-attr]
    assert "Pleural effusion" not in few.record(0).labels  # type: ignore[union-attr]
    assert few.pages_read == 2


def test_images_that_are_not_there_are_told_once(qtbot: QtBot, opened: Project, few: ImagesModel, told: list[Notice]) -> None:
    few.show_ids(np.array([few.ids[0], 999_999], dtype=np.int64))
    few.record(0)
    qtbot.waitUntil(lambda: bool(told))
    for _ in range(3):
        assert few.record(0) is None
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert [notice.what for notice in told] == ["The project does not hold all of the images asked for."]


def test_closing_the_project_ends_reading(qtbot: QtBot, opened: Project, few: ImagesModel) -> None:
    few.record(0)
    opened.close()
    few.show_ids(few.ids[:0])
    assert few.rowCount() == 0
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert few.pages_read == 0


def test_a_selection_is_read_by_its_ranges(many: ImagesModel) -> None:
    selection = QItemSelection(many.index(2, 0), many.index(5, 0))
    selection.select(many.index(10, 0), many.index(10, 3))
    assert many.ids_in(selection).tolist() == many.ids[[2, 3, 4, 5, 10]].tolist()
    everything = QItemSelection(many.index(0, 0), many.index(COUNT - 1, len(COLUMNS) - 1))
    assert np.array_equal(many.ids_in(everything), many.ids)
    assert len(many.ids_in(QItemSelection())) == 0


@given(chosen=st.sets(st.integers(0, 29)))
def test_rows_to_selection_and_back(chosen: set[int]) -> None:
    model = ImagesModel.__new__(ImagesModel)
    ImagesModel.__init__(model, Project.__new__(Project))
    model.ids = np.arange(100, 130)
    rows = np.array(sorted(chosen), dtype=np.int64)
    selection = model.selection_of(rows)
    assert model.ids_in(selection).tolist() == (rows + 100).tolist()
    assert len(selection) == np.count_nonzero(np.diff(rows, prepend=-5) != 1)
    assert model.rows_of(rows + 100).tolist() == rows.tolist()


def test_a_selection_that_is_too_scattered_is_given_up(many: ImagesModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "RUNS", 50)
    assert len(many.selection_of(np.arange(0, 98, 2))) == 49
    assert len(many.selection_of(np.arange(0, 1_000, 2))) == 0
    assert len(many.selection_of(np.arange(1_000))) == 1


def test_images_that_are_not_shown_have_no_row(opened: Project, few: ImagesModel) -> None:
    some = few.ids[4:8]
    few.show_ids(few.ids[6:])
    assert few.rows_of(some).tolist() == [0, 1]
    assert few.rows_of(np.array([], dtype=np.int64)).tolist() == []


def test_parts_follow_the_active_split(qtbot: QtBot, opened: Project, few: ImagesModel) -> None:
    loaded(qtbot, few, 0)
    assert {cell(few, row, "Part") for row in range(30)} == {"train", "validation", "test"}
    with Catalog.open(opened.folder) as other:
        split = other.split()
        other.save_split(type(split)("other", {"external": few.ids[:1]}, 1, "", 0, None, ""))
    few.read_again()
    few.record(0)
    qtbot.waitUntil(lambda: cell(few, 0, "Part") == "external")
    assert cell(few, 1, "Part") == ""


def test_a_selection_model_works_on_it(few: ImagesModel) -> None:
    chosen = QItemSelectionModel(few)
    chosen.select(few.selection_of(np.array([1, 2, 9])), QItemSelectionModel.SelectionFlag.Select)
    assert few.ids_in(chosen.selection()).tolist() == few.ids[[1, 2, 9]].tolist()
    few.show_ids(few.ids)
    assert not chosen.hasSelection()
