"""The import wizard: what it previews is what it imports, and whatever goes wrong the catalog is as it was."""

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import edits
from cxr_desktop.dataset.import_wizard import PREVIEW, REPORT, SOURCES, ImportWizard
from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from tests.trainer import layout_makers
from tests.trainer.makers import draw, state
from trainer import importer
from trainer.catalog import Catalog

Open = Callable[..., ImportWizard]


@pytest.fixture
def wizard(project: Project, qtbot: QtBot) -> Open:
    """Opens the wizard on some sources."""

    def made(*sources: Path, new: bool = False) -> ImportWizard:
        one = ImportWizard(project, list(sources), new=new)
        qtbot.addWidget(one)
        one.show()
        qtbot.waitUntil(lambda: looked(one))
        return one

    return made


def looked(wizard: ImportWizard) -> bool:
    """Whether the preview is of what is asked."""
    return not wizard._pause.isActive() and not wizard._previews.busy


def click(wizard: ImportWizard, button: str, qtbot: QtBot) -> None:
    """Press a button and wait for what it begins."""
    QTest.mouseClick(getattr(wizard, button), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: looked(wizard) and wizard._job is None, timeout=20_000)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """Six images and a table with three columns of text beside the paths; one row is of a file that is not there."""
    source = tmp_path / "clinic"
    draw(source, *(f"{number}.png" for number in range(6)))
    rows = [("image", "label", "second", "patient", "ward")]
    rows += [(f"{n}.png", "AB"[n % 2], "XY"[n // 3], f"p{n // 2}", f"w{n}") for n in range(6)]
    _table(source / "labels.csv", [*rows, ("gone.png", "A", "X", "p9", "w9")])
    return source


def _table(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def choose(wizard: ImportWizard, column: str, name: str, qtbot: QtBot) -> None:
    """Take another column of the table, as a user does."""
    field = wizard.preview.mapping.columns[column]
    field.setFocus()
    field.setCurrentIndex(field.findText(name))
    field.activated.emit(field.currentIndex())
    qtbot.waitUntil(lambda: looked(wizard))


def test_from_a_folder_to_a_new_project(wizard: Open, project: Project, clinic: Path, qtbot: QtBot) -> None:
    one = wizard(clinic)
    assert one.stack.currentIndex() == SOURCES
    assert (one.sources.name.text(), one.sources.place.text()) == ("clinic", str(clinic.parent))
    click(one, "next", qtbot)
    assert one.stack.currentIndex() == PREVIEW
    assert one.preview.summary.text() == "6 image files: 6 new. 3 patients. They go to clinic.cxr."
    assert "the column 'patient' of labels.csv" in one.preview.reason.text()
    assert one.preview.findings.rows() == [("A", "3", "3", "0"), ("B", "3", "3", "0")]
    assert one.preview.unmatched.rows() == [("gone.png",)]
    examples = one.preview.examples.rows()
    assert examples[0] == ("0.png", "p0", "", "", "", "clinic", "", "yes", "no")
    assert not (clinic.parent / "clinic.cxr").exists()
    with qtbot.waitSignal(project.opened):
        click(one, "next", qtbot)
    assert one.stack.currentIndex() == REPORT
    assert project.folder == clinic.parent / "clinic.cxr"
    assert one.report.title.text() == "6 images in clinic.cxr"
    assert ("row without a file", "gone.png", "") in one.report.table.rows()
    words = {1: "yes", 0: "no"}
    stored = [
        (r.path.name, r.patient, r.view, r.sex, "", r.source, r.part_given, *(words[r.labels[name]] for name in ("A", "B")))
        for r in project.catalog.records(project.catalog.ids())
    ]
    assert stored == examples, "as they were shown"
    assert one.split.isVisible()
    with qtbot.waitSignal(project.page_wanted) as asked:
        QTest.mouseClick(one.show_images, Qt.MouseButton.LeftButton)
    assert asked.args == ["dataset"]
    assert not one.isVisible()


def test_other_columns(wizard: Open, project: Project, clinic: Path, qtbot: QtBot) -> None:
    one = wizard(clinic)
    click(one, "next", qtbot)
    choose(one, "patient", "ward", qtbot)
    assert "6 patients" in one.preview.summary.text()
    choose(one, "patient", "(none)", qtbot)
    assert "The patient of 6 images is unknown" in one.preview.summary.text()
    findings = one.preview.mapping.findings
    names = [findings.item(row).text() for row in range(findings.count())]
    findings.item(names.index("label")).setCheckState(Qt.CheckState.Unchecked)
    qtbot.waitUntil(lambda: looked(one))
    assert one.preview.findings.rows() == []
    findings.item([findings.item(row).text() for row in range(findings.count())].index("second")).setCheckState(
        Qt.CheckState.Checked
    )
    qtbot.waitUntil(lambda: looked(one))
    assert one.preview.findings.rows() == [("X", "3", "3", "0"), ("Y", "3", "3", "0")]
    click(one, "next", qtbot)
    assert project.catalog.findings() == ["X", "Y"]
    assert project.catalog.counts().patients == 0


def test_a_wrong_column_is_told_and_mended(wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    one = wizard(clinic)
    click(one, "next", qtbot)
    choose(one, "path", "ward", qtbot)
    assert "No row of the table names a file" in one.preview.summary.text()
    assert "Choose the right column under Image file" in one.preview.summary.text(), "in the words of the window"
    assert one.preview.summary.property("role") == "error"
    assert not one.next.isEnabled()
    choose(one, "path", "image", qtbot)
    assert one.next.isEnabled()


def test_the_folders_instead_of_the_table(wizard: Open, drawn: Path, qtbot: QtBot) -> None:
    one = wizard(drawn)
    click(one, "next", qtbot)
    assert one.preview.mapping.table.currentText() == "manifest.csv"
    layout = one.preview.mapping.layout_
    layout.setCurrentIndex(layout.findData("folders"))
    layout.activated.emit(layout.currentIndex())
    qtbot.waitUntil(lambda: looked(one))
    assert not one.preview.mapping.findings.isVisible()
    assert one.preview.mapping.table.currentText() == "(none)"
    assert "a folder for each finding" in one.preview.reason.text()
    assert "The patient of 30 images is unknown" in one.preview.summary.text()


def test_a_table_from_elsewhere(wizard: Open, clinic: Path, tmp_path: Path, project: Project, qtbot: QtBot) -> None:
    other = _table(tmp_path / "other.csv", [("file", "finding"), ("0.png", "P"), ("1.png", "Q")])
    one = wizard(clinic, other)
    assert one.sources.table() == other
    click(one, "next", qtbot)
    assert one.preview.findings.rows() == [("P", "1", "1", "0"), ("Q", "1", "1", "0")]
    assert len(one.preview.left_out.rows()) == 4
    table = one.preview.mapping.table
    table.setCurrentIndex(table.findText("labels.csv"))
    table.activated.emit(table.currentIndex())
    qtbot.waitUntil(lambda: looked(one))
    assert one.preview.findings.rows() == [("A", "3", "3", "0"), ("B", "3", "3", "0")]


def test_a_table_alone_stands_for_its_folder(wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    one = wizard(clinic / "labels.csv")
    assert one.sources.sources() == [clinic]
    click(one, "next", qtbot)
    assert "6 new" in one.preview.summary.text()


def test_into_the_open_project(opened: Project, wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    before = len(opened.catalog.ids())
    one = wizard(clinic)
    assert one.stack.currentIndex() == PREVIEW, "there is nothing to decide in the first step"
    assert not one.sources.name.isVisible()
    with qtbot.waitSignal(opened.images_changed):
        click(one, "next", qtbot)
    assert len(opened.catalog.ids()) == before + 6
    assert not one.split.isVisible(), "there is a split already"


def test_a_new_project_beside_the_open_one(opened: Project, wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    old = opened.folder
    one = wizard(clinic, new=True)
    assert one.stack.currentIndex() == SOURCES
    one.sources.name.selectAll()
    QTest.keyClicks(one.sources.name, "second")
    click(one, "next", qtbot)
    click(one, "next", qtbot)
    assert opened.folder == clinic.parent / "second.cxr"
    with Catalog.open(old) as catalog:
        assert len(catalog.ids()) == 30


def test_steps_that_an_import_has_overtaken_are_forgotten(opened: Project, wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    importer.run(opened.folder, [clinic])
    edits.set_excluded(opened, opened.catalog.ids()[:1], True)
    click(wizard(clinic), "next", qtbot)
    assert opened.undo.count() == 1, "nothing changed"
    draw(clinic, "0.png", shade=7)
    click(wizard(clinic), "next", qtbot)
    assert opened.undo.count() == 0


@pytest.mark.parametrize("name", ["", "a/b", "what?", ".."])
def test_names_that_cannot_be(wizard: Open, clinic: Path, name: str) -> None:
    one = wizard(clinic)
    one.sources.name.selectAll()
    QTest.keyClick(one.sources.name, Qt.Key.Key_Delete)
    QTest.keyClicks(one.sources.name, name)
    assert not one.next.isEnabled()
    assert "needs a name" in one.sources.remark.text()
    assert one.sources.remark.property("role") == "error"


def test_places_that_cannot_be(wizard: Open, clinic: Path, tmp_path: Path) -> None:
    one = wizard(clinic)
    one.sources.place.setText("somewhere")
    assert "Choose the folder" in one.sources.problem()
    (tmp_path / "clinic.cxr").write_text("a file")
    one.sources.place.setText(str(tmp_path))
    assert "A file stands" in one.sources.problem()


def test_a_project_that_is_there_is_added_to(wizard: Open, project: Project, lungs: Path, clinic: Path, qtbot: QtBot) -> None:
    one = wizard(clinic)
    one.sources.place.setText(str(lungs.parent))
    one.sources.name.setText("lungs")
    assert "added to the project lungs.cxr" in one.sources.remark.text()
    click(one, "next", qtbot)
    click(one, "next", qtbot)
    assert len(project.catalog.ids()) == 36


def test_nothing_can_be_imported_from_nothing(wizard: Open, tmp_path: Path, clinic: Path, qtbot: QtBot) -> None:
    one = wizard()
    assert not one.next.isEnabled()
    assert "drop them here" in one.sources.remark.text()
    empty = tmp_path / "empty"
    empty.mkdir()
    one.sources.add([empty])
    click(one, "next", qtbot)
    assert "There are no images in this folder" in one.preview.summary.text()
    assert not one.next.isEnabled()
    click(one, "back", qtbot)
    one.sources.list.item(0).setSelected(True)
    QTest.mouseClick(one.sources.remove, Qt.MouseButton.LeftButton)
    one.sources.add([clinic])
    click(one, "next", qtbot)
    assert one.next.isEnabled(), "another source mends it"


def test_sources_are_dropped_and_stand_once(wizard: Open, clinic: Path) -> None:
    one = wizard()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(clinic)), QUrl.fromLocalFile(str(clinic / "labels.csv"))])
    step, none = one.sources, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(5, 5).toPoint(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    QGuiApplication.sendEvent(step, enter)
    assert enter.isAccepted()
    for _ in range(2):
        drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
        QGuiApplication.sendEvent(step, drop)
    assert step.list.count() == 2
    assert one.next.isEnabled()
    step.add([clinic / "other.csv"])
    assert "more than one table" in step.problem()


def test_folders_and_files_are_chosen_in_dialogs(wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    one = wizard()
    for button, chosen in ((one.sources.add_folder, clinic), (one.sources.add_files, clinic / "labels.csv")):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        dialog = one.sources.findChild(QFileDialog)
        dialog.filesSelected.emit([str(chosen)])
        dialog.close()
        qtbot.waitUntil(lambda: one.sources.findChild(QFileDialog) is None)
    assert (one.sources.sources(), one.sources.table()) == ([clinic], clinic / "labels.csv")


MANY = 8_000


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many images that reading them takes a while, with one content: on the disk there are two files only."""
    source = tmp_path_factory.mktemp("slow") / "many"
    for finding in ("A", "B"):
        draw(source, f"{finding}/0.png")
        for number in range(1, MANY // 2):
            os.link(source / finding / "0.png", source / finding / f"{number}.png")
    return source


def test_stopped_in_the_middle_nothing_is_taken(opened: Project, wizard: Open, slow: Path, qtbot: QtBot) -> None:
    before = state(opened.folder)
    one = wizard(slow)
    QTest.mouseClick(one.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: one.report.bar.value() > 2)
    assert f"of {MANY:,} files" in one.report.status.text()
    QTest.keyClick(one, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: one._job is None and looked(one))
    assert one.isVisible()
    assert one.stack.currentIndex() == PREVIEW
    assert state(opened.folder) == before
    assert f"{MANY:,} new" in one.preview.summary.text()
    assert one.next.isEnabled(), "it can be begun again"


def test_a_new_project_that_was_stopped_is_not_there(project: Project, wizard: Open, slow: Path, qtbot: QtBot) -> None:
    one = wizard(slow)
    click(one, "next", qtbot)
    QTest.mouseClick(one.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: one.report.bar.value() > 2)
    QTest.mouseClick(one.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: one._job is None and looked(one))
    assert not slow.with_suffix(".cxr").exists()
    assert not project.is_open


def test_an_import_that_fails_goes_back_with_the_reason(project: Project, wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    one = wizard(clinic)
    click(one, "next", qtbot)
    shutil.rmtree(clinic)
    click(one, "next", qtbot)
    assert one.stack.currentIndex() == PREVIEW
    assert "no such folder" in one.preview.summary.text()
    assert not project.is_open


def test_the_report_is_copied_and_saved(
    wizard: Open, project: Project, clinic: Path, tmp_path: Path, told: list[Notice], qtbot: QtBot
) -> None:
    (clinic / "text.png").write_text("no image")
    _table(clinic / "labels.csv", [("image", "label"), *((f"{n}.png", "AB"[n % 2]) for n in range(6)), ("text.png", "A")])
    one = wizard(clinic)
    click(one, "next", qtbot)
    click(one, "next", qtbot)
    assert ("left out", "text.png", "This is a text file, not an image") in one.report.table.rows()
    QTest.mouseClick(one.report.copy, Qt.MouseButton.LeftButton)
    assert "left out\ttext.png\tThis is a text file, not an image" in QGuiApplication.clipboard().text()
    QTest.mouseClick(one.report.save, Qt.MouseButton.LeftButton)
    dialog = one.report.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "report.csv"))
    dialog.close()
    qtbot.waitUntil(lambda: one.report.findChild(QFileDialog) is None)
    with (tmp_path / "report.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file))[1] == ["left out", "text.png", "This is a text file, not an image"]
    one.report.write(tmp_path / "report.csv" / "inside a file.csv")
    assert len(told) == 1


def test_a_split_is_next(project: Project, drawn: Path, qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    one = ImportWizard(project, [drawn], window)
    one.show()
    click(one, "next", qtbot)
    seen = {name: (int(yes), int(no), int(unstated)) for name, yes, no, unstated in one.preview.findings.rows()}
    click(one, "next", qtbot)
    counts = project.catalog.counts()
    assert {name: tuple(answers.values()) for name, answers in counts.findings.items()} == seen
    QTest.mouseClick(one.split, Qt.MouseButton.LeftButton)
    assert not one.isVisible()
    dialog = window.findChild(SplitDialog)
    qtbot.waitUntil(dialog.make.isEnabled)
    QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(project.catalog.active_split()))
    qtbot.waitUntil(lambda: window.findChild(SplitDialog) is None)


def test_closing_the_window_during_a_preview(project: Project, drawn: Path, qtbot: QtBot) -> None:
    one = ImportWizard(project, [drawn])
    qtbot.addWidget(one)
    one.show()
    QTest.mouseClick(one.next, Qt.MouseButton.LeftButton)
    one.close()
    assert not one.isVisible()


def test_a_wizard_that_is_gone_is_not_told_that_its_import_has_ended(
    project: Project, drawn: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    wizard = ImportWizard(project, [drawn])
    wizard.sources.place.setText(str(tmp_path))
    wizard._forward()
    qtbot.waitUntil(wizard._ready)
    wizard._forward()
    job = wizard._job
    with qtbot.waitSignal(job.ended, timeout=20_000):
        wizard.deleteLater()
    assert job.cancelled, "nobody waits for it"
    assert not project.is_open


def test_a_known_dataset_with_another_policy(wizard: Open, project: Project, tmp_path: Path, qtbot: QtBot) -> None:
    one = wizard(layout_makers.chexpert(tmp_path))
    click(one, "next", qtbot)
    assert one.title.text() == "CheXpert: what will be taken"
    before = one.preview.findings.rows()
    policies = one.preview.mapping.policies.lists
    assert [name for name, options in policies.items() if options.isVisible()] == ["uncertain", "no_finding"]
    QTest.mouseClick(policies["uncertain"].buttons["yes"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: looked(one))
    after = one.preview.findings.rows()
    assert ("Cardiomegaly", "1 (+1)", "2", "2 (-1)") in after
    assert before != after
    choose(one, "patient", "Sex", qtbot)
    assert one.title.text() == "CheXpert: what will be taken", "with another column it is read as CheXpert still"
    assert "2 patients" in one.preview.summary.text()
    click(one, "next", qtbot)
    assert project.catalog.counts().findings["Cardiomegaly"]["yes"] == 1
    assert "counts as yes" in one.report.summary.text()
    again = wizard(tmp_path / "chexpert")
    qtbot.waitUntil(lambda: again.preview.mapping.layout_.currentText() == "As in its last import: CheXpert")
    assert again.preview.mapping.policies.lists["uncertain"].current() == "yes"
    assert again.preview.mapping.columns["patient"].currentText() == "Sex"


def test_a_page_may_keep_the_open_project(opened: Project, wizard: Open, clinic: Path, qtbot: QtBot) -> None:
    old, opened.may_leave = opened.folder, lambda: False
    one = wizard(clinic, new=True)
    click(one, "next", qtbot)
    click(one, "next", qtbot)
    assert one.report.title.text() == "6 images in clinic.cxr"
    assert opened.folder == old
    QTest.mouseClick(one.show_images, Qt.MouseButton.LeftButton)
    assert (opened.folder, one.isVisible()) == (old, True)
    opened.may_leave = lambda: True
    QTest.mouseClick(one.show_images, Qt.MouseButton.LeftButton)
    assert (opened.folder, one.isVisible()) == (clinic.parent / "clinic.cxr", False)


def test_files_that_were_saved_anew_keep_what_is_known_of_them(
    opened: Project, wizard: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    source = tmp_path / "clinic"
    draw(source, *(f"{number}.png" for number in range(12)))
    importer.run(opened.folder, [source])
    ids = opened.catalog.ids()
    edits.set_label(opened, ids[-1:], "Normal", 1)
    for number in range(12):
        draw(source, f"{number}.png", shade=number)
    one = wizard(source)
    assert not one.preview.resaved.isVisible()
    click(one, "next", qtbot)
    assert one.stack.currentIndex() == PREVIEW
    assert "12 of 12 files hold another image" in one.preview.summary.text()
    assert "--resaved" not in one.preview.summary.text()
    QTest.keyClick(one.preview.resaved, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: looked(one) and one.next.isEnabled())
    click(one, "next", qtbot)
    assert one.stack.currentIndex() == REPORT
    assert list(opened.catalog.ids()) == list(ids)
    assert opened.catalog.records(ids[-1:])[0].labels["Normal"] == 1


def test_a_table_of_the_last_import_that_is_gone_can_be_done_without(
    opened: Project, wizard: Open, clinic: Path, qtbot: QtBot
) -> None:
    importer.run(opened.folder, [clinic], labels=clinic / "labels.csv")
    (clinic / "labels.csv").unlink()
    one = wizard(clinic)
    assert "The table of the last import is not there any more" in one.preview.summary.text()
    layout = one.preview.mapping.layout_
    assert layout.isVisible()
    layout.setCurrentIndex(layout.findData("flat"))
    layout.activated.emit(layout.currentIndex())
    qtbot.waitUntil(lambda: looked(one))
    assert "6 in the project already" in one.preview.summary.text()
    assert one.next.isEnabled()
