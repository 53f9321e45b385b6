"""Which model reviews: the run that was chosen, or else the open project's newest; remembered, and asked for in a dialog."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from cxr_desktop.project import Project
from cxr_desktop.review.review_queue import ReviewQueue
from cxr_desktop.widgets.model_dialog import ModelDialog
from trainer import bags, offers
from trainer.errors import TrainerError
from trainer.offers import Offer

REMEMBERED = "review/models"


class ModelChoice(QObject):
    """The model that is wanted (`paths`). It is opened by the queue only once there is something to review."""

    changed = Signal()
    """Another model is wanted, or more is known of it."""

    def __init__(self, project: Project, queue: ReviewQueue, parent: QWidget) -> None:
        super().__init__(parent)
        self.paths: list[Path] = []
        self.known: list[Offer] = []
        """What is known of `paths`, in their order; empty until it has been read."""
        self._project, self._queue, self._over = project, queue, parent
        self._opened: list[Path] = []
        self._good: tuple[list[Path], list[Offer]] = ([], [])
        project.opened.connect(self.restore)
        project.runs_changed.connect(self._runs_changed)
        queue.model_opened.connect(self._taken)
        queue.model_refused.connect(self._refused)

    def restore(self) -> None:
        """What was used last, unless another project is open, whose newest run it then is."""
        last = [Path(text) for text in self._project.settings.text(REMEMBERED).split("\n") if text]
        there = [path for path in last if path.exists()]
        inside = self._project.is_open and any(path.is_relative_to(self._project.folder) for path in there)
        newest = self._newest()
        self._want(there if inside or not newest else newest)

    def use(self, paths: Sequence[Path]) -> None:
        """Review with these runs or checkpoints from now on; none: only look."""
        self._project.settings.set_text(REMEMBERED, "\n".join(map(str, paths)))
        self._want(list(paths))

    def open(self) -> None:
        """Open what is wanted, now that it is needed."""
        if self.paths != self._opened:
            self._opened = list(self.paths)
            self._queue.use(self.paths)

    def ask(self) -> None:
        """Let the user choose."""
        dialog = ModelDialog(self.paths, project_open=self._project.is_open, parent=self._over)
        dialog.add(self.known)
        dialog.wanted.connect(lambda path: self._look_at(path, dialog))
        dialog.accepted.connect(lambda: self.use(dialog.chosen()))
        dialog.finished.connect(dialog.deleteLater)
        found, folder = self._project.runs(), self._project.folder if self._project.is_open else None
        self._project.run(
            lambda progress: [*(offers.of_bags(bags.every(folder))[::-1] if folder else ()), *offers.of_runs(found)[::-1]],
            dialog.add,
            owner=dialog,
        )
        dialog.open()

    def words(self) -> str:
        """The model in a word or two, for a button."""
        names = [offer.name for offer in self.known] or [path.name for path in self.paths]
        if not names:
            return "No model"
        return names[0] if len(names) == 1 else f"{len(names)} models: {', '.join(names)}"

    def _look_at(self, path: Path, dialog: ModelDialog) -> None:
        self._project.run(
            lambda progress: offers.of_path(path),
            lambda offer: dialog.add([offer], check=True),
            lambda error: dialog.refuse(str(error)),
            owner=dialog,
            survives=True,
        )

    def _newest(self) -> list[Path]:
        """The newest run of the open project that has a network, in a list; empty if there is none."""
        trained = [run for run in self._project.runs() if run.best.exists()]
        return [trained[-1].folder] if trained else []

    def _want(self, paths: list[Path]) -> None:
        if paths == self.paths and (self.known or not paths):
            return
        self.paths, self.known = paths, []
        self.changed.emit()
        wanted = tuple(paths)
        if wanted:
            self._project.run(
                lambda progress: [offers.of_path(path) for path in wanted],
                lambda known: self._learn(wanted, known),
                lambda error: None,  # opening it will say what is wrong
                owner=self,
                survives=True,
            )
        if self._queue.files.rowCount():
            self.open()

    def _learn(self, paths: tuple[Path, ...], known: list[Offer]) -> None:
        if list(paths) == self.paths:
            self.known = known
            self.changed.emit()

    def _runs_changed(self) -> None:
        """A first run may have come; a threshold may have moved."""
        if not self.paths and self._project.is_open:
            self.restore()
        self._queue.reread_thresholds()

    def _taken(self) -> None:
        self._good = (list(self.paths), list(self.known))

    def _refused(self, error: TrainerError) -> None:
        """What cannot be opened is not wanted any more; the model before it stays."""
        self._project.tell(error)
        self.paths, self.known = map(list, self._good)
        self._opened = list(self.paths)
        self._project.settings.set_text(REMEMBERED, "\n".join(map(str, self.paths)))
        self.changed.emit()
