"""The grid: painting, clicking, walking with the keys, scrolling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.dataset.tables import ImagesModel
from cxr_desktop.dataset.thumbnails import Thumbnails
from cxr_desktop.project import Project
from cxr_desktop.widgets.image_grid import ImageGrid
from cxr_desktop.widgets.tile import PADDING, SIZES, Standing, TilePainter
from trainer import importer
from trainer.records import Record

Key, Modifier, Button = Qt.Key, Qt.KeyboardModifier, Qt.MouseButton


@pytest.fixture
def grid(qtbot: QtBot, opened: Project) -> ImageGrid:
    """30 images, three in a line, two and a half lines high; all read."""
    made = ImageGrid(Thumbnails(opened, opened))
    qtbot.addWidget(made)
    model = ImagesModel(opened, opened)
    made.setModel(model)
    model.show_ids(opened.catalog.ids())
    made.set_side(SIZES[0])
    made.resize(400, 380)
    made.show()
    qtbot.waitUntil(lambda: model.record(0) is not None)
    return made


def model_of(grid: ImageGrid) -> ImagesModel:
    model = grid.model()
    assert isinstance(model, ImagesModel)
    return model


def centre(grid: ImageGrid, row: int) -> QPoint:
    return grid.visualRect(grid.model().index(row, 0)).center()


def click(qtbot: QtBot, grid: ImageGrid, row: int, modifier: Modifier = Modifier.NoModifier) -> None:
    qtbot.mouseClick(grid.viewport(), Button.LeftButton, modifier, centre(grid, row))


def chosen(grid: ImageGrid) -> list[int]:
    model = model_of(grid)
    return model.rows_of(model.ids_in(grid.selectionModel().selection())).tolist()


def all_pictures(qtbot: QtBot, grid: ImageGrid) -> None:
    model = model_of(grid)
    qtbot.waitUntil(lambda: all(grid._thumbnails.picture(model.record(row)) is not None for row in grid.visible_rows()))


# The mouse


def test_a_click_selects_one(qtbot: QtBot, grid: ImageGrid) -> None:
    click(qtbot, grid, 4)
    assert chosen(grid) == [4]
    click(qtbot, grid, 1)
    assert chosen(grid) == [1]
    assert grid.currentIndex().row() == 1


def test_control_adds_and_takes_away(qtbot: QtBot, grid: ImageGrid) -> None:
    click(qtbot, grid, 1)
    click(qtbot, grid, 4, Modifier.ControlModifier)
    assert chosen(grid) == [1, 4]
    click(qtbot, grid, 1, Modifier.ControlModifier)
    assert chosen(grid) == [4]


@pytest.mark.parametrize(("first", "last"), [(1, 5), (5, 1), (2, 3), (3, 2)])
def test_shift_selects_as_one_reads(qtbot: QtBot, grid: ImageGrid, first: int, last: int) -> None:
    click(qtbot, grid, first)
    click(qtbot, grid, last, Modifier.ShiftModifier)
    assert chosen(grid) == list(range(min(first, last), max(first, last) + 1))
    assert len(grid.selectionModel().selection()) == 1


def test_a_click_beside_the_images_selects_nothing(qtbot: QtBot, grid: ImageGrid) -> None:
    click(qtbot, grid, 4)
    between = QPoint(1, 1)
    assert not grid.indexAt(between).isValid()
    qtbot.mouseClick(grid.viewport(), Button.LeftButton, Modifier.NoModifier, between)
    assert chosen(grid) == []


def test_a_double_click_opens(qtbot: QtBot, grid: ImageGrid) -> None:
    with qtbot.waitSignal(grid.opened):
        qtbot.mouseClick(grid.viewport(), Button.LeftButton, Modifier.NoModifier, centre(grid, 2))
        qtbot.mouseDClick(grid.viewport(), Button.LeftButton, Modifier.NoModifier, centre(grid, 2))


# The keys


def test_arrows_walk_and_shift_selects(qtbot: QtBot, grid: ImageGrid) -> None:
    grid.setFocus()
    click(qtbot, grid, 0)
    qtbot.keyClick(grid, Key.Key_Right)
    qtbot.keyClick(grid, Key.Key_Down)
    assert chosen(grid) == [4]
    qtbot.keyClick(grid, Key.Key_Down, Modifier.ShiftModifier)
    assert chosen(grid) == [4, 5, 6, 7]
    qtbot.keyClick(grid, Key.Key_Up, Modifier.ShiftModifier)
    qtbot.keyClick(grid, Key.Key_Up, Modifier.ShiftModifier)
    assert chosen(grid) == [1, 2, 3, 4]


def test_a_key_brings_its_image_onto_the_screen(qtbot: QtBot, grid: ImageGrid) -> None:
    click(qtbot, grid, 0)
    qtbot.keyClick(grid, Key.Key_End)
    assert grid.currentIndex().row() == 29
    assert grid.viewport().rect().contains(grid.visualRect(grid.currentIndex()))
    qtbot.keyClick(grid, Key.Key_Home)
    assert grid.verticalScrollBar().value() == 0
    qtbot.keyClick(grid, Key.Key_PageDown)
    assert grid.currentIndex().row() == 6
    assert grid.viewport().rect().contains(grid.visualRect(grid.currentIndex()))


def test_the_first_key_takes_an_image_on_the_screen(qtbot: QtBot, grid: ImageGrid) -> None:
    grid.verticalScrollBar().setValue(grid.lattice().top(12))
    grid.setCurrentIndex(grid.model().index(-1, 0))
    qtbot.keyClick(grid, Key.Key_Right)
    assert grid.currentIndex().row() in grid.visible_rows()


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter])
def test_enter_opens(qtbot: QtBot, grid: ImageGrid, key: Key) -> None:
    with qtbot.waitSignal(grid.opened):
        qtbot.keyClick(grid, key)


def test_screen_readers_are_told_the_current_image(qtbot: QtBot, opened: Project, grid: ImageGrid) -> None:
    click(qtbot, grid, 2)
    record = opened.catalog.records(model_of(grid).ids[2:3])[0]
    assert grid.accessibleDescription().startswith(f"{record.path.name}, ")
    opened.catalog.set_excluded([record.id], True)
    model_of(grid).read_again()
    qtbot.waitUntil(lambda: grid.accessibleDescription().endswith("excluded"))
    grid.setCurrentIndex(grid.model().index(-1, 0))
    assert grid.accessibleDescription() == ""


def test_letters_do_not_search(qtbot: QtBot, grid: ImageGrid) -> None:
    click(qtbot, grid, 3)
    qtbot.keyClicks(grid, "p0001")
    assert chosen(grid) == [3]


def test_select_all_is_one_range(grid: ImageGrid) -> None:
    grid.selectAll()
    assert chosen(grid) == list(range(30))
    assert len(grid.selectionModel().selection()) == 1


# Scrolling and size


def test_images_at_the_top_stay_when_the_size_changes(grid: ImageGrid) -> None:
    grid.verticalScrollBar().setValue(grid.lattice().top(12) - 4)
    first = grid.visible_rows().start
    assert first == 12
    grid.set_side(SIZES[2])
    assert grid.side == SIZES[2]
    assert first in grid.visible_rows()
    grid.set_side(SIZES[0])
    assert first in grid.visible_rows()


def test_images_at_the_top_stay_when_the_window_becomes_narrower(grid: ImageGrid) -> None:
    grid.verticalScrollBar().setValue(grid.lattice().top(12) - 4)
    grid.resize(250, 380)
    assert grid.lattice().columns < 3
    assert 12 in grid.visible_rows()


@pytest.mark.parametrize("hint", [ImageGrid.ScrollHint.PositionAtTop, ImageGrid.ScrollHint.PositionAtCenter])
def test_scroll_to_a_place(grid: ImageGrid, hint: ImageGrid.ScrollHint) -> None:
    index = grid.model().index(15, 0)
    grid.scrollTo(index, hint)
    rect, viewport = grid.visualRect(index), grid.viewport().rect()
    if hint == ImageGrid.ScrollHint.PositionAtTop:
        assert rect.top() < 10
    else:
        assert abs(rect.center().y() - viewport.center().y()) < 3
    before = grid.verticalScrollBar().value()
    grid.scrollTo(index)
    grid.scrollTo(grid.model().index(-1, 0))
    assert grid.verticalScrollBar().value() == before


def test_a_larger_font_makes_room_for_it(grid: ImageGrid) -> None:
    before = grid.lattice().line
    font = grid.font()
    font.setPointSize(font.pointSize() * 2)
    grid.setFont(font)
    assert grid.lattice().line > before + 10


def test_only_what_is_on_the_screen_is_asked_for(qtbot: QtBot, grid: ImageGrid) -> None:
    all_pictures(qtbot, grid)
    shown = len(grid.visible_rows())
    model, pictures = model_of(grid), grid._thumbnails
    assert shown < 20
    assert sum(pictures.picture(model.record(row)) is not None for row in range(30)) <= shown + 6


def test_no_model_no_images(qtbot: QtBot, opened: Project) -> None:
    empty = ImageGrid(Thumbnails(opened, opened))
    qtbot.addWidget(empty)
    assert empty.lattice().count == 0
    empty.setModel(ImagesModel(opened, opened))
    empty.show()
    assert not empty.indexAt(QPoint(10, 10)).isValid()
    qtbot.keyClick(empty, Key.Key_Down)
    qtbot.mouseClick(empty.viewport(), Button.LeftButton, Modifier.NoModifier, QPoint(30, 30))
    assert not empty.selectionModel().hasSelection()


# What is painted


def image(grid: ImageGrid) -> QImage:
    return grid.viewport().grab().toImage()


def shades(picture: QImage, rect: QRect) -> np.ndarray:
    part = picture.copy(rect).convertToFormat(QImage.Format.Format_Grayscale8)
    return np.array(
        [[QColor(part.pixel(x, y)).lightness() for x in range(0, part.width(), 2)] for y in range(0, part.height(), 2)]
    )


def frame(grid: ImageGrid, row: int) -> QRect:
    rect = grid.visualRect(grid.model().index(row, 0))
    return QRect(rect.x() + PADDING, rect.y() + PADDING, grid.side, grid.side)


def test_pictures_take_the_place_of_the_ground(qtbot: QtBot, grid: ImageGrid) -> None:
    all_pictures(qtbot, grid)
    shown = shades(image(grid), frame(grid, 0))
    assert shown.max() - shown.min() > 100


def test_excluded_images_are_dimmed_and_say_so(qtbot: QtBot, opened: Project, grid: ImageGrid) -> None:
    all_pictures(qtbot, grid)
    before = shades(image(grid), frame(grid, 1))
    opened.catalog.set_excluded(model_of(grid).ids[1:2], True)
    model_of(grid).read_again()
    qtbot.waitUntil(lambda: model_of(grid).record(1).excluded)
    qtbot.waitUntil(lambda: shades(image(grid), frame(grid, 1)).mean() > before.mean() + 30)
    assert "excluded" in grid.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole)


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark(qtbot: QtBot, qapp: QApplication, grid: ImageGrid, dark: bool) -> None:
    theme.apply(qapp, "dark" if dark else "light")
    picture = image(grid)
    ground = QColor(picture.pixel(1, 1))
    assert (ground.lightness() < 128) is dark
    caption = grid.visualRect(grid.model().index(0, 0)).adjusted(PADDING, grid.side + PADDING + 2, -PADDING, 0)
    lightness = shades(picture, caption)
    assert (lightness.max() if dark else 255 - lightness.min()) > 180  # the words stand out


def test_a_selected_image_looks_selected(qtbot: QtBot, grid: ImageGrid) -> None:
    all_pictures(qtbot, grid)
    before = image(grid).copy(grid.visualRect(grid.model().index(1, 0)))
    grid.selectionModel().select(model_of(grid).selection_of(np.array([1])), QItemSelectionModel.SelectionFlag.Select)
    assert image(grid).copy(grid.visualRect(grid.model().index(1, 0))) != before


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)  # a tooltip offscreen
def test_why_a_picture_cannot_be_shown(qtbot: QtBot, project: Project, drawn: Path, tmp_path: Path) -> None:
    importer.run(tmp_path / "lost.cxr", [drawn])
    for path in drawn.rglob("*.png"):
        path.unlink()
    assert project.open(tmp_path / "lost.cxr")
    grid = ImageGrid(Thumbnails(project, project))
    qtbot.addWidget(grid)
    model = ImagesModel(project, project)
    grid.setModel(model)
    model.show_ids(project.catalog.ids()[:1])
    grid.resize(400, 300)
    grid.show()
    lost = project.catalog.records(model.ids)[0]
    qtbot.waitUntil(lambda: grid._thumbnails.picture(lost) is not None)
    place = centre(grid, 0)
    QApplication.sendEvent(grid.viewport(), QHelpEvent(QEvent.Type.ToolTip, place, grid.viewport().mapToGlobal(place)))
    assert "Cannot be shown: There is no such file or folder." in QToolTip.text()
    red = QColor(theme.colours().error)
    picture = image(grid)
    inside = frame(grid, 0)
    points = ((x, y) for x in range(inside.left(), inside.right()) for y in range(inside.top(), inside.bottom()))
    assert any(QColor(picture.pixel(x, y)) == red for x, y in points)
    QToolTip.hideText()


# One tile by itself


def painted(record: Record | None, picture: QPixmap | str | None, standing: Standing = Standing(), side: int = 96) -> QImage:  # noqa: B008
    tiles = TilePainter(QApplication.font(), side)
    target = QImage(tiles.size, QImage.Format.Format_RGB32)
    target.fill(QColor(theme.colours().surface))
    with QPainter(target) as painter:
        tiles.paint(painter, QRect(QPoint(0, 0), tiles.size), record, picture, standing)
    return target


@pytest.fixture
def record(opened: Project) -> Record:
    return opened.catalog.records(opened.catalog.ids()[:1])[0]


def test_states_of_a_tile_differ(record: Record) -> None:
    picture = QPixmap(96, 70)
    picture.fill(QColor("#808080"))
    states = [
        painted(None, None),
        painted(record, None),
        painted(record, picture),
        painted(record, "The PNG file is damaged"),
        painted(replace(record, excluded=True), picture),
        painted(replace(record, flags=("rotated",)), picture),
        painted(record, picture, Standing(selected=True)),
        painted(record, picture, Standing(current=True)),
        painted(record, picture, Standing(selected=True, current=True)),
    ]
    assert all(one != other for place, one in enumerate(states) for other in states[:place])


def test_a_reason_that_is_too_long_is_left_to_the_tooltip(record: Record) -> None:
    assert painted(record, "There is something wrong, " * 40) == painted(record, "Something else is wrong, " * 50)


def test_long_words_stay_inside(record: Record) -> None:
    long = replace(record, labels={"A very long name of a finding " * 4: 1}, patient="P" * 200, flags=("flag " * 60,))
    picture = painted(long, None)
    right = [picture.pixel(picture.width() - 2, y) for y in range(picture.height())]
    assert set(right) == {QColor(theme.colours().surface).rgb()}


def test_a_high_picture_keeps_its_shape(record: Record) -> None:
    picture = QPixmap(30, 90)
    picture.fill(QColor("#102030"))
    shown = painted(record, picture)
    inside = [x for x in range(shown.width()) if QColor(shown.pixel(x, PADDING + 40)) == QColor("#102030")]
    assert 30 <= len(inside) <= 34
    assert abs(sum(inside) / len(inside) - shown.width() / 2) < 2
