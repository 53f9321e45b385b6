"""The canvas as a radiologist uses it: pixels that are what they are, and mouse and keys that do what they should."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets import image_marks
from cxr_desktop.widgets.image_view import FULL_DRAG, WINDOW, ImageView
from cxr_desktop.widgets.lightbox import Lightbox
from cxr_desktop.widgets.sight import Sight
from cxr_desktop.widgets.window_level import FULL, Window
from tests.desktop.radiographs import heat_over, pixels_of, radiograph
from trainer import colours
from trainer.bearings import Bearings

Button, Key, Modifier = Qt.MouseButton, Qt.Key, Qt.KeyboardModifier
NONE = Modifier.NoModifier


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    """400 x 300 points with an image of 160 x 120 pixels."""
    lightbox = Lightbox()
    made = ImageView(lightbox)
    lightbox.setParent(made)
    qtbot.addWidget(made)
    made.resize(400, 300)
    lightbox.put(radiograph(), "img-1", None)
    made.show()
    qtbot.waitExposed(made)
    return made


def drag(view: ImageView, button: Qt.MouseButton, start: QPoint, *stops: QPoint) -> None:
    QTest.mousePress(view, button, NONE, start)
    for stop in stops:
        QTest.mouseMove(view, stop)
        QApplication.processEvents()
    QTest.mouseRelease(view, button, NONE, stops[-1])


def wheel(view: ImageView, at: QPointF, eighths: int) -> None:
    event = QWheelEvent(
        at,
        QPointF(view.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, eighths),
        Button.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def shown(view: ImageView) -> np.ndarray:
    return pixels_of(view.grab().toImage())


# --- What is shown


def test_one_to_one_every_pixel_is_itself(view: ImageView) -> None:
    view.zoom_to(1)
    left, top = view.sight().origin(view.view())
    assert (left, top) == (120, 90)
    inner = shown(view)[110:190, 140:260]  # clear of the marks in the corners and at the sides
    expected = np.rint(view.lightbox.image.pixels * 255).astype(int)[20:100, 20:140]
    assert (inner == expected[..., None]).all()


def test_far_above_one_to_one_pixels_are_crisp(view: ImageView) -> None:
    view.lightbox.set_sight(Sight(8, 80, 60))
    left, top = view.sight().origin(view.view())
    seen = shown(view)[100:200, 100:300, 0]
    columns = (np.arange(100, 300) - left) // 8
    rows = (np.arange(100, 200) - top) // 8
    assert (seen == np.rint(view.lightbox.image.pixels * 255)[rows[:, None], columns]).all()


def test_the_surround_is_black_and_the_image_fits(view: ImageView) -> None:
    view.resize(400, 500)
    seen = shown(view)
    assert (seen[60:98, 150:250] == 0).all()
    assert view.sight().zoom == 2.5
    assert (seen[102:398, 150:250] > 0).mean() > 0.9


def test_fit_follows_the_size(view: ImageView) -> None:
    assert view.sight().zoom == 2.5
    view.resize(200, 300)
    assert view.sight().zoom == 1.25
    view.zoom_to(4)
    view.resize(500, 400)
    assert view.sight().zoom == 4


def test_without_an_image_it_says_so(view: ImageView, qapp: QApplication) -> None:
    for choice in ("light", "dark"):
        theme.apply(qapp, choice)
        view.lightbox.put(None, "", None)
        seen = shown(view)
        assert seen[5, 5].tolist() == list(bytes.fromhex(theme.colours().surface[1:]))
        assert (seen[140:160, 150:250] != seen[5, 5]).any()
    assert view.accessibleDescription() == "No image"


def test_it_is_described_for_those_who_do_not_see_it(view: ImageView) -> None:
    assert view.accessibleName() == "Radiograph"
    assert view.accessibleDescription() == "img-1, 160 × 120 pixels"
    over = ImageView(view.lightbox, with_heat=True, parent=view)
    view.lightbox.put_heat(np.zeros((120, 160), np.float32), "Pneumonia")
    assert over.accessibleDescription().endswith("no evidence for Pneumonia")


def test_the_overlay_on_the_screen_is_the_trainers(qtbot: QtBot, view: ImageView) -> None:
    from trainer import explain

    over = ImageView(view.lightbox, with_heat=True)
    qtbot.addWidget(over)
    over.resize(400, 300)
    heat = heat_over(view.lightbox.image)
    view.lightbox.put_heat(heat, "Pneumonia")
    over.zoom_to(1)
    seen = shown(over)[110:190, 140:260]
    theirs = explain.overlay(view.lightbox.image.pixels, heat, finding="Pneumonia")[20:100, 20:140].astype(int)
    assert np.abs(seen - theirs).max() <= 1
    assert np.abs(seen - colours.blended(view.lightbox.image.pixels, heat, top=3.2, opacity=0.6)[20:100, 20:140]).max() <= 1
    assert (seen[..., 0] != seen[..., 2]).any()
    plain = shown(view)[110:190, 140:260]
    assert (plain[..., 0] == plain[..., 2]).all()


# --- Mouse


@pytest.mark.parametrize("button", [Button.LeftButton, Button.MiddleButton])
def test_dragging_moves_the_image(view: ImageView, button: Qt.MouseButton) -> None:
    view.zoom_to(5)
    left, top = view.sight().origin(view.view())
    drag(view, button, QPoint(200, 150), QPoint(180, 160), QPoint(150, 170))
    assert view.sight().origin(view.view()) == (left - 50, top + 20)
    assert view.lightbox.look.window == FULL


def test_the_space_bar_makes_the_window_tool_pan(view: ImageView) -> None:
    view.tool = WINDOW
    view.zoom_to(5)
    before = view.sight()
    QTest.keyPress(view, Key.Key_Space)
    drag(view, Button.LeftButton, QPoint(200, 150), QPoint(160, 150))
    QTest.keyRelease(view, Key.Key_Space)
    assert view.sight() != before
    assert view.lightbox.look.window == FULL
    drag(view, Button.LeftButton, QPoint(200, 150), QPoint(170, 150))
    assert view.lightbox.look.window != FULL


@pytest.mark.parametrize(("button", "tool"), [(Button.RightButton, "pan"), (Button.LeftButton, WINDOW)])
def test_dragging_the_window(qtbot: QtBot, view: ImageView, button: Qt.MouseButton, tool: str) -> None:
    """Sideways the width, up and down the level: 30 points to the left are a tenth of the width."""
    view.tool = tool
    before = view.sight()
    with qtbot.waitSignal(view.lightbox.window_changed):
        drag(view, button, QPoint(200, 150), QPoint(200 - FULL_DRAG // 10, 150))
    assert view.lightbox.look.window == Window(0.5, 0.9)
    drag(view, button, QPoint(200, 150), QPoint(200, 150 - FULL_DRAG // 10))
    assert view.lightbox.look.window.level == pytest.approx(0.5 - 0.09)
    assert view.lightbox.look.window.width == 0.9
    assert view.sight() == before


def test_a_hand_that_trembles_is_a_click(qtbot: QtBot, view: ImageView) -> None:
    with qtbot.waitSignal(view.menu_wanted) as asked:
        drag(view, Button.RightButton, QPoint(200, 150), QPoint(202, 151))
    assert asked.args == [view.mapToGlobal(QPoint(202, 151))]
    assert view.lightbox.look.window == FULL


def test_a_window_drag_asks_for_no_menu(qtbot: QtBot, view: ImageView) -> None:
    with qtbot.assertNotEmitted(view.menu_wanted):
        drag(view, Button.RightButton, QPoint(200, 150), QPoint(240, 150))
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(200, 150), QPoint(200, 150))
        QApplication.sendEvent(view, event)


def test_the_menu_key_asks_for_the_menu(qtbot: QtBot, view: ImageView) -> None:
    with qtbot.waitSignal(view.menu_wanted):
        QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint()))


def test_another_button_does_not_end_a_drag(view: ImageView) -> None:
    QTest.mousePress(view, Button.LeftButton, NONE, QPoint(200, 150))
    QTest.mouseClick(view, Button.RightButton, NONE, QPoint(200, 150))
    _hover(view, QPoint(250, 150))
    QTest.mouseRelease(view, Button.LeftButton, NONE, QPoint(250, 150))
    assert view.sight().x == pytest.approx(80 - 50 / 2.5)


@pytest.mark.parametrize("at", [QPointF(200, 150), QPointF(37, 251), QPointF(390, 20)])
def test_the_wheel_zooms_at_the_mouse(view: ImageView, at: QPointF) -> None:
    for notches in (240, 120, -120, 30):
        before, zoom = view.place(at), view.sight().zoom
        wheel(view, at, notches)
        assert view.sight().zoom == pytest.approx(zoom * 2 ** (notches / 480))
        moved = (np.array(view.place(at)) - before) * view.sight().zoom
        assert np.abs(moved).max() <= 0.51  # half a pixel of the screen


def test_a_double_click_shows_the_whole_image(view: ImageView) -> None:
    view.zoom_to(7)
    QTest.mouseDClick(view, Button.LeftButton, NONE, QPoint(200, 150))
    assert view.lightbox.sight is None


def test_the_value_under_the_mouse(view: ImageView) -> None:
    view.zoom_to(1)
    QTest.mouseMove(view, QPoint(120 + 31, 90 + 17))
    QApplication.processEvents()
    column, row = view.lightbox.point
    assert (int(column), int(row)) == (31, 17)
    words = view._point_lines()
    assert words == ["column 31, row 17", f"grey {view.lightbox.image.pixels[17, 31]:.3f}"]
    over = ImageView(view.lightbox, with_heat=True, parent=view)
    heat = heat_over(view.lightbox.image)
    view.lightbox.put_heat(heat, "Pneumonia")
    assert over._point_lines()[1].endswith(f"heat {heat[17, 31]:.3g}")


def test_the_words_of_the_frame_are_whole_where_it_is_narrow(view: ImageView) -> None:
    over = ImageView(view.lightbox, with_heat=True, parent=view)
    over.resize(170, 600)
    view.lightbox.put_heat(np.zeros((120, 160), np.float32), "A", "", (20, 0, 140, 120))
    above = shown(over)[:150].max(axis=2) > 120
    lines = np.flatnonzero(np.diff(above.any(axis=1).astype(int)) == 1)
    assert len(lines) >= 2 + 1 + 2, "name and size, the finding, and a sentence that is longer than a line"


def test_what_the_network_was_not_shown_is_told(view: ImageView) -> None:
    over = ImageView(view.lightbox, with_heat=True, parent=view)
    over.resize(400, 300)
    heat = np.zeros((120, 160), np.float32)
    view.lightbox.put_heat(heat, "Pneumonia", "", (0, 0, 160, 120))
    assert view.lightbox.heat.seen is None  # all of it: nothing to say
    plain, words = shown(over), over.accessibleDescription()
    view.lightbox.put_heat(heat, "Pneumonia", "", (20, 0, 140, 120))
    assert colours.FRAMED in over.accessibleDescription()
    assert colours.FRAMED not in words + view.accessibleDescription()
    changed = (shown(over) != plain).any(axis=2)
    zoom = over.sight().zoom
    left, right = (200 + (column - 80) * zoom for column in (20, 140))
    columns = np.flatnonzero(changed[140:160].any(axis=0))  # rows without any text
    assert {round(abs(c - left)) <= 2 or round(abs(c - right)) <= 2 for c in columns} == {True}
    assert (np.abs(columns - left) <= 2).any()
    assert (np.abs(columns - right) <= 2).any()
    view.lightbox.set_point((10.5, 60.5))
    assert over._point_lines()[1].endswith("not shown to the network")
    view.lightbox.set_point((20.5, 60.5))
    assert over._point_lines()[1].endswith("heat 0")


def test_beside_the_image_nothing_is_pointed_at(view: ImageView) -> None:
    view.zoom_to(1)
    QTest.mouseMove(view, QPoint(151, 107))
    QTest.mouseMove(view, QPoint(10, 10))
    QApplication.processEvents()
    assert view.lightbox.point is None
    view.lightbox.set_point((3, 3))
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert view.lightbox.point is None


def test_the_other_view_shows_a_cross(qtbot: QtBot, view: ImageView) -> None:
    other = ImageView(view.lightbox)
    qtbot.addWidget(other)
    other.resize(400, 300)
    before = shown(other)
    view.lightbox.set_point((80.0, 60.0))
    changed = np.argwhere((shown(other) != before).any(axis=2))
    changed = changed[(changed < [200, 300]).all(axis=1) & (changed > [100, 100]).all(axis=1)]
    assert np.abs(changed.mean(axis=0) - [150, 200]).max() < 1


# --- Keys


@pytest.mark.parametrize(
    ("key", "moved"), [(Key.Key_Left, (40, 0)), (Key.Key_Right, (-40, 0)), (Key.Key_Up, (0, 30)), (Key.Key_Down, (0, -30))]
)
def test_arrow_keys_look_elsewhere(view: ImageView, key: Qt.Key, moved: tuple[int, int]) -> None:
    view.zoom_to(6)
    left, top = view.sight().origin(view.view())
    QTest.keyClick(view, key)
    assert view.sight().origin(view.view()) == (left + moved[0], top + moved[1])


@pytest.mark.parametrize(
    ("key", "window"),
    [
        (Key.Key_Left, Window(0.5, 0.95)),
        (Key.Key_Right, Window(0.5, 1.05)),
        (Key.Key_Up, Window(0.45, 1.0)),
        (Key.Key_Down, Window(0.55, 1.0)),
    ],
)
def test_shift_and_arrow_keys_move_the_window(view: ImageView, key: Qt.Key, window: Window) -> None:
    QTest.keyClick(view, key, Modifier.ShiftModifier)
    assert view.lightbox.look.window == window


def test_keys_and_mouse_do_nothing_without_an_image(view: ImageView) -> None:
    view.lightbox.put(None, "", None)
    for key in (Key.Key_Left, Key.Key_Space, Key.Key_X):
        QTest.keyClick(view, key)
    drag(view, Button.LeftButton, QPoint(200, 150), QPoint(100, 150))
    wheel(view, QPointF(200, 150), 120)
    view.zoom_to(3)
    assert view.lightbox.sight is None
    assert view.lightbox.look.window == FULL


# --- Sides and lengths


def _hover(view: ImageView, at: QPoint) -> None:
    """The mouse comes to a place. Sent by hand: Qt drops a move to where an earlier test has left the mouse."""
    place, none = QPointF(at), Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, place, view.mapToGlobal(place), none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, move)


def test_sides_by_convention_explain_themselves(view: ImageView) -> None:
    for at, words in (
        (QPoint(12, 150), image_marks.BY_CONVENTION),
        (QPoint(388, 150), image_marks.BY_CONVENTION),
        (QPoint(200, 150), ""),
    ):
        _hover(view, at)
        assert view.toolTip() == words


def test_stated_sides_need_no_explanation(view: ImageView) -> None:
    view.lightbox.put(radiograph(), "", Bearings("R", "L", "H", "F"))
    assert view.sides().certain
    _hover(view, QPoint(12, 150))
    QApplication.processEvents()
    assert view.toolTip() == ""


def test_a_length_is_drawn_only_where_it_is_known(view: ImageView) -> None:
    image = view.lightbox.image
    plain = shown(view)
    view.lightbox.put(image, "img-1", Bearings(spacing=(0.5, 0.5), measured="at the detector"))
    changed = np.argwhere((shown(view) != plain).any(axis=2))
    assert len(changed)
    width = np.ptp(changed[:, 1])
    assert width >= 100  # 20 mm of 0.5 mm a pixel at 2.5 : 1, and its words
    assert changed[:, 0].min() > 200


# --- Screens with small pixels


def test_on_a_fine_screen_one_to_one_is_one_pixel_of_the_screen() -> None:
    code = """
import numpy as np
from PySide6.QtWidgets import QApplication
from PySide6.QtCore import QPointF
from cxr_desktop.widgets.image_view import ImageView
from cxr_desktop.widgets.lightbox import Lightbox
from tests.desktop.radiographs import pixels_of, radiograph
app = QApplication([])
box = Lightbox()
view = ImageView(box)
box.put(radiograph(view=""), "", None)
view.resize(200, 150)
assert view.view() == (400, 300), view.view()
view.zoom_to(1)
seen = pixels_of(view.grab().toImage())
assert seen.shape == (300, 400, 3), seen.shape
expected = np.rint(box.image.pixels * 255)[20:100, 20:140, None]
assert (seen[110:190, 140:260] == expected).all()
before = view.place(QPointF(50, 60))
view.zoom_to(2.5, QPointF(50, 60))
moved = (np.array(view.place(QPointF(50, 60))) - before) * 2.5
assert np.abs(moved).max() <= 0.51, moved
"""
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
