"""Choices of settings: one of a few words, a backbone, a device, where the weights come from, which findings."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from trainer import downloads
from trainer.architectures import BACKBONES

AUTO = "auto"
_CHARACTERS = 10
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


class ChoiceBox(QComboBox):
    """One of a list of words; what is not among them (from an older run) is shown all the same."""

    edited = Signal()

    def __init__(self, choices: Sequence[str], names: Mapping[str, str] = _NO_NAMES, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt's own would take the focus for a turn of the wheel
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_CHARACTERS)
        for choice in choices:
            self.addItem(names.get(choice, choice), choice)
        self.activated.connect(lambda: self.edited.emit())
        self.currentIndexChanged.connect(lambda: self.setToolTip(self.explanation() or self.currentText()))

    def given(self) -> str:
        """The word that is chosen."""
        return str(self.currentData())

    def show_value(self, value: str) -> None:
        """Choose a word."""
        if self.findData(value) < 0:
            self.addItem(value, value)
        self.setCurrentIndex(self.findData(value))

    def explanation(self) -> str:
        """A sentence on what is chosen, if there is one."""
        return str(self.currentData(Qt.ItemDataRole.ToolTipRole) or "")

    def explain(self, sentences: Mapping[str, str]) -> None:
        """Give choices their sentences."""
        for word, sentence in sentences.items():
            self.setItemData(self.findData(word), sentence, Qt.ItemDataRole.ToolTipRole)

    def showPopup(self) -> None:  # noqa: N802 - Qt's own name
        """Open the list, wide enough for its longest line."""
        self.view().setMinimumWidth(max(self.width(), self.view().sizeHintForColumn(0) + 2 * self.fontMetrics().height()))
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's own name
        """Without the focus the wheel scrolls the page and changes nothing."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's own name
        """As usual, but a text that is too long ends in dots instead of in the middle of a letter."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        if not self.isEditable():
            part = QStyle.SubControl.SC_ComboBoxEditField
            room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self).width()
            option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room - 4)
            painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """A few letters: longer words end in dots."""
        return QSize(
            self.fontMetrics().averageCharWidth() * _CHARACTERS + self.iconSize().width() * 2, self.sizeHint().height()
        )


class BackboneBox(ChoiceBox):
    """Every backbone: what it is for, its size, and which weights can be fetched for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(list(BACKBONES), parent=parent)
        self.explain(
            {
                row.name: f"{row.help} {row.parameters_millions:.3g} million weights. {downloads.offer(row)}"
                for row in BACKBONES.values()
            },
        )


class DeviceBox(ChoiceBox):
    """The devices of this computer, the best first; until they are known, "auto" alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__([AUTO], parent=parent)
        self.setItemText(0, f"{AUTO} (looking at this computer ...)")

    def set_devices(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Offer devices: mappings with name, label, memory and free (bytes, 0 where unknown)."""
        chosen = self.given()
        self.clear()
        best = f" ({_words(found[0])})" if found else ""
        self.addItem(f"{AUTO}{best}", AUTO)
        for device in found:
            self.addItem(f"{device['name']}: {_words(device)}", device["name"])
        self.explain({device["name"]: f"{_words(device)}." for device in found})
        self.explain({AUTO: f"The best that there is: {_words(found[0])}." if found else ""})
        self.show_value(chosen)

    def show_value(self, value: str) -> None:
        """Choose a device; "cuda" is the first of its kind."""
        wanted = "cuda:0" if value == "cuda" and self.findData("cuda") < 0 and self.findData("cuda:0") >= 0 else value
        super().show_value(wanted)
        if self.findData(wanted) == self.count() - 1 and self.itemText(self.count() - 1) == wanted != AUTO:
            self.setItemText(self.count() - 1, f"{wanted} (not found on this computer)")


def _words(device: Mapping[str, Any]) -> str:
    memory = f", {device['free'] / 2**30:.0f} of {device['memory'] / 2**30:.0f} GiB free" if device.get("memory") else ""
    return f"{device['label']}{memory}"
