"""How much training images are changed at random: a level, and examples of what comes out."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.project import Project
from cxr_desktop.training.augment_examples import AugmentExamples
from cxr_desktop.widgets.choice_box import ChoiceBox
from cxr_desktop.widgets.difference import Difference
from cxr_desktop.widgets.question import Question
from trainer import config
from trainer.config import TrainConfig
from trainer.outlook import Outlook

OWN = "own numbers"
_SENTENCES = {
    "none": "Every image is shown as it is.",
    "light": "Mirrored, a little brighter or darker. No pixel is resampled.",
    "medium": "Also turned, scaled and shifted a little, as patients stand.",
    "strong": "Turned, scaled, shifted and toned as far as a radiograph still looks like one; for few images.",
    OWN: "The numbers under All settings, Augmentation.",
}


class AugmentBox(QWidget):
    """Shows the level of a configuration; what the user changes is told, and shown when it comes back by `set_config`."""

    changed = Signal(str, object)
    """`config.LEVEL` and the name of a level."""
    glossary_wanted = Signal(str)

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._config = self._recipe = TrainConfig()
        self._split = ""
        self._dialog: AugmentExamples | None = None
        self.levels = ChoiceBox([*config.LEVELS])
        self.levels.explain(_SENTENCES)
        self.levels.setAccessibleName("Level of augmentation")
        self.question = Question("augmentation", "Augmentation")
        self.difference = Difference("augmentation", dot=True)
        self.sentence = theme.muted()
        self.show_button = QPushButton("Show examples…")
        self.show_button.setToolTip("Some training images as the network will see them")
        self._lay_out()
        self.levels.edited.connect(self._choose)
        self.show_button.clicked.connect(self.show_examples)
        self.question.asked.connect(self.glossary_wanted)
        self.difference.reset_wanted.connect(self._reset)
        self.set_config(self._config, self._recipe)
        self.set_outlook(None)

    def set_config(self, chosen: TrainConfig, recipe: TrainConfig) -> None:
        """Show a configuration, its difference from the recipe, and new examples where they are looked at."""
        same = self._question_of(chosen) == self._question_of(self._config)
        self._config, self._recipe = chosen, recipe
        level, before = (config.level_of(one.augment) or OWN for one in (chosen, recipe))
        if level != OWN and self.levels.findData(OWN) >= 0:
            self.levels.removeItem(self.levels.findData(OWN))
        self.levels.show_value(level)
        mixing = [name for name, alpha in (("mixup", chosen.augment.mixup), ("CutMix", chosen.augment.cutmix)) if alpha]
        mixed = f" Images of a batch are mixed ({' and '.join(mixing)})." if mixing else ""
        sentence = _numbers(chosen) if level == OWN else _SENTENCES[level]
        self.sentence.setText(sentence + mixed)
        self.difference.compare(level != before, before)
        if self._dialog and self._dialog.isVisible() and not same:
            self._dialog.show_settings(chosen, self._split)

    def set_outlook(self, outlook: Outlook | None) -> None:
        """Say whether there are training images to show."""
        self._split = outlook.split if outlook else ""
        self.show_button.setEnabled(bool(outlook and len(outlook.targets)))

    def show_examples(self) -> None:
        """Open the examples; they stay above the window while it is worked on."""
        if self._dialog is None:
            self._dialog = AugmentExamples(self._project, self)
        self._dialog.show_settings(self._config, self._split)
        self._dialog.show()

    @staticmethod
    def _question_of(chosen: TrainConfig) -> tuple[object, ...]:
        """What the examples depend on."""
        return chosen.augment, chosen.task, chosen.model.size, chosen.model.fit, chosen.seed

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(theme.heading("Augmentation", level=2))
        row = QHBoxLayout()
        for part in (self.levels, self.show_button):
            row.addWidget(part)
        row.addStretch()
        row.addWidget(self.question)
        column.addLayout(row)
        column.addWidget(self.difference)
        column.addWidget(self.sentence)

    def _choose(self) -> None:
        if self.levels.given() != OWN:
            self.changed.emit(config.LEVEL, self.levels.given())

    def _reset(self) -> None:
        for key in next(iter(config.LEVELS.values())):
            self.changed.emit(f"augment.{key}", getattr(self._recipe.augment, key))


def _numbers(chosen: TrainConfig) -> str:
    """One's own numbers, those that do something."""
    values = {item: config.get(chosen, item.key) for item in config.settings() if item.key in config.level("none")}
    said = [f"{item.label.lower()} {value:g} {item.unit}".strip() for item, value in values.items() if value]
    return f"As set under All settings: {', '.join(said)}."
