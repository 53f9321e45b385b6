"""Which findings of the project are learned."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from trainer.errors import ConfigError

MOST_ROWS = 8


class FindingsBox(QListWidget):
    """A list to tick. All ticked is stored as (): all of the project, also those that come later."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: tuple[str, ...] = ()
        self._chosen: tuple[str, ...] = ()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.itemChanged.connect(lambda: self.edited.emit())
        self._fill()

    def set_findings(self, known: Sequence[str]) -> None:
        """Offer the findings of a project."""
        if tuple(known) != self._known:
            self._known = tuple(known)
            self._fill()

    def given(self) -> tuple[str, ...]:
        """The ticked ones, or () for all. Raises `ConfigError` where none is ticked."""
        ticked = tuple(self._name(item) for item in self._items() if item.checkState() == Qt.CheckState.Checked)
        if self._items() and not ticked:
            raise ConfigError("No finding is chosen", remedy="Tick at least one.")
        return () if set(ticked) == set(self._known) and len(ticked) == len(self._items()) else ticked

    def show_value(self, value: Sequence[str]) -> None:
        """Tick findings; those that the project does not know are listed too, and named so."""
        self._chosen = tuple(value)
        self._fill()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """As high as its rows, up to a few."""
        rows = min(max(self.count(), 1), MOST_ROWS)
        height = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height()
        return QSize(self.fontMetrics().horizontalAdvance("x") * 24, rows * height + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's own name
        """All of its rows: it does not scroll before it must."""
        return QSize(self.fontMetrics().averageCharWidth() * 14, self.sizeHint().height())

    def _items(self) -> list[QListWidgetItem]:
        items = [self.item(row) for row in range(self.count())]
        return [item for item in items if item.flags() & Qt.ItemFlag.ItemIsUserCheckable]

    def _name(self, item: QListWidgetItem) -> str:
        return str(item.data(Qt.ItemDataRole.UserRole))

    def _say(self, text: str) -> None:
        item = QListWidgetItem(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.addItem(item)

    def _fill(self) -> None:
        names = [*self._chosen, *(name for name in self._known if name not in self._chosen)]
        chosen = self._chosen or self._known
        self.blockSignals(True)
        self.clear()
        for name in names:
            item = QListWidgetItem(name if name in self._known else f"{name} (not in this project)")
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setToolTip(name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
            self.addItem(item)
        if not names:
            self._say("All of the project")
        self.blockSignals(False)
        self.updateGeometry()
