"""Flags on images and whether they are excluded, with what changes both."""

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.elided_label import ElidedLabel

LONGEST = 60
"""Characters of a flag."""


class MarkList(QWidget):
    """Signals ask for a change; whoever stores it calls `set_marks` again.

    `exclusion` is a row of its own, with the state in words and its buttons, to be put where there is room.
    """

    flag_added = Signal(str)
    flag_removed = Signal(str)
    exclusion_wanted = Signal(bool)

    def __init__(self, fixed: Sequence[str] = (), parent: QWidget | None = None) -> None:
        """`fixed` flags belong to the program: they are shown and cannot be changed."""
        super().__init__(parent)
        self._fixed = frozenset(fixed)
        self._flags: dict[str, int] | None = None
        self.state = theme.muted()
        self.exclude = QPushButton("Exclude")
        self.exclude.setToolTip("Leave out of splits, training and figures. Nothing is deleted.")
        self.include = QPushButton("Include")
        self.include.setToolTip("Take in again")
        self.exclude.clicked.connect(lambda: self.exclusion_wanted.emit(True))
        self.include.clicked.connect(lambda: self.exclusion_wanted.emit(False))
        self.field = QComboBox(editable=True)
        self.field.setAccessibleName("Flag to put on")
        self.field.lineEdit().setPlaceholderText("Flag, for example: rotated")
        self.field.lineEdit().setMaxLength(LONGEST)
        self.field.setMinimumContentsLength(8)
        self.field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.field.lineEdit().returnPressed.connect(self._add)
        self.add = QPushButton("Add flag")
        self.add.clicked.connect(self._add)
        for button in (self.exclude, self.include, self.add):
            button.setAutoDefault(False)
        self.exclusion = QWidget()
        row = QHBoxLayout(self.exclusion)
        row.setContentsMargins(0, 0, 0, 0)
        for part in (self.state, self.exclude, self.include):
            row.addWidget(part)
        self.state.setWordWrap(False)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(0, 1)
        self._arrange()

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.addWidget(self.field, 1)
        line.addWidget(self.add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(self._grid)
        column.addLayout(line)

    def set_marks(self, flags: Mapping[str, int], excluded: int, images: int) -> None:
        """Show how many of so many images have which flag, and how many are excluded."""
        self.exclude.setVisible(excluded < images or not images)
        self.include.setVisible(excluded > 0)
        self.exclude.setEnabled(images > 0)
        self.state.setText("" if not excluded else "Excluded" if excluded == images else f"{excluded:,} of {images:,} excluded")
        shown = {flag: count if images > 1 else 0 for flag, count in flags.items()}
        if shown != self._flags:
            self._flags = shown
            self._show(images)

    def set_known(self, flags: Sequence[str]) -> None:
        """Offer these flags."""
        text = self.field.currentText()
        self.field.clear()
        self.field.addItems([flag for flag in flags if flag not in self._fixed])
        self.field.setEditText(text)

    def _show(self, images: int) -> None:
        while self._grid.count():
            widget = self._grid.takeAt(0).widget()
            widget.hide()
            widget.deleteLater()
        for line, (flag, count) in enumerate((self._flags or {}).items()):
            words = flag if images == 1 or count == images else f"{flag} ({count:,} of {images:,})"
            self._grid.addWidget(ElidedLabel(f"⚑ {words}"), line, 0)
            if flag in self._fixed:
                continue
            button = QToolButton(text="Remove")
            button.setAccessibleName(f"Remove the flag {flag}")
            button.clicked.connect(partial(self.flag_removed.emit, flag))
            self._grid.addWidget(button, line, 1, Qt.AlignmentFlag.AlignRight)

    def _add(self) -> None:
        flag = " ".join(self.field.currentText().split())
        if flag and flag not in self._fixed:
            self.flag_added.emit(flag)
            self.field.clearEditText()
