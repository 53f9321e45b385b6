"""What is written: pixels and nothing else, under a name that tells nothing of the patient."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtGui import QColorSpace, QImage
from pytestqt.qtbot import QtBot

from cxr_desktop.review import review_saving
from cxr_desktop.review.review_saving import View
from cxr_desktop.widgets.viewer import Viewer
from trainer.errors import StorageError
from trainer.headers import Facts
from trainer.images import Image


@pytest.mark.parametrize("width", [1, 7, 8, 33])
def test_the_pixels_are_kept_whatever_the_width(width: int) -> None:
    random = np.random.default_rng(width)
    pixels = random.integers(0, 256, (5, width, 3), np.uint8)
    picture = QImage(pixels.tobytes(), width, 5, 3 * width, QImage.Format.Format_RGB888).copy()
    with Pillow.open(io.BytesIO(review_saving.png(picture))) as found:
        np.testing.assert_array_equal(np.asarray(found), pixels)


def test_texts_profiles_and_resolution_of_a_picture_are_left_behind() -> None:
    picture = QImage(4, 4, QImage.Format.Format_RGB32)
    picture.fill(0)
    picture.setText("Patient", "Doe^Jane")
    picture.setColorSpace(QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb))
    picture.setDotsPerMeterX(1234)
    content = review_saving.png(picture)
    assert not any(
        word in content for word in (b"Doe", b"Patient", b"tEXt", b"iTXt", b"zTXt", b"iCCP", b"pHYs", b"tIME", b"eXIf")
    )
    assert picture.text("Patient") == "Doe^Jane"  # the picture itself stays as it is


def test_a_name_is_of_the_finding_and_the_next_number(tmp_path: Path) -> None:
    assert review_saving.picture_name("Pneumonia/Viral & other", tmp_path).name == "Pneumonia-Viral-other-1.png"
    (tmp_path / "Normal-1.png").touch()
    (tmp_path / "Normal-2.png").touch()
    assert review_saving.picture_name("Normal", tmp_path).name == "Normal-3.png"
    assert review_saving.picture_name("", tmp_path).name == "radiograph-1.png"
    assert review_saving.picture_name("肺炎", tmp_path).name == "radiograph-1.png"


@pytest.fixture
def viewer(qtbot: QtBot) -> Viewer:
    made = Viewer()
    qtbot.addWidget(made)
    random = np.random.default_rng(1)
    pixels = random.random((200, 150), np.float32)
    made.show_image(Image(pixels, Facts("PNG", 150, 200, 8, "L")), "name of the file")
    return made


def test_a_view_is_drawn_as_the_viewer_draws_it(viewer: Viewer) -> None:
    values = np.linspace(0, 3, 200 * 150, dtype=np.float32).reshape(200, 150)
    viewer.set_heatmap(values, "Lobar pneumonia")
    for change in (lambda: None, lambda: viewer.set_fixed_scale(5.0), lambda: viewer.lightbox.set_inverted(True)):
        change()
        assert View.of(viewer.lightbox).picture(with_heat=True) == viewer.picture()


def test_a_heat_map_that_is_being_made_is_left_out(viewer: Viewer) -> None:
    viewer.set_heatmap(None, "Lobar pneumonia")
    plain = View.of(viewer.lightbox).picture(with_heat=True)
    assert (plain.width(), plain.height()) == (150, 200)


def test_the_radiograph_alone_has_its_own_size(viewer: Viewer) -> None:
    viewer.set_heatmap(np.ones((200, 150), np.float32), "Normal")
    plain = View.of(viewer.lightbox).picture(with_heat=False)
    assert (plain.width(), plain.height()) == (150, 200)
    assert View.of(viewer.lightbox).picture(with_heat=True).width() > 150


def test_a_place_that_cannot_be_written_is_told(viewer: Viewer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        review_saving.save_picture(View.of(viewer.lightbox), tmp_path / "file" / "a.png", with_heat=False)
