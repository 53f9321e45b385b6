"""What can be done with a run, when, and that nothing is lost without a question."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.training.run_actions import RunActions
from trainer.course import Summary, summary
from trainer.runs import Run

from .scenes import answer, make_run, terminal


class Opened(QObject):
    """Stands in for the browser and the file manager of the system."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[QUrl] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        """Note what would be shown."""
        self.urls.append(url)


@pytest.fixture
def shown_files() -> Iterator[Opened]:
    made = Opened()
    QDesktopServices.setUrlHandler("file", made, "open")
    yield made
    QDesktopServices.unsetUrlHandler("file")


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.show()
    made.setFocus()
    qtbot.waitUntil(made.hasFocus)
    return made


@pytest.fixture
def actions(opened: Project, page: QWidget) -> RunActions:
    return RunActions(opened, page)


def _choose(actions: RunActions, *runs: Run) -> list[Summary]:
    chosen = [summary(run) for run in runs]
    actions.set_runs(chosen)
    return chosen


def _enabled(actions: RunActions) -> set[str]:
    return {action.text().replace("&", "") for action in actions.all if action and action.isEnabled()}


def test_nothing_can_be_done_with_nothing(actions: RunActions) -> None:
    assert _enabled(actions) <= {"Compare"}


@pytest.mark.parametrize(
    ("end", "more"), [("finished", set()), ("stopped", {"Resume"}), ("failed", {"Resume"}), ("", {"Resume"})]
)
def test_what_can_be_done_follows_from_how_it_stands(opened: Project, actions: RunActions, end: str, more: set[str]) -> None:
    run = make_run(opened.folder, "one", end=end)
    always = {"Rename", "Open folder", "Delete…", "Use its settings", "Compare"}
    _choose(actions, run)
    assert _enabled(actions) == always | more
    run.best.write_bytes(b"weights")
    _choose(actions, run)
    assert _enabled(actions) == always | more | {"Evaluate", "Report"}


def test_a_run_that_is_trained_can_be_stopped_and_nothing_else(qtbot: QtBot, opened: Project, actions: RunActions) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run):
        qtbot.waitUntil(lambda: opened.training.is_active(run))
        _choose(actions, run)
        assert _enabled(actions) == {"Stop and keep", "Cancel training…", "Open folder", "Use its settings", "Compare"}
    qtbot.waitUntil(lambda: not actions.stop.isEnabled())  # without being chosen again
    assert not opened.training.is_active(run)


def test_several_can_only_be_deleted_and_compared(opened: Project, actions: RunActions) -> None:
    _choose(actions, make_run(opened.folder, "one"), make_run(opened.folder, "two"))
    assert _enabled(actions) == {"Delete…", "Compare"}


def test_every_action_has_a_key_and_a_sentence(actions: RunActions) -> None:
    known = [action for action in actions.all if action]
    keys = [action.shortcut().toString() for action in known]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    assert all(len(action.statusTip()) > 15 for action in known)


def test_stop_and_keep(qtbot: QtBot, opened: Project, actions: RunActions) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        other.write("obey")
        qtbot.waitUntil(lambda: opened.training.is_active(run))
        _choose(actions, run)
        actions.stop.trigger()
        qtbot.waitUntil(lambda: not opened.training.active())
    assert run.status().state == "stopped"


def test_delete_asks_and_says_where_it_went(
    qtbot: QtBot, opened: Project, page: QWidget, actions: RunActions, told: list[Notice]
) -> None:
    run = make_run(opened.folder, "one")
    _choose(actions, run)
    answer("Keep")
    QTest.keyClick(page, Qt.Key.Key_Delete)
    assert run.folder.exists()
    answer("Move to the trash", lambda box: _asks(box, "one"))
    actions.delete.trigger()
    qtbot.waitUntil(lambda: bool(told))
    assert not run.folder.exists()
    assert told[-1].what.startswith("one moved to the trash: ")
    assert (Path(told[-1].what.partition(": ")[2]) / "config.json").exists()


def _asks(box: QDialog, name: str) -> None:
    assert isinstance(box, QMessageBox)
    assert name in box.informativeText()
    default = box.defaultButton()
    assert default is not None
    assert default.text() == "Keep"


def test_several_go_together_but_not_one_that_is_trained(
    qtbot: QtBot, opened: Project, actions: RunActions, told: list[Notice]
) -> None:
    runs = [make_run(opened.folder, name) for name in ("one", "two")]
    theirs = make_run(opened.folder, "theirs", end="")
    with terminal(theirs):
        qtbot.waitUntil(lambda: opened.training.is_active(theirs))
        _choose(actions, *runs, theirs)
        answer("Move to the trash")
        actions.delete.trigger()
        qtbot.waitUntil(lambda: bool(told))
    assert opened.runs() == [theirs]


def test_a_run_that_a_process_takes_up_meanwhile_stays(
    qtbot: QtBot, opened: Project, actions: RunActions, told: list[Notice]
) -> None:
    run = make_run(opened.folder, "one")
    _choose(actions, run)
    with run.locked():
        answer("Move to the trash")
        actions.delete.trigger()
        qtbot.waitUntil(lambda: bool(told))
    assert told[-1].what == "one cannot be deleted while a process works on it."
    assert run.folder.exists()


@pytest.mark.parametrize(("button", "stays"), [("Keep", True), ("Delete for good", False)])
def test_without_a_trash_the_choice_is_the_users(
    qtbot: QtBot,
    opened: Project,
    actions: RunActions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    button: str,
    *,
    stays: bool,
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))
    run = make_run(opened.folder, "one")
    _choose(actions, run)
    asked: list[str] = []

    def then(box: QDialog) -> None:
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        if len(asked) == 1:
            answer(button, then)

    answer("Move to the trash", then)
    actions.delete.trigger()
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert asked[1] == "This place has no trash. Delete for good?"
    qtbot.waitUntil(lambda: run.folder.exists() == stays and not opened.jobs.busy())


def test_cancel_asks_then_ends_it_and_takes_it_away(
    qtbot: QtBot, opened: Project, actions: RunActions, told: list[Notice]
) -> None:
    run = make_run(opened.folder, "theirs", end="")
    with terminal(run) as other:
        other.write("obey")
        qtbot.waitUntil(lambda: opened.training.is_active(run))
        _choose(actions, run)
        answer("Go on")
        actions.cancel.trigger()
        assert not run.stop_requested()
        answer("Cancel training")
        actions.cancel.trigger()
        qtbot.waitUntil(lambda: bool(told))
    assert not run.folder.exists()
    assert told[-1].what.startswith("theirs moved to the trash: ")


def test_a_training_that_was_only_starting_leaves_nothing(
    qtbot: QtBot, opened: Project, actions: RunActions, told: list[Notice]
) -> None:
    run = opened.training.start(["train", opened.folder, "--recipe", "scratch", "--run", "early"])
    assert run is not None
    actions.set_runs([summary(run)])
    assert actions.cancel.isEnabled()
    with qtbot.waitSignal(opened.training.released, timeout=20_000):
        answer("Cancel training")
        actions.cancel.trigger()
    assert not run.folder.exists()
    assert told == []


def test_evaluate_and_folder_show_the_run(qtbot: QtBot, opened: Project, actions: RunActions, shown_files: Opened) -> None:
    run = make_run(opened.folder, "one")
    run.best.write_bytes(b"weights")
    _choose(actions, run)
    with qtbot.waitSignal(opened.run_wanted) as wanted:
        actions.evaluate.trigger()
    assert wanted.args == ["evaluation", str(run.folder)]
    actions.folder.trigger()
    assert [url.toLocalFile() for url in shown_files.urls] == [str(run.folder)]


def test_a_report_that_cannot_be_written_is_told(
    qtbot: QtBot, opened: Project, actions: RunActions, shown_files: Opened, told: list[Notice]
) -> None:
    run = make_run(opened.folder, "one")
    run.best.write_bytes(b"no weights")
    _choose(actions, run)
    shutil.rmtree(run.folder)  # in another window, meanwhile
    actions.report.trigger()
    qtbot.waitUntil(lambda: bool(told), timeout=30_000)
    assert told[-1].what == "There is no such run."
    assert shown_files.urls == []


def test_actions_belong_to_their_page(page: QWidget, actions: RunActions) -> None:
    known: list[QAction] = [action for action in actions.all if action]
    assert set(known) <= set(page.actions())
    assert {action.shortcutContext() for action in known} == {Qt.ShortcutContext.WidgetWithChildrenShortcut}
