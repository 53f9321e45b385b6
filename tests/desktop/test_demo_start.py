"""The demo from the window: one at a time, in a folder of its own, and the one that is there is opened instead."""

import json
import shutil
from pathlib import Path

import platformdirs
import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.demo_start import FOLDER, DemoStart
from cxr_desktop.notices import INFORMATION, Notice
from cxr_desktop.project import Project
from cxr_desktop.tasks import Task

PATIENCE = 60_000


@pytest.fixture
def wanted(project: Project) -> list[tuple[str, str]]:
    """The runs that were asked for: page, and the name of the project's folder."""
    found: list[tuple[str, str]] = []
    project.run_wanted.connect(lambda page, folder: found.append((page, folder)))
    return found


@pytest.fixture
def tasks(project: Project) -> list[Task]:
    found: list[Task] = []
    project.task_started.connect(found.append)
    return found


def _made(run_folder: Path) -> Path:
    """A demo that is whole, as an earlier one left it."""
    place = platformdirs.user_documents_path() / FOLDER / "demo.cxr"
    shutil.copytree(run_folder.parent.parent, place)
    (place / "runs" / "first").rename(place / "runs" / "demo")
    (place / "runs" / "demo" / "report.html").touch()
    return place


def test_one_that_is_whole_is_opened(
    project: Project, run_folder: Path, wanted: list[tuple[str, str]], tasks: list[Task]
) -> None:
    place = _made(run_folder)
    DemoStart(project).start()
    assert project.folder == place
    assert wanted == [("training", str(place / "runs" / "demo"))]
    assert not any(task.label for task in tasks)


def test_an_interrupted_one_is_left_and_another_is_made(
    qtbot: QtBot, project: Project, tasks: list[Task], told: list[Notice]
) -> None:
    begun = platformdirs.user_documents_path() / FOLDER
    begun.mkdir(parents=True)
    demo = DemoStart(project)
    demo.options = ("--images", "600")
    demo.start()
    (task,) = tasks
    assert task.label == "Making the demo"
    demo.start()
    assert told == [Notice(INFORMATION, "The demo is being made: the line at the bottom shows how far it is.")]
    assert tasks == [task]
    other = begun.with_name(f"{FOLDER} 2")
    qtbot.waitUntil(other.exists, timeout=PATIENCE)
    with qtbot.waitSignal(task.ended, timeout=PATIENCE):
        task.cancel()
    assert list(begun.iterdir()) == []
    assert not project.is_open
    demo.start()  # it can be begun again
    assert len(tasks) == 2


def test_what_the_trainer_refuses_is_told(qtbot: QtBot, project: Project, tasks: list[Task], told: list[Notice]) -> None:
    demo = DemoStart(project)
    demo.options = ("--images", "4")
    demo.start()
    with qtbot.waitSignal(tasks[0].ended, timeout=PATIENCE):
        pass
    assert told[-1].kind == "error"
    assert told[-1].remedy


def test_the_run_is_shown_as_soon_as_it_is_there(
    project: Project, run_folder: Path, wanted: list[tuple[str, str]], told: list[Notice]
) -> None:
    demo = DemoStart(project)
    place = _made(run_folder)
    demo._out = place.parent
    config = place / "runs" / "demo" / "config.json"
    config.rename(config.with_suffix(".later"))
    demo._look()
    assert not project.is_open
    config.with_suffix(".later").rename(config)
    demo._look()
    demo._look()
    assert project.folder == place
    assert wanted == [("training", str(config.parent))]
    demo._done(json.loads(json.dumps({"project": str(place)})))
    assert wanted[1:] == [("evaluation", str(config.parent))]
    assert told[-1].what.startswith("The demo is ready")
