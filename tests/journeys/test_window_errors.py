"""What can go wrong in the user's world, and a fault of ours: the window says what, where and the remedy, and goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cxr_desktop import trash
from cxr_desktop.dataset.import_wizard import ImportWizard
from tests.desktop.reviewed import folder_of_files
from tests.desktop.scenes import make_run
from trainer.catalog import Catalog
from trainer.records import Filter
from trainer.runs import Run

from .window import User, Walk


def _cards(user: User) -> list[str]:
    return [card.notice.what for card in user.window.notices.cards()]


def _home(user: User) -> bool:
    return user.window.stack.currentWidget() is user.window.pages["home"]


def test_a_folder_that_is_no_project_any_more(walk: Walk, lungs: Path) -> None:
    (lungs / "catalog.sqlite").unlink()

    def steps(user: User) -> None:
        notice = user.error("project")
        assert str(lungs) in notice.text()
        assert notice.remedy
        assert _home(user)
        user.click("Copy details")
        assert QApplication.clipboard().text() == notice.text()
        user.click("Close this notice")
        assert _cards(user) == []

    walk(steps, lungs)


def test_a_damaged_catalog_leaves_the_open_project_open(walk: Walk, lungs: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(lungs, tmp_path / "damaged.cxr"))
    (damaged / "catalog.sqlite").write_bytes(b"no database" * 1000)

    def steps(user: User) -> None:
        user.says("30 of 30 images")
        user.drop([damaged])
        notice = user.error("The project's catalog is damaged")
        assert notice.remedy == "Restore the project folder from a copy."
        assert user.project.folder == lungs
        user.drop([damaged])
        user.until(lambda: user.window.notices.cards()[0].count == 2, "the same notice to be counted")
        user.keys("Ctrl+Shift+N")
        assert _cards(user) == []

    walk(steps, lungs)


def test_an_empty_folder_and_one_without_images(walk: Walk, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "read.txt").write_text("no image")

    def steps(user: User) -> None:
        for name in ("empty", "words"):
            user.drop([tmp_path / name])
            wizard = user.dialog(ImportWizard)
            user.click("Next")
            user.until(lambda wizard=wizard, name=name: name in wizard.preview.summary.text(), "why nothing can be taken")
            assert wizard.preview.summary.property("role") == "error"
            assert not wizard.next.isEnabled()
            user.click("Cancel")
            user.until(lambda: user.top() is user.window, "the wizard to close")
        assert not list(tmp_path.glob("*.cxr"))

    walk(steps)


def test_a_run_without_a_network_and_damaged_predictions(walk: Walk, run_folder: Path) -> None:
    run = Run(run_folder)
    make_run(run.project, "young", end="")
    run.predictions("validation").write_bytes(b"PK damaged")

    def steps(user: User) -> None:
        user.project.run_wanted.emit("evaluation", str(run.folder))
        user.error("damaged")
        user.says("The evaluation cannot be read")
        page = user.window.pages["evaluation"]
        page.side.runs.setFocus()
        QTest.keyClick(page.side.runs, Qt.Key.Key_Home)  # the newest
        user.says("This run has no trained network yet")
        QTest.keyClick(page.side.runs, Qt.Key.Key_End)
        user.says("The evaluation cannot be read")
        user.click("Evaluate again")
        user.says("Macro F1")

    walk(steps, run.project)


def test_a_full_disk(walk: Walk, drawn: Path, small_disk: Path) -> None:
    (small_disk / "fill").write_bytes(bytes(2 * 2**20 - 200_000))

    def steps(user: User) -> None:
        user.drop([drawn])
        wizard = user.dialog(ImportWizard)
        user.type(str(small_disk), user.field("In the folder"))
        user.click("Next")
        user.click("Import")
        user.until(lambda: "disk is full" in wizard.preview.summary.text(), "the refusal")
        user.click("Cancel")

    walk(steps)


def test_a_project_that_cannot_be_written_to(walk: Walk, run_folder: Path, read_only: Callable[[Path], None]) -> None:
    project = Run(run_folder).project
    read_only(project)

    def change(user: User) -> None:
        user.says("30 of 30 images")
        page = user.window.pages["dataset"]
        page.views.focus_view()
        user.keys("Ctrl+A")
        user.until(lambda: page.actions_on_images.toggle.isEnabled(), "the selection")
        user.keys("Del")
        assert user.error("cannot be written to").remedy
        user.says("30 of 30 images")
        user.keys("Ctrl+Shift+N")

    def train(user: User) -> None:
        user.page("Train")
        user.until(lambda: user.window.pages["training"].setup.bar.button.isEnabled(), "Start")
        user.click("Start training")
        user.until(lambda: _cards(user), "the refusal")
        user.error(_cards(user)[0])

    def steps(user: User) -> None:
        change(user)
        train(user)

    walk(steps, project)
    with Catalog.open(project) as catalog:
        assert len(catalog.ids(Filter(excluded=True))) == 0


def test_damaged_files_in_review(walk: Walk, tmp_path: Path) -> None:
    files = folder_of_files(tmp_path / "new")
    files[1].write_bytes(files[1].read_bytes()[:300])

    def steps(user: User) -> None:
        page = user.window.pages["review"]
        user.says("2 not readable")
        user.click(page.desk.files.viewport())
        for file in files[1:]:
            user.keys("J")
            user.until(lambda file=file: page.files.said(file) is not None, "the refusal")
            user.until(lambda: page.desk.viewer.lightbox.image is None, "no image")
        user.drop([tmp_path / "nothing.png"])
        user.error("no such file")

    walk(steps, *files)


def test_a_source_that_was_moved_away(walk: Walk, drawn: Path, tmp_path: Path) -> None:
    from trainer import importer

    importer.run(tmp_path / "far.cxr", [drawn])
    drawn.rename(tmp_path / "elsewhere")

    def steps(user: User) -> None:
        notice = user.error("with 30 images is not there")
        assert str(drawn) in notice.what
        user.click("Close this notice")  # not now: it goes on with what is there
        page = user.window.pages["dataset"]
        user.says("30 of 30 images")
        page.views.focus_view()
        user.keys("Down")
        user.says("There is no such file or folder", page.details)

    walk(steps, tmp_path / "far.cxr")


def test_a_fault_of_ours_keeps_the_window_and_offers_the_details(walk: Walk) -> None:
    def fault() -> None:
        raise ZeroDivisionError("our own fault")

    def steps(user: User) -> None:
        QTimer.singleShot(0, fault)
        notice = user.error("A fault of the program: ZeroDivisionError our own fault")
        assert "Nothing of yours is lost" in notice.remedy
        user.click("Copy details")
        assert "Traceback" in QApplication.clipboard().text()
        log = Path(notice.where.removeprefix("It was written to "))
        assert "our own fault" in log.read_text()
        user.page("Dataset")
        user.says("No project is open")

    walk(steps)


def test_without_a_trash_a_run_is_deleted_only_after_another_question(
    walk: Walk, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here(path: Path) -> Path:
        raise trash.NoTrashError("There is no trash on this disk", where=path)

    monkeypatch.setattr(trash, "move", none_here)

    def steps(user: User) -> None:
        user.page("Train")
        page = user.window.pages["training"]
        user.until(lambda: page.list.selected(), "the run")
        page.list.view.setFocus()
        user.answering("Move to the trash", lambda dialog: user.answering("Keep"))
        user.keys("Del")
        user.until(lambda: user.top() is user.window and not user.project.jobs.busy(), "both answers")
        assert run_folder.exists()

    walk(steps, Run(run_folder).project)
