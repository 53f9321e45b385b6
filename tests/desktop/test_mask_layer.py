"""Masks over a radiograph: where they are, in which colour, at any zoom, and never between an image and another one."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets import mask_layer
from cxr_desktop.widgets.image_view import ImageView
from cxr_desktop.widgets.lightbox import Lightbox
from tests.desktop.radiographs import pixels_of, radiograph


def _square(height: int = 120, width: int = 160) -> np.ndarray:
    values = np.zeros((height, width), bool)
    values[20:60, 30:90] = True
    return values


def test_a_mask_is_filled_faintly_and_outlined_clearly() -> None:
    drawn = mask_layer.picture([("lung", _square())], 1.0, (0, 0, 160, 120))
    alpha = drawn[..., 3]
    assert (alpha[21:59, 31:89] == round(255 * mask_layer.FILL)).all()
    assert (alpha[20, 30:90] == alpha[20, 30]).all()
    assert alpha[20, 30] == round(255 * mask_layer.OUTLINE)
    assert not alpha[~_square()].any()
    red, green, blue = mask_layer.COLOURS["lung"][1]
    assert drawn[40, 50].tolist() == [round(mask_layer.FILL * value) for value in (blue, green, red, 255)]


@pytest.mark.parametrize("zoom", [0.37, 0.5, 2.0, 3.7])
def test_it_lies_where_the_image_does_at_any_zoom(zoom: float) -> None:
    width, height = int(160 * zoom), int(120 * zoom)
    whole = mask_layer.picture([("mask", _square())], zoom, (0, 0, width, height))[..., 3] > 0
    rows, columns = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    for found, edges in ((rows, (20, 60)), (columns, (30, 90))):
        assert np.abs(np.array([found[0], found[-1] + 1]) / zoom - edges).max() <= 1 / zoom
    part = mask_layer.picture([("mask", _square())], zoom, (5, 7, 20, 15))[..., 3] > 0
    assert np.array_equal(part, whole[7:22, 5:25]), "a part fits into the whole"


def test_kinds_are_told_apart_and_named() -> None:
    lungs, lesion = _square(), np.zeros((120, 160), bool)
    lesion[30:40, 40:60] = True
    masks = mask_layer.ordered([("lesion", lesion), ("lung", lungs)])
    drawn = mask_layer.picture(masks, 1.0, (0, 0, 160, 120)).astype(int)
    assert drawn[35, 50, 2] > drawn[35, 50, 0], "orange lies over blue"
    assert drawn[50, 50, 2] < drawn[50, 50, 0]
    assert mask_layer.lines(masks) == ["lung mask: blue", "lesion mask: orange"]
    assert mask_layer.lines([("mask", lungs)]) == ["mask: pink"]


def test_on_the_light_box_until_another_image_comes(qtbot: QtBot) -> None:
    lightbox = Lightbox()
    view = ImageView(lightbox)
    lightbox.setParent(view)
    qtbot.addWidget(view)
    view.resize(400, 300)
    lightbox.put(radiograph(), "img-1", None)
    view.show()
    qtbot.waitExposed(view)
    before = pixels_of(view.grab().toImage()).astype(int)
    lightbox.put_masks([("lung", _square())])
    after = pixels_of(view.grab().toImage()).astype(int)
    assert (np.abs(after - before).max(axis=-1) > 20).mean() > 0.05
    assert "lung mask: blue" in view.accessibleDescription()
    with pytest.raises(ValueError, match="shape"):
        lightbox.put_masks([("lung", _square(10, 10))])
    lightbox.put_masks(())
    assert np.array_equal(pixels_of(view.grab().toImage()).astype(int), before)
    lightbox.put_masks([("lung", _square())])
    lightbox.put(radiograph(seed=4), "img-2", None)
    assert lightbox.masks == ()
