"""Trainings in the window: stopped and kept, resumed, killed, resumed again; and the window closed while one goes on."""

import os
import signal
from pathlib import Path

from PySide6.QtWidgets import QDialog

from cxr_desktop.closing import Closing
from tests.desktop.scenes import make_run, terminal
from tests.lungs import TINY
from trainer import importer
from trainer.runs import Run

from .window import User, Walk, children

LONG = 400
"""Epochs that are not over before somebody has looked."""


def _choose(user: User, name: str, epochs: int) -> None:
    """The Train page with tiny settings for a run of this name."""
    page = user.page("Train")
    page.setup.chooser.options.buttons["scratch"].click()
    for key, value in {**TINY, "schedule.epochs": epochs}.items():
        page.setup.form.set_value(key, value)
    user.type(name, user.field("Name of the run"))


def _start(user: User, name: str, epochs: int = LONG) -> Run:
    _choose(user, name, epochs)
    user.click("Start training")
    run = Run(user.project.folder / "runs" / name)
    user.until(lambda: user.project.training.course(run).epochs, "an epoch")
    return run


def _shown(user: User) -> str:
    return user.window.pages["training"].view.state.whole


def _set_epochs(run: Run, epochs: int) -> None:
    """What a person cannot do: a long training gets a near end."""
    text = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(text.replace(f'"schedule.epochs": {LONG}', f'"schedule.epochs": {epochs}'))


def test_a_training_is_stopped_resumed_killed_and_resumed_to_its_end(walk: Walk, lungs: Path) -> None:
    def stop(user: User) -> Run:
        run = _start(user, "mine")
        assert "Training mine" in user.window.status.work.label.text()
        assert user.words(user.window.pages["training"].view)
        user.click("Stop and keep")
        user.until(lambda: run.status().state == "stopped", "it to stop")
        user.note("mine stopped by you in epoch ")
        user.until(lambda: _shown(user).startswith("Stopped by you"), "the words")
        assert run.state.exists()
        return run

    def kill(user: User, run: Run) -> None:
        before = len(user.project.training.course(run).epochs)
        user.click("Resume")
        user.until(lambda: len(user.project.training.course(run).epochs) > before + 1, "more epochs")
        (child,) = [int(one.split()[0]) for one in children() if " resume " in one]
        os.kill(child, signal.SIGKILL)
        crash = user.error("mine has crashed in epoch ")
        assert "signal 9" in crash.what
        assert crash.remedy.startswith("Resume it")
        user.until(lambda: _shown(user).startswith("Crashed"), "the words")

    def end(user: User, run: Run) -> None:
        reached = len(user.project.training.course(run).epochs)
        _set_epochs(run, reached + 2)
        user.click("Resume")
        user.note(f"mine finished after {reached + 2} epochs")
        user.until(lambda: _shown(user).startswith("Finished"), "the words")
        numbers = [event["epoch"] for event in user.project.training.course(run).epochs]
        assert numbers == list(range(1, reached + 3))

    def steps(user: User) -> None:
        run = stop(user)
        kill(user, run)
        end(user, run)

    walk(steps, lungs)


def test_a_window_that_is_closed_lets_a_training_go_on_and_finds_it_again(walk: Walk, lungs: Path) -> None:
    run, pids = Run(lungs / "runs" / "mine"), []

    def leave(user: User) -> None:
        _start(user, "mine")
        user.answering("Stay", lambda dialog: _asks(dialog))
        user.close()
        assert user.window.isVisible()
        user.answering("")  # Esc stays too
        user.close()
        assert user.window.isVisible()
        pids.extend(int(one.split()[0]) for one in children() if " train " in one)
        user.answering("Keep training in the background")
        user.close()
        assert not user.window.isVisible()

    def _asks(dialog: QDialog) -> None:
        assert isinstance(dialog, Closing)
        assert "mine" in dialog.names.text()

    def stop(user: User) -> None:
        user.until(lambda: user.project.training.active() == [run], "the training to be found")
        user.page("Train")
        user.until(lambda: _shown(user).startswith("Running"), "its words")
        user.answering("Stop and keep")
        user.close()
        assert not user.window.isVisible()

    walk.leaves(pids)
    walk(leave, lungs, closes=False)
    assert run.busy()
    walk(stop, lungs, closes=False)
    assert run.status().state == "stopped"


def test_a_run_of_a_terminal_is_shown_live(walk: Walk, lungs: Path) -> None:
    run = make_run(lungs, "theirs", end="")

    def steps(user: User) -> None:
        user.page("Train")
        with terminal(run) as other:
            user.until(lambda: _shown(user).startswith("Running"), "the run of the terminal")
            other.write("batch", 5)
            user.until(lambda: user.project.training.course(run).batches() == 5, "its batch")
            assert user.button("Stop and keep").isVisible()
            other.write("finished")
        user.until(lambda: _shown(user).startswith("Finished"), "its end")

    walk(steps, lungs)


def test_without_a_split_training_says_what_to_do(walk: Walk, drawn: Path, tmp_path: Path) -> None:
    importer.run(tmp_path / "new.cxr", [drawn])

    def steps(user: User) -> None:
        user.page("Train")
        user.says("The images are not divided into train, validation and test yet.")
        assert not user.window.pages["training"].setup.bar.button.isEnabled()
        user.click("Go to Dataset")
        assert user.window.stack.currentWidget() is user.window.pages["dataset"]

    walk(steps, tmp_path / "new.cxr")


def test_cancelled_a_run_goes_to_the_trash(walk: Walk, lungs: Path) -> None:
    def steps(user: User) -> None:
        run = _start(user, "wrong")
        user.answering("Go on")
        user.keys("Ctrl+Shift+.")
        assert run.busy()
        user.answering("Cancel training")
        user.keys("Ctrl+Shift+.")
        user.note("wrong moved to the trash")
        assert not run.folder.exists()
        user.says("No runs yet")

    walk(steps, lungs)
