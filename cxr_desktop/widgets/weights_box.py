"""Where the weights of a network come from: one of two words, or a file."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.choice_box import ChoiceBox
from trainer.downloads import IMAGENET, RANDOM, SUFFIXES


class WeightsBox(QWidget):
    """imagenet, none, or the path of a weights file, typed or chosen."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = ChoiceBox([IMAGENET, RANDOM])
        self.box.setEditable(True)
        self.box.setInsertPolicy(ChoiceBox.InsertPolicy.NoInsert)
        self.box.edited.connect(self.edited)
        line = self.box.lineEdit()
        assert isinstance(line, QLineEdit)
        line.textEdited.connect(lambda: self.edited.emit())
        self.button = QToolButton(text="…")
        self.button.setToolTip("Choose a weights file of this computer")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setAccessibleName("Choose a weights file")
        self.button.clicked.connect(self.choose)
        self.setFocusProxy(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE // 2)
        row.addWidget(self.box, 1)
        row.addWidget(self.button)

    def given(self) -> str:
        """What stands there."""
        return self.box.currentText().strip()

    def show_value(self, value: str) -> None:
        """Write it, with the end of a long path in sight."""
        if value != self.given():
            self.box.setCurrentIndex(self.box.findData(value))
            self.box.setEditText(value)
        self.box.setToolTip(value)

    def choose(self) -> None:
        """Ask for a file."""
        now = Path(self.given()).expanduser()
        folder = str(now.parent) if now.is_file() else ""
        kinds = f"Weights ({' '.join('*' + suffix for suffix in SUFFIXES)})"
        found, _ = QFileDialog.getOpenFileName(self, "Weights file", folder, kinds)
        if found:
            self.show_value(found)
            self.edited.emit()
