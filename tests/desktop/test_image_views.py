"""Grid and table over one selection, which outlives filters and orders."""

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.image_views import ImageViews
from cxr_desktop.dataset.shown_images import ShownImages
from cxr_desktop.project import Project
from trainer.records import YES, Filter, Ids

Flag = QItemSelectionModel.SelectionFlag


class Setting:
    """Views of an open project, and what they tell."""

    def __init__(self, qtbot: QtBot, project: Project) -> None:
        self.project, self._qtbot = project, qtbot
        self.shown = ShownImages(project)
        self.views = ImageViews(project, self.shown)
        qtbot.addWidget(self.views)
        self.shown.setParent(self.views)
        self.told: list[list[int]] = []
        self.views.chosen.connect(lambda ids: self.told.append(ids.tolist()))
        self.views.resize(500, 400)
        self.views.show()
        self.shown.refresh()
        self.settle()

    def settle(self) -> None:
        """Wait for all answers and pictures."""
        self._qtbot.waitUntil(lambda: not self.project.jobs.busy() and not self.views._pause.isActive())

    def select(self, *rows: int) -> Ids:
        """Select rows, the last one is the current one."""
        model, selection = self.views.model, self.views.selection
        selection.setCurrentIndex(model.index(rows[-1], 0), Flag.NoUpdate)
        selection.select(model.selection_of(np.array(sorted(rows))), Flag.ClearAndSelect)
        return self.views.ids()


@pytest.fixture
def setting(qtbot: QtBot, opened: Project) -> Setting:
    return Setting(qtbot, opened)


def test_both_show_one_selection(qtbot: QtBot, setting: Setting) -> None:
    views = setting.views
    grid = views.grid
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.visualRect(views.model.index(1, 0)).center())
    assert views.ids().tolist() == [setting.shown.ids[1]]
    views.show_as(table=True)
    assert views.currentWidget() is views.table
    assert views.table.selectionModel().isRowSelected(1)
    point = views.table.visualRect(views.model.index(3, 1)).center()
    qtbot.mouseClick(views.table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, point)
    views.show_as(table=False)
    assert views.ids().tolist() == setting.shown.ids[[1, 3]].tolist()
    assert grid.selectionModel() is views.table.selectionModel()


def test_a_selection_is_told_when_it_stands(setting: Setting) -> None:
    setting.told.clear()
    for row in range(10):
        setting.select(row)
    assert setting.told == []
    setting.settle()
    assert setting.told == [[setting.shown.ids[9]]]


def test_the_other_view_shows_the_current_image(qtbot: QtBot, setting: Setting) -> None:
    setting.views.grid.setFocus()
    setting.select(28)
    setting.views.show_as(table=True)
    assert setting.views.table.hasFocus()
    assert setting.views.table.viewport().rect().intersects(setting.views.table.visualRect(setting.views.model.index(28, 0)))


def test_a_filter_keeps_what_is_still_there(setting: Setting) -> None:
    before = setting.select(0, 12, 25)
    answers = setting.project.catalog.labels(before, ["Normal"])[:, 0]
    assert 0 < np.count_nonzero(answers == YES) < 3
    setting.shown.filter(Filter({"Normal": YES}))
    setting.settle()
    assert setting.views.ids().tolist() == before[answers == YES].tolist()
    setting.shown.filter(Filter(text="no such file"))
    setting.settle()
    assert setting.views.ids().tolist() == []
    assert setting.told[-1] == []


def test_an_order_keeps_the_selection_and_begins_at_the_top(setting: Setting) -> None:
    before = setting.select(20, 21)
    bar = setting.views.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    setting.shown.sort("-patient")
    setting.settle()
    assert sorted(setting.views.ids().tolist()) == sorted(before.tolist())
    assert bar.value() == 0


def test_a_filter_shows_the_current_image(setting: Setting) -> None:
    setting.select(29)
    setting.shown.filter(Filter(view="PA"))
    setting.settle()
    grid = setting.views.grid
    current = setting.views.selection.currentIndex()
    assert setting.views.model.ids[current.row()] == setting.shown.ids[-1]
    assert grid.viewport().rect().intersects(grid.visualRect(current))


def test_all_that_is_selected_stays_selected(setting: Setting) -> None:
    setting.views.select_all()
    setting.shown.sort("-age")
    setting.settle()
    assert len(setting.views.ids()) == 30
    assert len(setting.views.selection.selection()) == 1


def test_where_the_selected_image_goes_away_the_next_one_is_selected(setting: Setting) -> None:
    ids = setting.shown.ids
    for row in (3, 3, 3):
        gone = setting.select(row)
        setting.views.grid.verticalScrollBar().setValue(40)
        setting.project.catalog.set_excluded(gone, True)
        setting.project.images_changed.emit()
        setting.settle()
        assert setting.views.selection.currentIndex().row() == 3
        assert setting.views.grid.verticalScrollBar().value() == 40
    assert setting.views.ids().tolist() == [ids[6]]
    setting.select(26)
    setting.project.catalog.set_excluded(setting.views.ids(), True)
    setting.project.images_changed.emit()
    setting.settle()
    assert setting.views.selection.currentIndex().row() == 25


def test_changes_elsewhere_leave_everything_in_its_place(setting: Setting) -> None:
    before = setting.select(5, 6)
    setting.project.catalog.set_labels(setting.shown.ids[:1], "Nodule", 1)
    setting.project.images_changed.emit()
    setting.settle()
    assert setting.views.ids().tolist() == before.tolist()
    record = setting.views.model.record(0)
    assert record is not None
    setting.settle()
    assert setting.views.model.record(0).labels["Nodule"] == 1  # type: ignore[union-attr]


def test_the_current_image(qtbot: QtBot, setting: Setting) -> None:
    setting.views.selection.clearCurrentIndex()  # a view that gets the focus makes the first one the current one
    assert setting.views.current() is None
    setting.select(2)
    qtbot.waitUntil(lambda: setting.views.current() is not None)
    current = setting.views.current()
    assert current is not None
    assert current.id == setting.shown.ids[2]


def test_states_without_images(qtbot: QtBot, setting: Setting) -> None:
    views, project = setting.views, setting.project
    setting.shown.filter(Filter(text="no such file"))
    setting.settle()
    assert views.currentWidget() is views.unmatched
    qtbot.mouseClick(views.unmatched.button, Qt.MouseButton.LeftButton)
    setting.settle()
    assert views.currentWidget() is views.grid
    project.catalog.set_excluded(setting.shown.ids, True)
    project.images_changed.emit()
    setting.settle()
    assert views.currentWidget() is views.left_out
    qtbot.mouseClick(views.left_out.button, Qt.MouseButton.LeftButton)
    setting.settle()
    assert len(setting.shown.ids) == 30
    project.close()
    assert views.currentWidget() is views.closed
    with qtbot.waitSignal(views.home_wanted):
        qtbot.mouseClick(views.closed.button, Qt.MouseButton.LeftButton)


def test_a_project_without_images(qtbot: QtBot, project: Project, tmp_path: object) -> None:
    assert project.open(tmp_path / "new.cxr", create=True)  # type: ignore[operator]
    setting = Setting(qtbot, project)
    assert setting.views.currentWidget() is setting.views.bare
    with qtbot.waitSignal(setting.views.import_wanted):
        qtbot.mouseClick(setting.views.bare.button, Qt.MouseButton.LeftButton)
