"""What is done about rare findings, and what the network then sees in one epoch."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
from cxr_desktop.wording import in_window
from trainer import config, imbalance, pitfalls
from trainer.config import TrainConfig
from trainer.errors import ConfigError
from trainer.imbalance import Shown
from trainer.outlook import Outlook

METHOD, LOSS = "imbalance.method", "loss.name"
WEIGHTING, BETA, OWN, RATIO = "imbalance.weighting", "imbalance.beta", "imbalance.weights", "imbalance.ratio"
GAMMA, ALPHA = "loss.gamma", "loss.alpha"
ROWS: Mapping[str, Callable[[TrainConfig], bool]] = {
    WEIGHTING: lambda chosen: chosen.imbalance.method == "class-weights",
    BETA: lambda chosen: chosen.imbalance.method == "class-weights" and chosen.imbalance.weighting == "effective-number",
    OWN: lambda chosen: chosen.imbalance.method == "class-weights" and chosen.imbalance.weighting == "own",
    RATIO: lambda chosen: chosen.imbalance.method == "weighted-sampler",
    GAMMA: lambda chosen: chosen.loss.name == "focal",
    ALPHA: lambda chosen: chosen.loss.name == "focal",
}
"""The rows that belong to a method or to focal loss, and when they do something; one that is changed is always in sight."""
_OF_METHOD: Mapping[str, tuple[str, ...]] = {"class-weights": (WEIGHTING, BETA, OWN), "weighted-sampler": (RATIO,)}
KEYS = frozenset({METHOD, LOSS, *ROWS})
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
        self._rows: Mapping[str, SettingRow] = {}
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

    def place(self, rows: Mapping[str, SettingRow]) -> None:
        """Take the rows of `ROWS`, which the form has made and looks after: each stands below what it belongs to."""
        self._rows = rows
        stops: list[QWidget] = []
        for option in OPTIONS:
            stops += self.methods.stops(option.key)
            for key in _OF_METHOD.get(option.key, ()):
                self.methods.put_below(option.key, rows[key])
                stops += rows[key].stops()
        stops += [self.method_difference.reset, self.focal, self.question, self.focal_difference.reset]
        for key in (GAMMA, ALPHA):
            self._focal_column.addWidget(rows[key])
            stops += rows[key].stops()
        for before, after in pairwise((*stops, self.images.focusProxy())):
            QWidget.setTabOrder(before, after)
        self._show_rows()

    def set_config(self, chosen: TrainConfig, recipe: TrainConfig) -> None:
        """Show a configuration and what differs from the recipe."""
        self._config, self._recipe = chosen, recipe
        self.methods.choose(chosen.imbalance.method)
        self.method_difference.compare(chosen.imbalance.method != recipe.imbalance.method, recipe.imbalance.method)
        self.focal_difference.compare(chosen.loss.name != recipe.loss.name, recipe.loss.name)
        self._show_focal()
        self._show_rows()
        self._ask()
        self._draw()

    def set_outlook(self, outlook: Outlook | None) -> None:
        """Show what the images of the project make of it; None: not known."""
        self._outlook = outlook if outlook and len(outlook.targets) else None
        self._known_by = ()
        if self._outlook is None:
            self._seen = _Seen()
        order = f"In this order: {', '.join(self._outlook.findings)}." if self._outlook else ""
        for key in (OWN, ALPHA):
            if key in self._rows:
                self._rows[key].remark(order)
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
        self._focal_column.setContentsMargins(3 * theme.SPACE, 0, 0, 0)
        self._focal_column.addWidget(self.focal_text)
        self.images.setAccessibleName("Images of each finding as they are and in one epoch")
        self.loss.setAccessibleName("Share of the loss of each finding")
        theme.restyled(self.warning, "warning")
        column.addWidget(theme.heading("Rare findings", level=2))
        column.addWidget(self.methods)
        column.addWidget(self.method_difference)
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

    def _show_rows(self) -> None:
        """Those that do something as it stands, and those that are changed."""
        for key, row in self._rows.items():
            row.setVisible(ROWS[key](self._config) or row.is_marked)

    def _ask(self) -> None:
        """Compute what every method would show, once for the same images, task and weights of yes and no."""
        if self._outlook is None:
            return
        look, task, loss, how = self._outlook, self._config.task.kind, self._config.loss, self._config.imbalance
        known_by = (task, loss.name, loss.alpha, replace(how, method=""))
        if known_by == self._known_by:
            return
        self._known_by = known_by
        self._latest.ask(lambda progress: _look(look, task, loss, how), self._take, lambda error: self._take(_Seen()))

    def _take(self, seen: "_Seen") -> None:
        """What is shown stays until it is replaced, so that nothing jumps."""
        self._seen = seen
        self._draw()

    def _draw(self) -> None:
        seen, findings = self.shown(), self._seen.findings
        told = pitfalls.warnings(self._config, seen)
        told += pitfalls.unmixed(self._outlook.targets, self._config) if self._outlook else ()
        self.warning.setText("\n".join(f"▲ {in_window(sentence)}" for sentence in told))
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


def _look(outlook: Outlook, task: str, loss: config.Loss, how: config.Imbalance) -> _Seen:
    methods = {}
    for option in OPTIONS:
        with suppress(ConfigError):  # own weights that do not fit: the form says so
            methods[option.key] = imbalance.shown(outlook.targets, task, replace(how, method=option.key), loss)
    return _Seen(outlook.findings, task, methods)


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"
