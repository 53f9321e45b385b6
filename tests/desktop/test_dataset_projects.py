"""The dataset page while splits, imports and projects come and go."""

from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.project import Project
from tests.desktop.desk import Desk, Key
from trainer.catalog import Split
from trainer.records import Filter


def test_another_split_becomes_the_active_one(desk: Desk) -> None:
    first = desk.project.catalog.active_split()
    desk.project.catalog.save_split(Split("all train", {"train": desk.page.shown.ids}, 1, "", 0, None, ""))
    desk.project.splits_changed.emit()
    desk.settle()
    box = desk.page.bar.splits
    assert [box.itemText(place) for place in range(box.count())] == [first, "all train"]
    assert box.currentText() == "all train"
    box.setFocus()
    desk.press(Key.Key_Up)
    assert desk.project.catalog.active_split() == first
    desk.settle()
    assert box.currentData() == first
    assert first in box.toolTip()
    assert desk.page.shown.overview is not None
    assert desk.page.shown.overview.tally.parts == ("train", "validation", "test")


def test_a_long_name_of_a_split_is_elided(desk: Desk) -> None:
    name = "a split with a very long name, made on a Tuesday"
    desk.project.catalog.save_split(Split(name, {"train": desk.page.shown.ids}, 1, "", 0, None, ""))
    desk.project.splits_changed.emit()
    desk.settle()
    box = desk.page.bar.splits
    assert (box.currentData(), "…" in box.currentText()) == (name, True)
    assert name in box.toolTip()
    assert desk.page.chart._told.text().startswith(f"By part of split {name}")


def test_a_part_filter_follows_the_active_split(desk: Desk) -> None:
    desk.page.shown.filter(Filter(part="external"))
    desk.settle()
    assert len(desk.page.views.model.ids) == 0
    desk.project.catalog.save_split(Split("other", {"external": desk.page.shown.ids[:0]}, 1, "", 0, None, ""))
    desk.project.catalog.save_split(Split("other", {"external": desk.project.catalog.ids()[:4]}, 1, "", 0, None, ""))
    desk.project.splits_changed.emit()
    desk.settle()
    assert len(desk.page.views.model.ids) == 4


def test_the_split_dialog_is_opened_and_cancelled(desk: Desk) -> None:
    desk.click(desk.button("Split…"))
    dialog = desk.page.findChild(SplitDialog)
    assert dialog.isVisible()
    desk.settle()
    dialog.reject()
    desk.qtbot.waitUntil(lambda: not desk.page.findChildren(SplitDialog))


def test_import_is_asked_for(desk: Desk) -> None:
    with desk.qtbot.waitSignal(desk.project.import_wanted) as wanted:
        desk.click(desk.button("Import images…"))
    assert wanted.args == [[]]


def test_a_project_is_closed_and_opened(desk: Desk) -> None:
    folder = desk.project.folder
    desk.pick(0)
    desk.project.close()
    desk.settle()
    page = desk.page
    assert page.views.currentWidget() is page.views.closed
    assert [part.isHidden() for part in (page.filters, page.chart, page.details, page.told)] == [True] * 4
    assert not page.bar.isEnabled()
    assert not page.actions_on_images.toggle.isEnabled()
    with desk.qtbot.waitSignal(desk.project.page_wanted) as wanted:
        desk.click(page.views.closed.button)
    assert wanted.args == ["home"]
    assert desk.project.open(folder)
    desk.settle()
    assert desk.words()[0] == "30 of 30 images"
    assert page.views.currentWidget() is page.views.grid


def test_without_a_project(qtbot: QtBot, project: Project) -> None:
    desk = Desk(qtbot, project)
    assert desk.page.views.currentWidget() is desk.page.views.closed
    assert desk.page.told.text() == ""
