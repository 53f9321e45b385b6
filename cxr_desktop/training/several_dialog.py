"""Train several networks that belong together: how many, of other seeds or of the folds of a cross-validation."""

from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.option_list import Option, OptionList
from trainer import bags

SEEDS, FOLDS = bags.SEEDS, bags.FOLDS
OPTIONS = (
    Option(
        SEEDS,
        "A bag: other seeds, same images",
        "Their averaged prediction is usually a little better than each, and their spread shows how much is chance.",
    ),
    Option(
        FOLDS,
        "A cross-validation: one for each fold",
        "Each image is predicted by the network that has not learned from it; folds are made by patient, beside your split.",
    ),
)
_AT_FIRST = {SEEDS: 10, FOLDS: 5}


class SeveralDialog(QDialog):
    """Asks; accepted, `words()` is the command for it."""

    def __init__(self, train: Sequence[str], parent: QWidget | None = None) -> None:
        """`train` are the words of one training with these settings."""
        super().__init__(parent)
        self._train = list(train)
        self.setWindowTitle("Train several")
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 64)
        self.kinds = OptionList(OPTIONS)
        self.kinds.chosen.connect(self._kind_chosen)
        self.count = QSpinBox(minimum=bags.FEWEST, maximum=bags.MOST, value=_AT_FIRST[SEEDS])
        self.count.setAccessibleName("How many networks")
        self.name = QLineEdit(placeholderText="date, time and recipe")
        self.name.setAccessibleName("Name of the bag")
        self.note = theme.muted("They are trained one after another; stopped or killed, the bag is resumed as a whole.")
        self.note.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start_button = self.buttons.addButton("Start training", QDialogButtonBox.ButtonRole.AcceptRole)
        theme.restyled(self.start_button, "primary")
        self.start_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self._kind_chosen(SEEDS)

    def words(self) -> list[str]:
        """The words after `cxr-trainer`: those of the training, for a bag."""
        left = iter(self._train[1:])
        said = ["bag"]
        for word in left:
            if word == "--run" or (word == "--split" and self.kinds.current() == FOLDS):
                next(left)  # members have names of their own, and folds are made where the active split has none
            elif word == "--device":
                said += ["--over", next(left)]
            else:
                said.append(word)
        number = "--members" if self.kinds.current() == SEEDS else "--folds"
        name = self.name.text().strip()
        return [*said, number, str(self.count.value()), *(["--name", name] if name else [])]

    def _kind_chosen(self, kind: str) -> None:
        self.count.setValue(_AT_FIRST[kind])
        self.unit.setText("networks" if kind == SEEDS else "folds")

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.kinds)
        row = QHBoxLayout()
        self.unit = QLabel()
        label = QLabel("&How many")
        label.setBuddy(self.count)
        for part in (label, self.count, self.unit):
            row.addWidget(part)
        row.addStretch()
        column.addLayout(row)
        named = QHBoxLayout()
        label = QLabel("&Name of the bag")
        label.setBuddy(self.name)
        named.addWidget(label)
        named.addWidget(self.name, 1)
        column.addLayout(named)
        column.addWidget(self.note)
        column.addWidget(self.buttons)
