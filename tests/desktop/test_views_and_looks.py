"""In the window: which views and which level of findings are learned, and what does not look like a frontal radiograph."""

import sqlite3
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.detail_pane import DetailPane
from cxr_desktop.project import Project
from cxr_desktop.training.training_setup import TrainingSetup
from cxr_desktop.widgets.review_panel import ReviewPanel
from tests.trainer import dicom_files
from trainer import arguments, images, importer


def _say_view(project: Project, view: str, every: int) -> None:
    with sqlite3.connect(project.folder / "catalog.sqlite") as connection:
        connection.execute("UPDATE images SET view = CASE WHEN id % ? THEN 'PA' ELSE ? END", (every, view))
    connection.close()


@pytest.fixture
def setup(qtbot: QtBot, opened: Project) -> TrainingSetup:
    made = TrainingSetup(opened)
    qtbot.addWidget(made)
    made.resize(380, 620)
    made.show()
    _settled(made, qtbot)
    return made


def _settled(setup: TrainingSetup, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not (setup._images.busy or setup._files.busy or setup.box._latest.busy))


def test_views_left_out_are_told_and_one_setting_takes_them_in(setup: TrainingSetup, qtbot: QtBot) -> None:
    before = setup.outlook.images["train"] if setup.outlook else 0
    _say_view(setup.project, "lateral", 3)
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert setup.outlook is not None
    assert setup.outlook.images["train"] < before
    assert "train images are lateral or other views" in setup.bar.facts.text()
    setup.form.set_value("task.views", "all")
    _settled(setup, qtbot)
    assert setup.outlook.images["train"] == before
    assert "lateral" not in setup.bar.facts.text()
    assert "task.views=all" in arguments.parse(setup.words()).assignments


def test_laterals_alone_lead_to_the_setting(setup: TrainingSetup, qtbot: QtBot) -> None:
    _say_view(setup.project, "lateral", 1)
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert not setup.bar.button.isEnabled()
    assert "takes frontal views only" in setup.bar.why.text()
    qtbot.mouseClick(setup.bar.mend, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: setup.form.rows["task.views"].control.hasFocus())


def test_a_level_offers_its_own_findings(setup: TrainingSetup, qtbot: QtBot) -> None:
    catalog = setup.project.catalog
    with sqlite3.connect(setup.project.folder / "catalog.sqlite") as connection:
        for name in ("Lobar pneumonia", "Pleural effusion"):
            connection.execute("UPDATE findings SET name = ? WHERE name = ?", (f"Opacity/{name}", name))
    connection.close()
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert set(catalog.findings()) == {"Normal", "Opacity/Lobar pneumonia", "Opacity/Pleural effusion"}
    setup.form.set_value("task.level", 1)
    _settled(setup, qtbot)
    assert setup.outlook is not None
    assert set(setup.outlook.findings) == {"Normal", "Opacity"}
    setup.form.others.unfold(True)
    box = setup.form.rows["task.findings"].control
    assert {box.item(row).text() for row in range(box.count())} == {"Normal", "Opacity"}
    assert (setup.outlook.targets == 1).sum(1).tolist() == [1] * len(setup.outlook.targets)


def test_a_picture_of_something_else_is_told_beside_its_facts(project: Project, tmp_path: Path, qtbot: QtBot) -> None:
    for finding, seed in (("A", 1), ("B", 2)):
        (tmp_path / "clinic" / finding).mkdir(parents=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "clinic" / finding / "noise.png")
    importer.run(tmp_path / "x.cxr", [tmp_path / "clinic"])
    assert project.open(tmp_path / "x.cxr")
    pane = DetailPane(project)
    qtbot.addWidget(pane)
    pane.show()
    pane.show_images(project.catalog.ids()[:1])
    qtbot.waitUntil(lambda: "does not look like a frontal chest radiograph" in pane.facts.text())


def test_a_review_warns_of_laterals_and_of_other_pictures(qtbot: QtBot) -> None:
    panel = ReviewPanel()
    qtbot.addWidget(panel)
    lateral = images.decode(dicom_files.file(ViewPosition="LL", BodyPartExamined="CHEST", Modality="DX"), name="a.dcm")
    panel.show_facts(lateral.facts, lateral.pixels, "frontal")
    assert "this model learned from frontal views alone" in panel.cautions.text()
    silent = images.decode(dicom_files.file(), name="b.dcm")
    panel.show_facts(silent.facts, silent.pixels)
    assert "does not look like a frontal chest radiograph" in panel.cautions.text()
