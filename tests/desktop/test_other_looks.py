"""Other windows of a file on the screen: chosen, read in a job, remembered for one image, never what a network sees."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.notices import Notice
from cxr_desktop.other_looks import OtherLooks
from cxr_desktop.project import Project
from cxr_desktop.review.review_saving import View
from cxr_desktop.widgets.look_chooser import BY_PERCENTILES, SEEN
from cxr_desktop.widgets.viewer import Viewer
from cxr_desktop.widgets.window_level import FULL, Window
from tests.desktop.radiographs import heat_over, pixels_of, radiograph
from tests.trainer import dicom_files
from trainer import images

LUNG, BONE = "LUNG: centre 200, width 400", "BONE: centre 800, width 1600"
WINDOWS = {
    "WindowCenter": [200, 800],
    "WindowWidth": [400, 1600],
    "WindowCenterWidthExplanation": ["LUNG", "BONE"],
    "VOILUTFunction": "LINEAR_EXACT",
}
PIXELS = np.arange(0, 1600, 25, dtype=np.uint16).reshape(8, 8)


class Desk:
    """A viewer and what a page does with it."""

    def __init__(self, qtbot: QtBot, project: Project, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.viewer = Viewer()
        qtbot.addWidget(self.viewer)
        self.viewer.resize(700, 400)
        self.viewer.show()
        qtbot.waitExposed(self.viewer)
        self.looks = OtherLooks(project, self.viewer)
        self.chooser = self.viewer.looks

    def put(self, name: str, **elements: object) -> Path:
        path = self.folder / name
        path.write_bytes(dicom_files.file(PIXELS, **(elements or WINDOWS)))
        return path

    def show(self, path: Path) -> None:
        self.viewer.show_image(images.read(path), path.name)
        self.looks.of(path)

    def choose(self, place: int) -> None:
        """By mouse or key: Qt tells both alike."""
        self.chooser.box.setCurrentIndex(place)
        self.chooser.box.activated.emit(place)

    def sees(self, path: Path, look: int) -> None:
        """Wait until this look is on the screen."""
        expected = images.read(path, look=look).pixels
        self.qtbot.waitUntil(lambda: np.array_equal(self.viewer.lightbox.shown.pixels, expected))
        assert self.chooser.current == look


@pytest.fixture
def desk(qtbot: QtBot, project: Project, tmp_path: Path) -> Desk:
    return Desk(qtbot, project, tmp_path)


def test_a_file_with_one_window_offers_no_choice(desk: Desk) -> None:
    assert not desk.chooser.isVisible()
    desk.show(desk.put("a.dcm", WindowCenter=200, WindowWidth=400))
    assert not desk.chooser.isVisible()
    assert not desk.viewer.viewer_actions.next_look.isEnabled()
    desk.viewer.show_image(radiograph())
    assert not desk.chooser.isVisible()


def test_all_windows_and_the_percentiles_are_offered(desk: Desk) -> None:
    desk.show(desk.put("a.dcm"))
    assert desk.chooser.isVisible()
    box = desk.chooser.box
    assert [box.itemText(place) for place in range(box.count())] == [LUNG, BONE, BY_PERCENTILES]
    assert box.currentIndex() == 0
    assert desk.chooser.note.text() == SEEN
    assert (box.accessibleName(), bool(box.toolTip())) == ("Window of the file", True)
    assert desk.viewer.viewer_actions.next_look.isEnabled()
    desk.viewer.clear()
    assert not desk.chooser.isVisible()


def test_another_window_is_shown_and_the_network_still_sees_the_first(desk: Desk) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    seen = desk.viewer.lightbox.image
    desk.viewer.lightbox.set_window(Window(0.3, 0.2))
    desk.choose(1)
    assert desk.chooser.note.text() == f"Being read: {BONE}"
    desk.sees(path, 1)
    assert desk.viewer.lightbox.image is seen
    assert desk.viewer.lightbox.look.window == FULL
    assert desk.chooser.note.text() == f"A network sees: {LUNG}."
    desk.choose(2)
    desk.sees(path, images.PERCENTILES)
    desk.choose(0)
    desk.sees(path, 0)
    assert desk.chooser.note.text() == SEEN


def test_by_keys(desk: Desk) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    desk.viewer.activateWindow()
    desk.viewer.setFocus()
    desk.qtbot.waitUntil(desk.viewer.original.hasFocus)
    for look in (1, images.PERCENTILES, 0, 1):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_D)
        desk.sees(path, look)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_R)
    desk.sees(path, 0)
    labels = [label for label in desk.chooser.findChildren(QLabel) if label.buddy() is desk.chooser.box]
    assert "&" in labels[0].text()


def test_what_was_chosen_is_remembered_for_that_image_only(desk: Desk) -> None:
    first, second = desk.put("a.dcm"), desk.put("b.dcm")
    desk.show(first)
    desk.choose(1)
    desk.sees(first, 1)
    desk.show(second)
    assert desk.chooser.current == 0
    desk.sees(second, 0)
    desk.show(first)
    desk.sees(first, 1)
    desk.choose(0)
    desk.show(second)
    desk.show(first)
    assert desk.chooser.current == 0


def test_an_answer_that_comes_too_late_is_dropped(desk: Desk, project: Project) -> None:
    first, second = desk.put("a.dcm"), desk.put("b.dcm", **{**WINDOWS, "WindowCenter": [300, 900]})
    desk.show(first)
    desk.choose(1)
    desk.show(second)
    desk.qtbot.waitUntil(lambda: not project.jobs.busy())
    desk.sees(second, 0)
    desk.choose(1)
    desk.viewer.viewer_actions.reset.trigger()
    desk.qtbot.waitUntil(lambda: not project.jobs.busy())
    desk.sees(second, 0)


def test_a_file_that_has_gone_is_told_and_what_was_seen_stays(desk: Desk, told: list[Notice]) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    path.unlink()
    desk.choose(1)
    desk.qtbot.waitUntil(lambda: bool(told))
    assert str(path) in str(told[0].where)
    assert desk.chooser.box.currentIndex() == 0
    assert desk.chooser.note.text() == SEEN


def test_a_file_that_is_another_by_now_is_not_shown(desk: Desk, project: Project) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    path.write_bytes(dicom_files.file(PIXELS[:4], **WINDOWS))
    desk.choose(1)
    desk.qtbot.waitUntil(lambda: not project.jobs.busy())
    assert desk.viewer.lightbox.shown is desk.viewer.lightbox.image
    assert desk.chooser.box.currentIndex() == 0


def test_another_image_of_the_same_size_in_its_place_is_told_and_not_shown(desk: Desk, told: list[Notice]) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    path.write_bytes(dicom_files.file(PIXELS[::-1].copy(), **WINDOWS))
    desk.choose(1)
    desk.qtbot.waitUntil(lambda: bool(told))
    assert "changed since it was shown" in told[0].what
    assert desk.viewer.lightbox.shown is desk.viewer.lightbox.image
    assert desk.chooser.box.currentIndex() == 0


def test_one_that_is_not_offered_any_more_is_the_first(desk: Desk) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    desk.choose(2)
    desk.sees(path, images.PERCENTILES)
    other = desk.put("b.dcm")
    desk.show(other)
    desk.put("a.dcm", WindowCenter=200, WindowWidth=400)
    desk.show(path)
    assert (desk.chooser.current, desk.chooser.isVisible()) == (0, False)


def test_heat_map_and_sight_stay_and_the_saved_picture_is_what_is_shown(desk: Desk) -> None:
    path = desk.put("a.dcm")
    desk.show(path)
    desk.viewer.set_heatmap(heat_over(desk.viewer.lightbox.image), "Pneumonia")
    desk.viewer.viewer_actions.actual.trigger()
    sight, heat = desk.viewer.lightbox.sight, desk.viewer.lightbox.heat
    desk.choose(1)
    desk.sees(path, 1)
    assert (desk.viewer.lightbox.sight, desk.viewer.lightbox.heat) == (sight, heat)
    drawn = pixels_of(View.of(desk.viewer.lightbox).picture(with_heat=False))
    assert np.abs(drawn[:8, :8, 0] - np.rint(images.read(path, look=1).pixels * 255)).max() <= 1


@pytest.mark.parametrize("word", ["light", "dark"])
def test_a_narrow_pane_has_room_for_a_long_name(desk: Desk, qapp: QApplication, word: str) -> None:
    theme.apply(qapp, word)
    long = {**WINDOWS, "WindowCenterWidthExplanation": ["A VERY LONG EXPLANATION OF WHAT THIS WINDOW IS FOR", "BONE"]}
    desk.show(desk.put("a.dcm", **long))
    assert desk.chooser.minimumSizeHint().width() < 320
