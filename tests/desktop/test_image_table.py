"""The table: columns, sorting by a click, many rows."""

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.tables import COLUMNS, ImagesModel
from cxr_desktop.project import Project
from cxr_desktop.widgets.image_table import ImageTable

Key, Button = Qt.Key, Qt.MouseButton


@pytest.fixture
def table(qtbot: QtBot, opened: Project) -> ImageTable:
    made = ImageTable()
    qtbot.addWidget(made)
    model = ImagesModel(opened, opened)
    made.setModel(model)
    made.setSelectionModel(QItemSelectionModel(model, model))
    model.show_ids(opened.catalog.ids())
    made.resize(900, 400)
    made.show()
    qtbot.waitUntil(lambda: model.record(0) is not None)
    return made


def place_of(name: str) -> int:
    return next(place for place, column in enumerate(COLUMNS) if column.name == name)


def click_header(qtbot: QtBot, table: ImageTable, name: str) -> None:
    header = table.horizontalHeader()
    point = QPoint(header.sectionViewportPosition(place_of(name)) + 10, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Button.LeftButton, Qt.KeyboardModifier.NoModifier, point)


def test_a_click_on_a_header_sorts_and_another_one_turns_it_round(qtbot: QtBot, table: ImageTable) -> None:
    orders: list[str] = []
    table.sort_wanted.connect(orders.append)
    table.sort_wanted.connect(table.show_order)
    table.show_order("path")
    for name in ("Patient", "Patient", "Patient", "File"):
        click_header(qtbot, table, name)
    assert orders == ["patient", "-patient", "patient", "path"]


def test_a_column_without_an_order_does_not_sort(qtbot: QtBot, table: ImageTable) -> None:
    orders: list[str] = []
    table.sort_wanted.connect(orders.append)
    table.show_order("path")
    click_header(qtbot, table, "Findings")
    assert orders == []
    header = table.horizontalHeader()
    assert header.sortIndicatorSection() == place_of("File")


@pytest.mark.parametrize(
    ("order", "name", "down"), [("path", "File", False), ("-age", "Age", True), ("source", "Source", False)]
)
def test_the_header_shows_the_order(table: ImageTable, order: str, name: str, down: bool) -> None:
    table.show_order(order)
    header = table.horizontalHeader()
    assert header.sortIndicatorSection() == place_of(name)
    assert (header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder) is down


def test_columns_are_chosen_in_a_menu(qtbot: QtBot, table: ImageTable) -> None:
    menu = table.columns_menu(table)
    menu.aboutToShow.emit()
    entries = {action.text(): action for action in menu.actions()}
    assert list(entries) == [column.name for column in COLUMNS]
    assert not entries["File"].isEnabled()
    assert entries["Age"].isChecked()
    assert not entries["Folder"].isChecked()
    entries["Folder"].trigger()
    entries["Age"].trigger()
    assert not table.isColumnHidden(place_of("Folder"))
    assert table.isColumnHidden(place_of("Age"))
    menu.aboutToShow.emit()
    assert len(menu.actions()) == len(COLUMNS)


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)  # a menu offscreen
def test_the_header_offers_the_columns(qtbot: QtBot, table: ImageTable) -> None:
    table.horizontalHeader().customContextMenuRequested.emit(QPoint(20, 5))
    menu = next(menu for menu in table.findChildren(QMenu) if menu.isVisible())
    assert [action.text() for action in menu.actions()][:2] == ["File", "Findings"]
    menu.close()


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter])
def test_enter_and_a_double_click_open(qtbot: QtBot, table: ImageTable, key: Key) -> None:
    with qtbot.waitSignal(table.opened):
        qtbot.keyClick(table, key)
    point = table.visualRect(table.model().index(2, 0)).center()
    with qtbot.waitSignal(table.opened):
        qtbot.mouseClick(table.viewport(), Button.LeftButton, Qt.KeyboardModifier.NoModifier, point)
        qtbot.mouseDClick(table.viewport(), Button.LeftButton, Qt.KeyboardModifier.NoModifier, point)


def test_a_click_selects_the_whole_row(qtbot: QtBot, table: ImageTable) -> None:
    point = table.visualRect(table.model().index(3, 2)).center()
    qtbot.mouseClick(table.viewport(), Button.LeftButton, Qt.KeyboardModifier.NoModifier, point)
    model = table.model()
    assert isinstance(model, ImagesModel)
    assert model.ids_in(table.selectionModel().selection()).tolist() == [model.ids[3]]
    assert table.selectionModel().isRowSelected(3)


def test_letters_do_not_search(qtbot: QtBot, table: ImageTable) -> None:
    table.selectRow(5)
    qtbot.keyClicks(table, "p0001")
    assert table.currentIndex().row() == 5


def test_headers_do_not_ask_whether_each_row_is_selected(table: ImageTable) -> None:
    """With a million rows that question takes seconds."""
    table.selectAll()
    assert table.selectionModel().hasSelection()
    for header in (table.horizontalHeader(), table.verticalHeader()):
        assert header.selectionModel() is not table.selectionModel()
        assert not header.selectionModel().hasSelection()


def test_cells_are_as_high_as_the_font_needs(table: ImageTable) -> None:
    assert table.rowHeight(0) > table.fontMetrics().height()


def test_long_names_are_elided_in_their_cell_and_told_as_a_tooltip(table: ImageTable) -> None:
    model = table.model()
    assert not table.wordWrap()
    assert isinstance(model, ImagesModel)
    name = model.record(0).path.name  # type: ignore[union-attr]
    assert name in np.str_(model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole))
