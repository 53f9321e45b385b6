"""What is done about rare findings, and what the network then sees in one epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.widgets.bar_chart import BarChart
from cxr_desktop.widgets.difference import Difference
from cxr_desktop.widgets.option_list import Option, OptionList
from cxr_desktop.widgets.question import Question
from cxr_desktop.widgets.setting_row import SettingRow
from trainer import config, imbalance
from trainer.config import TrainConfig
from trainer.imbalance import Shown
from trainer.outlook import Outlook

METHOD, LOSS, GAMMA = "imbalance.method", "loss.name", "loss.gamma"
KEYS = frozenset({METHOD, LOSS, GAMMA})
"""The settings that stand here instead of in the form."""

OPTIONS = (
    Option("none", "None", "Every image once. Frequent findings rule the loss; probabilities stay close to frequencies."),
    Option(
        "class-weights",
        "Class weights",
        "Every image once, but a mistake on a rare finding costs more. Few images with large weights make training unsteady.",
        "class weights",
    ),
    Option(
        "weighted-sampler",
        "Weighted sampler",
        "Rare findings are drawn more often, frequent ones less, in an epoch of the same length. Some images are left out.",
        "weighted sampler",
    ),
    Option(
        "oversampling",
        "Oversampling",
        "Images of rarer findings are repeated until all are as many as the commonest. Nothing is lost; epochs take longer.",
        "oversampling",
    ),
    Option(
        "undersampling",
        "Undersampling",
        "Each epoch draws anew from the commoner findings as many as the rarest has. Short epochs that leave most images out.",
        "undersampling",
    ),
)
AS_THEY_ARE, IN_AN_EPOCH = "as they are", "in one epoch"
_RIGHT = (0.9, 0.5)


class ImbalanceBox(QWidget):
    """Shows a configuration; what the user changes is told, and shown when it comes back by `set_config`."""

    changed = Signal(str, object)
    """Dotted key and the value that the user wants."""
    glossary_wanted = Signal(str)

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._latest = Latest(project, self)
        self._config = self._recipe = TrainConfig()
        self._gamma: SettingRow | None = None
        self._outlook: Outlook | None = None
        self._seen = _Seen()
        self._known_by: tuple[object, ...] = ()
        self.methods = OptionList(OPTIONS)
        self.focal = QCheckBox("Focal loss")
        self.question = Question("focal loss", "Focal loss")
        self.focal_text = theme.muted()
        self.method_difference, self.focal_difference = Difference("imbalance", dot=True), Difference("focal loss", dot=True)
        self.images, self.loss = BarChart(), BarChart()
        self.images_title, self.loss_title = theme.muted(), theme.muted()
        self.warning = theme.muted()
        self._lay_out()
        self._connect()

    def place_gamma(self, row: SettingRow) -> None:
        """Take the row of gamma, which the form has made and looks after."""
        self._gamma = row
        self._focal_column.addWidget(row)
        stops = (self.focal_difference.reset, *row.stops(), self.images.focusProxy())
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)
        self._show_focal()

    def set_config(self, chosen: TrainConfig, recipe: TrainConfig) -> None:
        """Show a configuration and what differs from the recipe."""
        self._config, self._recipe = chosen, recipe
        self.methods.choose(chosen.imbalance.method)
        self.method_difference.compare(chosen.imbalance.method != recipe.imbalance.method, recipe.imbalance.method)
        self.focal_difference.compare(chosen.loss.name != recipe.loss.name, recipe.loss.name)
        self._show_focal()
        self._ask()
        self._draw()

    def set_outlook(self, outlook: Outlook | None) -> None:
        """Show what the images of the project make of it; None: not known."""
        self._outlook = outlook if outlook and len(outlook.targets) else None
        self._known_by = ()
        if self._outlook is None:
            self._seen = _Seen()
        self._ask()
        self._draw()

    def shown(self) -> Shown | None:
        """What the charts show; None as long as it is not known."""
        return self._seen.methods.get(self._config.imbalance.method)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        self._focal_column = QVBoxLayout()
        indent = 3 * theme.SPACE
        self._focal_column.setContentsMargins(indent, 0, 0, 0)
        self._focal_column.addWidget(self.focal_text)
        self.images.setAccessibleName("Images of each finding as they are and in one epoch")
        self.loss.setAccessibleName("Share of the loss of each finding")
        theme.restyled(self.warning, "warning")
        column.addWidget(theme.heading("Rare findings", level=2))
        for part in (self.methods, self.method_difference):
            column.addWidget(part)
        focal = QHBoxLayout()
        focal.addWidget(self.focal, 1)
        focal.addWidget(self.question)
        column.addLayout(focal)
        column.addWidget(self.focal_difference)
        column.addLayout(self._focal_column)
        for part in (self.warning, self.images_title, self.images, self.loss_title, self.loss):
            column.addWidget(part)
        self._draw()

    def _connect(self) -> None:
        self.methods.chosen.connect(lambda method: self.changed.emit(METHOD, method))
        self.methods.glossary_wanted.connect(self.glossary_wanted)
        self.question.asked.connect(self.glossary_wanted)
        self.focal.clicked.connect(lambda on: self.changed.emit(LOSS, "focal" if on else "cross-entropy"))
        self.method_difference.reset_wanted.connect(lambda: self.changed.emit(METHOD, self._recipe.imbalance.method))
        self.focal_difference.reset_wanted.connect(lambda: self.changed.emit(LOSS, self._recipe.loss.name))

    def _show_focal(self) -> None:
        loss = self._config.loss
        on = loss.name == "focal"
        self.focal.setChecked(on)
        parts = [f"one called right with {_percent(right)} counts {_percent((1 - right) ** loss.gamma)}" for right in _RIGHT]
        self.focal_text.setText(
            f"Images that are already right count less: with gamma {loss.gamma:g}, {' and '.join(parts)} of its cross entropy. "
            "The curve of the training loss then lies below that of validation, which stays cross entropy."
        )
        if self._gamma:
            self._gamma.setVisible(on or self._gamma.is_marked)

    def _ask(self) -> None:
        """Compute what every method would show, once for the same images, task and weights of yes and no."""
        if self._outlook is None:
            return
        look, task, loss = self._outlook, self._config.task.kind, self._config.loss
        known_by = (task, loss.name, loss.alpha)
        if known_by == self._known_by:
            return
        self._known_by = known_by
        self._latest.ask(lambda progress: _look(look, task, loss), self._take, lambda error: self._take(_Seen()))

    def _take(self, seen: "_Seen") -> None:
        """What is shown stays until it is replaced, so that nothing jumps."""
        self._seen = seen
        self._draw()

    def _draw(self) -> None:
        seen, findings = self.shown(), self._seen.findings
        told = imbalance.warnings(self._config, seen)
        self.warning.setText("\n".join(f"▲ {sentence}" for sentence in told))
        self.warning.setVisible(bool(told))
        for part in (self.images_title, self.images, self.loss_title, self.loss):
            part.setVisible(seen is not None)
        if seen is None:
            return
        self.images_title.setText(f"What the network sees in one epoch: {seen.length:,} images (there are {seen.count:,}).")
        values = np.stack([seen.present, seen.images.round()], axis=1)
        self.images.set_data(findings, (AS_THEY_ARE, IN_AN_EPOCH), values, stacked=False)
        self._draw_loss(findings, seen.loss_share * 100)

    def _draw_loss(self, findings: tuple[str, ...], share: NDArray[np.float64]) -> None:
        """Where the loss comes from before anything is learned: what can be said without training."""
        start = "Share of the loss, in %, before anything is learned"
        if self._seen.task == "multi-class":
            self.loss_title.setText(f"{start}: what the network is pushed to get right.")
            self.loss.set_data(findings, ("share",), share[:, None].round(), unit="% of the loss")
        else:
            self.loss_title.setText(f"{start}: of each finding, by images with and without it. Half and half is even.")
            self.loss.set_data(
                findings, ("with", "without"), np.stack([share, 100 - share], axis=1).round(), unit="% of its loss"
            )


@dataclass(frozen=True, eq=False)
class _Seen:
    """What each method would show of some findings."""

    findings: tuple[str, ...] = ()
    task: str = ""
    methods: Mapping[str, Shown] = field(default_factory=dict)


def _look(outlook: Outlook, task: str, loss: config.Loss) -> _Seen:
    methods = {option.key: imbalance.shown(outlook.targets, task, option.key, loss) for option in OPTIONS}
    return _Seen(outlook.findings, task, methods)


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"
