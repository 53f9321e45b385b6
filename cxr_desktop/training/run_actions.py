"""What can be done with the chosen runs: the same actions for menu, keyboard, context menu and buttons."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QMessageBox, QWidget

from cxr_desktop import trash
from cxr_desktop.project import Project
from trainer import files
from trainer.bags import BAGS_FOLDER, Bag, is_bag
from trainer.course import Summary
from trainer.errors import RunError, TrainerError, counted
from trainer.runs import Run


class RunActions:
    """Made for a page: shortcuts hold while it has the focus. `set_runs` says what they are about.

    Those that need more than the runs (`rename`, `compare`, `bag`) are connected by the page.
    """

    def __init__(self, project: Project, page: QWidget) -> None:
        self._project = project
        self._page = page
        self._runs: list[Summary] = []
        self._discarding: set[str] = set()
        make = self._make
        self.stop = make("&Stop and keep", "Ctrl+.", "Stops after the current step; what was learned is kept", self._stop)
        self.cancel = make(
            "&Cancel training…", "Ctrl+Shift+.", "Ends training at once and moves the run to the trash", self._cancel
        )
        self.resume = make(
            "&Resume", "Ctrl+Shift+R", "Goes on exactly where the last checkpoint was made; a member of a bag with its bag",
            self._resume,
        )  # fmt: skip
        self.evaluate = make("&Evaluate", "Ctrl+E", "Shows how well the run does on the Evaluate page", self._evaluate)
        self.report = make("Re&port", "Ctrl+P", "Writes the report, one HTML file, and opens it", self._report)
        self.compare = make("Co&mpare", "Ctrl+M", "Lays the curves of several runs over one another")
        self.bag = make("Its &bag…", "Ctrl+B", "Shows the bag or cross-validation that the run belongs to, with its members")
        self.reuse = make(
            "Use its &settings", "Ctrl+U", "Puts the settings of this run into the form, to train another like it"
        )
        self.rename = make("Re&name", "F2", "Changes the name of the run and of its folder")
        self.folder = make("Open &folder", "Ctrl+Shift+O", "Shows the files of the run", self._open_folder)
        self.delete = make("&Delete…", QKeySequence.StandardKey.Delete, "Moves the run to the trash", self._delete)
        self.all: list[QAction | None] = [
            self.stop, self.cancel, self.resume, None, self.evaluate, self.report, self.compare, self.bag, self.reuse, None,
            self.rename, self.folder, self.delete,
        ]  # fmt: skip
        project.training.released.connect(self._released)
        project.training.changed.connect(self.refresh)
        self.refresh()

    def set_runs(self, chosen: Sequence[Summary]) -> None:
        """These are chosen now."""
        self._runs = list(chosen)
        self.refresh()

    def refresh(self) -> None:
        """Enable what can be done with the chosen runs as they stand."""
        one = self._runs[0] if len(self._runs) == 1 else None
        run = Run(one.folder) if one else None
        active = run is not None and self._project.training.is_active(run)
        there = run is not None and files.is_file(run.folder / "config.json")
        self.stop.setEnabled(active)
        self.cancel.setEnabled(active)
        self.resume.setEnabled(there and not active and one is not None and one.status.resumable)
        judged = there and run is not None and files.is_file(run.best)
        self.evaluate.setEnabled(judged)
        self.report.setEnabled(judged and not active)
        self.reuse.setEnabled(there)
        self.bag.setEnabled(there and one is not None and bool(one.bag))
        self.rename.setEnabled(there and not active)
        self.folder.setEnabled(there)
        self.delete.setEnabled(any(not self._project.training.is_active(Run(other.folder)) for other in self._runs))

    def _make(self, text: str, key: object, tip: str, slot: Callable[[], object] | None = None) -> QAction:
        action = QAction(text, self._page)
        if isinstance(key, QKeySequence.StandardKey):
            action.setShortcuts(QKeySequence.keyBindings(key))
        else:
            action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(f"{tip} ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})")
        action.setStatusTip(tip)
        if slot:
            action.triggered.connect(lambda: slot())
        self._page.addAction(action)
        return action

    @property
    def _run(self) -> Run:
        return Run(self._runs[0].folder)

    def _stop(self) -> None:
        self._project.training.stop_and_keep(self._run)

    def _resume(self) -> None:
        """A member of a bag goes on with its bag, of which it was a part when it was stopped."""
        bag = self._bag()
        try:
            whole = bag is not None and bag.status().resumable
        except TrainerError:  # its plan is damaged: the member can go on by itself all the same
            whole = False
        self._project.training.resume(Run(bag.folder) if bag and whole else self._run)

    def _bag(self) -> Bag | None:
        """The bag that the chosen run belongs to, if it is there."""
        name = self._runs[0].bag
        bag = Bag(self._project.folder / BAGS_FOLDER / name)
        return bag if name and is_bag(bag.folder) else None

    def _evaluate(self) -> None:
        self._project.run_wanted.emit("evaluation", str(self._run.folder))

    def _report(self) -> None:
        def written(made: dict[str, str]) -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(made["report"]))

        self._project.command(["report", self._run.folder], written, label=f"Writing the report of {self._run.name}")

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._run.folder)))

    # Taking away

    def _cancel(self) -> None:
        run = self._run
        sentence = "What it has learned goes to the trash with it. To keep it, choose 'Stop and keep' instead."
        if bag := self._bag():
            sentence += f"\n\nIts bag {bag.name} stops too; resumed, it trains this member anew."
        if _agreed(self._page, "Cancel training", f"End the training of {run.name} now?", sentence, "Cancel training", "Go on"):
            self._discarding.add(str(run.folder))
            self._project.training.cancel(run)

    def _released(self, folder: str) -> None:
        if folder in self._discarding:
            self._discarding.discard(folder)
            if Path(folder).exists():  # it may have been cancelled before it was made
                self._discard([Path(folder)])

    def _delete(self) -> None:
        training = self._project.training
        folders = [one.folder for one in self._runs if not training.is_active(Run(one.folder))]
        names = "\n".join(folder.name for folder in folders)
        sentence = f"{names}\n\nThe weights, curves and evaluations go to the trash with it."
        question = f"Move {counted(len(folders), 'run')} to the trash?"
        if _agreed(self._page, "Delete", question, sentence, "Move to the trash", "Keep"):
            self._discard(folders)

    def _discard(self, folders: Sequence[Path]) -> None:
        def work(progress: Callable[[int, int], None]) -> list[tuple[str, str]]:
            return [(folder.name, str(_moved(folder))) for folder in folders]

        def done(moved: list[tuple[str, str]]) -> None:
            self._project.runs_changed.emit()
            names = ", ".join(name for name, _ in moved)
            self._project.tell(f"{names} moved to the trash: {moved[-1][1]}")

        self._project.run(work, done, lambda error: self._not_discarded(error, folders), label="Moving to the trash")

    def _not_discarded(self, error: TrainerError, folders: Sequence[Path]) -> None:
        self._project.runs_changed.emit()
        if not isinstance(error, trash.NoTrashError):
            self._project.tell(error)
            return
        left = [folder for folder in folders if folder.exists()]
        names = "\n".join(folder.name for folder in left)
        sentence = f"{names}\n\n{error.what}. Deleted for good, it cannot be brought back."
        if _agreed(
            self._page, "No trash here", "This place has no trash. Delete for good?", sentence, "Delete for good", "Keep"
        ):
            self._project.run(
                lambda progress: [trash.remove(folder) for folder in left],
                lambda nothing: self._project.runs_changed.emit(),
                label="Deleting",
            )


def _moved(folder: Path) -> Path:
    if Run(folder).busy():
        raise RunError(f"{folder.name} cannot be deleted while a process works on it", remedy="Stop it first, or wait.")
    return trash.move(folder)


def _agreed(parent: QWidget, title: str, question: str, sentence: str, yes: str, no: str) -> bool:
    """Ask before something is lost; the harmless answer is the default."""
    box = QMessageBox(QMessageBox.Icon.Question, title, question, parent=parent)
    box.setInformativeText(sentence)
    agree = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    agree.setAutoDefault(False)  # Enter must not do it, wherever the focus goes
    keep = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.exec()
    agreed = box.clickedButton() is agree
    box.deleteLater()
    return agreed
