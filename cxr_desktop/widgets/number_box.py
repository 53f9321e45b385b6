"""A number of a setting that can be typed in any notation: 3e-4 as well as 0.0003. What is typed stays as it was typed."""

import math
from decimal import Decimal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QStyle, QStyleOptionSpinBox, QWidget

from trainer.config import Setting

WIDE = 1e4
"""From this ratio of the limits on, steps multiply (1, 2, 5, 10) instead of adding, and numbers are written as 3e-4."""
_SERIES = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))


def written(setting: Setting, value: float) -> str:
    """A number as it is written in the control of its setting."""
    if setting.kind is int:
        return str(int(value))
    if _is_wide(setting):
        digits, exponent = f"{Decimal(repr(float(value))).normalize():e}".split("e")
        return f"{digits}e{int(exponent)}"
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _is_wide(setting: Setting) -> bool:
    return setting.kind is float and bool(setting.low) and bool(setting.high) and setting.high / setting.low >= WIDE


class NumberBox(QAbstractSpinBox):
    """Takes every text; whether it is a number within the limits is said by whoever owns the setting.

    Arrow keys, page keys and (with the focus) the wheel step from the last number, never over a limit.
    """

    edited = Signal()

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert setting.low is not None
        assert setting.high is not None, "every number has limits"
        self._setting = setting
        self._whole = setting.kind is int
        self._low, self._high = Decimal(repr(setting.low)), Decimal(repr(setting.high))
        self._wide = _is_wide(setting)
        self._step = Decimal(repr(setting.step)) if setting.step else self._usual_step()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt's own would take the focus for a turn of the wheel
        self.lineEdit().textEdited.connect(lambda: self.edited.emit())

    def given(self) -> str:
        """The text, as it stands."""
        return self.text().strip()

    def show_value(self, value: float) -> None:
        """Write a number, unless it is the one that already stands there in another notation."""
        now = self._number()
        if now is None or float(now) != float(value):
            self.lineEdit().setText(written(self._setting, value))

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's own name
        """Go so many steps up or down."""
        number = self._number()
        if number is None:
            return
        for _ in range(abs(steps)):
            number = self._beside(number, 1 if steps > 0 else -1)
        number = min(max(number, self._low), self._high)
        self.lineEdit().setText(written(self._setting, float(number)))
        self.selectAll()
        self.edited.emit()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:  # noqa: N802 - Qt's own name
        """Which way there is room."""
        number, flag = self._number(), QAbstractSpinBox.StepEnabledFlag
        if number is None:
            return flag.StepNone
        up = flag.StepUpEnabled if number < self._high else flag.StepNone
        return up | (flag.StepDownEnabled if number > self._low else flag.StepNone)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let everything in: a wrong number is told, not swallowed."""
        return QValidator.State.Acceptable, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's own name
        """Without the focus the wheel scrolls the page and changes nothing."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """Room for ten figures."""
        text = QSize(self.fontMetrics().horizontalAdvance("0" * 10), self.lineEdit().sizeHint().height() + 2)
        option = QStyleOptionSpinBox()
        self.initStyleOption(option)
        return self.style().sizeFromContents(QStyle.ContentsType.CT_SpinBox, option, text, self)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """Room for the usual five figures."""
        return QSize(self.sizeHint().width() - self.fontMetrics().horizontalAdvance("0" * 5), self.sizeHint().height())

    def _number(self) -> Decimal | None:
        try:
            value = float(self.text())
        except ValueError:
            return None
        return Decimal(repr(value)) if math.isfinite(value) else None

    def _usual_step(self) -> Decimal:
        return Decimal(1) if self._whole or self._high >= 100 else Decimal("0.5") if self._high > 1 else Decimal("0.05")

    def _beside(self, number: Decimal, direction: int) -> Decimal:
        """The next number of the series 1, 2, 5, 10, or the next multiple of the step."""
        if not self._wide:
            places = number / self._step
            whole = places.to_integral_value(rounding="ROUND_FLOOR" if direction > 0 else "ROUND_CEILING")
            return (whole + direction) * self._step
        if number <= 0:
            return self._low
        power = Decimal(10) ** number.adjusted()
        near = [part * power * scale for scale in (Decimal("0.1"), Decimal(1)) for part in _SERIES]
        return min(n for n in near if n > number) if direction > 0 else max(n for n in near if n < number)
