"""Everything that is chosen before a training starts; what comes out is a command line of the trainer."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QHideEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.training.augment_box import AugmentBox
from cxr_desktop.training.imbalance_box import KEYS, ROWS, ImbalanceBox
from cxr_desktop.training.own_recipes_menu import OwnRecipesMenu
from cxr_desktop.training.recipe_chooser import RecipeChooser
from cxr_desktop.training.several_dialog import SeveralDialog
from cxr_desktop.training.start_bar import Obstacle, StartBar
from cxr_desktop.widgets.choice_box import AUTO
from cxr_desktop.widgets.config_form import ConfigForm
from cxr_desktop.wording import in_window
from trainer import bags, config, criteria, cuts, downloads, idle, imbalance, once, outlook, recipes, runs
from trainer.config import TrainConfig
from trainer.errors import ConfigError, RunError, TrainerError, WeightsError
from trainer.outlook import Outlook

WIDE = 90
"""Average characters of width from which on there are two columns."""
WEIGHTS, DEVICE, FINDINGS = "model.weights", "compute.device", "task.findings"


class TrainingSetup(QWidget):
    """Recipe, settings, rare findings, name and Start."""

    start_wanted = Signal(list, str)
    """The words after `cxr-trainer` ("train", the project, ...), and the name of the run ("": date and time)."""
    several_wanted = Signal(list)
    """The words after `cxr-trainer` ("bag", the project, ...)."""
    glossary_wanted = Signal(str)
    _unfolded = Signal(str)

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.outlook: Outlook | None = None
        self._looked: tuple[object, ...] = ()
        self._weights = ("", "")
        self._weights_problem = ""
        self._images, self._files = Latest(project, self), Latest(project, self)
        self.chooser = RecipeChooser(recipes.every())
        self.box = ImbalanceBox(project)
        self.augment = AugmentBox(project)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        for part in (self.box, self.augment):
            column.addWidget(part)
        self.form = ConfigForm(elsewhere=KEYS, middle=middle)
        self.box.place({key: self.form.adopt(key) for key in ROWS})
        self.bar = StartBar()
        self.own_recipes = OwnRecipesMenu(project, self.chooser, lambda: self.form.config())
        self.addActions([self.bar.action, self.bar.several_action])
        self._lay_out()
        self._restore()
        self._connect()
        self.own_recipes.tell_damaged()

    @property
    def start_actions(self) -> list[QAction]:
        """Start and Train several; the page adds them to itself, so that they work from everywhere."""
        return [self.bar.action, self.bar.several_action]

    def words(self) -> list[str]:
        """The command that is chosen, as words after `cxr-trainer`."""
        changes = self.form.changes()
        device = changes.pop(DEVICE, "")
        said = ["train", str(self.project.folder), "--recipe", self.chooser.recipe().name]
        for assignment in config.assignments(changes):
            said += ["--set", assignment]
        name = self.bar.name.text().strip()
        for option, value in (("--device", device), ("--run", name), ("--split", self.outlook.split if self.outlook else "")):
            said += [option, value] if value else []
        return said

    def propose(self, chosen: TrainConfig, recipe: str = "") -> None:
        """Show a configuration, for example that of an earlier run; `recipe` is what it began with, if it is still there."""
        self.chooser.choose(recipe)
        self.form.replace(chosen, self.chooser.recipe().settings)

    def set_devices(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Offer devices: mappings with name, label, memory and free (bytes, 0 unknown), the best first."""
        self.form.set_devices(found)

    def show_setting(self, key: str) -> None:
        """Bring a setting into sight and give it the focus."""
        self.form.show_setting(key)
        self._unfolded.emit(key)

    def _bring_into_sight(self, key: str) -> None:
        self.area.ensureWidgetVisible(self.form.rows[key])

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(theme.SPACE)
        title = QHBoxLayout()
        title.addWidget(theme.heading("Recipe", level=2), 1)
        title.addWidget(self.own_recipes)
        column.addLayout(title)
        column.addWidget(self.chooser)
        column.addWidget(self.form)
        column.addStretch()
        self.area = QScrollArea()
        self.area.setWidget(inside)
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.area.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(inside.minimumSizeHint().width() + bar)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area, 1)
        whole.addWidget(self.bar)

    def _connect(self) -> None:
        # Queued: the layout must first find a place for what was unfolded.
        self._unfolded.connect(self._bring_into_sight, Qt.ConnectionType.QueuedConnection)
        self.own_recipes.changed.connect(self._recipes_changed)
        self.chooser.chosen.connect(lambda: self.form.set_recipe(self.chooser.recipe().settings))
        self.box.changed.connect(self.form.set_value)
        self.augment.changed.connect(self.form.set_value)
        self.form.changed.connect(self._changed)
        self.bar.name_edited.connect(self._say)
        self.bar.start_wanted.connect(self._start)
        self.bar.several_wanted.connect(self._ask_how_many)
        for part in (self.form, self.box, self.augment):
            part.glossary_wanted.connect(self.glossary_wanted)
        for signal in (self.project.opened, self.project.closed, self.project.images_changed, self.project.splits_changed):
            signal.connect(self._look)
        self.project.runs_changed.connect(self._say)
        self._changed()

    def _recipes_changed(self, name: str) -> None:
        """Another recipe was saved, imported or deleted; a saved one is chosen, and what is set stays set."""
        self.chooser.offer(recipes.every(), name)
        self.form.set_config(self.form.config(), self.chooser.recipe().settings)

    def _restore(self) -> None:
        self.chooser.choose(self.project.settings.text("training/recipe"))
        recipe = self.chooser.recipe().settings
        self.form.set_config(recipe, recipe)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's own name
        """Remember the recipe."""
        super().hideEvent(event)
        self.project.settings.set_text("training/recipe", self.chooser.recipe().name)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's own name
        """Two columns where there is room."""
        super().resizeEvent(event)
        self.form.set_wide(self.width() > WIDE * self.fontMetrics().averageCharWidth())

    def _changed(self) -> None:
        chosen = self.form.config()
        self.box.set_config(chosen, self.form.recipe())
        self.augment.set_config(chosen, self.form.recipe())
        if self._looked != (chosen.task,):
            self._look()
        if self._weights != (chosen.model.backbone, chosen.model.weights):
            self._ask_weights()
        self._say()

    def _look(self) -> None:
        """Look at the project's images with the task that is chosen."""
        if not self.project.is_open:
            self._see(None)
            return
        task, catalog = self.form.config().task, self.project.background
        self._looked = (task,)
        self._images.ask(lambda progress: outlook.look(catalog, task), self._see, self._cannot_look)

    def _cannot_look(self, error: TrainerError) -> None:
        self._see(None)
        self.project.tell(error)

    def _see(self, found: Outlook | None) -> None:
        self.outlook = found
        self.form.set_findings(found.known if found else ())
        self.box.set_outlook(found)
        self.augment.set_outlook(found)
        self._say()

    def _ask_weights(self) -> None:
        """Whether the weights are on this computer: a look at the disk, which may be far away."""
        model = self.form.config().model
        self._weights = backbone, chosen = model.backbone, model.weights
        self._files.ask(
            lambda progress: downloads.words(backbone, chosen), lambda words: self._say_weights(words, ""), self._refuse_weights
        )

    def _refuse_weights(self, error: TrainerError) -> None:
        self._say_weights("", f"{error.what}. {error.remedy}" if isinstance(error, WeightsError) else str(error))

    def _say_weights(self, words: str, problem: str) -> None:
        self._weights_problem = problem
        self.form.rows[WEIGHTS].remark(problem or words, "error" if problem else "muted")
        self._say()

    def _say(self) -> None:
        """What there is to learn from and what prevents a start."""
        seen, obstacles = self.outlook, tuple(self._obstacles())
        facts = [seen.words()] if seen and seen.images else []
        if seen and not obstacles:
            chosen = self.form.config()
            facts += map(in_window, (*seen.remarks, *cuts.told(seen.shapes, chosen.model.fit), *idle.told(chosen)))
        self.bar.say("\n".join(facts), obstacles)

    def _obstacles(self) -> Iterator[Obstacle]:
        wrong = self.form.problems()
        for key, words in wrong.items():
            yield Obstacle(words, "Show", partial(self.show_setting, key))
        yield from (one for key, one in self._unfit() if key not in wrong)
        if self._weights_problem:
            yield Obstacle(self._weights_problem, "Show", partial(self.show_setting, WEIGHTS))
        for words in self.outlook.problems if self.outlook else ():
            at_fault = self.outlook.setting or (FINDINGS if self.form.config().task.findings else "")
            if at_fault:
                yield Obstacle(in_window(words), "Show", partial(self.show_setting, at_fault))
            else:
                yield Obstacle(in_window(words), "Go to Dataset", lambda: self.project.page_wanted.emit("dataset"))
        if not self.outlook:
            yield Obstacle("Looking at the images …" if self.project.is_open else "No project is open.")
        name = self.bar.name.text().strip()
        if name and self.project.is_open and (words := self._wrong_name(name)):
            yield Obstacle(words, "Show", self.bar.name.setFocus)

    def _unfit(self) -> Iterator[tuple[str, Obstacle]]:
        """Settings that are right by themselves but do not fit the findings, by their keys."""
        if not self.outlook or not self.outlook.findings:
            return
        chosen, findings = self.form.config(), self.outlook.findings
        count = len(self.outlook.targets)
        checks = (
            lambda: imbalance.check(chosen, findings),
            lambda: criteria.check(chosen.choice, findings),
            lambda: once.check(chosen, count),
        )
        for check in checks:
            try:
                check()
            except ConfigError as error:
                words = in_window(f"{error.what}. {error.remedy}")
                yield error.where, Obstacle(words, "Show", partial(self.show_setting, error.where))

    def _wrong_name(self, name: str) -> str:
        try:
            runs.new(self.project.folder, name)
        except RunError as error:
            return f"{error.what}. {error.remedy}"
        return ""

    def _ask_how_many(self) -> None:
        """A bag, or a cross-validation, with these settings."""
        chosen, found = self.form.config(), self.project.training.devices
        alone = chosen.compute.device == AUTO and chosen.compute.devices == 1
        gpus = [str(one["name"]) for one in found if one["name"] != "cpu"] if alone else []
        alike = ""
        try:
            once.check_seeds(chosen)
        except ConfigError as error:
            alike = in_window(f"{error.what}. {error.remedy}")
        dialog = SeveralDialog(self.words(), self, seed=chosen.seed, gpus=gpus, wrong=self._wrong_bag, alike=alike)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._start_several(dialog.words()))
        dialog.open()

    def _wrong_bag(self, name: str, count: int) -> str:
        try:
            bags.check_new(self.project.folder, name, bags.planned(name, [0] * count, [""] * count))
        except TrainerError as error:
            return f"{error.what}. {error.remedy}"
        return ""

    def _start_several(self, words: list[str]) -> None:
        self.several_wanted.emit(words)
        self.bar.name.clear()

    def _start(self) -> None:
        self.start_wanted.emit(self.words(), self.bar.name.text().strip())
        self.bar.name.clear()
