"""Operating points by one click: the rules that choose a threshold on validation."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPushButton, QWidget

from cxr_desktop import theme

NAMES = {"youden": "Youden", "f1": "Best F1"}
_TIPS = {
    "youden": "Youden: the threshold of the largest sensitivity + specificity on the validation part.",
    "f1": "The threshold of the largest F1 on the validation part.",
}


class OperatingPoints(QWidget):
    """Buttons for rules, and a number for "sensitivity at least"."""

    chosen = Signal(str)
    """A rule as the trainer writes it: youden, f1, sensitivity=0.9."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        self.buttons = {rule: QPushButton(name) for rule, name in NAMES.items()}
        for rule, button in self.buttons.items():
            button.setToolTip(_TIPS[rule])
            button.clicked.connect(lambda _=False, rule=rule: self.chosen.emit(rule))
            row.addWidget(button)
        self.level = QDoubleSpinBox(minimum=1, maximum=100, value=90, decimals=1, singleStep=1, suffix=" %")
        self.level.setAccessibleName("Least sensitivity")
        self.level.setKeyboardTracking(False)
        self.at_least = QPushButton("Sensitivity at least")
        self.at_least.setToolTip(
            "The highest threshold that finds at least this share of the validation images with the finding."
        )
        self.at_least.clicked.connect(lambda: self.chosen.emit(self.rule()))
        row.addWidget(self.at_least)
        row.addWidget(self.level)
        row.addStretch()

    def rule(self) -> str:
        """ "Sensitivity at least" as a rule."""
        return f"sensitivity={self.level.value() / 100:.3f}".rstrip("0").rstrip(".")
