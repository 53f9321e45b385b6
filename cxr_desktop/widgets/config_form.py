"""The settings of training as a form, made from their own description: the essential ones, and all others to be unfolded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.other_settings import OtherSettings
from cxr_desktop.widgets.setting_row import SettingRow, take
from cxr_desktop.wording import in_window
from trainer import architectures, config
from trainer.config import Choice, Setting, TrainConfig
from trainer.errors import ConfigError, counted

METRIC = "choice.metric"
FOLLOWING: Mapping[str, Callable[[Choice], bool]] = {
    "choice.finding": lambda choice: choice.metric in config.OF_ONE_FINDING or bool(choice.finding),
    "choice.beta": lambda choice: choice.metric == "f_beta",
    "choice.sensitivity": lambda choice: choice.metric == "specificity_at_sensitivity",
}
"""Settings that stand below `METRIC`, and when they do something; one that is changed is always in sight."""


class ConfigForm(QWidget):
    """Holds a configuration and the recipe that it started from.

    `elsewhere` are keys that another widget shows (`set_value` changes them); `middle` stands between the essential settings
    and the others. What is typed wrongly stays as it is, with words under it; the last right value counts meanwhile.
    """

    changed = Signal()
    """A value, or whether there is a problem, has changed."""
    glossary_wanted = Signal(str)

    def __init__(
        self, parent: QWidget | None = None, *, elsewhere: frozenset[str] = frozenset(), middle: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._config = self._recipe = TrainConfig()
        self._shown = [item for item in config.settings() if item.key not in elsewhere]
        self._findings: Sequence[str] = ()
        self.rows: dict[str, SettingRow] = {}
        """The rows that are made; those of the other settings are made when they are unfolded."""
        self.others = OtherSettings()
        self.others.rows_wanted.connect(self._make_others)
        self.differences = theme.muted()
        self.reset_button = QPushButton("Reset all")
        self.reset_button.setToolTip("Set everything as the recipe has it")
        self.reset_button.clicked.connect(self.reset_all)
        self._before: TrainConfig | None = None
        self.back_button = QPushButton("Take back")
        self.back_button.setToolTip("Set everything as it was before all of it was replaced")
        self.back_button.clicked.connect(self.take_back)
        self._lay_out(middle)
        self._settled()

    def set_config(self, chosen: TrainConfig, recipe: TrainConfig) -> None:
        """Show a configuration and mark what differs from `recipe`."""
        self._config, self._recipe = chosen, recipe
        for key, row in self.rows.items():
            row.show_value(config.get(chosen, key))
        self._settled()

    def config(self) -> TrainConfig:
        """What is chosen; of settings with a problem, the last right value."""
        return self._config

    def recipe(self) -> TrainConfig:
        """What the differences are differences from."""
        return self._recipe

    def changes(self) -> dict[str, Any]:
        """Dotted key -> value of what differs from the recipe."""
        return config.differences(self._config, self._recipe)

    def problems(self) -> dict[str, str]:
        """Dotted key -> what is wrong with it, in words; empty if a training can start with this."""
        return {key: row.problem for key, row in self.rows.items() if row.problem}

    def set_value(self, key: str, value: Any) -> None:  # noqa: ANN401 - the setting's own type
        """Change a setting as the user would; for those that stand elsewhere. Raises `ConfigError`."""
        before = self._config
        self._config = config.changed(before, {key: value})
        for moved in {key, *config.differences(self._config, before)} & self.rows.keys():  # a level moves several
            self.rows[moved].show_value(config.get(self._config, moved))
        self._settled()

    def reset(self, key: str) -> None:
        """Set one setting as the recipe has it."""
        self.set_value(key, config.get(self._recipe, key))
        if key in self.rows:
            self.rows[key].control.setFocus()  # the button that had it is gone

    def set_recipe(self, recipe: TrainConfig) -> None:
        """Start from another recipe: what was changed stays changed, and what was typed wrongly stays where it is."""
        self._config, self._recipe = config.changed(recipe, self.changes()), recipe
        for key, row in self.rows.items():
            if not self._is_wrong(row):
                row.show_value(config.get(self._config, key))
        self._settled()

    def adopt(self, key: str) -> SettingRow:
        """Make the row of a setting that stands elsewhere; the form looks after it all the same."""
        return self._make(item for item in config.settings() if item.key == key)[0]

    def reset_all(self) -> None:
        """Set everything as the recipe has it; it can be taken back."""
        self.replace(self._recipe, self._recipe)

    def replace(self, chosen: TrainConfig, recipe: TrainConfig) -> None:
        """Show another configuration in place of what the user has set, which can be taken back until the next change."""
        before = self._config
        self.set_config(chosen, recipe)
        self._before = before if before not in (chosen, recipe) else None
        self._show_way_back()

    def take_back(self) -> None:
        """Set everything as it was before it was replaced, as differences from the recipe that is chosen now."""
        if before := self._before:
            self.set_config(before, self._recipe)

    def _show_way_back(self) -> None:
        self.back_button.setVisible(self._before is not None)

    def set_findings(self, known: Sequence[str]) -> None:
        """Say which findings the project has."""
        self._findings = known
        for key in ("task.findings", "choice.finding"):
            if row := self.rows.get(key):
                row.control.set_findings(known)

    def set_devices(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Say which devices there are: mappings with name, label, memory, free (bytes), the best first."""
        if row := self.rows.get("compute.device"):
            row.control.set_devices(found)
            row.show_value(config.get(self._config, "compute.device"))

    def show_setting(self, key: str) -> None:
        """Bring a setting into sight and give it the focus."""
        if key not in self.rows or self.rows[key].setting in self._folded():
            self.others.unfold(True)
            self.others.search.clear()
        self.rows[key].control.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_wide(self, wide: bool) -> None:
        """Two columns, or one."""
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if direction != self._box.direction():
            self._box.setDirection(direction)

    def _lay_out(self, middle: QWidget | None) -> None:
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(2 * theme.SPACE)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(theme.heading("Settings", level=2))
        for row in self._make(item for item in self._shown if item.essential):
            left.addWidget(row)
            if row.setting.key == METRIC:
                for following in self._make(item for item in self._shown if item.key in FOLLOWING):
                    left.addWidget(following)
        left.addStretch()
        for part in filter(None, (middle, self.others, self.differences)):
            right.addWidget(part)
        ways = QHBoxLayout()
        for button in (self.reset_button, self.back_button):
            ways.addWidget(button)
        ways.addStretch()
        right.addLayout(ways)
        right.addStretch()
        for column in (left, right):
            column.setSpacing(theme.SPACE // 2)
            self._box.addLayout(column, 1)

    def _make(self, items: Iterable[Setting]) -> list[SettingRow]:
        """Rows that show the configuration, their controls below each other."""
        font = self.font()
        font.setBold(True)
        bold, plain = QFontMetrics(font), self.fontMetrics()
        name = max(bold.horizontalAdvance(item.label) for item in self._shown if item.essential) + theme.SPACE
        unit = max(plain.horizontalAdvance(item.unit) for item in self._shown) + 2
        made = [SettingRow(item) for item in items]
        for row in made:
            row.align(name, unit)
            row.show_value(config.get(self._config, row.setting.key))
            row.edited.connect(self._take)
            row.reset_wanted.connect(self.reset)
            row.glossary_wanted.connect(self.glossary_wanted)
            self.rows[row.setting.key] = row
        return made

    def _folded(self) -> list[Setting]:
        """The settings that are folded away."""
        return [item for item in self._shown if not item.essential and item.key not in FOLLOWING]

    def _make_others(self) -> None:
        rows = self._make(self._folded())
        self.others.set_rows(rows)
        self.set_findings(self._findings)
        for row in rows:
            self._compare(row)

    def _take(self, key: str) -> None:
        row = self.rows[key]
        try:
            self._config = take(row, self._config)
        except ConfigError as error:
            row.complain(_words(error))
        else:
            row.complain("")
        self._settled()

    def _settled(self) -> None:
        """Look at settings together, mark the rows, and say that something has changed."""
        self._before = None
        self._show_way_back()
        self._check_backbone()
        for row in self.rows.values():
            self._compare(row)
        for key, acts in FOLLOWING.items():
            if row := self.rows.get(key):
                row.setVisible(acts(self._config.choice) or row.is_marked)
        changes = self.changes()
        self.others.say_count(len({item.key for item in self._folded()} & set(changes)))
        self.differences.setText(f"{counted(len(changes), 'setting')} changed from the recipe.")
        self.differences.setVisible(bool(changes))
        self.reset_button.setVisible(bool(changes) or bool(self.problems()))
        self.changed.emit()

    def _is_wrong(self, row: SettingRow) -> bool:
        """Whether what stands in its control cannot be its value."""
        try:
            take(row, self._config)
        except ConfigError:
            return True
        return False

    def _compare(self, row: SettingRow) -> None:
        key = row.setting.key
        row.compare(config.get(self._config, key), config.get(self._recipe, key))

    def _check_backbone(self) -> None:
        """Whether the backbone can take images of this size and has these features; a wrong value by itself is told first."""
        model = self._config.model
        wrong: ConfigError | None = None
        try:
            architectures.check(model.backbone, model.size, model.features, model.head)
        except ConfigError as error:
            wrong = error
        place = wrong.where if wrong else ""
        if place in ("model.features", "model.head") and place not in self.rows:  # folded away: told where it is seen
            place = "model.backbone"
        for key in ("model.size", "model.features", "model.head", "model.backbone"):
            row = self.rows.get(key)
            if row is not None and not self._is_wrong(row):
                row.complain(_words(wrong) if wrong and key == place else "")


def _words(error: ConfigError) -> str:
    return in_window(f"{error.what}. {error.remedy}".strip())
