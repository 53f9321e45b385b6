"""What lies on the light box, and who is told when it changes."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.lightbox import Lightbox
from cxr_desktop.widgets.rendering import Look
from cxr_desktop.widgets.sight import Sight
from cxr_desktop.widgets.window_level import FULL, Window
from tests.desktop.radiographs import heat_over, pixels_of, radiograph
from trainer import colours
from trainer.bearings import Bearings


@pytest.fixture
def lightbox(qtbot: QtBot) -> Lightbox:
    return Lightbox()


@pytest.fixture
def loaded(lightbox: Lightbox) -> Lightbox:
    lightbox.put(radiograph(), "img-1", None)
    return lightbox


def test_it_begins_empty(lightbox: Lightbox) -> None:
    assert lightbox.size == (0, 0)
    assert lightbox.pyramid is None
    assert lightbox.look == Look()


def test_an_image_is_shown_as_its_file_wants_it(qtbot: QtBot, loaded: Lightbox) -> None:
    loaded.set_window(Window(0.2, 0.3))
    loaded.set_inverted(True)
    loaded.set_sight(Sight(3, 10, 10))
    loaded.put_heat(heat_over(radiograph()), "Pneumonia")
    with qtbot.waitSignals([loaded.image_changed, loaded.changed, loaded.window_changed]):
        loaded.put(radiograph(seed=4), "img-2", Bearings("R", "L", "H", "F"))
    assert (loaded.look.window, loaded.look.inverted) == (FULL, False)
    assert loaded.sight is None
    assert loaded.heat is None
    assert loaded.bearings.left == "R"


def test_the_same_image_again_stays_as_it_is_looked_at(qtbot: QtBot, loaded: Lightbox) -> None:
    loaded.set_window(Window(0.2, 0.3))
    loaded.set_sight(Sight(3, 10, 10))
    with qtbot.assertNotEmitted(loaded.image_changed):
        loaded.put(loaded.image, "renamed", None)
    assert loaded.caption == "renamed"
    assert loaded.look.window == Window(0.2, 0.3)
    assert loaded.sight == Sight(3, 10, 10)


def test_nothing_again(loaded: Lightbox) -> None:
    loaded.put(None, "", None)
    assert loaded.size == (0, 0)
    assert loaded.pyramid is None


def test_window_changes_are_told_once(qtbot: QtBot, loaded: Lightbox) -> None:
    with qtbot.waitSignal(loaded.window_changed) as told:
        loaded.set_window(Window(0.25, 0.5))
    assert told.args == [0.25, 0.5]
    with qtbot.assertNotEmitted(loaded.window_changed):
        loaded.set_window(Window(0.25, 0.5))
        loaded.set_inverted(True)


def test_scale_of_this_image_or_fixed(loaded: Lightbox) -> None:
    loaded.put_heat(heat_over(loaded.image, 2.5), "Pneumonia")
    assert loaded.look.top == 2.5
    assert loaded.scale_words() == "scale: this image"
    loaded.set_fixed_top(3.2)
    assert loaded.look.top == 3.2
    assert loaded.scale_words() == "scale: fixed 0 to 3.2"
    loaded.put_heat(heat_over(loaded.image, 1.0), "Pneumonia")
    assert loaded.look.top == 3.2
    loaded.set_fixed_top(None)
    assert loaded.look.top == 1.0


def test_a_heat_map_that_is_being_made_and_one_without_evidence(loaded: Lightbox) -> None:
    loaded.put_heat(None, "Pneumonia")
    assert loaded.heat is not None
    assert loaded.heat.values is None
    loaded.put_heat(np.zeros((120, 160), np.float32), "Pneumonia")
    assert not loaded.heat.evident
    loaded.put_heat(None, "")
    assert loaded.heat is None


@pytest.mark.parametrize("shape", [(160, 120), (120,), (7, 7)])
def test_a_heat_map_of_another_shape_is_our_mistake(loaded: Lightbox, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        loaded.put_heat(np.zeros(shape, np.float32), "Pneumonia")


def test_opacity_and_place_keep_their_limits(loaded: Lightbox) -> None:
    loaded.set_opacity(1.7)
    assert loaded.look.opacity == 1
    loaded.set_opacity(-0.1)
    assert loaded.look.opacity == 0
    loaded.set_sight(Sight(2, -50, 500))
    assert loaded.sight == Sight(2, 0, 120)


@pytest.mark.parametrize(("point", "kept"), [((0, 0), True), ((159.9, 119.9), True), ((160, 5), False), ((-0.1, 5), False)])
def test_only_places_on_the_image_are_pointed_at(loaded: Lightbox, point: tuple[float, float], kept: bool) -> None:
    loaded.set_point(point)
    assert (loaded.point == point) is kept


def test_the_picture_has_the_images_own_size_and_look(loaded: Lightbox) -> None:
    heat = heat_over(loaded.image)
    loaded.put_heat(heat, "Pneumonia")
    loaded.set_sight(Sight(9, 3, 3))
    expected = colours.blended(loaded.image.pixels, heat, top=3.2, opacity=0.6)
    assert (pixels_of(loaded.picture()) == expected).all()
    loaded.set_window(Window(0.25, 0.5))
    loaded.set_inverted(True)
    shown = 1 - np.clip(loaded.image.pixels / 0.5, 0, 1)
    expected = colours.blended(shown, heat, top=3.2, opacity=0.6)
    assert np.abs(pixels_of(loaded.picture()) - expected).max() <= 1


def test_a_picture_without_a_heat_map_is_the_radiograph(loaded: Lightbox) -> None:
    assert (pixels_of(loaded.picture()) == np.rint(loaded.image.pixels * 255)[..., None]).all()
