"""Several numbers or words of one setting in a line, with commas between them."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from trainer import config
from trainer.config import Setting
from trainer.errors import ConfigError


def written(values: Sequence[float | str]) -> str:
    """Numbers or words as they stand in the line: "0.25, 4"."""
    return ", ".join(one if isinstance(one, str) else f"{one:g}" if float(f"{one:g}") == one else repr(one) for one in values)


class SeveralBox(QLineEdit):
    """Takes every text; whether it can be the value is said by whoever owns the setting."""

    edited = Signal()

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = setting.key
        self.setPlaceholderText("none")
        self.textEdited.connect(lambda: self.edited.emit())

    def given(self) -> str:
        """The text, as it stands."""
        return self.text().strip()

    def show_value(self, value: Sequence[float | str]) -> None:
        """Write numbers or words, unless they are those that already stand there in another notation."""
        if not self.given() or self._stands() != tuple(value):  # nothing stands for a default, which is to be seen
            self.setText(written(value))

    def _stands(self) -> object:
        """What the text stands for, None where it cannot be a value."""
        try:
            return config.get(config.changed(config.TrainConfig(), {self._key: self.given()}), self._key)
        except ConfigError:
            return None
