"""The legend of a heat map: which finding, which numbers, which scale; and the picture that is saved."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets import heat_scale
from cxr_desktop.widgets.heat_scale import HeatScale, Legend, legend
from cxr_desktop.widgets.lightbox import Lightbox
from tests.desktop.radiographs import heat_over, pixels_of, radiograph
from trainer import colours, explain


@pytest.fixture
def lightbox(qtbot: QtBot) -> Lightbox:
    made = Lightbox()
    made.put(radiograph(200, 160), "patient-name-in-a-caption", None)
    return made


def with_heat(lightbox: Lightbox, maximum: float = 3.2) -> np.ndarray:
    heat = heat_over(lightbox.image, maximum)
    lightbox.put_heat(heat, "Pneumonia/Viral")
    return heat


def test_what_is_said(lightbox: Lightbox) -> None:
    assert legend(lightbox) == Legend("", 0.0, "")
    lightbox.put_heat(None, "Pneumonia")
    assert legend(lightbox) == Legend("Pneumonia", 0.0, "The heat map is being made.")
    with_heat(lightbox, 2.5)
    assert legend(lightbox) == Legend("Pneumonia/Viral", 2.5, "scale: this image")
    lightbox.set_fixed_top(3.2)
    assert legend(lightbox) == Legend("Pneumonia/Viral", 3.2, "scale: fixed 0 to 3.2")


def test_it_is_said_of_which_network_the_map_is(lightbox: Lightbox) -> None:
    heat = with_heat(lightbox, 2.5)
    lightbox.put_heat(heat, "Pneumonia", "mean of 3 networks")
    assert legend(lightbox).title == "Pneumonia (mean of 3 networks)"
    lightbox.put_heat(np.zeros_like(heat), "Pneumonia", "three-02")
    assert legend(lightbox).title == "no evidence for Pneumonia (three-02)"


def test_no_evidence_has_no_colours_unless_the_scale_is_fixed(lightbox: Lightbox) -> None:
    with_heat(lightbox, 0.0)
    assert legend(lightbox) == Legend("no evidence for Pneumonia/Viral", 0.0, "scale: this image")
    lightbox.set_fixed_top(3.2)
    assert legend(lightbox).top == 3.2


def test_a_saved_picture_frames_what_the_network_was_shown(lightbox: Lightbox) -> None:
    heat = np.zeros((200, 160), np.float32)
    lightbox.put_heat(heat, "Pneumonia")
    whole = pixels_of(heat_scale.saved(lightbox))
    lightbox.put_heat(heat, "Pneumonia", "", (0, 20, 160, 180))
    changed = (pixels_of(heat_scale.saved(lightbox)) != whole).any(axis=2)
    rows = np.flatnonzero(changed[:, 40:120].any(axis=1))
    assert {min(abs(row - 20), abs(row - 180)) <= 2 for row in rows} == {True}
    assert changed[:, 160:].any()  # the legend says so


def test_the_colours_rise_from_the_bottom(qtbot: QtBot, lightbox: Lightbox) -> None:
    sheet = QImage(200, 400, QImage.Format.Format_RGB32)
    sheet.fill(0)
    painter = QPainter(sheet)
    heat_scale.paint(painter, QRectF(10, 10, 180, 380), Legend("", 2.0, ""), text="#ffffff", line="#ffffff")
    painter.end()
    bar = pixels_of(sheet)[:, 14]
    inside = np.flatnonzero((bar != 0).any(axis=1))
    column = bar[inside[0] + 2 : inside[-1] - 2]
    assert np.abs(column[0] - colours.TABLE[-1] * 255).max() < 12
    assert np.abs(column[-1] - colours.TABLE[0] * 255).max() < 12
    assert (np.diff(column.sum(axis=1)) <= 6).all()


@pytest.mark.parametrize("height", [20, 60, 100])
def test_without_room_it_draws_what_fits(qtbot: QtBot, lightbox: Lightbox, height: int) -> None:
    with_heat(lightbox)
    scale = HeatScale(lightbox)
    qtbot.addWidget(scale)
    scale.resize(scale.sizeHint().width(), height)
    assert len(np.unique(pixels_of(scale.grab().toImage()))) > 1


def test_the_widget_can_be_read_and_heard_in_both_themes(qtbot: QtBot, lightbox: Lightbox) -> None:
    scale = HeatScale(lightbox)
    qtbot.addWidget(scale)
    scale.resize(scale.sizeHint().width(), 300)
    assert scale.accessibleDescription() == ""
    with_heat(lightbox)
    assert scale.toolTip() == "Pneumonia/Viral"
    assert scale.accessibleDescription() == "Pneumonia/Viral, scale: this image, brightest colour 3.2"
    for choice, ink in (("light", theme.LIGHT.text), ("dark", theme.DARK.text)):
        theme.apply(theme.QApplication.instance(), choice)
        seen = pixels_of(scale.grab().toImage())
        wanted = np.array(list(bytes.fromhex(ink[1:])))
        assert (np.abs(seen - wanted).max(axis=2) < 25).sum() > 30


def test_the_saved_picture_is_the_trainers_overlay_with_a_legend(lightbox: Lightbox) -> None:
    heat = with_heat(lightbox)
    saved = pixels_of(heat_scale.saved(lightbox))
    theirs = explain.overlay(lightbox.image.pixels, heat, finding="Pneumonia/Viral")
    assert np.abs(saved[:200, :160] - theirs[:200, :160]).max() <= 1
    assert saved.shape[0] == 200
    assert saved.shape[1] > 160
    assert (saved[:, 170:] > 200).any()


def test_the_saved_picture_says_nothing_of_the_patient(lightbox: Lightbox) -> None:
    with_heat(lightbox)
    named = heat_scale.saved(lightbox)
    lightbox.put(lightbox.image, "another-name", None)
    assert heat_scale.saved(lightbox) == named
    assert named.textKeys() == []


def test_a_low_image_gets_room_for_its_legend(lightbox: Lightbox) -> None:
    lightbox.put(radiograph(30, 40), "", None)
    with_heat(lightbox)
    saved = heat_scale.saved(lightbox)
    assert saved.height() == heat_scale.FEWEST_ROWS
    assert (pixels_of(saved)[30:, :40] == 0).all()


def test_a_radiograph_alone_is_saved_as_it_is(lightbox: Lightbox) -> None:
    saved = heat_scale.saved(lightbox)
    assert (saved.width(), saved.height()) == (160, 200)
