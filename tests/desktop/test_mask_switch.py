"""Masks in the detail pane: off at first, laid over their own image only, and told where they cannot be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.detail_pane import DetailPane
from cxr_desktop.project import Project
from tests.trainer.makers import draw
from trainer import importer
from trainer.catalog import Catalog

FILES = {
    "0": (),
    "1": (("lesion", "m/1l.png"), ("lung", "m/1.png")),
    "2": (("lung", "m/2.png"),),
    "3": (("lung", "m/none.png"),),
}


@pytest.fixture
def pane(project: Project, tmp_path: Path, qtbot: QtBot) -> DetailPane:
    """Four images: without masks, with two, with one of another form, with one that is not there."""
    source = tmp_path / "clinic"
    draw(source, *(f"{number}.png" for number in range(4)))
    made = importer.run(tmp_path / "x.cxr", [source])
    (source / "m").mkdir()
    for name, shape in (("1", (16, 12)), ("1l", (8, 6)), ("2", (6, 8))):
        PIL.Image.fromarray(np.full(shape, 255 * (name != "1l"), np.uint8)).save(source / "m" / f"{name}.png")
    with Catalog.open(made.project) as catalog:
        known = catalog.known(source)
        catalog.store(source, [replace(known[f"{name}.png"], masks=files) for name, files in FILES.items()])
    assert project.open(made.project)
    one = DetailPane(project)
    qtbot.addWidget(one)
    one.resize(340, 640)
    one.show()
    return one


def show(pane: DetailPane, number: int, qtbot: QtBot) -> None:
    """Select one image and wait until it, and what lies over it, is seen."""
    pane.show_images(pane._project.catalog.ids()[number : number + 1])
    qtbot.waitUntil(lambda: not pane._pictures.busy and not pane.masks._reading.busy)


def test_masks_are_laid_over_their_image_alone(pane: DetailPane, qtbot: QtBot) -> None:
    show(pane, 0, qtbot)
    assert not pane.masks.isVisible()
    show(pane, 1, qtbot)
    assert "Masks: lesion (1l.png), lung (1.png)" in pane.facts.text()
    assert pane.masks.box.text().replace("&", "") == "Show masks: lesion, lung"
    of = pane.viewer.lightbox
    assert of.masks == (), "off at first"
    with qtbot.waitSignal(pane.masks.shown):
        QTest.keyClick(pane.masks.box, Qt.Key.Key_Space)
    assert [(kind, int(values.sum())) for kind, values in of.masks] == [("lung", 48), ("lesion", 0)]
    assert pane.masks.note.text() == "lesion: nothing is drawn in it\nlung: stretched from 12 × 16 pixels"
    show(pane, 0, qtbot)
    assert of.masks == ()
    with qtbot.waitSignal(pane.masks.shown):
        show(pane, 1, qtbot)
    assert len(of.masks) == 2, "it stays on"
    pane.masks.box.click()
    assert of.masks == ()
    assert not pane.masks.note.isVisible()


@pytest.mark.parametrize(("number", "words"), [(2, "another form"), (3, "lung (none.png): ")])
def test_a_mask_that_cannot_be_is_told(pane: DetailPane, number: int, words: str, qtbot: QtBot) -> None:
    pane.masks.box.setChecked(True)
    with qtbot.waitSignal(pane.masks.shown):
        show(pane, number, qtbot)
    assert words in pane.masks.note.text()
    assert pane.masks.note.property("role") == "error"
    assert pane.viewer.lightbox.masks == ()
    assert pane.viewer.lightbox.image is not None


def test_masks_that_another_import_finds_are_there_at_once(pane: DetailPane, qtbot: QtBot) -> None:
    pane.masks.box.setChecked(True)
    show(pane, 0, qtbot)
    source = pane._project.catalog.folders()[0]
    entry = pane._project.catalog.known(source)["0.png"]
    pane._project.catalog.store(source, [replace(entry, masks=(("lung", "m/1.png"),))])
    with qtbot.waitSignal(pane.masks.shown):
        pane._project.images_changed.emit()
    assert [kind for kind, _ in pane.viewer.lightbox.masks] == ["lung"]
    pane.show_images(np.array([1, 2]))
    assert not pane.masks.isVisible()
