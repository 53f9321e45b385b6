"""The detail pane over a real project: what it shows, and that everything that is changed there is stored."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import edits
from cxr_desktop.dataset.detail_pane import DetailPane
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from tests.trainer import dicom_files
from trainer import importer


@pytest.fixture
def pane(opened: Project, qtbot: QtBot) -> DetailPane:
    return _pane(opened, qtbot)


def _pane(project: Project, qtbot: QtBot) -> DetailPane:
    made = DetailPane(project)
    made.resize(340, 640)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def shown(pane: DetailPane) -> bool:
    """Whether an image is on the screen."""
    return pane.viewer.lightbox.image is not None


@pytest.fixture
def clinic(project: Project, tmp_path: Path) -> Project:
    """A sound DICOM file, one whose pixels are cut off after it was imported, and a PNG."""
    source = tmp_path / "clinic"
    (source / "A").mkdir(parents=True)
    (source / "B").mkdir()
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    (source / "A" / "0.dcm").write_bytes(dicom_files.file(pixels, PatientID="p0", PatientSex="F", ViewPosition="PA"))
    (source / "B" / "1.dcm").write_bytes(dicom_files.file(pixels, PatientID="p1"))
    importer.run(tmp_path / "x.cxr", [source])
    (source / "B" / "1.dcm").write_bytes((source / "B" / "1.dcm").read_bytes()[:-60])
    assert project.open(tmp_path / "x.cxr")
    return project


def test_nothing_is_selected_at_first(pane: DetailPane) -> None:
    assert len(pane.ids()) == 0
    assert not pane.tabs.isVisible()
    assert not any(command.isEnabled() for command in pane.commands if command is not None)


def test_one_image(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    image = opened.catalog.ids()[4:5]
    record = opened.catalog.records(image)[0]
    pane.show_images(image)
    qtbot.waitUntil(lambda: shown(pane))
    assert pane.title.text() == record.path.name
    facts = pane.facts.text()
    assert f"Patient: {record.patient}" in facts
    assert "Size: 64 × 64 pixels" in facts
    assert f"Part: {opened.catalog.parts(image)[0] or 'none'} (split {opened.catalog.active_split()})" in facts
    assert {row.finding: row.switch.answer() for row in pane.answers.rows()} == {
        name: record.labels.get(name, -1) for name in opened.catalog.findings()
    }
    assert not pane.tabs.isTabVisible(pane.tabs.indexOf(pane.header)), "a PNG has no header"
    assert not pane.message.isVisible()


def test_what_only_the_pixels_tell_is_told_once_they_are_there(project: Project, tmp_path: Path, qtbot: QtBot) -> None:
    source = tmp_path / "clinic"
    for finding in "AB":
        (source / finding).mkdir(parents=True)
        pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) + ord(finding)
        windows = {"WindowCenter": [80, 100], "WindowWidth": [60, 100, 0], "PixelSpacing": [0.2, 0.2], "StudyDate": "20200331"}
        (source / finding / "0.dcm").write_bytes(dicom_files.file(pixels, **windows))
    importer.run(tmp_path / "x.cxr", [source])
    assert project.open(tmp_path / "x.cxr")
    pane = _pane(project, qtbot)
    pane.show_images(project.catalog.ids()[:1])
    qtbot.waitUntil(lambda: shown(pane))
    told = pane.facts.text()
    assert "Window: centre 80, width 60" in told
    assert "Windows offered: window: centre 80, width 60; window: centre 100, width 100" in told
    assert "Note: Window 3 cannot be used" in told
    assert "Date: 2020-03-31" in told
    assert pane.viewer.looks.isVisible()
    pane.viewer.looks.next()
    qtbot.waitUntil(lambda: pane.viewer.looks.current == 1)
    assert "Window: centre 80, width 60" in pane.facts.text(), "the facts are of what a network sees"


def test_a_label_by_key_undo_and_redo(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    image = opened.catalog.ids()[:1]
    pane.show_images(image)
    row = pane.answers.row("Normal")
    before = row.switch.answer()
    row.switch.setFocus()
    QTest.keyClick(row.switch, Qt.Key.Key_U)
    assert opened.catalog.labels(image, ["Normal"])[0, 0] == -1
    assert row.switch.answer() == -1
    assert row.name.text().endswith("✎")
    qtbot.waitUntil(row.switch.hasFocus)
    opened.undo.undo()
    assert row.switch.answer() == before
    assert row.name.text() == "Normal"
    opened.undo.redo()
    assert row.switch.answer() == -1


def test_an_edit_does_not_read_the_image_again(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    pane.show_images(opened.catalog.ids()[:1])
    qtbot.waitUntil(lambda: shown(pane))
    image = pane.viewer.lightbox.image
    edits.set_label(opened, pane.ids(), "Normal", 1)
    assert not opened.jobs.busy()
    assert pane.viewer.lightbox.image is image


def test_labels_of_many_images(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()
    pane.show_images(ids)
    people = opened.catalog.counts().patients
    qtbot.waitUntil(lambda: pane.title.text() == f"30 images, {people} patients")
    row = pane.answers.row("Normal")
    yes = int((opened.catalog.labels(ids, ["Normal"]) == 1).sum())
    assert 0 < yes < 30
    assert row.switch.words().startswith(f"mixed, {yes} yes")
    assert not pane.viewer.isVisible()
    assert pane.tabs.tabText(pane.tabs.indexOf(pane.facts)) == "In common"
    assert "Images: 30" in pane.facts.text()
    QTest.mouseClick(row.switch, Qt.MouseButton.LeftButton, pos=row.switch.fields()[1].center().toPoint())
    assert opened.undo.undoText() == "label Normal of 30 images"
    qtbot.waitUntil(lambda: row.switch.answer() == 0)
    assert (opened.catalog.labels(ids, ["Normal"]) == 0).all()


def test_a_new_finding_is_stored_with_its_first_answer(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    image = opened.catalog.ids()[:1]
    pane.show_images(image)
    QTest.keyClicks(pane.answers.field, "Nodule")
    QTest.keyClick(pane.answers.field, Qt.Key.Key_Return)
    assert "Nodule" not in opened.catalog.findings()
    QTest.keyClick(pane.answers.row("Nodule").switch, Qt.Key.Key_Y)
    assert opened.catalog.records(image)[0].labels["Nodule"] == 1
    opened.undo.undo()
    assert "Nodule" not in opened.catalog.findings()
    assert "Nodule" not in [row.finding for row in pane.answers.rows()]


def test_exclude_and_include(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()[:3]
    edits.set_excluded(opened, ids[:1], True)
    pane.show_images(ids)
    qtbot.waitUntil(lambda: pane.marks.state.text() == "1 of 3 excluded")
    QTest.mouseClick(pane.marks.exclude, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: pane.marks.state.text() == "Excluded")
    assert opened.undo.undoText() == "exclude 3 images"
    QTest.keyClick(pane, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: pane.marks.state.text() == "")
    QTest.keyClick(pane, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert [record.excluded for record in opened.catalog.records(ids)] == [True] * 3
    opened.undo.setIndex(1)
    assert [record.excluded for record in opened.catalog.records(ids)] == [True, False, False]


def test_flags(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()[:2]
    pane.show_images(ids[:1])
    QTest.keyClicks(pane.marks.field.lineEdit(), "rotated")
    QTest.mouseClick(pane.marks.add, Qt.MouseButton.LeftButton)
    assert opened.catalog.records(ids)[0].flags == ("rotated",)
    pane.show_images(ids[1:])
    assert pane.marks.field.findText("rotated") >= 0, "a flag that is used is offered for the next image"
    pane.show_images(ids[:1])
    pane.marks.flag_removed.emit("rotated")
    assert opened.catalog.records(ids)[0].flags == ()


def test_the_header_is_read_when_it_is_looked_at(clinic: Project, qtbot: QtBot) -> None:
    pane = _pane(clinic, qtbot)
    pane.show_images(clinic.catalog.ids()[:1])
    assert pane.tabs.isTabVisible(pane.tabs.indexOf(pane.header))
    assert pane.header.visible_items() == []
    pane.tabs.setCurrentWidget(pane.header)
    qtbot.waitUntil(lambda: len(pane.header.visible_items()) > 10)
    QTest.keyClicks(pane.header.search, "0010,0020")
    assert [item.text(3) for item in pane.header.visible_items()] == ["p0"]


def test_a_damaged_file_is_told_and_its_header_still_shown(clinic: Project, qtbot: QtBot) -> None:
    pane = _pane(clinic, qtbot)
    pane.tabs.setCurrentWidget(pane.header)
    pane.show_images(clinic.catalog.ids()[1:2])
    qtbot.waitUntil(lambda: "incomplete" in pane.message.text())
    assert pane.message.property("role") == "error"
    assert not shown(pane)
    pane.tabs.setCurrentWidget(pane.header)
    qtbot.waitUntil(lambda: len(pane.header.visible_items()) > 10)
    assert pane.answers.isEnabled(), "it can be labelled and excluded all the same"


def test_a_file_that_is_gone_is_told(clinic: Project, qtbot: QtBot) -> None:
    pane = _pane(clinic, qtbot)
    image = clinic.catalog.ids()[:1]
    clinic.catalog.records(image)[0].path.unlink()
    pane.show_images(image)
    pane.tabs.setCurrentWidget(pane.header)
    qtbot.waitUntil(lambda: "no such file" in pane.message.text())
    qtbot.waitUntil(lambda: "no such file" in pane.header.notice.text())


def test_only_the_last_selection_counts(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()
    for place in range(20):
        pane.show_images(ids[place : place + 1])
    pane.show_images(ids[:2])
    pane.show_images(ids[25:26])
    wanted = opened.catalog.records(ids[25:26])[0].path.name
    qtbot.waitUntil(lambda: shown(pane) and not opened.jobs.busy())
    assert pane.title.text() == wanted
    pane.show_images(ids[:5])
    pane.show_images(ids[:0])
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert not pane.tabs.isVisible()
    assert not shown(pane)


def test_an_image_that_comes_too_late_is_not_shown(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()
    pane.show_images(ids[:1])
    assert pane._pictures.busy
    pane.show_images(ids[:0])
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert not shown(pane)


def test_numbers_that_come_too_late_are_not_shown(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()
    pane.show_images(ids)
    pane._pause.timeout.emit()
    assert pane._counts.busy
    pane.show_images(ids[3:4])
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert pane.title.text() == opened.catalog.records(ids[3:4])[0].path.name
    assert all(sum(row.switch._counts) == 1 for row in pane.answers.rows())


def test_paths_are_copied(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()[:2]
    pane.show_images(ids)
    copy = next(command for command in pane.commands if command is not None and command.text() == "Copy paths")
    copy.trigger()
    paths = "\n".join(str(path) for path, _ in opened.catalog.files(ids))
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == paths)


def test_labels_are_reached_by_key(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    pane.show_images(opened.catalog.ids()[:1])
    qtbot.waitUntil(lambda: shown(pane))
    pane.tabs.setCurrentWidget(pane.facts)
    pane.tabs.tabBar().setFocus()
    QTest.keyClick(pane.tabs.tabBar(), Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(pane.answers.rows()[0].switch.hasFocus)


def test_a_project_that_is_closed_leaves_an_empty_pane(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    pane.show_images(opened.catalog.ids()[:1])
    qtbot.waitUntil(lambda: shown(pane))
    opened.close()
    assert len(pane.ids()) == 0
    assert not shown(pane)


def test_every_control_has_a_name(pane: DetailPane, opened: Project) -> None:
    pane.show_images(opened.catalog.ids()[:1])
    for row in pane.answers.rows():
        assert row.switch.accessibleName().startswith(row.finding)
    for widget in (pane.answers.field, pane.marks.field, pane.header.search, pane.header.tree, pane.facts):
        assert widget.accessibleName()
    assert all(command.text() and not command.shortcut().isEmpty() for command in pane.commands if command is not None)


def test_a_file_that_was_replaced_is_not_shown_as_if_it_were_the_old_one(
    project: Project, drawn: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    importer.run(tmp_path / "x.cxr", [drawn])
    assert project.open(tmp_path / "x.cxr")
    pane, ids = _pane(project, qtbot), project.catalog.ids()
    first, second = (record.path for record in project.catalog.records(ids[:2]))
    shutil.copy(second, first)
    pane.show_images(ids[:1])
    qtbot.waitUntil(lambda: pane.message.text().startswith("The file has changed since it was imported."))
    assert not shown(pane)
    pane.show_images(ids[1:2])
    qtbot.waitUntil(lambda: pane.message.text() == "")


def test_the_picture_of_the_image_before_does_not_stay_under_another_name(
    pane: DetailPane, opened: Project, qtbot: QtBot
) -> None:
    ids, back = opened.catalog.ids(), threading.Event()
    pane.show_images(ids[:1])
    qtbot.waitUntil(lambda: shown(pane))
    for _ in range(3):  # every thread waits for a slow disk
        opened.run(lambda _: back.wait(30))
    pane.show_images(ids[1:2])
    qtbot.waitUntil(lambda: not shown(pane))
    back.set()
    qtbot.waitUntil(lambda: shown(pane))


def test_many_images_cannot_be_answered_under_the_numbers_of_others(pane: DetailPane, opened: Project, qtbot: QtBot) -> None:
    ids = opened.catalog.ids()
    pane.show_images(ids[:1])
    assert pane.answers.isEnabled()
    pane.show_images(ids)
    assert not pane.answers.isEnabled()
    assert not pane.marks.isEnabled()
    qtbot.waitUntil(pane.answers.isEnabled)
    assert pane.marks.isEnabled()
    assert all(sum(row.switch._counts) == len(ids) for row in pane.answers.rows())


def test_a_catalog_that_cannot_be_read_is_told(pane: DetailPane, opened: Project, told: list[Notice]) -> None:
    image = opened.catalog.ids()[:1]
    with (opened.folder / "catalog.sqlite").open("r+b") as file:
        file.truncate(4096)
    pane.show_images(image)
    assert told[0].what == "The project's catalog is damaged."
