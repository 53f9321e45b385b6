"""One setting: its name, its control, a sentence on it, and how it differs from the recipe."""

import types
from typing import Any, Protocol

from PySide6.QtCore import QEvent, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import number_box, several_box
from cxr_desktop.widgets.choice_box import BackboneBox, ChoiceBox, DeviceBox
from cxr_desktop.widgets.difference import DOT, Difference
from cxr_desktop.widgets.finding_box import FindingBox
from cxr_desktop.widgets.findings_box import FindingsBox
from cxr_desktop.widgets.number_box import NumberBox
from cxr_desktop.widgets.question import Question
from cxr_desktop.widgets.several_box import SeveralBox
from cxr_desktop.widgets.weights_box import WeightsBox
from cxr_desktop.wording import in_window
from trainer import config
from trainer.config import Setting
from trainer.meanings import METRIC_NAMES, METRICS

_OWN = {
    "model.backbone": BackboneBox,
    "model.weights": WeightsBox,
    "compute.device": DeviceBox,
    "task.findings": FindingsBox,
    "choice.finding": FindingBox,
}
"""Settings whose choices are not written in the configuration, as they depend on program, computer and project."""

NAMES = METRIC_NAMES
"""Choices that have a name for people; the others stand as they are typed in the terminal."""


class Control(Protocol):
    """What all controls of settings have in common."""

    edited: SignalInstance

    def given(self) -> Any:  # noqa: ANN401 - a value or a text that may become one
        """What the user gave, right or wrong. May raise `ConfigError`."""

    def show_value(self, value: Any) -> None:  # noqa: ANN401 - the setting's own type
        """Show a value without saying that it was edited."""


def control_for(setting: Setting) -> QWidget:
    """The control that a setting's kind and choices ask for."""
    if setting.key in _OWN:
        return _OWN[setting.key]()
    if isinstance(setting.kind, types.GenericAlias):
        return SeveralBox(setting)
    if not setting.choices:
        return NumberBox(setting)
    box = ChoiceBox(setting.choices, NAMES)
    if setting.key == "choice.metric":
        box.explain({word: f"{METRIC_NAMES[word]}: {METRICS[word]}." for word in setting.choices if word in METRICS})
    return box


def written(setting: Setting, value: Any) -> str:  # noqa: ANN401 - the setting's own type
    """A value in words, with its unit."""
    if setting.key == "choice.finding":
        return str(value) or "none"
    if isinstance(value, tuple):
        return several_box.written(value) or ("all" if setting.key == "task.findings" else "none")
    if setting.choices:
        return NAMES.get(value, value)
    number = number_box.written(setting, value) if setting.kind in (int, float) else str(value)
    return f"{number} {setting.unit}".strip()


def limits(setting: Setting) -> str:
    """What may be chosen, as a sentence; "" where everything may be."""
    if setting.low is None or setting.high is None:
        return ""
    low, high = (str(end) if isinstance(end, int) else f"{end:g}" for end in (setting.low, setting.high))
    return f"From {low} to {high} {setting.unit}".strip() + "."


class SettingRow(QWidget):
    """`edited` comes after each change by the user; the value stands in the form, not here."""

    edited = Signal(str)
    reset_wanted = Signal(str)
    glossary_wanted = Signal(str)

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self.problem = ""
        self.control: Any = control_for(setting)
        self.name = QLabel(setting.label)
        self.dot = QLabel()
        self.unit = QLabel(setting.unit)
        self.question = Question(setting.term, setting.label, keys="Shift+F1")
        self.difference = Difference(setting.label)
        self.help = theme.muted(in_window(setting.help))
        self.note = theme.muted()
        self.wrong = theme.muted()
        self._describe()
        self._lay_out()
        self.control.edited.connect(self._edited)
        self.question.asked.connect(self.glossary_wanted)
        self.difference.reset_wanted.connect(lambda: self.reset_wanted.emit(setting.key))

    def show_value(self, value: Any) -> None:  # noqa: ANN401 - the setting's own type
        """Show a value; what was typed wrongly is gone."""
        self.control.show_value(value)
        self.complain("")
        self._explain()

    def compare(self, value: Any, recipe: Any) -> None:  # noqa: ANN401 - the setting's own type
        """Mark the row if its value, or what stands in its control, is not that of the recipe."""
        changed = value != recipe or bool(self.problem)
        self.difference.compare(changed, written(self.setting, recipe))
        self._mark(changed)

    def complain(self, problem: str) -> None:
        """Say under the control what is wrong with it; "" if nothing is."""
        self.problem = problem
        self.wrong.setText(problem)
        self.wrong.setVisible(bool(problem))
        self.control.setAccessibleDescription(" ".join(filter(None, (problem, self.help.text(), limits(self.setting)))))

    def remark(self, text: str, role: str = "muted") -> None:
        """Say something more than the setting's own sentence."""
        self.note.setText(text)
        self.note.setVisible(bool(text))
        if role != self.note.property("role"):
            theme.restyled(self.note, role)

    def matches(self, words: list[str]) -> bool:
        """Whether all words (lower case) stand in what can be read of the setting."""
        item = self.setting
        text = " ".join((item.label, item.help, item.key, item.section, item.term, *item.choices)).casefold()
        return all(word in text for word in words)

    def stops(self) -> tuple[QWidget, ...]:
        """What Tab stops at, in the order of the eye."""
        parts = (self.control, self.question)
        return (*(parts[::-1] if isinstance(self.control, FindingsBox) else parts), self.difference.reset)

    @property
    def is_marked(self) -> bool:
        """Whether it is shown as changed."""
        return bool(self.dot.text())

    def event(self, event: QEvent) -> bool:
        """Shift+F1 asks for this setting's word, not for the whole glossary."""
        asks = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_F1
        if asks and event.modifiers() == Qt.KeyboardModifier.ShiftModifier:
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.glossary_wanted.emit(self.setting.term)
            return True
        return super().event(event)

    def _describe(self) -> None:
        item = self.setting
        self.name.setBuddy(self.control)
        for part in (self.control, self.control.focusProxy()):
            if part is not None:
                part.setAccessibleName(item.label)
        if not isinstance(self.control, (ChoiceBox, WeightsBox, FindingsBox)):
            self.control.setToolTip(" ".join(filter(None, (self.help.text(), limits(item)))))
        theme.restyled(self.wrong, "error")
        theme.restyled(self.unit, "muted")
        self.dot.setAccessibleName("Changed")
        self.dot.setForegroundRole(QPalette.ColorRole.Link)  # the accent of the theme

    def _lay_out(self) -> None:
        self.dot.setFixedWidth(self.fontMetrics().horizontalAdvance(DOT))
        self.control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.name.setWordWrap(True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, theme.SPACE // 2, 0, theme.SPACE // 2)
        grid.setHorizontalSpacing(theme.SPACE // 2)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(2, 1)
        below = isinstance(self.control, FindingsBox)  # a list needs the whole width
        for column, part in enumerate((self.dot, self.name, self.control, self.unit, self.question)):
            if part is not self.control or not below:
                grid.addWidget(part, 0, column)
        if below:
            grid.addWidget(self.control, 1, 1, 1, 4)
        grid.addWidget(self.difference, 2, 1, 1, 4)
        for row, label in enumerate((self.wrong, self.note, self.help), start=3):
            grid.addWidget(label, row, 1, 1, 4)
            label.setVisible(label is self.help)

    def _edited(self) -> None:
        self._explain()
        self.edited.emit(self.setting.key)

    def _explain(self) -> None:
        """A choice's own sentence in place of the remark."""
        if isinstance(self.control, ChoiceBox):
            self.remark(self.control.explanation())

    def _mark(self, changed: bool) -> None:
        if changed == self.is_marked:
            return
        self.dot.setText(DOT if changed else "")
        font = self.name.font()
        font.setBold(changed)
        self.name.setFont(font)

    def align(self, name: int, unit: int) -> None:
        """Give name and unit a width (px), so that controls stand below each other; a longer name wraps."""
        self.name.setFixedWidth(name)
        self.unit.setFixedWidth(unit)


def take(row: SettingRow, now: config.TrainConfig) -> config.TrainConfig:
    """The configuration with what stands in a row's control. Raises `ConfigError`."""
    return config.changed(now, {row.setting.key: row.control.given()})
