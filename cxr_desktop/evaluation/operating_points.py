"""Operating points by one click: the rules that choose a threshold on validation."""

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPushButton, QWidget

from cxr_desktop import theme

NAMES = {"youden": "Youden", "f1": "Best F1"}
_TIPS = {
    "youden": "Youden: the threshold of the largest sensitivity + specificity on the validation part.",
    "f1": "The threshold of the largest F1 on the validation part.",
}
F_BETA, AT_SENSITIVITY = "fbeta=", "sensitivity="


class OperatingPoints(QWidget):
    """Buttons for rules, one for F-beta where the run was after it, and a number for "sensitivity at least"."""

    chosen = Signal(str)
    """A rule as the trainer writes it: youden, f1, fbeta=2.0, sensitivity=0.9."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._f_beta = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        self.buttons = {rule: QPushButton(name) for rule, name in NAMES.items()}
        for rule, button in self.buttons.items():
            button.clicked.connect(lambda _=False, rule=rule: self.chosen.emit(rule))
            row.addWidget(button)
        self.f_beta = QPushButton()
        self.f_beta.clicked.connect(lambda: self.chosen.emit(self._f_beta))
        row.addWidget(self.f_beta)
        self.level = QDoubleSpinBox(minimum=1, maximum=100, value=90, decimals=1, singleStep=1, suffix=" %")
        self.level.setAccessibleName("Least sensitivity")
        self.level.setKeyboardTracking(False)
        self.at_least = QPushButton("Sensitivity at least")
        self.at_least.clicked.connect(lambda: self.chosen.emit(self.rule()))
        row.addWidget(self.at_least)
        row.addWidget(self.level)
        row.addStretch()
        self._why = ""
        self.set_rules(())

    @property
    def names(self) -> dict[str, str]:
        """Rules without a number of the user's, and what they are called: the points that are marked on a bar."""
        return {**NAMES, **({self._f_beta: self.f_beta.text()} if self._f_beta else {})}

    def set_rules(self, rules: Iterable[str]) -> None:
        """The rules of a run: its F-beta gets a button."""
        self._f_beta = next((rule for rule in rules if rule.startswith(F_BETA)), "")
        beta = float(self._f_beta.removeprefix(F_BETA) or 1)
        self.f_beta.setVisible(bool(self._f_beta))
        self.f_beta.setText(f"Best F{beta:g}")
        self._beta = beta
        self.explain(self._why)

    def explain(self, why: str) -> None:
        """Say on each of them why it cannot be used; "" what it does."""
        self._why = why
        for part, tip in self._tips().items():
            part.setToolTip(why or tip)

    def rule(self) -> str:
        """ "Sensitivity at least" as a rule."""
        return f"{AT_SENSITIVITY}{self.level.value() / 100:.3f}".rstrip("0").rstrip(".")

    def _tips(self) -> dict[QWidget, str]:
        sensitivity = "The highest threshold that finds at least this share of the validation images with the finding."
        f_beta = (
            "The threshold of the largest F-beta on the validation part, with the beta that the run was after: sensitivity "
            f"counts {self._beta:g} times as much as precision."
        )
        tips: dict[QWidget, str] = {button: _TIPS[rule] for rule, button in self.buttons.items()}
        return {**tips, self.f_beta: f_beta, self.at_least: sensitivity, self.level: sensitivity}
