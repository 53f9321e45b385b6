"""The Evaluate page: how good a run is, on which images it fails, and at which thresholds it is used."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from cxr_desktop.evaluation import bag_state, evaluation_missing, seal, why_not
from cxr_desktop.evaluation.closer_look import CloserLook
from cxr_desktop.evaluation.evaluation_actions import EvaluationActions
from cxr_desktop.evaluation.evaluation_missing import Missing
from cxr_desktop.evaluation.evaluation_side import EvaluationSide
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.evaluation_tabs import EvaluationTabs
from cxr_desktop.evaluation.evaluation_work import PARTS, EvaluationWork
from cxr_desktop.evaluation.figure_export import FigureExport
from cxr_desktop.evaluation.gallery import Gallery
from cxr_desktop.evaluation.gallery_items import Item
from cxr_desktop.evaluation.kept_drafts import KeptDrafts
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.evaluation.run_chooser import Shelf
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.tasks import Task
from cxr_desktop.widgets.empty_state import EmptyState
from trainer import bags, runs
from trainer.errors import TrainerError

NAME = "evaluation"
SIDE = 270
"""Pixels (device independent) of the left column at first."""


class EvaluationPage(QWidget):
    """Judge a run or a bag: left which one and which part with its headline, right the tabs."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._reading = Latest(project, self)
        self._network = LoadedNetwork()
        self._drafts = KeptDrafts(project, self)
        self._shelf = Shelf()
        self._stamp: tuple[object, ...] = ()
        self._due = False
        self._missing = evaluation_missing.NO_PROJECT
        self.judged: Judged | None = None
        self.work = EvaluationWork(project, self)
        self.actions_ = EvaluationActions(self)
        self.commands = self.actions_.commands()
        self.side = EvaluationSide()
        self.tabs = EvaluationTabs(project, self._network)
        self.empty = EmptyState("", "", "-", self._mend)
        self.stack, self.splitter = QStackedWidget(), QSplitter(Qt.Orientation.Horizontal)
        self._lay_out()
        self._connect()
        self._connect_actions()
        self._restart()

    # What is shown

    def show_run(self, folder: str, part: str = "") -> None:
        """Show a run, or a bag, of the open project."""
        self._project.settings.set_text("evaluation/run", folder)
        if part:
            self._project.settings.set_text("evaluation/part", part)
        self._list_runs(folder)
        self._read()

    def unsaved(self) -> tuple[str, ...]:
        """Findings of the shown run whose threshold was moved and not saved. The moves are kept when the page is left."""
        return self.tabs.draft.moved if self.judged is not None and self.judged.evaluation is not None else ()

    @property
    def busy(self) -> bool:
        """Whether something is still being read or made."""
        return self._reading.busy or self.work.busy

    def _restart(self) -> None:
        """Another project, or none."""
        self._network.forget()
        self._list_runs(self._project.settings.text("evaluation/run"))
        self._show_missing(evaluation_missing.READING)
        self._read()

    def _list_runs(self, chosen: str) -> None:
        found = self._shelf.entries(self._project.folder, self._project.runs()) if self._project.is_open else []
        self.side.set_runs(found, chosen)
        if found:
            self.side.set_parts(Path(self.side.run()), self._project.settings.text("evaluation/part", "validation"))

    def _run_chosen(self, folder: str) -> None:
        self._project.settings.set_text("evaluation/run", folder)
        self.side.set_parts(Path(folder), self.side.part())
        self._read()

    def _part_chosen(self, part: str) -> None:
        self._project.settings.set_text("evaluation/part", part)
        self._read()

    def _level_chosen(self, level: int) -> None:
        self._project.settings.set_number("evaluation/level", float(level))
        self._read()

    def _member_wanted(self, folder: str) -> None:
        """A member of the bag that is shown, on the same part."""
        self.show_run(folder, self.side.part())

    def _runs_changed(self) -> None:
        """Read again only what is other now: a training under way changes its run every second."""
        before = self.side.run()
        self._list_runs(before)
        if self.side.run() != before or self._now() != self._stamp:
            self._read()

    def _images_changed(self) -> None:
        self._due = True
        if self.isVisible():
            self._read()

    def _now(self) -> tuple[object, ...]:
        """What tells whether the files of the shown run and part are still those that were read."""
        folder = self.side.run()
        active = sorted(one.name for one in self._project.training.active())
        return bag_state.stamp(Path(folder), self.side.part(), active) if folder else ()

    def _read(self) -> None:
        folder, part = self.side.run(), self.side.part()
        self._due, self._stamp = False, self._now()
        if not self._project.is_open or not folder:
            self._show_missing(evaluation_missing.NO_RUN if self._project.is_open else evaluation_missing.NO_PROJECT)
            return
        catalog, level = self._project.background, round(self._project.settings.number("evaluation/level", 0))
        self._reading.ask(
            lambda progress: bag_state.load(Path(folder), part, catalog, progress, level=level),
            self.show_judged,
            self._unreadable,
        )

    def _unreadable(self, error: TrainerError) -> None:
        self._project.tell(error)
        self._show_missing(evaluation_missing.unreadable(error, bag=bags.is_bag(Path(self.side.run()))))

    def show_judged(self, judged: Judged) -> None:
        """Show a part of a run as it was read."""
        if judged.problem is not None:
            self._project.tell(judged.problem)
        if judged.evaluation is None:
            self._show_missing(evaluation_missing.of(judged), judged)
            return
        self.judged = judged
        self.side.show_judged(judged)
        self.tabs.show_judged(judged, self._draft_of(judged))
        self.stack.setCurrentWidget(self.tabs)
        self.side.show_button("Evaluate again" if judged.judgeable else "", primary=bool(judged.outdated))
        self._enable()

    def _draft_of(self, judged: Judged) -> ThresholdDraft:
        """The moves that were made of the run's thresholds; where they cannot be moved, none."""
        if why_not.thresholds(judged):
            return ThresholdDraft(judged.thresholds)
        return self._drafts.of(judged.run.folder, judged.thresholds)

    def _show_missing(self, missing: Missing, judged: Judged | None = None) -> None:
        self.judged, self._missing = judged, missing
        self.side.show_judged(judged)
        self.empty.say(missing.title, missing.text)
        self.empty.button.setText(missing.button)
        self.empty.button.setVisible(bool(missing.button))
        self.stack.setCurrentWidget(self.empty)
        self.side.show_button("", primary=False)
        self._enable()

    def _mend(self) -> None:
        """The button of the empty state."""
        if self._missing.does == evaluation_missing.TRAIN:
            self._project.page_wanted.emit("training")
        else:
            self.evaluate()

    # Doing

    def evaluate(self) -> None:
        """Judge the run on the part that is shown; on the test part only after its seal was explained and confirmed."""
        judged = self._judgeable()
        if judged is None:
            return
        if judged.part == "test":
            self.open_test()
        elif judged.part.startswith("external"):
            self.evaluate_elsewhere()
        else:
            self._evaluate(judged, runs.short(judged.part))

    def open_test(self) -> None:
        """Ask whether the seal is to be broken."""
        if (judged := self._judgeable()) is not None:
            then, moved = evaluation_missing.opening(judged), len(self.unsaved())
            opened = partial(self._evaluate, judged, "test")
            seal.ask(self, judged.run.name, judged.openings, opened, moved=moved, then=then)

    def evaluate_elsewhere(self) -> None:
        """Judge the run on another project."""
        judged = self._judgeable()
        where = str(self._project.folder.parent) if judged else ""
        if judged and (found := QFileDialog.getExistingDirectory(self, "Another project (a folder NAME.cxr)", where)):
            self._evaluate(judged, found)

    def save_thresholds(self) -> None:
        """Write the moved thresholds into the model; the trainer judges again what was judged."""
        judged = self._judgeable()
        if judged is not None and self.unsaved():
            self.work.save(judged.run, self.tabs.draft)

    def export(self) -> None:
        """Ask what of the results is to be written where."""
        if self.judged is not None and self.judged.evaluation is not None:
            dialog = FigureExport(self._project, self.judged.run, self.judged.kept_as, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def open_report(self) -> None:
        """Write the report into the run, and open it."""
        if (judged := self._judgeable()) is not None:
            self.work.report(judged.run)

    def look_closer(self, gallery: Gallery, item: Item) -> None:
        """Show an image of a gallery large."""
        judged = self.judged
        if judged is None or judged.prediction is None or self.findChild(CloserLook) is not None:
            return
        thresholds, none = judged.deciding(self.tabs.draft.values()), why_not.heat_maps(judged)
        dialog = CloserLook(self._project, self._network, judged.networks, judged.prediction, thresholds, self, none=none)
        dialog.show_items(gallery.model.items, gallery.model.items.index(item))
        dialog.open()

    def _judgeable(self) -> Judged | None:
        """What is shown, if it has something trained and nothing is under way."""
        return self.judged if self.judged is not None and self.judged.judgeable and not self.work.busy else None

    def _evaluate(self, judged: Judged, on: str) -> None:
        part = {"val": "validation"}.get(on, on) if on in PARTS else f"external-{Path(on).stem}"
        self._project.settings.set_text("evaluation/part", part)
        self.work.evaluate(judged.run, on, judged.level)

    def _work_started(self, task: Task, words: str) -> None:
        self.side.show_task(task, words)
        self._enable()

    def _work_ended(self) -> None:
        self.side.show_task(None)
        if self._project.is_open:
            self._list_runs(self.side.run())
            self._read()
            self._project.runs_changed.emit()
        self._enable()

    def _draft_changed(self) -> None:
        self._drafts.keep()
        self._enable()

    def _enable(self) -> None:
        idle, moved = self._judgeable() is not None, bool(self.unsaved())
        self.actions_.enable(self.judged, self.tabs.draft, idle=idle, moved=moved)
        self.tabs.findings.save.setEnabled(idle and moved)
        self.empty.button.setEnabled(not self.work.busy)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up with what changed meanwhile."""
        super().showEvent(event)
        if self._due:
            self._read()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Remember what stands where."""
        super().hideEvent(event)
        self._drafts.write()
        self._project.settings.set_state("evaluation/splitter", self.splitter.saveState())
        self._project.settings.set_number("evaluation/tab", float(self.tabs.currentIndex()))

    # Making it

    def _lay_out(self) -> None:
        self.stack.addWidget(self.tabs)
        self.stack.addWidget(self.empty)
        self.splitter.addWidget(self.side)
        self.splitter.addWidget(self.stack)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([SIDE, 4 * SIDE])
        self.splitter.setChildrenCollapsible(False)
        self.splitter.restoreState(self._project.settings.state("evaluation/splitter"))
        self.tabs.setCurrentIndex(round(self._project.settings.number("evaluation/tab", 0)))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.splitter)

    def _connect(self) -> None:
        self._project.opened.connect(self._restart)
        self._project.closed.connect(self._restart)
        self._project.runs_changed.connect(self._runs_changed)
        self._project.images_changed.connect(self._images_changed)
        self._project.run_wanted.connect(lambda page, folder: page == NAME and self.show_run(folder))
        self.side.run_chosen.connect(self._run_chosen)
        self.side.part_chosen.connect(self._part_chosen)
        self.side.level_chosen.connect(self._level_chosen)
        self.side.evaluate_wanted.connect(self.evaluate)
        self.side.cancel_wanted.connect(self.work.cancel)
        self.side.export_wanted.connect(self.export)
        self.work.started.connect(self._work_started)
        self.work.ended.connect(self._work_ended)
        self.tabs.draft_changed.connect(self._draft_changed)
        self.tabs.look_closer.connect(self.look_closer)
        self.tabs.members.member_wanted.connect(self._member_wanted)
        self.tabs.findings.save.clicked.connect(self.save_thresholds)

    def _connect_actions(self) -> None:
        do, findings = self.actions_, self.tabs.findings
        do.connect(
            {
                do.evaluate: self.evaluate,
                do.open_test: self.open_test,
                do.external: self.evaluate_elsewhere,
                do.next: partial(findings.chooser.step, 1),
                do.previous: partial(findings.chooser.step, -1),
                do.save: self.save_thresholds,
                do.undo: findings.take_back,
                do.discard: findings.discard_moves,
                do.reset: findings.reset_all,
                do.draw: self.tabs.errors.draw,
                do.export: self.export,
                do.report: self.open_report,
            }
        )
