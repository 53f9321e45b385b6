"""The Train page as a user has it: choose, start, watch, compare; nothing open, nothing trained, several runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDialog
from pytestqt.qtbot import QtBot

from cxr_desktop.glossary import GlossaryDialog
from cxr_desktop.notices import Notice
from cxr_desktop.pages.training import TrainingPage
from cxr_desktop.project import Project
from tests.lungs import TINY

from .scenes import make_run, terminal

PATIENCE = 60_000
CPU = {"name": "cpu", "label": "CPU", "memory": 0, "free": 0}


@pytest.fixture
def page(qtbot: QtBot, project: Project) -> Iterator[TrainingPage]:
    project.training.devices = [dict(CPU)]  # finding them takes seconds, and is another test
    made = TrainingPage(project)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    yield made
    made.close()


def _names(page: TrainingPage) -> list[str]:
    return [one.name for one in page.list.selected()]


def test_without_a_project_it_offers_to_import(qtbot: QtBot, page: TrainingPage, project: Project) -> None:
    assert page.closed.isVisible()
    with qtbot.waitSignal(project.import_wanted) as wanted:
        page.closed.button.click()
    assert wanted.args == [[]]


def test_without_runs_it_says_how_to_get_one(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    with qtbot.waitSignal(page.list.listed):
        project.open(lungs)
    assert page.setup.isVisible()
    assert page.empty.isVisible()
    assert not page.actions_of_runs.compare.isEnabled()


def test_the_newest_run_is_shown_when_a_project_opens(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    make_run(lungs, "one")
    make_run(lungs, "two")
    project.open(lungs)
    qtbot.waitUntil(lambda: page.view.isVisible() and page.view.run is not None)
    assert page.view.run is not None
    assert _names(page) == [page.view.run.name]
    project.close()
    assert page.closed.isVisible()
    assert page.view.run is None


def test_a_run_can_be_asked_for(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    runs = [make_run(lungs, name) for name in ("one", "two")]
    project.open(lungs)
    for run in runs:
        project.run_wanted.emit("training", str(run.folder))
        qtbot.waitUntil(lambda run=run: page.view.run == run)
    project.run_wanted.emit("evaluation", str(runs[0].folder))
    assert page.view.run == runs[1]


def test_several_runs_are_compared_at_once(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    for name in ("one", "two", "three"):
        make_run(lungs, name)
    project.open(lungs)
    qtbot.waitUntil(lambda: len(page.list.all()) == 3)
    page.show_run(lungs / "runs" / "two")
    page.actions_of_runs.compare.trigger()  # with the newest other one
    assert set(_names(page)) == {"two", "three"}
    assert page.compare.isVisible()
    qtbot.waitUntil(lambda: len(page.compare.chart.series()) == 2)
    page.list.view.selectAll()
    qtbot.waitUntil(lambda: len(page.compare.chart.series()) == 3)
    page.show_run(lungs / "runs" / "one")
    assert page.view.isVisible()


def test_a_training_from_start_to_end(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    make_run(lungs, "earlier")
    project.open(lungs)
    qtbot.waitUntil(lambda: _names(page) == ["earlier"])
    words = ["train", str(lungs), "--recipe", "scratch"]
    words += [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    page.setup.start_wanted.emit(words, "mine")
    assert page.view.name.whole == "mine"
    assert page.view.state.whole == "Starting mine: the trainer loads its libraries"
    assert page.actions_of_runs.stop.isEnabled()
    qtbot.waitUntil(lambda: _names(page) == ["mine"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.view.state.whole == "Finished after 2 epochs", timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.actions_of_runs.report.isEnabled(), timeout=PATIENCE)
    assert page.view.facts.text().startswith("On ")
    assert "in fp32, batches of 8" in page.view.facts.text()
    assert "Train" in page.view.charts.loss.series()
    assert not page.actions_of_runs.resume.isEnabled()


def test_a_training_that_is_refused_leaves_the_page_as_it_was(
    qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path, told: list[Notice]
) -> None:
    make_run(lungs, "earlier")
    project.open(lungs)
    qtbot.waitUntil(lambda: _names(page) == ["earlier"])
    page.setup.start_wanted.emit(["train", str(lungs), "--recipe", "sratch"], "mine")
    assert page.view.name.whole == "mine"
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE)
    assert told[0].what == "There is no recipe 'sratch'."
    qtbot.waitUntil(lambda: _names(page) == ["earlier"])
    assert page.view.run is not None
    assert page.view.run.name == "earlier"


def test_a_run_of_a_terminal_appears_by_itself(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    project.open(lungs)
    run = make_run(lungs, "theirs", end="")
    with terminal(run) as other:
        qtbot.waitUntil(lambda: page.view.state.whole == "Running in epoch 3 of 4", timeout=10_000)
        other.write("batch", 5)
        qtbot.waitUntil(lambda: page.view.bar.value() == 5)
        other.write("finished")
    qtbot.waitUntil(lambda: page.view.state.whole == "Finished after 2 epochs", timeout=10_000)


def test_f2_renames_the_chosen_run(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    make_run(lungs, "one")
    project.open(lungs)
    qtbot.waitUntil(lambda: _names(page) == ["one"])
    page.list.view.setFocus()
    qtbot.waitUntil(page.list.view.hasFocus)
    QTest.keyClick(page.list.view, Qt.Key.Key_F2)
    editor = page.list.view.focusWidget()
    assert editor is not None
    QTest.keyClicks(editor, "first try")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.view.name.whole == "first try")
    assert (lungs / "runs" / "first try").is_dir()


def test_settings_of_a_run_can_be_used_again(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    make_run(lungs, "one", {"optimiser.lr": 0.0123})
    project.open(lungs)
    qtbot.waitUntil(lambda: _names(page) == ["one"])
    page.actions_of_runs.reuse.trigger()
    words = page.setup.words()
    assert words[words.index("--recipe") + 1] == "scratch"
    assert "optimiser.lr=0.0123" in words
    assert "schedule.epochs=4" in words


def test_settings_of_a_damaged_run_are_told_to_be_damaged(
    qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path, told: list[Notice]
) -> None:
    run = make_run(lungs, "one")
    project.open(lungs)
    qtbot.waitUntil(lambda: _names(page) == ["one"])
    (run.folder / "config.json").write_text("{")
    page.actions_of_runs.reuse.trigger()
    assert "damaged" in told[-1].what


def test_words_are_explained(qtbot: QtBot, page: TrainingPage) -> None:
    page.setup.glossary_wanted.emit("epoch")
    dialog = page.findChild(GlossaryDialog)
    assert isinstance(dialog, QDialog)
    assert dialog.isVisible()
    dialog.close()


def test_how_it_is_arranged_is_remembered(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    project.open(lungs)
    page.parts.setSizes([420, 480])
    page.hide()
    again = TrainingPage(project)
    qtbot.addWidget(again)
    again.resize(900, 600)
    again.show()
    assert again.parts.sizes() == page.parts.sizes()
    again.close()


def test_devices_reach_the_form(qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path) -> None:
    project.open(lungs)
    gpu = {"name": "cuda:0", "label": "A GPU", "memory": 8 << 30, "free": 6 << 30}
    project.training.devices_found.emit([gpu, CPU])
    shown = [box.itemText(place) for box in page.setup.findChildren(QComboBox) for place in range(box.count())]
    assert any("A GPU" in text for text in shown)
    assert "--device" not in page.setup.words()  # offered, not chosen


def test_commands_are_listed_for_the_menu(page: TrainingPage) -> None:
    texts = [action.text().replace("&", "") for action in page.commands if action]
    assert texts[0].startswith("Start")
    assert {"Stop and keep", "Resume", "Rename", "Delete…", "Compare"} <= set(texts)
    assert None in page.commands
    assert all(action in page.actions() for action in page.commands if action)
    assert page.may_leave()


def test_a_training_that_is_stopped_at_once_leaves_the_page_as_it_was(
    qtbot: QtBot, page: TrainingPage, project: Project, lungs: Path, told: list[Notice]
) -> None:
    make_run(lungs, "earlier")
    project.open(lungs)
    qtbot.waitUntil(lambda: _names(page) == ["earlier"])
    page.setup.start_wanted.emit(["train", str(lungs), "--recipe", "scratch"], "mine")
    page.actions_of_runs.stop.trigger()
    qtbot.waitUntil(lambda: not project.training.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.view.run is not None and page.view.run.name == "earlier")
    assert page.view.state.whole == "Finished after 2 epochs"
    assert told == []
