"""The question that is asked when the window is closed while trainings go on."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.supervisor import Supervisor
from trainer import bags
from trainer.bag_course import BagCourse
from trainer.errors import counted
from trainer.runs import Run

BACKGROUND, STOP, STAY = "background", "stop", "stay"
WIDTH = 460


class Closing(QDialog):
    """Keep training in the background, stop and keep, or stay. `choice` says which; accepted once the window may close."""

    def __init__(self, training: Supervisor, runs: Sequence[Run], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = STAY
        self._training = training
        one = len(runs) == 1
        self.setWindowTitle("Training is going on")
        self.title = theme.heading(f"{_counted(runs)} {'is' if one else 'are'} being trained", level=2)
        self.names = QLabel("\n".join(_said(training, run) for run in runs))
        self.names.setTextFormat(Qt.TextFormat.PlainText)
        self.names.setWordWrap(True)
        it = "it" if one else "them"
        self.words = theme.muted(
            f"In the background {'it goes' if one else 'they go'} on without the window; open the project again to see {it}. "
            f"Stopped, {'it keeps' if one else 'they keep'} what was learned and can be resumed."
        )
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Waiting until training has stopped")
        self.bar.hide()
        self._add_buttons()
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        for part in (self.title, self.names, self.words, self.bar, self.buttons):
            column.addWidget(part)
        self.setMinimumWidth(WIDTH)
        training.ended.connect(self._look)
        training.changed.connect(self._look)

    def _add_buttons(self) -> None:
        self.buttons = QDialogButtonBox()
        self.background = self._button("Keep training in the background", self._leave, QDialogButtonBox.ButtonRole.AcceptRole)
        self.stop = self._button("Stop and keep", self._stop, QDialogButtonBox.ButtonRole.ActionRole)
        self.stay = self._button("Stay", self.reject, QDialogButtonBox.ButtonRole.RejectRole)
        self.background.setDefault(True)
        theme.restyled(self.background, "primary")

    def _button(self, text: str, slot: object, role: QDialogButtonBox.ButtonRole) -> QPushButton:
        button = self.buttons.addButton(text, role)
        button.clicked.connect(slot)
        return button

    def _leave(self) -> None:
        self.choice = BACKGROUND
        self.accept()

    def _stop(self) -> None:
        self.choice = STOP
        self.stop.setEnabled(False)
        self.bar.show()
        for run in self._training.trainings():
            self._training.stop_and_keep(run)
        self._look()

    def _look(self) -> None:
        """Close once nothing is being trained any more, by whatever cause."""
        left = self._training.trainings()
        if not left:
            self.accept()
        elif self.choice == STOP:
            self.words.setText(f"Stopping {_counted(left)}: the current step is finished and everything is saved.")

    def reject(self) -> None:
        """Stay; what was asked to stop does so all the same."""
        self.choice = STAY
        super().reject()


def _counted(runs: Sequence[Run]) -> str:
    """ "1 bag", "2 runs"; bags and runs together are trainings."""
    bagged = sum(bags.is_bag(run.folder) for run in runs)
    return counted(len(runs), "bag" if bagged == len(runs) else "training" if bagged else "run")


def _said(training: Supervisor, run: Run) -> str:
    """A run by its name; a bag also with how far it is."""
    task = training.task(run)
    course = task.course if task else None
    return f"{run.name}: {course.sentence()}" if isinstance(course, BagCourse) else run.name


def ask(parent: QWidget | None, training: Supervisor, runs: Sequence[Run]) -> bool:
    """Ask, and wait for trainings that are to be stopped; whether the window may close."""
    dialog = Closing(training, runs, parent)
    may_close = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return may_close
