"""Choose the trained network that reviews: one run, a bag, several as an ensemble, or one that lies elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from trainer import offers
from trainer.offers import Offer

HINT = "Check one model, or several: the probabilities of several are averaged and their spread is shown."
NONE_THERE = "This project has no trained run. Open a run folder or a model file that lies elsewhere."
NO_PROJECT = "No project is open. Open a run folder or a model file (NAME.safetensors)."
_FILES = "Models (*.safetensors);;All files (*)"


class ModelDialog(QDialog):
    """Offers models with a check mark each. Accepted, `chosen()` says which are to be used; none means only to look."""

    wanted = Signal(object)
    """The path of a folder or file that was named and has to be looked at: answer with `add` or `refuse`."""

    def __init__(self, checked: Sequence[Path], *, project_open: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a model")
        self._checked = set(checked)
        self._empty = NONE_THERE if project_open else NO_PROJECT
        self.models = QListWidget()
        self.models.setAccessibleName("Models")
        self.models.setWordWrap(True)
        self.models.setUniformItemSizes(False)
        self.models.setSpacing(2)
        self._refusal = ""
        self.models.itemChanged.connect(self._forgive)
        self.wanted.connect(self._forgive)
        self.hint = theme.muted(HINT)
        self.said = theme.muted()
        theme.restyled(self.said, "error")
        self.said.hide()
        self.folder_button = QPushButton("Open a model &folder…")
        self.folder_button.setToolTip(
            "A run or a bag (PROJECT.cxr/runs/NAME, PROJECT.cxr/bags/NAME), also of a project that is not open."
        )
        self.folder_button.clicked.connect(self._ask_for_folder)
        self.file_button = QPushButton("Open a model f&ile…")
        self.file_button.setToolTip("A trained network by itself, for example best.safetensors.")
        self.file_button.clicked.connect(self._ask_for_file)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Use")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self._judge()

    def add(self, found: Sequence[Offer], *, check: bool = False) -> None:
        """Offer models; those that were checked before, or all with `check`, are checked."""
        known = [self._offer(row).path for row in range(self.models.count())]
        for offer in found:
            if offer.path in known:
                if check:
                    self.models.item(known.index(offer.path)).setCheckState(Qt.CheckState.Checked)
                continue
            item = QListWidgetItem("\n".join(text for text in (offer.name, offer.figure, offer.words()) if text))
            item.setToolTip(str(offer.path))
            item.setData(Qt.ItemDataRole.UserRole, offer)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            marked = check or offer.path in self._checked
            item.setCheckState(Qt.CheckState.Checked if marked else Qt.CheckState.Unchecked)
            self.models.addItem(item)
        if self.models.currentRow() < 0 and self.models.count():
            self.models.setCurrentRow(0)
        self._judge()

    def refuse(self, words: str) -> None:
        """Say why what was named cannot be offered, until something is checked or named anew."""
        self._refusal = words
        self._judge()

    def chosen(self) -> list[Path]:
        """The checked models, in the order shown."""
        return [offer.path for offer in self._marked()]

    def _marked(self) -> list[Offer]:
        rows = range(self.models.count())
        return [self._offer(row) for row in rows if self.models.item(row).checkState() == Qt.CheckState.Checked]

    def _offer(self, row: int) -> Offer:
        offer = self.models.item(row).data(Qt.ItemDataRole.UserRole)
        assert isinstance(offer, Offer)
        return offer

    def _forgive(self) -> None:
        self._refusal = ""
        self._judge()

    def _judge(self) -> None:
        """Refuse what cannot be averaged; say what the button will do."""
        marked = self._marked()
        wrong = offers.clash(marked)
        self.said.setText(wrong or self._refusal)
        self.said.setVisible(bool(wrong or self._refusal))
        use = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        use.setEnabled(not wrong)
        networks = sum(offer.networks for offer in marked)
        use.setText("Only look" if not marked else "Use" if len(marked) == 1 else f"Use {networks} as an ensemble")
        self.hint.setText(HINT if self.models.count() else self._empty)

    def _ask_for_folder(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Open a model folder"):
            self.wanted.emit(Path(chosen))

    def _ask_for_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a model file", "", _FILES)
        if chosen:
            self.wanted.emit(Path(chosen))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.folder_button)
        row.addWidget(self.file_button)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.hint)
        column.addWidget(self.models, 1)
        column.addWidget(self.said)
        column.addLayout(row)
        column.addWidget(self.buttons)
        self.resize(72 * self.fontMetrics().averageCharWidth(), 26 * self.fontMetrics().height())
