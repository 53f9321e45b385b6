"""The dataset page as a user works with it."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QAction, QContextMenuEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QMenu, QSlider, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.notices import Notice
from cxr_desktop.pages.dataset import DETAILS, IMAGES
from cxr_desktop.project import Project
from tests.desktop.desk import COUNT, Desk, Key, Modifier, patients
from trainer.catalog import Catalog
from trainer.records import YES, Filter

from . import large

# Filters


def test_counts_are_there_from_the_beginning(desk: Desk) -> None:
    assert desk.words() == ["30 of 30 images", f"{patients(desk)} patients"]


def test_typing_finds_images(desk: Desk) -> None:
    desk.qtbot.keyClicks(desk.page.filters.text, "P0001")
    desk.press(Key.Key_Return)
    desk.settle()
    found = len(desk.project.catalog.ids(Filter(text="P0001")))
    assert 0 < found < 30
    assert desk.words() == [f"{found} of 30 images", "1 patient"]
    assert desk.page.chips.words() == ["Text: P0001"]


def test_conditions_become_chips_that_take_them_away(desk: Desk) -> None:
    menu = desk.page.filters.menus["View"]
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text().startswith("PA")).trigger()
    desk.page.chart.chart.clicked.emit("Normal", "train")
    desk.settle()
    assert desk.page.chips.words() == ["Normal: yes", "Part: train", "View: PA"]
    expected = desk.project.catalog.ids(Filter({"Normal": YES}, part="train", view="PA"))
    assert desk.page.views.model.ids.tolist() == expected.tolist()
    desk.click(desk.page.chips.buttons["part"])
    assert desk.page.chips.words() == ["Normal: yes", "View: PA"]
    assert desk.page.chart.chart.selected() == ("Normal", "")
    desk.click(desk.page.chips.clear)
    assert desk.page.chips.isHidden()
    assert desk.page.chart.chart.selected() is None
    assert len(desk.page.views.model.ids) == 30


def test_a_click_on_a_bar_filters_and_the_next_one_clears(desk: Desk) -> None:
    chart = desk.page.chart.chart
    chart.clicked.emit("Normal", "test")
    desk.settle()
    assert desk.page.views.model.ids.tolist() == desk.project.catalog.ids(Filter({"Normal": YES}, part="test")).tolist()
    assert chart.selected() == ("Normal", "test")
    chart.clicked.emit("Normal", "test")
    desk.settle()
    assert len(desk.page.views.model.ids) == 30
    assert chart.selected() is None


def test_a_real_click_on_the_chart(desk: Desk) -> None:
    rows = desk.page.chart.chart.focusProxy()
    findings = desk.project.catalog.findings()
    desk.click(rows, pos=rows.place((1, 0)).center().toPoint())  # type: ignore[union-attr]
    assert desk.page.chips.words() == [f"{findings[1]}: yes", "Part: train"]
    desk.press(Key.Key_Return)  # the same bar once more, by key
    assert desk.page.chips.words() == []


def test_images_from_another_page(desk: Desk) -> None:
    wanted = desk.page.shown.ids[[2, 9, 4]]
    desk.project.images_wanted.emit(wanted, "Missed by run first")
    desk.settle()
    assert sorted(desk.page.views.model.ids.tolist()) == sorted(wanted.tolist())
    assert desk.page.chips.words() == ["Missed by run first"]
    assert desk.words()[0] == "3 of 30 images"
    desk.click(desk.page.chips.buttons["wanted"])
    assert len(desk.page.views.model.ids) == 30


def test_only_this_patient(desk: Desk) -> None:
    desk.pick(3)
    desk.page.actions_on_images.same_patient.trigger()
    desk.settle()
    assert set(desk.project.catalog.patients(desk.page.views.model.ids)) == {desk.page.shown.choice.where.patient}
    assert desk.words()[1] == "1 patient"


def test_a_filter_without_result(desk: Desk) -> None:
    desk.qtbot.keyClicks(desk.page.filters.text, "no such file")
    desk.press(Key.Key_Return)
    assert desk.words() == ["0 of 30 images", "0 patients"]
    desk.click(desk.page.views.unmatched.button)
    assert len(desk.page.views.model.ids) == 30
    assert desk.page.filters.text.text() == ""


# Order and view


def test_sorting_by_choice_and_by_header_agree(desk: Desk) -> None:
    bar, table = desk.page.bar, desk.page.views.table
    bar.order.setFocus()
    desk.qtbot.keyClicks(bar.order, "Pat")
    assert desk.page.shown.choice.order == "patient"
    desk.click(bar.direction)
    assert desk.page.shown.choice.order == "-patient"
    assert desk.page.views.model.ids.tolist() == desk.project.catalog.ids(order="-patient").tolist()
    header = table.horizontalHeader()
    assert header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
    desk.click(desk.button("Table"))
    desk.click(header.viewport(), pos=QPoint(5, header.height() // 2))
    assert desk.page.shown.choice.order == "path"
    assert bar.order.currentText() == "Path"
    assert bar.direction.accessibleName() == "Ascending order"


def test_grid_and_table_by_key(desk: Desk) -> None:
    desk.pick(1)
    desk.press(Key.Key_2, Modifier.ControlModifier)
    assert desk.page.views.is_table
    assert not desk.page.bar.size.isEnabled()
    assert desk.page.views.table.selectionModel().isRowSelected(1)
    desk.press(Key.Key_1, Modifier.ControlModifier)
    assert not desk.page.views.is_table
    assert desk.button("Grid").isChecked()


def test_size_of_the_pictures(desk: Desk) -> None:
    sides = [desk.page.views.grid.side]
    for action in (desk.page.bar.larger, desk.page.bar.larger, desk.page.bar.smaller, desk.page.bar.smaller):
        action.trigger()
        sides.append(desk.page.views.grid.side)
    assert sides == [144, 208, 208, 144, 96]


def test_what_is_remembered(qtbot: QtBot, desk: Desk) -> None:
    desk.page.bar.size.setValue(2)
    desk.page.bar.table.trigger()
    desk.page.splitter.setSizes([0, 600, 400])
    sizes = desk.page.splitter.sizes()
    desk.page.views.table.setColumnWidth(0, 321)
    desk.page.hide()
    again = Desk(qtbot, desk.project)
    assert again.page.views.is_table
    assert again.page.views.grid.side == 208
    assert again.page.views.table.columnWidth(0) == 321
    assert again.page.splitter.sizes()[0] == sizes[0] == 0


# What is done with images


def test_del_excludes_and_undo_takes_it_back(desk: Desk) -> None:
    desk.pick(0)
    desk.pick(1, Modifier.ControlModifier)
    chosen = desk.page.views.ids()
    desk.press(Key.Key_Delete)
    assert desk.words()[0] == "28 of 30 images"
    assert "2 excluded" in desk.words()
    assert all(record.excluded for record in desk.project.catalog.records(chosen))
    desk.project.undo.undo()
    desk.settle()
    assert desk.words()[0] == "30 of 30 images"
    assert not any("excluded" in word for word in desk.words())


def test_del_again_before_the_image_has_gone_does_not_take_it_in(desk: Desk) -> None:
    """With a million images that takes half a second; here a question about all of them is still being answered."""
    desk.pick(0)
    image = desk.page.views.ids()
    asked, over = threading.Event(), threading.Event()

    def hold(background: Catalog = desk.project.background) -> None:
        with background.impatient(1):
            asked.set()
            over.wait(30)

    desk.project.run(lambda _: hold())
    assert asked.wait(10)
    desk.qtbot.keyClick(desk.page.views.grid, Key.Key_Delete)
    desk.qtbot.waitUntil(lambda: (current := desk.page.views.current()) is not None and current.excluded)
    desk.qtbot.keyClick(desk.page.views.grid, Key.Key_Delete)
    over.set()
    desk.settle()
    assert desk.project.catalog.ids(Filter(excluded=True)).tolist() == image.tolist()
    assert not desk.page.actions_on_images.toggle.autoRepeat()


def test_del_takes_excluded_images_in_again(desk: Desk) -> None:
    desk.project.catalog.set_excluded(desk.page.shown.ids[:3], True)
    desk.page.shown.filter(Filter(excluded=True))
    desk.settle()
    desk.pick(0)
    desk.press(Key.Key_Delete)
    assert desk.words()[0] == "2 of 30 images"
    assert "2 excluded" in desk.words()


def test_del_in_the_text_is_the_texts_own(desk: Desk) -> None:
    desk.pick(0)
    desk.qtbot.keyClicks(desk.page.filters.text, "ab")
    desk.page.filters.text.setFocus()
    desk.press(Key.Key_Home)
    desk.press(Key.Key_Delete)
    assert desk.page.filters.text.text() == "b"
    assert desk.project.catalog.counts().excluded == 0


def test_all_are_selected_and_counted(desk: Desk) -> None:
    desk.pick(0)
    desk.press(Key.Key_A, Modifier.ControlModifier)
    assert desk.words()[-1] == "30 selected"
    assert len(desk.page.views.ids()) == 30


def test_paths_are_copied(desk: Desk, told: list[Notice]) -> None:
    desk.pick(0)
    desk.pick(2, Modifier.ShiftModifier)
    desk.press(Key.Key_C, Modifier.ControlModifier)
    records = desk.project.catalog.records(desk.page.views.ids())
    assert QGuiApplication.clipboard().text().splitlines() == [str(record.path) for record in records]
    assert [notice.what for notice in told] == ["Copied the paths of 3 images."]


def test_images_are_sent_to_review(desk: Desk) -> None:
    sent: list[list[Path]] = []
    desk.project.review_wanted.connect(sent.append)
    desk.pick(1)
    desk.press(Key.Key_Return, Modifier.ControlModifier)
    assert sent == [[desk.project.catalog.records(desk.page.views.ids())[0].path]]


def test_the_folder_of_an_image_is_shown(desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    desk.pick(1)
    desk.page.actions_on_images.reveal.trigger()
    record = desk.page.views.current()
    assert record is not None
    assert [Path(url.toLocalFile()) for url in opened] == [record.path.parent]


def test_without_a_selection_nothing_can_be_done(desk: Desk) -> None:
    actions = desk.page.actions_on_images
    some = (
        actions.toggle,
        actions.exclude,
        actions.include,
        actions.copy,
        actions.review,
        actions.reveal,
        actions.same_patient,
    )
    assert not any(action.isEnabled() for action in some)
    desk.pick(0)
    assert all(action.isEnabled() for action in some)


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)  # a menu offscreen
def test_the_context_menu(desk: Desk) -> None:
    desk.pick(0)
    where = desk.page.views.mapTo(desk.page, desk.page.views.rect().center())
    QApplication.sendEvent(desk.page, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, desk.page.mapToGlobal(where)))
    menu = next(menu for menu in desk.page.findChildren(QMenu) if menu.isVisible())
    words = [action.text().replace("&", "") for action in menu.actions() if action.text()]
    assert words == ["Select all", "Exclude", "Include", "Only this patient", "Send to Review", "Copy paths", "Show in folder"]
    menu.close()


def test_details_follow_the_selection(desk: Desk) -> None:
    desk.pick(2)
    assert desk.page.details.ids().tolist() == [desk.page.shown.ids[2]]
    desk.pick(4, Modifier.ControlModifier)
    assert len(desk.page.details.ids()) == 2


def test_enter_shows_the_image_large_and_again_small(desk: Desk) -> None:
    desk.pick(2)
    desk.page.views.grid.setFocus()
    before = desk.page.splitter.sizes()[DETAILS]
    desk.press(Key.Key_Return)
    large_one = desk.page.splitter.sizes()[DETAILS]
    assert large_one >= 0.45 * sum(desk.page.splitter.sizes()) > before
    desk.press(Key.Key_Return)
    assert desk.page.splitter.sizes()[DETAILS] < large_one


def test_panes_are_hidden_and_shown(desk: Desk) -> None:
    before = desk.page.splitter.sizes()
    for action, pane in ((desk.page.show_details, DETAILS), (desk.page.show_chart, 0)):
        action.trigger()
        assert desk.page.splitter.sizes()[pane] == 0
        action.trigger()
        assert desk.page.splitter.sizes()[pane] > 150
    assert abs(desk.page.splitter.sizes()[IMAGES] - before[IMAGES]) < 100


# As a whole


@pytest.mark.parametrize("size", [(900, 600), (1280, 800)])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits(qapp: QApplication, desk: Desk, size: tuple[int, int], dark: bool) -> None:
    theme.apply(qapp, "dark" if dark else "light")
    desk.page.resize(*size)
    desk.page.shown.filter(Filter({"Normal": YES}, part="train", view="PA", sex="F", text="p", excluded=None))
    desk.settle()
    assert desk.page.size().width() == size[0]
    shown = [part for part in desk.page.findChildren(QWidget) if part.isVisible() and part.window() is desk.page]
    for part in shown:
        parent = part.parentWidget()
        if isinstance(part, QAbstractButton | QComboBox | QLineEdit | QSlider) and parent in (desk.page.bar, desk.page.chips):
            assert parent.rect().contains(part.geometry()), part.accessibleName()
    picture = desk.page.grab().toImage()
    assert (picture.pixelColor(2, 2).lightness() < 128) is dark


def test_every_control_has_a_name(desk: Desk) -> None:
    own = (desk.page.bar, desk.page.filters, desk.page.chips)
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider)
    nameless = [
        part
        for bar in own
        for kind in kinds
        for part in bar.findChildren(kind)
        if not (part.accessibleName() or (isinstance(part, QAbstractButton) and part.text()))
        and not part.objectName().startswith("qt_")
        and not isinstance(part.parentWidget(), QLineEdit)
    ]
    assert nameless == []
    assert desk.page.views.grid.accessibleName() == desk.page.views.table.accessibleName() == "Images"


def test_commands_have_words_and_no_key_twice(desk: Desk) -> None:
    actions = [action for action in desk.page.commands if isinstance(action, QAction)]
    assert all(action.text() for action in actions)
    keys = [action.shortcut().toString() for action in actions if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))


def test_of_many_images_few_are_read(qtbot: QtBot, project: Project, tmp_path: Path) -> None:
    assert project.open(large.make(tmp_path, COUNT))
    desk = Desk(qtbot, project)
    model, grid = desk.page.views.model, desk.page.views.grid
    assert desk.words()[:2] == ["20,000 of 20,000 images", "5,000 patients"]
    qtbot.waitUntil(lambda: model.record(0) is not None)
    assert model.pages_read <= 2
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: model.record(COUNT - 1) is not None)
    desk.settle()
    assert model.pages_read <= 5
    for action in (desk.page.actions_on_images.select_all, desk.page.bar.table):
        action.trigger()
    desk.settle()
    assert desk.words()[-1] == "20,000 selected"
    assert np.array_equal(desk.page.views.ids(), model.ids)
    assert model.pages_read <= 7
