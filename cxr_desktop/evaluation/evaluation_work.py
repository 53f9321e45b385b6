"""The long work of the Evaluate page, one piece at a time: evaluate a run, save its thresholds, write its report."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from cxr_desktop.evaluation.figure_export import open_path
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.project import Project
from cxr_desktop.tasks import Task
from trainer import bags, runs

PARTS = ("val", "test", "train")


class EvaluationWork(QObject):
    """Runs verbs of the trainer."""

    started = Signal(Task, str)
    """A task, and in words what it does."""
    ended = Signal()

    def __init__(self, project: Project, parent: QObject) -> None:
        super().__init__(parent)
        self._project = project
        self._task: Task | None = None

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._task is not None

    def evaluate(self, run: runs.Run, on: str, level: int = 0) -> None:
        """Judge a run (or a bag, by its folder) on a part of its split, or on another project (a path), at a level."""
        where = {"val": "validation"}.get(on, on) if on in PARTS else Path(on).stem
        words: list[str | Path] = ["evaluate", run.folder, "--on", on, *(["--level", str(level)] if level else [])]
        self._work(words, None, f"Evaluating {run.name} on {where}{f' at level {level}' if level else ''}")

    def save(self, run: runs.Run, draft: ThresholdDraft) -> None:
        """Write moved thresholds into the model; what was judged is judged again."""
        words: list[str | Path] = ["thresholds", run.folder]
        words += ["--reset"] if draft.is_reset else [word for change in draft.changes() for word in ("--set", change)]
        saved = partial(self._saved, "bag" if bags.is_bag(run.folder) else "model")
        self._work(words, saved, f"Saving thresholds of {run.name}")

    def report(self, run: runs.Run) -> None:
        """Write the report into the run, and open it."""
        label = f"Writing the report on {run.name}"
        self._work(["report", run.folder], lambda said: open_path(Path(str(said["report"]))), label)

    def cancel(self) -> None:
        """End what is under way; nothing half-made stays."""
        if self._task is not None:
            self._task.cancel()

    def _work(self, words: list[str | Path], done: Callable[[Any], object] | None, label: str) -> None:
        if self._task is None:
            self._task = task = self._project.command(words, done, label=label)
            task.ended.connect(self._over)
            self.started.emit(task, f"{label} …")

    def _over(self) -> None:
        self._task = None
        self.ended.emit()

    def _saved(self, whole: str, said: Mapping[str, Any]) -> None:
        judged = ", ".join(said.get("judged", ()))
        again = f" Judged again from the kept predictions: {judged}." if judged else ""
        self._project.tell(f"Thresholds saved with the {whole}.{again}")
