"""One of a few options, each with a sentence or a paragraph about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QLabel, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.question import Question


@dataclass(frozen=True)
class Option:
    """`term` is its entry in the glossary ("": none)."""

    key: str
    title: str
    text: str
    term: str = ""


class OptionList(QWidget):
    """Radio buttons below each other. With `one_text` only the chosen option shows its text."""

    chosen = Signal(str)
    """The user has chosen another option."""
    glossary_wanted = Signal(str)

    def __init__(self, options: Sequence[Option], parent: QWidget | None = None, *, one_text: bool = False) -> None:
        super().__init__(parent)
        self._one_text = one_text
        self.buttons: dict[str, QRadioButton] = {}
        self.texts: dict[str, QLabel] = {}
        self.questions: dict[str, Question] = {}
        self._below: dict[str, QVBoxLayout] = {}
        self._group = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        for option in options:
            self._add(option, grid)
        if options:
            self.choose(options[0].key)

    def current(self) -> str:
        """Key of the chosen option; "" where there is none."""
        return next((key for key, button in self.buttons.items() if button.isChecked()), "")

    def choose(self, key: str) -> None:
        """Choose an option without saying so."""
        self.buttons[key].setChecked(True)
        for other, button in self.buttons.items():  # Tab goes to the chosen one, as Qt itself sees to only later
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if other == key else Qt.FocusPolicy.ClickFocus)
        for other, text in self.texts.items():
            text.setVisible(not self._one_text or other == key)

    def put_below(self, key: str, widget: QWidget) -> None:
        """Let a widget stand under the text of an option that it belongs to."""
        self._below[key].addWidget(widget)

    def stops(self, key: str) -> list[QWidget]:
        """What Tab stops at for an option, in the order of the eye."""
        return [self.buttons[key], *([self.questions[key]] if key in self.questions else [])]

    def _add(self, option: Option, grid: QGridLayout) -> None:
        button = _ElidedRadio(option.title)
        button.setAccessibleDescription(option.text)
        button.clicked.connect(lambda: self._clicked(option.key))
        self._group.addButton(button)
        text = _Sentence(option.text)
        text.clicked.connect(button.click)
        if self._one_text:
            button.setToolTip(option.text)
        indent = button.style().pixelMetric(button.style().PixelMetric.PM_ExclusiveIndicatorWidth) + theme.SPACE
        text.setContentsMargins(indent, 0, 0, theme.SPACE // 2)
        self.buttons[option.key], self.texts[option.key] = button, text
        row = grid.rowCount()
        grid.addWidget(button, row, 0)
        grid.addWidget(text, row + 1, 0, 1, 2)
        if option.term:
            question = Question(option.term, option.title)
            question.asked.connect(self.glossary_wanted)
            grid.addWidget(question, row, 1)
            self.questions[option.key] = question
        self._below[option.key] = below = QVBoxLayout()
        below.setContentsMargins(indent, 0, 0, 0)
        grid.addLayout(below, row + 2, 0, 1, 2)

    def _clicked(self, key: str) -> None:
        self.choose(key)
        self.chosen.emit(key)


class _ElidedRadio(QRadioButton):
    """A radio button whose text ends in dots where there is no room for all of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._whole = text
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """Almost nothing, so that a long text does not widen the window."""
        return QSize(self.fontMetrics().averageCharWidth() * 12, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's own name
        """Cut the text to the new width."""
        super().resizeEvent(event)
        room = self.width() - self.style().pixelMetric(self.style().PixelMetric.PM_ExclusiveIndicatorWidth) - theme.SPACE
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room))
        if not self.toolTip() or self.toolTip() == self._whole:
            self.setToolTip(self._whole if self.text() != self._whole else "")


class _Sentence(QLabel):
    """A quiet, wrapping text that belongs to a button and can be clicked like it."""

    clicked = Signal()

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setWordWrap(True)
        self.setProperty("role", "muted")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's own name
        """A click within the text."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()
