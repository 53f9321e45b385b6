"""The open project: opened and closed with all that hangs on it, and told when it cannot be."""

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import ERROR, INFORMATION, Notice
from cxr_desktop.project import Project
from trainer.catalog import Catalog
from trainer.errors import DataError, Progress


def test_opening_tells_and_is_remembered(project: Project, lungs: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(project.opened):
        assert project.open(lungs)
    assert project.is_open
    assert project.folder == lungs
    assert len(project.catalog.ids()) == len(project.background.ids()) == 30
    assert project.settings.recent() == [lungs]


def test_a_name_without_its_ending_is_understood(project: Project, lungs: Path) -> None:
    assert project.open(lungs.with_suffix(""))
    assert project.folder == lungs


def test_what_cannot_be_opened_is_told_and_the_other_stays(
    opened: Project, tmp_path: Path, told: list[Notice], lungs: Path
) -> None:
    assert not opened.open(tmp_path / "nothing.cxr")
    assert opened.folder == lungs
    assert [notice.kind for notice in told] == [ERROR]
    assert "no such project" in told[0].what


def test_a_page_may_keep_the_open_project(opened: Project, tmp_path: Path, qtbot: QtBot) -> None:
    folder = opened.folder
    Catalog.create(tmp_path / "other.cxr").close()
    opened.may_leave = lambda: False
    with qtbot.assertNotEmitted(opened.closed):
        assert not opened.open(tmp_path / "other.cxr")
    assert opened.folder == folder
    opened.may_leave = lambda: True
    assert opened.open(tmp_path / "other.cxr")


def test_a_new_project_can_be_made(project: Project, tmp_path: Path) -> None:
    assert project.open(tmp_path / "new", create=True)
    assert project.folder == tmp_path / "new.cxr"
    assert len(project.catalog.ids()) == 0
    assert project.runs() == []


def test_closing_tells_and_a_second_time_does_nothing(opened: Project, qtbot: QtBot) -> None:
    closed: list[bool] = []
    opened.closed.connect(lambda: closed.append(True))
    opened.close()
    opened.close()
    assert closed == [True]
    assert not opened.is_open
    with pytest.raises(AssertionError, match="no project"):
        _ = opened.catalog


def test_work_on_a_project_ends_with_it_and_other_work_goes_on(opened: Project, qtbot: QtBot) -> None:
    hold, seen = threading.Event(), []

    def work(progress: Progress) -> str:
        assert hold.wait(10)
        return "done"

    of_project = opened.run(work, lambda result: seen.append(("project", result)))
    other = opened.run(work, lambda result: seen.append(("other", result)), survives=True)
    opened.close()
    assert of_project.cancelled
    with qtbot.waitSignal(other.ended):
        hold.set()
    assert seen == [("other", "done")]


def test_an_error_that_nobody_takes_is_told(opened: Project, told: list[Notice], qtbot: QtBot) -> None:
    def work(progress: Progress) -> None:
        raise DataError("The table is empty", where="labels.csv", remedy="Choose another.")

    job = opened.run(work)
    with qtbot.waitSignal(job.ended):
        pass
    assert [(notice.what, notice.where, notice.remedy) for notice in told] == [
        ("The table is empty.", "labels.csv", "Choose another.")
    ]


def test_a_sentence_is_told_as_one(project: Project, told: list[Notice]) -> None:
    project.tell("Saved.")
    assert told == [Notice(INFORMATION, "Saved.")]


def test_only_named_work_reaches_the_status_bar_by_its_name(opened: Project, qtbot: QtBot) -> None:
    labels: list[str] = []
    opened.task_started.connect(lambda task: labels.append(task.label))
    job = opened.run(lambda progress: None, label="Counting")
    with qtbot.waitSignal(job.ended):
        pass
    assert labels == ["Counting"]


def test_runs_are_those_of_the_folder(opened_run: Project, run_folder: Path) -> None:
    assert [run.folder for run in opened_run.runs()] == [run_folder]
