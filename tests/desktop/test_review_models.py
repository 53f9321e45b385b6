"""Which model reviews when nobody has chosen one, when projects come and go, and when it cannot be opened."""

from pathlib import Path

import pytest
import shiboken6
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.review.review_list import ReviewList
from cxr_desktop.review.review_models import REMEMBERED, ModelChoice
from cxr_desktop.review.review_queue import ReviewQueue
from cxr_desktop.settings import Settings
from cxr_desktop.widgets.model_dialog import ModelDialog
from tests.desktop.reviewed import bag_of, second_run

WAIT = 20_000


@pytest.fixture
def over(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.fixture
def choice(project: Project, over: QWidget) -> ModelChoice:
    queue = ReviewQueue(project, ReviewList(over), over)
    return ModelChoice(project, queue, over)


def test_without_anything_there_is_no_model(choice: ModelChoice) -> None:
    choice.restore()
    assert choice.paths == []
    assert choice.words() == "No model"


def test_the_newest_run_with_a_network_is_taken(choice: ModelChoice, project: Project, run_folder: Path) -> None:
    second = second_run(run_folder, "z-newer")
    (second / "config.json").write_bytes((second / "config.json").read_bytes())
    third = second_run(run_folder, "z-untrained")
    (third / "best.safetensors").unlink()
    project.open(run_folder.parent.parent)
    assert choice.paths == [second]


def test_what_was_chosen_in_this_project_comes_before_the_newest(
    choice: ModelChoice, project: Project, run_folder: Path, settings: Settings
) -> None:
    second_run(run_folder, "z-newer")
    settings.set_text(REMEMBERED, str(run_folder))
    project.open(run_folder.parent.parent)
    assert choice.paths == [run_folder]


def test_what_was_chosen_in_another_project_gives_way(
    choice: ModelChoice, project: Project, run_folder: Path, settings: Settings, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings.set_text(REMEMBERED, str(elsewhere))
    choice.restore()
    assert choice.paths == [elsewhere], "no project is open"
    project.open(run_folder.parent.parent)
    assert choice.paths == [run_folder]
    project.close()
    assert choice.paths == [run_folder], "closing a project takes nothing away"


def test_what_is_gone_is_not_restored(choice: ModelChoice, settings: Settings, tmp_path: Path) -> None:
    settings.set_text(REMEMBERED, str(tmp_path / "gone"))
    choice.restore()
    assert choice.paths == []


def test_a_first_run_of_the_open_project_is_taken_when_it_comes(
    choice: ModelChoice, project: Project, run_folder: Path
) -> None:
    best = run_folder / "best.safetensors"
    kept = best.rename(run_folder / "kept")
    project.open(run_folder.parent.parent)
    assert choice.paths == []
    kept.rename(best)
    project.runs_changed.emit()
    assert choice.paths == [run_folder]


def test_nothing_is_opened_as_long_as_there_is_nothing_to_review(
    qtbot: QtBot, choice: ModelChoice, project: Project, run_folder: Path
) -> None:
    choice.use([run_folder])
    qtbot.waitUntil(lambda: choice.words() == "first")
    qtbot.waitUntil(lambda: not project.jobs.busy())
    assert choice._queue.ensemble is None
    choice.open()
    assert choice._queue.opening
    choice.open()  # again: it is on its way
    qtbot.waitUntil(lambda: choice._queue.ensemble is not None, timeout=WAIT)
    assert choice._queue.ensemble.names == ("first",)


def test_a_model_can_be_put_away(qtbot: QtBot, choice: ModelChoice, run_folder: Path, settings: Settings) -> None:
    choice._queue.files.add([run_folder / "a.png"])
    choice.use([run_folder])
    qtbot.waitUntil(lambda: choice._queue.ensemble is not None, timeout=WAIT)
    choice.use([])
    assert choice._queue.ensemble is None
    assert settings.text(REMEMBERED) == ""
    assert choice.words() == "No model"


def test_a_refused_model_is_forgotten_and_the_reason_told(
    qtbot: QtBot, choice: ModelChoice, tmp_path: Path, told: list[Notice], settings: Settings
) -> None:
    wrong = tmp_path / "x.safetensors"
    wrong.write_bytes(b"no network")
    choice._queue.files.add([tmp_path / "a.png"])
    choice.use([wrong])
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT)
    assert "not a checkpoint" in told[0].what
    assert choice.paths == []
    assert settings.text(REMEMBERED) == ""


def test_the_dialog_looks_at_what_lies_elsewhere(
    qtbot: QtBot, choice: ModelChoice, over: QWidget, project: Project, run_folder: Path, tmp_path: Path
) -> None:
    choice.ask()
    dialog = over.findChild(ModelDialog)
    dialog.wanted.emit(tmp_path)
    qtbot.waitUntil(lambda: not project.jobs.busy())
    assert dialog.said.isVisible()
    assert "no such run" in dialog.said.text()
    dialog.wanted.emit(run_folder)
    qtbot.waitUntil(lambda: dialog.chosen() == [run_folder])
    dialog.accept()
    assert choice.paths == [run_folder]


def test_a_dialog_that_is_closed_early_is_not_written_to(
    qtbot: QtBot, choice: ModelChoice, over: QWidget, project: Project, run_folder: Path
) -> None:
    project.open(run_folder.parent.parent)
    choice.ask()
    dialog = over.findChild(ModelDialog)
    dialog.reject()
    qtbot.waitUntil(lambda: not shiboken6.isValid(dialog))
    qtbot.waitUntil(lambda: not project.jobs.busy())
    assert choice.paths == [run_folder]


def test_the_bags_of_the_project_are_offered_before_its_runs(
    qtbot: QtBot, choice: ModelChoice, over: QWidget, project: Project, run_folder: Path
) -> None:
    bag = bag_of(run_folder)
    project.open(run_folder.parent.parent)
    choice.use([bag.folder])
    choice.ask()
    dialog = over.findChild(ModelDialog)
    qtbot.waitUntil(lambda: dialog.models.count() == 4, timeout=WAIT)
    names = {dialog.models.item(row).text().partition("\n")[0] for row in range(4)}
    assert names == {"pair (bag of 2 seeds)", "pair-01", "pair-02", "first"}
    assert dialog.chosen() == [bag.folder]
    dialog.accept()
    qtbot.waitUntil(lambda: choice.words() == "pair (bag of 2 seeds)", timeout=WAIT)
