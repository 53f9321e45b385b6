"""The seal of the test part: what opening it means, how often it was opened, and a confirmation that takes a thought."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from trainer.errors import counted

MEANING = (
    "The test part stands for patients that nobody has looked at yet. It can say once how good the network is. "
    "Every choice that is made after looking at it (another run, other settings, other thresholds) makes its figures too good, "
    "and no other part is left to notice it."
)


_LATER = "The count stands beside its results, and in its report, from then on."


def openings_words(openings: int) -> str:
    """How often, as it stands beside every result."""
    return f"test part opened {counted(openings, 'time')}" if openings else "test part never opened"


class SealDialog(QDialog):
    """Asks before the test part is opened. Only `accept` opens it."""

    def __init__(self, run: str, openings: int, moved: int = 0, parent: QWidget | None = None, *, then: str = "") -> None:
        """`then` says what is done if it is opened, where that is more than judging a run."""
        super().__init__(parent)
        self.setWindowTitle("Open the test part?")
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 72)
        self.count = QLabel(f"<b>So far: {openings_words(openings)}</b>, counted over all runs on this split.")
        self.sure = QCheckBox("All choices are made: recipe, settings, epoch and thresholds.")
        self.sure.toggled.connect(self._confirm)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = QPushButton("Open and count it")
        theme.restyled(self.open_button, "primary")
        buttons.addButton(self.open_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.open_button.setEnabled(False)
        self.open_button.setAutoDefault(False)
        self.cancel_button = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        self.cancel_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(theme.heading("The test part is sealed", level=2))
        texts = [QLabel(MEANING), self.count, theme.muted(f"{then or _then(run)} {_LATER}")]
        if moved:
            texts.append(
                QLabel(f"{counted(moved, 'threshold')} moved and not saved: the test part is judged with the saved ones.")
            )
        for text in texts:
            text.setWordWrap(True)
            column.addWidget(text)
        column.addWidget(self.sure)
        column.addWidget(buttons)
        self.sure.setFocus(Qt.FocusReason.OtherFocusReason)

    def _confirm(self, sure: bool) -> None:
        self.open_button.setEnabled(sure)


def ask(
    parent: QWidget, run: str, openings: int, opened: Callable[[], object], *, moved: int = 0, then: str = ""
) -> SealDialog:
    """Ask, without keeping the window waiting; `opened()` is called on a yes."""
    dialog = SealDialog(run, openings, moved, parent, then=then)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted.connect(opened)
    dialog.open()
    return dialog


def _then(run: str) -> str:
    return f"The run {run} is then evaluated on it."
