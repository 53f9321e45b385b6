"""Heat maps in galleries and the large view: of the run's own network, on one scale; what cannot be shown says why."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop import inference
from cxr_desktop.evaluation import heat_pictures
from cxr_desktop.evaluation.closer_look import CloserLook
from cxr_desktop.evaluation.gallery_items import items, with_records
from cxr_desktop.evaluation.heat_pictures import HeatPictures, Wanted, make
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.project import Project
from tests.desktop.evaluated import WAIT, click
from tests.desktop.radiographs import pixels_of
from trainer import files, images, runs
from trainer.catalog import Catalog
from trainer.errors import TrainerError
from trainer.results import Prediction

HALF = {"Normal": 0.5, "Lobar pneumonia": 0.5, "Pleural effusion": 0.5}


@pytest.fixture
def run(run_folder: Path) -> runs.Run:
    return runs.Run(run_folder)


@pytest.fixture
def wanted(run: runs.Run) -> list[Wanted]:
    ids = Prediction.load(run.predictions("validation")).ids[:4]
    with Catalog.open(run.project) as catalog:
        return [Wanted(path, digest, "Pleural effusion") for path, digest in catalog.files(ids)]


@pytest.fixture
def pictures(qtbot: QtBot, opened_run: Project) -> HeatPictures:
    return HeatPictures(opened_run, LoadedNetwork(), QObject(opened_run), side=64)


def test_they_are_the_maps_of_the_run_on_one_scale(
    qtbot: QtBot, pictures: HeatPictures, run: runs.Run, wanted: list[Wanted]
) -> None:
    pictures.want((run.folder,), wanted)
    assert pictures.picture(*wanted[0].key) is None
    qtbot.waitUntil(lambda: not pictures.busy, timeout=WAIT)
    assert all(isinstance(pictures.picture(*one.key), QPixmap) for one in wanted)
    network = inference.open_models([run.folder])
    tops = []
    for one in wanted:
        image = images.read(one.path)
        whole = inference.heatmaps(network, image).over_image(one.finding)
        tops.append(float(whole.max()))
    assert pictures.top == pytest.approx(np.quantile(tops, 0.75), rel=0.2)  # those of the gallery are reduced
    made = pictures._made
    pictures.want((run.folder,), wanted[:2])
    assert not pictures.busy  # nothing is made twice
    assert pictures._made is made


def test_what_a_network_was_not_shown_lies_outside_of_a_frame(run: runs.Run, tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    PIL.Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 80), np.uint8)).save(wide)
    one = Wanted(wide, files.digest(wide.read_bytes()), "Pleural effusion")
    network = inference.open_models([run.folder], device="cpu")
    cropping = tuple(replace(member, header=replace(member.header, fit="crop")) for member in network.members)
    pictures = [heat_pictures._small(shown, one, 64) for shown in (network, replace(network, members=cropping))]
    height, width = pictures[0].grey.shape
    assert pictures[0].seen == (0, 0, width, height)
    left, top, right, bottom = pictures[1].seen
    assert right - left == bottom - top == min(height, width) < max(height, width)
    plain, framed = (pixels_of(heat_pictures._pixmap(small, 0.0).toImage()) for small in pictures)
    changed = (plain != framed).any(axis=2)
    assert changed[top, left:right].all()
    assert not changed[top + 1 : bottom - 1, left + 1 : right - 1].any()
    assert not np.delete(changed, np.s_[left:right], axis=1).any()


def test_what_cannot_be_shown_says_why(run: runs.Run, wanted: list[Wanted], tmp_path: Path) -> None:
    network = LoadedNetwork().of(run.folder)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    from trainer import files

    found = make(
        network,
        [
            dataclasses.replace(wanted[0], digest="0" * 40),
            dataclasses.replace(wanted[1], path=tmp_path / "gone.png"),
            dataclasses.replace(wanted[2], finding="Cardiomegaly"),
            Wanted(broken, files.digest(b"no image"), "Normal"),
        ],
        64,
        lambda *_: None,
    )
    words = list(found.values())
    assert words[0] == "The file has changed since it was imported"
    assert "no such file" in words[1]
    assert words[2] == "The network does not know this finding"
    assert all(isinstance(one, str) for one in words)


def test_a_run_without_a_network_says_why(qtbot: QtBot, pictures: HeatPictures, run: runs.Run, wanted: list[Wanted]) -> None:
    run.best.unlink()
    pictures.want((run.folder,), wanted)
    qtbot.waitUntil(lambda: bool(pictures.problem), timeout=WAIT)
    assert not pictures.busy


def test_a_network_is_opened_once_and_again_when_its_file_changes(run: runs.Run) -> None:
    network = LoadedNetwork()
    first = network.of(run.folder)
    assert network.of(run.folder) is first
    import os

    os.utime(run.best, ns=(1, 1))
    assert network.of(run.folder) is not first
    run.best.unlink()
    with pytest.raises(TrainerError):
        network.of(run.folder)


def test_the_large_view_steps_and_explains_other_findings(qtbot: QtBot, opened_run: Project, run: runs.Run) -> None:
    prediction = Prediction.load(run.predictions("validation"))
    found = with_records(opened_run.background, items(prediction, range(3), HALF, ""))
    dialog = CloserLook(opened_run, LoadedNetwork(), (run.folder,), prediction, HALF)
    qtbot.addWidget(dialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show_items(found, 0)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.state.text().startswith("Heat map for"), timeout=WAIT)
    assert dialog.bars.selected() == found[0].finding
    assert not dialog.before.isEnabled()
    other = next(name for name in prediction.findings if name != found[0].finding)
    dialog.bars.set_selected(other)
    dialog.bars.chosen.emit(other)
    qtbot.waitUntil(lambda: f"Heat map for {other}" in dialog.state.text(), timeout=WAIT)
    click(dialog.after)
    assert dialog.item is found[1]
    qtbot.waitUntil(lambda: dialog.state.text().startswith("Heat map for"), timeout=WAIT)
    QTest.keyClick(dialog, Qt.Key.Key_PageDown)
    assert dialog.item is found[2]
    assert not dialog.after.isEnabled()
    dialog.step(1)
    assert dialog.item is found[2]
    assert "(3 of 3)" in dialog.title.text()
    dialog.done(0)
    assert opened_run.settings.text("evaluation/closer-look")


def test_an_image_that_left_the_project_is_told_in_the_large_view(qtbot: QtBot, opened_run: Project, run: runs.Run) -> None:
    prediction = Prediction.load(run.predictions("validation"))
    (item,) = items(prediction, [0], HALF, "")
    dialog = CloserLook(opened_run, LoadedNetwork(), (run.folder,), prediction, HALF)
    qtbot.addWidget(dialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show_items([item], 0)
    assert "not in the project" in dialog.state.text()


def test_another_image_in_the_place_of_a_file_is_told_and_not_shown_in_the_large_view(
    qtbot: QtBot, opened_run: Project, run: runs.Run, tmp_path: Path
) -> None:
    prediction = Prediction.load(run.predictions("validation"))
    first, second = with_records(opened_run.background, items(prediction, range(2), HALF, ""))
    assert first.record is not None
    assert second.record is not None
    file = tmp_path / "replaced.png"
    file.write_bytes(second.record.path.read_bytes())
    dialog = CloserLook(opened_run, LoadedNetwork(), (run.folder,), prediction, HALF)
    qtbot.addWidget(dialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show_items([replace(first, record=replace(first.record, path=file))], 0)
    qtbot.waitUntil(lambda: dialog.state.text().startswith("The file has changed since it was imported"))
    assert dialog.viewer.lightbox.image is None
