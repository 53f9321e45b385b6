"""Train several networks that belong together: how many, of other seeds or of the folds of a cross-validation."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

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


class SeveralDialog(QDialog):
    """Asks; accepted, `words()` is the command for it."""

    def __init__(
        self,
        train: Sequence[str],
        parent: QWidget | None = None,
        *,
        seed: int = 1,
        gpus: Sequence[str] = (),
        wrong: Callable[[str, int], str] = lambda name, count: "",
        alike: str = "",
    ) -> None:
        """`train` are the words of one training with these settings, `seed` its seed; `gpus` several that could share the work.

        `wrong` says why a bag of this name and so many members cannot be; "" if it can. `alike` says why members of several
        seeds would be the same; "" if they would not.
        """
        super().__init__(parent)
        self._train, self._seed, self._gpus, self._wrong = list(train), seed, gpus, wrong
        self._alike = alike
        self._counts = {SEEDS: 10, FOLDS: 5}
        self.setWindowTitle("Train several")
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 64)
        self.kinds = OptionList(OPTIONS)
        self.kinds.chosen.connect(self._kind_chosen)
        self.count = QSpinBox(minimum=bags.FEWEST, maximum=bags.MOST, value=self._counts[SEEDS])
        self.count.setAccessibleName("How many networks")
        self.count.setToolTip(f"From {bags.FEWEST} to {bags.MOST}")
        self.unit = QLabel()
        self.name = QLineEdit(self._named(), placeholderText="date, time and recipe")
        self.name.setAccessibleName("Name of the bag")
        self.name.setToolTip("Its members are called NAME-01, NAME-02, and so on")
        self.over = QCheckBox(f"&Side by side on {len(gpus)} GPUs")
        self.over.setToolTip(f"Each of {', '.join(gpus)} trains a member of its own")
        self.over.setVisible(len(gpus) > 1)
        self.problem = theme.muted()
        theme.restyled(self.problem, "error")
        self.note = theme.muted()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start_button = self.buttons.addButton("Start training", QDialogButtonBox.ButtonRole.AcceptRole)
        theme.restyled(self.start_button, "primary")
        self.start_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self.count.valueChanged.connect(self._say)
        self.name.textChanged.connect(self._say)
        self.over.toggled.connect(self._say)
        self.kinds.choose(FOLDS if alike else SEEDS)
        self._kind_chosen(self.kinds.current())

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
        said += ["--over", *self._gpus] if self.over.isChecked() else []
        number = "--members" if self.kinds.current() == SEEDS else "--folds"
        name = self.name.text().strip()
        return [*said, number, str(self.count.value()), *(["--name", name] if name else [])]

    def _named(self) -> str:
        """The name that was typed for the run."""
        return self._train[self._train.index("--run") + 1] if "--run" in self._train else ""

    def _kind_chosen(self, kind: str) -> None:
        self.count.setValue(self._counts[kind])
        self._say()

    def _say(self) -> None:
        """Which networks these are, how they are trained, and what is wrong."""
        kind, count, name = self.kinds.current(), self.count.value(), self.name.text().strip()
        self._counts[kind] = count
        seeds = f"networks, with the seeds {self._seed} to {self._seed + count - 1}"
        self.unit.setText(seeds if kind == SEEDS else "folds, a network for each")
        how = f"side by side on {len(self._gpus)} GPUs" if self.over.isChecked() else "one after another"
        self.note.setText(
            f"They are trained {how}, which takes {'about ' if kind == FOLDS else ''}{count} times the work of one; stopped or "
            "killed, the bag is resumed as a whole."
        )
        problem = (self._alike if kind == SEEDS else "") or (self._wrong(name, count) if name else "")
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.start_button.setEnabled(not problem)
        self._grow()

    def _grow(self) -> None:
        """Be high enough for sentences that have become longer."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.kinds)
        row = QHBoxLayout()
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
        for part in (self.problem, self.over, self.note):
            column.addWidget(part)
        column.addWidget(self.buttons)
