"""The Train page: settings and Start at the left; the runs, and the one that is chosen, at the right."""

from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QAction, QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.glossary import GlossaryDialog
from cxr_desktop.project import Project
from cxr_desktop.training.bag_dialog import BagDialog
from cxr_desktop.training.run_actions import RunActions
from cxr_desktop.training.run_compare import RunCompare
from cxr_desktop.training.run_list import RunList
from cxr_desktop.training.run_view import RunView
from cxr_desktop.training.training_setup import TrainingSetup
from cxr_desktop.widgets.empty_state import EmptyState
from trainer import bags, config, runs
from trainer.bags import Bag
from trainer.course import Summary
from trainer.errors import RunError, TrainerError
from trainer.runs import Run, Status

STARTING = Status("new", "starting")


class TrainingPage(QWidget):
    """Trains and shows what was trained."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.setup = TrainingSetup(project)
        self.list = RunList(project)
        self.actions_of_runs = RunActions(project, self)
        self.view = RunView(project, self.actions_of_runs)
        self.compare = RunCompare(project)
        self.empty = EmptyState("No runs yet", "Choose a recipe at the left and start: the run and its curves appear here.")
        self.closed = EmptyState(
            "No project is open",
            "Import radiographs or open a project to train a network on them.",
            "Import images…",
            lambda: project.import_wanted.emit([]),
        )
        self._starting: Run | None = None
        self._starting_bag = ""
        actions = self.actions_of_runs
        self.addActions(self.setup.start_actions)
        self.commands: list[QAction | None] = [*self.setup.start_actions, None, *actions.all]
        self.list.set_menu(actions.all)
        self._lay_out()
        self._connect()
        self._restore()
        self._opened()

    def may_leave(self) -> bool:
        """Trainings go on when the project is closed: nothing is lost."""
        return True

    def show_run(self, folder: Path) -> None:
        """Choose a run."""
        self._starting = None
        self.list.select(folder)

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        for part in (self.empty, self.view, self.compare):
            self.stack.addWidget(part)
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.right.setContentsMargins(theme.SPACE // 2, 0, 0, 0)
        self.right.addWidget(self.list)
        self.right.addWidget(self.stack)
        self.right.setSizes([150, 450])
        self.right.setStretchFactor(1, 1)
        self.parts = QSplitter(Qt.Orientation.Horizontal)
        self.parts.addWidget(self.setup)
        self.parts.addWidget(self.right)
        self.parts.setSizes([380, 620])
        self.parts.setStretchFactor(1, 1)
        for splitter in (self.right, self.parts):
            splitter.setChildrenCollapsible(False)
        self.whole = QStackedWidget()
        self.whole.addWidget(self.closed)
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        row.addWidget(self.parts)
        self.whole.addWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.whole)

    def _connect(self) -> None:
        project, actions = self.project, self.actions_of_runs
        self.setup.start_wanted.connect(self._start)
        self.setup.several_wanted.connect(self._start_bag)
        actions.bag.triggered.connect(self._show_bag)
        self.setup.glossary_wanted.connect(self._explain)
        self.list.chosen.connect(self._chosen)
        actions.reuse.triggered.connect(self._reuse)
        actions.rename.triggered.connect(self.list.begin_rename)
        actions.compare.triggered.connect(self._compare)
        self.list.listed.connect(lambda count: actions.compare.setEnabled(count > 1))
        self.list.view.activated.connect(lambda: self.view.tabs.setFocus())
        project.opened.connect(self._opened)
        project.closed.connect(self._opened)
        project.run_wanted.connect(self._wanted)
        project.training.opened.connect(self._run_opened)
        project.training.changed.connect(self._look_for_refusal)
        project.training.devices_found.connect(self.setup.set_devices)
        project.training.find_devices()

    def _restore(self) -> None:
        for name, splitter in (("columns", self.parts), ("rows", self.right)):
            state: QByteArray = self.project.settings.state(f"training/{name}")
            if not state.isEmpty():
                splitter.restoreState(state)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Remember how it was arranged."""
        super().hideEvent(event)
        for name, splitter in (("columns", self.parts), ("rows", self.right)):
            self.project.settings.set_state(f"training/{name}", splitter.saveState())

    def _opened(self) -> None:
        self._starting, self._starting_bag = None, ""
        self.whole.setCurrentIndex(int(self.project.is_open))
        self.stack.setCurrentWidget(self.empty)

    def _start(self, words: list[str], name: str) -> None:
        said = [*words, "--run", name] if name and "--run" not in words else list(words)
        if run := self.project.training.start(said):
            self._starting = run
            self._show_starting(run)

    def _start_bag(self, words: list[str]) -> None:
        """Its first member is chosen as soon as it is there."""
        if bag := self.project.training.start_bag(words):
            self._starting_bag = str(bag.folder)

    def _show_starting(self, run: Run) -> None:
        """It is not in the list yet: loading the trainer takes seconds."""
        self.list.view.clearSelection()
        self.list.select(run.folder)
        self.view.show_run(Summary(run.folder, STARTING))
        self.actions_of_runs.set_runs([Summary(run.folder, STARTING)])
        self.view.refresh()
        self.stack.setCurrentWidget(self.view)

    def _run_opened(self, folder: str) -> None:
        if folder == self._starting_bag:
            self._starting_bag = ""
            self._choose_first(Bag(Path(folder)))
        if self._starting and str(self._starting.folder) == folder:
            self.show_run(Path(folder))

    def _choose_first(self, bag: Bag) -> None:
        try:
            first = bag.plan().members[0]
        except TrainerError as error:
            self.project.tell(error)
        else:
            self.list.select(self.project.folder / runs.RUNS_FOLDER / first.run)

    def _look_for_refusal(self) -> None:
        """The run that was to be started is not made: it was refused, or stopped before there was anything to keep."""
        if self._starting and not self.project.training.is_active(self._starting):
            self._starting = None
            self.view.show_run(None)
            self.stack.setCurrentWidget(self.empty)
            self.list.give_up()

    def _wanted(self, page: str, folder: str) -> None:
        if page == "training":
            self.show_run(Path(folder))

    def _chosen(self, chosen: list[Summary]) -> None:
        if self._starting and not chosen:
            return
        self.actions_of_runs.set_runs(chosen)
        if len(chosen) > 1:
            self.view.show_run(None)
            self.compare.show_runs([one.folder for one in chosen])
            self.stack.setCurrentWidget(self.compare)
        else:
            self.view.show_run(chosen[0] if chosen else None)
            self.stack.setCurrentWidget(self.view if chosen else self.empty)

    def _explain(self, word: str) -> None:
        dialog = GlossaryDialog(word, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _reuse(self) -> None:
        """Offer the settings of the chosen run for another one."""
        try:
            about = Run(self.list.selected()[0].folder).about()
            self.setup.propose(config.of_run(about["config"]), str(about.get("recipe", "")))
        except TrainerError as error:
            self.project.tell(error)

    def _show_bag(self) -> None:
        """The bag that the chosen run belongs to."""
        chosen = self.list.selected()[0]
        bag = Bag(self.project.folder / bags.BAGS_FOLDER / chosen.bag)
        if not bags.is_bag(bag.folder):
            self.project.tell(RunError(f"The bag {chosen.bag} is not there any more", where=bag.folder))
            return
        dialog = BagDialog(self.project, bag, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _compare(self) -> None:
        """Several that are chosen are compared already; one is compared with the run before it."""
        chosen = [one.folder for one in self.list.selected()]
        others = [one.folder for one in reversed(self.list.all()) if one.folder not in chosen]
        if len(chosen) < 2:
            self.list.select_all([*chosen, *others[: 2 - len(chosen)]])
