"""The split dialog: what it shows is what is stored, and no split that is there is ever changed."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.project import Project
from tests.trainer.makers import draw
from trainer import divisions, importer, split
from trainer.catalog import Catalog


def opened_dialog(project: Project, qtbot: QtBot) -> SplitDialog:
    dialog = SplitDialog(project)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: settled(dialog))
    return dialog


def settled(dialog: SplitDialog) -> bool:
    """Whether what is shown is of what is asked."""
    return not dialog._pause.isActive() and not dialog._plans.busy and not dialog._project.jobs.busy()


def change(dialog: SplitDialog, qtbot: QtBot) -> None:
    """Wait for the numbers after a change."""
    qtbot.waitUntil(lambda: settled(dialog))


def shown(dialog: SplitDialog) -> list[tuple[str, int, str]]:
    """Part, images and patients of the table."""
    return [(row[0].lower(), int(row[1]), row[3]) for row in dialog.outcome.table.rows()]


def stored(catalog: Catalog, name: str) -> list[tuple[str, int, str]]:
    """The same of a split that is stored."""
    found = divisions.contents(catalog, catalog.split(name))
    return [(part, content.images, str(content.patients)) for part, content in found.items()]


@pytest.fixture
def given(project: Project, tmp_path: Path) -> Project:
    """12 images that came with a train and a test folder, without patients."""
    source = tmp_path / "given"
    draw(source, *(f"{part}/{finding}/{n}.png" for part in ("train", "test") for finding in ("A", "B") for n in range(6)))
    importer.run(tmp_path / "given.cxr", [source])
    assert project.open(tmp_path / "given.cxr")
    return project


def test_what_is_shown_is_what_is_stored(opened: Project, qtbot: QtBot) -> None:
    before = opened.catalog.active_split()
    old = opened.catalog.split(before)
    dialog = opened_dialog(opened, qtbot)
    dialog.form.test.setValue(30)
    dialog.form.seed.setValue(9)
    change(dialog, qtbot)
    seen = shown(dialog)
    assert [part for part, _, _ in seen] == ["train", "validation", "test"]
    assert dialog.form.train.text() == "60 %"
    with qtbot.waitSignal(opened.splits_changed):
        QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    assert dialog.made == opened.catalog.active_split() == "60-10-30-seed9"
    assert stored(opened.catalog, dialog.made) == seen
    assert opened.catalog.split(before).digest == old.digest, "the old one stays as it was"
    assert not dialog.isVisible()


def test_nothing_is_stored_on_cancel(opened: Project, qtbot: QtBot) -> None:
    before = opened.catalog.splits()
    dialog = opened_dialog(opened, qtbot)
    dialog.form.seed.setValue(5)
    with qtbot.assertNotEmitted(opened.splits_changed):
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert opened.catalog.splits() == before
    assert not dialog.isVisible()


def test_folds(opened: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened, qtbot)
    dialog.form.folds.setCurrentIndex(dialog.form.folds.findData(3))
    assert not dialog.form.test.isEnabled()
    change(dialog, qtbot)
    seen = []
    for place in range(3):
        dialog.outcome.fold.setCurrentIndex(place)
        seen.append(shown(dialog))
    QTest.keyClicks(dialog.form.name, "cv")
    QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.made == "cv-fold1")
    assert [stored(opened.catalog, f"cv-fold{fold}") for fold in (1, 2, 3)] == seen


def test_a_name_that_runs_use_is_refused_with_another(opened_run: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened_run, qtbot)
    name = opened_run.catalog.active_split()
    assert f"'{name}', used by run first, stays as it is" in dialog.form.remark.text()
    QTest.keyClicks(dialog.form.name, name.upper())
    assert not dialog.make.isEnabled()
    assert f"'{name}' is used by run first" in dialog.form.remark.text()
    assert f"'{name.upper()}-2'" in dialog.form.remark.text()
    assert dialog.form.remark.property("role") == "error"
    QTest.keyClicks(dialog.form.name, "-b")
    assert dialog.make.isEnabled()
    QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.made == f"{name.upper()}-b")
    assert opened_run.catalog.splits() == [name, f"{name.upper()}-b"]


def test_a_name_of_folds_that_is_taken(opened: Project, qtbot: QtBot) -> None:
    first = opened_dialog(opened, qtbot)
    first.form.folds.setCurrentIndex(1)
    change(first, qtbot)
    QTest.mouseClick(first.make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: first.made == "2-folds-seed1-fold1")
    second = opened_dialog(opened, qtbot)
    second.form.folds.setCurrentIndex(1)
    change(second, qtbot)
    assert second.form.name.placeholderText() == "2-folds-seed1-2"
    QTest.keyClicks(second.form.name, "2-folds-seed1")
    assert not second.make.isEnabled()
    second.reject()


def test_the_same_division_is_not_stored_twice(opened: Project, qtbot: QtBot) -> None:
    for seed in (3, 4):
        dialog = opened_dialog(opened, qtbot)
        dialog.form.seed.setValue(seed)
        change(dialog, qtbot)
        QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda dialog=dialog: bool(dialog.made))
    names = opened.catalog.splits()
    dialog = opened_dialog(opened, qtbot)
    dialog.form.seed.setValue(3)
    change(dialog, qtbot)
    assert dialog.make.text() == "Use this split"
    with qtbot.waitSignal(opened.splits_changed):
        QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    assert opened.catalog.splits() == names
    assert opened.catalog.active_split() == dialog.made == "70-10-20-seed3"


def test_parts_that_the_dataset_came_with_are_kept_or_not(given: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(given, qtbot)
    assert dialog.form.keep.isChecked()
    assert "test 12, train 12" in dialog.form.given.text()
    assert not dialog.form.validation.isEnabled()
    assert "as given" in dialog.outcome.words.text()
    assert ("test", 12, "unknown") in shown(dialog)
    assert "unknown" in dialog.outcome.words.text(), "the warning on patients"
    assert dialog.outcome.words.property("role") == "warning"
    QTest.mouseClick(dialog.form.anew, Qt.MouseButton.LeftButton)
    change(dialog, qtbot)
    assert dialog.form.validation.isEnabled()
    assert "as given" not in dialog.outcome.words.text()
    assert ("test", 12, "unknown") not in shown(dialog)
    dialog.reject()


def test_without_given_parts_nothing_is_asked_about_them(opened: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened, qtbot)
    assert not dialog.form.keep.isVisible()
    assert not dialog.form.anew.isVisible()
    dialog.reject()


def test_shares_leave_something_to_train_on(opened: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened, qtbot)
    dialog.form.test.setValue(99)
    dialog.form.validation.setValue(99)
    assert dialog.form.test.value() + dialog.form.validation.value() <= 99
    change(dialog, qtbot)
    dialog.form.folds.setCurrentIndex(1)
    assert dialog.form.validation.maximum() == 49
    dialog.reject()


def test_a_dataset_that_cannot_be_split_is_told(project: Project, tmp_path: Path, qtbot: QtBot) -> None:
    draw(tmp_path / "one", *(f"A/{n}.png" for n in range(4)))
    importer.run(tmp_path / "one.cxr", [tmp_path / "one"])
    assert project.open(tmp_path / "one.cxr")
    dialog = opened_dialog(project, qtbot)
    assert "labelled alike" in dialog.outcome.words.text()
    assert dialog.outcome.words.property("role") == "error"
    assert not dialog.make.isEnabled()
    assert not dialog.outcome.table.isVisible()
    dialog.reject()


def test_a_disk_that_refuses_is_told_in_the_dialog(opened: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened, qtbot)
    opened.background._connection.execute("PRAGMA query_only = ON")
    QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "cannot be written to" in dialog.form.remark.text())
    assert dialog.isVisible()
    assert dialog.form.isEnabled()
    dialog.reject()


def test_numbers_are_dimmed_until_they_hold_again(opened: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened, qtbot)
    dialog.form.seed.setValue(6)
    assert not dialog.make.isEnabled()
    assert not dialog.outcome.table.isEnabled()
    change(dialog, qtbot)
    assert dialog.make.isEnabled()
    assert dialog.outcome.table.isEnabled()
    dialog.reject()


def test_closing_the_dialog_or_the_project_in_the_middle(opened: Project, qtbot: QtBot) -> None:
    dialog = SplitDialog(opened)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.form.seed.setValue(7)
    opened.close()
    assert not dialog.isVisible()


def test_another_seed_by_chance(opened: Project, qtbot: QtBot) -> None:
    dialog = opened_dialog(opened, qtbot)
    seeds = set()
    for _ in range(5):
        QTest.mouseClick(dialog.form.another, Qt.MouseButton.LeftButton)
        seeds.add(dialog.form.seed.value())
    assert len(seeds) > 1
    dialog.reject()


def test_a_split_that_was_made_meanwhile_is_not_replaced(opened: Project, qtbot: QtBot) -> None:
    """In a terminal or another window, with the name that the dialog proposes."""
    dialog = opened_dialog(opened, qtbot)
    dialog.form.seed.setValue(77)
    change(dialog, qtbot)
    name = dialog._proposed_name()
    with Catalog.open(opened.folder) as catalog:
        split.run(catalog, test=0.4, val=0.1, seed=5, name=name)
        before = catalog.split(name).digest
    dialog.make.click()
    qtbot.waitUntil(lambda: "meanwhile" in dialog.form.remark.text())
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert opened.catalog.split(name).digest == before
    dialog.make.click()  # it proposes another name by now
    qtbot.waitUntil(lambda: bool(dialog.made))
    assert dialog.made != name
    assert opened.catalog.split(name).digest == before
