"""The viewer as a page uses it: image, heat map, two linked views, tools, keys, and what it remembers."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets import viewer_icons
from cxr_desktop.widgets.image_view import ImageView
from cxr_desktop.widgets.viewer import Viewer
from cxr_desktop.widgets.viewer_actions import BESIDE, GESTURES, ORIGINAL, OVERLAY
from cxr_desktop.widgets.viewer_tools import rounded_up
from cxr_desktop.widgets.window_level import FULL, Window, presets
from tests.desktop.radiographs import heat_over, pixels_of, radiograph
from trainer import bearings, images

Key, Modifier = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
def viewer(qtbot: QtBot) -> Viewer:
    made = Viewer()
    qtbot.addWidget(made)
    made.resize(900, 500)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def loaded(viewer: Viewer) -> Viewer:
    viewer.show_image(radiograph(), "img-1")
    return viewer


@pytest.fixture
def heated(loaded: Viewer) -> Viewer:
    loaded.set_heatmap(heat_over(loaded.lightbox.image), "Pneumonia")
    return loaded


def visible(viewer: Viewer) -> tuple[bool, bool, bool]:
    """Whether original, overlay and scale are there."""
    return viewer.original.isVisible(), viewer.overlay.isVisible(), viewer.scale.isVisible()


def press(viewer: Viewer, key: Qt.Key, modifier: Qt.KeyboardModifier = Modifier.NoModifier) -> None:
    viewer.window().activateWindow()
    QApplication.processEvents()
    viewer.setFocus()
    QTest.keyClick(QApplication.focusWidget(), key, modifier)


# --- Which views there are


def test_it_begins_with_nothing(viewer: Viewer) -> None:
    assert visible(viewer) == (True, False, False)
    assert not any(action.isEnabled() for action in viewer.commands if action)
    assert viewer.mode == BESIDE


def test_a_radiograph_alone(loaded: Viewer) -> None:
    assert visible(loaded) == (True, False, False)
    assert loaded.viewer_actions.fit.isEnabled()
    assert not loaded.viewer_actions.modes[OVERLAY].isEnabled()
    assert not loaded.tools.opacity.isVisible()


@pytest.mark.parametrize(
    ("mode", "shown"), [(ORIGINAL, (True, False, False)), (OVERLAY, (False, True, True)), (BESIDE, (True, True, True))]
)
def test_modes(qtbot: QtBot, heated: Viewer, mode: str, shown: tuple[bool, bool, bool]) -> None:
    with qtbot.waitSignal(heated.options_changed):
        heated.viewer_actions.modes[mode].trigger()
    assert visible(heated) == shown
    assert heated.mode == mode
    heated.set_heatmap(None)
    assert visible(heated) == (True, False, False)
    heated.set_heatmap(heat_over(heated.lightbox.image), "Effusion")
    assert visible(heated) == shown


def test_while_a_heat_map_is_being_made_nothing_jumps(heated: Viewer) -> None:
    heated.set_heatmap(None, "Effusion")
    assert visible(heated) == (True, True, True)
    assert heated.overlay.accessibleDescription().endswith("heat map of Effusion is being made")


def test_clear(heated: Viewer) -> None:
    heated.clear()
    assert visible(heated) == (True, False, False)
    assert heated.lightbox.image is None
    assert not heated.viewer_actions.invert.isEnabled()


def test_a_change_of_mode_keeps_the_focus(heated: Viewer) -> None:
    press(heated, Key.Key_V)
    assert heated.overlay.hasFocus()
    press(heated, Key.Key_G)
    assert heated.original.hasFocus()


def test_compact_has_no_tools_but_all_keys(qtbot: QtBot) -> None:
    viewer = Viewer(compact=True)
    qtbot.addWidget(viewer)
    viewer.resize(260, 260)
    viewer.show()
    qtbot.waitExposed(viewer)
    viewer.show_image(radiograph(), "img-1")
    assert not viewer.tools.isVisible()
    assert viewer.original.height() == viewer.height()
    press(viewer, Key.Key_I)
    assert viewer.lightbox.look.inverted
    viewer.set_heatmap(heat_over(viewer.lightbox.image), "Pneumonia")
    assert visible(viewer) == (False, True, True)


# --- Linked views


def test_both_views_zoom_pan_and_window_together(heated: Viewer) -> None:
    heated.original.zoom_to(4)
    assert heated.overlay.sight().zoom == 4
    start = heated.overlay.rect().center()
    QTest.mousePress(heated.overlay, Qt.MouseButton.LeftButton, Modifier.NoModifier, start)
    QTest.mouseMove(heated.overlay, start + QPoint(-40, 24))
    QTest.mouseRelease(heated.overlay, Qt.MouseButton.LeftButton, Modifier.NoModifier, start + QPoint(-40, 24))
    assert (heated.original.sight().x, heated.original.sight().y) == pytest.approx((90, 54), abs=0.25)
    assert heated.original.sight() == heated.overlay.sight()
    heated.lightbox.set_window(Window(0.2, 0.1))
    heated.lightbox.set_opacity(0)
    heated.lightbox.set_point(None)
    rows, columns = np.s_[120:300], np.arange(100, 250)
    left, right = (pixels_of(view.grab().toImage()) for view in (heated.original, heated.overlay))
    shift = heated.overlay.sight().origin(heated.overlay.view())[0] - heated.original.sight().origin(heated.original.view())[0]
    assert np.abs(left[rows, columns] - right[rows, columns + shift]).max() <= 1
    assert left[rows, columns].std() > 50


def test_the_mouse_is_shown_in_the_other_view(heated: Viewer) -> None:
    before = pixels_of(heated.overlay.grab().toImage())
    QTest.mouseMove(heated.original, heated.original.rect().center())
    QApplication.processEvents()
    assert heated.lightbox.point is not None
    assert (pixels_of(heated.overlay.grab().toImage()) != before).any()


# --- Keys


def test_every_action_has_a_key_or_stands_in_a_menu(viewer: Viewer) -> None:
    actions = [action for action in viewer.commands if action]
    keys = [key.toString() for action in actions for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert [action.text() for action in actions if not action.shortcuts()] == ["Full range"]
    for action in actions:
        assert action.toolTip().endswith(".")
        assert action.shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut
    assert None in viewer.commands
    assert all(keys and what for keys, what in GESTURES)


def test_zoom_keys(loaded: Viewer) -> None:
    press(loaded, Key.Key_1)
    assert loaded.original.sight().zoom == 1
    press(loaded, Key.Key_Plus, Modifier.ControlModifier)
    assert loaded.original.sight().zoom == 1.25
    press(loaded, Key.Key_Minus, Modifier.ControlModifier)
    press(loaded, Key.Key_Minus)
    assert loaded.original.sight().zoom == pytest.approx(0.8)
    press(loaded, Key.Key_F)
    assert loaded.lightbox.sight is None


def test_window_keys(qtbot: QtBot, loaded: Viewer) -> None:
    found = presets(loaded.lightbox.image.pixels)
    for key, name in ((Key.Key_L, "Lungs"), (Key.Key_M, "Mediastinum and bones"), (Key.Key_A, "Percentiles 1 to 99")):
        with qtbot.waitSignal(loaded.window_changed) as told:
            press(loaded, key)
        assert told.args == pytest.approx([found[name].level, found[name].width])
    loaded.viewer_actions.presets["Full range"].trigger()
    assert loaded.lightbox.look.window == FULL


def test_inverting_twice_is_the_same_picture(loaded: Viewer) -> None:
    loaded.viewer_actions.actual.trigger()
    left, top = loaded.original.sight().origin(loaded.original.view())
    inside = np.s_[top : top + 120, left : left + 160]
    before = pixels_of(loaded.original.grab().toImage())[inside]
    press(loaded, Key.Key_I)
    assert (pixels_of(loaded.original.grab().toImage())[inside] == 255 - before).all()
    press(loaded, Key.Key_I)
    assert (pixels_of(loaded.original.grab().toImage())[inside] == before).all()


def test_reset_forgets_window_and_inversion(loaded: Viewer) -> None:
    press(loaded, Key.Key_L)
    press(loaded, Key.Key_I)
    press(loaded, Key.Key_R)
    assert (loaded.lightbox.look.window, loaded.lightbox.look.inverted) == (FULL, False)
    assert not loaded.viewer_actions.invert.isChecked()


def test_the_next_image_is_not_inverted(loaded: Viewer) -> None:
    press(loaded, Key.Key_I)
    loaded.show_image(radiograph(seed=9))
    assert not loaded.viewer_actions.invert.isChecked()


def test_the_window_tool(heated: Viewer) -> None:
    press(heated, Key.Key_W)
    assert heated.original.tool == heated.overlay.tool == "window"
    press(heated, Key.Key_W)
    assert heated.original.tool == heated.overlay.tool == "pan"


def test_heat_map_keys(heated: Viewer) -> None:
    press(heated, Key.Key_Comma)
    assert heated.lightbox.look.opacity == pytest.approx(0.5)
    assert heated.tools.opacity.value() == 50
    press(heated, Key.Key_Period)
    press(heated, Key.Key_Period)
    assert heated.tools.opacity.value() == 70
    press(heated, Key.Key_S)
    assert heated.lightbox.fixed_top == 3.2
    press(heated, Key.Key_S)
    assert heated.lightbox.fixed_top is None


def test_a_page_may_let_the_keys_work_in_all_of_it(qtbot: QtBot, loaded: Viewer) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    loaded.setParent(page)
    other = QWidget(page)
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    page.show()
    qtbot.waitExposed(page)
    loaded.show()
    page.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    QTest.keyClick(other, Key.Key_I)
    assert not loaded.lightbox.look.inverted
    page.addActions([action for action in loaded.commands if action])
    QTest.keyClick(other, Key.Key_I)
    assert loaded.lightbox.look.inverted
    loaded.setParent(None)  # both are closed by themselves


# --- Tools


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")
def test_the_menu_offers_everything(loaded: Viewer) -> None:
    loaded.original.menu_wanted.emit(QPoint(5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [a for a in menu.actions() if not a.isSeparator()] == [a for a in loaded.commands if a]
    menu.close()


def test_the_opacity_slider(qtbot: QtBot, heated: Viewer) -> None:
    with qtbot.waitSignal(heated.options_changed):
        heated.tools.opacity.setValue(35)
    assert heated.lightbox.look.opacity == 0.35


def test_a_fixed_scale_is_said_and_stays(heated: Viewer) -> None:
    assert heated.lightbox.scale_words() == "scale: this image"
    QTest.keyClick(heated.tools.scale, Key.Key_Down)
    assert heated.tools.scale.currentText() == "Fixed"
    assert heated.lightbox.scale_words() == "scale: fixed 0 to 3.2"
    heated.show_image(radiograph(seed=8), "img-2")
    heated.set_heatmap(heat_over(heated.lightbox.image, 1.1), "Pneumonia")
    assert heated.lightbox.look.top == 3.2
    assert heated.tools.maximum.isVisible()
    heated.tools.maximum.setFocus()
    heated.tools.maximum.selectAll()
    QTest.keyClicks(heated.tools.maximum, "4.5")
    QTest.keyClick(heated.tools.maximum, Key.Key_Return)
    assert heated.lightbox.look.top == 4.5
    QTest.keyClick(heated.tools.scale, Key.Key_Up)
    assert heated.lightbox.look.top == pytest.approx(1.1)
    assert not heated.tools.maximum.isVisible()


def test_a_page_sets_the_scale(heated: Viewer) -> None:
    heated.set_fixed_scale(7.0)
    assert heated.viewer_actions.fixed.isChecked()
    assert heated.tools.maximum.value() == 7.0
    assert heated.tools.maximum.text() == "7"
    heated.set_fixed_scale(None)
    press(heated, Key.Key_S)
    assert heated.lightbox.fixed_top == 7.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3.14, 3.2), (3.2, 3.2), (0.0, 1.0), (float("nan"), 1.0), (99.1, 100), (0.00123, 0.0013), (1, 1), (1e9, 1e6)],
)
def test_rounded_up(value: float, expected: float) -> None:
    assert rounded_up(value) == pytest.approx(expected)


def test_a_maximum_is_written_briefly_and_read_again(heated: Viewer) -> None:
    box = heated.tools.maximum
    for value in (0.00012, 0.5, 3.2, 12.5, 999.0, 123456.0):
        box.setValue(value)
        assert len(box.text()) <= 7
        assert box.valueFromText(box.text()) == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize("width", [560, 700, 900, 1300])
@pytest.mark.parametrize("mode", [BESIDE, OVERLAY])
def test_tools_fit_into_any_width(qtbot: QtBot, heated: Viewer, width: int, mode: str) -> None:
    heated.set_mode(mode)
    heated.set_fixed_scale(0.00012)
    heated.resize(width, 500)
    QApplication.processEvents()
    assert heated.width() == width
    controls = [one for one in heated.tools.findChildren(QWidget) if one.isVisible() and not one.findChildren(QWidget)]
    places = [one.rect().translated(one.mapTo(heated, QPoint(0, 0))) for one in controls if one.parent() not in controls]
    assert len(places) > 10
    for place in places:
        assert heated.rect().contains(place)
    top = {button.mapTo(heated, QPoint(0, 0)).y() for button in heated.tools.findChildren(QToolButton)}
    assert len({y // 20 for y in top}) == (2 if width <= 700 else 1)


def test_every_control_has_a_name_and_a_tip(heated: Viewer) -> None:
    controls = [one for one in heated.findChildren(QWidget) if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisible()]
    assert len(controls) >= 14
    for control in controls:
        assert control.accessibleName(), control
        assert control.toolTip() or isinstance(control, ImageView), control


def test_icons_follow_the_theme(qapp: QApplication, viewer: Viewer) -> None:
    def ink() -> int:
        picture = viewer.viewer_actions.fit.icon().pixmap(24).toImage()
        return max(
            picture.pixelColor(x, y).lightness() for x in range(24) for y in range(24) if picture.pixelColor(x, y).alpha() > 200
        )

    viewer.show_image(radiograph())
    light = ink()
    theme.apply(qapp, "dark")
    assert ink() > light + 100


def test_every_icon_is_drawn(qapp: QApplication) -> None:
    for name in viewer_icons.names():
        picture = viewer_icons.icon(name).pixmap(24).toImage()
        drawn = sum(picture.pixelColor(x, y).alpha() > 100 for x in range(24) for y in range(24))
        assert drawn in range(20, 450), name


# --- What it remembers


def test_options_come_back(qtbot: QtBot, heated: Viewer) -> None:
    heated.set_mode(OVERLAY)
    heated.tools.opacity.setValue(25)
    heated.set_fixed_scale(5.5)
    other = Viewer()
    qtbot.addWidget(other)
    other.set_options(heated.options())
    assert (other.mode, other.lightbox.look.opacity, other.lightbox.fixed_top) == (OVERLAY, 0.25, 5.5)
    assert other.options() == heated.options()
    heated.set_fixed_scale(None)
    other.set_options(heated.options())
    assert other.lightbox.fixed_top is None


def test_options_that_make_no_sense_change_nothing(viewer: Viewer) -> None:
    before = viewer.options()
    upside_down = '{"mode": "upside down", "opacity": "much", "fixed": -1}'
    for word in (
        "",
        "{",
        "{}",
        "null",
        "[1]",
        '"x"',
        upside_down,
        '{"fixed": true}',
        '{"mode": []}',
        '{"opacity": NaN, "fixed": NaN}',
    ):
        viewer.set_options(word)
        assert viewer.options() == before, word


# --- Saving, and real files


def test_the_picture_to_be_saved(heated: Viewer) -> None:
    heated.set_mode(ORIGINAL)
    saved = heated.picture()
    assert saved.height() == 160  # 120 rows, and room for the legend
    assert (pixels_of(saved)[:120, 150] != pixels_of(saved)[:120, 150, :1]).any()


def test_real_dicom_files(shared_data: Path, viewer: Viewer) -> None:
    path = shared_data / "dicom" / "chest_CR_mono1_8bit_jpegbaseline_rescale.dcm"
    image = images.read(path)
    viewer.show_image(image, path.name, bearings.read(path))
    assert viewer.original.sides().left == ""  # neither sides nor a view are stated
    assert viewer.lightbox.bearings.spacing == (0.175, 0.175)
    press(viewer, Key.Key_1)
    left, top = viewer.original.sight().origin(viewer.original.view())
    seen = pixels_of(viewer.original.grab().toImage())[150:300, 300:600, 0]
    expected = np.rint(image.pixels * 255)[150 - top : 300 - top, 300 - left : 600 - left]
    assert np.abs(seen - expected).max() <= 1


def test_commands_are_actions_and_separators(viewer: Viewer) -> None:
    assert all(command is None or isinstance(command, QAction) for command in viewer.commands)
