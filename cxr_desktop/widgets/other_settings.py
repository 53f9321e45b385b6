"""Settings that few need: folded away behind a button, grouped by section, with a search field."""

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.rule import Rule
from cxr_desktop.widgets.setting_row import SettingRow


class OtherSettings(QWidget):
    """The button is made at once, the rows when they are first unfolded (`rows_wanted`), as making them takes time."""

    rows_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[SettingRow] = []
        self._sections: dict[str, QLabel] = {}
        self.button = QToolButton()
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.toggled.connect(self.unfold)
        self.search = QLineEdit(placeholderText="Search settings", clearButtonEnabled=True)
        self.search.setAccessibleName("Search settings")
        self.search.textChanged.connect(self._filter)
        self.nothing = theme.muted("No setting here has these words.")
        self.body = QWidget()
        self._lay_out()
        self.say_count(0)
        self.unfold(False)

    def set_rows(self, rows: Sequence[SettingRow]) -> None:
        """Fill it, once."""
        self._rows = list(rows)
        for row in rows:
            section = row.setting.section
            if section not in self._sections:
                self._sections[section] = theme.heading(section, level=2)
                self._sections[section].setContentsMargins(0, theme.SPACE, 0, 0)
                self._inner.addWidget(self._sections[section])
            self._inner.addWidget(row)
        # What is made late would otherwise come last, after all that stands below.
        for before, after in pairwise((self.search, *(stop for row in rows for stop in row.stops()))):
            QWidget.setTabOrder(before, after)

    def unfold(self, shown: bool) -> None:
        """Show the settings, or the button alone."""
        self.button.setChecked(shown)
        self.button.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        if shown and not self._rows:
            self.rows_wanted.emit()
        self.body.setVisible(shown)

    def say_count(self, changed: int) -> None:
        """Say on the button how many of the settings behind it are changed."""
        self.button.setText(f"All settings ({changed} changed)" if changed else "All settings")

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        self._inner = QVBoxLayout(self.body)
        for layout in (column, self._inner):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(theme.SPACE // 2)
        for part in (Rule(), self.button, self.body):
            column.addWidget(part)
        for part in (self.search, self.nothing):
            self._inner.addWidget(part)
        self.nothing.hide()

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        found = {row.setting.key: row.matches(words) for row in self._rows}
        for row in self._rows:
            row.setVisible(found[row.setting.key])
        for section, heading in self._sections.items():
            heading.setVisible(any(found[row.setting.key] for row in self._rows if row.setting.section == section))
        self.nothing.setVisible(not any(found.values()))
