"""How the images are to be divided: shares, folds, seed, name."""

import random
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme

FOLDS = (0, *range(2, 21))
TEST, VALIDATION = 20, 10
"""Percent of all images that are proposed."""
LONGEST = 80
"""Characters of a split's name."""
WHAT = "All images of a patient stand in the same part. The test part stays sealed until an evaluation opens it."


class SplitForm(QWidget):
    """The settings of a split. `changed` says that it has to be computed anew, `renamed` only that its name is another."""

    changed = Signal()
    renamed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keep = QRadioButton("Keep the dataset's own parts")
        self.anew = QRadioButton("Divide anew, by patient")
        self.anew.setChecked(True)
        self._ways = QButtonGroup(self)
        self.given = theme.muted()
        self.test = _percent(TEST, 0, "Share of the images for the sealed test part")
        self.validation = _percent(VALIDATION, 1, "Share of the images on which thresholds and the best epoch are chosen")
        self.train = QLabel()
        self.folds = QComboBox()
        self.folds.setToolTip("Cross-validation: each image stands in the test part of exactly one fold")
        for number in FOLDS:
            self.folds.addItem(f"{number} folds" if number else "none", number)
        self.seed = QSpinBox(maximum=2**31 - 1, value=1)
        self.seed.setToolTip("The same seed divides the same images in the same way")
        self.another = QPushButton("Another")
        self.another.setAutoDefault(False)
        self.another.setToolTip("Take a seed by chance")
        self.name = QLineEdit(maxLength=LONGEST)
        self.name.setToolTip("Runs and results name the split by it")
        self.remark = theme.muted()
        self._lay_out()
        self._connect()
        self.set_given({})
        self._change()

    def set_given(self, given: Mapping[str, int]) -> None:
        """Say which parts the dataset came with (name -> images); where there are some, they can be kept."""
        named = {part: count for part, count in given.items() if part}
        for widget in (self.keep, self.anew, self.given):
            widget.setVisible(bool(named))
        listed = ", ".join(f"{part} {count:,}" for part, count in named.items())
        self.given.setText(f"It came with: {listed}. A part that is missing is cut out of train.")
        if named and not self.keep.isChecked():
            self.keep.setChecked(True)

    def asked(self) -> dict[str, Any]:
        """The settings as `trainer.split.planned` takes them, without a name."""
        seed = {"seed": self.seed.value()}
        if self.keep.isChecked():
            return seed
        folds = int(self.folds.currentData())
        shares = {"val": self.validation.value() / 100}
        return seed | shares | ({"folds": folds} if folds else {"test": self.test.value() / 100})

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Te&st", self.test)
        form.addRow("&Validation", self.validation)
        form.addRow("Train", self.train)
        form.addRow("&Cross-validation", self.folds)
        row = QHBoxLayout()
        row.addWidget(self.seed, 1)
        row.addWidget(self.another)
        form.addRow("&Seed", row)
        form.labelForField(row).setBuddy(self.seed)
        form.addRow("&Name", self.name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for button in (self.keep, self.anew):
            self._ways.addButton(button)
        column.addWidget(theme.muted(WHAT))
        column.addWidget(self.keep)
        column.addWidget(self.given)
        column.addWidget(self.anew)
        column.addLayout(form)
        column.addWidget(self.remark)
        column.addStretch()
        self.train.setAccessibleName("Share of the images for training")

    def _connect(self) -> None:
        self._ways.buttonToggled.connect(lambda _, checked: checked and self._change())
        self.test.valueChanged.connect(self._change)
        self.validation.valueChanged.connect(self._change)
        self.folds.currentIndexChanged.connect(self._change)
        self.seed.valueChanged.connect(self._change)
        self.another.clicked.connect(lambda: self.seed.setValue(random.randrange(10_000)))  # noqa: S311 - a seed, no secret
        self.name.textChanged.connect(self.renamed)

    def _change(self) -> None:
        anew, folds = not self.keep.isChecked(), int(self.folds.currentData())
        for widget in (self.validation, self.folds):
            widget.setEnabled(anew)
        self.test.setEnabled(anew and not folds)
        self.validation.setMaximum(99 - (100 // folds if folds else self.test.value()))
        self.test.setMaximum(99 - self.validation.value())
        test = 100 / folds if folds else self.test.value()
        self.train.setText(f"{100 - test - self.validation.value():.3g} %" if anew else "as given")
        self.changed.emit()


def _percent(value: int, lowest: int, tip: str) -> QSpinBox:
    field = QSpinBox(minimum=lowest, maximum=98, value=value, suffix=" %")
    field.setToolTip(tip)
    return field
