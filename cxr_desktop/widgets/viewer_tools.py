"""The buttons above a radiograph: one line where there is room, two where there is not."""

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.widgets.viewer_actions import ViewerActions

SMALLEST, LARGEST = 1e-6, 1e6


class Maximum(QDoubleSpinBox):
    """A positive number of any size, written with three digits."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(7)
        self.setRange(SMALLEST, LARGEST)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """Without the noughts."""
        return f"{value:.3g}" if value < 1000 else f"{value:.0f}"

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for six characters instead of fourteen."""
        hint = super().sizeHint()
        return QSize(self.fontMetrics().horizontalAdvance("0.00000") + 2 * hint.height(), hint.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide."""
        return self.sizeHint()


class ViewerTools(QWidget):
    """Buttons for the image, and controls for its heat map, which are only there with one."""

    opacity_moved = Signal(float)
    """0 to 1."""
    scale_chosen = Signal(bool)
    """Whether the scale is fixed."""
    maximum_changed = Signal(float)

    def __init__(self, actions: ViewerActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = _row([_button(action) for action in self._image_buttons(actions)])
        self._image.layout().insertWidget(5, self._preset_button(actions))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.scale = QComboBox()
        self.maximum = Maximum()
        self._heat = _row([*(_button(action) for action in actions.modes.values()), *self._heat_controls()])
        self._rows = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addWidget(self._image)
        self._rows.addWidget(self._heat)
        self._rows.addStretch()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.opacity.valueChanged.connect(lambda value: self.opacity_moved.emit(value / 100))
        self.scale.activated.connect(lambda index: self.scale_chosen.emit(index == 1))
        self.maximum.valueChanged.connect(self.maximum_changed)

    def show_heat(self, shown: bool) -> None:
        """Whether there is a heat map to be controlled."""
        self._heat.setVisible(shown)
        self._arrange()

    def show_state(self, opacity: float, fixed: bool, maximum: float) -> None:
        """What the controls stand on, without telling anybody."""
        for control in (self.opacity, self.scale, self.maximum):
            control.blockSignals(True)
        self.opacity.setValue(round(opacity * 100))
        self.scale.setCurrentIndex(int(fixed))
        self.maximum.setValue(maximum)
        for control in (self.opacity, self.scale, self.maximum):
            control.blockSignals(False)
        self.maximum.setVisible(fixed)
        self._arrange()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As narrow as the wider of the two rows."""
        rows = [row for row in (self._image, self._heat) if not row.isHidden()]
        return QSize(max(row.sizeHint().width() for row in rows), self._rows.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """One line or two."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        heat = 0 if self._heat.isHidden() else self._heat.sizeHint().width() + 2 * theme.SPACE
        fits = self._image.sizeHint().width() + heat <= self.width()
        self._rows.setSpacing(2 * theme.SPACE if fits else theme.SPACE // 4)
        self._rows.setDirection(QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom)
        self.updateGeometry()

    @staticmethod
    def _image_buttons(actions: ViewerActions) -> list[QAction]:
        sight = [actions.fit, actions.actual, actions.zoom_out, actions.zoom_in]
        return [*sight, actions.window, actions.invert, actions.reset]

    def _preset_button(self, actions: ViewerActions) -> QToolButton:
        button = QToolButton()
        button.setText("Presets")
        button.setToolTip("Windows that suit parts of the chest")
        button.setAccessibleName("Window presets")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(button)
        menu.addActions(list(actions.presets.values()))
        button.setMenu(menu)
        return button

    def _heat_controls(self) -> list[QWidget]:
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setAccessibleName("Opacity of the heat map in percent")
        self.opacity.setToolTip("Opacity of the heat map (, and .): how much the strongest evidence covers.")
        self.opacity.setMinimumWidth(self.fontMetrics().horizontalAdvance("0" * 8))
        self.opacity.setMaximumWidth(self.fontMetrics().horizontalAdvance("0" * 16))
        self.scale.addItems(["This image", "Fixed"])
        self.scale.setAccessibleName("Scale of the heat map")
        self.scale.setToolTip(
            "What the brightest colour stands for (S): this image's own maximum, or the same value in all images, so that they "
            "can be compared."
        )
        self.maximum.setAccessibleName("Value of the brightest colour")
        self.maximum.setToolTip("Value of the brightest colour in all images.")
        return [_label("Opacity", self.opacity), self.opacity, _label("Scale", self.scale), self.scale, self.maximum]


def _label(text: str, control: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(control)
    label.setIndent(theme.SPACE // 2)
    return label


def _row(widgets: list[QWidget]) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.SPACE // 4)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return row


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setAutoRaise(True)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    side = round(button.fontMetrics().height() * 1.3)
    button.setIconSize(QSize(side, side))
    button.setAccessibleName(action.text().replace("&", ""))
    return button


def rounded_up(value: float) -> float:
    """The next number of two digits: 3.14 -> 3.2; 1 where there is nothing to go by."""
    if not value > 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return min(max(round(math.ceil(value / unit - 1e-5) * unit, 12), SMALLEST), LARGEST)
